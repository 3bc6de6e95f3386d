# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Detections: their status, resolution, assignee, ticket and note, and the run of `extrahop_detection`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._argspec import whole_characters, whole_number
from .._errors import InputError, NotFoundError, RequestError
from .._extrahop.client import ExtraHopClient
from .._extrahop.detections import DetectionCalls
from .._resources.converge import READ_NONE, READ_REQUIRED
from .._resources.memory import text_keys
from .._resources.resource import Needed, Seen, Wanted, Wording
from .._resources.texts import comment_key, joined_key, lines_note, sent_key, sent_note
from .._resources.updating import Kind, UpdateTable, outcomes_of, reported
from .note import APPEND, REPLACE, Note, lines_of, note_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from .._module import Run
    from .._resources.memory import Memory
    from .._resources.resource import Written
    from .._resources.updating import Entry

NULL_WORDS: Mapping[str, str] = {"status": "open", "resolution": "none", "assignee": "", "ticket_id": ""}
"""The fields that can be changed, with the value that means null in options and results."""
STATUSES = ("open", "new", "acknowledged", "in_progress", "closed")
RESOLUTIONS = ("none", "action_taken", "no_action_taken")
_TICKET = "ticket_id"
_LARGEST_ID = 2**63 - 1

DETECTIONS = UpdateTable(
    "detections",
    identity={"id": {"type": "int"}},
    changes={
        "status": {"type": "str", "choices": list(STATUSES)},
        "resolution": {"type": "str", "choices": list(RESOLUTIONS)},
        "assignee": {"type": "str"},
        "ticket_id": {"type": "str"},
        "note": {"type": "str"},
    },
    others={"note_mode": {"type": "str", "choices": [APPEND, REPLACE], "default": APPEND}},
    unused={"source": {"type": "dict"}, "notes": {"type": "str"}, "participants": {"type": "list", "elements": "dict"}},
)
"""The options of `extrahop_detection`."""


@dataclass(frozen=True)
class DetectionRef:
    """A detection, by its ID. `where` is its position in the options, for messages."""

    where: str
    id: int

    @property
    def name(self) -> str:
        """The detection in messages."""
        return self.where or self.key

    @property
    def key(self) -> str:
        """The ID as a text."""
        return str(self.id)

    @property
    def title(self) -> str:
        """The detection in a diff."""
        return f"detection {self.id}"

    def identity(self) -> dict[str, Any]:
        """The result key by which users recognise the detection."""
        return {"id": self.id}


@dataclass(frozen=True)
class Change:
    """A requested change to one detection. Fields that are None or missing leave the detection alone. `whole_note` is the note to send,
    `ticket` the current ticket, which is sent with every update: some versions may require it.
    """

    fields: Mapping[str, str]
    note: Note | None = None
    whole_note: str = ""
    ticket: str = ""

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.fields and self.note is None

    def __str__(self) -> str:
        """The change in messages."""
        parts = [f"{name} {value or 'none'}" for name, value in self.fields.items()]
        return ", ".join([*parts, *(["the note"] if self.note else [])])

    def without_note(self) -> Change:
        """Returns the change without its note, which is written already."""
        return replace(self, note=None, whole_note="")

    def body(self) -> dict[str, str | None]:
        """Returns the fields in the form in which they are sent."""
        ticket = {_TICKET: self.ticket} if self.ticket else {}
        return {name: None if value == NULL_WORDS[name] else value for name, value in {**ticket, **self.fields}.items()}


@dataclass(frozen=True)
class DetectionState:
    """The fields of a detection, with the values of the options. `note` is empty if there is none, and None if it was not read.

    `ticket` is the ticket to send with updates; empty if there is none, or if it is not a text.
    """

    fields: Mapping[str, str]
    note: str | None = None
    ticket: str = ""

    @classmethod
    def of(cls, source: Mapping[str, Any], note: str | None) -> DetectionState:
        """The state of a detection as the server shows it."""
        ticket = source.get(_TICKET)
        fields = {name: word if source.get(name) is None else str(source[name]) for name, word in NULL_WORDS.items()}
        return cls(fields, note, ticket if isinstance(ticket, str) else "")

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        return {**self.fields, "note": self.note}

    def lacks(self, change: Change) -> Change:
        """Returns the part of a change that this state does not show, ready to be sent."""
        fields = {name: value for name, value in change.fields.items() if value != self.fields[name]}
        note = change.note if change.note and self.note is not None and not change.note.is_in(self.note) else None
        return Change(fields, note, note.merged(self.note or "") if note else "", self.ticket)


class DetectionResource:
    """The detections of one appliance."""

    wording = Wording(
        noun="detection",
        look="Look at the detection in ExtraHop before you run this again.",
        again="Run the same task again: it reads the detection and writes what is missing.",
    )

    def __init__(self, calls: DetectionCalls, memory: Memory, beside: Executor | None = None) -> None:
        """`beside` are threads that read notes while detections are read."""
        self._calls = calls
        self._memory = memory
        self._beside = beside

    def read(self, wanted: Wanted[DetectionRef, Change]) -> DetectionState:
        """The present state of a detection; its note is read only if the change is about it. Raises NotFoundError."""
        ref, has_note = wanted.ref, wanted.change.note is not None
        note = self._beside.submit(self._calls.note, ref.id) if self._beside and has_note else None
        try:
            source = self._calls.read(ref.id)
        except NotFoundError as error:
            message = (
                f"{ref.where or 'id'}: there is no detection {ref.id}. Take the ID from extrahop_detection_info or from the end of the URL."
            )
            raise error.with_message(f"{message} {error.message}") from error
        if not has_note:
            return DetectionState.of(source, None)
        return DetectionState.of(source, note.result() if note else self._calls.note(ref.id))

    def needed(self, wanted: Wanted[DetectionRef, Change], state: DetectionState) -> Needed[Change]:
        """The part of a change that the detection does not show."""
        left = state.lacks(wanted.change)
        return Needed(left.without_note() if left.note and self._is_written(wanted.ref, left.note, state.note or "") else left)

    def _is_written(self, ref: DetectionRef, note: Note, shown: str) -> bool:
        """True if the server shows the text in the form that it gave to it before."""
        spelling, lines = self._memory.spelling, lines_of(shown)
        if spelling.shows(comment_key(ref.key, note.text), lines, is_whole=note.is_whole):
            return True
        is_joined = spelling.knows(joined_key(ref.key, note.text)) and note.is_part_of(shown)
        return not note.is_whole and (is_joined or spelling.sent_since(ref.key, note.text, lines))

    def planned(self, state: DetectionState, change: Change) -> DetectionState:
        """Returns the state after a change."""
        fields = {**state.fields, **change.fields}
        return replace(state, fields=fields, note=change.whole_note if change.note else state.note)

    def remember(self, written: Written[Change], ref: DetectionRef, before: DetectionState) -> None:
        """Notes a text that must not be appended again."""
        note = written.change.note
        if note and not note.is_whole:
            self._memory.note_sent(ref.key, note.text, len(lines_of(before.note or "")), accepted=False)

    def write(self, ref: DetectionRef, change: Change) -> None:
        """Sends the note, which was read directly before, then everything else in one request."""
        if change.note:
            self._calls.replace_note(ref.id, change.whole_note)
        if not change.fields:
            return
        try:
            self._calls.update(ref.id, change.body())
        except RequestError as error:
            raise (error.as_part() if change.note else error) from error

    def seen(self, written: Written[Change], ref: DetectionRef, before: DetectionState, after: DetectionState) -> Seen[Change]:
        """The part of a change that the detection does not show after it was sent. A note is appended to the present one."""
        left, note = after.lacks(written.change), written.change.note
        if not note:
            return Seen(left)
        # From now on, only what comes behind these lines can be this text, rewritten.
        learned = {sent_key(ref.key, note.text): sent_note(len(lines_of(after.note or "")), accepted=False)}
        if not left.note:
            return Seen(left, learned={} if note.is_whole else learned)
        if note.is_joined_in(before.note or "", after.note or ""):
            learned = {**learned, joined_key(ref.key, note.text): b""}
            return Seen(left.without_note(), rewritten={note.text: after.note or ""}, learned=learned)
        lines = note.rewritten_in(before.note or "", after.note or "")
        if not lines:
            return Seen(left)
        learned = {**learned, comment_key(ref.key, note.text): lines_note(lines)}
        return Seen(left.without_note(), rewritten={note.text: "\n".join(lines)}, learned=learned)

    def comes_late(self, change: Change, unclear: RequestError | None) -> bool:
        """True for a note without a clear answer: if it is sent again too early, it could replace text that others write meanwhile."""
        return change.note is not None and unclear is not None

    def hint(self, left: Change) -> str:
        """Returns advice if the server accepted a note but does not show it."""
        return " Somebody else may have replaced the note at the same time: run the same task again." if left.note else ""

    def knowing(self, learned: Mapping[bytes, bytes]) -> DetectionResource:
        """Returns the resource with what was learned about the form of notes, which the ledger remembers from now on."""
        return DetectionResource(self._calls, self._memory.knowing(learned), self._beside)


def update_detections(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `extrahop_detection` with its options and returns its result; raises XdrError."""
    task = DETECTIONS.task(params, _wanted)
    if any(wanted.change.note and not wanted.change.note.is_whole for wanted in task.changes):
        if task.read_access == READ_NONE:
            raise InputError(
                "read_access: to append to a note, the note must be read first, because ExtraHop replaces notes as a whole. "
                "Set `read_access: required`, or `note_mode: replace` if the text may replace the note."
            )
        task = replace(task, read_access=READ_REQUIRED)
    client = ExtraHopClient.from_params(params, run.secrets)
    calls = DetectionCalls(client.http())
    kind = Kind(lambda memory, threads: DetectionResource(calls, memory, threads), client.endpoint, _keys)
    return reported(task, outcomes_of(task, kind, run), run, {})


def _keys(changes: Sequence[Wanted[DetectionRef, Change]]) -> set[bytes]:
    noted = [(one.ref.key, one.change.note.text) for one in changes if one.change.note]
    return {key for one in noted for key in (*text_keys(*one), joined_key(*one))}


def _wanted(entry: Entry) -> Wanted[DetectionRef, Change]:
    values = entry.values
    fields = {name: whole_characters(values[name]).strip() for name in NULL_WORDS if values[name] is not None}
    note = None if values["note"] is None else note_of(f"{entry.where}note", values["note"], values["note_mode"])
    if not fields and note is None:
        raise entry.nothing_to_change(*DETECTIONS.changes)
    ref = DetectionRef(entry.place, whole_number(f"{entry.where}id", values["id"], 0, _LARGEST_ID))
    return Wanted(ref, Change(fields, note, note.text if note else ""))
