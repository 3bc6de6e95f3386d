# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows at the top of the README have the results that the README states."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible_collections.secops.xdr.plugins.modules import extrahop_observation, vpn_session_info

if TYPE_CHECKING:
    from emulator import RunningEmulator

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
ASKED = "2024-05-31T08:20:00-04:00"


def block(kind: str) -> str:
    """The first block of this kind."""
    [text] = re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)[:1]
    return str(text)


def test_the_rows_become_what_the_readme_says(tmp_path: Path, emulator: RunningEmulator, run_module: Any) -> None:
    log = tmp_path / "log.csv"
    log.write_text(block("csv"), encoding="utf-8")
    os.utime(log, (1717200000, 1717200000))
    [play] = yaml.safe_load(block("yaml"))
    [task] = play["tasks"]
    variables = emulator.environment()
    options = {
        **task["secops.xdr.extrahop_observation"],
        "host": variables["EXTRAHOP_HOST"],
        "api_key": variables["EXTRAHOP_API_KEY"],
        "ca_path": variables["EXTRAHOP_CA_PATH"],
        "path": str(log),
    }
    [reason] = re.findall(r"`('203\.0\.113\.300' .*?)`", README)
    refused = run_module(extrahop_observation.main, options)
    assert refused.failed
    assert f"line 4: {reason}. Nothing was sent." in refused["msg"]
    assert emulator.writes() == []

    done = run_module(extrahop_observation.main, {**options, "on_invalid": "skip"})
    assert done["counts"]["skipped"] == {"no_address": 1}
    assert done["rejected_rows"] == [{"line": 4, "reason": reason}]
    [row] = emulator.observations()
    assert (row["ipaddr"], row["associated_ipaddr"], row["timestamp"]) == ("10.8.3.7", "203.0.113.9", 1717157700)

    match = [{"ipaddr": address, "timestamp": ASKED} for address in ("10.8.3.7", "10.8.3.9")]
    who = run_module(
        vpn_session_info.main,
        {"path": str(log), "timezone": task["secops.xdr.extrahop_observation"]["timezone"], "match": match, "complete_until": ASKED},
    )
    assert [one["session"] and one["session"]["username"] for one in who["matches"]] == ["jsmith", None]
