# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event logs of FortiGate: fields, forms, times and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import END, Record

from support.log_reading import opened, read_log
from support.mutants import records_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]


UP = (
    'date=2023-05-21 time=09:02:25 eventtime=1684630945473809731 tz="+0800" logid="0101039947" type="event" subtype="vpn" '
    'action="tunnel-up" tunneltype="ssl-tunnel" remip=203.0.113.7 tunnelip=10.8.0.3 user="ann" group="staff" msg="SSL tunnel established"\n'
)
DOWN = UP.replace("tunnel-up", "tunnel-down").replace("eventtime=1684630945473809731 ", "").replace("09:02:25", "10:02:25 duration=3600")


@pytest.mark.parametrize(
    ("old", "new", "milliseconds"),
    [
        ("", "", 1_684_630_945_473),
        ("eventtime=1684630945473809731", "eventtime=1684630945", 1_684_630_945_000),
        ("eventtime=1684630945473809731", "eventtime=1684630945473", 1_684_630_945_473),
        ("eventtime=1684630945473809731 ", "", 1_684_630_945_000),
        ('eventtime=1684630945473809731 tz="+0800" ', "", 1_684_659_745_000),
        ("date=2023-05-21 time=09:02:25 ", 'time=09:02:25 devname="F" ', 1_684_630_945_473),
    ],
)
def test_the_time_of_an_event(written: Written, old: str, new: str, milliseconds: int):
    (session,) = read_log(written(UP.replace(old, new)), "fortigate").observations
    assert session.time == milliseconds


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("tunnelip=10.8.0.3", "tunnelip=(null)", "no_address"),
        (" tunnelip=10.8.0.3", "", "no_address"),
        ("203.0.113.7", "0.0.0.0", "no_address"),
        ("tunnel-up", "ssl-login-fail", "failed_login"),
        ('action="tunnel-up"', 'action="edit" cfgpath="x" cfgobj="action=tunnel-up"', "other_message"),
    ],
)
def test_events_that_begin_no_session(written: Written, old: str, new: str, reason: str):
    assert read_log(written(UP.replace(old, new) + DOWN), "fortigate").skipped[1] == reason


@pytest.mark.parametrize(
    ("action", "kind", "ipaddr"),
    [("ssl-login-fail", "start", "10.8.0.3"), ("tunnel-moved", "skipped", "10.8.0.3"), ("install_sa", "skipped", None)],
)
def test_other_events_with_a_vpn_address_are_about_this_address(written: Written, action: str, kind: str, ipaddr: str | None):
    record = records_of(written(UP.replace("tunnel-up", action) + DOWN), "fortigate")[0]
    assert (record.kind, record.ipaddr) == (kind, ipaddr)
    assert record.reason in ("failed_login", "other_message")


@pytest.mark.parametrize(
    "fields",
    [
        "cat=utm:webfilter FTNTFGTsubtype=webfilter FTNTFGTeventtime=1684630945 duser=ann cat=News act=blocked duser=ann2",
        "cat=traffic:forward FTNTFGTsubtype=forward FTNTFGTeventtime=1684630945 app=HTTP app=Web.Client",
        "cat=event:system FTNTFGTsubtype=system FTNTFGTeventtime=1684630945 duser=admin msg=changed",
    ],
)
def test_events_in_cef_about_something_else_are_never_rejected(written: Written, fields: str):
    """Two fields of an event can have the same name in CEF."""
    records = records_of(written(f"CEF:0|Fortinet|Fortigate|v6|13056|x|4|deviceExternalId=FG1 {fields}\n{UP}"), "fortigate")
    assert [(one.kind, one.reason) for one in records] == [("skipped", "other_message"), ("start", None)]
    assert records[0].time == 1_684_630_945_000


def test_fields_of_old_versions(written: Written):
    old = UP.replace("remip=", "rem_ip=").replace("tunnelip=", "tunnel_ip=")
    assert [(one.ipaddr, one.associated_ipaddr) for one in read_log(written(old), "fortigate").observations] == [
        ("10.8.0.3", "203.0.113.7")
    ]


def test_an_unknown_event_has_its_address_and_is_listed(written: Written):
    with opened(written(UP.replace("tunnel-up", "tunnel-moved")), "fortigate") as (_source, reader):
        (record,) = [record for block in reader.records() for record in block.records()]
    assert (record.kind, record.reason, record.username, record.ipaddr) == ("skipped", "other_message", "ann", "10.8.0.3")
    assert reader.unknown_messages == {"tunnel-moved": 1}


@pytest.mark.parametrize("between", ["<189>", "#000", "#012<189>"])
def test_two_messages_on_a_line(written: Written, between: str):
    two = UP.strip() + between + UP.replace("10.8.0.3", "10.8.0.4").replace('"ann"', '"bob"')
    sessions = read_log(written(two), "fortigate").observations
    assert [(one.username, one.ipaddr) for one in sessions] == [("ann", "10.8.0.3"), ("bob", "10.8.0.4")]


def test_what_a_user_is_called_cannot_pass_for_a_field(written: Written):
    log = UP.replace('user="ann"', r'user="x remip=6.6.6.6 \" tunnelip=6.6.6.6"')
    (session,) = read_log(written(log), "fortigate").observations
    assert (session.ipaddr, session.associated_ipaddr) == ("10.8.0.3", "203.0.113.7")


def test_an_ipsec_dial_up_has_its_address_elsewhere(written: Written):
    log = UP.replace("tunnelip=10.8.0.3", 'tunnelip=N/A assignip=10.8.0.3 xauthuser="ann"').replace(' user="ann"', ' user="203.0.113.7"')
    assert read_log(written(log), "fortigate").as_sessions()[0][:4] == [1, "ann", "10.8.0.3", "203.0.113.7"]


@pytest.mark.parametrize(
    ("down", "start"),
    [(DOWN, 1_684_630_945_000), (DOWN.replace(" duration=3600", ""), None)],
)
def test_tunnel_down_ends_a_session(written: Written, down: str, start: int | None):
    (end,) = records_of(written(down), "fortigate")
    assert end == Record(1, END, "session_end", "ann", "10.8.0.3", "203.0.113.7", 1_684_634_545_000, start)
