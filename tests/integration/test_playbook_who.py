# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook secops.xdr.who, run as people run it: one line of answer, the evidence below it, plain errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Playground, PlayRun

PLAYBOOK = Path(__file__).resolve().parents[2] / "playbooks" / "who.yml"
LOG = """Username,Real IP,VPN IP,Start Time
jsmith,198.51.100.8,10.8.0.7,05/31/24 08:00:00
broken,,10.8.0.8,05/31/24 08:30:00
other,198.51.100.9,10.8.0.9,05/31/24 09:00:00
"""


@pytest.fixture
def folder(playground: Playground) -> Path:
    """The folder in which the command is run; it contains a log."""
    (playground.folder / "vpn.csv").write_text(LOG, encoding="utf-8")
    return playground.folder


def run(playground: Playground, *arguments: str, **variables: Any) -> PlayRun:
    playground.environment["SECOPS_XDR_HISTORY"] = str(playground.folder / "sessions.sqlite3")
    return playground.playbook("secops.xdr.who", *arguments, **variables)


@pytest.mark.parametrize(
    ("ip", "at", "line", "evidence"),
    [
        (
            "10.8.0.7",
            "2024-05-31T08:15:00Z",
            "10.8.0.7 at 2024-05-31T08:15:00Z: jsmith, from 198.51.100.8, since 2024-05-31T08:00:00Z",
            "session: jsmith from 198.51.100.8",
        ),
        ("10.8.0.7", 1717143300, "10.8.0.7 at 2024-05-31T08:15:00Z: jsmith, from", "line 2"),
        ("10.8.0.8", "2024-05-31T08:45:00Z", "10.8.0.8 at 2024-05-31T08:45:00Z: nobody can be named (doubtful)", "against it: line 3"),
        ("10.8.0.7", "2h", ": nobody can be named (after_log_end): the log ends before this time", "what would settle it: Run again"),
    ],
)
def test_the_answer_is_one_line_with_the_evidence_below(
    playground: Playground, folder: Path, ip: str, at: Any, line: str, evidence: str
) -> None:
    done = run(playground, ip=ip, at=at, vpn_log="vpn.csv", vpn_timezone="UTC", vpn_gateways=None)
    assert done.status == 0, done.output
    assert "WARNING" not in done.output
    assert "changed=0" in done.output
    assert line in done.lines[0]
    assert any(evidence in below for below in done.lines[1:])
    assert (folder / "vpn.csv").read_text(encoding="utf-8") == LOG


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"at": "2h"}, "ip: the VPN address is missing; set it, such as -e ip=10.8.2.6."),
        ({"ip": "10.8.0", "at": "2h"}, "ip: '10.8.0' is not an IP address"),
        ({"ip": "10.8.0.7", "at": "noon"}, "at: "),
        ({"ip": "10.8.0.7", "at": "2h", "vpn_log": ["a"]}, "vpn_log: a list was given; a single text is needed."),
        ({"ip": "10.8.0.7", "at": "2h", "vpn_log": "a", "vpn_history": "b"}, "vpn_log and vpn_history exclude each other"),
        ({"ip": "10.8.0.7", "at": "2h"}, "there is no session history in"),
    ],
)
def test_what_is_wrong_is_said_in_one_message(playground: Playground, variables: dict[str, Any], message: str) -> None:
    done = run(playground, **variables)
    assert done.status != 0
    assert message in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("playbook", ["who", "event_insert"])
def test_a_value_that_was_cut_at_a_space_stops_the_playbook(playground: Playground, playbook: str) -> None:
    done = playground.playbook(f"secops.xdr.{playbook}", "-e", "at=2024-05-31 08:15:00", ip="10.8.0.7", finding_name="a", finding_id="b")
    assert done.status != 0
    assert "Ansible splits -e name=value at spaces, and left out '08:15:00'. Nothing was read or sent." in done.output


def test_the_head_of_the_playbook_describes_the_variables_that_it_has() -> None:
    head, _line, tasks = PLAYBOOK.read_text(encoding="utf-8").partition("\n- name:")
    described = set(re.findall(r"^#   (vpn_\w+) +\S", head, re.MULTILINE))
    assert described == set(re.findall(r"^ +(vpn_\w+): \{", tasks, re.MULTILINE))
