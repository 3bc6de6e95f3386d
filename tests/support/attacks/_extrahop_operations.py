# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes to detections and devices of ExtraHop. Their reads have the same paths: `skip` passes over those before the write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._ground import COMMENT, Ground, Operation

DETECTION = 997222
DEVICE = 1904
OLD_NOTE = "Called Ann."


def _with(identifier: int, **change: Any) -> Callable[[Ground], dict[str, Any]]:
    """The options of a change."""
    return lambda ground: {**ground.connection, "api_key": ground.emulator.emulator.settings.api_key, "id": identifier, **change}


def _prepare(ground: Ground) -> None:
    ground.emulator.add_detections({"id": DETECTION, "note": OLD_NOTE})
    ground.emulator.add_devices({"id": DEVICE, "tags": ["old"]})


def _status(ground: Ground) -> list[int]:
    return [int(ground.emulator.detections()[0]["status"] == "closed")]


def _note(ground: Ground) -> list[int]:
    """The number of times that each text is in the note. The text that was there before must never be lost."""
    lines = (ground.emulator.detections()[0]["note"] or "").splitlines()
    return [lines.count(COMMENT), lines.count(OLD_NOTE)]


def _tag(ground: Ground) -> list[int]:
    return [ground.emulator.devices()[0]["tags"].count("new")]


def _watchlist(ground: Ground) -> list[int]:
    return [int(ground.emulator.devices()[0]["on_watchlist"])]


_EVERYTHING = _with(DETECTION, status="closed", note=COMMENT)
_NEW_TAG = _with(DEVICE, add_tags=["new"])
_WRITES: list[tuple[str, str, str, Callable[[Ground], dict[str, Any]], Callable[[Ground], list[int]], int]] = [
    ("detection: status", "extrahop_detection", "/detections/", _with(DETECTION, status="closed"), _status, 1),
    ("detection: note", "extrahop_detection", "/notes", _with(DETECTION, note=COMMENT), _note, 1),
    ("detection: all, first request", "extrahop_detection", "/detections/", _EVERYTHING, lambda one: [*_note(one), *_status(one)], 2),
    ("detection: all, second request", "extrahop_detection", "/detections/", _EVERYTHING, lambda one: [*_note(one), *_status(one)], 3),
    ("device: new tag", "extrahop_device", "/tags", _NEW_TAG, _tag, 2),
    ("device: assigned tag", "extrahop_device", "/tags", _NEW_TAG, _tag, 4),
    ("device: watchlist", "extrahop_device", "/watchlist/", _with(DEVICE, watchlist=True), _watchlist, 0),
    (
        "device: watchlist after a tag",
        "extrahop_device",
        "/watchlist/",
        _with(DEVICE, add_tags=["new"], watchlist=True),
        lambda one: [*_tag(one), *_watchlist(one)],
        0,
    ),
]
EXTRAHOP_OPERATIONS = [
    Operation(name, module, call, params, standing, _prepare, skip) for name, module, call, params, standing, skip in _WRITES
]
