# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""stellar_ser_event: writes whose outcome is unclear, and accounts that may not read."""

from __future__ import annotations

from typing import Any

import pytest

from support.stellar import SEED_EVENT, Stellar

INSERT = {"path": "/connect/api/v1/insert_ser"}
DONE = ["reset_after", "close_after", "truncate", "empty", "garbage"]
NOT_DONE = ["reset_before", "close_before", "html"]


@pytest.mark.parametrize("action", DONE)
def test_an_insert_that_was_done_without_an_answer_is_found(stellar: Stellar, action: str):
    stellar.emulator.configure(refresh_delay=0.1)
    stellar.emulator.add_fault(action, INSERT, **({"seconds": 0.0} if action == "garbage" else {}))

    result = stellar.insert(**SEED_EVENT)

    assert result.changed
    assert not result.failed
    (event,) = stellar.emulator.events()
    assert result["id"] == event["_id"]
    assert len(stellar.bodies()) == 1
    assert not stellar.insert(**SEED_EVENT).changed


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("work", [True, False])
def test_after_a_server_error_the_event_is_looked_for(stellar: Stellar, status: int, work: bool):
    stellar.emulator.add_events({"event_name": "another", "timestamp": 1})
    stellar.emulator.add_fault("status", INSERT, status=status, work=work)

    result = stellar.insert(**SEED_EVENT)

    assert result.changed
    assert len(stellar.sources()) == 2
    assert len(stellar.bodies()) == (1 if work else 2)


@pytest.mark.parametrize("action", NOT_DONE)
def test_an_insert_that_got_lost_is_sent_again_after_looking(stellar: Stellar, action: str):
    stellar.emulator.add_events({"event_name": "another", "timestamp": 1})
    stellar.emulator.add_fault(action, INSERT)

    result = stellar.insert(**SEED_EVENT)

    assert result.changed
    assert len(stellar.sources()) == 2
    seen = stellar.seen()
    between = seen[seen.index("POST insert_ser") + 1 :]
    assert between[0] == "GET _search"
    assert between.count("POST insert_ser") == 1


def test_a_timeout_is_an_unclear_outcome(stellar: Stellar):
    stellar.emulator.add_fault("delay", INSERT, seconds=1.5, when="after")

    result = stellar.insert(**SEED_EVENT, timeout=1)

    assert result.changed
    assert len(stellar.sources()) == 1


def test_an_event_that_never_arrives_stays_unknown_and_the_next_run_looks_first(stellar: Stellar):
    stellar.emulator.add_events({"event_name": "another", "timestamp": 1})
    stellar.emulator.add_fault("close_before", INSERT, times=2)

    failed = stellar.insert(**SEED_EVENT)

    assert "whether this event was inserted is unknown" in failed.msg
    assert "looked for before it is sent" in failed.msg
    assert failed["outcome_unknown"]
    assert failed["failed_events"][0]["outcome_unknown"]
    assert not failed.changed
    stellar.emulator.clear_requests()
    assert stellar.insert(**SEED_EVENT).changed
    assert stellar.seen()[:3] == ["POST access_token", "GET _search", "GET _search"]


def test_without_a_single_event_under_the_pattern_nothing_is_sent_again(stellar: Stellar):
    stellar.emulator.configure(index_style="saas")
    stellar.emulator.add_fault("reset_after", INSERT)

    failed = stellar.insert(**SEED_EVENT)

    assert "search_index" in failed.msg
    assert len(stellar.bodies()) == 1
    assert "search_index" in stellar.insert(**SEED_EVENT).msg
    assert not stellar.insert(**SEED_EVENT, search_index="stellar-index-v1-ser-*").changed
    assert len(stellar.sources()) == 1


def test_on_an_empty_server_the_user_can_say_that_the_event_is_missing(stellar: Stellar):
    stellar.emulator.add_fault("reset_before", INSERT)
    assert "unknown_outcome: missing" in stellar.insert(**SEED_EVENT).msg

    assert stellar.insert(**SEED_EVENT, unknown_outcome="missing").changed
    assert len(stellar.sources()) == 1


def test_one_unclear_among_many(stellar: Stellar):
    stellar.emulator.configure(refresh_delay=0.05)
    events = [{**SEED_EVENT, "event_name": f"event {number}"} for number in range(30)]
    stellar.emulator.add_fault("reset_after", {**INSERT, "body_contains": "event 7"})
    stellar.emulator.add_fault("reset_before", {**INSERT, "body_contains": "event 11"})

    result = stellar.insert(events=events, concurrency=4)

    assert all(one["changed"] and one["id"] for one in result["events"])
    assert stellar.emulator.state["stellar"]["duplicate_inserts"] == 0
    assert len(stellar.sources()) == 30


def test_a_run_that_was_killed_after_its_write_is_made_up_for(stellar: Stellar, monkeypatch: pytest.MonkeyPatch):
    class KilledError(BaseException):
        pass

    def die(*_arguments: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("ansible_collections.secops.xdr.plugins.module_utils._ledger.events.StoredEvents.record", die)
        with pytest.raises(KilledError):
            stellar.insert(**SEED_EVENT)
    assert len(stellar.sources()) == 1

    assert not stellar.insert(check_mode=True, **SEED_EVENT).changed
    result = stellar.insert(**SEED_EVENT)

    assert not result.changed
    assert result["id"] == stellar.emulator.events()[0]["_id"]
    assert len(stellar.bodies()) == 1


def test_a_refused_insert_leaves_no_intent(stellar: Stellar):
    stellar.emulator.configure(right_to_write=False)

    failed = stellar.insert(**SEED_EVENT)

    assert "status 403" in failed.msg
    assert "root scope and the Super Admin profile" in failed.msg
    stellar.emulator.configure(right_to_write=True)
    stellar.emulator.clear_requests()
    assert stellar.insert(**SEED_EVENT).changed
    assert stellar.seen().count("GET _search") == 1


def test_an_insert_that_fetches_its_token_is_not_repeated_for_it(stellar: Stellar):
    # The token ends between the search and the write.
    stellar.emulator.add_fault("expired_token", INSERT)
    stellar.emulator.add_fault("reset_after", {**INSERT, "method": "POST"})

    result = stellar.insert(**SEED_EVENT)

    assert result.changed
    assert len(stellar.sources()) == 1
    assert stellar.emulator.state["stellar"]["token_calls"] == 2


class TestWithoutTheRightToRead:
    """A scoped key may write and not read."""

    @pytest.fixture(autouse=True)
    def scoped_key(self, stellar: Stellar) -> None:
        stellar.connection.update(auth_method="scoped_key", api_key=stellar.emulator.emulator.settings.scoped_key, username=None)

    def test_the_ledger_alone_keeps_events_apart(self, stellar: Stellar):
        first = stellar.insert(**SEED_EVENT)

        assert first.changed
        assert first["id"] == stellar.emulator.events()[0]["_id"]
        assert first["document_index"] is None
        assert any("may not read" in warning for warning in first.warnings)
        assert not stellar.insert(**SEED_EVENT).changed
        assert len(stellar.sources()) == 1

    def test_an_unclear_outcome_is_reported_and_not_sent_blindly(self, stellar: Stellar):
        stellar.emulator.add_fault("reset_after", INSERT)

        failed = stellar.insert(**SEED_EVENT)

        assert "unknown" in failed.msg
        assert "unknown_outcome: inserted" in failed.msg
        assert failed["outcome_unknown"]
        for check_mode in (True, False):
            again = stellar.insert(check_mode=check_mode, **SEED_EVENT)
            assert "never answered" in again.msg
            assert "may not read" in again.msg
        assert len(stellar.bodies()) == 1

    def test_the_user_says_that_it_is_there(self, stellar: Stellar):
        stellar.emulator.add_fault("reset_after", INSERT)
        assert stellar.insert(**SEED_EVENT).failed

        assert not stellar.insert(**SEED_EVENT, unknown_outcome="inserted").changed
        assert not stellar.insert(**SEED_EVENT).changed
        assert len(stellar.sources()) == 1

    def test_the_user_says_that_it_is_missing(self, stellar: Stellar):
        stellar.emulator.add_fault("reset_before", INSERT)
        assert stellar.insert(**SEED_EVENT, unknown_outcome="missing").failed
        assert stellar.sources() == []

        assert stellar.insert(check_mode=True, **SEED_EVENT, unknown_outcome="missing").changed
        assert stellar.insert(**SEED_EVENT, unknown_outcome="missing").changed
        assert not stellar.insert(**SEED_EVENT).changed
        assert len(stellar.sources()) == 1
