# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small logs in the structure of public bug reports: what arrives, and who may be named, is what a person reads in them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session_info

CASES = Path(__file__).parent / "fixtures" / "cases"
NO_OTHER_WAY = "-"
ALSO_RIGHT = {
    "logs-10-csv-surplus.csv": {("10.66.0.2", "203.0.113.2", 1_728_892_802)},
    "logs-24-ovpn-twins.log": {("10.66.0.6", "203.0.113.9", 1_728_903_600), ("10.66.0.7", "203.0.113.9", 1_728_903_600)},
}
"""Observations that may arrive although `right` does not have them, because `also_right` allows them in words."""


def cases() -> list[Any]:
    return [pytest.param(case, id=case["file"]) for case in json.loads((CASES / "cases.json").read_text(encoding="utf-8"))]


@pytest.fixture
def log(case: dict[str, Any], tmp_path: Path) -> str:
    """The log of a case, last written when the case says."""
    path = tmp_path / case["file"]
    shutil.copy(CASES / case["file"], path)
    os.utime(path, (case["mtime"], case["mtime"]))
    return str(path)


@pytest.mark.parametrize("case", cases())
def test_what_arrives(upload, emulator, case, log):
    run = upload(**{"path": log, "format": case["format"], "timezone": "UTC", "on_invalid": "skip", **case["options"]})
    arrived = {(one["ipaddr"], one["associated_ipaddr"], one["timestamp"]) for one in emulator.observations()}
    right = {tuple(observation) for observation in case["right"]}
    assert arrived <= right | ALSO_RIGHT.get(case["file"], set()), case["human_reads"]
    if not right <= arrived:
        assert case["also_right"] != NO_OTHER_WAY, case["human_reads"]
        assert run.failed or run["counts"]["rejected"], "what does not arrive is reported"


@pytest.mark.parametrize("case", [param for param in cases() if param.values[0]["asks"]])
def test_who_may_be_named(run_module, case, log):
    questions = [{"ipaddr": ask["ipaddr"], "timestamp": ask["timestamp"]} for ask in case["asks"]]
    options = {"path": log, "format": case["format"], "timezone": "UTC", "match": questions, **case["options"]}
    matches = run_module(vpn_session_info.main, options)["matches"]
    named = [match["session"] and match["session"]["username"] for match in matches]
    for ask, user in zip(case["asks"], named, strict=True):
        assert user in ask["users"], (ask, case["human_reads"])
