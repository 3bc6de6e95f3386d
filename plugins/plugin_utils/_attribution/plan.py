# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Decides what is written to each event, case and detection, and notes the results."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from .events import answered
from .groups import CASES, DETECTIONS, group_plan
from .outcomes import ALREADY_ATTRIBUTED, AMBIGUOUS, ATTRIBUTED, FAILED, OUTCOMES, UNUSABLE, reason_of
from .texts import one_line
from .wording import Correction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .events import Alert
    from .groups import Answer, Group
    from .wording import Wording

EVENTS = "events"
_UPDATES = {EVENTS: "updates", CASES: "case_updates", DETECTIONS: "detection_updates"}
_SHOWN_DOUBTS = 5
_OTHER_USER = "The VPN logs show another user for this address and time."


@dataclass(frozen=True)
class Finding:
    """The answer for one event, and the change that follows. `tags` are the tags of this role that the event should have."""

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


def plan(alerts: Sequence[Alert], groups: Sequence[Group], matches: Sequence[Mapping[str, Any]], wording: Wording) -> dict[str, Any]:
    """Returns the finding for each alert of events and groups, in their order, and the updates, by the kind of item."""
    pairs = list(answered([*alerts, *(alert for group in groups for alert in group.alerts)], matches))
    updates: dict[str, list[dict[str, Any]]] = {EVENTS: [], CASES: [], DETECTIONS: []}
    attributions = []
    for alert, match in pairs[: len(alerts)]:
        finding = _finding(alert, match, wording)
        change = finding.update()
        attributions.append(_attribution(alert, finding, _place(updates[EVENTS], {"index": alert.index, "id": alert.id, **change}, change)))
    left = iter(pairs[len(alerts) :])
    for group in groups:
        attributions += _of_group(group, list(islice(left, len(group.alerts))), wording, updates[group.kind])
    return {"attributions": attributions, **{_UPDATES[kind]: found for kind, found in updates.items()}, "counts": counts(attributions)}


def with_updates(planned: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the plan with the results of its updates, by the kind of item."""
    changed = {kind: [bool(one.get("changed")) for one in result.get(kind) or ()] for kind, result in results.items()}
    failures = {
        kind: {failed["position"]: str(failed["reason"]) for failed in result.get(f"failed_{kind}") or ()}
        for kind, result in results.items()
    }
    attributions = []
    for attribution in planned["attributions"]:
        kind, place = attribution["kind"], attribution.get("update")
        known = changed.get(kind, [])
        is_changed = place is not None and place < len(known) and known[place]
        if place in failures.get(kind, {}):
            attribution = {**attribution, "outcome": FAILED, "reason": failures[kind][place], "settle": "", "changed": is_changed}
        elif place is not None and place < len(known):
            outcome = attribution["outcome"]
            is_known = outcome == ATTRIBUTED and not is_changed
            attribution = {**attribution, "outcome": ALREADY_ATTRIBUTED if is_known else outcome, "changed": is_changed}
        attributions.append(attribution)
    return {**planned, "attributions": attributions, "counts": counts(attributions)}


def counts(attributions: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Returns the number of events and of each outcome; the outcomes add up to the events."""
    found = dict.fromkeys(OUTCOMES, 0)
    for attribution in attributions:
        found[attribution["outcome"]] += 1
    return {"events": sum(found.values()), **found}


def _finding(alert: Alert, match: Mapping[str, Any], wording: Wording) -> Finding:
    session = match.get("session")
    if session and alert.outcome is None:
        return _named(alert, session, wording)
    return _with_correction(alert, match, _without_name(alert, match), wording)


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


def _without_name(alert: Alert, match: Mapping[str, Any]) -> Finding:
    """Returns the finding without a name: the reason, and what would settle it."""
    if alert.outcome is not None:
        return Finding(alert.outcome, alert.problem)
    reason = reason_of(match.get("reason"))
    doubts = tuple(one_line(str(words)) for words in match.get("doubts") or ())
    words = "; ".join(doubts[:_SHOWN_DOUBTS]) if doubts and reason.outcome not in (AMBIGUOUS, UNUSABLE) else reason.words
    return Finding(reason.outcome, words, reason.settle, doubts, candidates=tuple(match.get("candidates") or ()))


def _with_correction(alert: Alert, match: Mapping[str, Any], finding: Finding, wording: Wording) -> Finding:
    """Returns the finding with the correction for an event in which nobody is named."""
    if alert.outcome is not None:
        return finding
    reason = reason_of(match.get("reason"))
    removed = wording.obsolete_tags(alert.state.tags, ()) if reason.contradicts else ()
    comment = ""
    if removed:
        sentence = f"{reason.words[0].upper()}{reason.words[1:]}."
        comment = wording.corrected(Correction(removed, sentence, alert.ipaddr, alert.written_time or ""))
    elif reason.outcome == AMBIGUOUS:
        comment = wording.ambiguous_for(alert, finding.candidates)
    return replace(finding, removed_tags=removed, comment=comment)


def _of_group(group: Group, answers: Sequence[Answer], wording: Wording, updates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the finding for each alert of a case or detection. The change is shown with its first alert."""
    planned = group_plan(group, answers, wording)
    change = planned.update(group)
    place = _place(updates, change, change)
    attributions = []
    for number, (alert, match) in enumerate(answers):
        session = match.get("session")
        named = Finding(ATTRIBUTED if change else ALREADY_ATTRIBUTED, session=session)
        finding = named if session and alert.outcome is None else _without_name(alert, match)
        if number == 0:
            finding = replace(finding, tags=planned.add_tags, removed_tags=planned.removed_tags, comment="\n".join(planned.lines))
        attributions.append(_attribution(alert, finding, place, group.kind))
    return attributions


def _place(updates: list[dict[str, Any]], update: dict[str, Any], change: Mapping[str, Any]) -> int | None:
    """Adds the update if it changes anything, and returns its position among the updates."""
    if not change:
        return None
    updates.append(update)
    return len(updates) - 1


def _attribution(alert: Alert, finding: Finding, place: int | None, kind: str = EVENTS) -> dict[str, Any]:
    """Returns the finding in the form of results and reports."""
    # Not with asdict(), which copies values: those from Ansible cannot be copied.
    found = {field.name: getattr(finding, field.name) for field in fields(finding) if field.name != "add_tags"}
    return {
        "kind": kind,
        "part_of": alert.part_of,
        "index": alert.index,
        "id": alert.id,
        "event_name": alert.name,
        "event_score": alert.score,
        "time": alert.written_time,
        "ipaddr": alert.ipaddr,
        **{name: list(value) if isinstance(value, tuple) else value for name, value in found.items()},
        "changed": False,
        **({} if place is None else {"update": place}),
    }
