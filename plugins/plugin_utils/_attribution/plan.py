# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Decides what is written to each event, and notes the results."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .events import answered
from .outcomes import ALREADY_ATTRIBUTED, AMBIGUOUS, ATTRIBUTED, FAILED, OUTCOMES, UNUSABLE, reason_of
from .texts import one_line
from .wording import Correction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .events import Alert
    from .wording import Wording

_SHOWN_DOUBTS = 5
_OTHER_USER = "The VPN logs show another user for this address and time."


@dataclass(frozen=True)
class Finding:
    """The answer for one event, and what is written because of it. `tags` are those the event is to have from this role."""

    outcome: str
    reason: str = ""
    settle: str = ""
    doubts: tuple[str, ...] = ()
    session: Mapping[str, Any] | None = None
    candidates: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    removed_tags: tuple[str, ...] = ()
    comment: str = ""
    """The comment to write; empty if none is needed."""

    def update(self) -> dict[str, Any]:
        """The change for `stellar_ser_update`; empty if there is nothing to write."""
        change = {"add_tags": list(self.add_tags), "remove_tags": list(self.removed_tags), "comment": self.comment}
        return {name: value for name, value in change.items() if value}


def plan(alerts: Iterable[Alert], matches: Sequence[Mapping[str, Any]], wording: Wording) -> dict[str, Any]:
    """The finding for each event, in their order, and the updates that write it down."""
    attributions: list[dict[str, Any]] = []
    updates: list[dict[str, Any]] = []
    for alert, match in answered(alerts, matches):
        finding = _finding(alert, match, wording)
        attribution = _attribution(alert, finding)
        change = finding.update()
        if change:
            attribution["update"] = len(updates)
            updates.append({"index": alert.index, "id": alert.id, **change})
        attributions.append(attribution)
    return {"attributions": attributions, "updates": updates, "counts": counts(attributions)}


def with_update(planned: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    """The plan with the result of `stellar_ser_update` for its updates."""
    changed = [bool(event.get("changed")) for event in update.get("events") or ()]
    failures = {failed["position"]: str(failed["reason"]) for failed in update.get("failed_events") or ()}
    attributions = []
    for attribution in planned["attributions"]:
        place = attribution.get("update")
        is_changed = place is not None and place < len(changed) and changed[place]
        if place in failures:
            attribution = {**attribution, "outcome": FAILED, "reason": failures[place], "settle": "", "changed": is_changed}
        elif place is not None and place < len(changed):
            outcome = attribution["outcome"]
            is_known = outcome == ATTRIBUTED and not is_changed
            attribution = {**attribution, "outcome": ALREADY_ATTRIBUTED if is_known else outcome, "changed": is_changed}
        attributions.append(attribution)
    return {**planned, "attributions": attributions, "counts": counts(attributions)}


def counts(attributions: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The number of events, and of each outcome; the outcomes add up to the events."""
    found = dict.fromkeys(OUTCOMES, 0)
    for attribution in attributions:
        found[attribution["outcome"]] += 1
    return {"events": sum(found.values()), **found}


def _finding(alert: Alert, match: Mapping[str, Any], wording: Wording) -> Finding:
    if alert.outcome is not None:
        return Finding(alert.outcome, alert.problem)
    session = match.get("session")
    if session:
        return _named(alert, session, wording)
    return _nameless(alert, match, wording)


def _named(alert: Alert, session: Mapping[str, Any], wording: Wording) -> Finding:
    tags = wording.tags_for(session)
    missing = wording.missing_tags(alert.state.tags, tags)
    removed = wording.obsolete_tags(alert.state.tags, tags)
    comment = wording.comment_for(session)
    correction = wording.corrected(Correction(removed, _OTHER_USER, alert.ipaddr, alert.written_time or "")) if removed else ""
    if correction:
        comment = f"{correction} {comment}".strip()
    elif wording.has_comment(alert.state.comments, session):
        comment = ""
    is_needed = bool(missing or removed or comment)
    outcome = ATTRIBUTED if is_needed else ALREADY_ATTRIBUTED
    return Finding(outcome, session=session, tags=tags, add_tags=missing, removed_tags=removed, comment=comment)


def _nameless(alert: Alert, match: Mapping[str, Any], wording: Wording) -> Finding:
    reason = reason_of(match.get("reason"))
    doubts = tuple(one_line(str(words)) for words in match.get("doubts") or ())
    candidates = tuple(match.get("candidates") or ())
    words = "; ".join(doubts[:_SHOWN_DOUBTS]) if doubts and reason.outcome not in (AMBIGUOUS, UNUSABLE) else reason.words
    removed = wording.obsolete_tags(alert.state.tags, ()) if reason.contradicts else ()
    comment = ""
    if removed:
        sentence = f"{reason.words[0].upper()}{reason.words[1:]}."
        comment = wording.corrected(Correction(removed, sentence, alert.ipaddr, alert.written_time or ""))
    elif reason.outcome == AMBIGUOUS:
        comment = wording.ambiguous_for(alert, candidates)
    return Finding(reason.outcome, words, reason.settle, doubts, candidates=candidates, removed_tags=removed, comment=comment)


def _attribution(alert: Alert, finding: Finding) -> dict[str, Any]:
    """The finding as results and reports show it."""
    # Not asdict(): it copies the values from Ansible, which cannot be copied.
    found = {field.name: getattr(finding, field.name) for field in fields(finding) if field.name != "add_tags"}
    return {
        "index": alert.index,
        "id": alert.id,
        "event_name": alert.name,
        "event_score": alert.score,
        "time": alert.written_time,
        "ipaddr": alert.ipaddr,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in found.items()},
        "changed": False,
    }
