# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proxies and authorities, as the environment of the host sets them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound
from ansible_collections.secops.xdr.plugins.module_utils._argspec import stellar_connection
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings
from ansible_collections.secops.xdr.plugins.module_utils._http.proxies import proxies_for
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://server.example.com"
PARAMS: dict[str, Any] = {"host": "server.example.com", "validate_certs": True, "ca_path": None, "timeout": 30, "retries": 0}


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("http://", "it has no valid host"),
        ("http://:3128", "it has no valid host"),
        ("http://proxy:port", "it has no valid host"),
        ("http://[::1", "it has no valid host"),
        ("ftp://proxy.example.com", "unknown scheme ftp://"),
        ("socks5h://127.0.0.1:9", "needs the Python library PySocks"),
        ("socks4://127.0.0.1:9", "needs the Python library PySocks"),
    ],
)
def test_a_proxy_that_cannot_be_used_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, problem: str):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv(variable, value)

    with pytest.raises(InputError, match=problem) as caught:
        proxies_for(URL, SecretKeeper())
    assert variable in caught.value.message


@pytest.mark.parametrize(
    "value", ["http://proxy.example.com:3128", "proxy.example.com:3128", "https://user:pa%20ss@proxy.example.com", "", " "]
)
def test_a_proxy_that_can(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("HTTPS_PROXY", value)

    assert proxies_for(URL, SecretKeeper()).get("https") == (value or None if value.strip() else None)


def test_a_bad_proxy_for_other_servers_is_nobodys_business(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    monkeypatch.setenv("NO_PROXY", "server.example.com")

    assert proxies_for(URL, SecretKeeper()) == {}


@pytest.mark.parametrize("exception", ["::1", "[::1]", "::/64", "[::]/64", "10.0.0.0/8, ::1"])
def test_ipv6_exceptions(monkeypatch: pytest.MonkeyPatch, exception: str):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", exception)

    assert proxies_for("https://[::1]:8443", SecretKeeper()) == {}
    assert proxies_for("https://[2001:db8::1]", SecretKeeper()) != {}


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_that_is_not_there_names_its_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str):
    monkeypatch.setenv(variable, str(tmp_path / "nowhere.pem"))

    with pytest.raises(InputError, match=variable):
        ConnectionSettings.from_params(PARAMS)
    assert ConnectionSettings.from_params({**PARAMS, "validate_certs": False}).ca_path is None
    monkeypatch.setenv(variable, " ")
    assert ConnectionSettings.from_params(PARAMS).ca_path is None


def test_a_blank_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    option = stellar_connection().options["timeout"]
    function, names = option["fallback"]
    for value in ("", "  ", "\t\n"):
        monkeypatch.setenv("STELLAR_TIMEOUT", value)
        with pytest.raises(AnsibleFallbackNotFound):
            function(*names)
    monkeypatch.setenv("STELLAR_TIMEOUT", " 5 ")
    assert function(*names) == "5"
