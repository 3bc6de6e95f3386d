# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Valid logs of every format with the facts in them, to be damaged by tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """The content of a row: `start`, `alive` or `end`. The time is when the session began, or ended, in epoch milliseconds."""

    kind: str
    user: str
    ipaddr: str | None
    associated_ipaddr: str | None
    time: int


@dataclass(frozen=True)
class RightLog:
    """A log, the facts in it in the order of its lines, and which lines are damaged."""

    name: str
    format: str
    lines: list[str]
    facts: list[Fact]
    targets: list[int]
    options: dict[str, Any] = field(default_factory=dict)
    lines_depend: bool = False
    words_fit: bool = False
    """A blank or a word between two fields may belong to the field before them."""


def at(clock: str) -> int:
    """A time of 14 October 2024, UTC, in epoch milliseconds."""
    return int(datetime.fromisoformat(f"2024-10-14T{clock}").replace(tzinfo=UTC).timestamp()) * 1000


MODIFIED = at("12:00:00") // 1000
_KEYS = ["A" * 43 + "=", "B" * 43 + "="]


_HEADER_2 = (
    "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Virtual IPv6 Address,Bytes Received,Bytes Sent,Connected Since,"
    "Connected Since (time_t),Username,Client ID,Peer ID"
)


def _asa(number: int, message: str) -> str:
    return f"<166>Oct 14 2024 08:00:0{number} fw : %ASA-4-{message}"


def _assigned(number: int) -> str:
    return _asa(
        number,
        f"722051: Group <RA> User <ann{number}> IP <198.51.100.{number}0> IPv4 Address <10.63.0.{number}1> IPv6 address <::> "
        "assigned to session",
    )


def _forti(number: int, action: str, more: str = "") -> str:
    return (
        f'date=2024-10-14 time=08:00:0{number} devname="F" devid="FG1" eventtime={at(f"08:00:0{number}") // 1000}512340000 tz="+0000" '
        f'logid="0101039947" type="event" subtype="vpn" action="{action}" tunneltype="ssl-tunnel" tunnelid={number} '
        f'remip=198.51.100.{number}0 tunnelip=10.64.0.{number}1 {more}user="bob{number}" group="RA" msg="SSL tunnel"'
    )


def _global_protect(number: int, event: str, duration: str = "0") -> str:
    clock = f"2024/10/14 08:00:0{number}"
    return (
        f"1,{clock},0191007,GLOBALPROTECT,0,2817,{clock},vsys1,{event},connected,,IPSec,carl{number},DE,PC-{number},203.0.113.{number}0,"
        f'0.0.0.0,10.62.0.{number}1,0.0.0.0,0aa1,SN1,6.2.4,Windows,"Microsoft Windows 11 Pro , 64-bit",1,,,"",success,,{duration},'
        "user-logon,0,GW-1,7001,0x8000000000000000"
    )


def _access_server(number: int) -> str:
    return f"n1,dora{number},2024.10.14 08:00:0{number} UTC,60,VPN,0,1,203.0.113.{number}0,10.66.0.{number}1,UDP,1194,9,"


def _status_2(number: int) -> str:
    since = f"2024-10-14 08:00:0{number},{at(f'08:00:0{number}') // 1000}"
    return f"CLIENT_LIST,eve{number},203.0.113.{number}0:3315{number},10.66.0.{number}1,,9,9,{since},UNDEF,{number},0"


def _peer(number: int) -> str:
    key = str(number) * 43 + "="
    return "\t".join(
        ["wg0", key, "(none)", f"203.0.113.{number}0:4500", f"10.65.0.{number}1/32", str(at(f"08:00:0{number}") // 1000), "1", "2", "off"]
    )


def _cef(number: int, product: str, *fields: str) -> str:
    return f"<14>Oct 14 08:00:0{number} gw CEF:0|{product}|3|{' '.join(fields)}"


def _forti_cef(number: int) -> str:
    return _cef(
        number,
        "Fortinet|Fortigate|v7.2.5|39947|event:vpn tunnel-up",
        f"deviceExternalId=FG1 FTNTFGTeventtime={at(f'08:00:0{number}') // 1000} FTNTFGTsubtype=vpn act=tunnel-up FTNTFGTtunnelid={number}",
        f"FTNTFGTremip=198.51.100.{number}0 FTNTFGTtunnelip=10.64.0.{number}1 duser=bob{number} FTNTFGTgroup=RA msg=SSL tunnel",
    )


def _analyzer(number: int) -> str:
    cells = [
        *(f"itime={at(f'08:00:0{number}') // 1000}", "date=2024-10-14", f"time=08:00:0{number}", "devid=FG1", "tz=+0000", "type=event"),
        *("subtype=vpn", "action=tunnel-up", f"tunnelid={number}", f"remip=198.51.100.{number}0", f"tunnelip=10.64.0.{number}1"),
        *(f'user=""bob{number}""', 'group=""RA""', 'msg=""SSL, tunnel""'),
    ]
    return ",".join(f'"{cell}"' for cell in cells)


def _global_protect_cef(number: int) -> str:
    return _cef(
        number,
        "Palo Alto Networks|LF|2.0|GLOBALPROTECT|globalprotect",
        f"PanOSDeviceSN=0191 start=Oct 14 2024 08:00:0{number} PanOSEventIDValue=gateway-connected PanOSSourceUserName=carl{number}",
        f"PanOSPublicIPv4=203.0.113.{number}0 PanOSPrivateIPv4=10.62.0.{number}1 PanOSEventStatus=success PanOSGatewayPriority=1",
    )


def _global_protect_leef(number: int) -> str:
    fields = [
        *("EventID=gateway-connected", "EventStatus=success", f"usrName=carl{number}", f"PublicIP=203.0.113.{number}0"),
        *(f"PrivateIP=10.62.0.{number}1", f"devTime=Oct 14 2024 08:00:0{number}", "Stage=connected"),
    ]
    return f"<14>Oct 14 08:00:0{number} gw LEEF:2.0|Palo Alto Networks|PAN-OS|10.1|gp|x7C|{'|'.join(fields)}"


def _packet(number: int) -> list[str]:
    return [
        f"Mon Oct 14 08:00:0{number} 2024",
        "\tAcct-Status-Type = Start",
        f'\tUser-Name = "ivy{number}"',
        f"\tFramed-IP-Address = 10.69.0.{number}1",
        f'\tCalling-Station-Id = "203.0.113.{number}0"',
        f'\tAcct-Session-Id = "S{number}"',
        "\tNAS-IP-Address = 192.0.2.1",
        f"\tTimestamp = {at(f'08:00:0{number}') // 1000}",
        "",
    ]


def _nps_row(number: int) -> str:
    values = [""] * 60
    values[:6] = ['"HOST"', '"RAS"', "10/14/2024", f"08:00:0{number}", "4", f'"jan{number}"']
    values[8], values[10], values[12] = f'"203.0.113.{number}0"', f'"10.70.0.{number}1"', '"192.0.2.1"'
    values[31], values[35] = "1", f'"{number}"'
    return ",".join(values)


def _nps_event(number: int) -> str:
    elements = {
        "Timestamp": f"10/14/2024 08:00:0{number}.000",
        "User-Name": f"jan{number}",
        "NAS-IP-Address": "192.0.2.1",
        "Acct-Status-Type": "1",
        "Framed-IP-Address": f"10.70.0.{number}1",
        "Calling-Station-Id": f"203.0.113.{number}0",
        "Acct-Session-Id": str(number),
        "Packet-Type": "4",
    }
    return f"<Event>{''.join(f'<{name}>{value}</{name}>' for name, value in elements.items())}</Event>"


def _starts(name: str, network: str, outside: str = "203.0.113") -> list[Fact]:
    return [Fact("start", f"{name}{n}", f"{network}.{n}1", f"{outside}.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)]


LOGS = [
    RightLog(
        "csv",
        "csv",
        [
            "Node,Username,Real IP,VPN IP,Start Time,Port",
            *(f"n1,kim{n},203.0.113.{n}0,10.61.0.{n}1,10/14/24 08:00:0{n},1194" for n in (1, 2, 3)),
        ],
        _starts("kim", "10.61.0"),
        [1, 2],
    ),
    RightLog(
        "fortigate_cef", "fortigate", list(map(_forti_cef, (1, 2, 3))), _starts("bob", "10.64.0", "198.51.100"), [0, 1], words_fit=True
    ),
    RightLog("fortianalyzer", "fortigate", list(map(_analyzer, (1, 2, 3))), _starts("bob", "10.64.0", "198.51.100"), [0, 1]),
    RightLog(
        "globalprotect_cef", "globalprotect", list(map(_global_protect_cef, (1, 2, 3))), _starts("carl", "10.62.0"), [0, 1], words_fit=True
    ),
    RightLog("globalprotect_leef", "globalprotect", list(map(_global_protect_leef, (1, 2, 3))), _starts("carl", "10.62.0"), [0, 1]),
    RightLog(
        "radius_detail",
        "radius_detail",
        [line for n in (1, 2, 3) for line in _packet(n)],
        _starts("ivy", "10.69.0"),
        # Not the lines with the address, whose value has no quotes: writers of such files cut the last record only.
        [2, 4, 7, 8, 9, 11],
    ),
    RightLog("nps_rows", "nps", list(map(_nps_row, (1, 2, 3))), _starts("jan", "10.70.0"), [0, 1]),
    RightLog("nps_events", "nps", list(map(_nps_event, (1, 2, 3))), _starts("jan", "10.70.0"), [0, 1]),
    RightLog(
        "openvpn_status_3",
        "openvpn_status",
        [
            "TITLE\tOpenVPN 2.5.1",
            f"TIME\t2024-10-14 09:00:00\t{at('09:00:00') // 1000}",
            _HEADER_2.replace(",", "\t"),
            *(_status_2(n).replace(",", "\t") for n in (1, 2, 3)),
            "END",
        ],
        [Fact("alive", f"eve{n}", f"10.66.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [3, 4],
    ),
    RightLog(
        "cisco_asa_anyconnect",
        "cisco_asa",
        [_assigned(1), _assigned(2), _assigned(3)],
        [Fact("start", f"ann{n}", f"10.63.0.{n}1", f"198.51.100.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [0, 1],
    ),
    RightLog(
        "cisco_asa_ipsec",
        "cisco_asa",
        [
            _asa(
                1,
                "751025: Local:192.0.2.1:4500 Remote:198.51.100.10:4500 Username:ann IKEv2 Group:RA IPv4 Address=10.63.0.11 "
                "IPv6 address=fd00::11 assigned to session",
            ),
            _asa(2, "713228: Group = RA, Username = bob, IP = 198.51.100.20, Assigned private IP address 10.63.0.21 to remote user"),
            _asa(
                3,
                "113019: Group = RA, Username = bob, IP = 198.51.100.20, Session disconnected. Session Type: IPsec, Duration: 0h:00m:01s, "
                "Bytes xmt: 1, Bytes rcv: 2, Reason: User Requested",
            ),
            _asa(4, "737016: IPAA: Freeing local pool address 10.63.0.21"),
        ],
        [
            Fact("start", "ann", "10.63.0.11", "198.51.100.10", at("08:00:01")),
            Fact("start", "ann", "fd00::11", "198.51.100.10", at("08:00:01")),
            Fact("start", "bob", "10.63.0.21", "198.51.100.20", at("08:00:02")),
            Fact("end", "bob", None, "198.51.100.20", at("08:00:03")),
            Fact("end", "", "10.63.0.21", None, at("08:00:04")),
        ],
        [0, 1, 2],
    ),
    RightLog(
        "fortigate",
        "fortigate",
        [_forti(1, "tunnel-up"), _forti(2, "tunnel-up"), _forti(3, "tunnel-down", "duration=3 "), _forti(4, "tunnel-up")],
        [Fact("end" if n == 3 else "start", f"bob{n}", f"10.64.0.{n}1", f"198.51.100.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3, 4)],
        [0, 2],
    ),
    RightLog(
        "globalprotect",
        "globalprotect",
        [_global_protect(1, "gateway-connected"), _global_protect(2, "gateway-setup-ipsec"), _global_protect(3, "gateway-logout", "3600")],
        [Fact("end" if n == 3 else "start", f"carl{n}", f"10.62.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [0, 1],
    ),
    RightLog(
        "openvpn_as",
        "openvpn_as",
        [
            "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error",
            *map(_access_server, (1, 2, 3)),
        ],
        [Fact("start", f"dora{n}", f"10.66.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [1, 2],
    ),
    RightLog(
        "openvpn_status_2",
        "openvpn_status",
        [
            "TITLE,OpenVPN 2.5.1",
            f"TIME,2024-10-14 09:00:00,{at('09:00:00') // 1000}",
            _HEADER_2,
            *map(_status_2, (1, 2, 3)),
            "END",
        ],
        [Fact("alive", f"eve{n}", f"10.66.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [3, 4],
    ),
    RightLog(
        "openvpn_status_1",
        "openvpn_status",
        [
            "OpenVPN CLIENT LIST",
            "Updated,2024-10-14 09:00:00",
            "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since",
            "eve1,203.0.113.10:1111,1,2,2024-10-14 08:00:01",
            "eve2,203.0.113.20:2222,1,2,2024-10-14 08:00:02",
            "ROUTING TABLE",
            "Virtual Address,Common Name,Real Address,Last Ref",
            "10.66.0.11,eve1,203.0.113.10:1111,2024-10-14 08:59:00",
            "10.66.0.21,eve2,203.0.113.20:2222,2024-10-14 08:59:00",
            "GLOBAL STATS",
            "END",
        ],
        [Fact("alive", f"eve{n}", f"10.66.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2)],
        [3, 4, 7, 8],
        lines_depend=True,
    ),
    RightLog(
        "wireguard",
        "wireguard",
        ["\t".join(["wg0", *_KEYS, "51820", "off"]), *map(_peer, (1, 2, 3))],
        [Fact("alive", f"fay{n}", f"10.65.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [1, 2],
        {"peers": {str(n) * 43 + "=": f"fay{n}" for n in (1, 2, 3)}},
    ),
    RightLog(
        "openvpn_log",
        "openvpn_log",
        [
            *(
                f"2024-10-14 08:00:0{n} hal{n}/203.0.113.{n}0:3315{n} MULTI: Learn: 10.66.0.{n}1 -> hal{n}/203.0.113.{n}0:3315{n}"
                for n in (1, 2)
            ),
            "2024-10-14 08:00:03 hal1/203.0.113.10:33151 SIGTERM[soft,remote-exit] received, client-instance exiting",
            "2024-10-14 08:00:04 hal4/203.0.113.40:33154 MULTI: primary virtual IP for hal4/203.0.113.40:33154: 10.66.0.41",
        ],
        [
            *(Fact("start", f"hal{n}", f"10.66.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2)),
            Fact("end", "hal1", None, "203.0.113.10", at("08:00:03")),
            Fact("start", "hal4", "10.66.0.41", "203.0.113.40", at("08:00:04")),
        ],
        [0, 2],
    ),
    RightLog(
        "strongswan",
        "strongswan",
        [
            line
            for n in (1, 2)
            for line in (
                f"Oct 14 08:00:0{n} gw charon: 0{n}[IKE] <ra|{n}> IKE_SA ra[{n}] established between 192.0.2.1[g]...203.0.113.{n}0[ida{n}]",
                f"Oct 14 08:00:0{n} gw charon: 0{n}[IKE] <ra|{n}> assigning virtual IP 10.68.0.{n}1 to peer 'ida{n}'",
            )
        ],
        [Fact("start", f"ida{n}", f"10.68.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2)],
        [0, 1],
        lines_depend=True,
    ),
    RightLog(
        "json_lines",
        "json_lines",
        [
            f'{{"@timestamp":"2024-10-14T08:00:0{n}Z","user":{{"name":"gus{n}"}},"source":{{"ip":"203.0.113.{n}0"}},'
            f'"vpn":{{"ip":"10.67.0.{n}1"}},"n":1}}'
            for n in (1, 2, 3)
        ],
        [Fact("start", f"gus{n}", f"10.67.0.{n}1", f"203.0.113.{n}0", at(f"08:00:0{n}")) for n in (1, 2, 3)],
        [0, 1],
        {"columns": {"ipaddr": "vpn.ip", "associated_ipaddr": "source.ip", "timestamp": "@timestamp", "username": "user.name"}},
    ),
]
"""Add the logs of a new format here."""
