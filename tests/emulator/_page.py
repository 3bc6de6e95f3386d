# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page at `/_emulator`, for people: the data of both products, and the latest requests."""

from __future__ import annotations

import json
import time
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._emulator import Emulator

_SHOWN = 50
_LATEST_SECONDS, _LATEST_MS = 99_999_999_999, 99_999_999_999_999
"""A larger number than the first is in milliseconds, and one above the second is no time."""
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1d2733; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; border-bottom: 1px solid #c9d2dc; padding-bottom: .2rem; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid #e3e8ee; }
th { background: #f2f5f8; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
td { overflow-wrap: anywhere; } .quiet { color: #5b6b7c; }
@media (max-width: 50rem) {
  body { margin: 1rem auto; } h1 { font-size: 1.4rem; }
  table, tbody, tr, td { display: block; } .heads, td:empty { display: none; }
  tr { border-bottom: 1px solid #c9d2dc; padding: .4rem 0; }
  td, td.number { border: 0; padding: .1rem 0; text-align: left; }
  td::before { content: attr(data-head) ": "; color: #5b6b7c; }
}
"""
"""On a narrow screen, a row of a table is a list of its cells, each with the name of its column before it."""


def render(emulator: Emulator) -> str:
    """The whole page. Every value is escaped: events and sources come from outside."""
    return "\n".join(
        (
            "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Emulator</title>",
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            f"<style>{_STYLE}</style></head><body>",
            "<h1>ExtraHop and Stellar Cyber, emulated</h1>",
            f"<p class='quiet'>Running since {_words(emulator.started)}. As JSON: "
            + ", ".join(
                f"<a href='/_emulator/{name}'>{name}</a>" for name in ("state", "observations", "events", "requests", "faults", "settings")
            )
            + "</p>",
            _observations(emulator),
            _events(emulator),
            _faults(emulator),
            _requests(emulator),
            "</body></html>",
        )
    )


def _observations(emulator: Emulator) -> str:
    store = emulator.extrahop.store
    totals = store.counters()
    names = ("accepted", "distinct", "duplicates", "ignored", "stored")
    tallies = [(source, *(tally[name] for name in names)) for source, tally in totals["by_source"].items()]
    tallies.append(("all sources", *(totals[name] for name in names)))
    latest = store.rows(max(store.held - _SHOWN, 0))
    return (
        "<h2>Observations</h2>"
        + _table(("source", *names), tallies)
        + f"<p class='quiet'>Uploads: {totals['uploads']}. The latest distinct rows that are held:</p>"
        + _table(
            ("source", "ipaddr", "associated_ipaddr", "timestamp", "times", "outcome"),
            [
                (
                    row["source"],
                    row["ipaddr"],
                    row["associated_ipaddr"],
                    _moment(row["timestamp"]),
                    row["times"],
                    "ignored: never observed" if row["ignored"] else "",
                )
                for row in reversed(latest)
            ],
        )
    )


def _events(emulator: Emulator) -> str:
    counters = emulator.stellar.counters()
    documents = emulator.stellar.events(max(counters["events"] - _SHOWN, 0))
    rows = []
    for document in reversed(documents):
        source = document["_source"]
        comments = source.get("comments")
        rows.append(
            (
                f"{document['_index']} / {document['_id']}",
                source.get("event_name", ""),
                source.get("event_source", ""),
                source.get("event_status", ""),
                ", ".join(document["tags"]),
                _moment(source.get("timestamp")),
                "; ".join(str(one.get("comment", "")) for one in comments) if isinstance(comments, list) else "",
                document["_version"],
            )
        )
    heads = ("index / id", "name", "source", "status", "tags", "time", "comments", "version")
    return f"<h2>Security events</h2><p class='quiet'>Number of events: {counters['events']}.</p>" + _table(heads, rows)


def _faults(emulator: Emulator) -> str:
    faults = emulator.faults.as_list()
    if not faults:
        return ""
    rows = [
        (
            one["number"],
            one["action"],
            json.dumps(one["match"]),
            one["played"],
            "always" if one["times"] is None else one["times"],
        )
        for one in faults
    ]
    return "<h2>Faults</h2>" + _table(("number", "action", "match", "played", "times"), rows)


def _requests(emulator: Emulator) -> str:
    counters = emulator.journal.counters()
    kinds = ", ".join(f"{count} {kind}" for kind, count in counters["by_kind"].items())
    rows = [
        (
            _words(entry.arrived),
            entry.call.method,
            entry.call.path,
            entry.kind,
            "no answer" if entry.status is None else entry.status,
            entry.fault or "",
        )
        for entry in emulator.journal.latest(_SHOWN)
    ]
    return (
        f"<h2>Requests</h2><p class='quiet'>{counters['total']} in all: {kinds}.</p>"
        + _table(("path", "requests"), list(counters["by_path"].items()))
        + "<p class='quiet'>The latest:</p>"
        + _table(("time", "method", "path", "kind", "status", "fault"), rows)
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    names = [escape(head) for head in heads]
    lines = ["<table><tr class='heads'>", *(f"<th>{name}</th>" for name in names), "</tr>"]
    for row in rows:
        lines.append("<tr>")
        for name, value in zip(names, row, strict=True):
            kind = " class='number'" if isinstance(value, int) else ""
            lines.append(f"<td data-head='{name}'{kind}>{escape(f'{value:,}' if kind else str(value))}</td>")
        lines.append("</tr>")
    return "".join([*lines, "</table>"])


def _words(seconds: float) -> str:
    """A time such as `31 May 2024, 12:15:00 UTC`."""
    return time.strftime("%-d %b %Y, %H:%M:%S UTC", time.gmtime(seconds))


def _moment(given: object) -> str:
    """A time in epoch seconds or milliseconds in words, with the number behind it. Anything else is shown as it was given."""
    if not isinstance(given, (int, float)) or not 0 <= given < _LATEST_MS:
        return "" if given is None else str(given)
    return f"{_words(given / 1000 if given > _LATEST_SECONDS else given)} ({given})"
