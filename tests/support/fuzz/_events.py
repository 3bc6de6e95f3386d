# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event fields, ids, index names, filters and hosts: what is sent is what was given and nothing else, or a typed error."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote_plus, unquote, urlsplit

from ansible_collections.secops.xdr.plugins.module_utils._argspec import whole_characters
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._events.event import wanted_event
from ansible_collections.secops.xdr.plugins.module_utils._events.fields import FIELDS, REQUIRED
from ansible_collections.secops.xdr.plugins.module_utils._events.info import InfoOptions
from ansible_collections.secops.xdr.plugins.module_utils._events.new import new_events
from ansible_collections.secops.xdr.plugins.module_utils._events.query import any_of, exact, in_parts, is_field_name, same_event
from ansible_collections.secops.xdr.plugins.module_utils._events.state import STATUSES
from ansible_collections.secops.xdr.plugins.module_utils._http.connection import parse_host
from ansible_collections.secops.xdr.plugins.module_utils._resources.updating import Entry
from ansible_collections.secops.xdr.plugins.module_utils._stellar.paths import (
    checked_id,
    checked_index,
    checked_pattern,
    event_path,
    search_path,
    security_event_path,
)

from emulator._lucene import compile_query
from emulator._matching import Matcher
from support.fuzz._draw import Draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator._stellar_store import Candidate

_MATCHER = Matcher(analyzed=False)
_NAMES = ("event_name", "event_source", "timestamp", "orig_id", "case", "a.b", "x y", "NOT", "*", "")


def events(data: bytes) -> None:
    """One option or set of options."""
    draw = Draw(data)
    message = ""
    try:
        draw.pick(_CASES)(draw)
    except InputError as error:
        message = error.message
    assert message.isprintable(), "a message could steer a terminal"


def _new_events(draw: Draw) -> None:
    """The values as Ansible hands them over: of the type of their option."""
    values: dict[str, Any] = {field.option: _of_type(draw, field.option_type) if draw.flag(4) else None for field in FIELDS}
    values.update({name: draw.text() for name in REQUIRED if draw.flag(16)})
    defaults = {"event_name": draw.text(20), "event_source": "VPN", "event_status": draw.pick(STATUSES), "timestamp": "1717143300000"}
    values = {**values, **{name: values[name] or default for name, default in defaults.items()}}
    values["custom_fields"] = draw.json(2) if draw.flag() else None
    if not isinstance(values["custom_fields"], dict):
        values["custom_fields"] = None
    unique_by = [draw.pick(_NAMES) for _name in range(draw.number(3))]
    (event,) = new_events({**values, "events": None, "unique_by": unique_by or ["event_name", "event_source", "timestamp"]})
    sent = json.loads(event.encoded(), parse_constant=_no_constant)
    # As JSON: two halves of a character side by side become one on the way.
    assert json.dumps(sent) == json.dumps(event.body)
    clause = same_event(event.unique)
    assert list(in_parts([clause, clause], 100))
    _check_finds(clause, {**sent})


def _no_constant(name: str) -> None:
    message = f"{name} is no JSON"
    raise AssertionError(message)


def _of_type(draw: Draw, option_type: str) -> Any:
    if option_type == "int":
        return draw.pick((0, 1, 100, 101, -1, 2**63 - 1, 2**63, -(2**63), 10**30))
    if option_type == "float":
        return draw.pick((0.0, 0.5, 100.0, 100.1, -0.1, float("inf"), float("nan"), 1e308))
    if option_type == "bool":
        return draw.flag()
    if option_type == "list":
        return [draw.text() for _item in range(draw.number(3))]
    if option_type == "dict":
        value = draw.json(2)
        return value if isinstance(value, dict) else {draw.text(): value}
    return draw.text(20)


def _clauses(draw: Draw) -> None:
    """A value in a query finds that value and no other, whatever it holds."""
    name = draw.pick(("event_name", "srcip", "a.b"))
    held, other = (draw.text(20) for _value in range(2))
    for clause in (exact(name, held), any_of(name, [held, held])):
        found = compile_query(clause, _MATCHER)
        assert found(_document({name: held}))
        assert found(_document({name: other})) == (held == other)
        assert not found(_document({"other": held}))


def _conditions(draw: Draw) -> None:
    """A filter is a condition beside the others; nothing in it opens another one."""
    wanted = {draw.pick(_NAMES) if draw.flag() else draw.text(): draw.json(1) for _entry in range(1 + draw.number(2))}
    nothing = {"id": None, "query": None, "absent": None, "since": None, "until": None}
    sort = [draw.text() for _entry in range(draw.number(2))]
    options = InfoOptions.parsed({**nothing, "index": "aella-ser-*", "filter": wanted, "sort": sort, "size": 10, "limit": 10}, ())
    if not options.queries():
        return
    [query] = options.queries()
    quote_plus(query)
    found = compile_query(query, _MATCHER)
    assert all(is_field_name(name) for name in wanted)
    source = {name: value[0] if isinstance(value, list) else value for name, value in wanted.items() if value is not None}
    if all(isinstance(value, str) for value in source.values()) and "." not in "".join(source) and {"_id", "_index"}.isdisjoint(source):
        assert found(_document({"unrelated": "x", **source}))
        assert not source or not found(_document({"unrelated": "x"}))


def _document(source: dict[str, Any]) -> Candidate:
    return cast("Candidate", SimpleNamespace(id="1", real_index="aella-ser-1", alias="aella-ser", source=source))


def _check_finds(clause: str, source: dict[str, Any]) -> None:
    quote_plus(clause)
    texts_and_numbers = {name: value for name, value in source.items() if isinstance(value, (str, int)) and not isinstance(value, bool)}
    assert texts_and_numbers
    compile_query(clause, _MATCHER)(_document(texts_and_numbers))


def _paths(draw: Draw) -> None:
    """Ids and index names stay one part of a path each."""
    index, identifier = (draw.mutated("aella-ser-1-") if draw.flag() else draw.text(20) for _name in range(2))
    pattern = checked_pattern("index", draw.mutated("aella-ser-*"))
    assert len(_parts_of(search_path(pattern))) == 5
    index, identifier = checked_index("index", index), checked_id("id", identifier)
    assert _parts_of(event_path(index, identifier))[3:] == [index, "amsg", identifier]
    assert _parts_of(security_event_path(index, identifier))[4:] == [index, identifier]


def _parts_of(path: str) -> list[str]:
    parts = urlsplit(f"https://server.example.com{path}")
    assert parts[3:] == ("", "")
    assert parts.path.isascii()
    assert not {".", ".."}.intersection(parts.path.split("/"))
    return [unquote(part) for part in parts.path.split("/")[1:]]


def _changes(draw: Draw) -> None:
    """Tags, comments and the like are sent as they are given."""
    texts = [draw.text(20) for _text in range(4)]
    entry: dict[str, Any] = {"index": "aella-ser-1", "id": "1", "source": None, "status": None, "comment": texts[0]}
    entry |= {"add_tags": texts[1:3], "remove_tags": texts[3:]}
    wanted = wanted_event(Entry("events[0].", entry))
    sent = [whole_characters(text) for text in texts]
    assert wanted.change.comment == sent[0]
    assert set(wanted.change.add_tags) == set(sent[1:3])


def _hosts(draw: Draw) -> None:
    """A host is a host: nothing in it becomes another host, a path, a user or a query."""
    given = draw.mutated(
        draw.pick(("server.example.com", "https://server.example.com:8443", "10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"))
    )
    url = urlsplit(parse_host(given, validate_certs=True))
    assert url.scheme == "https"
    assert url[2:] == ("", "", "")
    assert "@" not in url.netloc
    assert url.hostname
    assert url.hostname.lower() in given.lower()
    assert url.netloc.isascii()


_CASES: tuple[Callable[[Draw], None], ...] = (_new_events, _clauses, _conditions, _paths, _changes, _hosts)
