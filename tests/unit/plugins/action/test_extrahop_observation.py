# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress that the action plugin shows of a long upload, and how the module reports it."""

from __future__ import annotations

import json
import queue
from types import SimpleNamespace

import pytest
from ansible_collections.secops.xdr.plugins.action import extrahop_observation as _action
from ansible_collections.secops.xdr.plugins.module_utils._observations import report as _report


@pytest.fixture
def clock(monkeypatch):
    """The time of module and plugin."""
    now = [100.0]
    monkeypatch.setattr(_action.time, "monotonic", lambda: now[0])
    return now


def test_a_line_has_rate_and_time_left(clock):
    rate = _action.Rate()
    first = {"phase": "uploading", "rows": 200_000, "done": 10, "total": 100}
    second = {"phase": "uploading", "rows": 400_000, "done": 30, "total": 100}
    assert rate.line(first, 110.0) == "uploading, 200 000 rows, 10 % of the log, 20 000 rows a second, about 90 seconds left"
    assert rate.line(second, 120.0) == "uploading, 400 000 rows, 30 % of the log, 20 000 rows a second, about 35 seconds left"


def test_each_phase_has_its_own_rate(clock):
    rate = _action.Rate()
    rate.line({"phase": "checking", "rows": 900_000, "done": 100, "total": 100}, 110.0)
    line = rate.line({"phase": "uploading", "rows": 1000, "done": 1, "total": 100}, 120.0)
    assert line.startswith("uploading, 1 000 rows, 1 % of the log, 100 rows a second")


def test_without_a_total_no_time_is_promised(clock):
    line = _action.Rate().line({"phase": "checking", "rows": 10, "done": 5, "total": 0}, 101.0)
    assert line == "checking, 10 rows, 10 rows a second"


@pytest.mark.parametrize(
    ("transport", "become", "become_user", "shares"),
    [
        ("local", False, None, True),
        ("local", True, None, True),
        ("local", True, "root", True),
        ("local", True, "vpn", False),
        ("ssh", False, None, False),
        ("ssh", True, "root", False),
    ],
)
def test_progress_needs_a_file_that_the_module_can_write(transport, become, become_user, shares):
    plugin = _action.ActionModule.__new__(_action.ActionModule)
    plugin._connection = SimpleNamespace(transport=transport)
    plugin._play_context = SimpleNamespace(become=become, become_user=become_user)
    assert plugin._shares_files() is shares


def test_plugin_and_module_mean_the_same_variable():
    assert _action._VARIABLE == _report.PROGRESS_VARIABLE


def test_the_module_writes_what_the_plugin_reads(monkeypatch, tmp_path, clock):
    path = tmp_path / "progress"
    path.touch()
    monkeypatch.setenv(_report.PROGRESS_VARIABLE, str(path))
    progress = _report.Progress()
    progress.report("checking", 5, 10, 20)
    assert json.loads(path.read_text()) == {"phase": "checking", "rows": 5, "done": 10, "total": 20}
    progress.report("checking", 6, 11, 20)
    assert json.loads(path.read_text())["rows"] == 5, "at most once a second"
    clock[0] += 2
    progress.report("uploading", 7, 12, 20)
    assert json.loads(path.read_text())["rows"] == 7


def test_without_a_plugin_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.delenv(_report.PROGRESS_VARIABLE, raising=False)
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    _report.Progress().report("checking", 5, 10, 20)
    assert list(folder.iterdir()) == []


def test_the_module_creates_no_file_and_follows_no_link(monkeypatch, tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    link.symlink_to(target)
    for path in (link, tmp_path / "missing"):
        monkeypatch.setenv(_report.PROGRESS_VARIABLE, str(path))
        _report.Progress().report("checking", 5, 10, 20)
    assert target.read_text() == "kept"
    assert not (tmp_path / "missing").exists()


def test_a_number_of_one_is_singular():
    line = _action.Rate().line({"phase": "checking", "rows": 1, "done": 1, "total": 0}, _action.time.monotonic())
    assert "checking, 1 row, " in line
    assert _action._duration(1.2) == "1 second"


def test_lines_leave_standard_output_to_programs(tmp_path, monkeypatch):
    """A callback may write one JSON document there."""
    monkeypatch.setattr(_action, "_SECONDS_BETWEEN", 0.01)
    progress = tmp_path / "progress"
    progress.write_text(json.dumps({"phase": "uploading", "rows": 10, "done": 1, "total": 2}), encoding="ascii")
    shown: queue.Queue[tuple[str, dict[str, bool]]] = queue.Queue()
    plugin = _action.ActionModule.__new__(_action.ActionModule)
    plugin._display = SimpleNamespace(display=lambda text, **options: shown.put((text, options)))

    with plugin._shown_progress("gateway", str(progress)):
        text, options = shown.get(timeout=900)
    assert text.startswith("gateway: uploading, 10 rows, 50 % of the log")
    assert options == {"stderr": True}
