# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Security events: reading, comparing and writing their status, comments and tags, and the task that updates them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import NotFoundError
from .._resources.comparing import (
    SeenTexts,
    has_comment,
    near_miss_warnings,
    near_misses,
    seen_comment,
    seen_tags,
    surplus_warnings,
    tags_to_add,
    tags_to_remove,
)
from .._resources.memory import keys_of
from .._resources.resource import Needed, Seen, Wanted, Wording
from .._resources.texts import comment_key, digest
from .._resources.updating import COMMENT_ALWAYS, COMMENT_MODE, TAGS, Entry, Kind, UpdateTable, outcomes_of, reported
from .._resources.waiting import looks
from .._stellar.client import StellarClient
from .._stellar.paths import checked_id, checked_index
from .state import AUTO, SECURITY_EVENTS, STATUSES, UPDATE_SER, Change, EventState, Target, UpdateEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._errors import RequestError
    from .._module import Run
    from .._resources.memory import Memory
    from .._resources.resource import Written

EVENTS = UpdateTable(
    "events",
    identity={"index": {"type": "str"}, "id": {"type": "str"}},
    changes={"status": {"type": "str", "choices": list(STATUSES)}, "comment": {"type": "str"}, **TAGS},
    unused={"source": {"type": "dict"}},
    others={
        **COMMENT_MODE,
        "endpoint": {"type": "str", "choices": [AUTO, UPDATE_SER, SECURITY_EVENTS], "default": AUTO},
        "tag_field": {"type": "str"},
    },
)
"""The options of `stellar_ser_update`."""

_WORDING = Wording(
    noun="event",
    look="Look at the event in Stellar Cyber before you run this again: a comment would be written a second time.",
    again="Run the same task again; with `comment_mode: always`, look at the event before.",
    strange="It has a new comment that may be this one, rewritten, or somebody else's.",
)


class EventResource:
    """The security events of one task."""

    wording = _WORDING

    def __init__(
        self, client: StellarClient, endpoint: UpdateEndpoint, memory: Memory, *, tag_field: str | None, repeats_comment: bool
    ) -> None:
        self._client = client
        self._tag_field = tag_field
        self._repeats_comment = repeats_comment
        self._endpoint = endpoint
        self._memory = memory

    def knowing(self, learned: Mapping[bytes, bytes]) -> EventResource:
        """The same with what was learned about the server's spelling, which the ledger remembers from now on."""
        memory = self._memory.knowing(learned)
        return EventResource(self._client, self._endpoint, memory, tag_field=self._tag_field, repeats_comment=self._repeats_comment)

    def read(self, wanted: Wanted[Target, Change]) -> EventState:
        """The present state of an event; raises NotFoundError if there is none."""
        target = wanted.ref
        reading = self._client.look_up(target.index, target.id)
        if reading.event is None and not reading.is_current:
            # It may just have been inserted: searches do not show it immediately.
            for _look in looks(late=True):
                reading = self._client.look_up(target.index, target.id)
                if reading.event or reading.is_current:
                    break
        if reading.event is None:
            message = (
                f"{target.where or 'id'}: there is no event {target.id} in the index {target.index}. Take both from the end of the event's "
                "details (`_id` and `_index`), from the result of the insert, or from stellar_ser_event_info."
            )
            raise NotFoundError(message, 404, "")
        return EventState.of(reading.event.source, self._tag_field)

    def needed(self, wanted: Wanted[Target, Change], state: EventState) -> Needed[Change]:
        """The part of a change that the event does not show; tags to remove are in the server's spelling."""
        change, spelling = wanted.change, self._memory.spelling
        left = Change(
            None if change.status == state.status else change.status,
            change.comment if self._needs_comment(wanted, state) else None,
            tags_to_add(change.add_tags, state.tags, spelling),
            tags_to_remove(change.remove_tags, state.tags, spelling),
        )
        misses = near_misses(change.remove_tags, state.tags, spelling)
        return Needed(left, near_miss_warnings(wanted.ref.name, "event", misses))

    def _needs_comment(self, wanted: Wanted[Target, Change], state: EventState) -> bool:
        comment, identifier = wanted.change.comment, wanted.ref.id
        if comment is None or self._repeats_comment:
            return comment is not None
        # On a server whose reads lag behind writes, the event may not show yet what the ledger knows.
        spelling = self._memory.spelling
        was_written = self._client.reads_by_search and spelling.knows(comment_key(identifier, comment))
        return not was_written and not has_comment(comment, identifier, state.comments, spelling)

    def planned(self, state: EventState, change: Change) -> EventState:
        """Returns the state after a change."""
        return state.after(change)

    def remember(self, written: Written[Change], ref: Target, before: EventState) -> None:
        """Notes a comment that must not be written again."""
        comment = written.change.comment
        if comment is not None and not self._repeats_comment:
            self._memory.note_sent(ref.id, comment, len(before.comments), accepted=written.accepted)

    def write(self, ref: Target, change: Change) -> None:
        """Sends a change with the call that this server has."""
        self._endpoint.send(ref, change)

    def seen(self, written: Written[Change], ref: Target, before: EventState, after: EventState) -> Seen[Change]:
        """Compares the event after a change with the change."""
        change, spelling, accepted = written.change, self._memory.spelling, written.accepted
        tags = seen_tags(change.add_tags, after.tags, after.new_tags(before), spelling, accepted=accepted)
        comment = SeenTexts()
        if change.comment is not None:
            comment = seen_comment(change.comment, ref.id, after.new_comments(before), spelling, accepted=accepted)
        left = Change(
            None if change.status == after.status else change.status,
            change.comment if comment.missing else None,
            tags.missing,
            tuple(tag for tag in change.remove_tags if tag in after.tags),
        )
        lagging = {}
        if change.comment is not None and not comment.missing and self._client.reads_by_search:
            lagging = {comment_key(ref.id, change.comment): digest(change.comment)}
        return Seen(
            left,
            surplus_warnings(ref.name, comment.surplus),
            {**tags.rewritten, **comment.rewritten},
            {**tags.learned, **comment.learned, **lagging},
            comment.is_strange,
        )

    def comes_late(self, change: Change, unclear: RequestError | None) -> bool:
        """True for a comment without a clear answer, and on servers whose reads lag behind writes."""
        return (change.comment is not None and unclear is not None) or self._client.reads_by_search

    def hint(self, left: Change) -> str:
        """Advice if tags are missing."""
        if not left.add_tags:
            return ""
        place = f"the field {self._tag_field} (tag_field)" if self._tag_field else "event_tags, event_tag or tags"
        return f" Tags were looked for in {place}; if this server keeps them elsewhere, set `tag_field`."


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    task = EVENTS.task(params, wanted_event)
    client = StellarClient.from_params(params, run.secrets)
    endpoint = UpdateEndpoint(client, params["endpoint"])
    tag_field, repeats = params["tag_field"], params["comment_mode"] == COMMENT_ALWAYS
    kind = Kind(
        lambda memory, _threads: EventResource(client, endpoint, memory, tag_field=tag_field, repeats_comment=repeats),
        client.endpoint,
        keys_of,
    )
    outcomes = outcomes_of(task, kind, run)
    return reported(task, outcomes, run, {"endpoint": endpoint.name})


def wanted_event(entry: Entry) -> Wanted[Target, Change]:
    """Checks the options for one event; raises InputError."""
    change = Change(entry.values["status"], entry.text("comment"), *entry.tags())
    if change.is_empty:
        raise entry.nothing_to_change(*EVENTS.changes)
    index, identifier = entry.values["index"], entry.values["id"]
    target = Target(entry.place, checked_index(f"{entry.where}index", index), checked_id(f"{entry.where}id", identifier))
    return Wanted(target, change)
