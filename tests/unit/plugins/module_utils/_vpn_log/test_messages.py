# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages on one line, and names that look like what is between two of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from support.damaged_logs import LOGS, MODIFIED
from support.mutants import records_of

if TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import Record

    from support.damaged_logs import RightLog

MESSAGES = ("cisco_asa", "fortigate", "globalprotect", "openvpn_log", "strongswan", "nps")


def read(path: Path, log: RightLog, lines: list[str]) -> list[Record]:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    os.utime(path, (MODIFIED, MODIFIED))
    return records_of(path, log.format, **log.options)


@pytest.mark.parametrize("log", [log for log in LOGS if log.format in MESSAGES], ids=lambda log: log.name)
@pytest.mark.parametrize("domain", ["CORP\\n", "CORP\\r", "CORP\\0"])
def test_a_domain_before_a_name_is_not_a_line_end(tmp_path: Path, log: RightLog, domain: str):
    """`CORP\\nick` contains what collectors write for a line end."""
    escaped = domain.replace("\\", "\\\\") if "cef" in log.name else domain
    users = {fact.user for fact in log.facts if fact.user}
    lines = log.lines
    for user in users:
        lines = [line.replace(user, f"{escaped}{user}") for line in lines]
    whole, changed = read(tmp_path / "log", log, log.lines), read(tmp_path / "log", log, lines)
    expected = [(one.kind, f"{domain}{one.username}" if one.username else "", one.ipaddr, one.time) for one in whole]
    assert [(one.kind, one.username, one.ipaddr, one.time) for one in changed] == expected
