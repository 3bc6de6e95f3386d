# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines made to keep a reader busy, to fill its memory or to confuse it, found by fuzzing or by hand."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import content as _content
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.formats import openvpn_status as _openvpn_status
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.source import LogStart

from support.log_reading import LogRead, opened, read_log

HEADER = "Real IP,VPN IP,Start Time"
GOOD = "203.0.113.5,10.8.0.2,01/05/24 10:00:00"
LENGTH = 100_000
SECONDS = 3
STATUS_1 = "OpenVPN CLIENT LIST\nCommon Name,Real Address,Bytes Received,Bytes Sent,Connected Since\n"
ROUTES = "ROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n"
AS_HEADER = "Node,Username,Start Time,Duration,Service,Active,Auth,Real Ip,Vpn Ip"


def repeated(text: str) -> str:
    return (text * (LENGTH // len(text) + 1))[:LENGTH]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "any.log"


@pytest.mark.parametrize("wants_usernames", [True, False])
@pytest.mark.parametrize(
    ("log_format", "text"),
    [
        ("fortigate", 'action="tunnel-up" ' + repeated("a")),
        ("fortigate", 'action="tunnel-up" ' + repeated('a="\\"')),
        ("fortigate", 'action="tunnel-up" ' + repeated('a="')),
        ("fortigate", 'action="tunnel-up" a="' + repeated("\\")),
        ("cisco_asa", "%ASA-4-722051: " + repeated("Group <> User <> IP <")),
        ("cisco_asa", "%ASA-4-113019: " + repeated("Username = , IP = ")),
        ("cisco_asa", repeated("%ASA-a")),
        ("cisco_asa", repeated("Group <")),
        ("cisco_asa", repeated("Local:")),
        ("openvpn_log", repeated("a/1.2.3.4,")),
        ("strongswan", repeated("<a|1> ")),
        ("globalprotect", repeated("<1>2024-01-01 {")),
        ("fortigate", repeated("<1>Jan  1 {}")),
        ("nps", repeated("<Event>")),
        ("radius_detail", repeated("a b ")),
        ("wireguard", repeated("(none)\t")),
        ("openvpn_status", STATUS_1 + repeated("a,")),
        ("openvpn_as", f"{AS_HEADER}\nn,u,{repeated('A b ')},1,VPN,0,1,203.0.113.5,10.8.0.2"),
        ("globalprotect", repeated("GLOBALPROTECT,")),
        ("csv", f"{HEADER}\n203.0.113.5,10.8.0.2,{repeated('UTC ')}"),
        ("csv", f"{HEADER}\n{repeated(':')},10.8.0.2,x"),
        ("csv", f"{HEADER}\n" + repeated('",b","\n')),
        ("csv", f"{HEADER}\n" + repeated('x,"\n')),
    ],
)
def test_no_line_keeps_a_reader_busy(path: Path, log_format: str, text: str, wants_usernames: bool):
    """A hundred thousand characters, which take milliseconds where they are harmless."""
    path.write_text(text, encoding="utf-8")
    began = time.process_time()
    with contextlib.suppress(InputError):
        read_log(path, log_format, wants_usernames=wants_usernames, timestamp_format="%Y-%m-%d %H:%M:%S %Z")
    assert time.process_time() - began < SECONDS


@pytest.mark.parametrize(
    ("line", "sessions"),
    [
        (
            'date=2024-01-01 time=00:00:00 action=tunnel-up remip=203.0.113.5 tunnelip=10.8.0.2 user="jo\\"e" group="x"',
            [('jo\\"e', "10.8.0.2")],
        ),
        ('date=2024-01-01 time=00:00:00 action="tunnel-up" remip=203.0.113.5 tunnelip=10.8.0.2 user="jo', []),
        ('date=2024-01-01 time=00:00:00 action="tunnel-up" remip=203.0.113.5 tunnelip="10.8.0.2', []),
        ('date=2024-01-01 time=00:00:00 action="tunnel-up" remip=203.0.113.5 x-tunnelip=10.8.0.2,user=joe', []),
    ],
)
def test_fields_of_fortigate(path: Path, line: str, sessions: list[tuple[str, str]]):
    """A line with a field that is cut off is rejected."""
    path.write_text(line, encoding="utf-8")
    assert [(row.username, row.ipaddr) for row in read_log(path, "fortigate").observations] == sessions


def test_a_header_of_another_version_amid_a_client_list(path: Path):
    path.write_text(f"{STATUS_1}HEADER,CLIENT_LIST,x\na\n{ROUTES}10.8.0.2,a,203.0.113.5:1,x\nGLOBAL STATS\nEND\n", encoding="utf-8")
    assert read_log(path, "openvpn_status").observations == []


def test_routes_of_nobody_are_not_kept(path: Path):
    rows = (f"10.8.{one >> 8}.{one & 255},name{one},203.0.113.5:1,2024-01-01 00:00:00\n" for one in range(60_000))
    path.write_text(STATUS_1 + ROUTES + "".join(rows))
    tracemalloc.start()
    try:
        assert read_log(path, "openvpn_status").skipped_rows == 60_004
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 30_000_000


def test_a_snapshot_has_bounds(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_openvpn_status, "_MAX_CHARACTERS", 100)
    client = "a,203.0.113.5:1,1,1,2024-01-01 00:00:00\n"
    path.write_text(STATUS_1 + client + ROUTES + "10.8.0.2,a,203.0.113.5:1,2024-01-01 00:00:00\n" * 4, encoding="utf-8")
    with pytest.raises(InputError, match=r"line 7: more than 100000 clients or 100 characters"):
        read_log(path, "openvpn_status")


class TestHowALogIsCut:
    """It must not matter where a block of the file ends."""

    @pytest.mark.parametrize("block_bytes", [16, 100, 5000, _source.BLOCK_BYTES])
    @pytest.mark.parametrize(
        "rows",
        [
            [f'{GOOD},"two', 'lines"', GOOD],
            [f'{GOOD},"a', "b", "c", 'd"', GOOD],
            [f'{GOOD},"a', *[""] * 60, 'd"', GOOD],
            [f'{GOOD},"open', *[GOOD] * 150, GOOD],
            [f"{GOOD},\ufeffmark", "\ufeff", GOOD],
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_records_over_several_lines(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int, rows: list[str], encoding: str
    ):
        path.write_text("\n".join([HEADER, *rows, ""]), encoding=encoding)
        whole = read_log(path, "csv", encoding=encoding)
        monkeypatch.setattr(_source, "BLOCK_BYTES", block_bytes)
        cut = read_log(path, "csv", encoding=encoding)
        assert (cut.as_sessions(), cut.rejected, cut.skipped) == (whole.as_sessions(), whole.rejected, whole.skipped)

    @pytest.mark.parametrize("before", [0, 1000, 200_000])
    def test_a_line_is_too_long_wherever_it_is(self, path: Path, before: int):
        long = "x" * (_source.MAX_LINE_BYTES + 1)
        path.write_text("\n".join([HEADER, *[GOOD] * (before // len(GOOD)), long[:-1], long, GOOD]), encoding="utf-8")
        read = read_log(path, "csv")
        assert [row.reason.split(":")[0].partition(" than")[0] for row in read.rejected] == ["short row", "the line is longer"]
        assert read.rejected[1].line == before // len(GOOD) + 3

    def test_rows_over_several_lines_are_handed_out_block_by_block(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        """However often a record goes over the end of a block, the blocks do not grow together."""
        monkeypatch.setattr(_source, "BLOCK_BYTES", 20_000)
        path.write_text(HEADER + ",Comment\n" + f'{GOOD},"two\nlines"\n' * 20_000, encoding="utf-8")
        with opened(path, "csv") as (_log, reader):
            sizes = [len(block.lines) for block in reader.records()]
        assert sum(sizes) == 20_000
        assert max(sizes) < 2_000

    @pytest.mark.parametrize("first", [b"\xff\xff\n", b'"a\nb"\n', b"\n\n"])
    def test_continuing_in_a_log_that_begins_with_other_lines(self, path: Path, first: bytes):
        """If the lines through the header cannot be read again, a log that has grown is read from the start."""
        path.write_bytes(first + f"{HEADER}\n{GOOD}\n".encode())
        with opened(path, "csv", wants_usernames=False) as (log, reader):
            if first.startswith(b'"'):
                with pytest.raises(InputError, match="has no column"):
                    LogRead().add(reader.records())
                return
            LogRead().add(reader.records())
            if first.strip():
                assert reader.repeated_lines is None
                return
            start = LogStart(log.offset, log.line, reader.repeated_lines or 0)
        with path.open("ab") as file:
            file.write(b"\xff\n")
        with opened(path, "csv", wants_usernames=False) as (log, reader):
            log.start_at(start)
            read = LogRead().add(reader.records())
        assert [(row.line, row.reason[:9]) for row in read.rejected] == [(5, "byte 0xff")]

    def test_bad_bytes_at_the_end_of_a_log_without_header(self, path: Path):
        """Text that is added later is rejected, and does not end the run."""
        line = ",".join(["1", "t", "s", "GLOBALPROTECT", "0", "0", "2024/01/01 00:00:00", "0", "gateway-connected", *["x"] * 22])
        path.write_text(f"{line}\n", encoding="utf-8")
        with opened(path, "globalprotect", wants_usernames=False) as (log, reader):
            LogRead().add(reader.records())
            start = LogStart(log.offset, log.line, reader.repeated_lines or 0)
        with path.open("ab") as file:
            file.write(b"\xff\n")
        with opened(path, "globalprotect", wants_usernames=False) as (log, reader):
            log.start_at(start)
            assert [row.line for row in LogRead().add(reader.records()).rejected] == [2]


@pytest.mark.parametrize("encoding", ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "hex", "no such", "", "\0"])
def test_encodings_that_no_file_has(path: Path, encoding: str):
    path.write_text(f"{HEADER}\n{GOOD}\n", encoding="utf-8")
    with pytest.raises(InputError, match="is not a text encoding that Python knows"):
        read_log(path, "csv", encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-7", "hz", "iso2022_jp"])
def test_encodings_with_a_state(path: Path, encoding: str):
    path.write_bytes(f"{HEADER},Name\n{GOOD},\u4e2d\n{GOOD},x\n".encode(encoding))
    assert [row.line for row in read_log(path, "csv", encoding=encoding).observations] == [2, 3]


class TestFilesThatChange:
    def test_a_log_that_is_cut_off_while_it_is_read(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_source, "BLOCK_BYTES", 1000)
        path.write_text("\n".join([HEADER, *[GOOD] * 200]), encoding="utf-8")
        with opened(path, "csv") as (_log, reader):
            blocks = reader.records()
            next(blocks)
            path.write_text("", encoding="utf-8")
            with pytest.raises(InputError, match=r"became shorter while it was read: it was replaced or cut off"):
                list(blocks)

    def test_a_name_that_is_given_to_another_file_while_it_is_read(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_source, "BLOCK_BYTES", 1000)
        path.write_text("\n".join([HEADER, *[GOOD] * 200]), encoding="utf-8")
        other = path.with_name("other")
        other.write_text("secret\n" * 1000, encoding="utf-8")
        with opened(path, "csv") as (_log, reader):
            blocks = reader.records()
            first = next(blocks)
            path.unlink()
            path.symlink_to(other)
            assert len(first.lines) + sum(len(block.lines) for block in blocks) == 200

    @pytest.mark.parametrize("unit", [b"0", b"\n"])
    def test_a_gzip_bomb(self, path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes):
        monkeypatch.setattr(_content, "_EXPANDED_BYTES", 1_000_000)
        path.write_bytes(gzip.compress(f"{HEADER}\n{GOOD}\n".encode() + unit * 6_000_000))
        with pytest.raises(InputError, match=r"expands to more than 400 times its size, which no log does"):
            read_log(path, "csv")

    def test_a_compressed_log_whose_rows_are_all_the_same_is_a_log(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(_content, "_EXPANDED_BYTES", 1_000_000)
        path.write_bytes(gzip.compress(f"{HEADER}\n".encode() + f"{GOOD}\n".encode() * 50_000))
        assert len(read_log(path, "csv").observations) == 50_000
