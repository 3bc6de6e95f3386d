# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports of OpenVPN Access Server: columns, times and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogStart

from support.log_reading import began, opened, read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]


AS_HEADER = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip,Proto,Port,Bytes Total,Error\n"


def test_columns_of_an_export_are_found_by_their_names(written: Written):
    log = "Vpn Ip,start_time,Real Ip,USERNAME,New Column\n10.8.0.3,2022.05.02 07:50:50 EDT,203.0.113.7:1194,ann,x\n"
    read = read_log(written(log), "openvpn_as", timezone="Europe/Berlin")
    assert read.as_sessions() == [[2, "ann", "10.8.0.3", "203.0.113.7", 1651492250, None]]


AS_ROW = "n,ann,2022.05.02 07:50:50 UTC,,VPN,0,1,203.0.113.7,10.8.0.3,UDP,1194,9,\n"
AS_START = 1651477850


@pytest.mark.parametrize(("zone", "hours"), [("+03", 3), ("-03", -3), ("+0530", 5.5), ("-02:30", -2.5), ("UTC", 0)])
def test_zones_that_have_an_offset_for_a_name(written: Written, zone: str, hours: float):
    """Of America/Sao_Paulo, for example."""
    (session,) = read_log(written(AS_HEADER + AS_ROW.replace("UTC", zone)), "openvpn_as").observations
    assert began(session) // 1000 == AS_START - hours * 3600


@pytest.mark.parametrize(
    "above", ["", "sep=,\n", "#TYPE Selected.System.Object\n", "\n", "sep=,\n# of Monday\n", "\ufeffsep=;\n"], ids=repr
)
def test_lines_above_the_header_of_an_export(written: Written, above: str):
    delimiter = ";" if ";" in above else ","
    log = above + (AS_HEADER + AS_ROW * 2).replace(",", delimiter)
    with opened(written(log), "openvpn_as") as (log_file, reader):
        whole = [record.ipaddr for block in reader.records() for record in block.records()]
        end = len(log.encode()) - len(AS_ROW)
        log_file.start_at(LogStart(end, log.count("\n") - 1, reader.repeated_lines))
        last = [record.ipaddr for block in reader.records() for record in block.records()]
    assert (whole, last) == (["10.8.0.3"] * 2, ["10.8.0.3"])


def test_a_row_without_a_readable_time_has_its_address(written: Written):
    (row,) = read_log(written(AS_HEADER + AS_ROW.replace("UTC", "QQT")), "openvpn_as").rejected
    assert (row.username, row.ipaddr) == ("ann", "10.8.0.3")


def test_an_export_without_a_needed_column_is_none(written: Written):
    with pytest.raises(InputError, match=r"no column 'Vpn Ip', only 'Node', 'Real Ip'"):
        read_log(written("Node,Real Ip,Start Time,Username\n"), "openvpn_as")


@pytest.mark.parametrize(
    ("row", "seconds"),
    [
        ("n,ann,2022.05.02 07:50:50 UTC,17172,VPN,0,1,203.0.113.7,10.8.0.3,UDP,1194,9,", 17172),
        ("n,ann,2022.05.02 07:50:50 UTC,7812.5,VPN,0,1,203.0.113.7,10.8.0.3,UDP,1194,9,", 7812),
        ("n,ann,2022.05.02 07:50:50 UTC,0,VPN,0,1,203.0.113.7,10.8.0.3,UDP,1194,9,", 0),
        ("n,ann,2022.05.02 07:50:50 UTC,,VPN,0,1,203.0.113.7,10.8.0.3,UDP,1194,9,", None),
        ("n,ann,2022.05.02 07:50:50 UTC,60,VPN,1,1,203.0.113.7,10.8.0.3,UDP,1194,9,", None),
    ],
)
def test_the_end_is_the_start_and_the_duration(written: Written, row: str, seconds: int | None):
    (session,) = read_log(written(AS_HEADER + row + "\n"), "openvpn_as").observations
    assert session.end == (None if seconds is None else began(session) + seconds * 1000)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("n,ann,2022.05.02 07:50:50 UTC,,VPN,0,0,203.0.113.7,,UDP,1194,,user not found", "failed_login"),
        ("n,ann,2022.05.02 07:50:50 UTC,,VPN,0,0,203.0.113.7,,UDP,1194,,", "failed_login"),
        ("n,ann,2022.05.02 07:50:50 UTC,5,WEB_CLIENT,0,1,203.0.113.7,,TCP,443,,", "other_service"),
        ("n,ann,2022.05.02 07:50:50 UTC,5,XML_API,0,1,203.0.113.7,10.8.0.3,TCP,443,,", "other_service"),
        ("n,ann,2022.05.02 07:50:50 UTC,5,VPN,0,1,203.0.113.7,,TCP,443,,", "no_address"),
        ("n,ann,2022.05.02 07:50:50 UTC,5,VPN,0,1,,10.8.0.3,TCP,443,,", "no_address"),
    ],
)
def test_rows_that_are_no_sessions(written: Written, row: str, reason: str):
    assert read_log(written(AS_HEADER + row + "\n"), "openvpn_as").reasons == [reason]


@pytest.mark.parametrize("service", ["WEB_CLIENT", "VPN2", "?"])
def test_another_service_with_a_vpn_address_takes_it(written: Written, service: str):
    """Nobody is named from such a row, but the user before it no longer holds the address."""
    with opened(written(AS_HEADER + AS_ROW.replace("VPN", service)), "openvpn_as") as (_file, reader):
        (row,) = (record for block in reader.records() for record in block.records())
    assert (row.kind, row.reason, row.ipaddr, row.time) == ("start", "other_service", "10.8.0.3", AS_START * 1000)
