# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""vpn_session_info: sessions, filters, and who had an address at a time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._sessions.log_reading import SNAPSHOT_FORMATS
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import format_iso8601
from ansible_collections.secops.xdr.plugins.modules import vpn_session_info

from support.gateway_logs import FIXTURES, MAKERS
from support.gateway_world import LOG_END

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.module_runs import ModuleRun

    Ask = Callable[..., ModuleRun]
    WriteLog = Callable[..., str]

HEADER = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error"
NOON = 1704110400
COLUMNS = {"ipaddr": "Vpn Ip", "associated_ipaddr": "Real Ip", "timestamp": "Start Time"}
END_OF_LOG = NOON + 8 * 3600


def entry(user: str, start: int, duration: int | str = "", ipaddr: str = "10.8.0.3", outside: str = "203.0.113.7") -> str:
    """A row of an export; times in seconds after noon of 2024-01-01."""
    clock = format_iso8601((NOON + start) * 1000).replace("-", ".").replace("T", " ").replace("Z", " UTC")
    return f"vpn1,{user},{clock},{duration},VPN,0,1,{outside},{ipaddr},UDP,1194,9,"


@pytest.fixture
def log(tmp_path: Path) -> WriteLog:
    """Writes an export that was last written to at the end of the log."""

    def write(*rows: str) -> str:
        path = tmp_path / "export.csv"
        path.write_text("".join(f"{row}\n" for row in (HEADER, *rows)))
        os.utime(path, (END_OF_LOG, END_OF_LOG))
        return str(path)

    return write


@pytest.fixture
def ask(run_module: Callable[..., ModuleRun]) -> Ask:
    """Runs the module on an export; it never changes anything."""

    def run(path: str, *, check_mode: bool = False, **options: Any) -> ModuleRun:
        params = {"path": path, "format": "openvpn_as", "timezone": "UTC", **options}
        result = run_module(vpn_session_info.main, params, check_mode=check_mode)
        if not result.failed:
            assert not result.changed
        return result

    return run


def question(after_noon: float, ipaddr: str = "10.8.0.3") -> dict[str, Any]:
    return {"ipaddr": ipaddr, "timestamp": NOON + after_noon}


def holders(result: ModuleRun) -> list[tuple[str | None, str | None]]:
    """For each question the user, or why there is none."""
    return [(answer["session"] and answer["session"]["username"], answer["reason"]) for answer in result["matches"]]


def test_sessions_are_listed_with_times_in_two_forms(ask: Ask, log: WriteLog):
    assert ask(log(entry("ann", 0, 3600)))["sessions"] == [
        {
            "line": 2,
            "username": "ann",
            "ipaddr": "10.8.0.3",
            "associated_ipaddr": "203.0.113.7",
            "start": "2024-01-01T12:00:00Z",
            "end": "2024-01-01T13:00:00Z",
            "start_epoch": NOON,
            "end_epoch": NOON + 3600,
            "gateway": None,
        }
    ]


def test_check_mode_reads_the_same(ask: Ask, log: WriteLog):
    path = log(entry("ann", 0, 3600), entry("bob", 4000))
    first, again = ask(path, match=[question(1)]), ask(path, match=[question(1)])
    in_check_mode = ask(path, match=[question(1)], check_mode=True)
    assert first.values == again.values == in_check_mode.values


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_row_of_every_format_is_counted(ask: Ask, tmp_path: Path, name: str):
    path = tmp_path / "gateway.log"
    path.write_bytes((FIXTURES / f"{name}.log").read_bytes())
    os.utime(path, (LOG_END, LOG_END))
    log_format, make = MAKERS[name]
    result = ask(str(path), format=log_format, timezone="Europe/Berlin", limit=10_000)
    counts = result["counts"]
    assert counts["read"] == counts["sessions"] + sum(counts["skipped"].values()) + counts["rejected"]
    assert counts["rejected"] == len(make().rejected)
    assert [one["start"] for one in result["sessions"]] == sorted(one["start"] for one in result["sessions"])


@pytest.mark.parametrize("name", sorted(name for name in MAKERS if MAKERS[name][0] not in SNAPSHOT_FORMATS))
def test_every_session_of_every_format_is_found_by_its_address(ask: Ask, tmp_path: Path, name: str):
    """Asked for the second in which it began, each session is the answer or one of the candidates."""
    path = tmp_path / "gateway.log"
    path.write_bytes((FIXTURES / f"{name}.log").read_bytes())
    os.utime(path, (LOG_END, LOG_END))
    log_format, make = MAKERS[name]
    sessions = make().sessions
    questions = [{"ipaddr": ipaddr, "timestamp": start} for _line, _user, ipaddr, _outside, start, _end in sessions]
    result = ask(str(path), format=log_format, timezone="Europe/Berlin", match=questions)
    assert len(result["matches"]) == len(sessions)
    for place, answer in enumerate(result["matches"]):
        user = sessions[place][1]
        assert user in [one["username"] for one in answer["candidates"]]
        assert answer["session"] is None or answer["session"]["username"] == user
    assert result["sessions"] == []


class TestFilters:
    """The listed sessions."""

    @pytest.fixture
    def path(self, log: WriteLog) -> str:
        return log(
            entry("ann", 0, 60, "10.8.0.3"),
            entry("bob", 100, 60, "10.8.0.4"),
            entry("Ann", 200, 60, "10.8.0.5"),
            entry("cem", 300, 60, "10.8.0.3"),
        )

    @pytest.mark.parametrize(
        ("filters", "lines"),
        [
            ({}, [2, 3, 4, 5]),
            ({"users": ["ANN"]}, [2, 4]),
            ({"users": ["ann", "bob"]}, [2, 3, 4]),
            ({"users": ["an"]}, []),
            ({"ipaddrs": ["10.8.0.3"]}, [2, 5]),
            ({"ipaddrs": ["::ffff:10.8.0.3"]}, [2, 5]),
            ({"since": NOON + 100}, [3, 4, 5]),
            ({"since": (NOON + 100) * 1000}, [3, 4, 5]),
            ({"since": "2024-01-01T12:01:40Z"}, [3, 4, 5]),
            ({"until": "2024-01-01T13:01:40+01:00"}, [2]),
            ({"since": NOON + 100, "until": NOON + 300}, [3, 4]),
            ({"users": ["ann"], "ipaddrs": ["10.8.0.3"], "since": NOON}, [2]),
        ],
    )
    def test_all_that_are_given_must_hold(self, ask: Ask, path: str, filters: dict[str, Any], lines: list[int]):
        result = ask(path, **filters)
        assert [one["line"] for one in result["sessions"]] == lines
        assert result["counts"]["selected"] == len(lines)
        assert result["counts"]["sessions"] == 4

    def test_a_limit_keeps_the_first_and_says_how_many_there_are(self, ask: Ask, log: WriteLog):
        path = log(*[entry("ann", place * 60, 30) for place in range(5000)])
        os.utime(path, (NOON + 400_000,) * 2)
        result = ask(path, limit=7)
        assert [one["line"] for one in result["sessions"]] == [2, 3, 4, 5, 6, 7, 8]
        assert result["counts"]["selected"] == 5000

    def test_a_limit_keeps_the_first_also_where_sessions_are_found_by_their_ends(self, ask: Ask, tmp_path: Path):
        rows = [
            f'date=2024-01-01 time=12:00:{place:02} tz="+0000" logid="0101039947" type="event" subtype="vpn" action="tunnel-up" '
            f'remip=203.0.113.7 tunnelip=10.8.0.{place + 1} user="u" msg="SSL tunnel"'
            for place in range(40)
        ]
        rows += [row.replace("tunnel-up", "tunnel-down").replace("time=12", "time=13") for row in reversed(rows)]
        path = tmp_path / "gate.log"
        path.write_text("\n".join(rows) + "\n")
        result = ask(str(path), format="fortigate", limit=5)
        assert [one["line"] for one in result["sessions"]] == [1, 2, 3, 4, 5]
        assert all(one["end"] for one in result["sessions"])

    def test_filters_list_sessions_and_do_not_affect_answers(self, ask: Ask, path: str):
        result = ask(path, users=["bob"], match=[question(30)])
        assert [one["username"] for one in result["sessions"]] == ["bob"]
        assert holders(result) == [("ann", None)]


class TestMatch:
    """Who had the address. Each rule of evidence has tests of its own; here they are asked through the module."""

    @pytest.fixture
    def path(self, log: WriteLog) -> str:
        """Until 12:50, the log is about other addresses too."""
        others = [entry("zoe", minute * 60, 50, "10.8.0.99") for minute in range(-10, 51)]
        own = [entry("ann", 0, 60), entry("bob", 100, 60), entry("cem", 300)]
        return log(*sorted([*others, *own], key=lambda row: row.split(",")[2]))

    @pytest.mark.parametrize(
        ("after_noon", "holder"),
        [
            (-601, (None, "before_log_start")),
            (-1, (None, "not_held")),
            (0, ("ann", None)),
            (60, ("ann", None)),
            (69, ("ann", None)),
            (75, (None, "ambiguous")),
            (100, ("bob", None)),
            (160, ("bob", None)),
            (191, (None, "not_held")),
            (300, ("cem", None)),
            (3050, ("cem", None)),
            (3051, (None, "after_log_end")),
        ],
    )
    def test_from_start_to_end(self, ask: Ask, path: str, after_noon: int, holder: tuple[str, str]):
        assert holders(ask(path, match=[question(after_noon)])) == [holder]

    @pytest.mark.parametrize(("after_noon", "holder"), [(3000, ("cem", None)), (3001, (None, "doubtful")), (9000, (None, "doubtful"))])
    def test_ends_do_not_prove_that_nobody_took_an_address_over(self, ask: Ask, log: WriteLog, after_noon: int, holder: tuple[str, str]):
        """The sessions that began after the last row are in another log, which is not given."""
        others = [entry("zoe", minute * 60, 50, "10.8.0.99") for minute in range(50)]
        result = ask(log(entry("ann", -60, 20_000, "10.8.0.98"), *others, entry("cem", 3000)), match=[question(after_noon)])
        assert holders(result) == [holder]
        assert all("no end" in doubt for doubt in result["matches"][0]["doubts"])

    @pytest.mark.parametrize("tolerance", [0, 10])
    def test_the_tolerance_is_an_option(self, ask: Ask, path: str, tolerance: int):
        named = holders(ask(path, match=[question(75), question(65)], tolerance=tolerance))
        assert named == [(None, "not_held"), ("ann", None) if tolerance else (None, "not_held")]

    def test_the_same_answers_newest_first(self, ask: Ask, log: WriteLog, path: str):
        with open(path, encoding="utf-8") as file:
            rows = file.read().splitlines()[1:]
        asked = [question(after_noon) for after_noon in (-1, 0, 60, 75, 130, 200, 1000, 4000)]
        expected = holders(ask(path, match=asked))
        assert holders(ask(log(*reversed(rows)), match=asked)) == expected

    def test_a_copy_of_an_old_log_says_nothing_of_today(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0), entry("bob", 100, 5, "10.8.0.9"))
        os.utime(path, (NOON + 500 * 86_400,) * 2)
        result = ask(path, match=[question(0), question(500 * 86_400 - 60)])
        assert holders(result) == [("ann", None), (None, "after_log_end")]
        assert result["log_end"] == "2024-01-01T12:01:45Z"
        assert result["coverage"] == [{"gateway": None, "since": "2024-01-01T12:00:00Z", "until": "2024-01-01T12:01:45Z"}]

    def test_the_last_known_holder_is_a_candidate_beyond_the_end_of_the_log(self, ask: Ask, log: WriteLog):
        (answer,) = ask(log(entry("ann", 0)), match=[question(3600)])["matches"]
        assert answer["session"] is None
        assert answer["reason"] == "after_log_end"
        assert answer["doubts"] == ["the log ends at 2024-01-01T12:00:00Z"]
        assert [one["username"] for one in answer["candidates"]] == ["ann"]

    def test_who_knows_that_the_log_is_complete_can_say_so(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0))
        assert holders(ask(path, match=[question(9 * 3600)], complete_until=NOON + 9 * 3600)) == [("ann", None)]
        assert holders(ask(path, match=[question(60)], complete_until=NOON + 59)) == [(None, "after_log_end")]

    def test_a_log_that_is_being_written_is_complete_until_now(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0))
        long_ago = ask(path, match=[question(9 * 3600)], complete_until="now")
        assert holders(long_ago) == [("ann", None)]
        assert long_ago["log_end"] > "2025"

    @pytest.mark.parametrize(("minutes", "warnings"), [(59, 0), (61, 1)])
    def test_who_vouches_for_a_log_that_was_not_written_to_is_warned(self, ask: Ask, log: WriteLog, minutes: int, warnings: int):
        path = log(entry("ann", 0))
        os.utime(path, (NOON + 60,) * 2)
        result = ask(path, match=[question(60)], complete_until=NOON + 60 + 60 * minutes)
        assert len([text for text in result.warnings if "was last written to at 2024-01-01T12:01:00Z" in text]) == warnings

    def test_a_filter_by_users_on_a_log_without_users_warns(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0))
        assert not ask(path, users=["bob"]).warnings
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("Username", "Whatever")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        result = ask(path, users=["ann"], format="csv", columns=COLUMNS, timestamp_format="%Y.%m.%d %H:%M:%S %Z")
        assert [text for text in result.warnings if text.startswith("`users`: no session of the log names a user")]

    def test_two_at_once_are_ambiguous_and_both_are_candidates(self, ask: Ask, log: WriteLog):
        (answer,) = ask(log(entry("ann", 0, 3600), entry("bob", 600, 60)), match=[question(630)])["matches"]
        assert answer["session"] is None
        assert answer["ambiguous"]
        assert answer["reason"] == "ambiguous"
        assert [one["username"] for one in answer["candidates"]] == ["ann", "bob"]

    def test_the_same_session_twice_in_the_log_is_one(self, ask: Ask, log: WriteLog):
        (answer,) = ask(log(entry("ann", 0, 60), entry("ann", 0, 60)), match=[question(1)])["matches"]
        assert answer["session"]["line"] == 2
        assert len(answer["candidates"]) == 1

    def test_answers_are_in_the_order_of_the_questions(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0, 60), entry("bob", 100, 60), entry("cem", 100, 60, "fd00::3"))
        asked = [question(110), question(5), question(110, "FD00:0::3"), question(110), question(1, "10.9.9.9")]
        result = ask(path, match=asked)
        assert [one for one, _reason in holders(result)] == ["bob", "ann", "cem", "bob", None]
        assert result["matches"][4]["reason"] == "unknown_address"
        assert result["matches"][2] | {"session": 0, "candidates": 0} == {
            "ipaddr": "fd00::3",
            "timestamp": "2024-01-01T12:01:50Z",
            "session": 0,
            "candidates": 0,
            "ambiguous": False,
            "reason": None,
            "doubts": [],
        }

    @pytest.mark.parametrize(
        "timestamp", [NOON + 5, (NOON + 5) * 1000, str(NOON + 5), "2024-01-01T12:00:05Z", "2024-01-01 12:00:05", NOON + 5.5]
    )
    def test_times_of_questions(self, ask: Ask, log: WriteLog, timestamp: object):
        assert holders(ask(log(entry("ann", 0, 60)), match=[{"ipaddr": "10.8.0.3", "timestamp": timestamp}])) == [("ann", None)]

    @pytest.mark.parametrize(
        ("item", "words"),
        [
            ({"ipaddr": "10.8.0", "timestamp": NOON}, "'10.8.0' is not an IP address"),
            ({"ipaddr": "0.0.0.0", "timestamp": NOON}, "no address"),
            ({"ipaddr": "fe80::1%eth0", "timestamp": NOON}, "interface"),
            ({"ipaddr": "224.0.0.5", "timestamp": NOON}, "multicast"),
            ({"ipaddr": None, "timestamp": NOON}, "the address is missing"),
            ({"ipaddr": ["10.8.0.3"], "timestamp": NOON}, "the address is not a text"),
            ({"ipaddr": "10.8.0.3"}, "the time is missing"),
            ({"ipaddr": "10.8.0.3", "timestamp": "yesterday"}, "time 'yesterday'"),
            ({"ipaddr": "10.8.0.3", "timestamp": True}, "a bool was given"),
            ({"ipaddr": "10.8.0.3", "timestamp": 5}, "before 1980"),
        ],
    )
    def test_a_question_that_cannot_be_asked_stops_no_other(self, ask: Ask, log: WriteLog, item: dict[str, Any], words: str):
        first, second, third = ask(log(entry("ann", 0, 60)), match=[question(5), item, question(6)])["matches"]
        assert first["session"]["username"] == third["session"]["username"] == "ann"
        assert (second["session"], second["reason"]) == (None, "invalid_question")
        assert words in second["doubts"][0]


class TestDoubtfulRows:
    """Invalid rows never stop a question, and make answers doubtful that they may have changed."""

    @pytest.mark.parametrize(
        "row",
        [
            pytest.param(entry("", 600), id="no user"),
        ],
    )
    def test_a_row_that_takes_the_address(self, ask: Ask, log: WriteLog, row: str):
        path = log(entry("ann", 0), row, entry("zoe", 1200, 60, "10.8.0.99"))
        assert holders(ask(path, match=[question(500), question(700), question(1100)]))[0] == ("ann", None)
        named = holders(ask(path, match=[question(700), question(1100)]))
        assert [user for user, _reason in named] == [None, None]

    def test_a_row_that_cannot_be_read(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0), "vpn1,bo", entry("zoe", 1200, 60, "10.8.0.99"))
        (answer,) = ask(path, match=[question(700)])["matches"]
        assert (answer["session"], answer["reason"]) == (None, "doubtful")
        assert answer["doubts"][0].startswith("line 3: the row cannot be read")

    def test_a_last_line_that_is_cut_off_names_nobody(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0), entry("zoe", 1200, 60, "10.8.0.99"), entry("bobby", 1300))
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) - 60)
        answers = ask(path, match=[question(1320)], complete_until=NOON + 1400)["matches"]
        assert answers[0]["session"] is None


class TestBadInput:
    """A message says what is wrong, where, and what to do."""

    def test_the_variable_for_the_history_is_no_reason_to_refuse_a_log(self, ask: Ask, log: WriteLog, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("SECOPS_XDR_HISTORY", "/nowhere/sessions.sqlite3")
        path = log(entry("ann", 0), entry("zoe", 1200, 60, "10.8.0.99"))
        assert ask(path, match=[question(60)])["matches"][0]["session"]["username"] == "ann"

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"complete_until": "2080-01-01T00:00:00Z"}, "complete_until: 2080-01-01T00:00:00Z is in the future"),
            ({"tolerance": -1}, "tolerance: -1 is out of range"),
            ({"longest_session": 0}, "longest_session: 0 is out of range"),
            ({"gateways": ["a"]}, "gateways: a log has no name of a gateway"),
            ({"history": "/tmp/h.sqlite3"}, "history: this excludes `path` and `paths`"),
            ({"ipaddrs": ["10.8.0.3", "x"]}, "ipaddrs[1]: 'x' is not an IP address"),
            ({"since": 5}, "since: time '5' is before 1980"),
            ({"until": "x"}, "until: time 'x'"),
            ({"limit": 0}, "limit: 0 is out of range"),
            ({"timezone": "Middle/Earth"}, "timezone: 'Middle/Earth' is not known"),
            ({"path": "/nowhere"}, "path: there is no file /nowhere"),
            (
                {"format": "csv", "on_invalid": "fail", "columns": COLUMNS},
                "line 2: time '2024.01.01 12:00:00 UTC' does not match timestamp_format",
            ),
            ({"format": "cisco_asa"}, "is a message of Cisco ASA"),
        ],
    )
    def test_messages(self, ask: Ask, log: WriteLog, options: dict[str, Any], message: str):
        result = ask(**{"path": log(entry("ann", 0)), **options})
        assert message in result.msg

    def test_a_bad_row_fails_the_module_or_is_listed(self, ask: Ask, log: WriteLog):
        path = log(entry("ann", 0), entry("bob", 5, ipaddr="10.8.0.300"), entry("cem", 5, outside="nowhere"))
        failed = ask(path, on_invalid="fail")
        assert f"{path}, line 3: '10.8.0.300' is not an IP address (2 rows are invalid, see rejected_rows)." in failed.msg
        assert [row["line"] for row in failed["rejected_rows"]] == [3, 4]
        assert failed["counts"]["read"] == 3
        skipped = ask(path)
        assert skipped["counts"] == {"read": 3, "sessions": 1, "selected": 1, "skipped": {}, "rejected": 2}
        assert [row["line"] for row in skipped["rejected_rows"]] == [3, 4]

    def test_a_log_without_rows_fails_the_module_or_is_warned_of(self, ask: Ask, log: WriteLog):
        assert "has a header and no rows" in ask(log(), on_invalid="fail").msg
        result = ask(log(), match=[question(0)])
        assert "has a header and no rows" in result.warnings[0]
        assert holders(result) == [(None, "unknown_address")]


def test_no_key_of_wireguard_is_printed(ask: Ask):
    result = ask(str(FIXTURES / "wireguard.log"), format="wireguard")
    failed = ask(str(FIXTURES / "wireguard.log"), format="wireguard", on_invalid="fail")
    keys = {field for line in (FIXTURES / "wireguard.log").read_text().splitlines() for field in line.split("\t") if len(field) == 44}
    assert len(keys) > 200
    assert not [key for key in keys if key in result.printed or key in failed.printed]
