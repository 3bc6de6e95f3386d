# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of the playbook `who`: a question from a command line, and its answer in words."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.filter.vpn_answer import vpn_answer
from ansible_collections.secops.xdr.plugins.filter.vpn_question import vpn_question

from .test_attribution_plan import match, session

NOW = 1763549100.0
"""2025-11-19T10:45:00Z"""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


@pytest.mark.parametrize(
    ("at", "zone", "timestamp"),
    [
        ("2025-11-19T10:45:00Z", "", "2025-11-19T10:45:00Z"),
        ("2025-11-19 11:45:00+01:00", "", "2025-11-19T10:45:00Z"),
        ("2025-11-19T11:45", "Europe/Berlin", "2025-11-19T10:45:00Z"),
        ("2025-11-19T10:45:00Z", "Europe/Berlin", "2025-11-19T10:45:00Z"),
        ("1763549100", "", "2025-11-19T10:45:00Z"),
        (1763549100, "", "2025-11-19T10:45:00Z"),
        ("1763549100123", "", "2025-11-19T10:45:00.123Z"),
        ("now", "", "2025-11-19T10:45:00Z"),
        ("2h", "", "2025-11-19T08:45:00Z"),
        ("2h ago", "", "2025-11-19T08:45:00Z"),
        ("30M", "", "2025-11-19T10:15:00Z"),
        ("1d 12h", "", "2025-11-17T22:45:00Z"),
        ("1w", "", "2025-11-12T10:45:00Z"),
    ],
)
def test_a_time_is_iso_8601_an_epoch_number_or_how_long_ago(at: Any, zone: str, timestamp: str) -> None:
    assert vpn_question("10.8.2.6", at, timezone=zone) == {"match": [{"ipaddr": "10.8.2.6", "timestamp": timestamp}], "problem": ""}


@pytest.mark.parametrize(
    ("ip", "at", "zone", "problem"),
    [
        ("", "2h", "", "ip: the VPN address is missing"),
        (None, "2h", "", "ip: the VPN address is missing"),
        ("10.8.2", "2h", "", "ip: '10.8.2' is not an IP address"),
        ("0.0.0.0", "2h", "", "ip: '0.0.0.0' means that there is no address"),
        ("224.0.0.1", "2h", "", "ip: '224.0.0.1' is an address of a network"),
        (["10.8.2.6"], "2h", "", "ip: "),
        ("10.8.2.6", "", "", "at: the time is missing; give 2025-11-19T10:45:00Z"),
        ("10.8.2.6", "2025-11-19", "", "at: '2025-11-19' is a date without a time of day; give 2025"),
        ("10.8.2.6", "31.5.2024", "UTC", "at: '31.5.2024' is a date without a time of day; give 2025"),
        ("10.8.2.6", "yesterday", "UTC", "at: time 'yesterday' is not ISO 8601"),
        ("10.8.2.6", "2025-11-19T10:45:00", "", "at: '2025-11-19T10:45:00' has no time zone"),
        ("10.8.2.6", "2025-11-19T25:45:00Z", "", "at: time '2025-11-19T25:45:00Z': hour must be in"),
        ("10.8.2.6", "12", "", "at: '12' is not an epoch number of the years 1980 to 2099"),
        ("10.8.2.6", "999999w", "", "at: '999999w' is too long ago"),
        ("10.8.2.6", True, "", "at: 'True' is not a time"),
        ("10.8.2.6", "2025-11-19T10:45:00", "Mars/Base", "timezone: 'Mars/Base' is not known"),
    ],
)
def test_what_is_wrong_is_said(ip: Any, at: Any, zone: str, problem: str) -> None:
    asked = vpn_question(ip, at, timezone=zone)
    assert asked["match"] == []
    assert asked["problem"].startswith(problem)


def answer(found: dict[str, Any], coverage: Any = ()) -> dict[str, Any]:
    said: dict[str, Any] = vpn_answer({"ipaddr": "10.8.3.7", "timestamp": "2024-05-31T08:15:00Z", **found}, coverage)
    return said


def test_the_answer_is_one_line_with_the_evidence_below() -> None:
    span = {"gateway": "vpn1", "since": "2024-05-01T00:00:00Z", "until": "2024-06-01T00:00:00Z"}
    assert answer(match(session(gateway="vpn1")), [span]) == {
        "answer": "10.8.3.7 at 2024-05-31T08:15:00Z: jsmith, from 203.0.113.9, since 2024-05-31T08:00:00Z",
        "is_named": True,
        "evidence": [
            "session: jsmith from 203.0.113.9, 2024-05-31T08:00:00Z to 2024-05-31T09:00:00Z, line 2, gateway vpn1",
            "covered: 2024-05-01T00:00:00Z to 2024-06-01T00:00:00Z, gateway vpn1",
        ],
    }


def test_without_an_answer_the_reason_the_doubts_and_the_remedy_are_said() -> None:
    said = answer(match(None, session(), reason="doubtful", doubts=["line 9: cut off\x1b"]))
    assert said["answer"] == (
        "10.8.3.7 at 2024-05-31T08:15:00Z: nobody can be named (doubtful): something in the log casts doubt on the answer"
    )
    assert not said["is_named"]
    assert said["evidence"][0] == "against it: line 9: cut off\\x1b"
    assert said["evidence"][1].startswith("possible: jsmith from 203.0.113.9")
    assert said["evidence"][2].startswith("what would settle it: ")


def test_names_cannot_steer_a_terminal_or_add_lines() -> None:
    said = answer(match(session("a\nb\x1b[2J")))
    assert "a\\nb\\x1b[2J, from" in said["answer"]
    assert all(line.isprintable() for line in said["evidence"])
