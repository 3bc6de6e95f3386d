# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log of each format reaches the appliance, once; and continues where it ended when it has grown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from support.gateway_logs import FIXTURES, MAKERS
from support.gateway_world import LOG_END
from support.vpn_logs import received

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

OPTIONS = {"timezone": "Europe/Berlin", "on_invalid": "skip"}


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_observation_of_a_log_arrives_once(upload: Callable[..., ModuleRun], emulator: RunningEmulator, tmp_path: Path, name: str):
    path = tmp_path / "gateway.log"
    lines = (FIXTURES / f"{name}.log").read_bytes().splitlines(keepends=True)
    log_format, make = MAKERS[name]
    written = make()
    expected = {(ipaddr, outside, start) for _line, ipaddr, outside, start in written.observations}
    for part, changed in ((len(lines) // 2 + 1, True), (len(lines), True), (len(lines), False)):
        path.write_bytes(b"".join(lines[:part]))
        os.utime(path, (LOG_END, LOG_END))
        result = upload(path=str(path), format=log_format, **OPTIONS)
        assert result.changed is changed
        counts = result["counts"]
        rows = counts["uploaded"] + counts["already_uploaded"] + sum(counts["skipped"].values()) + counts["rejected"]
        assert counts["read"] == rows
    assert received(emulator.observations()) == expected
    assert emulator.state["extrahop"]["observations"]["duplicates"] == 0
    assert result["counts"]["rejected"] == len(written.rejected)


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_a_log_with_a_line_that_cannot_be_used_uploads_nothing(
    upload: Callable[..., ModuleRun], emulator: RunningEmulator, tmp_path: Path, name: str
):
    path = tmp_path / "gateway.log"
    path.write_bytes((FIXTURES / f"{name}.log").read_bytes())
    log_format, make = MAKERS[name]
    result = upload(path=str(path), format=log_format, timezone="Europe/Berlin")
    assert any(f"{path}, line {line}: " in result.msg for line in make().rejected)
    assert emulator.observations() == []
