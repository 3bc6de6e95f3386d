# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The address of a product, the settings of the connection, and the proxies that the environment sets, checked before anything is sent."""

from __future__ import annotations

import importlib.util
import os
import re
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._errors import InputError
from .._texts import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._secrets import SecretKeeper

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,254}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
"""As DNS has it, with the underscores that some sites use."""
_IPV6 = re.compile(r"[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\Z")
"""The part of a URL that its parser takes for an address, with an interface name if it has one."""
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


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
    """The credential without white space around it, as files end with a line break; raises InputError where it cannot be in a header."""
    stripped = value.strip()
    if not stripped:
        raise InputError(f"{option}: the value is empty; check the variable, vault or environment that it comes from.")
    if any(character < " " or character == "\x7f" for character in stripped):
        raise InputError(f"{option}: the value contains a line break or another control character, which no credential of this API has.")
    return stripped


def _authorities(ca_path: str | None) -> tuple[str, str | None]:
    """Returns what messages call the file or folder of certificate authorities, and its path; raises InputError if it is not there."""
    if ca_path and ca_path.strip():
        if not os.path.exists(ca_path):
            raise InputError(
                f"ca_path: there is no file or folder {ca_path} on the host that runs the module. "
                "It must contain the certificate authority, in PEM form, that signed the server's certificate."
            )
        return "`ca_path`", ca_path
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(variable, "").strip()
        if path:
            if not os.path.exists(path):
                raise InputError(
                    f"The environment variable {variable} names {path}, and there is no such file or folder on the host that runs the "
                    f"module. Correct or unset {variable}, or set `ca_path`."
                )
            return f"the environment variable {variable}", path
    return "`ca_path`", None


def parse_host(host: str, validate_certs: bool) -> str:
    """The base URL (no slash at its end) for a host, host:port or URL; raises InputError.

    Plain HTTP is taken only with `validate_certs=False`: it protects the credentials no better than an unchecked certificate does.
    """
    text = host.strip()
    if not text:
        raise InputError("host: the value is empty; check the variable or environment that it comes from.")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "https", _bracketed(text)
    if scheme.lower() not in ("https", "http"):
        raise InputError(f"host: {printable(scheme)}:// is not a scheme to reach an API with; give a host, host:port or https:// URL.")
    if scheme.lower() == "http" and validate_certs:
        raise InputError("host: an http:// URL sends the credentials unprotected; use https://, or set validate_certs to false for a test.")
    return f"{scheme.lower()}://{_network_location(rest)}"


def _bracketed(text: str) -> str:
    return f"[{text}]" if _is_ipv6(text) else text


def _is_ipv6(text: str) -> bool:
    # Python before 3.11 takes anything between brackets for an address.
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return text.isascii()


def _network_location(rest: str) -> str:
    if not rest.isprintable() or " " in rest:
        raise InputError(f"host: {rest!r} is not a host, host:port or https:// URL.")
    if "@" in rest:
        raise InputError("host: a URL with a user or password in it is not accepted; credentials have options of their own.")
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


def proxies_for(base_url: str, secrets: SecretKeeper) -> Mapping[str, str]:
    """Returns the proxies for a server by scheme, as requests takes them; raises InputError if the one in use cannot work.

    Passwords in their URLs are registered as secrets.
    """
    # Imported late: uploads read the settings of the connection also if nothing is sent.
    from .library import requests

    if _is_in_ipv6_exceptions(base_url):
        return {}
    proxies = {scheme: url.strip() for scheme, url in requests.utils.get_environ_proxies(base_url).items() if url.strip()}
    used = requests.utils.select_proxy(base_url, proxies)
    for url in proxies.values():
        if url == used:
            _check_proxy(url)
        _hide_credentials_of(url, secrets)
    return proxies


def proxy_variable(url: str) -> str:
    """Returns the name of the environment variable that sets this proxy."""
    names = [name for name, value in os.environ.items() if name.upper() in _PROXY_VARIABLES and value.strip() == url]
    return names[0] if names else "HTTPS_PROXY"


def _check_proxy(url: str) -> None:
    name = proxy_variable(url)
    try:
        # Without a scheme, requests takes an HTTP proxy.
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise InputError(f"The environment variable {name} is not the URL of a proxy: it has no valid host. {_proxy_advice(name)}")
    if parts.scheme not in _PROXY_SCHEMES:
        raise InputError(f"The environment variable {name} names a proxy with the unknown scheme {parts.scheme}://. {_proxy_advice(name)}")
    if parts.scheme.startswith("socks") and not importlib.util.find_spec("socks"):
        raise InputError(
            f"The environment variable {name} names a SOCKS proxy, which needs the Python library PySocks on the host that runs the "
            f"module. Install it (pip install PySocks), or use an HTTP proxy. To use no proxy, unset {name} or add the host to NO_PROXY."
        )


def _proxy_advice(name: str) -> str:
    return f"Set {name} to http://HOST:PORT, or unset it. To use no proxy for this server, add its host to NO_PROXY."


def _is_in_ipv6_exceptions(base_url: str) -> bool:
    """Returns whether NO_PROXY lists this IPv6 address or its network; requests knows only IPv4 networks, and no brackets."""
    try:
        address = IPv6Address((urlsplit(base_url).hostname or "").partition("%")[0])
    except ValueError:
        return False
    for entry in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(","):
        try:
            if address in IPv6Network(entry.strip().replace("[", "").replace("]", ""), strict=False):
                return True
        except ValueError:
            continue
    return False


def _hide_credentials_of(proxy: str, secrets: SecretKeeper) -> None:
    """Registers the password in the URL of a proxy, alone and in the header that requests makes of it."""
    from .library import HTTPAdapter, requests

    secrets.add(requests.utils.get_auth_from_url(proxy)[1])
    try:
        headers = HTTPAdapter().proxy_headers(proxy)
    except UnicodeEncodeError:
        message = (
            f"The user or password in the URL of the proxy contains a character that requests cannot send; check {proxy_variable(proxy)}."
        )
        raise InputError(message) from None
    for header in headers.values():
        secrets.add(header.partition(" ")[2])
