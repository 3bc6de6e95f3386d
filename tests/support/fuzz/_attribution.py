# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any events, and sessions of any users, to tags, comments and the report: nothing breaks, and no data becomes structure."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.filter.attribution_plan import attribution_plan
from ansible_collections.secops.xdr.plugins.filter.attribution_report import attribution_report
from jinja2 import Environment, FileSystemLoader

from support.fuzz._draw import Draw
from support.fuzz._times import UTC

if TYPE_CHECKING:
    from jinja2 import Template

_ROLE = Path(__file__).parents[3] / "roles" / "vpn_attribution"
_REASONS = ("unknown_address", "not_held", "after_log_end", "before_log_start", "not_covered", "ambiguous", "doubtful", "invalid_question")
_TIMES = ("2024-05-31T08:15:00Z", "2024-05-31T00:00:00Z", "2024-05-30T23:59:59Z", "1980-01-01T00:00:00Z", "2099-12-31T23:59:59Z")
_WORDING = {
    "tags": ["vpn_user:{username}", "vpn"],
    "comment": "{username} at {ipaddr} from {associated_ipaddr}, {start} to {end}.",
    "ambiguous_comment": "{ipaddr} at {time}: {candidates}",
    "correction_comment": "Correction: removed {tags}. {reason}",
}
_LIMIT = 3
_STYLE = "p{}"
_CONSOLE = "https://stellar.example.com/{index}/{id}"


def attribution(data: bytes) -> None:
    """One run of the role, with modules that answer what the bytes say."""
    draw = Draw(data)
    found = [_event(draw) for _event_ in range(1 + draw.number(2))]
    wording = {**_WORDING, "networks": draw.pick(([], ["10.8.0.0/16", "2001:db8::/32"])), "address_field": draw.pick(("srcip", "a.b"))}
    asked = attribution_plan(found, **wording)["questions"]
    matches = [_match(draw, question) for question in asked]
    planned = attribution_plan(found, matches, **wording)
    for update in planned["updates"]:
        assert all(_is_plain(tag) and " " not in tag for tag in update.get("add_tags", ()))
        assert all(tag.startswith("vpn_user:") for tag in update.get("remove_tags", ()))
        assert _is_plain(update.get("comment", ""))
    result = attribution_plan(found, matches, _update(draw, len(planned["updates"])), **wording)
    assert sum(result["counts"].values()) == 2 * len(found)
    read = _sessions(draw, matches)
    report = attribution_report(result, read, total=len(found), shown=_LIMIT, style=_STYLE, limit=_LIMIT, console_url=_CONSOLE)
    assert all(map(_is_plain, report["lines"]))
    assert len(json.loads(report["json"])) == len(found)
    assert not [cell for row in csv.reader(io.StringIO(report["csv"])) for cell in row if cell[:1] in "=+-@\t\r|%" and not _is_number(cell)]
    json.dumps(report["page"])
    options = {"report_title": draw.text(), "log": draw.text(), "paths": []}
    _check_page(_template().render(vpn_attribution_report=report, vpn_attribution_options=options))


def _is_number(cell: str) -> bool:
    """An empty cell, or the score of an event."""
    return not cell or cell.lstrip("-").replace(".", "").replace("e+", "").replace("e-", "").isdigit()


def _is_plain(text: str) -> bool:
    """True if nothing in a text steers a terminal or turns the direction of the text around it."""
    return all(character.isprintable() or unicodedata.category(character) == "Zs" for character in text)


def _event(draw: Draw) -> dict[str, Any]:
    source = {
        "event_name": draw.json(1) if draw.flag() else draw.text(30),
        "srcip": draw.pick(("10.8.0.2", "2001:db8::2", "203.0.113.9", ["10.8.0.2"])) if not draw.flag(4) else draw.json(1),
        "timestamp": draw.pick((1717143300000, "1717143300000", "2024-05-31T08:15:00Z", 253402300799999))
        if not draw.flag(4)
        else draw.json(1),
        "event_score": draw.json(1) if draw.flag(4) else 60,
    }
    source |= {draw.pick(("comments", "event_tags", "tags", "a", "event_status")): draw.json(2) for _field in range(draw.number(2))}
    return {"index": draw.text() or "i", "id": draw.text() or "1", "source": source}


def _session(draw: Draw, ipaddr: str) -> dict[str, Any]:
    """As vpn_session_info returns them."""
    start, end = sorted((draw.pick(_TIMES), draw.pick(_TIMES)))
    user = draw.text(40) if draw.flag() else "alice"
    times = {"start": start, "end": None if draw.flag(4) else end}
    outside = "203.0.113.5" if draw.flag() else None
    return {"line": draw.number(9), "username": user, "ipaddr": ipaddr, "associated_ipaddr": outside, "gateway": draw.text(9), **times}


def _match(draw: Draw, question: dict[str, str]) -> dict[str, Any]:
    if draw.flag():
        return {**question, "session": _session(draw, question["ipaddr"]), "candidates": [], "reason": None, "doubts": []}
    sessions = [_session(draw, question["ipaddr"]) for _session_ in range(draw.number(7))]
    return {**question, "session": None, "candidates": sessions, "reason": draw.pick(_REASONS), "doubts": [draw.text(40)]}


def _update(draw: Draw, count: int) -> dict[str, Any]:
    if draw.flag(4):
        return {"skipped": True}
    failed = [{"position": place, "reason": draw.text(40)} for place in range(count) if draw.flag(4)]
    return {"events": [{"changed": draw.flag()} for _event_ in range(count)], "failed_events": failed}


def _sessions(draw: Draw, matches: list[dict[str, Any]]) -> dict[str, Any]:
    ipaddrs = [match["ipaddr"] for match in matches] or ["10.8.0.2"]
    listed = [_session(draw, draw.pick(ipaddrs)) for _session_ in range(draw.number(6))]
    rejected = [{"line": 3, "reason": draw.text(40)} for _row in range(draw.number(2))]
    counts = {"read": 9, "sessions": 5, "selected": 5, "skipped": {"no_address": 1, "other_message": 2}, "rejected": len(rejected)}
    since, until = sorted((draw.pick(_TIMES), draw.pick(_TIMES)))
    doubts = [{"gateway": None, "ipaddr": draw.pick((None, *ipaddrs)), "since": since, "until": until, "line": 3, "reason": draw.text(40)}]
    return {
        "sessions": listed,
        "counts": counts,
        "rejected_rows": rejected,
        "log_end": draw.pick((*_TIMES, None)),
        "coverage": [{"gateway": draw.text(9), "since": since, "until": until}],
        "doubts": doubts if draw.flag() else [],
    }


@cache
def _template() -> Template:
    # As Ansible renders it: nothing is escaped unless the template says so.
    environment = Environment(loader=FileSystemLoader(_ROLE / "templates"), autoescape=False, trim_blocks=True)
    environment.globals["now"] = lambda utc: datetime(2024, 6, 1, tzinfo=UTC)
    return environment.get_template("report.html.j2")


@cache
def _known_tags() -> frozenset[str]:
    """Every tag that the template itself has, with its attributes' names."""
    source = (_ROLE / "templates" / "report.html.j2").read_text(encoding="utf-8")
    return frozenset(one.partition(">")[0].partition(" ")[0].strip("/") for one in source.split("<")[1:] if one[0].isalpha())


def _check_page(page: str) -> None:
    """Fails where something of the data became a part of the page's structure."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    assert parser.tags <= _known_tags() | {"html"}
    assert not [name for name in parser.attributes if name.startswith("on") or name in ("src", "formaction", "srcdoc", "action", "target")]
    assert all(link.startswith(("#", "https://stellar.example.com/")) for link in parser.links)
    assert parser.styles == [_STYLE]


class _Page(HTMLParser):
    """Notes what a page is made of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag and its attributes."""
        self.tags.add(tag)
        self.attributes.update(name for name, _value in attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "xlink:href")]

    def handle_data(self, data: str) -> None:
        """Text; of the style sheet, what it says."""
        if self.lasttag == "style" and data.strip():
            self.styles.append(data)
