# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_ser_update: unclear outcomes, refusals that come with 200, and accounts that may not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.stellar import Stellar

EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}
UPDATE = {"path": "/connect/api/update_ser"}


@pytest.fixture(autouse=True)
def event(stellar: Stellar) -> None:
    """An event on the server."""
    stellar.emulator.add_events(
        {"_index": EVENT["index"], "_id": EVENT["id"], "_source": {"event_name": "x", "event_status": "New", "timestamp": 1611849134669}}
    )


def comments(stellar: Stellar) -> list[str]:
    """The comments that the server has."""
    return [one["comment"] for one in stellar.sources()[0].get("comments", [])]


@pytest.mark.parametrize("action", ["reset_after", "close_after", "truncate", "garbage", "empty"])
@pytest.mark.parametrize("mode", ["once", "always"])
def test_a_comment_that_arrived_without_an_answer_is_not_sent_again(stellar: Stellar, action: str, mode: str):
    stellar.emulator.add_fault(action, UPDATE)

    result = stellar.update(**EVENT, comment="Seen.", comment_mode=mode)

    assert result.changed
    assert comments(stellar) == ["Seen."]
    assert len(stellar.bodies()) == 1


@pytest.mark.parametrize("action", ["reset_before", "close_before"])
def test_a_comment_that_got_lost_is_sent_again_after_looking(stellar: Stellar, action: str):
    stellar.emulator.add_fault(action, UPDATE)

    result = stellar.update(**EVENT, comment="Seen.", status="Closed")

    assert result.changed
    assert comments(stellar) == ["Seen."]
    seen = stellar.seen()
    first, second = (position for position, one in enumerate(seen) if one == "POST update_ser")
    assert f"GET {EVENT['id']}" in seen[first:second]


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("work", [True, False])
def test_a_server_error_is_looked_into(stellar: Stellar, status: int, work: bool):
    stellar.emulator.add_fault("status", UPDATE, status=status, work=work)

    assert stellar.update(**EVENT, comment="Seen.").changed
    assert comments(stellar) == ["Seen."]


def test_a_status_is_simply_sent_again(stellar: Stellar):
    stellar.emulator.add_fault("status", UPDATE, status=503, times=2)

    assert stellar.update(**EVENT, status="Closed").changed
    assert stellar.seen().count("POST update_ser") == 3


def test_a_comment_that_never_arrives_is_unknown(stellar: Stellar):
    stellar.emulator.add_fault("close_before", UPDATE, times=None)

    result = stellar.update(**EVENT, comment="Seen.")

    assert "does not show: the comment" in result.msg
    assert result["outcome_unknown"]
    assert not result.changed


@pytest.mark.parametrize("setting", ["ignore_writes", "tag_op_noop"])
def test_what_the_server_accepts_and_does_not_do_is_an_error(stellar: Stellar, setting: str):
    stellar.emulator.configure(**{setting: True})

    result = stellar.update(**EVENT, status="Closed", add_tags=["a"])

    left = "tag a added" if setting == "tag_op_noop" else "status Closed, tag a added"
    assert f"did not carry out: {left}." in result.msg
    assert result.changed == (setting == "tag_op_noop")
    assert result["before"]["status"] == "New"
    assert result["after"]["status"] == ("Closed" if setting == "tag_op_noop" else "New")


@pytest.mark.parametrize("status", [200, 202, 400, 422, 500])
def test_a_refusal_is_a_failure_whatever_its_status(stellar: Stellar, status: int):
    stellar.emulator.add_fault(
        "status", UPDATE, status=status, times=1 if status == 500 else None, body="Invalid event status value: closed"
    )

    result = stellar.update(**EVENT, status="Closed")

    if status == 500:
        # Nobody says what a 500 of this server means; the second attempt did it.
        assert result.changed
    else:
        assert "Invalid event status value: closed" in result.msg
        assert not result.changed


def test_a_part_that_was_done_before_a_refusal_is_reported(stellar: Stellar):
    stellar.emulator.add_fault("status", {**UPDATE, "body_contains": '"b"'}, status=400, times=None, body="Invalid tag")

    result = stellar.update(**EVENT, status="Closed", add_tags=["a", "b"])

    assert "Invalid tag" in result.msg
    assert result.changed
    assert result["after"] == {"status": "Closed", "comments": [], "tags": ["a"]}


def test_a_login_page_is_no_answer(stellar: Stellar):
    stellar.emulator.add_fault("html", UPDATE, times=None)

    result = stellar.update(**EVENT, comment="Seen.")

    assert "an HTML page, perhaps a login page of a proxy" in result.msg
    assert len(stellar.bodies()) == 1


class TestWithoutTheRightToRead:
    """A scoped key may write and not read."""

    @pytest.fixture(autouse=True)
    def scoped_key(self, stellar: Stellar) -> None:
        stellar.connection.update(auth_method="scoped_key", api_key=stellar.emulator.emulator.settings.scoped_key, username=None)

    def test_it_writes_and_says_that_changed_is_assumed(self, stellar: Stellar):
        result = stellar.update(**EVENT, status="Closed", comment="x", add_tags=["a"])

        assert result.changed
        assert result["before"] is None
        assert result["after"] is None
        assert any("assumed" in warning for warning in result.warnings)
        (source,) = stellar.sources()
        assert (source["event_status"], source["event_tags"]) == ("Closed", ["a"])

    def test_the_right_is_asked_for_once(self, stellar: Stellar):
        added = stellar.emulator.add_events(*({"event_name": "x", "event_status": "New"} for _event in range(6)))

        stellar.update(events=[{"index": one["index"], "id": one["id"]} for one in added], status="Closed", concurrency=1)

        assert len(stellar.emulator.requests(kind="read")) == 1
        assert len(stellar.bodies()) == 6

    def test_check_mode_assumes_as_well(self, stellar: Stellar):
        result = stellar.update(check_mode=True, diff=True, **EVENT, status="Closed")

        assert result.changed
        assert result["diff"] == []
        assert any("assumed" in warning for warning in result.warnings)

    def test_the_right_can_be_required(self, stellar: Stellar):
        result = stellar.update(**EVENT, status="Closed", read_access="required")

        assert "status 403" in result.msg
        assert "a scoped key never may" in result.msg
        assert stellar.bodies() == []

    def test_reading_can_be_left_out(self, stellar: Stellar):
        result = stellar.update(**EVENT, status="Closed", read_access="none")

        assert result.changed
        assert result.warnings == []
        assert stellar.emulator.requests(kind="read") == []

    def test_an_unclear_comment_is_reported_and_not_sent_again(self, stellar: Stellar):
        stellar.emulator.add_fault("reset_after", UPDATE)

        result = stellar.update(**EVENT, comment="x")

        assert "unknown" in result.msg
        assert result["outcome_unknown"]
        assert comments(stellar) == ["x"]

    def test_an_unknown_event_is_an_error(self, stellar: Stellar):
        assert "neither update_ser nor security_events" in stellar.update(index=EVENT["index"], id="other", status="Closed").msg
