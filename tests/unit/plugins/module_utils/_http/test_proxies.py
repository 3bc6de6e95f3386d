# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proxy that the environment sets for a server: which one is used, and what is said of one that cannot be."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._http.proxies import proxies_for, proxy_variable
from ansible_collections.secops.xdr.plugins.module_utils._secrets import NOT_SHOWN, SecretKeeper

URL = "https://server.example.com"
PROXY = "http://proxy.example.com:3128"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("http://", "no valid host"),
        ("http://:3128", "no valid host"),
        ("http://[::1", "no valid host"),
        ("http://user:secret@", "no valid host"),
        ("http://bad host:3128", "no valid host"),
        ("http://proxy:port", "port is not a number"),
        ("http://proxy:99999", "port is not a number"),
        ("http://user:pa/ss@proxy:3128", "write that as %2F"),
        ("ftp://proxy.example.com", "unknown scheme ftp://"),
        ("socks://proxy.example.com", "unknown scheme socks://"),
        ("http:/proxy:3128", "does not begin with http://"),
        ("//proxy:3128", "does not begin with http://"),
        ("'http://proxy:3128'", "remove the quotation marks"),
        ("http://user:pass€word@proxy:3128", "user or password contains a character"),
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
    assert "secret" not in caught.value.message
    assert "NO_PROXY" in caught.value.message


@pytest.mark.parametrize("value", [PROXY, "proxy:3128", "https://user:pa%20ss@proxy.example.com", "http://[::1]:3128/", "http://pröxy"])
def test_a_proxy_that_can(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("HTTPS_PROXY", f" {value}\n")
    assert proxies_for(URL, SecretKeeper()) == {"https": value}


def test_the_password_of_a_proxy_is_kept(monkeypatch: pytest.MonkeyPatch):
    secrets = SecretKeeper()
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter%202@proxy.example.com")
    proxies_for(URL, secrets)
    assert secrets.shown("hunter 2") == NOT_SHOWN


@pytest.mark.parametrize("value", ["", " "])
def test_a_blank_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch, value: str):
    monkeypatch.setenv("HTTPS_PROXY", value)
    assert proxies_for(URL, SecretKeeper()) == {}
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert proxies_for(URL, SecretKeeper()) == {"https": PROXY}


@pytest.mark.parametrize("value", ["http://", "http://[::1", "socks5h://proxy", "http://user:pass€word@proxy"])
@pytest.mark.parametrize(
    ("bad", "others", "proxies"),
    [
        ("HTTP_PROXY", {}, {}),
        ("FTP_PROXY", {"HTTPS_PROXY": PROXY}, {"https": PROXY}),
        ("ALL_PROXY", {"HTTPS_PROXY": PROXY}, {"https": PROXY}),
        ("HTTPS_PROXY", {"https_proxy": PROXY}, {"https": PROXY}),
        ("HTTPS_PROXY", {"NO_PROXY": "server.example.com"}, {}),
    ],
)
def test_a_variable_that_this_connection_does_not_use_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, bad: str, others: dict[str, str], proxies: dict[str, str], value: str
):
    for name, other in {bad: value, **others}.items():
        monkeypatch.setenv(name, other)
    assert proxies_for(URL, SecretKeeper()) == proxies


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"all_proxy": PROXY, "HTTP_PROXY": "http://other"}, "all_proxy"),
        ({"HTTPS_PROXY": "http://other", "https_proxy": PROXY}, "https_proxy"),
    ],
)
def test_the_variable_of_the_proxy_in_use(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str):
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    assert proxy_variable(URL) == name


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    ("exceptions", "covered", "others"),
    [
        ("::1", ["https://[::1]:8443"], ["https://[2001:db8::1]"]),
        ("[::1]", ["https://[::1]"], ["https://[::2]"]),
        ("::/64", ["https://[::1]:8443"], ["https://[2001:db8::1]"]),
        ("[2001:db8::]/32", ["https://[2001:db8::1]"], ["https://[::1]"]),
        ("[::1]:8443", ["https://[::1]:8443"], ["https://[::1]"]),
        ("fe80::/10", ["https://[fe80::1%eth0]"], []),
        ("10.0.0.0/8, ::1", ["https://[::1]", "https://10.1.2.3"], ["https://11.1.2.3"]),
        ("10.1.2.3:443", ["https://10.1.2.3"], ["https://10.1.2.3:8443"]),
        (".example.com", ["https://a.example.com", "https://example.com"], ["https://notexample.com"]),
        ("*.example.com", ["https://a.example.com"], ["https://a.example.org"]),
        ("EXAMPLE.com:8443", ["https://a.example.com:8443"], ["https://a.example.com"]),
        ("localhost 127.0.0.1\texample.com", ["https://example.com", "https://127.0.0.1"], ["https://example.org"]),
        ("localhost,*", ["https://example.com", "https://[::1]", "https://10.1.2.3"], []),
        (",", [], ["https://example.com"]),
        (" ", [], ["https://example.com"]),
    ],
)
def test_exceptions(monkeypatch: pytest.MonkeyPatch, variable: str, exceptions: str, covered: list[str], others: list[str]):
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv(variable, exceptions)

    assert [proxies_for(url, SecretKeeper()) for url in covered] == [{}] * len(covered)
    assert [proxies_for(url, SecretKeeper()) for url in others] == [{"https": PROXY}] * len(others)
