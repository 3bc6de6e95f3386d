# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs in the formats of gateways, written from one made-up world, with the expected result for each line.

The files in tests/unit/fixtures are made by this one: python -m support.gateway_logs
"""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.gateway_world import LOG_END, World, as_read, wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.gateway_world import Knock, Visit

FIXTURES = Path(__file__).parents[1] / "unit" / "fixtures"
SEED = 20240101


@dataclass
class WrittenLog:
    """A log, and what is in it. Times in epoch seconds.

    `sessions` is [line, user, ipaddr, associated_ipaddr, start, end] as vpn_session_info returns them, `observations` is
    [line, ipaddr, associated_ipaddr, start] as they are uploaded; `skipped` has reasons by line.
    """

    text: str = ""
    lines: int = 0
    sessions: list[list[Any]] = field(default_factory=list)
    observations: list[list[Any]] = field(default_factory=list)
    skipped: dict[int, str] = field(default_factory=dict)
    rejected: list[int] = field(default_factory=list)
    no_rows: list[int] = field(default_factory=list)

    def write(self, text: str, end: str = "\n") -> int:
        """Adds text as it is; returns the line on which it begins."""
        first = self.lines + 1
        self.text += text + end
        self.lines = self.text.count("\n") + (0 if self.text.endswith("\n") else 1)
        return first

    def skip(self, text: str, reason: str) -> None:
        """A line that is no session."""
        line = self.write(text)
        self.skipped[line] = reason

    def reject(self, text: str, end: str = "\n") -> None:
        """A line that cannot be understood."""
        self.rejected.append(self.write(text, end))

    def head(self, text: str) -> None:
        """A line that is no row."""
        self.no_rows.append(self.write(text))

    def session(self, text: str, visit: Visit, start: int, end: int | None) -> None:
        """A line that begins a session; two where there are two VPN addresses."""
        self.note_session(self.write(text), visit, visit.insides, start, end)

    def note_session(self, line: int, visit: Visit, insides: list[str], start: int, end: int | None) -> None:
        """A session in a line that was already written."""
        self.sessions += [[line, visit.user, address, visit.outside, start, end] for address in insides]
        self.observations += [[line, address, visit.outside, start] for address in insides]


def openvpn_as() -> WrittenLog:
    """An export of the Access Server, rows by beginning."""
    log = WrittenLog()
    log.head("Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error")
    for at, kind, what in World(SEED).happenings():
        clock = f"{wall_clock(at):%Y.%m.%d %H:%M:%S %Z}"
        if kind == "failure":
            errors = ("user not found", 'LDAP invalid credentials, code 49, "bind"', "two\nlines")
            text = _csv_row("vpn1", what.user, clock, "", "VPN", 0, 0, what.outside, "", "UDP", 1194, "", errors[at % 3])
            first = log.write(text)
            log.skipped[first] = "failed_login"
            log.no_rows += range(first + 1, log.lines + 1)
        elif kind == "web":
            service = ("WEB_CLIENT", "WEB_ADMIN", "XML_API")[at % 3]
            log.skip(_csv_row("vpn1", what.user, clock, 3, service, 0, 1, what.outside, "", "TCP", 443, 7, ""), "other_service")
        elif kind == "start":
            _as_session(log, what, clock)
    cut = _csv_row("vpn1", "ann", clock, 60, "VPN", 0, 1, "203.0.113.9", "10.8.0.9", "UDP", 1194, 7, "")
    log.reject(cut[: cut.index("203.0.113.9") + 5], end="")
    return log


def _as_session(log: WrittenLog, visit: Visit, clock: str) -> None:
    duration = "" if visit.end is None else visit.end - visit.start
    is_active = int(visit.end is None)
    inside = visit.insides[0]
    line = log.write(_csv_row("vpn1", visit.user, clock, duration, "VPN", is_active, 1, visit.outside, inside, "UDP", 1194, 99, ""))
    log.note_session(line, visit, [inside], visit.start, visit.end)


def globalprotect() -> WrittenLog:
    """Syslog of PAN-OS behind a relay, rotated in mid-line at both ends."""
    log = WrittenLog()
    log.skip('4.2,OS,"OS 10 Pro , 64-bit",1,,,"",success,,0,,0,GW,69', "other_message")
    for at, kind, what in World(SEED + 1).happenings():
        if kind == "failure":
            log.skip(_gp_row(at, "gateway-auth", what, status="failure"), "failed_login")
        elif kind == "web":
            log.skip(_gp_row(at, "portal-getconfig", what), "no_address")
        elif kind == "start":
            _gp_session(log, what)
        else:
            log.skip(_gp_row(at, "gateway-logout", what, what, duration=what.end - what.start), "session_end")
        if at % 9 == 0:
            log.skip("Oct 28 12:00:00 fw 1,2023/10/28 12:00:00,0131,TRAFFIC,end,2305,2023/10/28 12:00:00,10.0.0.1", "other_message")
    cut = _gp_row(at, "gateway-connected", what, what if kind == "start" else World(SEED + 1).visits[-1])
    log.reject(cut[: cut.index("id-")], end="")
    return log


def _gp_session(log: WrittenLog, visit: Visit) -> None:
    """The first event begins the session, the second is a sign of life."""
    start = as_read(visit.start)
    end = None if visit.end is None else max(start, as_read(visit.end))
    log.session(_gp_row(visit.start, "gateway-setup-ipsec", visit, visit), visit, start, end)
    text = _gp_row(visit.start + 2, "gateway-connected", visit, visit)
    line = log.write(text)
    for address in visit.insides:
        log.observations.append([line, address, visit.outside, as_read(visit.start + 2)])


def _gp_row(at: int, event: str, who: Visit | Knock, visit: Visit | None = None, status: str = "success", duration: int = 0) -> str:
    clock = f"{wall_clock(at):%Y/%m/%d %H:%M:%S}"
    public = [who.outside, "0.0.0.0"] if "." in who.outside else ["0.0.0.0", who.outside]
    private = [visit.inside or "0.0.0.0", visit.inside6 or "0.0.0.0"] if visit else ["0.0.0.0", "0.0.0.0"]
    fields = [1, clock, "013101001305", "GLOBALPROTECT", 0, 2305, clock, "vsys1", event, "tunnel", "", "IPSec", who.user, "DE", "PC7"]
    fields += [*public, *private, f"id-{at}", "SER7", "5.2.4", "Windows", "Windows 10 Pro , 64-bit", 1, "", "", 'says "hi"', status]
    fields += ["", duration, "user-logon", 0, "GW1", at, "0x0"]
    return f"{wall_clock(at):%b %e %H:%M:%S} relay {_csv_row(*fields)}"


def cisco_asa() -> WrittenLog:
    """Syslog without years, except where the gateway writes its own time behind the relay's; rotated in mid-line."""
    log = WrittenLog()
    log.skip("ss <::> assigned to session", "other_message")
    for at, kind, what in World(SEED + 2).happenings():
        head = f"{wall_clock(at):%b %e %H:%M:%S} 10.192.0.1 :"
        exact = at % 5 == 0
        if exact:
            head = f"<166>{wall_clock(at):%b %e %H:%M:%S} relay {wall_clock(at):%b %d %Y %H:%M:%S %Z}:"
        if kind == "failure":
            log.skip(
                f"{head} %ASA-6-113015: AAA user authentication Rejected : reason = Invalid password : user = {what.user}", "failed_login"
            )
        elif kind == "web":
            log.skip(f"{head} %ASA-6-716001: Group <staff> User <{what.user}> IP <{what.outside}> WebVPN session started.", "other_message")
        elif kind == "start":
            who = f"Group <staff> User <{what.user}> IP <{what.outside}>"
            log.skip(f"{head} %ASA-6-113039: {who} AnyConnect parent session started.", "no_address")
            text = f"{head} %ASA-4-722051: {who} IPv4 Address <{what.inside or '0.0.0.0'}> IPv6 address <{what.inside6 or '::'}>"
            end = None if what.end is None else (what.end if what.end % 5 == 0 else as_read(what.end))
            start = at if exact else as_read(at)
            log.session(f"{text} assigned to session", what, start, None if end is None else max(start, end))
        else:
            log.skip(
                f"{head} %ASA-4-113019: Group = staff, Username = {what.user}, IP = {what.outside}, {_disconnected(what)}", "session_end"
            )
    log.reject(f"{head} %ASA-4-722051: Group <staff> User <ann> IP <203.0.1", end="")
    return log


def _disconnected(visit: Visit) -> str:
    length = (visit.end or 0) - visit.start
    days, rest = divmod(length, 86400)
    text = f"{rest // 3600}h:{rest // 60 % 60:02}m:{rest % 60:02}s"
    duration = f"{days}d {text}" if days else text
    return f"Session disconnected. Session Type: SSL, Duration: {duration}, Bytes xmt: 1, Bytes rcv: 2, Reason: User Requested"


def fortigate() -> WrittenLog:
    """Event log of FortiOS 7 and, on every seventh line, of a version with seconds or without eventtime; rotated in mid-line."""
    log = WrittenLog()
    log.skip('nelip=10.8.0.3 user="ann" reason="N/A" msg="SSL tunnel established"', "other_message")
    for at, kind, what in World(SEED + 3).happenings():
        if kind == "failure":
            log.skip(_fortigate_row(at, "ssl-login-fail", what, tunnelid=0, reason="sslvpn_login_unknown_user"), "failed_login")
        elif kind == "web":
            log.skip(_fortigate_row(at, "tunnel-up", what, tunneltype="ssl-web", tunnelip="(null)"), "no_address")
        elif not what.inside:
            log.skip(
                f'date=2023-10-28 time=10:00:00 logid="0000000013" type="traffic" action="accept" srcip={what.outside}', "other_message"
            )
        elif kind == "start":
            line = log.write(_fortigate_row(at, "tunnel-up", what, tunneltype="ssl-tunnel", tunnelip=what.inside, reason="N/A"))
            log.note_session(line, what, [what.inside], at, what.end)
        else:
            log.skip(_fortigate_row(at, "tunnel-down", what, tunnelip=what.inside, duration=at - what.start), "session_end")
    log.reject(
        _fortigate_row(at, "tunnel-up", what, tunnelip="10.8.0.7")
        .partition('" tunnelip')[0]
        .replace(f"remip={what.outside}", "remip=203.0."),
        "",
    )
    return log


def _fortigate_row(at: int, action: str, who: Visit | Knock, **fields: object) -> str:
    clock = wall_clock(at)
    eventtime = {0: f"eventtime={at} ", 1: ""}.get(at % 7, f"eventtime={at}{'0' * 9} ")
    text = f'date={clock:%Y-%m-%d} time={clock:%H:%M:%S} devname="FGT" devid="FG200F" {eventtime}tz="{clock:%z}" logid="0101039424"'
    text += f' type="event" subtype="vpn" level="information" vd="root" action="{action}" remip={who.outside} user="{who.user}"'
    return text + "".join(
        f' {name}="{value}"' if name in ("tunneltype", "reason") else f" {name}={value}" for name, value in fields.items()
    )


def _csv_row(*values: object) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue().removesuffix("\n")


def openvpn_status_1() -> WrittenLog:
    """One snapshot of version 1; clients above, routes below, cut off in the last line."""
    log = WrittenLog()
    log.skip("OpenVPN CLIENT LIST", "other_message")
    log.skip(f"Updated,{wall_clock(LOG_END):%a %b %e %H:%M:%S %Y}", "other_message")
    log.skip("Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since", "other_message")
    visits = World(SEED + 4).visits
    for visit in visits:
        clock = wall_clock(visit.start)
        since = f"{clock:%Y-%m-%d %H:%M:%S}" if visit.port % 2 else f"{clock:%a %b %e %H:%M:%S %Y}"
        log.session(f"{visit.user},{_real(visit)},1,2,{since}", visit, as_read(visit.start), None)
    log.skip("UNDEF,198.51.100.77:4711,1,2,2024-01-01 12:00:00", "no_address")
    log.skip("ROUTING TABLE", "other_message")
    log.skip("Virtual Address,Common Name,Real Address,Last Ref", "other_message")
    for visit in visits:
        for address in visit.insides:
            log.skip(f"{address},{visit.user},{_real(visit)},{clock:%Y-%m-%d %H:%M:%S}", "other_message")
        if visit.port % 9 == 0:
            log.skip(f"10.99.{visit.port % 200}.0/24,{visit.user},{_real(visit)},2024-01-01 12:00:00", "other_message")
            log.skip(f"10.99.{visit.port % 200}.7C,{visit.user},{_real(visit)},2024-01-01 12:00:00", "other_message")
    log.skip("GLOBAL STATS", "other_message")
    log.skip("Max bcast/mcast queue length,0", "other_message")
    log.skip("END", "other_message")
    log.skip("OpenVPN CLIENT LIST", "other_message")
    log.skip("Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since", "other_message")
    log.reject("ann,203.0.113.7:1194,1,2,2024-01-01 12:00:00")
    log.reject("bob,203.0.113.7:11", end="")
    return log


def openvpn_status(version: int) -> WrittenLog:
    """Snapshots of version 2 or 3, appended to one file: of an old server, of OpenVPN 2.7, and one that is cut off."""
    log = WrittenLog()
    separator = "," if version == 2 else "\t"
    visits = World(SEED + 5).visits
    for is_old, some in ((True, visits[:100]), (False, visits[100:])):
        _status_snapshot(log, some, separator, is_old=is_old)
    log.reject(separator.join(("CLIENT_LIST", "ann", "udp4:203.0.113.7:1194", "10.8")), end="")
    return log


def _status_snapshot(log: WrittenLog, visits: list[Visit], separator: str, *, is_old: bool) -> None:
    def line(*values: object) -> str:
        return separator.join(map(str, values))

    log.skip(line("TITLE", "OpenVPN 2.x"), "other_message")
    log.skip(line("TIME", "2024-01-01 12:00:00", LOG_END), "other_message")
    names = ["Common Name", "Real Address", "Virtual Address", "Bytes Received", "Bytes Sent", "Connected Since"]
    if not is_old:
        names[3:3] = ["Virtual IPv6 Address"]
        names += ["Connected Since (time_t)", "Username", "Client ID", "Peer ID", "Data Channel Cipher"]
    log.skip(line("HEADER", "CLIENT_LIST", *names), "other_message")
    for visit in visits:
        protocol = "" if is_old else ("udp4:", "tcp6-server:")[visit.port % 2]
        since = f"{wall_clock(visit.start):%Y-%m-%d %H:%M:%S}"
        if is_old:
            text = line("CLIENT_LIST", visit.user, _real(visit), visit.inside, 1, 2, since)
        else:
            common_name, username = (visit.user, "UNDEF") if visit.port % 3 else ("device7", visit.user)
            text = line(
                "CLIENT_LIST", common_name, protocol + _real(visit), visit.inside, visit.inside6, 1, 2, since, visit.start, username
            )
            text += separator + line(7, 0, "AES-256-GCM")
        if is_old and not visit.inside:
            log.skip(text, "no_address")
        elif is_old:
            log.note_session(log.write(text), visit, [visit.inside], as_read(visit.start), None)
        else:
            log.session(text, visit, visit.start, None)
    log.skip(line("HEADER", "ROUTING_TABLE", "Virtual Address", "Common Name", "Real Address", "Last Ref"), "other_message")
    for visit in visits:
        for address in visit.insides:
            log.skip(line("ROUTING_TABLE", address, visit.user, _real(visit), "2024-01-01 12:00:00"), "other_message")
    log.skip(line("GLOBAL_STATS", "Max bcast/mcast queue length", 0), "other_message")
    log.skip("END", "other_message")


def _real(visit: Visit) -> str:
    return f"[{visit.outside}]:{visit.port}" if ":" in visit.outside else f"{visit.outside}:{visit.port}"


def wireguard() -> WrittenLog:
    """Dumps of two interfaces, put together; the last one is cut off."""
    log = WrittenLog()
    world = World(SEED + 6)
    log.reject(f"{_key(world)}\t203.0.113.7:51820\t10.8.0.7/32\t1700000000\t1\t2\toff")
    for place, visit in enumerate([*world.visits, *World(SEED + 7).visits]):
        if place % 25 == 0:
            log.skip("\t".join(("wg0", _key(world), _key(world), "51820", "off")), "other_message")
        name = ("wg0\t", "")[place % 50 == 7]
        preshared = (_key(world), "(none)")[place % 2]
        networks = [f"{address}/{128 if ':' in address else 32}" for address in visit.insides] + ["10.99.0.0/16"] * (place % 3 == 0)
        handshake = 0 if place % 11 == 3 else visit.start
        endpoint = _real(visit) if handshake else "(none)"
        text = f"{name}{_key(world)}\t{preshared}\t{endpoint}\t{','.join(networks)}\t{handshake}\t1\t2\t{('off', '25')[place % 2]}"
        if handshake:
            line = log.write(text)
            log.sessions += [[line, "", address, visit.outside, visit.start, None] for address in visit.insides]
            log.observations += [[line, address, visit.outside, visit.start] for address in visit.insides]
        else:
            log.skip(text, "never_connected")
    log.skip(f"{_key(world)}\t(none)\t203.0.113.7:51820\t(none)\t1700000000\t1\t2\toff", "no_address")
    log.reject(f"wg0\t{_key(world)}\t{_key(world)[:20]}", end="")
    return log


def _key(world: World) -> str:
    """Looks like a key and opens nothing."""
    return base64.b64encode(world.random.randbytes(32)).decode()


MAKERS: dict[str, tuple[str, Callable[[], WrittenLog]]] = {
    "openvpn_as": ("openvpn_as", openvpn_as),
    "openvpn_status_1": ("openvpn_status", openvpn_status_1),
    "openvpn_status_2": ("openvpn_status", lambda: openvpn_status(2)),
    "openvpn_status_3": ("openvpn_status", lambda: openvpn_status(3)),
    "globalprotect": ("globalprotect", globalprotect),
    "cisco_asa": ("cisco_asa", cisco_asa),
    "fortigate": ("fortigate", fortigate),
    "wireguard": ("wireguard", wireguard),
}
"""The format and the maker of each file."""


def write_fixtures() -> None:
    """Makes the files again."""
    for name, (_format, make) in MAKERS.items():
        (FIXTURES / f"{name}.log").write_bytes(make().text.encode())


if __name__ == "__main__":
    write_fixtures()
