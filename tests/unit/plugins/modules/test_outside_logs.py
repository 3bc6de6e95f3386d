# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in the structure of public bug reports: the result is what a person reads in them, or the line is rejected."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session_info

from support.module_runs import run_main

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

LOGS = Path(__file__).parents[2] / "data" / "outside_logs"
CASES: list[dict[str, Any]] = json.loads((LOGS / "cases.json").read_text(encoding="utf-8"))
REJECTED_IN_PART = {
    "logs-04-asa-chain.log",
    "logs-12-as-surplus.csv",
    "logs-13-gp-comma.log",
    "logs-20-asa-relay-year.log",
    "logs-23-ovpn-spaces.log",
    "logs-28-fg-residue.log",
}
"""Of these, some lines that a person can read are rejected, which is right too. All other logs are read completely."""
ASKED = [case for case in CASES if case["asks"]]


def copied(case: dict[str, Any], folder: Path) -> Path:
    """The log of a case, last written when the case says."""
    path = Path(shutil.copy(LOGS / case["file"], folder / case["file"]))
    if case["file"] == "logs-29-csv-cr.csv":
        # The repository keeps line feeds; the case is about carriage returns.
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    os.utime(path, (case["mtime"], case["mtime"]))
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_what_arrives(upload: Callable[..., ModuleRun], emulator: RunningEmulator, tmp_path: Path, case: dict[str, Any]):
    options = {"timezone": "UTC", "on_invalid": "skip", **case["options"]}
    result = upload(path=str(copied(case, tmp_path)), format=case["format"], **options)
    got = {(one["ipaddr"], one["associated_ipaddr"], one["timestamp"]) for one in emulator.observations()}
    right, may = ({tuple(one) for one in case[key]} for key in ("right", "may"))
    assert got <= right | may, case["a_person_reads"]
    assert right <= got or case["file"] in REJECTED_IN_PART, case["a_person_reads"]
    if not right <= got:
        assert result["counts"]["rejected"], case["a_person_reads"]
    if not result.failed:
        counts = result["counts"]
        assert counts["read"] == counts["uploaded"] + counts["already_uploaded"] + sum(counts["skipped"].values()) + counts["rejected"]


@pytest.mark.parametrize("case", ASKED, ids=lambda case: case["file"])
def test_who_is_named(tmp_path: Path, case: dict[str, Any]):
    asked = [{"ipaddr": ask["ipaddr"], "timestamp": ask["timestamp"]} for ask in case["asks"]]
    options = {"path": str(copied(case, tmp_path)), "format": case["format"], "timezone": "UTC", "match": asked, **case["options"]}
    matches = run_main(vpn_session_info.main, options)["matches"]
    for ask, match in zip(case["asks"], matches, strict=True):
        assert (match["session"] and match["session"]["username"]) in ask["users"], case["a_person_reads"]
