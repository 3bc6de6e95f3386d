# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Finds the proxy for a server in the environment of the host that runs the module."""

from __future__ import annotations

import importlib.util
import os
import re
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from .._errors import InputError
from .library import HTTPAdapter, requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._secrets import SecretKeeper

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_PORTS = {"http": 80, "https": 443}
_WRONG_IN_HOST = re.compile(r"[^\w.:%-]|\.\.|\A[.-]")
_ESCAPES = "If its user or password contains one of / : @ # ? %, write that as %2F, %3A, %40, %23, %3F or %25."


def proxies_for(base_url: str, secrets: SecretKeeper) -> Mapping[str, str]:
    """Returns the proxy for a server by scheme, as requests takes it; raises InputError if it cannot work.

    Passwords in the URLs of all proxies are registered as secrets. Proxies that this server does not need are not checked.
    """
    used = _used_proxy(base_url)
    if used:
        _check(used)
    for url in requests.utils.get_environ_proxies(base_url).values():
        try:
            _hide_credentials_of(url.strip(), secrets)
        except ValueError as error:
            if url.strip() == used:
                problem = "its user or password contains a character that requests cannot send."
                raise _unusable(used, problem) from error
    return {urlsplit(base_url).scheme: used} if used else {}


def proxy_variable(base_url: str) -> str:
    """Returns the name of the environment variable that sets the proxy for a server."""
    return _variable_of(_used_proxy(base_url) or "")


def _used_proxy(base_url: str) -> str | None:
    if _is_excepted(urlsplit(base_url)):
        return None
    proxies = {scheme: url.strip() for scheme, url in requests.utils.get_environ_proxies(base_url).items() if url.strip()}
    used: str | None = requests.utils.select_proxy(base_url, proxies)
    return used


def _variable_of(url: str) -> str:
    names = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value.strip() == url]
    return next((name for name in names if name.lower() != "no_proxy"), "HTTPS_PROXY")


def _check(url: str) -> None:
    problem = _problem_with(url)
    if problem:
        raise _unusable(url, problem)
    if url.lower().startswith("socks") and "://" in url and not importlib.util.find_spec("socks"):
        name = _variable_of(url)
        raise InputError(
            f"The environment variable {name} names a SOCKS proxy, which needs the Python library PySocks on the host that runs the "
            f"module. Install it (pip install PySocks), or use an HTTP proxy. To use no proxy, unset {name} or add the host to NO_PROXY."
        )


def _unusable(url: str, problem: str) -> InputError:
    name = _variable_of(url)
    return InputError(
        f"The environment variable {name} is not the URL of a proxy: {problem} Set {name} to http://HOST:PORT, or unset it. To use no "
        "proxy for this server, add its host to NO_PROXY."
    )


def _problem_with(url: str) -> str:
    """Returns a sentence about the fault in the URL of a proxy; never the URL itself, which may contain a password."""
    if url[:1] in "'\"":
        return "it begins with a quotation mark; remove the quotation marks."
    # Without a scheme, requests assumes an HTTP proxy.
    scheme, separator, rest = url.partition("://") if "://" in url else ("http", "://", url)
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*\Z", scheme):
        return "it does not begin with http:// or https://."
    if scheme.lower() not in _SCHEMES:
        return f"it has the unknown scheme {scheme.lower()}://."
    if separator not in url and "/" in rest.rstrip("/"):
        return "it does not begin with http:// or https://."
    try:
        host = urlsplit(f"//{rest}").hostname
    except ValueError:
        host = None
    if not host or _WRONG_IN_HOST.search(host):
        return f"it has no valid host. {_ESCAPES}"
    try:
        port = urlsplit(f"//{rest}").port
    except ValueError:
        port = 0
    return f"its port is not a number from 1 to 65535. {_ESCAPES}" if port == 0 else ""


def _is_excepted(server: SplitResult) -> bool:
    """Returns whether NO_PROXY lists this server.

    requests has the same rules for names and IPv4 networks. This function also accepts IPv6 networks, brackets, ports of addresses,
    `*.example.com`, `*` with other entries, and spaces between entries.
    """
    host, port = (server.hostname or "").partition("%")[0].rstrip("."), server.port or _PORTS.get(server.scheme)
    exceptions = next((value for value in map(os.environ.get, ("no_proxy", "NO_PROXY")) if value and value.strip()), "")
    for entry in re.split(r"[,\s]+", exceptions):
        name, entry_port = entry, ""
        if entry.count(":") == 1 or "]:" in entry:
            name, _colon, entry_port = entry.rpartition(":")
        if entry_port in ("", str(port)) and _covers(name.replace("[", "").replace("]", ""), host):
            return True
    return False


def _covers(name: str, host: str) -> bool:
    """Returns whether one entry of NO_PROXY, without its port, covers a host."""
    if name == "*":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        domain = name.lower().lstrip("*").strip(".")
        return bool(domain) and f".{host}".endswith(f".{domain}")
    with suppress(ValueError):
        return address in ip_network(name, strict=False)
    return False


def _hide_credentials_of(proxy: str, secrets: SecretKeeper) -> None:
    """Registers the password in the URL of a proxy, both alone and in the header that requests builds from it."""
    secrets.add(requests.utils.get_auth_from_url(proxy)[1])
    for header in HTTPAdapter().proxy_headers(proxy).values():
        secrets.add(header.partition(" ")[2])
