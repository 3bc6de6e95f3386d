# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of Lucene's query syntax that `q=` and `query_string` need; strict about escaping."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ._matching import Bound, Matcher, QueryError, Test, all_of, any_of, everything, none_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYNTAX = '!(){}[]^"~:/'
_RANGE = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s\]}]+)\s*([\]}])')


class Token(NamedTuple):
    """One piece of a query. `kind` is the character itself for brackets and signs."""

    kind: str
    text: str = ""
    pattern: re.Pattern[str] | None = None
    bounds: tuple[Bound, ...] = ()


_END = Token("end")


def compile_query(query: str, matcher: Matcher, *, default_and: bool = False) -> Test:
    """Compile a query to a test. Raises QueryError like Elasticsearch: `Failed to parse query [...]`."""
    if query.strip() in ("*", "*:*"):
        return everything
    try:
        parser = _Parser(list(_tokens(query)), matcher, default_and=default_and)
        return parser.whole()
    except QueryError as error:
        raise QueryError(f"Failed to parse query [{query}]: {error}", "query_shard_exception") from None


def _tokens(query: str) -> Iterator[Token]:
    position = 0
    while position < len(query):
        character = query[position]
        if character.isspace():
            position += 1
        elif character in "():!+-":
            yield Token(character)
            position += 1
        elif character == '"':
            end = _quote_end(query, position)
            yield Token("quoted", _unescaped(query[position + 1 : end]))
            position = end + 1
        elif character in "[{":
            found = _RANGE.match(query, position + 1)
            if found is None:
                raise QueryError(f"range expected at column {position}")
            yield Token("range", bounds=_bounds(character, *found.groups()))
            position = found.end()
        elif query.startswith(("&&", "||"), position):
            yield Token("AND" if character == "&" else "OR")
            position += 2
        elif character == "^":
            position = _boost_end(query, position)
        elif character in _SYNTAX:
            raise QueryError(f"unexpected {character!r} at column {position}")
        else:
            token, position = _term(query, position)
            yield token


def _quote_end(query: str, start: int) -> int:
    position = start + 1
    while position < len(query) and query[position] != '"':
        position += 2 if query[position] == "\\" else 1
    if position >= len(query):
        raise QueryError(f"quote at column {start} is not closed")
    return position


def _boost_end(query: str, start: int) -> int:
    found = re.compile(r"\^\d+(\.\d+)?").match(query, start)
    if found is None:
        raise QueryError(f"boost expected at column {start}")
    return found.end()


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _bounds(opening: str, low: str, high: str, closing: str) -> tuple[Bound, ...]:
    found = []
    for text, upper, inclusive in ((low, False, opening == "["), (high, True, closing == "]")):
        if text != "*":
            plain = _unescaped(text[1:-1] if text.startswith('"') else text)
            found.append(Bound(plain, upper, inclusive))
    return tuple(found)


def _term(query: str, start: int) -> tuple[Token, int]:
    """An unquoted word; wildcards in it make a pattern."""
    plain, pattern, wild = [], [], False
    position = start
    while position < len(query):
        character = query[position]
        if character == "\\":
            if position + 1 >= len(query):
                raise QueryError("nothing follows the last backslash")
            character = query[position + 1]
            position += 1
            pattern.append(re.escape(character))
        elif character.isspace() or character in _SYNTAX or query.startswith(("&&", "||"), position):
            break
        elif character in "*?":
            wild = True
            pattern.append(".*" if character == "*" else ".")
        else:
            pattern.append(re.escape(character))
        plain.append(character)
        position += 1
    raw, text = query[start:position], "".join(plain)
    if raw in ("AND", "OR", "NOT"):
        return Token(raw), position
    return Token("term", text, re.compile("".join(pattern), re.DOTALL) if wild else None), position


class _Parser:
    """Recursive descent over the tokens; each method gives the test of what it read."""

    def __init__(self, tokens: list[Token], matcher: Matcher, *, default_and: bool) -> None:
        self._tokens = tokens
        self._matcher = matcher
        self._default_and = default_and
        self._at = 0

    def whole(self) -> Test:
        """The whole query."""
        test = self._group(None)
        if self._peek() is not _END:
            raise QueryError(f"unexpected {self._peek().kind!r}")
        return test

    def _peek(self, ahead: int = 0) -> Token:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else _END

    def _take(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def _group(self, name: str | None) -> Test:
        """Clauses joined by OR, AND or nothing, up to the end or a closing bracket."""
        must: list[Test] = []
        should: list[Test] = []
        must_not: list[Test] = []
        after_or = False
        while True:
            sign, tests, forbidden = self._conjunction(name)
            before_or = self._peek().kind == "OR"
            if sign == "-":
                must_not.extend(forbidden)
            else:
                test = all_of([*tests, none_of(forbidden)] if forbidden else tests)
                required = sign == "+" or (self._default_and and not (before_or or after_or))
                (must if required else should).append(test)
            if before_or:
                self._take()
            elif self._peek() is _END or self._peek().kind == ")":
                break
            after_or = before_or
        parts = [*must]
        if should and not must:
            parts.append(any_of(should))
        if must_not:
            parts.append(none_of(must_not))
        return all_of(parts)

    def _conjunction(self, name: str | None) -> tuple[str, list[Test], list[Test]]:
        """Clauses joined by AND: a sign, the tests that must hold, and those that must not."""
        wanted: list[Test] = []
        forbidden: list[Test] = []
        first_sign = ""
        while True:
            sign = ""
            if self._peek().kind in ("+", "-", "!", "NOT"):
                kind = self._take().kind
                sign = "+" if kind == "+" else "-"
            test = self._clause(name)
            (forbidden if sign == "-" else wanted).append(test)
            first_sign = first_sign or (sign if sign == "+" else "")
            if self._peek().kind != "AND":
                break
            self._take()
        if not wanted:
            return "-", [], forbidden
        return first_sign, wanted, forbidden

    def _clause(self, name: str | None) -> Test:
        token = self._take()
        if token.kind == "(":
            test = self._group(name)
            if self._take().kind != ")":
                raise QueryError("a bracket is not closed")
            return test
        if token.kind == "term" and self._peek().kind == ":":
            if name is not None:
                raise QueryError("a field inside a field's brackets")
            self._take()
            return self._field(token.text)
        return self._value(name, token)

    def _field(self, name: str) -> Test:
        token = self._take()
        if token.kind == "(":
            self._at -= 1
            return self._clause(name)
        if name == "_exists_":
            return self._matcher.exists(token.text)
        return self._value(name, token)

    def _value(self, name: str | None, token: Token) -> Test:
        if token.kind == "-" and self._peek().kind == "term" and name is not None:
            follower = self._take()
            token = Token("term", f"-{follower.text}", follower.pattern)
        if token.kind == "range" and name is not None:
            return self._matcher.between(name, list(token.bounds)) if token.bounds else self._matcher.exists(name)
        if token.kind == "quoted":
            return self._matcher.equal(name, token.text)
        if token.kind != "term":
            raise QueryError("the query ends too early" if token is _END else f"unexpected {token.kind!r}")
        if name is not None and token.text.startswith((">", "<")):
            return self._comparison(name, token.text)
        if token.pattern is None:
            return self._matcher.equal(name, token.text)
        if token.text == "*" and name is not None:
            return self._matcher.exists(name)
        return self._matcher.like(name, token.pattern)

    def _comparison(self, name: str, text: str) -> Test:
        inclusive = text[1:2] == "="
        value = text[2:] if inclusive else text[1:]
        if not value:
            raise QueryError(f"a value is missing after {text}")
        return self._matcher.between(name, [Bound(value, text[0] == "<", inclusive)])
