# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own certificate authority and the certificate it shows."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATES = ("good", "wrong-host", "untrusted", "expired", "none")
NAMES = ("localhost", "127.0.0.1", "::1")
WRONG_NAME = "other-appliance.example.com"
_ENDED = dt.datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class Authority:
    """A CA whose certificate is in `folder/ca.pem`, and the certificates that a server can show beside it."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.path = folder / "ca.pem"
        write_atomically(self.path, self._authority.cert_pem.bytes())

    def context(self, certificate: str) -> ssl.SSLContext | None:
        """The server's TLS context with a new certificate.

        `good` is valid for localhost, `wrong-host` for another name, `untrusted` comes from a CA that is not in
        the file, `expired` ended long ago. `none` gives no context: plain HTTP.
        """
        if certificate not in CERTIFICATES:
            raise ValueError(f"certificate: expected one of {', '.join(CERTIFICATES)}, got {certificate!r}")
        if certificate == "none":
            return None
        issuer = trustme.CA() if certificate == "untrusted" else self._authority
        names = (WRONG_NAME,) if certificate == "wrong-host" else NAMES
        leaf = issuer.issue_cert(*names, not_after=_ENDED) if certificate == "expired" else issuer.issue_cert(*names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


def prepare(certificate: str, folder: Path) -> tuple[ssl.SSLContext | None, Path]:
    """Make a CA, write its certificate to `folder/ca.pem`, and give the server's TLS context, as `Authority` makes it, and that path."""
    authority = Authority(folder)
    return authority.context(certificate), authority.path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
