# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which the event source keeps its position if the rulebook names none."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.options import WatchOptions

from support.hosts import become_fips


def default_cursor(**arguments: str) -> str:
    given = {"host": "stellar.example.com", "access_token": "the token of this test", **arguments}
    return WatchOptions.from_arguments(given, SecretKeeper()).cursor


def write_former_cursor(*, index: str = "aella-ser-*") -> str:
    """The cursor that version 1.0 kept for the default index and no query. It named the file by a BLAKE2 digest."""
    name = hashlib.blake2b(f"https://stellar.example.com\n{index}\n".encode(), digest_size=8).hexdigest()
    path = Path(os.environ["XDG_STATE_HOME"]) / "secops.xdr" / f"cursor-{name}.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"format": 1, "server": "https://stellar.example.com", "index": index, "streams": {}}), encoding="utf-8")
    return str(path)


def test_each_query_has_a_cursor_of_its_own_below_the_state_directory():
    cursors = {default_cursor(), default_cursor(query="severity:9"), default_cursor(index="aella-ser-1")}
    assert len(cursors) == 3
    assert {os.path.dirname(cursor) for cursor in cursors} == {f"{os.environ['XDG_STATE_HOME']}/secops.xdr"}


def test_a_cursor_of_version_1_0_is_used_further():
    former = write_former_cursor()
    assert default_cursor() == former


def test_the_name_is_the_same_in_fips_mode(monkeypatch: pytest.MonkeyPatch):
    before = default_cursor()
    become_fips(monkeypatch)
    assert default_cursor() == before


def test_in_fips_mode_a_cursor_of_version_1_0_is_not_passed_over(monkeypatch: pytest.MonkeyPatch):
    former = write_former_cursor()
    become_fips(monkeypatch)
    with pytest.raises(InputError, match=r"version 1\.0 .* FIPS mode .* Set `cursor` to this file") as caught:
        default_cursor()
    assert former in str(caught.value)
    assert default_cursor(cursor=former) == former


def test_in_fips_mode_a_cursor_of_another_index_is_no_concern(monkeypatch: pytest.MonkeyPatch):
    write_former_cursor(index="aella-ser-2")
    become_fips(monkeypatch)
    assert "cursor-" in default_cursor()


@pytest.mark.parametrize(("option", "value"), [("query", {"severity": 9}), ("tenants", "['a', 'b']"), ("index", ["aella-ser-*"])])
def test_structures_where_texts_belong_are_refused(option: str, value: object):
    given = {"host": "stellar.example.com", "access_token": "the token of this test", option: value}
    with pytest.raises(InputError, match=f"^{option}: a "):
        WatchOptions.from_arguments(given, SecretKeeper())
