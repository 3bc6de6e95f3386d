# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of charon: which address belongs to which connection, times and heads in every form, and damaged lines."""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import END, RESTART, SKIPPED, START

from support.gateway_world import UTC
from support.mutants import claims, cut, ends, joined, records_of, rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    Read = Callable[..., list[Record]]

AT = int(datetime(2024, 5, 31, 8, 15, tzinfo=UTC).timestamp())
CLAIM = ("mira", "10.8.0.6", "203.0.113.7", AT)
UNKNOWN = ("mira", "10.8.0.6", None, AT)
ASSIGNED = "assigning virtual IP 10.8.0.6 to peer 'mira'"
ESTABLISHED = "IKE_SA ra[1] established between 192.0.2.1[vpn.example.com]...203.0.113.7[mira]"
DELETING = "deleting IKE_SA ra[1] between 192.0.2.1[vpn.example.com]...203.0.113.7[mira]"
OFFLINE = "lease 10.8.0.6 by 'mira' went offline"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a log that was written on 1 June 2024, with clocks in UTC."""
    path = tmp_path / "charon.log"

    def read(*lines: str, **options: object) -> list[Record]:
        path.write_bytes("".join(f"{line}\n" for line in lines).encode())
        os.utime(path, (AT + 57_600, AT + 57_600))
        return records_of(path, "strongswan", **options)

    return read


def charon(*messages: str, thread: str = "05", sa: str = "", second: int = 0, group: str = "IKE") -> list[str]:
    """Lines of syslog."""
    return [f"May 31 08:15:{second:02} gw charon: {thread}[{group}] {f'<{sa}> ' if sa else ''}{message}" for message in messages]


@pytest.mark.parametrize("order", [[ESTABLISHED, ASSIGNED], [ASSIGNED, ESTABLISHED]])
@pytest.mark.parametrize("sa", ["ra|1", ""])
def test_the_outside_address_is_in_the_line_before_or_after(read: Read, order: list[str], sa: str):
    records = read(*charon(*order, sa=sa))
    assert claims(records) == {CLAIM}
    assert [record.session for record in records if record.kind == START] == ["ra[1]"]


@pytest.mark.parametrize(
    "head",
    [
        "May 31 08:15:00 gw charon: 05[IKE] ",
        "<30>May 31 08:15:00 gw charon[77]: 05[IKE1] ",
        "May 31 08:15:00 gw ipsec[77]: 05[IKE] ",
        "2024-05-31T10:15:00.123456+02:00 gw charon-systemd[77]: 05[IKE] ",
        "<30>1 2024-05-31T08:15:00Z gw charon 77 - - 05[IKE] ",
        "May 31 08:15:00 05[IKE] ",
        "2024-05-31 08:15:00 05[IKE] ",
        "2024-05-31 08:15:00.123 05[IKE] ",
        "Fri, 2024-05-31, 08:15:00 05[IKE] ",
        "May 31 08:15:02 relay May 31 08:15:00 gw charon: 05[IKE] ",
    ],
)
def test_heads_in_every_form(read: Read, head: str):
    assert claims(read(f"{head}{ASSIGNED}", f"{head}{ESTABLISHED}")) == {CLAIM}


def test_a_form_of_time_that_the_option_names(read: Read):
    head = "31/05/2024 08.15.00 05[IKE] "
    assert rejected(read(f"{head}{ASSIGNED}", *charon(ESTABLISHED))) == [1]
    assert claims(read(f"{head}{ASSIGNED}", f"{head}{ESTABLISHED}", timestamp_format="%d/%m/%Y %H.%M.%S")) == {CLAIM}


@pytest.mark.parametrize(
    "fields",
    [
        {"time": "2024-05-31 08:15:00", "thread": 5, "group": "IKE", "level": 1, "ikesa-uniqueid": "1", "ikesa-name": "ra"},
        {"__REALTIME_TIMESTAMP": f"{AT}123456", "THREAD": "5", "GROUP": "IKE", "IKE_SA_UNIQUE_ID": "1", "IKE_SA_NAME": "ra"},
    ],
)
def test_json_of_charon_and_of_the_journal(read: Read, fields: dict[str, object]):
    name = "msg" if "time" in fields else "MESSAGE"
    assert claims(read(*(json.dumps({**fields, name: text}) for text in (ASSIGNED, ESTABLISHED)))) == {CLAIM}


def test_lines_that_a_collector_wraps(read: Read):
    lines = charon(ASSIGNED, ESTABLISHED, sa="ra|1")
    assert claims(read(*(json.dumps({"@timestamp": "2024-05-31T08:15:09Z", "message": line}) for line in lines))) == {CLAIM}


@pytest.mark.parametrize("name", ["CN=mira, O=Ex'ample, C=CH", "CORP\\mira", "mira@example.com", "10.1.2.3"])
def test_users_in_every_form(read: Read, name: str):
    assigned, established = ASSIGNED.replace("mira", name), ESTABLISHED.replace("[mira]", f"[{name}]")
    assert claims(read(*charon(assigned, established))) == {(name, "10.8.0.6", "203.0.113.7", AT)}


class TestCertainPartners:
    """Two lines belong together only if they certainly do."""

    established_by_address = ESTABLISHED.replace("[mira]", "[192.168.1.20]")

    def test_the_same_ike_sa_whatever_its_peer_calls_itself(self, read: Read):
        assert claims(read(*charon(ASSIGNED, self.established_by_address, sa="ra|1"))) == {CLAIM}

    def test_another_login_of_the_same_thread_is_none(self, read: Read):
        assert claims(read(*charon(ASSIGNED, self.established_by_address))) == {UNKNOWN}

    def test_the_same_packet_of_the_same_thread(self, read: Read):
        packet = charon("received packet: from 203.0.113.7[4500] to 192.0.2.1[4500] (76 bytes)", group="NET")
        assert claims(read(*packet, *charon(ASSIGNED, self.established_by_address))) == {CLAIM}
        assert claims(read(*packet, *charon(ASSIGNED), *packet, *charon(self.established_by_address))) == {UNKNOWN}

    def test_another_thread_is_none(self, read: Read):
        assert claims(read(*charon(ASSIGNED), *charon(ESTABLISHED, thread="06"))) == {UNKNOWN}

    def test_another_ike_sa_is_none(self, read: Read):
        other = ESTABLISHED.replace("[1]", "[2]")
        assert claims(read(*charon(ASSIGNED, sa="ra|1"), *charon(other, sa="ra|2"))) == {UNKNOWN}

    def test_threads_interleave(self, read: Read):
        other = [
            text.replace("mira", "tom").replace("10.8.0.6", "10.8.0.9").replace("203.0.113.7", "198.51.100.9")
            for text in (ASSIGNED, ESTABLISHED.replace("[1]", "[2]"))
        ]
        lines = [*charon(ASSIGNED), *charon(other[0], thread="06"), *charon(ESTABLISHED), *charon(other[1], thread="06")]
        assert claims(read(*lines)) == {CLAIM, ("tom", "10.8.0.9", "198.51.100.9", AT)}

    def test_two_devices_of_one_user_that_cannot_be_distinguished(self, read: Read):
        other = ASSIGNED.replace("10.8.0.6", "10.8.0.9")
        second = ESTABLISHED.replace("[1]", "[2]").replace("203.0.113.7", "198.51.100.9")
        read_claims = claims(read(*charon(ASSIGNED, other, ESTABLISHED, second)))
        assert read_claims == {UNKNOWN, ("mira", "10.8.0.9", None, AT)}

    def test_a_line_that_is_too_far_away(self, read: Read):
        assert claims(read(*charon(ASSIGNED), *charon(ESTABLISHED, second=50))) == {UNKNOWN}

    def test_both_addresses_of_a_client(self, read: Read):
        second = ASSIGNED.replace("10.8.0.6", "fd00:8::6")
        assert claims(read(*charon(ASSIGNED, second, ESTABLISHED))) == {CLAIM, ("mira", "fd00:8::6", "203.0.113.7", AT)}


def test_an_address_without_a_partner_is_taken_all_the_same(read: Read):
    (record,) = read(*charon(ASSIGNED, sa="ra|1"))
    assert (record.kind, record.reason, record.line, record.session) == (START, "no_address", 1, "ra[1]")


def test_the_end_of_a_lease(read: Read):
    (record,) = read(*charon(OFFLINE, group="CFG"))
    assert (record.kind, record.username, record.ipaddr, record.time) == (END, "mira", "10.8.0.6", AT * 1000)


def test_a_deleted_ike_sa_ends_what_it_holds(read: Read):
    records = read(*charon(ASSIGNED, ESTABLISHED, DELETING, sa="ra|1"))
    assert ends(records) == {("mira", "10.8.0.6", "203.0.113.7", AT)}
    assert [record.session for record in records if record.kind == END] == ["ra[1]"]


def test_a_deleted_ike_sa_from_before_the_log_is_found_by_its_key(read: Read):
    (record,) = read(*charon(DELETING))
    assert (record.kind, record.ipaddr, record.associated_ipaddr, record.session) == (END, None, "203.0.113.7", "ra[1]")


def test_a_client_that_logs_in_again_keeps_its_address(read: Read):
    again = [ASSIGNED, ESTABLISHED.replace("[1]", "[2]")]
    log = [*charon(ASSIGNED, ESTABLISHED, sa="ra|1"), *charon("reassigning online lease to 'mira'", *again, sa="ra|2", second=30)]
    records = read(*log, *charon(DELETING, sa="ra|1", second=31))
    assert ends(records) == set()
    gone = charon(DELETING.replace("[1]", "[2]"), sa="ra|2", second=50)
    assert ends(read(*log, *charon(DELETING, sa="ra|1", second=31), *gone)) == {("mira", "10.8.0.6", "203.0.113.7", AT + 50)}


def test_a_rekeyed_ike_sa_keeps_the_address(read: Read):
    rekeyed = ESTABLISHED.replace("[1]", "[2]").replace("established", "rekeyed")
    records = read(*charon(ASSIGNED, ESTABLISHED, rekeyed, DELETING, sa="ra|1"))
    assert ends(records) == set()


def test_a_start_of_the_daemon_ends_all_sessions(read: Read):
    records = read(*charon("Starting IKE charon daemon (strongSwan 5.9.8, Linux 6.1, x86_64)", thread="00", group="DMN"))
    assert [record.kind for record in records] == [RESTART]


@pytest.mark.parametrize(
    "message",
    [
        "no virtual IP found for %any6 requested by 'mira'",
        "peer requested virtual IP %any",
        "installing new virtual IP 10.8.0.6",
        "EAP method EAP_MSCHAPV2 failed for peer 203.0.113.7",
        "IKE_SA ra[1] state change: CONNECTING => ESTABLISHED",
        "deleting IKE_SA after 300 seconds of CHILD_SA inactivity",
        "CHILD_SA ra{1} established with SPIs c1_i c2_o and TS 0.0.0.0/0 === 10.8.0.6/32",
    ],
)
def test_other_messages(read: Read, message: str):
    records = read(*charon(message, OFFLINE))
    assert (records[0].kind, records[0].reason, records[0].time) == (SKIPPED, "other_message", AT * 1000)


@pytest.mark.parametrize("message", [ASSIGNED, OFFLINE, DELETING, ESTABLISHED])
def test_a_line_that_is_cut_anywhere_is_rejected(read: Read, message: str):
    (line,) = charon(message, sa="ra|1")
    begin = line.index("charon: ") + 8
    lines = list(dict.fromkeys(line[:end].rstrip() for end in range(begin, len(line))))
    records = read(*lines, *charon("peer requested virtual IP %any"))
    assert rejected(records) == list(range(1, len(lines) + 1))
    readable = {record.ipaddr for record in records if record.ipaddr}
    assert readable == ({"10.8.0.6"} if message in (ASSIGNED, OFFLINE) else set())


@pytest.mark.parametrize("head", ["2024-05-31T08:15:00Z gw charon: ", "May 31 08:15:00 gw charon: ", "<30>May  1 08:15:00 gw charon: "])
def test_a_line_that_is_cut_within_its_head_is_rejected(read: Read, head: str):
    lines = list(dict.fromkeys(head[:end].rstrip() for end in range(1, len(head))))
    assert rejected(read(*lines, *charon(OFFLINE))) == list(range(1, len(lines) + 1))


def test_a_log_without_times_is_refused_with_advice(read: Read):
    with pytest.raises(InputError, match="time_format"):
        read(f"05[IKE] {ASSIGNED}", f"05[IKE] {ESTABLISHED}")


def test_a_log_of_something_else_is_refused(read: Read):
    with pytest.raises(InputError, match=r"no line of .* is of charon"):
        read("May 31 08:15:00 gw sshd[1]: Accepted password for mira")


@pytest.mark.parametrize("sa", ["ra|1", ""])
def test_a_damaged_line_never_gives_another_address_user_or_time(read: Read, sa: str):
    assigned, established = charon(ASSIGNED.replace("10.8.0.6", "10.8.0.61"), ESTABLISHED, sa=sa)
    outside = "198.51.100.9"
    other = [
        text.replace("mira", "tom").replace("10.8.0.6", "10.8.0.9").replace("203.0.113.7", outside) for text in (ASSIGNED, ESTABLISHED)
    ]
    others = charon(other[0], other[1].replace("[1]", "[2]"), thread="06", sa=sa and "ra|2", second=9)
    truth = {("mira", "10.8.0.61", "203.0.113.7", AT), ("tom", "10.8.0.9", outside, AT + 9)}
    truth |= {(user, inside, None, time) for user, inside, _outside, time in truth}
    for first, second in [
        *((damaged, established) for damaged in [*cut(assigned), *joined(assigned, others[0]), *joined(assigned, others[1])]),
        *((assigned, damaged) for damaged in [*cut(established), *joined(established, others[1]), *joined(established, others[0])]),
    ]:
        records = read(first, second, *others)
        assert claims(records) <= truth, (first, second)
        assert {record.line for record in records} >= {number for number, line in enumerate((first, second), start=1) if line.strip()}


def test_the_last_message_of_a_session_is_no_cut_line(read: Read):
    records = read(*charon(ESTABLISHED, ASSIGNED, DELETING, "IKE_SA deleted", sa="ra|1"))
    assert [record.kind for record in records] == [SKIPPED, START, END, SKIPPED]


@pytest.mark.parametrize("host", ["gw1", "gw2.example.com"])
def test_the_gateway_in_heads_of_rfc_5424_and_in_the_journal(read: Read, host: str):
    head = f"<30>1 2024-05-31T08:15:00.777042Z {host} charon 18610 - - 14[IKE] <ra|1>"
    assert {record.device for record in read(f"{head} {ESTABLISHED}", f"{head} {ASSIGNED}")} == {host}
    journal = {"__REALTIME_TIMESTAMP": f"{AT}000000", "_HOSTNAME": host, "IKE_SA_UNIQUE_ID": "1", "IKE_SA_NAME": "ra"}
    lines = [json.dumps({**journal, "MESSAGE": message}) for message in (ESTABLISHED, ASSIGNED)]
    assert {(record.device, record.time) for record in read(*lines)} == {(host, AT * 1000)}
