# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detail files of RADIUS servers: packets of VPN gateways, times, keys of sessions, and damaged records."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import (
    ALIVE,
    END,
    REJECTED,
    RESTART,
    SKIPPED,
    START,
    is_observation,
)

from support.gateway_world import UTC
from support.log_reading import opened
from support.mutants import claims, cut, joined, records_of, rejected, with_insertions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    Read = Callable[..., list[Record]]

AT = int(datetime(2024, 5, 31, 8, 15, tzinfo=UTC).timestamp())
CLAIM = ("mira", "10.8.0.6", "203.0.113.7", AT)
SESSION = "192.0.2.1|5F3A-7"
FIELDS = {
    "Acct-Status-Type": "Start",
    "User-Name": '"mira"',
    "Framed-IP-Address": "10.8.0.6",
    "Calling-Station-Id": '"203.0.113.7[4500]"',
    "Acct-Session-Id": '"5F3A-7"',
    "NAS-IP-Address": "192.0.2.1",
    "NAS-Port-Type": "Virtual",
    "Timestamp": str(AT),
}


def detail(*, header: str = "Fri May 31 08:15:00 2024", indent: str = "\t", **changed: str | None) -> str:
    """A record; names with underscores are those of attributes, None leaves one out."""
    fields = {**FIELDS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    lines = [f"{indent}{name} = {value}\n" for name, value in fields.items() if value is not None]
    return f"{header}\n{''.join(lines)}\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file that was written on 1 June 2024, with clocks in UTC."""
    path = tmp_path / "detail"

    def read(text: str, **options: object) -> list[Record]:
        path.write_bytes(text.encode())
        os.utime(path, (AT + 57_600, AT + 57_600))
        return records_of(path, "radius_detail", **options)

    return read


def test_a_start_takes_the_address(read: Read):
    (record,) = read(detail())
    assert (record.kind, record.reason, record.line, record.session) == (START, None, 1, SESSION)
    assert claims([record]) == {CLAIM}


@pytest.mark.parametrize(
    "changed",
    [
        {"Calling_Station_Id": '"203.0.113.7"'},
        {"Calling_Station_Id": '"::ffff:203.0.113.7"'},
        {"Calling_Station_Id": "'203.0.113.7'"},
        {"Calling_Station_Id": None, "Tunnel-Client-Endpoint:0": '"203.0.113.7"'},
        {"Calling_Station_Id": '"00-1B-63-84-45-E6"', "Tunnel-Client-Endpoint:0": '"203.0.113.7"'},
        {"Calling_Station_Id": '"+4930123456"', "Tunnel-Client-Endpoint": '"203.0.113.7"'},
        {"User_Name": "mira", "Acct_Status_Type": "1"},
        {"Timestamp": None},
        {"Timestamp": str(AT + 20), "Acct_Delay_Time": "20"},
        {"Timestamp": str(AT + 9), "Event_Timestamp": '"May 31 2024 10:15:00 CEST"'},
        {"Timestamp": str(AT + 9), "Event_Timestamp": '"May 31 2024 04:15:00 EDT"'},
        {"Timestamp": str(AT + 9), "Event_Timestamp": "May 31 2024 08:15:00 UTC"},
        {"Timestamp": str(AT + 9), "Event_Timestamp": str(AT)},
        {"Timestamp": str(AT + 9), "Event_Timestamp": "2024-05-31T08:15:00Z"},
        {"Timestamp": str(AT + 9), "Event_Timestamp": '"2024-05-31T10:15:00+02:00"'},
        {"Event_Timestamp": '"Mai 31 2024 10:15:00 CEST"'},
        {"Event_Timestamp": '"May 31 2024 03:15:00 CST"'},
        {"Framed_IPv6_Prefix": "2001:db8:7::/64", "Class": "0x4352", "Reply_Message": '"said \\"hi\\", Acct-Status-Type = Stop"'},
        {"indent": "        "},
    ],
)
def test_attributes_in_every_form(read: Read, changed: dict[str, str | None]):
    assert claims(read(detail(**changed))) == {CLAIM}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"CORP\\\\mira"', "CORP\\mira"),
        ('"mira \\"m\\" o"', 'mira "m" o'),
        ('"m\\303\\274ller"', "müller"),
        ('"Doe, Mira"', "Doe, Mira"),
        ('""', ""),
    ],
)
def test_names_with_escapes(read: Read, written: str, name: str):
    (record,) = read(detail(User_Name=written))
    assert record.username == name


@pytest.mark.parametrize("outside", [None, '""', '"00-1B-63-84-45-E6"', '"+4930123456"', '"gw.example.com"', "0.0.0.0"])
def test_without_an_outside_address_the_vpn_address_is_still_taken(read: Read, outside: str | None):
    (record,) = read(detail(Calling_Station_Id=outside))
    assert (record.kind, record.reason, record.ipaddr, record.time) == (START, "no_address", "10.8.0.6", AT * 1000)
    assert not is_observation(record)


@pytest.mark.parametrize("inside", [None, "0.0.0.0", "255.255.255.254", "255.255.255.255"])
def test_without_a_vpn_address_nothing_is_taken(read: Read, inside: str | None):
    (record,) = read(detail(Framed_IP_Address=inside))
    assert (record.kind, record.reason) == (SKIPPED, "no_address")


def test_a_client_with_two_addresses_is_two_records(read: Read):
    records = read(detail(Framed_IPv6_Address="2001:db8:8::6"))
    assert [(record.ipaddr, record.line) for record in records] == [("10.8.0.6", 1), ("2001:db8:8::6", 1)]


@pytest.mark.parametrize("status", ["Interim-Update", "Alive", "3"])
def test_a_sign_of_life_says_when_the_session_began(read: Read, status: str):
    (record,) = read(detail(Acct_Status_Type=status, Acct_Session_Time="600"))
    assert (record.kind, record.reason, record.time, record.start) == (ALIVE, None, AT * 1000, (AT - 600) * 1000)


def test_the_address_may_come_with_the_first_sign_of_life(read: Read):
    later = detail(Acct_Status_Type="Interim-Update", Timestamp=str(AT + 601), Acct_Session_Time="600")
    first, second = read(detail(Framed_IP_Address=None) + later)
    assert first.reason == "no_address"
    assert (second.start, second.ipaddr) == (AT * 1000, "10.8.0.6")


def test_repeated_packets_and_signs_of_life_say_the_same(read: Read):
    later = [detail(Acct_Status_Type="Alive", Timestamp=str(AT + 600 * n + n % 2), Acct_Session_Time=str(600 * n)) for n in (1, 2, 3)]
    records = read(detail() * 2 + "".join(later))
    assert {record.session for record in records} == {SESSION}
    assert {record.time if record.start is None else record.start for record in records} == {AT * 1000}


def test_an_end_says_when_a_session_before_the_log_began(read: Read):
    (record,) = read(detail(Acct_Status_Type="Stop", Acct_Session_Time="3600", Acct_Terminate_Cause="User-Request"))
    assert (record.kind, record.reason, record.session) == (END, "session_end", SESSION)
    assert (record.username, record.ipaddr, record.associated_ipaddr) == ("mira", "10.8.0.6", "203.0.113.7")
    assert (record.time, record.start) == (AT * 1000, (AT - 3600) * 1000)


@pytest.mark.parametrize("status", ["Accounting-On", "Accounting-Off"])
def test_a_gateway_that_starts_or_stops_ends_all_its_sessions(read: Read, status: str):
    gone = dict.fromkeys(("User_Name", "Framed_IP_Address", "Calling_Station_Id"))
    (record,) = read(detail(Acct_Status_Type=status, **gone))
    assert (record.kind, record.session, record.time) == (RESTART, "192.0.2.1|", AT * 1000)


@pytest.mark.parametrize(
    ("changed", "session"),
    [
        ({"NAS_IP_Address": "192.0.2.2"}, "192.0.2.2|5F3A-7"),
        ({"NAS_IP_Address": None, "NAS_Identifier": '"gw7"'}, "gw7|5F3A-7"),
        ({"NAS_IP_Address": "127.0.0.1", "NAS_Identifier": '"gw7"'}, "gw7|5F3A-7"),
        ({"NAS_IP_Address": None, "Client_IP_Address": "192.0.2.3"}, "192.0.2.3|5F3A-7"),
        ({"Acct_Session_Id": None}, None),
    ],
)
def test_the_number_of_a_session_counts_per_gateway(read: Read, changed: dict[str, str | None], session: str | None):
    assert [record.session for record in read(detail(**changed))] == [session]


@pytest.mark.parametrize(
    ("status", "inside", "ipaddr"),
    [
        (None, "10.8.0.6", None),
        ("Tunnel-Start", None, None),
        ("Tunnel-Start", "10.8.0.6", "10.8.0.6"),
        ("Failed", "10.8.0.6", "10.8.0.6"),
    ],
)
def test_other_packets_are_not_uploaded_and_may_take_an_address(read: Read, status: str | None, inside: str | None, ipaddr: str | None):
    first, _second = read(detail(Acct_Status_Type=status, Framed_IP_Address=inside, Packet_Type="Access-Request") + detail())
    assert (first.kind, first.reason, first.time, first.ipaddr) == (SKIPPED, "other_message", AT * 1000, ipaddr)


@pytest.mark.parametrize("places", [1, 2])
@pytest.mark.parametrize("rest", ["", "art", "ct-Status-Type = Start"])
def test_a_record_without_its_beginning_is_rejected(read: Read, places: int, rest: str):
    """The lost lines may have said that somebody else got the address."""
    lines = detail(Acct_Status_Type=None).split("\n")
    first, *_others = read(detail() + "\n".join([rest, *lines[places:]] if rest else lines[places:]))[1:]
    assert first.kind == "rejected"
    assert "its beginning is missing" in str(first.reason)


@pytest.mark.parametrize(
    "text",
    [
        detail(Framed_IP_Address="10.8.0.999"),
        detail(Timestamp="soon"),
        detail(Acct_Session_Time="long"),
        detail(User_Name='"mira'),
        detail(User_Name="mira o"),
        detail(Reply_Message='"one" "two"'),
        detail().rstrip("\n") + "\n",
        detail().partition("\n")[2],
        detail().replace("\tNAS-Port-Type", '\tUser-Name = "tom"\n\tNAS-Port-Type'),
        detail().replace("\tNAS-Port-Type", "\tNAS-Por\n\tNAS-Port-Type"),
    ],
)
def test_a_record_that_is_not_whole_is_rejected_as_one(read: Read, text: str):
    before = detail(User_Name='"tom"', Framed_IP_Address="10.8.0.9")
    records = read(before + text)
    assert rejected(records) == [before.count("\n") + 1]
    assert {claim[0] for claim in claims(records)} == {"tom"}


def test_a_record_without_an_empty_line_before_the_next_is_rejected(read: Read):
    records = read(detail(User_Name='"tom"').rstrip("\n") + "\n" + detail())
    assert rejected(records) == [1]
    assert claims(records) == {CLAIM}


@pytest.mark.parametrize(
    ("first", "ipaddr"),
    [
        pytest.param(detail().rstrip("\n") + "\n ", None, id="the blank line became a space"),
        pytest.param(detail().rstrip("\n"), None, id="the next record follows without a line break"),
        pytest.param(detail()[:120], None, id="cut behind the address"),
        pytest.param(detail().replace('"mira"\n', '"mira\n').replace("Virtual\n", "Virtual\n\tx\n"), "10.8.0.6", id="damaged by itself"),
    ],
)
def test_two_records_in_one_may_be_about_any_address(read: Read, first: str, ipaddr: str | None):
    """The address of one of them says nothing about the other, which may end a session or take another address."""
    second = detail(User_Name='"bob"', Framed_IP_Address="10.8.0.9", Acct_Status_Type="Stop", Acct_Session_Id='"77"')
    assert [record.ipaddr for record in read(first + second + detail()) if record.kind == REJECTED] == [ipaddr]


def test_a_record_that_is_being_written_is_left_for_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_source, "FINISHED_AFTER_SECONDS", 120)
    whole = detail()
    for part in (whole.rstrip("\n") + "\n", whole[:-30], whole[:5]):
        (tmp_path / "detail").write_text(whole + part)
        with opened(tmp_path / "detail", "radius_detail", timezone="UTC") as (source, reader):
            records = [record for block in reader.records() for record in block.records()]
            assert [(record.kind, record.reason) for record in records] == [(START, None), (SKIPPED, "unfinished_line")]
            assert source.position() is None


def test_a_file_of_something_else_is_refused(read: Read):
    with pytest.raises(InputError, match=r"no line of .* is of a RADIUS server's detail file"):
        read("Username,VPN IP\nmira,10.8.0.6\n\n")


def test_a_damaged_record_never_gives_another_address_user_or_time(read: Read):
    record = detail(Framed_IP_Address="10.8.0.61", Event_Timestamp='"May 31 2024 10:15:00 CEST"', Acct_Delay_Time="0")
    other = detail(User_Name='"tom"', Framed_IP_Address="10.8.0.9", Calling_Station_Id='"198.51.100.20"', Timestamp=str(AT + 70))
    truth = {("mira", "10.8.0.61", "203.0.113.7", AT), ("tom", "10.8.0.9", "198.51.100.20", AT + 70)}
    quoted = range(record.index('"mira'), record.index('mira"') + 5)
    insertions = [
        damaged
        for place, damaged in enumerate(with_insertions(record))
        if place // 8 not in quoted  # A name with a comma in it is another name.
    ]
    for damaged in [*cut(record), *joined(record, other), *insertions]:
        records = read(damaged.rstrip("\n") + "\n" + other)
        assert claims(records) <= truth, damaged
        assert records
