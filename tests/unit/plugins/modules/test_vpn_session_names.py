# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs from which a wrong user could be named. The expected answers are those of a person who knows the truth."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.module_runs import ModuleRun

    Name = Callable[..., list[str | None]]

NOON = 1_714_564_800
X, Y = "10.8.0.5", "10.8.0.99"
AS_HEADER = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error"


def clock(minute: int) -> datetime:
    return datetime.fromtimestamp(NOON + 60 * minute, UTC)


def asa(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    return (
        f"{clock(minute):%b %d %Y %H:%M:%S} {device} : %ASA-4-722051: Group <RA> User <{user}> IP <203.0.113.7> IPv4 Address <{ipaddr}> "
        "IPv6 address <::> assigned to session"
    )


def fortigate(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    now = clock(minute)
    return (
        f'date={now:%Y-%m-%d} time={now:%H:%M:%S} devname="{device}" devid="{device}" tz="+0000" logid="0101039947" type="event" '
        f'subtype="vpn" action="tunnel-up" tunnelid=7 remip=203.0.113.7 tunnelip={ipaddr} user="{user}" group="RA" msg="SSL tunnel"'
    )


def globalprotect(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    now = f"{clock(minute):%Y/%m/%d %H:%M:%S}"
    before = f"1,{now},{device},GLOBALPROTECT,0,2305,{now},vsys1,gateway-connected,tunnel,,IPSec,{user},DE,PC,203.0.113.7,0.0.0.0"
    return f"{before},{ipaddr},0.0.0.0,id,SER,5.2.4,Windows,Windows 10,1,,,,success,,0,user-logon,0,GW,77,0x0"


def access_server(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    return f"{device},{user},{clock(minute):%Y.%m.%d %H:%M:%S} UTC,,VPN,0,1,203.0.113.7,{ipaddr},UDP,1194,99,"


def radius(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    now = clock(minute)
    return (
        f'{now:%a %b %e %H:%M:%S %Y}\n\tAcct-Status-Type = Start\n\tUser-Name = "{user}"\n\tNAS-Identifier = "{device}"\n'
        f'\tFramed-IP-Address = {ipaddr}\n\tCalling-Station-Id = "203.0.113.7"\n\tAcct-Session-Id = "S{minute}"\n'
        f"\tTimestamp = {int(now.timestamp())}\n"
    )


def strongswan(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    head = f"{clock(minute):%Y-%m-%dT%H:%M:%S}Z {device} charon: 07[IKE] <ra|{minute + 1}>"
    return (
        f"{head} IKE_SA ra[{minute + 1}] established between 192.0.2.1[gw]...203.0.113.7[{user}]\n"
        f"{head} assigning virtual IP {ipaddr} to peer '{user}'"
    )


def openvpn(minute: int, user: str, device: str = "fw1", ipaddr: str = X) -> str:
    client = f"{user}/203.0.113.7:{20_000 + minute}"
    return f"{clock(minute):%b %e %H:%M:%S} {device} openvpn[77]: {client} MULTI: Learn: {ipaddr} -> {client}"


WRITERS = {
    "cisco_asa": asa,
    "fortigate": fortigate,
    "globalprotect": globalprotect,
    "openvpn_as": access_server,
    "radius_detail": radius,
    "strongswan": strongswan,
    "openvpn_log": openvpn,
}


@pytest.fixture
def name(run_module: Callable[..., ModuleRun], tmp_path: Path) -> Name:
    """Who had the address at these minutes after noon by this log, or the reason why nobody is named."""

    def ask(log_format: str, rows: list[str], *minutes: int, **options: Any) -> list[str | None]:
        path = tmp_path / "vpn.log"
        path.write_text("".join(f"{row}\n" for row in rows))
        os.utime(path, (NOON + 86_400,) * 2)
        match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in minutes]
        params = {"path": str(path), "format": log_format, "timezone": "UTC", "match": match, **options}
        return names(run_module(vpn_session_info.main, params))

    return ask


def names(result: ModuleRun) -> list[str | None]:
    return [answer["session"]["username"] if answer["session"] else answer["reason"] for answer in result["matches"]]


class TestSeveralGatewaysInOneLog:
    """A relay writes the lines of several gateways into one file. They have the same pool, and each has its own holder of an address."""

    @pytest.mark.parametrize("log_format", WRITERS)
    def test_both_have_assigned_the_address(self, name: Name, log_format: str):
        write = WRITERS[log_format]
        rows = [write(0, "ann"), write(10, "bob", "fw2"), write(60, "zoe", ipaddr="10.8.0.99")]
        head = [AS_HEADER] if log_format == "openvpn_as" else []
        assert name(log_format, [*head, *rows], 5, 30) == ["ann", "ambiguous"]

    @pytest.mark.parametrize("log_format", WRITERS)
    def test_one_gateway_gives_it_to_the_next_user(self, name: Name, log_format: str):
        write = WRITERS[log_format]
        rows = [write(0, "ann"), write(10, "bob"), write(60, "zoe", "fw2", "10.8.0.99")]
        head = [AS_HEADER] if log_format == "openvpn_as" else []
        assert name(log_format, [*head, *rows], 5, 30) == ["ann", "bob"]

    def test_a_history_knows_them_apart_in_the_next_run(self, run_module: Callable[..., ModuleRun], tmp_path: Path):
        path, history = tmp_path / "vpn.log", str(tmp_path / "sessions.sqlite3")
        for rows in ([asa(0, "ann"), asa(1, "zoe", ipaddr="10.8.0.99")], [asa(10, "bob", "fw2"), asa(60, "zoe", ipaddr="10.8.0.99")]):
            with path.open("a") as log:
                log.writelines(f"{row}\n" for row in rows)
            os.utime(path, (NOON + 86_400,) * 2)
            taken = {"path": str(path), "format": "cisco_asa", "timezone": "UTC", "history": history, "gateway": "relay"}
            assert not run_module(vpn_session.main, taken).failed
        match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (5, 30)]
        assert names(run_module(vpn_session_info.main, {"history": history, "match": match})) == ["ann", "ambiguous"]

    def test_the_other_gateway_of_a_cluster_ends_the_session(self, name: Name):
        end = globalprotect(10, "ann", "fw2").replace("gateway-connected", "gateway-logout")
        rows = [globalprotect(0, "ann"), end, globalprotect(60, "zoe", ipaddr="10.8.0.99")]
        assert name("globalprotect", rows, 5, 30) == ["ann", "not_held"]


@pytest.mark.parametrize("word", ["N/A", "(null)", "UNDEF", "Unknown", "none", "-", "*****", '""', "?"])
def test_what_gateways_write_for_no_name_names_nobody(name: Name, word: str):
    assert name("cisco_asa", [asa(0, "ann"), asa(10, word), asa(60, "zoe", ipaddr="10.8.0.99")], 5, 30) == ["ann", "doubtful"]


def openvpn_end(minute: int, user: str, began: int) -> str:
    client = f"{user}/203.0.113.7:{20_000 + began}"
    return f"{clock(minute):%b %e %H:%M:%S} fw1 openvpn[77]: {client} SIGTERM[soft,remote-exit] received, client-instance exiting"


@pytest.mark.parametrize("place", [10, 45])
def test_an_end_far_from_its_place_makes_doubtful_what_it_may_end(name: Name, place: int):
    """The line has no address. Ann left at minute 900, and bob came at minute 1000."""
    rows = [openvpn(minute, "zoe", ipaddr=Y) for minute in range(0, 1400, 30)]
    rows.insert(27, openvpn(785, "ann"))
    rows.insert(35, openvpn(1000, "bob"))
    rows.insert(place, openvpn_end(900, "ann", 785))
    assert name("openvpn_log", rows, 850, 950, 1100) == ["ann", "doubtful", "bob"]


def test_an_end_with_a_wrong_time_makes_doubtful_what_an_earlier_run_has(run_module: Callable[..., ModuleRun], tmp_path: Path):
    """Ann, whom the first run took in, left at minute 500; the clock was wrong for this one line."""
    path, history = tmp_path / "vpn.log", str(tmp_path / "sessions.sqlite3")
    first = [*(openvpn(minute, "zoe", ipaddr=Y) for minute in range(0, 400, 20)), openvpn(395, "ann")]
    second = [openvpn(minute, "zoe", ipaddr=Y) for minute in range(400, 900, 20)]
    second.insert(5, openvpn_end(9000, "ann", 395))
    for rows in (first, second):
        with path.open("a") as log:
            log.writelines(f"{row}\n" for row in rows)
        os.utime(path, (NOON + 864_000,) * 2)
        taken = {"path": str(path), "format": "openvpn_log", "timezone": "UTC", "history": history, "gateway": "gw"}
        assert not run_module(vpn_session.main, taken).failed
    match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (450, 700)]
    assert names(run_module(vpn_session_info.main, {"history": history, "match": match})) == ["ann", "doubtful"]


class TestLogsThatDisagree:
    """Several logs of one gateway: in any order, in a wrong zone, with a clock that was set back in between."""

    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., str]:
        def written(log: str, *rows: str) -> str:
            path = tmp_path / log
            path.write_text("".join(f"{row}\n" for row in rows))
            os.utime(path, (NOON + 86_400,) * 2)
            return str(path)

        return written

    @pytest.fixture
    def take(self, run_module: Callable[..., ModuleRun], tmp_path: Path) -> Callable[..., ModuleRun]:
        def taken(path: str, **options: Any) -> ModuleRun:
            params = {"path": path, "format": "cisco_asa", "timezone": "UTC", "history": str(tmp_path / "h.sqlite3"), "gateway": "gw"}
            return run_module(vpn_session.main, {**params, **options})

        return taken

    @pytest.fixture
    def who(self, run_module: Callable[..., ModuleRun], tmp_path: Path) -> Name:
        def ask(*minutes: int) -> list[str | None]:
            match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in minutes]
            return names(run_module(vpn_session_info.main, {"history": str(tmp_path / "h.sqlite3"), "match": match}))

        return ask

    def test_a_clock_was_set_back_between_two_rotated_logs(self, run_module: Callable[..., ModuleRun], take, who, write):
        """The user of the second log came later, whatever its clock says."""
        paths = [
            write("vpn.log.1", asa(0, "zoe", ipaddr="10.8.0.99"), asa(50, "ann"), asa(55, "zoe", ipaddr="10.8.0.99")),
            write(
                "vpn.log",
                *[asa(minute, "zoe", ipaddr=Y) for minute in (20, 25)],
                asa(30, "bob"),
                asa(100, "kim", ipaddr="10.8.0.9"),
            ),
        ]
        match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (40, 52, 90)]
        params = {"paths": paths, "format": "cisco_asa", "timezone": "UTC", "match": match}
        assert names(run_module(vpn_session_info.main, params)) == ["doubtful"] * 3
        for path in paths:
            assert not take(path).failed
        assert who(40, 52, 90) == ["doubtful"] * 3

    def test_a_copy_that_overlaps_changes_nothing(self, take, who, write):
        rows = [asa(0, "ann"), asa(10, "bob"), asa(20, "cem"), asa(60, "zoe", ipaddr="10.8.0.99")]
        for path in (write("a.log", *rows[:3]), write("b.log", *rows[1:]), write("c.log", *rows[:2])):
            assert not take(path).failed
        assert who(5, 15, 40) == ["ann", "bob", "cem"]

    def test_the_same_log_in_another_zone_is_refused(self, take, who, write):
        path = write("a.log", asa(0, "ann"), asa(10, "bob"), asa(60, "zoe", ipaddr="10.8.0.99"))
        assert not take(path).failed
        again = take(path, timezone="Asia/Tokyo")
        assert again.failed
        assert "is in this history already, read with timezone UTC" in again["msg"]
        assert who(5, 5 - 9 * 60) == ["ann", "before_log_start"]

    def test_a_log_whose_rows_have_their_zone_may_be_read_with_another(self, take, write):
        path = write("a.log", fortigate(0, "ann"), fortigate(10, "bob"))
        assert not take(path, format="fortigate").failed
        assert not take(path, format="fortigate", timezone="Asia/Tokyo").failed

    @pytest.mark.parametrize("user", ["ann", "CORP\\ann"])
    def test_the_end_is_in_a_log_that_was_taken_before_the_beginning(self, take, who, write, user: str):
        end = f"{clock(80):%b %d %Y %H:%M:%S} fw1 : %ASA-4-113019: Group = RA, Username = ann, IP = 203.0.113.7, Session disconnected. "
        end += "Session Type: SSL, Duration: 1h:20m:00s, Bytes xmt: 9, Bytes rcv: 9, Reason: User Requested"
        assert not take(write("b.log", asa(70, "kim", ipaddr="10.8.0.9"), end, asa(100, "zoe", ipaddr="10.8.0.99"))).failed
        assert not take(write("a.log", asa(0, user), asa(70, "kim", ipaddr="10.8.0.9"))).failed
        assert who(90) == ["doubtful"]

    def test_an_end_without_a_name_is_in_a_log_that_was_taken_before_the_beginning(self, take, who, write):
        freed = f"{clock(80):%b %d %Y %H:%M:%S} fw1 : %ASA-6-737016: IPAA: Freeing local pool address {X}"
        assert not take(write("b.log", asa(70, "kim", ipaddr="10.8.0.9"), freed, asa(100, "zoe", ipaddr="10.8.0.99"))).failed
        assert not take(write("a.log", asa(0, "ann"), asa(70, "kim", ipaddr="10.8.0.9"))).failed
        assert who(30, 90)[1] in ("not_held", "doubtful")


def test_a_clock_that_is_set_back_by_few_rows_is_no_row_in_the_wrong_place(name: Name):
    """The clock was an hour ahead until minute 180, and the log has a row each quarter of an hour: dora left at minute 140, not 200."""
    noise = [asa(minute, "zoe", ipaddr=Y) for minute in range(60, 240, 15)]
    freed = f"{clock(200):%b %d %Y %H:%M:%S} fw1 : %ASA-6-737016: IPAA: Freeing local pool address {X}"
    ahead = sorted([*noise, asa(65, "dora"), freed, asa(201, "bob")])
    right = [asa(minute, "zoe", ipaddr=Y) for minute in range(180, 600, 15)]
    assert name("cisco_asa", [*ahead, *right], 150)[0] in ("ambiguous", "doubtful")


def without_year(minute: int, user: str, ipaddr: str = X) -> str:
    return f"{clock(minute):%b %e %H:%M:%S} fw1 : {asa(minute, user, ipaddr=ipaddr).split(' : ')[1]}"


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([(-384, "ann"), (-200, "bob"), (0, "zoe")], -18),
        ([(-384, "ann"), (-200, "bob"), (-1, "zoe"), (0, "kim")], -18),
        ([(-737, "ann"), (-585, "bob"), (-401, "ann"), (-338, "bob"), (-155, "ann"), (-32, "bob"), (0, "ann")], -35),
    ],
)
def test_a_few_rows_of_several_years_that_name_none(name: Name, rows: list[tuple[int, str]], asked: int):
    """Rows of earlier years look like those of the last one. The days are counted from the last row."""
    lines = [without_year(1440 * day, user, Y if user == "bob" else X) for day, user in rows]
    assert name("cisco_asa", lines, 1440 * asked + 30)[0] not in {user for _day, user in rows}


def test_two_rows_that_may_be_newest_first(name: Name):
    """Either the clock was set back, and bob has the address now, or ann has."""
    answers = name("cisco_asa", [asa(300, "ann"), asa(100, "bob")], 150, 250, 350, 500, 590, complete_until=NOON + 60 * 600)
    assert not {"ann", "bob"}.intersection(answers)


def test_one_row_far_out_of_line_among_many_without_years(name: Name):
    rows = [without_year(minute, "ann", X if minute == 50 else Y) for minute in range(0, 200, 10)]
    assert name("cisco_asa", [*rows[:9], without_year(-1440 * 90, "zoe", Y), *rows[9:]], 60) == ["ann"]


class TestSnapshotsInSeveralLogs:
    """A status file that is copied every ten minutes."""

    HEAD = (
        "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,"
        "Connected Since,Connected Since (time_t),Username,Client ID,Peer ID"
    )

    @pytest.fixture
    def status(self, tmp_path: Path) -> Callable[..., str]:
        def written(minute: int, **clients: int) -> str:
            def moment(of: int) -> str:
                return f"{clock(of):%Y-%m-%d %H:%M:%S},{NOON + 60 * of}"

            rows = [f"CLIENT_LIST,{user},203.0.113.7:2000,{X},,9,9,{moment(since)},UNDEF,1,0" for user, since in clients.items()]
            path = tmp_path / f"status-{minute}"
            path.write_text("\n".join(["TITLE,OpenVPN 2.5.1", f"TIME,{moment(minute)}", self.HEAD, *rows, "END", ""]))
            os.utime(path, (NOON + 60 * minute,) * 2)
            return str(path)

        return written

    @pytest.mark.parametrize("is_history", [False, True])
    def test_who_is_shown_in_between_is_not_lost(self, run_module: Callable[..., ModuleRun], tmp_path: Path, status, is_history: bool):
        paths = [status(10, ann=0), status(20, bob=15), status(30, cem=25)]
        match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (5, 12, 17, 22, 27)]
        asked = {"paths": paths, "format": "openvpn_status"}
        if is_history:
            asked = {"history": str(tmp_path / "h.sqlite3")}
            assert not run_module(vpn_session.main, {"paths": paths, "format": "openvpn_status", "gateway": "gw", **asked}).failed
        answers = names(run_module(vpn_session_info.main, {**asked, "match": match}))
        assert answers == ["ann", "not_covered", "bob", "not_covered", "cem"]

    def test_a_session_that_is_not_shown_in_between(self, run_module: Callable[..., ModuleRun], status):
        paths = [status(10, ann=0), status(20), status(30, ann=0)]
        match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (5, 15, 20, 25, 30)]
        answers = names(run_module(vpn_session_info.main, {"paths": paths, "format": "openvpn_status", "match": match}))
        assert answers == ["ann", "not_covered", "not_covered", "not_covered", "ann"]


class TestTheHourThatOccursTwice:
    """In the night of 2024-10-27, Berlin's clocks show 02:00 to 03:00 twice."""

    CHANGE = 1_729_990_800

    def row(self, minute: int, text: str) -> str:
        now = datetime.fromtimestamp(self.CHANGE + 60 * minute, ZoneInfo("Europe/Berlin"))
        return text.replace(f"{clock(0):%b %d %Y %H:%M:%S}", f"{now:%b %d %Y %H:%M:%S}")

    def test_a_log_that_is_taken_row_by_row(self, run_module: Callable[..., ModuleRun], tmp_path: Path):
        """Bob had the address from minute -30 to 20, and dora from minute 50 on. A row alone does not say in which of the hours it is."""
        rows = [self.row(minute, asa(0, user)) for minute, user in ((-100, "ann"), (-30, "bob"), (20, "cem"), (50, "dora"), (300, "zoe"))]
        path, history = tmp_path / "vpn.log", str(tmp_path / "h.sqlite3")
        for count in range(1, len(rows) + 1):
            path.write_text("".join(f"{row}\n" for row in rows[:count]))
            os.utime(path, (self.CHANGE + 86_400,) * 2)
            taken = {"path": str(path), "format": "cisco_asa", "timezone": "Europe/Berlin", "history": history, "gateway": "gw"}
            assert not run_module(vpn_session.main, taken).failed
        match = [{"ipaddr": X, "timestamp": self.CHANGE + 60 * minute} for minute in (-90, -20, 10, 30, 40, 55, 200)]
        answers = names(run_module(vpn_session_info.main, {"history": history, "match": match}))
        assert answers == ["ann", *["doubtful"] * 5, "dora"]


def test_an_export_of_which_a_part_is_missing(run_module: Callable[..., ModuleRun], tmp_path: Path):
    """Sessions of the first part last longer than its rows reach: the rows in between are in the part that is missing."""
    parts = {
        "export.2": [
            access_server(0, "zoe", ipaddr=Y).replace(",,VPN", ",7200,VPN"),
            access_server(10, "ann").replace(",,VPN", ",600,VPN"),
        ],
        "export": [access_server(60, "bob").replace(",,VPN", ",600,VPN"), access_server(90, "zoe", ipaddr=Y).replace(",,VPN", ",60,VPN")],
    }
    for name_, rows in parts.items():
        (tmp_path / name_).write_text("\n".join([AS_HEADER, *rows, ""]))
        os.utime(tmp_path / name_, (NOON + 86_400,) * 2)
    match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (10, 20.2, 40, 65)]
    params = {"paths": [str(tmp_path / name_) for name_ in parts], "format": "openvpn_as", "match": match}
    assert names(run_module(vpn_session_info.main, params)) == ["ann", "not_covered", "not_covered", "bob"]


def test_a_session_of_which_only_the_end_is_known_does_not_free_the_address_for_another_gateway(
    run_module: Callable[..., ModuleRun], tmp_path: Path
):
    """Ann had a session before the log began. Its end is not that of her session on this address."""
    history = str(tmp_path / "h.sqlite3")
    end = f"{clock(20):%b %d %Y %H:%M:%S} fw1 : %ASA-4-113019: Group = RA, Username = ann, IP = 198.51.100.3, Session disconnected. "
    end += "Session Type: SSL, Duration: 6h:00m:00s, Bytes xmt: 9, Bytes rcv: 9, Reason: User Requested"
    logs = {"gw1": [asa(0, "ann"), end], "gw2": [asa(0, "zoe", ipaddr=Y), asa(10, "bob")]}
    for gateway, rows in logs.items():
        path = tmp_path / f"{gateway}.log"
        path.write_text("".join(f"{row}\n" for row in [*rows, asa(60, "zoe", ipaddr=Y)]))
        os.utime(path, (NOON + 86_400,) * 2)
        taken = {"path": str(path), "format": "cisco_asa", "timezone": "UTC", "history": history, "gateway": gateway}
        assert not run_module(vpn_session.main, taken).failed
    match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (15, 40)]
    assert names(run_module(vpn_session_info.main, {"history": history, "match": match})) == ["ambiguous", "ambiguous"]


def test_a_doubt_is_found_among_hundreds_of_others(run_module: Callable[..., ModuleRun], tmp_path: Path):
    """Bob's row at minute 300 cannot be read, and neither can a hundred rows before ann's and after the question."""
    garbled = [
        f"{clock(minute):%b %d %Y %H:%M:%S} fw1 : %ASA-4-722051: Group <RA> User <b" for minute in (*range(100), 300, *range(500, 600))
    ]
    rows = [asa(0, "zoe", ipaddr=Y), *garbled[:100], asa(200, "ann"), garbled[100], *garbled[101:], asa(700, "zoe", ipaddr=Y)]
    spread = [row for one in rows for row in (one, asa(0, "zoe", ipaddr=Y).replace(f"{clock(0):%b %d %Y %H:%M:%S}", one[:20]))]
    path, history = tmp_path / "vpn.log", str(tmp_path / "h.sqlite3")
    path.write_text("".join(f"{row}\n" for row in spread))
    os.utime(path, (NOON + 86_400,) * 2)
    taken = {"path": str(path), "format": "cisco_asa", "timezone": "UTC", "history": history, "gateway": "gw"}
    assert run_module(vpn_session.main, taken)["counts"]["rejected"] == 201
    match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (250, 400)]
    assert names(run_module(vpn_session_info.main, {"history": history, "match": match})) == ["ann", "doubtful"]


class TestPartsOfARotatedLogWithoutItsFormat:
    """Parts of a quiet time may have messages of the gateway about other things only."""

    OTHER = "1,{now},0131,SYSTEM,general,2305,{now},,general,,0,0,general,informational,Connection to server is up,77,0x0"

    @pytest.fixture
    def write(self, tmp_path: Path) -> Callable[..., list[str]]:
        def written(**parts: list[str]) -> list[str]:
            for part, rows in parts.items():
                (tmp_path / part).write_text("".join(f"{row}\n" for row in rows))
                os.utime(tmp_path / part, (NOON + 86_400,) * 2)
            return [str(tmp_path / part) for part in parts]

        return written

    def other(self, minute: int) -> str:
        return self.OTHER.format(now=f"{clock(minute):%Y/%m/%d %H:%M:%S}")

    @pytest.mark.parametrize("is_history", [False, True])
    def test_one_part(self, run_module: Callable[..., ModuleRun], tmp_path: Path, write, is_history: bool):
        paths = write(old=[globalprotect(0, "ann")], new=[self.other(10)])
        asked = {"paths": paths, "format": "globalprotect", "timezone": "UTC"}
        if is_history:
            taken = run_module(vpn_session.main, {**asked, "gateway": "gw", "history": str(tmp_path / "h.sqlite3")})
            asked = {"history": str(tmp_path / "h.sqlite3")}
        match = [{"ipaddr": X, "timestamp": NOON}]
        result = run_module(vpn_session_info.main, {**asked, "match": match})
        assert names(result) == ["ann"]
        warned = taken if is_history else result
        assert [text for text in warned.warnings if f"no line of {paths[1]} is" in text]

    def test_every_part(self, run_module: Callable[..., ModuleRun], write):
        paths = write(old=[self.other(0)], new=[self.other(10)])
        result = run_module(vpn_session_info.main, {"paths": paths, "format": "globalprotect", "match": []})
        assert f"no line of {paths[0]} is" in result.msg


def test_a_quiet_part_of_a_rotated_log_of_json(run_module: Callable[..., ModuleRun], tmp_path: Path):
    parts = {
        "vpn.log.2": [{"time": NOON, "user": "ann", "inside": X, "outside": "203.0.113.7"}],
        "vpn.log.1": [{"time": NOON + 600, "message": "keep alive"}, {"time": NOON + 1200, "message": "keep alive"}],
        "vpn.log": [{"time": NOON + 1800, "user": "bob", "inside": X, "outside": "203.0.113.8"}, {"time": NOON + 3000}],
    }
    for part, rows in parts.items():
        (tmp_path / part).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        os.utime(tmp_path / part, (NOON + 86_400,) * 2)
    columns = {"ipaddr": "inside", "associated_ipaddr": "outside", "timestamp": "time"}
    match = [{"ipaddr": X, "timestamp": NOON + 60 * minute} for minute in (5, 15, 40)]
    params = {"paths": [str(tmp_path / part) for part in parts], "format": "json_lines", "columns": columns, "timestamp_format": "epoch"}
    result = run_module(vpn_session_info.main, {**params, "match": match})
    assert names(result) == ["ann", "ann", "bob"]
