# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status files of OpenVPN: clients, routes and snapshots that are cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.log_reading import read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Written = Callable[..., Path]


def test_only_the_rows_of_a_snapshot_that_was_cut_off_are_rejected(written: Written):
    snapshot = (
        "OpenVPN CLIENT LIST\nUpdated,2024-01-01 12:00:00\n"
        "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since\n"
        "ann,203.0.113.7:1194,1,2,2024-01-01 10:00:00\nbob,203.0.113.8:1194,1,2,2024-01-01 11:00:00\n"
        "ROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n10.8.0.3,ann,203.0.113.7:1194,2024-01-01 11:59:00\n"
    )
    read = read_log(written(snapshot + snapshot + "GLOBAL STATS\nEND\n"), "openvpn_status")
    assert [(row.line, row.username) for row in read.observations] == [(4, "ann"), (12, "ann")]
    assert [row.line for row in read.rejected] == [5]
    assert read.skipped[13] == "no_address"


def test_clients_of_version_1_are_distinguished_by_name_and_port(written: Written):
    log = (
        "Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since\n"
        "Doe, Ann,203.0.113.7:1111,1,2,2024-01-01 10:00:00\nDoe, Ann,203.0.113.7:2222,1,2,Mon Jan  1 11:00:00 2024\n"
        "ROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n"
        "10.8.0.4,Doe, Ann,203.0.113.7:2222,2024-01-01 11:59:00\n10.8.0.3,Doe, Ann,203.0.113.7:1111,2024-01-01 11:59:00\nEND\n"
    )
    assert read_log(written(log), "openvpn_status").as_sessions() == [
        [2, "Doe, Ann", "10.8.0.3", "203.0.113.7", 1704103200, None],
        [3, "Doe, Ann", "10.8.0.4", "203.0.113.7", 1704106800, None],
    ]


def test_a_client_before_any_header_is_rejected(written: Written):
    read = read_log(written("CLIENT_LIST,ann,203.0.113.7:1194,10.8.0.3,1,2,2024-01-01 10:00:00\n"), "openvpn_status")
    assert "HEADER" in read.rejected[0].reason


def test_the_number_of_seconds_is_preferred_to_the_text(written: Written):
    log = (
        "HEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Connected Since,Connected Since (time_t)\n"
        "CLIENT_LIST,ann,203.0.113.7:1194,10.8.0.3,2024-01-01 10:00:00,1615737005\n"
    )
    assert read_log(written(log), "openvpn_status").observations[0].start == 1_615_737_005_000


def test_a_server_without_clients_has_a_sound_status_file(written: Written):
    read = read_log(
        written("TITLE,OpenVPN\nHEADER,CLIENT_LIST,Common Name,Real Address,Virtual Address,Connected Since\nEND\n"), "openvpn_status"
    )
    assert read.reasons == ["other_message"] * 3
