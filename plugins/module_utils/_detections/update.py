# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Updates detections: checks the options of `extrahop_detection`, and converges each detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._argspec import ArgumentSpec, plain_text, whole_characters, whole_number
from .._errors import InputError
from .._extrahop.client import ExtraHopClient
from .._extrahop.detections import DetectionCalls
from .._resources.converge import Convergence
from .._resources.many import Workers, beside, converge_all, reported
from .._resources.memory import REMEMBERED, memory_of, text_keys
from .._resources.options import MAX_CONCURRENCY, READ_NONE, READ_REQUIRED, ledger, read_access
from .._resources.resource import Wanted
from .detection import NULL_WORDS, RESOLUTIONS, STATUSES, Change, DetectionRef, DetectionResource, Note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._module import Run

_ITEMS = "detections"
_APPEND = "append"
_REPLACE = "replace"
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class UpdateOptions:
    """The options of `extrahop_detection`, without those of the connection."""

    changes: Sequence[Wanted[DetectionRef, Change]]
    is_single: bool
    read_access: str
    concurrency: int
    ledger: str | None

    @classmethod
    def parsed(cls, params: Mapping[str, Any]) -> UpdateOptions:
        """Checks the options of a task; raises InputError."""
        changes = _changes(params)
        access: str = params["read_access"]
        if any(wanted.change.note and not wanted.change.note.is_whole for wanted in changes):
            if access == READ_NONE:
                raise InputError(
                    "read_access: to append to a note, the note must be read first, because ExtraHop replaces notes as a whole. "
                    "Set `read_access: required`, or `note_mode: replace` if the text may replace the note."
                )
            access = READ_REQUIRED
        concurrency = whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY)
        return cls(changes, params[_ITEMS] is None, access, concurrency, params["ledger"])


def update_options() -> ArgumentSpec:
    """The options of `extrahop_detection`, without those of the connection."""
    # Detections from extrahop_detection_info can be used without changes.
    unused = {"source": {"type": "dict"}, "notes": {"type": "str"}, "participants": {"type": "list", "elements": "dict"}}
    identified = {"id": {"type": "int", "required": True}, **unused}
    return ArgumentSpec(
        {
            "id": {"type": "int"},
            **_change_options(),
            _ITEMS: {"type": "list", "elements": "dict", "options": {**identified, **_change_options()}},
            "note_mode": {"type": "str", "choices": [_APPEND, _REPLACE], "default": _APPEND},
            "read_access": read_access(),
            "concurrency": {"type": "int", "default": 4},
            "ledger": ledger(),
        },
        required_one_of=[(_ITEMS, "id")],
        mutually_exclusive=[(_ITEMS, "id")],
    )


def _change_options() -> dict[str, dict[str, Any]]:
    """The options that say what to change, the same for one detection and for each of many."""
    return {
        "status": {"type": "str", "choices": list(STATUSES)},
        "resolution": {"type": "str", "choices": list(RESOLUTIONS)},
        "assignee": {"type": "str"},
        "ticket_id": {"type": "str"},
        "note": {"type": "str"},
    }


def update_detections(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `extrahop_detection` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    client = ExtraHopClient.from_params(params, run.secrets)
    noted = [(wanted.ref.key, wanted.change.note.text) for wanted in options.changes if wanted.change.note]
    remembered = memory_of(options.ledger, client.endpoint, {key for one in noted for key in text_keys(*one)}, run)
    with Workers(options.concurrency, _ITEMS) as workers, beside(len(noted), options.concurrency) as threads, remembered as memory:
        detections = DetectionResource(DetectionCalls(client.http()), memory, threads)
        outcomes = converge_all(Convergence(options.read_access, is_dry=run.check_mode), detections, options.changes, workers)
    return reported(outcomes, {}, _ITEMS, run, REMEMBERED, is_single=options.is_single)


def _changes(params: Mapping[str, Any]) -> list[Wanted[DetectionRef, Change]]:
    """Returns the updates of a task, checked; raises InputError."""
    if params[_ITEMS] is None:
        return [_wanted(params, params, "")]
    return [_wanted(entry, params, f"{_ITEMS}[{position}].") for position, entry in enumerate(params[_ITEMS])]


def _wanted(entry: Mapping[str, Any], params: Mapping[str, Any], where: str) -> Wanted[DetectionRef, Change]:
    values = {name: params[name] if entry[name] is None else entry[name] for name in (*NULL_WORDS, "note")}
    fields = {name: whole_characters(values[name]).strip() for name in NULL_WORDS if values[name] is not None}
    note = None if values["note"] is None else _note(f"{where}note", values["note"], params["note_mode"])
    if not fields and note is None:
        raise InputError(
            f"{where.rstrip('.') or 'status'}: there is nothing to change; set status, resolution, assignee, ticket_id or note."
        )
    ref = DetectionRef(where.rstrip("."), whole_number(f"{where}id", entry["id"], 0, _LARGEST_ID))
    return Wanted(ref, Change(fields, note, note.text if note else ""))


def _note(option: str, text: str, mode: str) -> Note:
    if mode == _REPLACE:
        return Note(whole_characters(text) if text.strip() else "", is_whole=True)
    return Note(plain_text(option, text).strip(), is_whole=False)
