# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with any content: no reader crashes or returns an invalid address, and every row is accounted for."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.timestamps import EARLIEST_MS, LATEST_MS
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS

from support.gateway_logs import MAKERS
from support.log_reading import began, read_log

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

if TYPE_CHECKING:
    from pathlib import Path

FORMATS = sorted(READERS)
LINES = {name: make().text.encode().splitlines(keepends=True) for name, (_format, make) in MAKERS.items()}
TELLING = (b",", b"\t", b"\n", b'"', b"\\", b"::", b"[", b"]:1", b"%", b"0.0.0.0")
KEY_LENGTH = 44
many = hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])


def check(path: Path, text: bytes, log_format: str) -> None:
    """Reads a log in both ways."""
    path.write_bytes(text)
    for wants_usernames in (True, False):
        try:
            read = read_log(path, log_format, wants_usernames=wants_usernames)
        except InputError:
            continue
        last = text.count(b"\n") + 1
        for row in read.observations:
            for address in (row.ipaddr, row.associated_ipaddr):
                known = ipaddress.ip_address(str(address))
                assert str(known) == address
                assert not known.is_multicast
                assert int(known)
            assert EARLIEST_MS <= began(row) < LATEST_MS
            assert row.end is None or row.end >= began(row)
            assert 1 <= row.line <= last
        assert all(1 <= row.line <= last and row.reason for row in read.rejected)
        assert read.rows == len(read.observations) + read.skipped_rows + len(read.rejected)


@pytest.mark.parametrize("log_format", FORMATS)
@many
@hypothesis.given(text=st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, log_format: str, text: bytes):
    check(tmp_path / "any.log", text, log_format)


@pytest.mark.parametrize("name", sorted(MAKERS))
@many
@hypothesis.given(data=st.data())
def test_a_log_with_any_bytes_in_it(tmp_path: Path, name: str, data: st.DataObject):
    """Lines of a real log, shuffled and cut, with something else in their midst."""
    lines = data.draw(st.lists(st.sampled_from(LINES[name]), min_size=1, max_size=12))
    text = b"".join(LINES[name][:3]) + b"".join(lines)
    for _times in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text)))
        replaced = data.draw(st.integers(0, 30))
        inserted = data.draw(
            st.one_of(st.binary(max_size=20), st.sampled_from([b",", b"\t", b"\n", b'"', b"\\", b"::", b"[", b"]:1", b"%", b"0.0.0.0"]))
        )
        text = text[:place] + inserted + text[place + replaced :]
    check(tmp_path / "any.log", text, MAKERS[name][0])


@many
@hypothesis.given(data=st.data())
def test_no_wireguard_key_is_shown(tmp_path: Path, data: st.DataObject):
    """Not even where a field is missing, so that a key is in the place of something else."""
    lines = data.draw(st.lists(st.sampled_from(LINES["wireguard"]), min_size=1, max_size=6))
    fields = [line.split(b"\t") for line in lines]
    for row in fields:
        for _times in range(data.draw(st.integers(0, 2))):
            del row[data.draw(st.integers(0, len(row) - 1)) : data.draw(st.integers(0, len(row)))]
            row.insert(data.draw(st.integers(0, len(row))), data.draw(st.sampled_from([b"", b"\xff", b"wg0", *lines[0].split(b"\t")])))
    path = tmp_path / "any.log"
    path.write_bytes(b"".join(b"\t".join(row) for row in fields))
    keys = {field.decode() for line in LINES["wireguard"] for field in line.split(b"\t") if len(field) == KEY_LENGTH}
    try:
        shown = repr(read_log(path, "wireguard"))
    except InputError as error:
        shown = repr(error.as_result())
    assert not [key for key in keys if key[:12] in shown]
