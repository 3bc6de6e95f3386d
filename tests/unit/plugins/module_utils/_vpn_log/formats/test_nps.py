# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounting logs of Windows: rows by place, events by name, and damaged lines."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import ALIVE, END, RESTART, SKIPPED, START

from support.gateway_world import UTC
from support.mutants import claims, cut, joined, records_of, rejected, with_insertions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    Read = Callable[..., list[Record]]

AT = int(datetime(2024, 5, 31, 8, 15, tzinfo=UTC).timestamp())
CLAIM = ("CORP\\mira", "10.8.0.6", "203.0.113.7", AT)
# Places as in Microsoft's list, counted from 1.
PLACES = {
    "user": 6,
    "outside": 9,
    "inside": 11,
    "identifier": 12,
    "nas": 13,
    "status": 32,
    "delay": 33,
    "id": 36,
    "seconds": 38,
    "tunnel": 47,
}
TEXTS = ("user", "outside", "inside", "identifier", "nas", "id", "tunnel")
NAMES = {
    "user": "User-Name",
    "outside": "Calling-Station-Id",
    "inside": "Framed-IP-Address",
    "nas": "NAS-IP-Address",
    "identifier": "NAS-Identifier",
    "status": "Acct-Status-Type",
    "delay": "Acct-Delay-Time",
    "id": "Acct-Session-Id",
    "seconds": "Acct-Session-Time",
    "tunnel": "Tunnel-Client-Endpt",
}
SESSION = {"user": "CORP\\mira", "outside": "203.0.113.7", "inside": "10.8.0.6", "nas": "192.0.2.1", "status": "1", "id": "77"}


def row(*, packet: int = 4, columns: int = 66, clock: str = "05/31/2024,08:15:00", **changed: str) -> str:
    """A row of a database-compatible log."""
    values = ['"GW7"', '"RAS"', *clock.split(","), str(packet), *[""] * (columns - 5)]
    for name, value in {**SESSION, **changed}.items():
        values[PLACES[name] - 1] = f'"{value}"' if name in TEXTS and value else value
    return ",".join(values)


def event(*, packet: int = 4, clock: str = "05/31/2024 08:15:00.250", **changed: str) -> str:
    """A line of a DTS-compliant log."""
    elements = [("Timestamp", clock), ("Computer-Name", "GW7"), ("Event-Source", "RAS"), ("Packet-Type", str(packet))]
    elements += [(NAMES[name], value.replace("&", "&amp;")) for name, value in {**SESSION, **changed}.items() if value]
    written = [f'<{name} data_type="1">{value}</{name}>' for name, value in elements]
    return f"<Event>{''.join(written)}</Event>"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a log that was written on 1 June 2024, with clocks in UTC."""
    path = tmp_path / "IN2405.log"

    def read(*lines: str, **options: object) -> list[Record]:
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        os.utime(path, (AT + 57_600, AT + 57_600))
        return records_of(path, "nps", **options)

    return read


@pytest.fixture(params=[row, event])
def line(request: pytest.FixtureRequest) -> Callable[..., str]:
    """Writes a line in one of the two forms."""
    made: Callable[..., str] = request.param
    return made


def test_a_start_takes_the_address(read: Read, line: Callable[..., str]):
    (record,) = read(line())
    assert (record.kind, record.reason, record.session) == (START, None, "192.0.2.1|77")
    assert claims([record]) == {CLAIM}


@pytest.mark.parametrize("columns", [60, 66])
def test_rows_of_old_and_new_servers(read: Read, columns: int):
    assert claims(read(row(columns=columns))) == {CLAIM}


@pytest.mark.parametrize("columns", [48, 59, 61, 65, 67])
def test_a_row_of_another_width_is_rejected(read: Read, columns: int):
    assert rejected(read(row(columns=columns), row())) == [1]


def test_times_are_in_the_zone_of_the_option(read: Read, line: Callable[..., str]):
    assert {claim[3] for claim in claims(read(line(), timezone="America/New_York"))} == {AT + 4 * 3600}


@pytest.mark.parametrize(
    ("changed", "outside"),
    [
        ({"outside": "", "tunnel": "203.0.113.7"}, "203.0.113.7"),
        ({"outside": "+4930123456", "tunnel": "203.0.113.7"}, "203.0.113.7"),
        ({"outside": "00-1B-63-84-45-E6"}, None),
        ({"outside": ""}, None),
        ({"outside": "2001:db8::7"}, "2001:db8::7"),
    ],
)
def test_outside_addresses(read: Read, line: Callable[..., str], changed: dict[str, str], outside: str | None):
    (record,) = read(line(**changed))
    assert (record.kind, record.ipaddr, record.associated_ipaddr) == (START, "10.8.0.6", outside)
    assert record.reason == (None if outside else "no_address")


@pytest.mark.parametrize(
    ("changed", "kind", "reason", "start"),
    [
        ({"status": "3", "seconds": "600"}, ALIVE, None, AT - 600),
        ({"status": "2", "seconds": "600"}, END, "session_end", AT - 600),
        ({"status": "7"}, RESTART, "other_message", None),
        ({"status": "8"}, RESTART, "other_message", None),
        ({"inside": ""}, SKIPPED, "no_address", None),
        ({"status": ""}, SKIPPED, "other_message", None),
        ({"packet": 1}, SKIPPED, "other_message", None),
        ({"packet": 3}, SKIPPED, "failed_login", None),
    ],
)
def test_kinds_of_packets(read: Read, line: Callable[..., str], changed: dict[str, str], kind: str, reason: str | None, start: int | None):
    first, _second = read(line(**changed), line())
    assert (first.kind, first.reason, first.time) == (kind, reason, AT * 1000)
    assert first.start == (None if start is None else start * 1000)


def test_the_time_that_a_packet_was_delayed_is_taken_off(read: Read, line: Callable[..., str]):
    (record,) = read(line(delay="15"))
    assert record.time == (AT - 15) * 1000


@pytest.mark.parametrize(
    ("changed", "session"),
    [({"nas": "", "identifier": "gw8"}, "gw8|77"), ({"nas": ""}, "GW7|77"), ({"id": ""}, None), ({"nas": "192.0.2.2"}, "192.0.2.2|77")],
)
def test_the_number_of_a_session_counts_per_gateway(read: Read, line: Callable[..., str], changed: dict[str, str], session: str | None):
    assert [record.session for record in read(line(**changed))] == [session]


def test_names_with_signs_of_xml_and_csv(read: Read):
    assert {claim[0] for claim in claims(read(event(user="R&D, mira"), row(user="Doe, Mira")))} == {"R&D, mira", "Doe, Mira"}


@pytest.mark.parametrize("clock", ["31/05/2024,08:15:00", "05/31/2025,08:15:00", "05/31/24,08:15:00", ",", "2024-05-31,08:15:00"])
def test_a_time_that_is_not_understood_or_believed_makes_the_line_invalid(read: Read, clock: str):
    assert rejected(read(row(clock=clock), event(clock=clock.replace(",", " ")), row())) == [1, 2]


def test_two_events_on_one_line_are_two_events(read: Read):
    records = read(event() + event(user="CORP\\tom", inside="10.8.0.9"))
    assert {claim[0] for claim in claims(records)} == {"CORP\\mira", "CORP\\tom"}


@pytest.mark.parametrize(
    "text",
    [
        event().replace("</Event>", ""),
        event().replace('<User-Name data_type="1">', "<User-Name>", 1).replace("</User-Name>", "</User-Nam>"),
        event().replace("</Event>", '<User-Name data_type="1">tom</User-Name></Event>'),
        row().replace('"CORP', '"COR"P'),
        row(inside="10.8.0.999"),
        row(seconds="long"),
        "GW7,user,05/31/2024,08:15:00",
    ],
)
def test_a_line_that_is_not_whole_is_rejected(read: Read, text: str):
    assert rejected(read(text, row())) == [1]


def test_a_file_of_something_else_is_refused(read: Read):
    with pytest.raises(InputError, match=r"no line of .* is of a log of Network Policy Server"):
        read("192.0.2.1,mira,05/31/2024,08:15:00,IAS,GW7,4,127.0.0.1")


def test_a_damaged_line_never_gives_another_address_user_or_time(read: Read, line: Callable[..., str]):
    own = line(inside="10.8.0.61")
    other = line(user="CORP\\tom", inside="10.8.0.9", outside="198.51.100.9", clock=f"05/31/2024{',' if line is row else ' '}08:16:10")
    truth = {("CORP\\mira", "10.8.0.61", "203.0.113.7", AT), ("CORP\\tom", "10.8.0.9", "198.51.100.9", AT + 70)}
    name = range(own.index("CORP"), own.index("mira") + 5)
    insertions = [damaged for place, damaged in enumerate(with_insertions(own)) if place // 8 not in name]
    for damaged in [*cut(own), *joined(own, other), *insertions]:
        found = claims(read(damaged, other))
        # A value with something in it that is no address is none.
        assert {claim for claim in found if claim[2]} <= truth, damaged
        assert {claim[:2] + claim[3:] for claim in found} <= {claim[:2] + claim[3:] for claim in truth}, damaged


@pytest.mark.parametrize("head", ["May 31 08:15:09 gw ", "<14>1 2024-05-31T08:15:09Z gw - - - - "])
def test_lines_of_collectors(read: Read, line: Callable[..., str], head: str):
    wrapped = json.dumps({"@timestamp": "2024-05-31T09:00:00Z", "message": line(inside="10.8.0.7")})
    assert claims(read(head + line(), wrapped)) == {CLAIM, ("CORP\\mira", "10.8.0.7", "203.0.113.7", AT)}


def test_a_packet_of_an_unknown_kind_may_take_an_address(read: Read, line: Callable[..., str]):
    (record,) = read(line(status="15"))
    assert (record.kind, record.reason, record.ipaddr) == (SKIPPED, "other_message", "10.8.0.6")
