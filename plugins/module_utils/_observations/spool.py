# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The input that was read, frame by frame, and the frames that wait until they may be sent."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import tempfile
from array import array
from typing import IO, TYPE_CHECKING, NamedTuple

from .._errors import InputError
from .observed import Observations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from .._vpn_log.source import LogPosition

_IN_MEMORY = 2
"""Number of frames kept in memory: a small input needs no file."""
_LENGTHS = struct.Struct(">QQQQ")


class Frame(NamedTuple):
    """Consecutive rows of one log.

    Once all rows up to its end have been processed, reading may continue at `position`; a checkpoint there keeps `summary`.
    """

    log: int
    read: int
    observations: Observations
    position: LogPosition | None = None
    summary: str = ""


class Spool:
    """Frames in the order in which they were added, in a temporary file without a name: it is gone when the process ends."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file:
            # On a full disk, closing fails again with what could not be written.
            with contextlib.suppress(OSError):
                self._file.close()

    def add(self, frame: Frame) -> None:
        """Appends a frame; raises InputError if the disk is full."""
        if self._file is None and len(self._frames) < _IN_MEMORY:
            self._frames.append(frame)
            return
        try:
            if self._file is None:
                self._file = _nameless_file()
            for part in _packed(frame):
                self._file.write(part)
            self._file.flush()
        except OSError as error:
            raise InputError(
                f"The checked rows do not fit into the temporary folder {tempfile.gettempdir()} ({error.strerror}). Nothing was sent. "
                "Make room, set TMPDIR to a folder with more of it, or set `on_invalid: skip`, which needs no such file."
            ) from error

    def frames(self) -> Iterator[Frame]:
        """All frames, once."""
        while self._frames:
            yield self._frames.pop(0)
        if self._file is None:
            return
        self._file.seek(0)
        while True:
            lengths = self._file.read(_LENGTHS.size)
            if not lengths:
                break
            yield _unpacked([self._file.read(length) for length in _LENGTHS.unpack(lengths)])
        self._file.close()
        self._file = None


def _nameless_file() -> IO[bytes]:
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
    return os.fdopen(descriptor, "w+b")


def _packed(frame: Frame) -> list[bytes]:
    observations, position = frame.observations, frame.position
    head = {
        "log": frame.log,
        "read": frame.read,
        "position": position and [position.offset, position.line, position.sha256.hex()],
        "summary": frame.summary,
    }
    addresses = "\n".join([*observations.ipaddrs, *observations.associated_ipaddrs])
    parts = [json.dumps(head).encode(), addresses.encode(), array("q", observations.timestamps).tobytes(), observations.packed]
    return [_LENGTHS.pack(*map(len, parts)), *parts]


def _unpacked(parts: list[bytes]) -> Frame:
    head = json.loads(parts[0])
    timestamps = array("q")
    timestamps.frombytes(parts[2])
    count = len(timestamps)
    texts = parts[1].decode().split("\n") if count else []
    ipaddrs, associated_ipaddrs = texts[:count], texts[count:]
    position = None
    if head["position"]:
        from .._vpn_log.source import LogPosition

        offset, line, digest = head["position"]
        position = LogPosition(offset, line, bytes.fromhex(digest))
    return Frame(
        head["log"], head["read"], Observations(ipaddrs, associated_ipaddrs, timestamps.tolist(), parts[3]), position, head["summary"]
    )
