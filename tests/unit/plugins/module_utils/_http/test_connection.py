# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and URLs that users give."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import parse_host

hypothesis = pytest.importorskip("hypothesis")
st = pytest.importorskip("hypothesis.strategies")


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
