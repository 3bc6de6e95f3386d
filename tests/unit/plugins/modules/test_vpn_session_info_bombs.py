# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs made to use up the memory or time of the host: the module ends soon, with little memory, and names the position."""

from __future__ import annotations

import gzip
import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from support.module_process import ModuleProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.module_runs import ModuleRun

HEADER = b"Real IP,VPN IP,Start Time\n"
GOOD = b"203.0.113.5,10.8.0.2,01/05/24 10:00:00\n"
COLUMNS = 10_000
MOST_MEGABYTES = 320
"""Of address space: what Python, Ansible and requests take, and as much again."""


def one_long_line(path: Path) -> None:
    path.write_bytes(HEADER + GOOD + b"x" * 100_000_000 + b"\n" + GOOD)


def zeros(path: Path) -> None:
    """A file whose middle was never written, as a crash leaves it."""
    path.write_bytes(HEADER + GOOD)
    with path.open("r+b") as file:
        file.truncate(100_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + GOOD)


def an_open_quote(path: Path) -> None:
    path.write_bytes(HEADER + GOOD + b'"' + GOOD * 200_000)


def a_quote_in_each_line(path: Path) -> None:
    path.write_bytes(HEADER + GOOD + b'",b","\n' * 30_000 + GOOD)


def ten_thousand_columns(path: Path) -> None:
    names = b",".join(b"c%d" % number for number in range(COLUMNS))
    row = b"," * COLUMNS + GOOD
    path.write_bytes(names + b"," + HEADER + row + b"short\n" + row * 500)


def a_gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        file.write(HEADER + GOOD)
        for _time in range(80):
            file.write(b"\n" * 1_000_000)


def nothing_but_line_breaks(path: Path) -> None:
    path.write_bytes(HEADER + GOOD + b"\n" * 5_000_000 + b"short\n")


BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "one long line": (one_long_line, "line 3: the line is longer than 262144 bytes"),
    "zeros": (zeros, "line 3: the line is longer than 262144 bytes"),
    "an open quote": (an_open_quote, "line 3: a quote is opened and not closed"),
    "a quote in each line": (a_quote_in_each_line, "line 3: a quote is opened and not closed"),
    "ten thousand columns": (ten_thousand_columns, "line 3: short row: 1 of 10003 columns"),
    "a gzip bomb": (a_gzip_bomb, "expands to more than 400 times its size"),
    "nothing but line breaks": (nothing_but_line_breaks, "line 5000003: short row: 1 of 3 columns"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(tmp_path: Path, name: str):
    make, message = BOMBS[name]
    path = tmp_path / "bomb.csv"
    make(path)
    run = _read(path, on_invalid="fail")
    assert message in run.msg
    assert str(path) in run.msg


@pytest.mark.parametrize("name", [name for name in BOMBS if name != "a gzip bomb"])
def test_bombs_among_good_rows(tmp_path: Path, name: str):
    """With on_invalid: skip, the good rows are used and the others are counted."""
    path = tmp_path / "bomb.csv"
    BOMBS[name][0](path)
    run = _read(path, on_invalid="skip", limit=5)
    counts = run["counts"]
    assert counts["sessions"] >= 1
    assert counts["rejected"] >= 1
    assert counts["read"] == counts["sessions"] + counts["rejected"] + sum(counts["skipped"].values())


@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, kind: str):
    path = tmp_path / "vpn.log"
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "socket":
            server.bind(str(path))
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            path.mkdir()
        run = _read(path)
    assert run.msg.startswith(f"path: {path} ")
    assert "is not a regular file" in run.msg or "cannot be opened" in run.msg or "is a folder" in run.msg


def _read(path: Path, **options: Any) -> ModuleRun:
    """The result of the module; one that hangs, or takes too much memory, fails the test."""
    params = {"path": str(path), "timezone": "UTC", **options}
    return ModuleProcess("vpn_session_info", params, most_megabytes=MOST_MEGABYTES).result()
