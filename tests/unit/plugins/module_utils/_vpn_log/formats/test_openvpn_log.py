# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of an OpenVPN server: addresses learned, clients gone, times in every form, and damaged lines."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import ALIVE, END, RESTART, SKIPPED, START, is_observation

from support.gateway_world import UTC
from support.mutants import claims, cut, ends, joined, records_of, rejected, with_insertions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    Read = Callable[[str], list[Record]]

CLIENT = "mira/203.0.113.7:40112"
LEARN = f"{CLIENT} MULTI: Learn: 10.8.0.6 -> {CLIENT}"
PRIMARY = f"{CLIENT} MULTI: primary virtual IP for {CLIENT}: 10.8.0.6"
CLOCK = "2024-05-31 08:15:00"


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


AT = epoch("2024-05-31T08:15:00")
CLAIM = ("mira", "10.8.0.6", "203.0.113.7", AT)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads lines that were written on 1 June 2024, with clocks in UTC."""
    path = tmp_path / "openvpn.log"
    written = epoch("2024-06-01T00:00:00")

    def read(text: str) -> list[Record]:
        path.write_bytes(text.encode())
        os.utime(path, (written, written))
        return records_of(path, "openvpn_log")

    return read


@pytest.mark.parametrize(
    "head",
    [
        "2024-05-31 08:15:00 ",
        "2024-05-31 08:15:00 us=123456 ",
        "Fri May 31 08:15:00 2024 ",
        "Fri May 31 08:15:00 2024 us=1 ",
        "1717143300.000123 20000003 ",
        "May 31 08:15:00 gw openvpn[4711]: ",
        "<29>May 31 08:15:00 gw ovpn-server[4711]: ",
        "May 31 08:15:00\topenvpn[4711]: ",
        "May 31 08:15:00 gw office[4711]: ",
        "May 31 2024 08:15:00 gw openvpn: ",
        "2024-05-31T10:15:00+02:00 gw openvpn[4711]: ",
        "2024-05-31T10:15:00.123456+02:00 gw openvpn(office)[4711]: ",
        "<29>1 2024-05-31T04:15:00.516147-04:00 fw.example.com openvpn 24751 - - ",
        "May 31 08:15:02 relay May 31 08:15:00 gw openvpn[4711]: ",
        "May 31 08:15:02 gw openvpn[4711]: 2024-05-31 08:15:00 ",
        "2024-05-31T08:15:00.9Z 2024-05-31 10:15:00 ",
    ],
)
def test_times_in_every_form(read: Read, head: str):
    assert claims(read(f"{head}{LEARN}\n")) == {CLAIM}


@pytest.mark.parametrize(
    "line",
    [
        f"2024-05-31T10:15:00+0200 [stdout#info] [OVPN 3] OUT: '2024-05-31 10:15:00 {LEARN}'",
        f"2024-05-31 08:15:00+0000 [-] OVPN 3 OUT: 'Fri May 31 08:15:00 2024 {LEARN}'",
        f"May 31 08:15:01 gw openvpnas: [OVPN 0] OUT: '2024-05-31 08:15:00 {LEARN}'",
        f'May 31 08:15:00 gw openvpnas: [OVPN 0] OUT: "{LEARN}"',
        f'{{"time": "x", "log": "2024-05-31 08:15:00 {LEARN}\\n", "stream": "stdout"}}',
    ],
)
def test_lines_that_another_program_wraps(read: Read, line: str):
    assert claims(read(f"{line}\n")) == {CLAIM}


@pytest.mark.parametrize(
    ("client", "username", "outside"),
    [
        ("mira/203.0.113.7:40112", "mira", "203.0.113.7"),
        ("Doe, Mira/203.0.113.7:40112", "Doe, Mira", "203.0.113.7"),
        ("CORP/mira/203.0.113.7:40112", "CORP/mira", "203.0.113.7"),
        ("mira@example.com/[2001:db8::7]:40112", "mira@example.com", "2001:db8::7"),
        ("mira/udp4:203.0.113.7:40112", "mira", "203.0.113.7"),
        ("mira/tcp6-server:[2001:db8::7]:40112", "mira", "2001:db8::7"),
        ("mira/2001:db8::7", "mira", "2001:db8::7"),
        ("mira/[::ffff:203.0.113.7]:40112", "mira", "203.0.113.7"),
        ("mira/203.0.113.7:40112 peer-id=0", "mira", "203.0.113.7"),
        ("mira/203.0.113.7:40112 rx-peer-id=17", "mira", "203.0.113.7"),
        ("UNDEF/203.0.113.7:40112", "", "203.0.113.7"),
        ("203.0.113.7:40112", "", "203.0.113.7"),
    ],
)
def test_clients_in_every_form(read: Read, client: str, username: str, outside: str):
    (record,) = read(f"{CLOCK} {client} MULTI: Learn: fd00::6 -> {client}\n")
    assert (record.kind, record.reason) == (START, None)
    assert (record.username, record.ipaddr, record.associated_ipaddr) == (username, "fd00::6", outside)


def test_the_line_may_begin_with_the_client_before_its_login_or_with_none(read: Read):
    short = LEARN.partition(" ")[2]
    assert claims(read(f"{CLOCK} {short}\n{CLOCK} 203.0.113.7:40112 {short}\n")) == {CLAIM}


@pytest.mark.parametrize(
    "prefix", ["tom/203.0.113.7:40112", "mira/203.0.113.8:40112", "mira/203.0.113.7:4011", "+0200 mira/203.0.113.7:40112"]
)
def test_a_line_about_two_clients_is_rejected(read: Read, prefix: str):
    assert rejected(read(f"{CLOCK} {prefix} {LEARN.partition(' ')[2]}\n")) == [1]


def test_the_second_message_about_an_address_is_no_second_observation(read: Read):
    first, second = read(f"{CLOCK} {LEARN}\n2024-05-31 08:15:01 {PRIMARY}\n")
    assert is_observation(first)
    assert (second.kind, second.reason, second.ipaddr, second.session) == (ALIVE, "same_session", "10.8.0.6", CLIENT)


def test_the_second_message_alone_is_an_observation(read: Read):
    assert claims(read(f"{CLOCK} {PRIMARY}\n")) == {CLAIM}


def test_two_clients_of_one_name_and_address_differ_by_the_port(read: Read):
    other = LEARN.replace("40112", "40113").replace("10.8.0.6", "10.8.0.7")
    assert [record.session for record in read(f"{CLOCK} {LEARN}\n{CLOCK} {other}\n")] == [CLIENT, "mira/203.0.113.7:40113"]


@pytest.mark.parametrize("inside", ["192.168.7.0/24", "fd00:7::/64", "0a:1b:2c:3d:4e:5f@0", "0a:1b:2c:3d:4e:5f"])
def test_networks_and_devices_on_an_ethernet_are_no_vpn_addresses(read: Read, inside: str):
    (record,) = read(f"{CLOCK} {CLIENT} MULTI: Learn: {inside} -> {CLIENT}\n")
    assert (record.kind, record.reason) == (SKIPPED, "no_address")


def test_a_device_in_a_network_behind_a_client_has_no_vpn_address(read: Read):
    learned = [f"{CLOCK} {CLIENT} MULTI: Learn: {inside} -> {CLIENT}\n" for inside in ("10.8.0.6", "192.168.7.0/24", "192.168.7.20")]
    assert claims(read("".join(learned))) == {CLAIM}


@pytest.mark.parametrize(
    "message",
    [
        "SIGTERM[soft,remote-exit] received, client-instance exiting",
        "SIGTERM[soft,delayed-exit] received, client-instance exiting",
        "SIGTERM[soft,ovpn-dco: ping expired] received, client-instance exiting",
        "SIGUSR1[soft,ping-restart] received, client-instance restarting",
        "SIGUSR1[soft,connection-reset] received, client-instance restarting",
        "Connection reset, restarting [-1]",
        "Connection reset, restarting [0]",
        "[mira] Inactivity timeout (--ping-restart), restarting",
    ],
)
def test_a_client_instance_that_exits_or_restarts_ends_its_session(read: Read, message: str):
    _start, end = read(f"{CLOCK} {LEARN}\n2024-05-31 09:00:00 {CLIENT} {message}\n")
    assert (end.kind, end.reason, end.username, end.ipaddr) == (END, "session_end", "mira", None)
    assert (end.associated_ipaddr, end.session, end.time) == ("203.0.113.7", CLIENT, epoch("2024-05-31T09:00:00") * 1000)


def test_an_address_that_is_taken_away_ends_the_session(read: Read):
    (record,) = read(f"{CLOCK} {CLIENT} MULTI: Unlearn: 10.8.0.6 -> {CLIENT}\n")
    assert (record.kind, record.username, record.ipaddr, record.session) == (END, "mira", "10.8.0.6", CLIENT)


@pytest.mark.parametrize(
    "message",
    ["SIGTERM[hard,] received, process exiting", "SIGHUP[hard,] received, process restarting", "Initialization Sequence Completed"],
)
def test_the_end_of_the_server_ends_all_sessions_where_it_has_a_log_of_its_own(read: Read, message: str):
    assert [record.kind for record in read(f"{CLOCK} {message}\n")] == [RESTART]
    head = "May 31 08:15:00 gw openvpn[1]:"
    assert [record.kind for record in read(f"{head} {message}\n{head} {LEARN}\n")] == [SKIPPED, START]


@pytest.mark.parametrize(
    ("text", "kind", "outside"),
    [
        ("user 'mira' address '203.0.113.7' - connected", SKIPPED, None),
        ("user 'mira' address '203.0.113.7:40112' - connecting", SKIPPED, None),
        ("user 'mira' address '203.0.113.7:40112' - disconnected", END, "203.0.113.7"),
        ("user 'mira' address '203.0.113.7' - disconnected", END, "203.0.113.7"),
    ],
)
def test_messages_of_pfsense(read: Read, text: str, kind: str, outside: str | None):
    (record,) = read(f"May 31 08:15:00 fw openvpn[4711]: openvpn server 'ovpns1' {text}\n")
    assert (record.kind, record.username, record.associated_ipaddr) == (kind, "mira", outside)
    assert record.session == (CLIENT if kind == END and ":40112" in text else None)


def test_a_client_that_goes_on_from_another_address_keeps_its_vpn_address(read: Read):
    float_ = f"{CLIENT} peer 3 (mira) floated from [AF_INET]203.0.113.7:40112 to [AF_INET]198.51.100.9:5000"
    gone = "mira/198.51.100.9:5000 SIGTERM[soft,remote-exit] received, client-instance exiting"
    _start, moved, end = read(f"{CLOCK} {LEARN}\n2024-05-31 08:20:00 {float_}\n2024-05-31 08:30:00 {gone}\n")
    assert (moved.kind, moved.ipaddr, moved.associated_ipaddr) == (ALIVE, "10.8.0.6", "198.51.100.9")
    assert is_observation(moved)
    assert moved.session == end.session == "mira/198.51.100.9:5000"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (f"{CLOCK} {CLIENT} MULTI: Learn FAILED: 10.8.0.6 -> {CLIENT}", "no_address"),
        (f"{CLOCK} {CLIENT} TLS: soft reset sec=3600/3600", "other_message"),
        (f"{CLOCK} {CLIENT} MULTI: bad source address from client [192.168.1.5], packet dropped", "other_message"),
        (f"{CLOCK} MULTI: multi_init called, r=256 v=256", "other_message"),
        (f"{CLOCK} [server] Inactivity timeout (--ping-restart), restarting", "other_message"),
        ("May 31 08:15:00 gw sshd[1]: Accepted password for mira", "other_message"),
    ],
)
def test_other_messages_are_skipped_and_have_a_time(read: Read, line: str, reason: str):
    records = read(f"{line}\n{CLOCK} {LEARN}\n")
    assert (records[0].kind, records[0].reason, records[0].time) == (SKIPPED, reason, AT * 1000)


def test_a_line_that_ends_before_its_message_is_rejected(read: Read):
    for form in ("file", "syslog"):
        line = f"{HEADS[form][0]}{CLIENT}"
        lines = [line[:end] for end in range(len("2024-") if form == "file" else 1, len(line) + 1)]
        assert rejected(read("\n".join([*lines, f"{CLOCK} {LEARN}\n"]))) == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("message", [LEARN, PRIMARY, f"{CLIENT} SIGTERM[soft,remote-exit] received, client-instance exiting"])
def test_a_line_that_ends_within_its_message_is_rejected(read: Read, message: str):
    line = f"{CLOCK} {message}"
    lines = list(dict.fromkeys(line[:end].rstrip() for end in range(1, len(line) - 5)))
    records = read("\n".join([*lines, f"{CLOCK} {LEARN}\n"]))
    assert rejected(records) == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("message", [LEARN, PRIMARY, f"{CLIENT} SIGTERM[soft,remote-exit] received, client-instance exiting"])
def test_a_message_that_is_cut_off_in_front_of_another_line_is_rejected(read: Read, message: str):
    begin = message.index(" ", len(CLIENT)) + 2
    lines = [f"{CLOCK} {message[:end]} {CLOCK} MULTI: multi_create_instance called" for end in range(begin, len(message) - 20)]
    assert rejected(read("\n".join([*lines, f"{CLOCK} {LEARN}\n"]))) == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("message", ["TLS: soft reset", "OPTIONS IMPORT: reading client specific options from: /etc/openvpn/ccd/mira"])
def test_a_line_with_a_whole_message_is_not_rejected(read: Read, message: str):
    assert rejected(read(f"{CLOCK} {CLIENT} {message}\n{CLOCK} {LEARN}\n")) == []


def test_a_log_without_times_is_refused_with_advice(read: Read):
    with pytest.raises(InputError, match="suppress-timestamps"):
        read(f"{LEARN}\n{PRIMARY}\n")


def test_a_single_line_without_a_time_costs_only_itself(read: Read):
    records = read(f"{LEARN}\n{CLOCK} {LEARN}\n")
    assert rejected(records) == [1]
    assert claims(records) == {CLAIM}


def test_a_log_of_something_else_is_refused(read: Read):
    with pytest.raises(InputError, match=r"no line of .* is a message of an OpenVPN server"):
        read("May 31 08:15:00 gw sshd[1]: Accepted password for mira\n")


OTHER = "tom/198.51.100.20:50123"
OTHER_CLAIM = ("tom", "10.8.0.99", "198.51.100.20", epoch("2024-05-31T08:16:10"))
HEADS = {
    "file": ("2024-05-31 08:15:00 ", "2024-05-31 08:16:10 "),
    "syslog": ("May 31 08:15:00 gw openvpn[4711]: ", "May 31 08:16:10 gw openvpn[4711]: "),
}


@pytest.mark.parametrize("form", sorted(HEADS))
def test_a_damaged_line_never_gives_another_address_user_or_time(read: Read, form: str):
    own, others = HEADS[form]
    line = f"{own}{CLIENT} MULTI: Learn: 10.8.0.61 -> {CLIENT}"
    truth = {("mira", "10.8.0.61", "203.0.113.7", AT), OTHER_CLAIM}
    other = f"{others}{OTHER} MULTI: Learn: 10.8.0.99 -> {OTHER}"
    gone = f"{others}{OTHER} SIGTERM[soft,remote-exit] received, client-instance exiting"
    for damaged in [*cut(line), *joined(line, other), *joined(line, gone), *joined(gone, line), *with_insertions(line)]:
        records = read(f"{damaged}\n{other}\n")
        # An offset or half of the day that is inserted beside a time belongs to it.
        shifts = [shift for inserted, shift in ((" +0200", -7200), (" PM", 43_200)) if inserted in damaged]
        shifted = {claim for claim in claims(records) if claim[3] - AT in shifts}
        assert claims(records) - shifted <= truth, damaged
        assert len(shifted) <= 1
        assert {record.line for record in records} >= ({1, 2} if damaged.strip() else {2})


def test_a_damaged_end_never_ends_the_session_of_somebody_else(read: Read):
    gone = "SIGTERM[soft,remote-exit] received, client-instance exiting"
    line, other = f"{CLOCK} {CLIENT} {gone}", f"2024-05-31 08:16:10 {OTHER} {gone}"
    truth = {("mira", None, "203.0.113.7", AT), ("tom", None, "198.51.100.20", AT + 70)}
    for damaged in [*cut(line), *joined(line, other)]:
        assert ends(read(f"{CLOCK} {LEARN}\n{damaged}\n")) <= truth, damaged


def test_an_address_that_is_cut_off_at_the_end_of_its_line_is_not_believed(read: Read):
    for damaged in cut(f"{CLOCK} {PRIMARY}".replace("10.8.0.6", "10.8.0.61")):
        learned = LEARN.replace("10.8.0.6", "10.8.0.61")
        assert {claim[1] for claim in claims(read(f"{CLOCK} {learned}\n{damaged}\n"))} == {"10.8.0.61"}


@pytest.mark.parametrize(
    ("line", "device"),
    [
        (json.dumps({"MESSAGE": LEARN, "__REALTIME_TIMESTAMP": f"{AT}000000", "_HOSTNAME": "gw1", "SYSLOG_IDENTIFIER": "openvpn"}), "gw1"),
        (json.dumps({"@timestamp": "2024-05-31T08:15:00Z", "message": LEARN}), ""),
        (json.dumps({"date": AT + 0.25, "log": LEARN}), ""),
        (json.dumps({"@timestamp": "2024-05-31T09:00:00Z", "message": f"{CLOCK} {LEARN}"}), ""),
        (f'<29>1 2024-05-31T08:15:00Z gw2 openvpn_server1 123 - [meta sequenceId="5"] {LEARN}', "gw2"),
        (f"May 31 08:15:00 gw3 openvpnas[9]: [-] OVPN 4 OUT: '{CLOCK} {LEARN}'", "gw3"),
    ],
)
def test_a_wrapped_line_has_the_time_and_the_gateway_of_its_wrapping(read: Read, line: str, device: str):
    records = read(f"{line}\n")
    assert claims(records) == {CLAIM}
    assert [record.device for record in records] == [device]


def test_the_list_of_the_pool_is_no_cut_line(read: Read):
    texts = ("IFCONFIG POOL LIST", "mira,10.8.0.6,", "tom,10.8.0.7", "K, A,10.8.0.8,fd00::8", LEARN)
    records = read("".join(f"{CLOCK} {text}\n" for text in texts))
    assert [record.reason for record in records] == ["other_message"] * 4 + [None]


@pytest.mark.parametrize(
    ("outside", "address"),
    [("[AF_UNSPEC]", None), ("fe80::9%eth0:40112", "fe80::9"), ("2001:db8::7:40112", "2001:db8::7"), ("2001:db8::7", "2001:db8::7")],
)
def test_outside_addresses_in_odd_forms(read: Read, outside: str, address: str | None):
    (record,) = read(f"{CLOCK} mira/{outside} MULTI: Learn: 10.8.0.6 -> mira/{outside}\n")
    assert (record.kind, record.username, record.ipaddr, record.associated_ipaddr) == (START, "mira", "10.8.0.6", address)
