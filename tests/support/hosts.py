# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes this process behave as on another kind of host."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import pytest


def become_fips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allows only the digests of FIPS 140, like Python on such a host."""

    def refused(_data: bytes = b"", **options: Any) -> NoReturn:
        if "digest_size" in options:
            raise TypeError("'digest_size' is an invalid keyword argument for openssl_blake2b()")
        raise ValueError("[digital envelope routines] unsupported")

    for name in ("blake2b", "blake2s", "md5", "sha1"):
        monkeypatch.setattr(hashlib, name, refused)
