# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's own certificate authority and server certificate."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from typing import TYPE_CHECKING

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509.oid import ExtensionOID

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATES = ("good", "wrong-host", "untrusted", "expired", "no-key-id", "none")
NAMES = ("localhost", "127.0.0.1", "::1", "extrahop.example.com", "stellar.example.com")
"""The loopback, and the hosts of the guides: tests run the commands of the guides as they are printed."""
WRONG_NAME = "other-appliance.example.com"
_ENDED = dt.datetime.fromisoformat("2020-01-01T00:00:00+00:00")


class Authority:
    """A CA whose certificate is in `folder/ca.pem`, and the certificates that a server can use."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self.path = folder / "ca.pem"
        write_atomically(self.path, self._authority.cert_pem.bytes())

    def context(self, certificate: str) -> ssl.SSLContext | None:
        """The server's TLS context with a new certificate.

        `good` is valid for localhost, `wrong-host` for another name, `untrusted` comes from a CA that is not in the file, `expired` ended
        long ago, `no-key-id` lacks the identifier of its authority's key, as the strict checks of Python 3.13 want it. `none` gives no
        context: plain HTTP.
        """
        if certificate not in CERTIFICATES:
            raise ValueError(f"certificate: expected one of {', '.join(CERTIFICATES)}, got {certificate!r}")
        if certificate == "none":
            return None
        issuer = trustme.CA() if certificate == "untrusted" else self._authority
        names = (WRONG_NAME,) if certificate == "wrong-host" else NAMES
        leaf = issuer.issue_cert(*names, not_after=_ENDED) if certificate == "expired" else issuer.issue_cert(*names)
        if certificate == "no-key-id":
            leaf = _without_key_identifier(leaf, self._authority)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


def _without_key_identifier(leaf: trustme.LeafCert, authority: trustme.CA) -> trustme.LeafCert:
    """The same certificate without the extension authorityKeyIdentifier, as many small authorities issue them."""
    given = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    builder = x509.CertificateBuilder(
        given.issuer, given.subject, given.public_key(), given.serial_number, given.not_valid_before_utc, given.not_valid_after_utc
    )
    for extension in given.extensions:
        if extension.oid != ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
            builder = builder.add_extension(extension.value, extension.critical)
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    signed = builder.sign(key, hashes.SHA256())
    return trustme.LeafCert(leaf.private_key_pem.bytes(), signed.public_bytes(serialization.Encoding.PEM), [])


def prepare(certificate: str, folder: Path) -> tuple[ssl.SSLContext | None, Path]:
    """Make a CA, write its certificate to `folder/ca.pem`, and give the server's TLS context, as `Authority` makes it, and that path."""
    authority = Authority(folder)
    return authority.context(certificate), authority.path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)
