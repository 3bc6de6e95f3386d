# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Proxies, as the environment of the host that runs the module sets them."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .._errors import InputError
from .library import HTTPAdapter, requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._secrets import SecretKeeper

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def proxies_for(base_url: str, secrets: SecretKeeper) -> Mapping[str, str]:
    """Returns the proxies for a server by scheme, as requests takes them; raises InputError if the one in use cannot work.

    Passwords in their URLs are registered as secrets.
    """
    if _is_in_ipv6_exceptions(base_url):
        return {}
    proxies = {scheme: url.strip() for scheme, url in requests.utils.get_environ_proxies(base_url).items() if url.strip()}
    used = requests.utils.select_proxy(base_url, proxies)
    for url in proxies.values():
        if url == used:
            _check(url)
        _hide_credentials_of(url, secrets)
    return proxies


def proxy_variable(url: str) -> str:
    """Returns the name of the environment variable that sets this proxy."""
    names = [name for name, value in os.environ.items() if name.upper() in _VARIABLES and value.strip() == url]
    return names[0] if names else "HTTPS_PROXY"


def _check(url: str) -> None:
    name = proxy_variable(url)
    try:
        # Without a scheme, requests takes an HTTP proxy.
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise InputError(f"The environment variable {name} is not the URL of a proxy: it has no valid host. {_advice(name)}")
    if parts.scheme not in _SCHEMES:
        raise InputError(f"The environment variable {name} names a proxy with the unknown scheme {parts.scheme}://. {_advice(name)}")
    if parts.scheme.startswith("socks") and not importlib.util.find_spec("socks"):
        raise InputError(
            f"The environment variable {name} names a SOCKS proxy, which needs the Python library PySocks on the host that runs the "
            f"module. Install it (pip install PySocks), or use an HTTP proxy. To use no proxy, unset {name} or add the host to NO_PROXY."
        )


def _advice(name: str) -> str:
    return f"Set {name} to http://HOST:PORT, or unset it. To use no proxy for this server, add its host to NO_PROXY."


def _is_in_ipv6_exceptions(base_url: str) -> bool:
    """Returns whether NO_PROXY lists this IPv6 address or its network; requests knows only IPv4 networks, and no brackets."""
    try:
        address = ipaddress.IPv6Address((urlsplit(base_url).hostname or "").partition("%")[0])
    except ValueError:
        return False
    for entry in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(","):
        try:
            if address in ipaddress.IPv6Network(entry.strip().replace("[", "").replace("]", ""), strict=False):
                return True
        except ValueError:
            continue
    return False


def _hide_credentials_of(proxy: str, secrets: SecretKeeper) -> None:
    """Registers the password in the URL of a proxy, alone and in the header that requests makes of it."""
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
