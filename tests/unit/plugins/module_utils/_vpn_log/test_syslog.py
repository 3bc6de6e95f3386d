# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway and the program of a syslog line."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.syslog import count_program, device_in, joined_counts


@pytest.mark.parametrize(
    ("head", "device"),
    [
        ("", ""),
        ("May  1 10:00:00 fw1 : ", "fw1"),
        ("May  1 10:00:00 FW1.corp.example: ", "fw1.corp.example"),
        ("<166>May 01 2024 10:00:00 east : ", "east"),
        ("<166>May 01 2024 10:00:00: ", ""),
        ("<166>1 2024-05-01T10:00:00Z fw-2 - - - ", "fw-2"),
        ("2024-05-01T10:00:00+02:00 10.0.0.1 ", "10.0.0.1"),
        ("May  1 10:00:00 10.0.0.1 May 01 2024 10:00:00 UTC: ", "10.0.0.1"),
        ("May  1 10:00:00 relay May 01 2024 10:00:00 fw2 : ", "fw2"),
        ("2024-05-01 10:00:00\tLocal4.Info\t10.0.0.1\tMay 01 2024 10:00:00: ", "10.0.0.1"),
        ("2001:db8::1 May 01 2024 10:00:00 : ", "2001:db8::1"),
        ("<166>:May 01 10:00:00.123 EDT: ", ""),
        ("May 01 10:00:00 CEST: ", ""),
    ],
)
def test_the_last_word_that_is_no_part_of_a_time(head: str, device: str):
    assert device_in(head) == device


@pytest.mark.parametrize(
    ("line", "program"),
    [
        ("Oct 14 08:00:00 web nginx[1]: GET /", "nginx"),
        ("<38>Oct 14 08:00:00 web sshd[4711]: Accepted", "sshd"),
        ("<29>1 2024-10-14T08:00:00Z db postgres 3 - - checkpoint", "postgres"),
        ("2024-10-14T08:00:00.123+02:00 db CRON[9]: run", "CRON"),
        ("2024-10-14 08:00:00\tDaemon.Info\t10.0.0.1\tnamed[2]: zone", "named"),
        ("<13>1 2024-10-14T08:00:00Z db - - - - text", "(none)"),
        ("a line of its own", "(none)"),
    ],
)
def test_lines_of_other_programs_are_counted_by_program(line: str, program: str):
    counts: dict[str, int] = {}
    count_program(counts, line)
    assert counts == {program: 1}


def test_counts_of_several_logs_are_added_and_the_most_frequent_are_shown():
    many = {f"p{number:02}": 1 for number in range(30)}
    shown = joined_counts([{"sshd": 2}, {"sshd": 3, "cron": 4}, many])
    assert list(shown.items())[:3] == [("sshd", 5), ("cron", 4), ("p00", 1)]
    assert len(shown) == 20
