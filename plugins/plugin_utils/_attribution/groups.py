# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Cases and detections: several addresses at several times, and one comment or note that names the users of all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...module_utils._resources.texts import normal
from .events import Alert
from .outcomes import AMBIGUOUS, DOUBTFUL, OUTCOMES, UNUSABLE, reason_of
from .texts import one_line
from .wording import Correction

if TYPE_CHECKING:
    from .events import AlertReader
    from .wording import Claim, Wording

Answer = tuple[Alert, Mapping[str, Any]]
CASES = "cases"
DETECTIONS = "detections"
_NOT_SUPPORTED = "The VPN logs do not support them."


@dataclass(frozen=True)
class Group:
    """A case or a detection. `texts` are its comments or its note; `tags` is None if it has none."""

    kind: str
    id: Any
    title: str
    alerts: tuple[Alert, ...]
    texts: tuple[str, ...] = ()
    tags: tuple[str, ...] | None = None

    @classmethod
    def of_case(cls, case: Mapping[str, Any], reader: AlertReader) -> Group:
        """Returns the group of a case from `stellar_case_info`, with its comments and alerts."""
        source = case["source"]
        title = _titled(f"case {case.get('ticket_id') or case['id']}", source.get("name"))
        tags = source.get("tags")
        return cls(
            CASES,
            case["id"],
            title,
            tuple(replace(reader.alert(alert), part_of=title) for alert in case.get("alerts") or ()),
            tuple(str(one.get("comment") or "") for one in sorted(case.get("comments") or (), key=_age)),
            tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else (),
        )

    @classmethod
    def of_detection(cls, detection: Mapping[str, Any], reader: AlertReader) -> Group:
        """Returns the group of a detection from `extrahop_detection_info`, with its note and participants. Each participant is looked up at
        the start and at the end of the detection: an address may have changed hands in between.
        """
        source = detection["source"]
        title = _titled(f"detection {detection['id']}", source.get("title"))
        own = replace(reader, address_field="srcip")
        alerts = [
            _of_then(replace(own.alert({"index": "", "id": detection["id"], "source": fields}), part_of=title), participant)
            for participant in detection.get("participants") or ()
            if participant.get("external") is not True
            for fields in _moments(source, _of_the_vpn(participant.get("ipaddrs") or (), reader))
        ]
        unique = {(alert.ipaddr, alert.time, alert.problem): alert for alert in alerts}
        return cls(DETECTIONS, detection["id"], title, tuple(unique.values()), (str(detection.get("notes") or ""),))


@dataclass(frozen=True)
class GroupPlan:
    """The texts and tags that a group lacks, and the tags that it must not keep."""

    lines: tuple[str, ...] = ()
    add_tags: tuple[str, ...] = ()
    removed_tags: tuple[str, ...] = ()

    def update(self, group: Group) -> dict[str, Any]:
        """The change for `stellar_case` or `extrahop_detection`; empty if there is nothing to write."""
        text = "\n".join(self.lines)
        text_of = "note" if group.kind == DETECTIONS else "comment"
        change: dict[str, Any] = {text_of: text, "add_tags": list(self.add_tags), "remove_tags": list(self.removed_tags)}
        given = {name: value for name, value in change.items() if value}
        return {"id": group.id, **given} if given else {}


def group_plan(group: Group, answers: Sequence[Answer], wording: Wording) -> GroupPlan:
    """Returns the change that follows from the answers. A text that the group already has, with any end of the session, is not repeated."""
    sessions = list({_who(session): session for session in (match.get("session") for _alert, match in answers) if session}.values())
    wanted = dict.fromkeys(tag for session in sessions for tag in wording.tags_for(session))
    held = group.tags or ()
    texts = tuple(map(normal, group.texts))
    said = _Said.of(texts, wording)
    refuted = said.refuted_by(answers) if wording.corrects else {}
    obsolete = wording.obsolete_tags(held, wanted)
    removed = obsolete if _are_settled(answers) else said.tags_of(refuted, obsolete, wording)
    missing = () if group.tags is None else wording.missing_tags(held, wanted)
    if not wording.comment:
        return GroupPlan((), missing, removed)
    lines = [
        *_corrections(answers, removed, wording),
        *(f"{_refutation(claim)}{alert.written_time}." for claim, alert in refuted.items()),
        *(wording.comment_for(one) for one in sessions if _named(one) in said.corrected or not wording.is_said(texts, one)),
        *_nameless_lines(answers, texts),
    ]
    unique = tuple(dict.fromkeys(lines))
    return GroupPlan(_once_more(unique, texts) if refuted else unique, missing, removed)


def _once_more(lines: Sequence[str], texts: Sequence[str]) -> tuple[str, ...]:
    """Returns the lines, with a number before them if the group has them already: lines that a note has are not appended again, and if the
    logs name one user, another and the first again, the last name in it would be the wrong one.
    """
    text = normal("\n".join(lines))
    times = sum(held.count(text) for held in texts)
    return (f"Corrected again ({times + 1}):", *lines) if times else tuple(lines)


@dataclass(frozen=True)
class _Said:
    """The names that earlier runs wrote: the last claim about each address and user, and those that were corrected since."""

    claims: Mapping[tuple[str, str], Claim]
    corrected: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, texts: Sequence[str], wording: Wording) -> _Said:
        """Reads the texts of a group, which are in normal form, oldest first."""
        last = {claim.who: (number, claim) for number, text in enumerate(texts) for claim in wording.claims_in(text)}
        corrected = frozenset(
            who
            for who, (number, claim) in last.items()
            if any(_refutation(claim).casefold() in text.casefold() for text in (texts[number][claim.place :], *texts[number + 1 :]))
        )
        return cls({who: claim for who, (_number, claim) in last.items()}, corrected)

    def refuted_by(self, answers: Sequence[Answer]) -> dict[Claim, Alert]:
        """Returns the claims that the logs do not support any more, each with the first alert that shows it."""
        named = {_named(match["session"]) for _alert, match in answers if match.get("session")}
        refuted: dict[Claim, Alert] = {}
        for who, claim in self.claims.items():
            if who in named or who in self.corrected:
                continue
            about = [(alert, match) for alert, match in answers if alert.ipaddr == claim.ipaddr and claim.covers(alert.time)]
            if about and all(alert.outcome is None and _is_settled(match) for alert, match in about):
                refuted[claim] = about[0][0]
        return refuted

    def tags_of(self, refuted: Collection[Claim], obsolete: Sequence[str], wording: Wording) -> tuple[str, ...]:
        """Returns those of the obsolete tags that name users of whom no claim is left."""
        standing = {claim.who[1] for claim in self.claims.values() if claim not in refuted and claim.who not in self.corrected}
        gone = [claim for claim in refuted if claim.who[1] not in standing]
        tags = {tag.casefold() for claim in gone for tag in wording.tags_for({"username": claim.username})}
        return tuple(tag for tag in obsolete if tag.casefold() in tags)


def _refutation(claim: Claim) -> str:
    return f"Correction: the VPN logs do not support that VPN address {claim.ipaddr} was {claim.username} at "


def _named(session: Mapping[str, Any]) -> tuple[str, str]:
    return str(session.get("ipaddr")), normal(one_line(str(session.get("username")))).casefold()


def _corrections(answers: Sequence[Answer], removed: Sequence[str], wording: Wording) -> Iterator[str]:
    if removed:
        alert = answers[0][0]
        yield from filter(None, [wording.corrected(Correction(removed, _NOT_SUPPORTED, alert.ipaddr, alert.written_time or ""))])


def _nameless_lines(answers: Sequence[Answer], texts: Sequence[str]) -> Iterator[str]:
    """One line for each address and outcome, at the first time; nothing if the group has such a line with any time."""
    first: dict[tuple[str, str], Alert] = {}
    for alert, match in answers:
        outcome = alert.outcome or ("" if match.get("session") else reason_of(match.get("reason")).outcome)
        if outcome in (DOUBTFUL, AMBIGUOUS):
            kept = first.setdefault((alert.ipaddr, outcome), alert)
            if (alert.time or 0) < (kept.time or 0):
                first[alert.ipaddr, outcome] = alert
    for (ipaddr, outcome), alert in first.items():
        begin, end = f"VPN address {one_line(ipaddr)} at ", f": nobody is named, since the evidence is {OUTCOMES[outcome].label}."
        if not any(end in part for text in texts for part in text.split(begin)[1:]):
            yield f"{begin}{alert.written_time}{end}"


def _are_settled(answers: Sequence[Answer]) -> bool:
    """True if the logs cover every alert that can be looked up, and there is one, so that a tag that none of them supports is wrong."""
    looked_up = [match for alert, match in answers if alert.outcome is None]
    return bool(looked_up) and all(map(_is_settled, looked_up))


def _is_settled(match: Mapping[str, Any]) -> bool:
    return bool(match.get("session")) or reason_of(match.get("reason")).contradicts


def _who(session: Mapping[str, Any]) -> tuple[Any, ...]:
    return str(session.get("username")).casefold(), session.get("ipaddr"), session.get("associated_ipaddr"), session.get("start")


def _age(comment: Mapping[str, Any]) -> float:
    """Returns the time of a comment, so that the oldest is first; comments without a time keep their order."""
    time = comment.get("created_at")
    return time if isinstance(time, (int, float)) else 0


def _titled(number: str, name: Any) -> str:
    return f"{number}, {one_line(name)}" if isinstance(name, str) and name else number


def _moments(source: Mapping[str, Any], ipaddrs: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Returns the detection as events: one at its start, and one at its end if it has ended."""
    times = dict.fromkeys(time for time in (source.get("start_time"), source.get("end_time")) if time)
    for time in times or (None,):
        yield {"timestamp": time, "srcip": list(ipaddrs), "event_score": source.get("risk_score")}


def _of_then(alert: Alert, participant: Mapping[str, Any]) -> Alert:
    """Returns the alert; unusable if its address is the current address of a device, which may have had another one at that time."""
    if participant.get("device_id") is None or alert.outcome is not None:
        return alert
    return replace(alert, outcome=UNUSABLE, problem="ExtraHop shows the current address of this device, which may have changed since")


def _of_the_vpn(ipaddrs: Sequence[str], reader: AlertReader) -> list[str]:
    """Returns the addresses of a participant that belong to the VPN; all of them if none does.

    If there are several, it is not known which of them acted.
    """
    inside = [text for text in ipaddrs if reader.networks and reader.is_inside(text)]
    return inside or list(ipaddrs)
