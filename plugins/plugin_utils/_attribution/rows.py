# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The rows of the report for other programs: as CSV that is safe to open in a spreadsheet, and as JSON."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from .texts import AttributionError, check_placeholders, filled, one_line, placeholders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONSOLE = ("index", "id")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""A spreadsheet treats a cell that begins with one of these as a formula, possibly after removing spaces."""
COLUMNS = (
    *("time", "event_name", "event_score", "ipaddr", "outcome", "username", "associated_ipaddr", "session_start", "session_end"),
    *("gateway", "reason", "settle", "doubts", "candidates", "tags", "removed_tags", "changed", "part_of", "index", "id", "url"),
)


def row(found: Mapping[str, Any], console_url: str) -> dict[str, Any]:
    """Returns one event as a row."""
    session = found["session"] or {}
    return {
        "time": found["time"],
        "event_name": found["event_name"],
        "event_score": found["event_score"],
        "ipaddr": found["ipaddr"],
        "outcome": found["outcome"],
        "username": session.get("username"),
        "associated_ipaddr": session.get("associated_ipaddr"),
        "session_start": session.get("start"),
        "session_end": session.get("end"),
        "gateway": session.get("gateway"),
        "reason": found["reason"],
        "settle": found["settle"],
        "doubts": list(found["doubts"]),
        "candidates": [str(candidate.get("username") or "") for candidate in found["candidates"]],
        "tags": list(found["tags"]),
        "removed_tags": list(found["removed_tags"]),
        "changed": found["changed"],
        "part_of": found["part_of"],
        "index": found["index"],
        "id": found["id"],
        "url": console_link(console_url, found),
    }


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as a JSON list, one row per line; only ASCII, so that the encoding does not matter."""
    return "[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n"


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns the rows as CSV with a header. No cell is a formula, whatever names and events contain."""
    target = io.StringIO()
    writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(one[column]) for column in COLUMNS] for one in rows)
    return target.getvalue()


def check_console_url(option: str, url: str) -> None:
    """Raises AttributionError unless this is a web address, with `{index}` and `{id}` as the only names in braces."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not host or any(not character.isprintable() or character.isspace() for character in url):
        raise AttributionError(
            f"{option}: {one_line(url)!r} is not a web address; give one such as https://stellar.example.com/alerts/{{index}}/{{id}}."
        )
    check_placeholders(option, url, _CONSOLE)


def console_link(url: str, found: Mapping[str, Any]) -> str:
    """Returns the address of an event in the console; detections have none. Without a placeholder, the id is added after a slash."""
    if not url or not found["index"]:
        return ""
    template = url if placeholders(url) else f"{url.rstrip('/')}/{{id}}"
    return filled(template, {name: quote(str(found[name]), safe="", errors="replace") for name in _CONSOLE})


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    text = one_line("; ".join(map(str, value)) if isinstance(value, list) else str(value))
    # Spreadsheets also accept the full-width forms of these characters.
    first = unicodedata.normalize("NFKC", text.lstrip()[:1])
    return f"'{text}" if first in _FORMULA else text
