# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Syslog of Cisco ASA: messages, times with and without a year, and ends."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import END, Record

from support.gateway_world import UTC
from support.log_reading import began, opened, read_log
from support.mutants import records_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]


ASSIGNED = "%ASA-4-722051: Group <staff> User <ann> IP <203.0.113.7> IPv4 Address <10.8.0.3> IPv6 address <::> assigned to session"


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def start_of(path: Path, last_written: str, **options: str) -> str:
    """When the only session of a log began, by a clock in UTC."""
    os.utime(path, (epoch(last_written), epoch(last_written)))
    (session,) = read_log(path, "cisco_asa", **options).observations
    return datetime.fromtimestamp(began(session) / 1000, UTC).isoformat()[:19]


@pytest.mark.parametrize(
    ("line_time", "last_written", "start"),
    [
        ("Jan  2 10:00:00", "2024-01-03T00:00:00", "2024-01-02T10:00:00"),
        ("Dec 30 10:00:00", "2024-01-03T00:00:00", "2023-12-30T10:00:00"),
        ("Jan  4 00:00:00", "2024-01-03T00:00:00", "2024-01-04T00:00:00"),
        ("Jan  4 00:00:01", "2024-01-03T00:00:00", "2023-01-04T00:00:01"),
        ("Jan  1 00:30:00", "2023-12-31T23:50:00", "2024-01-01T00:30:00"),
        ("Feb 29 10:00:00", "2024-03-01T00:00:00", "2024-02-29T10:00:00"),
        ("Feb 29 10:00:00", "2027-01-01T00:00:00", "2024-02-29T10:00:00"),
        ("Feb 29 10:00:00", "2104-01-01T00:00:00", "2096-02-29T10:00:00"),
    ],
)
def test_a_missing_year_is_the_latest_that_is_no_more_than_a_day_after_the_file(
    written: Written, line_time: str, last_written: str, start: str
):
    assert start_of(written(f"{line_time} 10.192.0.1 : {ASSIGNED}\n"), last_written) == start


@pytest.mark.parametrize(
    ("head", "start"),
    [
        ("Mar 21 2014 23:03:49 vpn-2 : ", "2014-03-21T23:03:49"),
        ("Mar 21 2014 23:03:49: ", "2014-03-21T23:03:49"),
        ("Mar 21 2014 23:03:49 EST: ", "2014-03-22T04:03:49"),
        ("Mar 21 2014 23:03:49 EDT fw : ", "2014-03-22T03:03:49"),
        ("Mar 21 2014 23:03:49 fw ASA[7]: ", "2014-03-21T23:03:49"),
        ("Mar 21 2014 23:03:49 UTC+2:00: ", "2014-03-21T21:03:49"),
        ("Mar 21 2014 23:03:49 PSTDST: ", "2014-03-22T06:03:49"),
        ("Mar 21 2014 23:03:49 +0530 fw : ", "2014-03-21T17:33:49"),
        ("Mar 21 2014 11:03:49 PM fw : ", "2014-03-21T23:03:49"),
        ("2014 Mar 21 23:03:49 fw : ", "2014-03-21T23:03:49"),
        ("Mar 21 23:03:49 2014 fw : ", "2014-03-21T23:03:49"),
        ("<166>2013-06-27T12:17:46Z asa : ", "2013-06-27T12:17:46"),
        ("2013-06-27T12:17:46.123456+02:00 asa ", "2013-06-27T10:17:46"),
        ("Mar 22 08:00:00 relay <166>Mar 21 2014 23:03:49: ", "2014-03-21T23:03:49"),
        ("2014-03-22T08:00:00Z relay Mar 21 2014 23:03:49: ", "2014-03-21T23:03:49"),
        ("Mar 22 08:00:00 relay Mar 21 23:03:49 fw : ", "2014-03-21T23:03:49"),
        ("Mar 21 23:03:49 dev01: ", "2014-03-21T23:03:49"),
        ("<166>: 2014 Mar 21 23:03:49 UTC 8a1c-44f0 : ", "2014-03-21T23:03:49"),
    ],
)
def test_what_comes_before_a_message(written: Written, head: str, start: str):
    assert start_of(written(f"{head}{ASSIGNED}\n"), "2014-03-23T00:00:00") == start


@pytest.mark.parametrize("beside", ["FW:", "QQT:", "CST:", "brt fw :", "14PM fw :", "ESTX fw :", "1 fw :"])
def test_what_is_beside_a_time_and_not_understood_makes_the_row_invalid(written: Written, beside: str):
    read = read_log(written(f"Mar 21 2014 14:03:49 {beside} {ASSIGNED}\n"), "cisco_asa", timezone=None)
    assert [row.line for row in read.rejected] == [1]


def test_times_without_a_zone_are_in_the_zone_of_the_option(written: Written):
    path = written(f"Jul 01 12:00:00 fw : {ASSIGNED}\n")
    assert start_of(path, "2024-07-02T00:00:00", timezone="America/New_York") == "2024-07-01T16:00:00"


@pytest.mark.parametrize("message", ["%FTD-4-722051", "%ASA-7-722051", "%ASA-vpn-4-722051"])
def test_messages_are_known_by_their_number(written: Written, message: str):
    assert len(read_log(written(f"Jul 01 2024 12:00:00: {ASSIGNED}\n".replace("%ASA-4-722051", message)), "cisco_asa").observations) == 1


@pytest.mark.parametrize("gone", ["10.8.0.3", "203.0.113.7"])
def test_without_one_of_the_addresses_there_is_no_session(written: Written, gone: str):
    assert read_log(written(f"Jul 01 2024 12:00:00: {ASSIGNED}\n".replace(gone, "0.0.0.0")), "cisco_asa").reasons == ["no_address"]


def test_a_message_without_a_time_and_one_with_a_bad_address_are_rejected(written: Written):
    read = read_log(written(f"{ASSIGNED}\nJul 01 2024 12:00:00: {ASSIGNED}\n".replace("203.0.113.7>", "203.0.113.7.1>")), "cisco_asa")
    assert [row.line for row in read.rejected] == [1, 2]
    assert "is not an IP address" in read.rejected[1].reason


@pytest.mark.parametrize("end", range(4, len("IPAA: Freeing local pool address 10.")))
def test_an_address_that_is_freed_by_a_message_that_is_cut_off(written: Written, end: int):
    cut = "Jul 01 2024 08:00:00: %ASA-6-737016: " + "IPAA: Freeing local pool address 10.8.0.3"[:end]
    read = read_log(written(f"Jul 01 2024 07:00:00: {ASSIGNED}\n{cut}\n"), "cisco_asa")
    assert [row.line for row in read.rejected] == [2]


@pytest.mark.parametrize(("duration", "seconds"), [("0h:00m:05s", 5), ("25h:01m:02s", 90062), ("1d 19h:41m:14s", 157274)])
def test_durations(written: Written, duration: str, seconds: int):
    log = (
        "Jul 01 2024 08:00:00: %ASA-4-113019: Group = staff, Username = ann, IP = 203.0.113.7, "
        f"Session disconnected. Session Type: SSL, Duration: {duration}, Bytes xmt: 1, Bytes rcv: 2, Reason: User Requested\n"
    )
    (end,) = records_of(written(log), "cisco_asa")
    moment = epoch("2024-07-01T08:00:00")
    assert end == Record(1, END, "session_end", "ann", None, "203.0.113.7", moment * 1000, (moment - seconds) * 1000)


def told(path: Path) -> list[tuple[str, str, str | None, str | None]]:
    """The content of each record about an address: kind, user, address and reason."""
    with opened(path, "cisco_asa") as (_source, reader):
        records = [record for block in reader.records() for record in block.records()]
    return [(one.kind, one.username, one.ipaddr, one.reason) for one in records if one.ipaddr or one.kind == "end"]


def test_several_messages_about_one_session_are_one_session(written: Written):
    log = (
        "Jul 01 2024 08:00:00: %ASA-6-737026: IPAA: Session=0x0000a000, Client assigned 10.8.0.3 from local pool VPN\n"
        f"Jul 01 2024 08:00:00: {ASSIGNED}\n"
        "Jul 01 2024 08:00:00: %ASA-5-746012: user-identity: Add IP-User mapping 10.8.0.3 - CORP\\ANN Succeeded - VPN user\n"
        "Jul 01 2024 09:00:00: %ASA-6-737016: IPAA: Freeing local pool address 10.8.0.3\n"
        "Jul 01 2024 09:00:00: %ASA-5-746013: user-identity: Delete IP-User mapping 10.8.0.3 - CORP\\ANN Succeeded - VPN user logout\n"
    )
    assert told(written(log)) == [
        ("end", "", "10.8.0.3", "no_address"),
        ("start", "ann", "10.8.0.3", None),
        ("alive", "ann", "10.8.0.3", "same_session"),
        ("end", "", "10.8.0.3", "session_end"),
        ("end", "", "10.8.0.3", "session_end"),
    ]


def test_an_identity_mapping_of_another_user_takes_the_address(written: Written):
    log = (
        f"Jul 01 2024 08:00:00: {ASSIGNED}\n"
        "Jul 01 2024 09:00:00: %ASA-5-746012: user-identity: Add IP-User mapping 10.8.0.3 - CORP\\bob Succeeded - VPN user\n"
    )
    assert told(written(log))[1] == ("start", "CORP\\bob", "10.8.0.3", "no_address")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("722051: Group staff User ann IP 203.0.113.7 Address 10.8.0.3 assigned to session", ["10.8.0.3"]),
        (
            "722051: Group <staff> User <> IP <203.0.113.7> IPv4 Address <10.8.0.3> IPv6 address <fd00::3> assigned to session",
            ["10.8.0.3", "fd00::3"],
        ),
        (
            "722051: Group <staff> User <ann> IP <vpn.example.com> IPv4 Address <10.8.0.3> IPv6 address <::> assigned to session",
            ["10.8.0.3"],
        ),
        (
            "751025: Local:192.0.2.1:5 Remote:2001:db8::7:500 Username:a Group:g IPv4 Address=10.8.0.3 IPv6 address=:: assigned to session",
            ["10.8.0.3"],
        ),
        ("713228: Group = staff, Username = ann, IP = 203.0.113.7 Assigned private IP address 10.8.0.3 to remote user", ["10.8.0.3"]),
        ("746012: user-identity: Add IP-User mapping 10.8.0.3 - CORP\\ann Succeeded - VPN user", ["10.8.0.3"]),
    ],
)
def test_every_message_that_assigns_an_address_takes_it(written: Written, text: str, addresses: list[str]):
    rows = told(written(f"Jul 01 2024 08:00:00: %ASA-4-{text}\n"))
    assert [(kind, ipaddr) for kind, _user, ipaddr, _reason in rows] == [("start", address) for address in addresses]


def test_unknown_messages_with_a_user_and_an_inside_address_are_named(written: Written):
    log = f"Jul 01 2024 08:00:00: {ASSIGNED}\n" + "Jul 01 2024 08:00:01: %ASA-5-799001: User ann has address 10.8.0.9\n" * 3
    with opened(written(log), "cisco_asa") as (_source, reader):
        for _block in reader.records():
            pass
        assert reader.unknown_messages == {"799001": 3}


@pytest.mark.parametrize(
    "marker",
    [
        *("%ASA-4-722051:", "%ASA-4-722051", "%ASA-4-722051 :", "%FTD--6-722051:"),
        *("%FTD<Up>-4-722051:", "%FTD-auth-6-722051:", "%NGIPS-4-722051:"),
    ],
)
def test_forms_of_a_number(written: Written, marker: str):
    log = written(f"2014-03-21T23:03:49Z fw {ASSIGNED}\n".replace("%ASA-4-722051:", marker))
    os.utime(log, (epoch("2014-03-22T00:00:00"),) * 2)
    (session,) = read_log(log, "cisco_asa").observations
    assert (session.username, session.ipaddr, session.associated_ipaddr) == ("ann", "10.8.0.3", "203.0.113.7")


def test_a_relay_can_take_the_number_for_the_program(written: Written):
    line = ASSIGNED.replace("%ASA-4-722051:", "%ASA-4-722051 - - -")
    (session,) = read_log(written(f"<166>1 2014-03-21T23:03:49+02:00 fw {line}\n"), "cisco_asa").observations
    assert (session.ipaddr, session.time) == ("10.8.0.3", epoch("2014-03-21T21:03:49") * 1000)


@pytest.mark.parametrize(
    "line",
    [
        ASSIGNED.partition(": ")[2],
        "Group = staff, Username = ann, IP = 203.0.113.7, Session disconnected. Session Type: IPsec, Duration: 0h:00m:01s, Reason: x",
    ],
)
def test_a_message_about_a_session_without_its_number_is_rejected(written: Written, line: str):
    read = read_log(written(f"Mar 21 2014 23:03:49 fw : {ASSIGNED}\nMar 21 2014 23:03:50 fw : {line}\n"), "cisco_asa")
    assert [row.line for row in read.rejected] == [2]


def of_user(second: int, number: int, text: str) -> str:
    return f"Mar 21 2014 23:03:{second:02} fw : %FTD-5-{number}: {text}\n"


def test_user_authentication_names_the_holder_and_its_end(written: Written):
    log = (
        f"Mar 21 2014 23:03:01 fw : {ASSIGNED}\n"
        + of_user(2, 109201, "UAUTH: Session=0x1, User=ann, Assigned IP=10.8.0.3, Succeeded adding entry.")
        + of_user(3, 109201, "UAUTH: Session=0x2, User=bob, Assigned IP=10.8.0.4, Succeeded adding entry.")
        + of_user(4, 109210, "UAUTH: Session=0x2, User=bob, Assigned IP=10.8.0.4, Successfully removed the rules for user bob")
        + of_user(5, 109213, "UAUTH: Session=0x2, User=bob, Assigned IP=10.8.0.4, Failed removing entry.")
    )
    records = records_of(written(log), "cisco_asa")
    assert [(one.kind, one.reason, one.username, one.ipaddr) for one in records] == [
        ("start", None, "ann", "10.8.0.3"),
        ("alive", "same_session", "ann", "10.8.0.3"),
        ("start", "no_address", "bob", "10.8.0.4"),
        ("end", "session_end", "bob", "10.8.0.4"),
        ("skipped", "other_message", "", None),
    ]


@pytest.mark.parametrize("names", ["Group staff User ann IP 203.0.113.7", "Group <staff> User <ann> IP <203.0.113.7>"])
def test_an_end_with_and_without_brackets(written: Written, names: str):
    (end,) = records_of(written(of_user(1, 716002, f"{names} WebVPN session terminated: User Requested.")), "cisco_asa")
    assert (end.kind, end.username, end.associated_ipaddr) == (END, "ann", "203.0.113.7")
