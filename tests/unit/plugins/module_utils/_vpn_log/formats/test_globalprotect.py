# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GlobalProtect logs: the vendor's order, exports with a header, senders that differ, and ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import END, is_observation

from support.log_reading import read_log
from support.mutants import records_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]


ORDER = (
    *("FUTURE_USE", "Receive Time", "Serial Number", "Type", "Threat/Content Type", "FUTURE_USE", "Generate Time", "Virtual System"),
    *("Event ID", "Stage", "Auth Method", "Tunnel Type", "Source User", "Source Region", "Machine Name", "Public IP", "Public IPv6"),
    *("Private IP", "Private IPv6", "Host ID", "Serial Number", "Client Version", "Client OS", "Client OS Version", "Repeat Count"),
    *("Reason", "Error", "Description", "Status", "Location", "Login Duration", "Connect Method"),
)
EVENT = {
    "Type": "GLOBALPROTECT",
    "Generate Time": "2024/01/01 10:00:00",
    "Event ID": "gateway-connected",
    "Source User": "ann",
    "Public IP": "203.0.113.7",
    "Public IPv6": "0.0.0.0",
    "Private IP": "10.8.0.3",
    "Private IPv6": "0.0.0.0",
    "Client OS Version": '"Windows 10 Pro , 64-bit"',
    "Status": "success",
    "Login Duration": "0",
}
START = 1704103200


def row(**fields: str) -> str:
    """An event; names of fields are written with underscores."""
    values = {**EVENT, **{name.replace("_", " "): value for name, value in fields.items()}}
    return ",".join(values.get(name, "") for name in ORDER) + "\n"


def sessions(path: Path) -> list[list[Any]]:
    return read_log(path, "globalprotect").as_sessions()


@pytest.mark.parametrize("head", ["", "Nov 30 16:09:08 ", "<14>Nov 30 16:09:08 fw "])
def test_with_or_without_the_head_of_syslog(written: Written, head: str):
    assert sessions(written(head + row())) == [[1, "ann", "10.8.0.3", "203.0.113.7", START, None]]


def test_fields_before_the_type_are_passed_over(written: Written):
    text = row().replace(",GLOBALPROTECT,", ",11,0x0,GLOBALPROTECT,")
    assert sessions(written(text)) == [[1, "ann", "10.8.0.3", "203.0.113.7", START, None]]


def test_fields_that_newer_versions_add_make_no_difference(written: Written):
    assert len(sessions(written(row().replace("\n", ",7,8,9\n")))) == 1


def test_times_in_iso_8601(written: Written):
    assert sessions(written(row(Generate_Time="2024-01-01T10:00:00.000000Z")))[0][4] == START


def test_columns_of_an_export_are_found_by_their_names(written: Written):
    order = list(reversed(ORDER))
    text = f'"{order[0]}",' + ",".join(order[1:]) + "\n" + ",".join({**EVENT, "Status": "success"}.get(name, "") for name in order) + "\n"
    assert sessions(written(text)) == [[2, "ann", "10.8.0.3", "203.0.113.7", START, None]]


def test_an_export_without_a_needed_column_is_an_error(written: Written):
    with pytest.raises(InputError, match=r"no column 'event id'"):
        sessions(written(",".join(ORDER).replace("Event ID,", "") + "\n"))


@pytest.mark.parametrize(
    ("fields", "addresses"),
    [
        ({"Private_IPv6": "fd00::3"}, [("10.8.0.3", "203.0.113.7"), ("fd00::3", "203.0.113.7")]),
        ({"Private_IP": "0.0.0.0", "Private_IPv6": "fd00::3"}, [("fd00::3", "203.0.113.7")]),
        ({"Public_IP": "0.0.0.0", "Public_IPv6": "2001:db8::7"}, [("10.8.0.3", "2001:db8::7")]),
        ({"Public_IP": "", "Public_IPv6": "2001:db8::7", "Private_IP": "", "Private_IPv6": "fd00::3"}, [("fd00::3", "2001:db8::7")]),
    ],
)
def test_each_vpn_address_is_a_session(written: Written, fields: dict[str, str], addresses: list[tuple[str, str]]):
    assert [(one[2], one[3]) for one in sessions(written(row(**fields)))] == addresses


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"Private_IP": "0.0.0.0"}, "no_address"),
        ({"Public_IP": "0.0.0.0"}, "no_address"),
        ({"Status": "failure"}, "failed_login"),
        ({"Event_ID": "portal-getconfig"}, "other_service"),
        ({"Event_ID": "gateway-logout"}, "session_end"),
        ({"Type": "TRAFFIC"}, "other_message"),
    ],
)
def test_events_that_begin_no_session(written: Written, fields: dict[str, str], reason: str):
    assert read_log(written(row(User="bob", Private_IP="10.8.0.9") + row(**fields)), "globalprotect").skipped[2] == reason


def test_the_events_of_a_session(written: Written):
    log = (
        row(Event_ID="gateway-setup-ipsec")
        + row(Generate_Time="2024/01/01 11:00:00", Event_ID="gateway-hip-check")
        + row(Generate_Time="2024/01/01 12:00:00", Event_ID="gateway-logout", Private_IP="0.0.0.0", Login_Duration="7200")
        + row(Generate_Time="2024/01/01 12:00:01", Event_ID="gateway-config-release")
        + row(Generate_Time="2024/01/01 13:00:00")
    )
    records = records_of(written(log), "globalprotect")
    assert [(one.line, one.ipaddr, one.time, one.start) for one in records if one.kind == END] == [
        (3, None, (START + 7200) * 1000, START * 1000),
        (4, "10.8.0.3", (START + 7201) * 1000, None),
    ]
    assert [one.line for one in records if is_observation(one)] == [1, 2, 5]


CORTEX = {
    "LogType": "GLOBALPROTECT",
    "DeviceSN": "0191",
    "TimeGenerated": "2024-01-01T10:00:00.000000Z",
    "EventIDValue": "gateway-connected",
    "SourceUserName": "ann",
    "PublicIPv4": "203.0.113.7",
    "PrivateIPv4": "10.8.0.3",
    "EventStatus": "success",
    "LoginDuration": 0,
}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(CORTEX),
        json.dumps({**CORTEX, "TimeGenerated": START}),
        json.dumps({**CORTEX, "TimeGenerated": START * 1_000_000}),
        json.dumps({"event": CORTEX}),
        json.dumps({"message": json.dumps(CORTEX)}),
        f"<14>1 2024-01-01T10:00:09Z stream-1 logforwarder - panwlogs - {json.dumps(CORTEX)}",
    ],
)
def test_objects_of_cortex_as_collectors_pass_them_on(written: Written, line: str):
    assert sessions(written(f"{line}\n")) == [[1, "ann", "10.8.0.3", "203.0.113.7", START, None]]


@pytest.mark.parametrize(
    ("event", "text", "kind", "ipaddr"),
    [
        ("globalprotectgateway-switch-to-ssl-succ", "Switched. User name: ann, Private IP: 10.8.0.3.", "alive", "10.8.0.3"),
        ("globalprotectgateway-logout-succ", "Logged out. User name: ann, Client OS version: x, Reason: y.", END, None),
        ("globalprotectgateway-config-release", "Released. User name: ann, Private IP: 10.8.0.3, Client version: 5.", END, "10.8.0.3"),
    ],
)
def test_system_events_before_9_1(written: Written, event: str, text: str, kind: str, ipaddr: str | None):
    clock = "2024/01/01 10:00:00"
    line = f'1,{clock},0191,SYSTEM,globalprotect,0,{clock},,{event},GW,0,0,general,informational,"{text}",1,0x0,0,0,0,0,,fw\n'
    (record,) = records_of(written(line), "globalprotect")
    assert (record.kind, record.username, record.ipaddr) == (kind, "ann", ipaddr)


@pytest.mark.parametrize("head", ["LF|2.0|TRAFFIC|end", "PAN-OS|10.1|end|TRAFFIC"])
def test_events_of_other_types_are_never_rejected(written: Written, head: str):
    """Two fields of an event can have the same name in CEF."""
    other = f"CEF:0|Palo Alto Networks|{head}|3|src=10.8.0.3 cnt=1 cnt=2 app=web-browsing\n"
    assert read_log(written(other + row()), "globalprotect").reasons == ["other_message"]
