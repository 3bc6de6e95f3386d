# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateway wrote a syslog line."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.syslog import device_in


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
