# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undocumented behaviour of the products that differs from the emulator's default: the modules handle it, or say that they cannot."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from support.stellar import SEED_EVENT, Stellar

ROWS = 7


def stored(emulator) -> int:
    return emulator.state["extrahop"]["observations"]["stored"]


@pytest.mark.parametrize(
    "setting",
    [
        {"strict_headers": False},
        {"timestamp_strict": False},
        {"timestamp_unit": "any"},
        {"accepted_body": "text"},
        {"accepted_body": "json"},
        {"max_observations": 2, "max_observations_status": 413},
    ],
    ids=str,
)
def test_an_upload_gets_there(upload, emulator, log, setting: dict[str, Any]):
    emulator.configure(**setting)

    run = upload(path=log, batch_size=2, retries=20)

    assert run["counts"]["uploaded"] == ROWS
    assert stored(emulator) == ROWS
    assert not upload(path=log).changed


@pytest.mark.parametrize(
    ("setting", "status"),
    [({"max_body": 300}, 413), ({"max_age": 3600}, 400), ({"max_observations": 6, "max_observations_status": 422}, 422)],
    ids=str,
)
def test_an_upload_that_the_appliance_does_not_take_is_reported_and_can_be_repeated(
    upload, emulator, log, setting: dict[str, Any], status: int
):
    emulator.configure(**setting)

    refused = upload(path=log)
    assert refused.failed
    assert f"refused with status {status}" in refused.msg
    assert refused["counts"]["uploaded"] == stored(emulator) == 0

    emulator.reset()
    assert upload(path=log)["counts"]["uploaded"] == stored(emulator) == ROWS


def test_what_a_limit_of_the_rate_cuts_off_is_uploaded_by_the_next_run(upload, emulator, log, naps):
    emulator.configure(rate_limit=2, rate_retry_after="7")

    run = upload(path=log, batch_size=2, retries=1)
    assert "fewer requests" in run.msg
    assert naps == [7]
    assert run["counts"]["uploaded"] == stored(emulator) == 4

    emulator.configure(rate_limit=0)
    assert upload(path=log)["counts"]["uploaded"] == ROWS - 4
    assert stored(emulator) == ROWS


def test_an_appliance_without_ipv6_refuses_the_batch_and_nothing_of_it_is_recorded(upload, emulator, tmp_path: Path):
    emulator.configure(accept_ipv6=False)
    mixed = [
        {"ipaddr": address, "associated_ipaddr": "203.0.113.7", "timestamp": int(time.time())} for address in ("10.8.0.9", "fd00:8::9")
    ]

    run = upload(observations=mixed, batch_size=1)
    assert run.failed
    assert run["counts"]["uploaded"] == stored(emulator) == 1

    emulator.reset()
    assert upload(observations=mixed, batch_size=1)["counts"]["uploaded"] == 1, "what was accepted is not sent again"


@pytest.mark.parametrize(
    "setting",
    [
        {"validation_status": 422},
        {"ok_with_error_text": True},
        {"error_form": "text"},
        {"strict_fields": False},
        {"integer_timestamps": True},
        {"unknown_keys": "ignore"},
        {"update_ser_multi_tags": True},
        {"update_ser_available": False, "security_events_combined": True},
        {"exp_in_answer": False},
        {"jwt_life": 0.3},
        {"basic_on_calls": False},
        {"scroll_available": False},
        {"analyzed_strings": True},
    ],
    ids=str,
)
def test_events_are_inserted_updated_and_found(stellar: Stellar, setting: dict[str, Any]):
    stellar.emulator.configure(refresh_delay=0, **setting)

    inserted = stellar.insert(**SEED_EVENT)
    event = {"index": inserted["index"], "id": inserted["id"]}
    wanted = {**event, "status": "Closed", "comment": "Done.", "add_tags": ["a", "b"]}
    assert [stellar.update(**wanted).changed for _time in range(2)] == [True, False]
    assert not stellar.insert(**SEED_EVENT).changed
    stellar.move_to_another_host()
    assert not stellar.insert(**SEED_EVENT).changed, "the server is asked where the ledger knows nothing"

    assert [one["id"] for one in stellar.info(filter={"event_source": "ActZero", "event_status": "Closed"})["events"]] == [event["id"]]
    [source] = stellar.sources()
    assert source["event_status"] == "Closed"
    assert [comment["comment"] for comment in source["comments"]] == ["Done."]
    assert stellar.emulator.events()[0]["tags"] == ["a", "b"]


@pytest.mark.parametrize(("status", "form"), [(404, "json"), (400, "json"), (400, "text")])
@pytest.mark.parametrize("read_access", ["auto", "none"])
def test_an_unknown_event_is_an_error(stellar: Stellar, status: int, form: str, read_access: str):
    stellar.emulator.configure(unknown_event_status=status, error_form=form)
    stellar.insert(**SEED_EVENT)

    run = stellar.update(index="aella-ser-2021.04.28-", id="nobody", status="Closed", read_access=read_access)

    assert run.failed
    assert not run.changed
