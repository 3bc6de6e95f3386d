# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The answers of Stellar Cyber, as typed values.

Sources of the facts: the vendor's pages "Using the API to Insert a Security Event Document" and "Using the API to Update Tags, Status,
and Comments for Events", and the answers of Elasticsearch to searches. Refusals are texts; their HTTP status is not documented.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError, PartialSearchError, StatusError
from .._http.answers import reason_of, says_failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._http.answers import Answer

_REFUSAL = re.compile(
    r"(invalid|missing|error|fail|unknown|unable|cannot|no such|not |exception|traceback|unauthori[sz]ed|forbidden|permission|denied|"
    r"timeout|timed out)",
    re.IGNORECASE,
)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_GAPS = {
    "timed_out": "it timed out",
    "terminated_early": "it was terminated early",
    "is_partial": "its results are partial",
    "is_running": "it is still running",
}
"""Marks of a partial search, and their meaning."""
_SUCCESS = re.compile(r"(ok|success|updated|created)\b", re.IGNORECASE)


@dataclass(frozen=True)
class InsertedEvent:
    """The answer to an insert: the id of the new event, and an alias of its index."""

    index: str | None
    id: str


@dataclass(frozen=True)
class StoredEvent:
    """A document as the server stores it, under its own index."""

    index: str
    id: str
    source: Mapping[str, Any]
    sort: tuple[Any, ...] = ()
    """The values by which a search sorted it."""


@dataclass(frozen=True)
class SearchPage:
    """One page of a search. `total_is_exact` is false if the server stopped counting.

    `gap` describes the missing part if only a part of the index answered; otherwise it is empty.
    """

    events: Sequence[StoredEvent]
    total: int
    total_is_exact: bool
    scroll_id: str | None
    gap: str = ""


def accepted_value(answer: Answer) -> Any:
    """The JSON of an accepted write, or None for a text such as `OK 200` and for an empty answer.

    Raises StatusError for a refusal with any status, and AnswerError for anything else.
    """
    text = answer.text.lstrip("\ufeff").strip()
    value = None if answer.is_html else _parsed(text)
    said = value if isinstance(value, str) else text
    if not answer.is_html:
        if (isinstance(value, dict) and says_failed(value)) or (not isinstance(value, dict) and _REFUSAL.match(said)):
            raise _refused(answer)
        if isinstance(value, dict) or not said or _SUCCESS.match(said):
            return value
    raise answer.unexpected("OK or a JSON object was expected")


def inserted_event(answer: Answer) -> InsertedEvent:
    """Returns the id in the answer to an insert. Raises AnswerError for every other answer: nothing else proves that the event is there."""
    value = None if answer.is_html else _parsed(answer.text.lstrip("\ufeff").strip())
    fields = value if isinstance(value, dict) else {}
    index, identifier = fields.get("index", fields.get("_index")), fields.get("_id")
    if isinstance(identifier, str) and identifier and not says_failed(fields):
        return InsertedEvent(index if isinstance(index, str) else None, identifier)
    found = "an HTML page" if answer.is_html else answer.shown(answer.text) or "an empty body"
    raise AnswerError(
        f"{answer.method} {answer.path} was answered with status {answer.status} and without the id of the new event, which alone proves "
        f"that it was inserted: {found}.",
        status=answer.status,
        method=answer.method,
        path=answer.path,
    )


def says_document_missing(answer: Answer) -> bool:
    """True if a 404 is about the document or its index, not about the path."""
    value = None if answer.is_html else _parsed(answer.text)
    if not isinstance(value, dict):
        return False
    error = value.get("error")
    return value.get("found") is False or (isinstance(error, dict) and error.get("type") == "index_not_found_exception")


def stored_event(answer: Answer) -> StoredEvent | None:
    """Returns the document in the answer to a read by id; None if the server found none."""
    fields = answer.json_object()
    if fields.get("found") is False:
        return None
    return stored(fields, answer)


def search_page(answer: Answer) -> SearchPage:
    """Returns the hits of a search, with `gap` set if only a part of the index answered."""
    fields = answer.json_object()
    hits = fields.get("hits")
    if hits is None and "hits" in fields:
        hits = {"hits": [], "total": 0}
    if isinstance(hits, dict) and hits.get("hits") is None and ("hits" in hits or hits.get("total") in (0, {"value": 0, "relation": "eq"})):
        hits = {**hits, "hits": []}
    if not isinstance(hits, dict) or not isinstance(hits.get("hits"), list):
        raise answer.unexpected("hits of a search were expected")
    total, is_exact = _total(hits.get("total"))
    scroll_id = fields.get("_scroll_id")
    events = [stored(hit, answer) for hit in hits["hits"]]
    gap = _gap(fields)
    return SearchPage(events, max(total, len(events)), is_exact and not gap, scroll_id if isinstance(scroll_id, str) else None, gap)


def require_whole(page: SearchPage) -> SearchPage:
    """The page itself; raises PartialSearchError if only a part of the index answered."""
    if page.gap:
        raise PartialSearchError(
            f"The search was not answered by the whole index: {page.gap}. What it does not show may be there all the same. "
            "Check the health of the server's data nodes (or of the clusters that it searches), and run again."
        )
    return page


def _gap(fields: Mapping[str, Any]) -> str:
    """Describes the parts of the index that did not answer; empty if all of them did."""
    for name, meaning in _GAPS.items():
        if fields.get(name):
            return meaning
    if says_failed(fields):
        return "it reported an error beside its hits"
    return _part_missing(fields.get("_shards"), "shards") or _part_missing(fields.get("_clusters"), "clusters")


def _part_missing(counts: Any, what: str) -> str:
    if not isinstance(counts, dict):
        return ""
    numbers = {name: int(value) for name, value in counts.items() if not isinstance(value, bool) and str(value).isdecimal()}
    total, successful = numbers.get("total", 0), numbers.get("successful", numbers.get("total", 0))
    # Skipped shards cannot contain a hit and count as successful. A skipped cluster was not reached.
    bad = [name for name in ("failed", "partial", "running", *(("skipped",) if what == "clusters" else ())) if numbers.get(name)]
    if bad or successful < total or counts.get("failures"):
        details = ", ".join(f"{numbers[name]} {name}" for name in bad)
        return f"{successful} of {total} {what} answered" + (f" ({details})" if details else "")
    return ""


def stored(fields: Any, answer: Answer) -> StoredEvent:
    if isinstance(fields, dict):
        index, identifier, source = fields.get("_index"), fields.get("_id"), fields.get("_source")
        if isinstance(index, str) and isinstance(identifier, str) and isinstance(source, dict):
            sort = fields.get("sort")
            with suppress(RecursionError):
                return StoredEvent(sound(index), sound(identifier), sound(source), tuple(sort) if isinstance(sort, list) else ())
            raise answer.unexpected("documents that are nested less deeply were expected")
    raise answer.unexpected("documents with _index, _id and _source were expected")


def sound(value: Any) -> Any:
    """Returns the value with U+FFFD instead of unpaired surrogates, which are valid in JSON but cannot be written."""
    if isinstance(value, str):
        return value if value.isascii() else _HALF_CHARACTER.sub("\ufffd", value)
    if isinstance(value, dict):
        return {sound(name): sound(item) for name, item in value.items()}
    return [sound(item) for item in value] if isinstance(value, list) else value


def _total(value: Any) -> tuple[int, bool]:
    """Reads the total: `{"value", "relation"}` in Elasticsearch 7, a number in older versions."""
    if isinstance(value, dict):
        number, is_exact = value.get("value"), value.get("relation") != "gte"
    else:
        number, is_exact = value, True
    return (number, is_exact) if isinstance(number, int) and not isinstance(number, bool) else (0, False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refused(answer: Answer) -> StatusError:
    reason = reason_of(answer)
    message = f"{answer.method} {answer.path} was answered with status {answer.status}, but it was refused: {reason}."
    return StatusError(message, answer.status, reason, method=answer.method, path=answer.path)
