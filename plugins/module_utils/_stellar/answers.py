# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What Stellar Cyber answers, as typed values.

Sources of the facts: the vendor's pages "Using the API to Insert a Security Event Document" and "Using the API to Update Tags, Status,
and Comments for Events", and what Elasticsearch answers to searches. Refusals are texts whose HTTP status nobody documents.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._errors import StatusError
from .._http.refusals import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._http.answers import Answer

_REFUSAL = re.compile(r"(invalid|missing|error|fail|unknown|unable|cannot|no such|not )", re.IGNORECASE)
_SUCCESS = re.compile(r"(ok|success|updated|created)\b", re.IGNORECASE)


@dataclass(frozen=True)
class InsertedEvent:
    """What an insert was answered with: the name of the index is an alias. Some servers only say that it is done."""

    index: str | None
    id: str | None


@dataclass(frozen=True)
class StoredEvent:
    """A document as the server holds it, under its own index."""

    index: str
    id: str
    source: Mapping[str, Any]


@dataclass(frozen=True)
class SearchPage:
    """One page of a search. C(total_is_exact) is false where the server stopped counting."""

    events: Sequence[StoredEvent]
    total: int
    total_is_exact: bool
    scroll_id: str | None


def accepted_value(answer: Answer) -> Any:
    """The JSON of an accepted write, or nothing where it is a text such as C(OK 200).

    Raises StatusError for a refusal, whatever status it came with, and AnswerError for anything that is neither.
    """
    text = answer.text.strip()
    value = None if answer.is_html else _parsed(text)
    said = value if isinstance(value, str) else text
    if not answer.is_html:
        if isinstance(value, dict) and (value.get("error") or value.get("success") is False):
            raise _refused(answer)
        if not isinstance(value, dict) and _REFUSAL.match(said):
            raise _refused(answer)
        if isinstance(value, dict) or not said or _SUCCESS.match(said):
            return value
    raise answer.unexpected("OK or a JSON object was expected")


def inserted_event(answer: Answer) -> InsertedEvent:
    """What an insert was answered with."""
    value = accepted_value(answer)
    fields = value if isinstance(value, dict) else {}
    index, identifier = fields.get("index"), fields.get("_id")
    return InsertedEvent(index if isinstance(index, str) else None, identifier if isinstance(identifier, str) else None)


def says_document_missing(answer: Answer) -> bool:
    """Whether a 404 is about the document, and not about the path."""
    value = None if answer.is_html else _parsed(answer.text)
    return isinstance(value, dict) and value.get("found") is False


def stored_event(answer: Answer) -> StoredEvent | None:
    """The document of an answer to a read by id; nothing where the server found none."""
    fields = answer.json_object()
    if fields.get("found") is False:
        return None
    return _stored(fields, answer)


def search_page(answer: Answer) -> SearchPage:
    """The hits of a search. Raises AnswerError where a part of the index did not answer: what is missing would pass for absent."""
    fields = answer.json_object()
    hits = fields.get("hits")
    if not isinstance(hits, dict) or not isinstance(hits.get("hits"), list):
        raise answer.unexpected("hits of a search were expected")
    shards = fields.get("_shards")
    if fields.get("timed_out") is True or (isinstance(shards, dict) and shards.get("failed")):
        raise answer.unexpected("a complete search was expected, but some shards did not answer or the search timed out")
    total, is_exact = _total(hits.get("total"))
    scroll_id = fields.get("_scroll_id")
    events = [_stored(hit, answer) for hit in hits["hits"]]
    return SearchPage(events, max(total, len(events)), is_exact, scroll_id if isinstance(scroll_id, str) else None)


def _stored(fields: Any, answer: Answer) -> StoredEvent:
    if isinstance(fields, dict):
        index, identifier, source = fields.get("_index"), fields.get("_id"), fields.get("_source")
        if isinstance(index, str) and isinstance(identifier, str) and isinstance(source, dict):
            return StoredEvent(index, identifier, source)
    raise answer.unexpected("documents with _index, _id and _source were expected")


def _total(value: Any) -> tuple[int, bool]:
    """Elasticsearch 7 says C({"value", "relation"}), older versions a number."""
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
