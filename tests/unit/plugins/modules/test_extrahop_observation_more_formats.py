# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of many gateways go through the module: what arrives at the appliance, and what is counted."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible_collections.secops.xdr.plugins.doc_fragments.vpn_log import ModuleDocFragment
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.module_runs import ModuleRun

    RunModule = Callable[..., ModuleRun]

WRITTEN = datetime(2024, 6, 1, tzinfo=UTC).timestamp()
AT = int(datetime(2024, 5, 31, 8, 15, tzinfo=UTC).timestamp())

OPENVPN_LOG = """\
2024-05-31 08:15:00 mira/203.0.113.7:40112 MULTI: Learn: 10.8.0.6 -> mira/203.0.113.7:40112
2024-05-31 08:15:00 mira/203.0.113.7:40112 MULTI: primary virtual IP for mira/203.0.113.7:40112: 10.8.0.6
2024-05-31 08:15:01 tom/203.0.113.8:40112 MULTI: Learn: 192.168.9.0/24 -> tom/203.0.113.8:40112
2024-05-31 08:15:02 tom/203.0.113.8:40112 MULTI: Learn: 10.8.0.9 -> tom/203.0.1
2024-05-31 08:40:00 mira/203.0.113.7:40112 SIGTERM[soft,remote-exit] received, client-instance exiting
"""

JSON_LINES = """\
{"@timestamp": "2024-05-31T08:15:00.123Z", "user": {"name": "mira"}, "source": {"ip": "203.0.113.7"}, "vpn": {"ip": ["10.8.0.6"]}}
{"@timestamp": "2024-05-31T08:15:01Z", "user.name": "tom", "source.ip": "203.0.113.8"}
{"@timestamp": "2024-05-31T08:15:02Z", "user": {"name": "tom"}, "source": {"ip": "203.0.113.8"}, "vpn": {"ip": "10.8
{"@timestamp": "2024-05-31T08:15:03Z", "message": "the clock was set"}
"""
JSON_COLUMNS = {"ipaddr": "vpn.ip", "associated_ipaddr": "source.ip", "timestamp": "@timestamp", "username": "user.name"}

RADIUS_DETAIL = f"""\
Fri May 31 08:15:00 2024
\tUser-Name = "mira"
\tAcct-Status-Type = Start
\tFramed-IP-Address = 10.8.0.6
\tCalling-Station-Id = "203.0.113.7[4500]"
\tAcct-Session-Id = "5F3A-7"
\tNAS-IP-Address = 192.0.2.1
\tTimestamp = {AT}

Fri May 31 08:15:01 2024
\tAcct-Status-Type = Start
\tFramed-IP-Address = 10.8.0.9
\tCalling-Station-Id = "00-1B-63-84-45-E6"
\tTimestamp = {AT + 1}

Fri May 31 08:15:02 2024
\tAcct-Status-Type = Start
\tFramed-IP-Address = 10.8.0.1
Fri May 31 08:40:00 2024
\tUser-Name = "mira"
\tAcct-Status-Type = Stop
\tAcct-Session-Id = "5F3A-7"
\tNAS-IP-Address = 192.0.2.1
\tTimestamp = {AT + 1500}

Fri May 31 08:50:00 2024
\tAcct-Status-Type = Accounting-Off
\tNAS-IP-Address = 192.0.2.1
\tTimestamp = {AT + 2100}

"""

STRONGSWAN = """\
May 31 08:15:00 gw charon: 05[IKE] <ra|1> assigning virtual IP 10.8.0.6 to peer 'mira'
May 31 08:15:00 gw charon: 05[IKE] <ra|1> IKE_SA ra[1] established between 192.0.2.1[vpn]...203.0.113.7[mira]
May 31 08:15:01 gw charon: 06[IKE] <ra|2> assigning virtual IP 10.8.0.9 to peer 'tom'
May 31 08:15:02 gw charon: 07[IKE] <ra|3> assigning virtual IP 10.8.0.1
May 31 08:40:00 gw charon: 08[IKE] <ra|1> deleting IKE_SA ra[1] between 192.0.2.1[vpn]...203.0.113.7[mira]
"""


def nps_event(status: int, user: str, inside: str, outside: str, second: int) -> str:
    """A line of a DTS-compliant log."""
    elements = f'<User-Name data_type="1">{user}</User-Name><Framed-IP-Address data_type="3">{inside}</Framed-IP-Address>'
    elements += f'<Calling-Station-Id data_type="1">{outside}</Calling-Station-Id><Packet-Type data_type="0">4</Packet-Type>'
    elements += f'<Acct-Status-Type data_type="0">{status}</Acct-Status-Type>'
    return f'<Event><Timestamp data_type="4">05/31/2024 08:15:{second:02}.123</Timestamp>{elements}</Event>\n'


NPS = "".join(
    [
        nps_event(1, "CORP\\mira", "10.8.0.6", "203.0.113.7", 0),
        nps_event(1, "CORP\\tom", "10.8.0.9", "00-1B-63-84-45-E6", 1),
        nps_event(1, "CORP\\eve", "10.8.0.1", "203.0.113.9", 2).replace("</Event>", ""),
        nps_event(2, "CORP\\mira", "10.8.0.6", "203.0.113.7", 40),
    ]
)

LOGS: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
    "openvpn_log": (OPENVPN_LOG, {}, {"same_session": 1, "no_address": 1, "session_end": 1}),
    "json_lines": (JSON_LINES, {"columns": JSON_COLUMNS, "timestamp_format": "iso8601"}, {"no_address": 1, "other_message": 1}),
    "radius_detail": (RADIUS_DETAIL, {}, {"no_address": 1, "session_end": 1, "other_message": 1}),
    "nps": (NPS, {}, {"no_address": 1, "session_end": 1}),
    "strongswan": (STRONGSWAN, {}, {"no_address": 1, "session_end": 1, "other_message": 1}),
}
"""By format: the log, options, and how many rows are skipped for which reason. Each has one observation and one rejected row."""


@pytest.mark.parametrize("log_format", sorted(LOGS))
def test_an_upload(upload, emulator, tmp_path: Path, log_format: str):
    text, options, skipped = LOGS[log_format]
    path = tmp_path / "gateway.log"
    path.write_text(text, encoding="utf-8")
    os.utime(path, (WRITTEN, WRITTEN))
    result = upload(path=str(path), format=log_format, timezone="UTC", on_invalid="skip", **options)
    sent = [(one["ipaddr"], one["associated_ipaddr"], one["timestamp"]) for one in emulator.observations()]
    assert sent == [("10.8.0.6", "203.0.113.7", AT)]
    counts = result.values["counts"]
    assert {reason: count for reason, count in counts["skipped"].items() if count} == skipped
    assert counts["rejected"] == 1
    assert counts["read"] == 2 + sum(skipped.values())


def test_the_documentation_lists_every_format_that_can_be_read():
    options = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert options["format"]["choices"] == list(READERS)
    described = " ".join(options["format"]["description"])
    assert [name for name in READERS if f"V({name})" not in described] == []


def test_lines_of_other_programs_are_counted_by_program(upload, run_module: RunModule, tmp_path: Path):
    log = tmp_path / "all.log"
    client = "mira/203.0.113.7:40112"
    log.write_text(
        "May 31 08:14:00 web sshd[4711]: Accepted publickey for root\n"
        f"May 31 08:15:00 gw openvpn[99]: {client} MULTI: Learn: 10.8.0.6 -> {client}\n"
        "May 31 08:16:00 web sshd[4711]: Disconnected\n"
        "May 31 08:17:00 db CRON[7]: (root) CMD (true)\n"
    )
    os.utime(log, (WRITTEN, WRITTEN))
    options = {"path": str(log), "format": "openvpn_log", "timezone": "UTC"}
    kept = {**options, "gateway": "gw", "history": str(tmp_path / "history.sqlite3")}
    for run in (upload(**options), run_module(vpn_session.main, kept), run_module(vpn_session_info.main, options)):
        assert run["other_programs"] == {"sshd": 2, "CRON": 1}
        assert run["counts"]["skipped"] == {"other_message": 3}
    assert "other_programs" not in upload(**options).values, "nothing was read again"
