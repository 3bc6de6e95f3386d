# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Creates tags and comments from templates, and recognises those of earlier runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...module_utils._resources.texts import normal
from ...module_utils._times.timestamps import iso8601_to_milliseconds
from ...module_utils._times.zones import Zone
from .texts import NO_END, check_placeholders, filled, one_line, pattern_of, placeholders, reading_pattern, tag_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from .events import Alert

_SESSION = ("username", "ipaddr", "associated_ipaddr", "start", "end", "gateway")
_QUESTION = ("ipaddr", "time", "candidates")
_CORRECTION = ("tags", "reason", "ipaddr", "time")
_NAMELESS = "(no name in the log)"
_UNKNOWN = "(not in the log)"
_LISTED_CANDIDATES = 5


@dataclass(frozen=True)
class Correction:
    """Tags of an earlier run that are removed, and the reason. `time` is the time of the event."""

    tags: Sequence[str]
    reason: str
    ipaddr: str
    time: str

    def values(self) -> dict[str, str]:
        """Returns the values for the template."""
        tags = ", ".join(one_line(tag) for tag in self.tags)
        return {"tags": tags, "reason": self.reason, "ipaddr": self.ipaddr, "time": self.time}


@dataclass(frozen=True)
class Claim:
    """A sentence of an earlier run: this user had this address. The times are epoch milliseconds; `end` is None if it is not known."""

    ipaddr: str
    username: str
    start: int
    end: int | None
    place: int
    """The position of the sentence in its text."""

    @property
    def who(self) -> tuple[str, str]:
        """Returns the address and the user, whose case does not matter."""
        return self.ipaddr, self.username.casefold()

    def covers(self, time: int | None) -> bool:
        """True if the session contains this time."""
        return time is not None and self.start <= time and (self.end is None or time <= self.end)


@dataclass(frozen=True)
class Wording:
    """The checked templates. An empty template means that nothing is written."""

    tags: tuple[str, ...] = ()
    comment: str = ""
    ambiguous_comment: str = ""
    correction_comment: str = ""
    corrects: bool = True
    """Removes tags of earlier runs that the evidence no longer supports."""

    @classmethod
    def of(cls, tags: Iterable[str], comments: Mapping[str, str], *, corrects: bool) -> Wording:
        """The checked templates, with `comments` by their names; raises AttributionError."""
        checked = {name: text.strip() for name, text in comments.items()}
        wording = cls(tuple(tag.strip() for tag in tags if tag.strip()), **checked, corrects=corrects)
        for tag in wording.tags:
            check_placeholders("tags", tag, _SESSION)
        check_placeholders("comment", wording.comment, _SESSION)
        check_placeholders("ambiguous_comment", wording.ambiguous_comment, _QUESTION)
        check_placeholders("correction_comment", wording.correction_comment, _CORRECTION)
        return wording

    def tags_for(self, session: Mapping[str, Any]) -> tuple[str, ...]:
        """Returns the tags that name the user of a session. Without a name, tags that need one are left out."""
        name = tag_name(str(session.get("username") or ""))
        values = {**_values(session), "username": name}
        return tuple(filled(tag, values) for tag in self.tags if name or "username" not in placeholders(tag))

    def missing_tags(self, held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
        """Returns the wanted tags that an event does not have. User names are compared without regard to case."""
        known = {tag.casefold() for tag in held}
        return tuple(tag for tag in wanted if tag.casefold() not in known)

    def obsolete_tags(self, held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
        """Returns the tags of earlier runs to remove: they begin like a tag of this role but have other contents."""
        if not self.corrects:
            return ()
        keep = {tag.casefold() for tag in wanted}
        beginnings = tuple(filter(None, map(_beginning, self.tags)))
        fixed = {tag.casefold() for tag in self.tags if not placeholders(tag)}
        return tuple(tag for tag in held if tag.startswith(beginnings) and tag.casefold() not in keep | fixed) if beginnings else ()

    def comment_for(self, session: Mapping[str, Any]) -> str:
        """Returns the comment that names the user of a session."""
        return filled(self.comment, _values(session))

    def has_comment(self, comments: Collection[str], session: Mapping[str, Any]) -> bool:
        """True if an event has the comment already, with any end: a log that has grown may now contain the end. The comment may follow a
        correction, because both are written together.
        """
        if not self.comment:
            return True
        said = pattern_of(self.comment, _values(session), open_names=("end",)).pattern
        correction = pattern_of(self.correction_comment, dict.fromkeys(_CORRECTION, ""), open_names=_CORRECTION).pattern
        pattern = re.compile(f"(?:{correction} )?{said}", re.DOTALL)
        return any(pattern.fullmatch(comment.strip()) for comment in comments)

    def is_said(self, texts: Iterable[str], session: Mapping[str, Any]) -> bool:
        """True if one of these texts contains the comment, with any end. Texts and comment are in normal form."""
        values = {name: normal(value) for name, value in _values(session).items()}
        said = pattern_of(normal(self.comment), values, open_names=("end",)).pattern
        pattern = re.compile(rf"(?<!\w){said}(?!\w)", re.DOTALL)
        return any(pattern.search(text) for text in texts)

    def claims_in(self, text: str) -> Iterator[Claim]:
        """Returns the claims of earlier runs in a text in normal form. A comment without address, user and start is not recognised."""
        template = normal(self.comment)
        names = placeholders(template)
        if len(set(names)) < len(names) or not {"username", "ipaddr", "start"} <= set(names) or template.startswith("{"):
            return
        for found in reading_pattern(template).finditer(text):
            values = found.groupdict()
            start, end = _time(values["start"]), _time(values.get("end", ""))
            if start is not None:
                yield Claim(values["ipaddr"], values["username"], start, end, found.start())

    def corrected(self, correction: Correction) -> str:
        """Returns the comment on tags that are removed."""
        return filled(self.correction_comment, correction.values())

    def ambiguous_for(self, alert: Alert, candidates: Sequence[Mapping[str, Any]]) -> str:
        """Returns the comment that lists the candidates; empty if the event has it already or none is wanted."""
        values = {"ipaddr": alert.ipaddr, "time": alert.written_time or "", "candidates": _listed(candidates)}
        comment = filled(self.ambiguous_comment, values)
        return "" if comment in [held.strip() for held in alert.state.comments] else comment


def _beginning(template: str) -> str:
    """Returns the fixed beginning of tags of this template.

    Empty if other tags could begin in the same way, as with `{username}` or `vpn{username}`.
    """
    beginning = template.partition("{")[0] if placeholders(template) else ""
    return beginning if beginning and not beginning[-1].isalnum() and tag_name(beginning) else ""


def _values(session: Mapping[str, Any]) -> dict[str, str]:
    values = {name: one_line(str(session.get(name) or "")) for name in _SESSION}
    shown = {name: value or _UNKNOWN for name, value in values.items()}
    return {**shown, "username": values["username"] or _NAMELESS, "end": values["end"] or NO_END}


def _time(text: str) -> int | None:
    try:
        return iso8601_to_milliseconds(text, Zone.named("UTC"))
    except (ValueError, OverflowError):
        return None


def _listed(candidates: Sequence[Mapping[str, Any]]) -> str:
    listed = [
        filled("{username} from {associated_ipaddr} since {start}", _values(candidate)) for candidate in candidates[:_LISTED_CANDIDATES]
    ]
    more = len(candidates) - len(listed)
    return "; ".join(listed) + (f"; and {more} more" if more else "")
