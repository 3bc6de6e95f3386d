# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and URLs that users give, and the proxies and authorities that the environment sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound
from ansible_collections.secops.xdr.plugins.module_utils._argspec import stellar_connection
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings, parse_host, proxies_for
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

if TYPE_CHECKING:
    from pathlib import Path

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

URL = "https://server.example.com"
PARAMS: dict[str, Any] = {"host": "server.example.com", "validate_certs": True, "ca_path": None, "timeout": 30, "retries": 0}


class TestHost:
    @pytest.mark.parametrize(
        ("host", "url"),
        [
            ("extrahop.example.com", "https://extrahop.example.com"),
            (" extrahop.example.com ", "https://extrahop.example.com"),
            ("extrahop.example.com:8443", "https://extrahop.example.com:8443"),
            ("https://extrahop.example.com", "https://extrahop.example.com"),
            ("HTTPS://ExtraHop.example.com/", "https://extrahop.example.com"),
            ("https://extrahop.example.com:8443//", "https://extrahop.example.com:8443"),
            ("10.1.2.3", "https://10.1.2.3"),
            ("[fd00::1]:8443", "https://[fd00::1]:8443"),
            ("[fd00::1]", "https://[fd00::1]"),
            ("fd00::1", "https://[fd00::1]"),
            ("extrahop", "https://extrahop"),
            ("extrahop.example.com.", "https://extrahop.example.com."),
            ("my_host", "https://my_host"),
        ],
    )
    def test_forms(self, host, url):
        assert parse_host(host, validate_certs=True) == url

    def test_plain_http_only_where_certificates_are_not_checked(self):
        with pytest.raises(InputError, match="unprotected"):
            parse_host("http://127.0.0.1:8080", validate_certs=True)
        assert parse_host("http://127.0.0.1:8080", validate_certs=False) == "http://127.0.0.1:8080"

    @pytest.mark.parametrize(
        "host", ["a..b", "-a", "a-", ".", f"{'a' * 64}.example.com", "abcd." * 60, "a.b..", "a/b", "a?b", "a#b", "ä.example.com"]
    )
    def test_names_that_dns_cannot_hold(self, host):
        with pytest.raises(InputError, match=r"^host: "):
            parse_host(host, validate_certs=True)

    @pytest.mark.parametrize("host", ["[2001:db8:x::1]", "[2001:db\u00e9::1]:443", "[::1:2:3:4:5:6:7:8:9]", "[fe80::1%\u00e9]"])
    def test_what_is_no_address_between_brackets(self, host):
        with pytest.raises(InputError, match=r"^host: "):
            parse_host(host, validate_certs=True)

    @hypothesis.given(st.text(max_size=40))
    def test_anything_is_a_host_or_refused(self, text):
        refused, url = "", ""
        try:
            url = parse_host(text, validate_certs=False)
        except InputError as error:
            refused = error.message
        if refused:
            assert refused.startswith("host: ")
        else:
            assert url.isprintable()
            assert " " not in url
            assert parse_host(url, validate_certs=False) == url


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
