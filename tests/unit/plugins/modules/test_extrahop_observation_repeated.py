# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An appliance that refuses repeated observations, which is not documented: the module reports it, and records only accepted ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.vpn_logs import plain_rows, write_log

REFUSED = "was refused with status 400: observations[0]: the same observation is held already"
ROWS = 4


@pytest.fixture
def path(tmp_path, emulator):
    emulator.configure(repeated_observations="refuse")
    return write_log(tmp_path / "log.csv", *plain_rows(ROWS))


def observations(emulator):
    return emulator.state["extrahop"]["observations"]


def test_runs_without_force_send_nothing_twice(upload, emulator, path):
    assert upload(path=path)["counts"]["uploaded"] == ROWS
    write_log(Path(path), *plain_rows(ROWS + 2))

    run = upload(path=path)

    assert not run.failed
    assert run["counts"]["uploaded"] == 2
    assert observations(emulator)["accepted"] == ROWS + 2


def test_force_reports_that_it_was_refused_and_records_only_what_was_accepted(upload, emulator, path):
    upload(path=path)
    write_log(Path(path), *plain_rows(ROWS + 2))

    # The first request holds known rows, and is refused with the two new ones in it.
    forced = upload(path=path, force=True)

    assert forced.failed
    assert REFUSED in forced.msg
    assert not forced.changed
    assert forced["counts"]["uploaded"] == 0
    assert "outcome_unknown" not in forced, "a clear no leaves nothing open"
    assert observations(emulator)["accepted"] == ROWS

    after = upload(path=path)
    assert after["counts"]["uploaded"] == 2, "the new rows were not recorded by the run that failed"
    assert after.warnings == []
    assert observations(emulator)["accepted"] == ROWS + 2
    assert observations(emulator)["duplicates"] == 0


def test_an_upload_whose_answer_was_lost_stays_open_and_says_so(upload, emulator, path):
    emulator.add_fault("reset_after", {"path": "/api/v1/observations/associatedipaddrs"})

    run = upload(path=path)

    assert run.failed
    assert "An earlier attempt at the same request got no clear answer" in run.msg
    assert REFUSED in run.msg
    assert run["outcome_unknown"]
    assert run["counts"]["uploaded"] == 0

    again = upload(path=path)
    assert REFUSED in again.msg
    assert any("the appliance may have received them twice" in warning for warning in again.warnings)
    assert observations(emulator)["accepted"] == ROWS, "all of them are there, once"
