# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The address of a product and the settings of the connection, checked before anything is sent."""

from __future__ import annotations

import os
import re
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._argspec import environment_value, is_from_environment
from .._errors import InputError
from .._texts import printable, system_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
"""A DNS name, with the underscores that some sites use."""
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\Z")
"""The part of a URL that is parsed as an address, with an interface name if it has one."""
_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----")
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+\Z")
"""The name of a certificate in a folder of authorities, as `openssl rehash` creates it. OpenSSL ignores other files there."""
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class ConnectionSettings(NamedTuple):
    """One product's address and transport options; `timeout` is in seconds."""

    base_url: str
    validate_certs: bool
    ca_path: str | None
    timeout: int
    retries: int
    ca_name: str = "`ca_path`"
    """The source of `ca_path`, for messages."""

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> ConnectionSettings:
        """Reads and checks the connection options of a module; raises InputError."""
        validate_certs: bool = params["validate_certs"]
        ca_name, ca_path = _authorities(params["ca_path"]) if validate_certs else ("`ca_path`", None)
        if params["timeout"] < 1:
            raise InputError(f"timeout: {params['timeout']} is too small; give whole seconds, 1 or more.")
        if params["retries"] < 0:
            raise InputError(f"retries: {params['retries']} is negative; give 0 or more.")
        return cls(
            base_url=parse_host(params["host"], validate_certs),
            validate_certs=validate_certs,
            ca_path=ca_path,
            timeout=params["timeout"],
            retries=params["retries"],
            ca_name=ca_name,
        )


def checked_credential(option: str, value: str) -> str:
    """Returns the stripped credential (files end with a line break); raises InputError if it cannot be sent in a header."""
    stripped = value.strip()
    if not stripped:
        raise InputError(f"{option}: the value is empty; check the variable, vault or environment that it comes from.")
    if any(character < " " or character == "\x7f" for character in stripped):
        raise InputError(f"{option}: the value contains a line break or another control character, which no credential of this API has.")
    if "\ufffd" in stripped:
        raise InputError(f"{option}: the value contains a character that is not UTF-8; check the file or environment that it comes from.")
    return stripped


def _authorities(ca_path: str | None) -> tuple[str, str | None]:
    """Returns the name of the setting for the authorities, for messages, and their file or folder; raises InputError if unusable."""
    if ca_path and ca_path.strip():
        variables = [name for name in ("EXTRAHOP_CA_PATH", "STELLAR_CA_PATH") if is_from_environment(name, ca_path)]
        name = f"`ca_path` (environment variable {variables[0]})" if variables else "`ca_path`"
        return name, _checked_authorities(name, ca_path, "Set it to the certificate authority that signed the server's certificate.")
    for variable in _BUNDLES:
        path = environment_value(variable)
        if path:
            name = f"the environment variable {variable}"
            return name, _checked_authorities(name, path, f"Correct or unset {variable}, or set `ca_path`.")
    return "`ca_path`", None


def _checked_authorities(name: str, path: str, advice: str) -> str:
    """Returns the path in the form that other libraries accept in any locale; raises InputError if no certificates can be read there."""
    problem = _problem_with_authorities(system_name(path))
    if problem:
        raise InputError(f"{name[:1].upper()}{name[1:]} names {path}, and {problem} on the host that runs the module. {advice}")
    return os.fsdecode(system_name(path))


def _problem_with_authorities(path: bytes) -> str:
    try:
        if os.path.isdir(path):
            names = os.listdir(os.fsdecode(path))
            return "" if any(map(_HASHED_NAME.match, names)) else "that folder has no certificate that `openssl rehash` has given a name"
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return "there is no such file or folder"
    except OSError as error:
        return f"that cannot be read ({error.strerror})"
    if _PEM.search(content):
        return ""
    if content.startswith(b"\x30"):
        return "that is in DER form, not in PEM form (`openssl x509 -inform der` converts it),"
    return "that file has no certificate in PEM form (a block that begins with -----BEGIN CERTIFICATE-----)"


def parse_host(host: str, validate_certs: bool) -> str:
    """Returns the base URL, without a slash at its end, for a host, host:port or URL; raises InputError.

    Plain HTTP is accepted only with `validate_certs=False`: it protects credentials no better than an unchecked certificate.
    """
    text = host.strip()
    if not text:
        raise InputError("host: the value is empty; check the variable or environment that it comes from.")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", _bracketed(text)
    if scheme.lower() not in ("https", "http"):
        raise InputError(f"host: {printable(scheme)}:// is not a scheme for an API; give a host, host:port or https:// URL.")
    if scheme.lower() == "http" and validate_certs:
        raise InputError("host: an http:// URL sends the credentials unprotected; use https://, or set validate_certs to false for a test.")
    return f"{scheme.lower()}://{_network_location(rest)}"


def _bracketed(text: str) -> str:
    return f"[{text}]" if _is_ipv6(text) else text


def _is_ipv6(text: str) -> bool:
    # Python before 3.11 accepts any text between brackets as an address.
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return text.isascii()


def _network_location(rest: str) -> str:
    if not rest.isprintable() or " " in rest:
        raise InputError(f"host: {rest!r} is not a host, host:port or https:// URL.")
    if "@" in rest:
        raise InputError("host: a URL with a user or password in it is not accepted; use the options for credentials.")
    try:
        parts = urlsplit(f"//{rest}")
        name, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"host: {rest!r} is not a host, host:port or https:// URL ({error}).") from error
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(f"host: {rest!r} has a path; give only host, host:port or https://host:port, the modules know the paths.")
    if not name or not ((_is_ipv6(name) and _IPV6.match(name)) or _HOST_NAME.match(name)):
        raise InputError(f"host: {rest!r} is not a host, host:port or https:// URL.")
    shown = f"[{name}]" if ":" in name else name
    return shown if port is None else f"{shown}:{port}"
