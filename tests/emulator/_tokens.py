# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokens that the emulator has issued, and their expiry."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

GOOD = "good"
EXPIRED = "expired"
UNKNOWN = "unknown"


@dataclass
class Token:
    """The expiry of a token (seconds since the epoch) and its holder."""

    ends: float
    holder: str


class Tokens:
    """The tokens of one product."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._secret = secrets.token_bytes(32)

    def give_opaque(self, life: float, holder: str) -> str:
        """A random token that lives `life` seconds."""
        return self._keep(secrets.token_urlsafe(48), life, holder)

    def give_jwt(self, life: float, holder: str) -> str:
        """A signed JSON web token that lives `life` seconds."""
        now = time.time()
        claims = {"sub": holder, "iat": int(now), "exp": int(now + life), "jti": secrets.token_hex(8)}
        parts = [_encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signature = hmac.new(self._secret, ".".join(parts).encode(), hashlib.sha256).digest()
        return self._keep(".".join([*parts, _encoded(signature)]), life, holder)

    def look(self, text: str) -> tuple[str, str]:
        """The state of a token (good, expired, unknown) and its holder."""
        token = self._tokens.get(text)
        if token is None:
            return UNKNOWN, ""
        return (GOOD if time.time() < token.ends else EXPIRED), token.holder

    def expire(self) -> int:
        """Expire every token now, and return the number of valid ones."""
        now = time.time()
        living = [token for token in self._tokens.values() if token.ends > now]
        for token in living:
            token.ends = now
        return len(living)

    def clear(self) -> None:
        """Forget every token."""
        self._tokens.clear()

    def _keep(self, text: str, life: float, holder: str) -> str:
        self._tokens[text] = Token(time.time() + life, holder)
        return text


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
