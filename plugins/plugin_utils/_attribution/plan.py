# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What is to be written to each event, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .events import (
    ALREADY_ATTRIBUTED,
    AMBIGUOUS,
    ATTRIBUTED,
    FAILED,
    NO_SESSION,
    OUTCOMES,
    Alert,
    answered,
    iso8601,
)
from .texts import (
    NO_END,
    check_placeholders,
    filled,
    one_line,
    pattern_of,
    placeholders,
    tag_name,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SESSION = ("username", "ipaddr", "associated_ipaddr", "start", "end")
_QUESTION = ("ipaddr", "time", "candidates")
_NAMELESS = "(no name in the log)"
_LISTED_CANDIDATES = 5
_REASONS = {
    "unknown_address": "the log has no session with this address",
    "not_held": "the log has sessions with this address, and none at this time",
    "after_log_end": "the log ends before this time, and does not tell whether the last session still went on",
    "ambiguous": "more than one session held this address at this time",
}
"""What C(vpn_session_info) says where it names no session, in words."""


@dataclass(frozen=True)
class Wording:
    """The templates of tags and comments, and whether alerts with several candidates are commented on."""

    tags: tuple[str, ...]
    comment: str
    ambiguous_comment: str

    @classmethod
    def of(cls, tags: Iterable[str], comment: str, ambiguous_comment: str) -> Wording:
        """The checked templates; an empty text means that nothing is written. Raises AttributionError."""
        wording = cls(tuple(tag.strip() for tag in tags if tag.strip()), comment.strip(), ambiguous_comment.strip())
        for tag in wording.tags:
            check_placeholders("tags", tag, _SESSION)
        check_placeholders("comment", comment, _SESSION)
        check_placeholders("ambiguous_comment", ambiguous_comment, _QUESTION)
        return wording


def plan(alerts: Iterable[Alert], matches: Sequence[Mapping[str, Any]], wording: Wording) -> dict[str, Any]:
    """What is found for each alert, in their order, and the updates that say so."""
    attributions: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    for alert, match in answered(alerts, matches):
        attribution, update = _attribution(alert, match, wording)
        if update:
            attribution["update"] = len(updates)
            updates.append({"index": alert.index, "id": alert.id, **update})
        attributions.append(attribution)
    return {"attributions": attributions, "updates": updates, "counts": counts(attributions)}


def with_update(planned: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """The plan as it came out, given the result of C(stellar_ser_update) for its updates."""
    changed = [bool(event.get("changed")) for event in update.get("events") or ()]
    failures = {failed["position"]: str(failed["reason"]) for failed in update.get("failed_events") or ()}
    attributions = []
    for attribution in planned["attributions"]:
        place = attribution.get("update")
        if place in failures:
            attribution = {**attribution, "outcome": FAILED, "reason": failures[place], "changed": place < len(changed) and changed[place]}
        elif place is not None and place < len(changed):
            outcome = attribution["outcome"]
            is_known = outcome == ATTRIBUTED and not changed[place]
            attribution = {**attribution, "outcome": ALREADY_ATTRIBUTED if is_known else outcome, "changed": changed[place]}
        attributions.append(attribution)
    return {**planned, "attributions": attributions, "counts": counts(attributions)}


def counts(attributions: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many there are of each outcome; all of them together are the events that were looked at."""
    found = dict.fromkeys(OUTCOMES, 0)
    for attribution in attributions:
        found[attribution["outcome"]] += 1
    return {"events": sum(found.values()), **found}


def _attribution(alert: Alert, match: Mapping[str, Any], wording: Wording) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is found for an alert, and what is to be written for it."""
    candidates: list[Mapping[str, Any]] = list(match.get("candidates") or ())
    attribution: dict[str, Any] = {
        "index": alert.index,
        "id": alert.id,
        "event_name": alert.name,
        "event_score": alert.score,
        "time": None if alert.time is None else iso8601(alert.time),
        "ipaddr": alert.ipaddr,
        "outcome": alert.outcome,
        "reason": alert.problem,
        "session": match.get("session"),
        "candidates": [],
        "tags": [],
        "comment": "",
        "changed": False,
    }
    if alert.outcome is not None:
        return attribution, {}
    session = match.get("session")
    if session:
        tags, comment, needed = _said_of_session(alert, session, wording)
        attribution.update(tags=tags, comment=comment, outcome=ATTRIBUTED if needed else ALREADY_ATTRIBUTED)
        return attribution, needed
    reason = str(match.get("reason"))
    attribution.update(reason=_REASONS.get(reason, reason), candidates=candidates)
    if reason != AMBIGUOUS:
        attribution["outcome"] = NO_SESSION
        return attribution, {}
    comment, needed = _said_of_candidates(alert, candidates, wording)
    attribution.update(outcome=AMBIGUOUS, comment=comment)
    return attribution, needed


def _said_of_session(alert: Alert, session: Mapping[str, Any], wording: Wording) -> tuple[list[str], str, dict[str, Any]]:
    """Tags and comment for a session, and the part of them that the event does not have."""
    name = tag_name(str(session.get("username") or ""))
    values = _values(session)
    tags = [filled(tag, {**values, "username": name}) for tag in wording.tags if name or "username" not in placeholders(tag)]
    needed: dict[str, Any] = {}
    # The server's tags are compared by the module that writes them; an event that has all of them needs no request at all.
    if any(tag not in alert.state.tags for tag in tags):
        needed["add_tags"] = tags
    comment = filled(wording.comment, values)
    # A log that has grown since may know the end by now. That is no reason to say the same again.
    if comment and not _stands(alert, wording.comment, values):
        needed["comment"] = comment
    return tags, comment, needed


def _said_of_candidates(alert: Alert, candidates: Sequence[Mapping[str, Any]], wording: Wording) -> tuple[str, dict[str, Any]]:
    values = {"ipaddr": alert.ipaddr, "time": iso8601(alert.time or 0), "candidates": _listed(candidates)}
    comment = filled(wording.ambiguous_comment, values)
    is_needed = comment and not _stands(alert, wording.ambiguous_comment, values)
    return comment, {"comment": comment} if is_needed else {}


def _stands(alert: Alert, template: str, values: Mapping[str, str]) -> bool:
    """Whether the event has the comment, with whatever end."""
    if not alert.state.comments:
        return False
    pattern = pattern_of(template, values, open_names=("end",))
    return any(pattern.fullmatch(comment.strip()) for comment in alert.state.comments)


def _values(session: Mapping[str, Any]) -> dict[str, str]:
    values = {name: one_line(str(session.get(name) or "")) for name in _SESSION}
    return {**values, "username": values["username"] or _NAMELESS, "end": values["end"] or NO_END}


def _listed(candidates: Sequence[Mapping[str, Any]]) -> str:
    listed = [
        filled("{username} from {associated_ipaddr} since {start}", _values(candidate)) for candidate in candidates[:_LISTED_CANDIDATES]
    ]
    more = len(candidates) - len(listed)
    return "; ".join(listed) + (f"; and {more} more" if more else "")
