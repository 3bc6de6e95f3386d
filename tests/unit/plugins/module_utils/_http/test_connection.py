# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and URLs that users give, and the certificate authorities that options and the environment name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound
from ansible_collections.secops.xdr.plugins.module_utils._argspec import stellar_connection
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import ConnectionSettings, parse_host

from support.obedient_root import modes_obeyed

if TYPE_CHECKING:
    from pathlib import Path

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")

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


CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@pytest.fixture
def useless(tmp_path: Path) -> dict[str, Path]:
    """Files and folders from which no authority can be read, by what is wrong with them."""
    places = {what: tmp_path / what for what in ("no such file", "no certificate in PEM form", "DER form", "openssl rehash")}
    places["no certificate in PEM form"].write_text("-----BEGIN PRIVATE KEY-----\nMIIB\n", encoding="ascii")
    places["DER form"].write_bytes(b"\x30\x82\x01\x0a\x02")
    places["openssl rehash"].mkdir()
    (places["openssl rehash"] / "ca.pem").write_text(CERTIFICATE, encoding="ascii")
    return places


@pytest.mark.parametrize("problem", ["no such file", "no certificate in PEM form", "DER form", "openssl rehash"])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "EXTRAHOP_CA_PATH", None])
def test_authorities_that_cannot_be_read_name_their_setting(
    monkeypatch: pytest.MonkeyPatch, useless: dict[str, Path], variable: str | None, problem: str
):
    path = str(useless[problem])
    params = {**PARAMS, "ca_path": path if variable in (None, "EXTRAHOP_CA_PATH") else None}
    if variable:
        monkeypatch.setenv(variable, path)

    with pytest.raises(InputError, match=problem) as caught:
        ConnectionSettings.from_params(params)
    assert (variable or "`ca_path`") in caught.value.message
    assert path in caught.value.message
    assert ConnectionSettings.from_params({**params, "validate_certs": False}).ca_path is None, "not used, so no concern"


@pytest.mark.parametrize("name", ["büro.pem", "ca.pem"])
def test_authorities_in_a_file_or_a_hashed_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    file, folder = tmp_path / name, tmp_path / "hashed"
    file.write_text(CERTIFICATE, encoding="ascii")
    folder.mkdir()
    (folder / "9d66eef0.0").write_text(CERTIFICATE, encoding="ascii")

    for path in (str(file), str(folder)):
        assert ConnectionSettings.from_params({**PARAMS, "ca_path": path}).ca_path == path
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", path)
        assert ConnectionSettings.from_params(PARAMS).ca_path == path
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", " ")
    assert ConnectionSettings.from_params(PARAMS).ca_path is None, "a blank variable counts as not set"


def test_authorities_that_this_user_may_not_read(tmp_path: Path):
    path = tmp_path / "ca.pem"
    path.write_text(CERTIFICATE, encoding="ascii")
    path.chmod(0)

    with modes_obeyed(), pytest.raises(InputError, match=r"`ca_path` names .*, and that cannot be read \(Permission denied\)"):
        ConnectionSettings.from_params({**PARAMS, "ca_path": str(path)})


def test_a_blank_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    option = stellar_connection().options["timeout"]
    function, names = option["fallback"]
    for value in ("", "  ", "\t\n"):
        monkeypatch.setenv("STELLAR_TIMEOUT", value)
        with pytest.raises(AnsibleFallbackNotFound):
            function(*names)
    monkeypatch.setenv("STELLAR_TIMEOUT", " 5 ")
    assert function(*names) == "5"
