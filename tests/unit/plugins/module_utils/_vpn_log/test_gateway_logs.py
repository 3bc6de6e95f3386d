# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For each format, a log of a few hundred rows: every line of it is accounted for, whatever way it is read."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import EmptyLogError, InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogStart

from support.gateway_logs import FIXTURES, MAKERS, WrittenLog
from support.gateway_world import LOG_END
from support.log_reading import LogRead, opened, read_log

if TYPE_CHECKING:
    from collections.abc import Callable

    Written = Callable[..., Path]

ZONE = {"timezone": "Europe/Berlin"}


@pytest.fixture(params=sorted(MAKERS), scope="module")
def made(request: pytest.FixtureRequest) -> tuple[str, str, WrittenLog]:
    """The name of a log, its format, and what is in it."""
    log_format, make = MAKERS[request.param]
    return request.param, log_format, make()


@pytest.fixture
def log_at(written: Written) -> Callable[[bytes], Path]:
    """Writes a log that was last written to at the end of the story in it."""

    def write(text: bytes) -> Path:
        path = written(text)
        os.utime(path, (LOG_END, LOG_END))
        return path

    return write


def test_every_format_has_a_log_or_lines_of_its_own():
    with_lines = {name for name in READERS if (Path(__file__).parent / "formats" / f"test_{name}.py").exists()}
    assert {log_format for log_format, _make in MAKERS.values()} | with_lines == set(READERS) - {"csv"}


def test_the_kept_log_is_the_one_that_is_made(made: tuple[str, str, WrittenLog]):
    name, _format, log = made
    assert (FIXTURES / f"{name}.log").read_bytes().decode() == log.text
    assert log.lines > 200


@pytest.mark.parametrize("wants_usernames", [True, False])
def test_every_line_is_accounted_for(made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path], wants_usernames: bool):
    name, log_format, log = made
    read = read_log(log_at((FIXTURES / f"{name}.log").read_bytes()), log_format, wants_usernames=wants_usernames, **ZONE)
    assert read.as_observations() == sorted(log.observations)
    assert read.skipped == log.skipped
    assert sorted(row.line for row in read.rejected) == sorted(log.rejected)
    counted = {row.line for row in read.observations} | set(read.skipped) | {row.line for row in read.rejected} | set(log.no_rows)
    assert counted == set(range(1, log.lines + 1))
    assert read.rows == len(read.observations) + read.skipped_rows + len(read.rejected)


def test_every_session_has_its_user_and_the_end_that_its_row_has(made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path]):
    """Ends in rows of their own are brought together with the sessions elsewhere."""
    _name, log_format, log = made
    read = read_log(log_at(log.text.encode()), log_format, **ZONE).as_sessions()
    for session in log.sessions:
        assert [*session[:5], session[5] if log_format == "openvpn_as" else None] in read


@pytest.mark.parametrize("wants_usernames", [True, False])
def test_a_second_pass_reads_the_same(made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path], wants_usernames: bool):
    _name, log_format, log = made
    with opened(log_at(log.text.encode()), log_format, wants_usernames=wants_usernames, **ZONE) as (_log_file, reader):
        assert LogRead().add(reader.records()) == LogRead().add(reader.records())


@pytest.mark.parametrize("wants_usernames", [True, False])
def test_the_size_of_the_parts_that_are_read_makes_no_difference(
    made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch, wants_usernames: bool
):
    _name, log_format, log = made
    path = log_at(log.text.encode())
    whole = read_log(path, log_format, wants_usernames=wants_usernames, **ZONE)
    monkeypatch.setattr(_source, "BLOCK_BYTES", 301)
    assert read_log(path, log_format, wants_usernames=wants_usernames, **ZONE) == whole


def test_windows_line_breaks_and_compression_make_no_difference(made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path]):
    _name, log_format, log = made
    whole = read_log(log_at(log.text.encode()), log_format, **ZONE)
    read = read_log(log_at(gzip.compress(log.text.replace("\n", "\r\n").encode())), log_format, **ZONE)
    assert read.as_sessions() == whole.as_sessions()
    assert read.skipped == whole.skipped
    assert [row.line for row in read.rejected] == [row.line for row in whole.rejected]


def test_reading_can_continue_after_every_block(
    made: tuple[str, str, WrittenLog], log_at: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
):
    """Several runs over a growing log upload the same as one run."""
    _name, log_format, log = made
    path = log_at(log.text.encode())
    whole = read_log(path, log_format, wants_usernames=False, **ZONE)
    monkeypatch.setattr(_source, "BLOCK_BYTES", 9000)
    with opened(path, log_format, wants_usernames=False, **ZONE) as (log_file, reader):
        if reader.repeated_lines is None:
            assert log_format == "openvpn_status", "only its snapshots have to be read from the start"
            return
        places = []
        before = LogRead()
        for block in reader.records():
            before.add([block])
            if log_file.offset < log_file.size and log_file.position():
                places.append((LogStart(log_file.offset, log_file.line, reader.repeated_lines), len(before.observations), before.rows))
        assert len(places) > 1 or log_format == "openvpn_as", "rows over several lines are read ahead"
        for start, sessions_before, rows_before in places:
            log_file.start_at(start)
            after = LogRead().add(reader.records())
            assert after.observations == whole.observations[sessions_before:]
            assert after.rows == whole.rows - rows_before


@pytest.mark.parametrize("log_format", sorted(set(READERS) - {"csv"}))
def test_an_empty_file_is_said_to_be_one(written: Written, log_format: str):
    with pytest.raises(EmptyLogError):
        read_log(written(""), log_format)


@pytest.mark.parametrize("log_format", sorted(set(READERS) - {"csv"}))
def test_a_file_of_another_format_is_an_error(written: Written, log_format: str):
    with pytest.raises(InputError, match=r"gateway\.log.*Check `path` and `format`"):
        read_log(written("Dear all,\nthis is a letter, not a log.\n"), log_format)
