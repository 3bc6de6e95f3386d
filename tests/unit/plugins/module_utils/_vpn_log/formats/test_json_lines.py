# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One JSON object a line: fields in every form, and lines that are no whole object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import REJECTED, SKIPPED, START, is_observation

from support.mutants import claims, cut, joined, records_of, rejected

if TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

AT = 1_717_143_300
CLAIM = ("mira", "10.8.0.6", "203.0.113.7", AT)
COLUMNS = {"ipaddr": "vpn.ip", "associated_ipaddr": "source.ip", "timestamp": "@timestamp", "username": "user.name"}
EVENT = {"@timestamp": "2024-05-31T08:15:00Z", "user": {"name": "mira"}, "source": {"ip": "203.0.113.7"}, "vpn": {"ip": "10.8.0.6"}}


def read(tmp_path: Path, *events: Any, timestamp_format: str = "iso8601", **columns: Any) -> list[Record]:
    """The records of objects, or of texts as they are."""
    text = "".join(f"{event if isinstance(event, str) else json.dumps(event)}\n" for event in events)
    options = {"columns": {**COLUMNS, **columns}, "timestamp_format": timestamp_format}
    return records_of(tmp_path / "events.json", "json_lines", text, **options)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"vpn": None, "vpn.ip": "10.8.0.6"},
        {"vpn": {"ip": ["10.8.0.6"]}},
        {"source": {}, "source.ip": ["203.0.113.7"]},
        {"source": {"ip": "203.0.113.7:40112"}},
        {"source": {"ip": "::ffff:203.0.113.7"}},
        {"user": {}, "user.name": "mira"},
        {"@timestamp": "2024-05-31T10:15:00.250+02:00"},
        {"@timestamp": "2024-05-31 08:15:00"},
    ],
)
def test_fields_in_every_form(tmp_path: Path, changed: dict[str, Any]):
    assert claims(read(tmp_path, {**EVENT, **changed})) == {CLAIM}


@pytest.mark.parametrize(
    ("value", "timestamp_format"),
    [(AT, "epoch"), (AT + 0.25, "epoch"), (f"{AT}.25", "epoch"), (AT * 1000, "epoch_ms"), ("31/May/2024:08:15:00", "%d/%b/%Y:%H:%M:%S")],
)
def test_times_as_the_option_says(tmp_path: Path, value: Any, timestamp_format: str):
    assert claims(read(tmp_path, {**EVENT, "@timestamp": value}, timestamp_format=timestamp_format)) == {CLAIM}


@pytest.mark.parametrize("vpn", [None, {}, {"ip": None}, {"ip": []}, {"ip": ""}, {"ip": "N/A"}, {"ip": "0.0.0.0"}])
def test_an_object_without_a_vpn_address_is_no_error(tmp_path: Path, vpn: Any):
    first, _second = read(tmp_path, {**EVENT, "vpn": vpn}, EVENT)
    assert (first.kind, first.reason) == (SKIPPED, "no_address")


@pytest.mark.parametrize("source", [None, {"ip": None}, {"ip": "a host's name"}, {"ip": ["203.0.113.7", "203.0.113.8"]}])
def test_an_object_without_an_outside_address_still_takes_the_vpn_address(tmp_path: Path, source: Any):
    (record,) = read(tmp_path, {**EVENT, "source": source})
    assert (record.kind, record.ipaddr, record.time) == (START, "10.8.0.6", AT * 1000)
    assert record.reason
    assert not is_observation(record)


@pytest.mark.parametrize(
    "line", ["", "[]", "7", "null", '"text"', "{", '{"a": 1} {"b": 2}', '{"a": 1},', "not json", '{"vpn": {"ip": "10.8.0.6"}}x']
)
def test_a_line_that_is_not_one_whole_object_is_rejected(tmp_path: Path, line: str):
    records = read(tmp_path, line, EVENT)
    assert rejected(records) == ([1] if line else [])
    assert claims(records) == {CLAIM}


@pytest.mark.parametrize(
    "changed",
    [
        {"vpn": {"ip": "10.8.0.999"}},
        {"vpn": {"ip": {"v4": "10.8.0.6"}}},
        {"@timestamp": None},
        {"@timestamp": "soon"},
        {"@timestamp": True},
    ],
)
def test_an_object_with_a_field_that_cannot_be_read_is_rejected(tmp_path: Path, changed: dict[str, Any]):
    assert rejected(read(tmp_path, {**EVENT, **changed}, EVENT)) == [1]


def test_columns_tell_the_end(tmp_path: Path):
    (ended,) = read(tmp_path, {**EVENT, "gone": "2024-05-31T09:15:00Z"}, end="gone")
    (lasted,) = read(tmp_path, {**EVENT, "seconds": 3600}, duration="seconds")
    assert ended.end == lasted.end == (AT + 3600) * 1000


def test_a_damaged_line_never_gives_another_address_user_or_time(tmp_path: Path):
    line = json.dumps({**EVENT, "vpn": {"ip": "10.8.0.61"}})
    other = json.dumps({**EVENT, "user": {"name": "tom"}, "vpn": {"ip": "10.8.0.9"}})
    truth = {("mira", "10.8.0.61", "203.0.113.7", AT), ("tom", "10.8.0.9", "203.0.113.7", AT)}
    damaged = "\n".join([*cut(line), *joined(line, other)])
    records = read(tmp_path, damaged)
    assert claims(records) <= truth
    assert {record.line for record in records} == {place for place, text in enumerate(damaged.split("\n"), start=1) if text}


@pytest.mark.parametrize(
    ("changed", "kind", "reason", "ipaddr"),
    [
        ({"vpn": None}, SKIPPED, "no_address", None),
        ({"vpn": {"ip": "0.0.0.0"}}, SKIPPED, "no_address", None),
        ({"vpn": None, "source": None}, SKIPPED, "other_message", None),
        ({"vpn": {"ip": "10.8.0"}}, REJECTED, "'10.8.0' is not an IP address", None),
    ],
)
def test_every_object_has_its_time(tmp_path: Path, changed: dict[str, Any], kind: str, reason: str, ipaddr: str | None):
    first = read(tmp_path, {**EVENT, **changed}, EVENT)[0]
    assert (first.kind, first.reason, first.ipaddr, first.time) == (kind, reason, ipaddr, AT * 1000)


def test_an_object_without_a_time_has_its_address(tmp_path: Path):
    first, _second = read(tmp_path, {**EVENT, "@timestamp": None}, EVENT)
    assert (first.kind, first.ipaddr, first.username) == (REJECTED, "10.8.0.6", "mira")


@pytest.mark.parametrize(
    "line",
    [
        f"May 31 08:15:09 gw app: @cee: {json.dumps(EVENT)}",
        f"<14>1 2024-05-31T08:15:09Z gw app - - - {json.dumps(EVENT)}",
        json.dumps({"message": json.dumps(EVENT)}),
    ],
)
def test_an_object_behind_a_head_or_in_another_one(tmp_path: Path, line: str):
    assert claims(read(tmp_path, line)) == {CLAIM}


def test_a_name_that_is_there_twice_rejects_the_object(tmp_path: Path):
    twice = json.dumps(EVENT)[:-1] + ', "vpn": {"ip": "10.8.0.9"}}'
    first, second = read(tmp_path, twice, EVENT)
    assert (first.kind, second.kind) == (REJECTED, START)


def test_half_a_character_in_a_name_is_replaced(tmp_path: Path):
    (record,) = read(tmp_path, json.dumps(EVENT).replace("mira", "mi\\ud800ra"))
    assert record.username == "mi\ufffdra"
