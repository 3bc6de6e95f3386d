# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Lucene queries for exact values: special characters are escaped.

If the server's index analyses a text, the query also finds texts that differ in case or contain more words. Callers that need the exact
value compare the results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from .._errors import InputError
from .._resources.texts import normal, resembles, spellings
from .._stellar.paths import LONGEST_LINE
from .._times.timestamps import event_time
from .fields import CUSTOM_OBJECT, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_FIELD_NAME = re.compile(r"[A-Za-z_@][\w.@-]*\Z", re.ASCII)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_WORD = re.compile(r"\w+")
_OPERATORS = ("AND", "OR", "NOT", "TO")
_LONGEST_INDEXED_TEXT = 256
"""Elasticsearch's usual limit for texts that are indexed as a whole; longer ones may not be found by their value."""
_SHORTEST_BEGINNING = 8
"""The minimum length of a text that may have been cut."""
_OTHER_PARAMETERS = 200
"""Bytes of a request line without path and query."""
_MOST_CLAUSES = 250
"""Maximum number of clauses in a query; servers accept 1,024, and each of ours may become several."""


def is_field_name(name: str) -> bool:
    """True if a query can name this field."""
    return bool(_FIELD_NAME.match(name)) and name not in _OPERATORS


def is_searchable(name: str, value: Any) -> bool:
    """True if a document can be found by this value."""
    if isinstance(value, str):
        return is_field_name(name) and 0 < len(value) <= _LONGEST_INDEXED_TEXT and not _HALF_CHARACTER.search(value)
    return is_field_name(name)


def exact(name: str, value: Any) -> str:
    """Returns a clause for one value of a field."""
    return f"{name}:{_quoted(value)}"


def any_of(name: str, values: Iterable[Any]) -> str:
    """Returns a clause for any of several values of a field."""
    return f"{name}:({' OR '.join(_quoted(value) for value in values)})"


def same_event(unique: Mapping[str, Any]) -> str:
    """Returns a clause for the events with these values. It may find more; values that cannot be searched are left out."""
    clauses = [_stored_somewhere(name, value) for name, value in unique.items() if is_searchable(name, value)]
    return f"({' AND '.join(clauses)})"


def near_event(unique: Mapping[str, Any]) -> str:
    """Returns a clause for the events with these values even if the server rewrote their texts: by the other values, if any."""
    others = {name: value for name, value in unique.items() if not isinstance(value, str)}
    return same_event(others or unique)


def in_parts(clauses: Sequence[str], taken: int) -> Iterator[list[int]]:
    """Returns positions of clauses, in groups that fit into one request line each. `taken` bytes of the line are used already."""
    part: list[int] = []
    length = 0
    for position, clause in enumerate(clauses):
        added = len(quote_plus(clause)) + len("+OR+")
        if part and (length + added > LONGEST_LINE - _OTHER_PARAMETERS - taken or len(part) >= _MOST_CLAUSES):
            yield part
            part, length = [], 0
        part.append(position)
        length += added
    if part:
        yield part


def stored_value(source: Mapping[str, Any], name: str) -> Any:
    """Returns the value of a field in a document: dotted names may be nested, and fields outside the index are below custom_ser_field."""
    for holder in (source, source.get(CUSTOM_OBJECT)):
        if isinstance(holder, dict):
            if name in holder:
                return holder[name]
            first, dot, rest = name.partition(".")
            if dot and isinstance(holder.get(first), dict):
                return stored_value(holder[first], rest)
    return None


def is_same(wanted: Any, held: Any) -> bool:
    """True if a document has the value that was sent. Numbers and times may come back in another notation, texts rewritten."""
    if isinstance(wanted, bool) or isinstance(held, bool):
        return wanted is held
    if isinstance(wanted, (int, float)) and isinstance(held, str):
        return str(wanted) == held or _number(held) == wanted
    if isinstance(wanted, str) and isinstance(held, str):
        return wanted == held or normal(wanted) == normal(held)
    return bool(wanted == held)


def is_rewritten(wanted: Any, held: Any) -> bool:
    """True if a server may have turned one value into the other: a text in other case or cut, a time without milliseconds."""
    if isinstance(wanted, str):
        return isinstance(held, str) and (resembles(wanted, held) or _is_beginning(held, wanted))
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        return False
    return _number(str(held)) in (wanted // 1000, wanted // 1000 * 1000)


def _is_beginning(held: str, wanted: str) -> bool:
    return len(held) >= _SHORTEST_BEGINNING and normal(wanted).startswith(normal(held))


def may_match(wanted: Any, held: Any) -> bool:
    """True if a search for a value may find a document with a different value: analysed texts, networks, times, fields with many values."""
    if isinstance(held, list):
        return any(may_match(wanted, item) for item in held)
    if held is None or isinstance(held, dict):
        return False
    if is_same(wanted, held) or "/" in str(wanted):
        return True
    return set(_WORD.findall(str(wanted).casefold())) <= set(_WORD.findall(str(held).casefold()))


def _number(text: str) -> float | None:
    """Returns the number in a text, or its time in epoch milliseconds."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return event_time("", text)
    except InputError:
        return None


def _stored_somewhere(name: str, value: Any) -> str:
    values = list(spellings(value)) if isinstance(value, str) else [value]
    names = [name] if name in NAMES else [name, f"{CUSTOM_OBJECT}.{name}"]
    clauses = [exact(name, text) for name in names for text in values]
    return clauses[0] if len(clauses) == 1 else f"({' OR '.join(clauses)})"


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
