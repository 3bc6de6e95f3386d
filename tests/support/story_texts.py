# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes stories as logs: the lines of every format, following the vendors' documentation, not the readers."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from support.stories import BEGIN, FAILURE, FINISH, SIGN, Row, rows_of, whole_rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from support.stories import Story


@dataclass(frozen=True)
class Line:
    """One line (or block of lines) of a log, and the row that it is about; None for headings and snapshots."""

    text: str
    row: Row | None = None


@dataclass(frozen=True)
class Style:
    """A kind of log."""

    name: str
    log_format: str
    write: Callable[[Row, datetime], str | None]
    """The text of a row, by what the gateway's clock shows; None where it writes nothing."""
    options: dict[str, Any] = field(default_factory=dict)
    head: str = ""
    is_export: bool = False
    has_ends: bool = True
    tells_failures: bool = False
    ends_name_users: bool = True
    writes_zone: bool = False


def _minutes(seconds: int) -> str:
    return f"{seconds // 3600}h:{seconds // 60 % 60:02}m:{seconds % 60:02}s"


def _asa(row: Row, clock: datetime) -> str | None:
    head, stay = f"{clock:%b %d %Y %H:%M:%S} fw1 : %ASA", row.stay
    if stay is None:
        return f"{head}-6-302013: Built outbound TCP connection 77 for outside:198.51.100.80/443 to inside:192.0.2.9/5000"
    if row.kind == BEGIN:
        return (
            f"{head}-4-722051: Group <RA> User <{stay.user}> IP <{stay.outside}> IPv4 Address <{stay.ipaddr}> "
            "IPv6 address <::> assigned to session"
        )
    if row.kind == FINISH:
        return (
            f"{head}-4-113019: Group = RA, Username = {stay.user}, IP = {stay.last_outside}, Session disconnected. "
            f"Session Type: SSL, Duration: {_minutes(stay.end - stay.start)}, Bytes xmt: 9, Bytes rcv: 9, Reason: User Requested"
        )
    return None


def _asa_freed(row: Row, clock: datetime) -> str | None:
    if row.kind == FINISH and row.stay:
        return f"{clock:%b %d %Y %H:%M:%S} fw1 : %ASA-6-737016: IPAA: Freeing local pool address {row.stay.ipaddr}"
    return _asa(row, clock)


def _asa_without_year(row: Row, clock: datetime) -> str | None:
    text = _asa(row, clock)
    return text and text.replace(f"{clock:%b %d %Y}", f"{clock:%b %e}", 1)


def _fortigate(row: Row, clock: datetime, *, has_address: bool = True) -> str | None:
    head = f'date={clock:%Y-%m-%d} time={clock:%H:%M:%S} devname="F1" devid="FGT60F1" tz="+0000" logid="0101039947" type="event" '
    stay = row.stay
    if stay is None:
        return f'{head}subtype="system" level="notice" vd="root" action="perf-stats" cpu=1 msg="Performance statistics"'
    action = {BEGIN: "tunnel-up", SIGN: "tunnel-stats", FINISH: "tunnel-down"}.get(row.kind)
    if action is None:
        return None
    outside = stay.last_outside if row.kind == FINISH else stay.outside
    inside = f"tunnelip={stay.ipaddr} " if has_address or row.kind != FINISH else ""
    duration = "" if row.kind == BEGIN else f"duration={row.at - stay.start} "
    return (
        f'{head}subtype="vpn" level="information" vd="root" action="{action}" tunneltype="ssl-tunnel" tunnelid={1000 + stay.number} '
        f'remip={outside} {inside}user="{stay.user}" group="RA" dst_host="N/A" {duration}reason="N/A" msg="SSL tunnel"'
    )


def _globalprotect(row: Row, clock: datetime) -> str | None:
    now = f"{clock:%Y/%m/%d %H:%M:%S}"
    stay = row.stay
    if stay is None:
        return f"1,{now},0131,SYSTEM,general,2305,{now},,general,,0,0,general,informational,Connection to server is up,77,0x0"
    event = {BEGIN: "gateway-connected", SIGN: "gateway-hip-check", FINISH: "gateway-logout"}.get(row.kind)
    if event is None:
        return None
    outside = stay.last_outside if row.kind == FINISH else stay.outside
    duration = row.at - stay.start if row.kind == FINISH else 0
    fields = [
        1,
        now,
        "0131",
        "GLOBALPROTECT",
        0,
        2305,
        now,
        "vsys1",
        event,
        "tunnel",
        "",
        "IPSec",
        stay.user,
        "DE",
        "PC7",
        outside,
        "0.0.0.0",
    ]
    fields += [stay.ipaddr, "0.0.0.0", "id-7", "SER7", "5.2.4", "Windows", "Windows 10 Pro", 1, "", "", "", "success", "", duration]
    return ",".join(map(str, [*fields, "user-logon", 0, "GW1", 77, "0x0"]))


def _csv_start(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    return None if stay is None else f"{stay.user},{stay.outside},{stay.ipaddr},{clock:%Y-%m-%dT%H:%M:%S},99"


def _csv_american(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    return None if stay is None else f"{stay.user},{stay.outside},{stay.ipaddr},{clock:%m/%d/%y %H:%M:%S},99"


def _csv_duration(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    if stay is None:
        return None
    duration = "" if stay.is_on or stay.is_silent else stay.end - stay.start
    return f"{stay.user},{stay.outside},{stay.ipaddr},{clock:%Y-%m-%dT%H:%M:%SZ},{duration},99"


def _access_server(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    if stay is None:
        return None
    duration = "" if stay.is_on or stay.is_silent else stay.end - stay.start
    now = f"{clock:%Y.%m.%d %H:%M:%S} UTC"
    return f"vpn1,{stay.user},{now},{duration},VPN,{int(stay.is_on)},1,{stay.outside},{stay.ipaddr},UDP,1194,99,"


def _openvpn_log(row: Row, clock: datetime) -> str | None:
    now, stay = f"{clock:%Y-%m-%d %H:%M:%S}", row.stay
    if stay is None:
        return f"{now} MULTI: multi_create_instance called"
    client = f"{stay.user}/{stay.outside}:{20_000 + stay.number}"
    if row.kind == BEGIN:
        return f"{now} {client} MULTI: Learn: {stay.ipaddr} -> {client}"
    return f"{now} {client} SIGTERM[soft,remote-exit] received, client-instance exiting" if row.kind == FINISH else None


def _radius(row: Row, clock: datetime) -> str | None:
    stay, header = row.stay, f"{clock:%a %b %e %H:%M:%S %Y}"
    if row.kind == FAILURE:
        return f"{header}\n\tAcct-Status-Type = Accounting-On\n\tNAS-IP-Address = 192.0.2.1\n\tTimestamp = {int(clock.timestamp())}\n"
    status = {BEGIN: "Start", SIGN: "Interim-Update", FINISH: "Stop"}.get(row.kind)
    if stay is None or status is None:
        return None
    outside = stay.last_outside if row.kind == FINISH else stay.outside
    lines = [
        f"\tAcct-Status-Type = {status}",
        f'\tUser-Name = "{stay.user.replace(chr(92), 2 * chr(92))}"',
        "\tNAS-IP-Address = 192.0.2.1",
        f"\tFramed-IP-Address = {stay.ipaddr}",
        f'\tCalling-Station-Id = "{outside}"',
        f'\tAcct-Session-Id = "S{stay.number:06}"',
        *([] if row.kind == BEGIN else [f"\tAcct-Session-Time = {row.at - stay.start}"]),
        f"\tTimestamp = {int(clock.timestamp())}",
    ]
    return "\n".join([header, *lines]) + "\n"


def _strongswan(row: Row, clock: datetime) -> str | None:
    stay, now = row.stay, f"{clock:%Y-%m-%dT%H:%M:%S}Z gw1 charon: 07"
    if stay is None:
        return f"{now}[IKE] sending keep alive to 198.51.100.80[4500]"
    mark = f"<ra|{stay.number + 1}>"
    if row.kind == BEGIN:
        return (
            f"{now}[IKE] {mark} IKE_SA ra[{stay.number + 1}] established between 192.0.2.1[gw1]...{stay.outside}[{stay.user}]\n"
            f"{now}[IKE] {mark} assigning virtual IP {stay.ipaddr} to peer '{stay.user}'"
        )
    return f"{now}[CFG] {mark} lease {stay.ipaddr} by '{stay.user}' went offline" if row.kind == FINISH else None


def _json(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    if stay is None:
        return json.dumps({"@timestamp": f"{clock:%Y-%m-%dT%H:%M:%S}", "message": "keep alive"})
    client = {"ip": stay.outside, "inside": stay.ipaddr}
    return json.dumps({"@timestamp": f"{clock:%Y-%m-%dT%H:%M:%S}", "user": stay.user, "client": client}, ensure_ascii=False)


def _json_mixed(row: Row, clock: datetime) -> str | None:
    """Times in several precisions, some with an offset."""
    text = _json(row, clock)
    written = f"{clock:%Y-%m-%dT%H:%M:%S}"
    east = f"{clock + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00"
    kinds = (written, f"{written}.123", f"{written}.123456789", f"{written}Z", f"{written}.5+00:00", east)
    return text and text.replace(written, kinds[row.at % len(kinds)], 1)


def _json_whole(row: Row, clock: datetime) -> str | None:
    stay = row.stay
    if stay is None:
        return None
    fields = {"time": int(clock.timestamp()), "user": stay.user, "remote": stay.outside, "address": stay.ipaddr}
    ended = {} if stay.is_on or stay.is_silent else {"seconds": stay.end - stay.start}
    return json.dumps({**fields, **ended}, ensure_ascii=False)


_NPS_KINDS = {BEGIN: 1, FINISH: 2, SIGN: 3, FAILURE: 7}


def _nps(row: Row, clock: datetime) -> str | None:
    """An event as Network Policy Server writes it in DTS-compliant logs."""
    stay, status = row.stay, _NPS_KINDS.get(row.kind)
    if status is None:
        return None
    fields: list[tuple[str, int, object]] = [
        ("Timestamp", 4, f"{clock:%m/%d/%Y %H:%M:%S}.000"),
        ("Computer-Name", 1, "NPS1"),
        ("Packet-Type", 0, 4),
        ("NAS-IP-Address", 3, "192.0.2.1"),
        ("Acct-Status-Type", 0, status),
    ]
    if stay is not None:
        outside = stay.last_outside if row.kind == FINISH else stay.outside
        fields += [
            ("User-Name", 1, escape(stay.user)),
            ("Framed-IP-Address", 3, stay.ipaddr),
            ("Calling-Station-Id", 1, outside),
            ("Acct-Session-Id", 1, f"S{stay.number:06}"),
            *([] if row.kind == BEGIN else [("Acct-Session-Time", 0, row.at - stay.start)]),
        ]
    return "<Event>" + "".join(f'<{name} data_type="{kind}">{value}</{name}>' for name, kind, value in fields) + "</Event>"


_UTC = {"timezone": "UTC"}
_JSON_STARTS = {"columns": {"ipaddr": "client.inside", "associated_ipaddr": "client.ip", "timestamp": "@timestamp", "username": "user"}}
_JSON_WHOLE = {
    "columns": {"ipaddr": "address", "associated_ipaddr": "remote", "timestamp": "time", "username": "user", "duration": "seconds"},
    "timestamp_format": "epoch",
}
_CSV_HEAD = "Username,Real IP,VPN IP,Start Time,Bytes"
_AS_HEAD = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error"

STYLES = (
    Style("asa", "cisco_asa", _asa, _UTC),
    Style("asa without years", "cisco_asa", _asa_without_year, _UTC),
    Style("asa, addresses freed", "cisco_asa", _asa_freed, _UTC, ends_name_users=False),
    Style("fortigate", "fortigate", _fortigate, writes_zone=True),
    Style("fortigate 7.6", "fortigate", partial(_fortigate, has_address=False), writes_zone=True),
    Style("globalprotect", "globalprotect", _globalprotect, _UTC),
    Style("csv of starts", "csv", _csv_start, {**_UTC, "timestamp_format": "iso8601"}, _CSV_HEAD, has_ends=False),
    Style("csv, american", "csv", _csv_american, _UTC, _CSV_HEAD, has_ends=False),
    Style("access server", "openvpn_as", _access_server, _UTC, _AS_HEAD, is_export=True, writes_zone=True),
    Style(
        "csv with durations",
        "csv",
        _csv_duration,
        {"timestamp_format": "iso8601", "columns": {"duration": "Duration"}},
        "Username,Real IP,VPN IP,Start Time,Duration,Bytes",
        is_export=True,
        writes_zone=True,
    ),
    Style("openvpn", "openvpn_log", _openvpn_log, _UTC),
    Style("radius", "radius_detail", _radius, _UTC, tells_failures=True, writes_zone=True),
    Style("json of starts", "json_lines", _json, {**_UTC, **_JSON_STARTS}, has_ends=False),
    Style("json, mixed times", "json_lines", _json_mixed, {**_UTC, **_JSON_STARTS}, has_ends=False, writes_zone=True),
    Style("json with durations", "json_lines", _json_whole, _JSON_WHOLE, is_export=True, writes_zone=True),
    Style("nps", "nps", _nps, _UTC, tells_failures=True),
    Style("strongswan", "strongswan", _strongswan, writes_zone=True),
)


@dataclass(frozen=True)
class Telling:
    """The way in which a gateway tells a story."""

    zone: str = "UTC"
    shift: Mapping[int, int] = field(default_factory=dict)
    """By how many seconds its clock is wrong, from which moment on."""
    late_ends: int = 0
    """Ends are written up to so many seconds too late, often after the next session on the address."""
    in_other_case: bool = False
    """Signs of life and ends write names in another case than beginnings."""
    in_other_spelling: bool = False
    """IPv6 addresses are written in any way."""


def lines_of(story: Story, style: Style, gateway: str, random: Random, telling: Telling) -> list[Line]:
    """The lines of a gateway's log."""
    rows = whole_rows_of(story, gateway) if style.is_export else rows_of(story, gateway, noise_every=random.choice((600, 1800, 3600)))
    if not style.has_ends:
        rows = [row for row in rows if row.kind == BEGIN or (row.stay is None and style.log_format != "csv")]
    if telling.late_ends:
        late = [replace(row, at=row.at + random.randint(0, telling.late_ends)) if row.kind == FINISH else row for row in rows]
        rows = [row for row in late if row.at <= story.end]
    changes = sorted(telling.shift)
    found = []
    for row in sorted(rows, key=lambda row: row.at):
        place = bisect_right(changes, row.at)
        wrong = telling.shift[changes[place - 1]] if place else 0
        clock = datetime.fromtimestamp(row.at + wrong, ZoneInfo(telling.zone) if telling.zone != "UTC" else UTC)
        text = style.write(_as_written(row, telling, random), clock)
        if text is not None:
            found.append(Line(text, row))
    return found


def _as_written(row: Row, telling: Telling, random: Random) -> Row:
    if row.stay and telling.in_other_case and row.kind in (SIGN, FINISH):
        return replace(row, stay=replace(row.stay, user=row.stay.user.upper()))
    if row.stay and telling.in_other_spelling:
        address = ip_address(row.stay.ipaddr)
        spelling = random.choice((address.compressed, address.exploded, address.compressed.upper(), address.exploded.upper()))
        return replace(row, stay=replace(row.stay, ipaddr=spelling))
    return row
