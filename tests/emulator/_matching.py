# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests on one field of a document, shared by both query languages."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._stellar_store import Candidate

Test = Callable[["Candidate"], bool]

_FRACTION = re.compile(r"\.(\d{1,6})\d*")
_DATE_MATH = re.compile(r"now(?:([+-])(\d+)([smhdw]))?$")
_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_UTC = dt.timezone(dt.timedelta(0))
_TOKEN = re.compile(r"\w+")


class QueryError(ValueError):
    """A query that cannot be understood; `kind` is Elasticsearch's name for the error."""

    def __init__(self, reason: str, kind: str = "parsing_exception") -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Bound:
    """One end of a range."""

    value: Any
    upper: bool
    inclusive: bool


def values(candidate: Candidate, name: str) -> list[Any]:
    """All plain values of a field; lists are flattened, dotted names lead into objects or are used as they are."""
    if name == "_id":
        return [candidate.id]
    if name == "_index":
        return [candidate.real_index, candidate.alias]
    name = name.removesuffix(".keyword")
    direct = candidate.source.get(name)
    if isinstance(direct, (str, int, float)):
        return [direct]
    return list(_resolve(candidate.source, name))


def _resolve(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _resolve(one, name)
    elif name == "":
        if value is not None and not isinstance(value, dict):
            yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            if key == name:
                yield from _resolve(one, "")
            elif name.startswith(f"{key}."):
                yield from _resolve(one, name[len(key) + 1 :])


def _everywhere(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _everywhere(one)
    elif isinstance(value, list):
        for one in value:
            yield from _everywhere(one)
    elif value is not None:
        yield value


class Matcher:
    """Builds tests on fields. Strings are compared whole, or as words in any case where they are `analyzed`."""

    def __init__(self, *, analyzed: bool) -> None:
        self._analyzed = analyzed

    def equal(self, name: str | None, wanted: Any, *, whole: bool = False) -> Test:
        """The field has this value; without a name, any field. `whole` compares strings as they are."""
        analyzed = self._analyzed and not whole and not (name or "").endswith(".keyword") and name != "_id"
        same = _comparison(wanted, analyzed=analyzed or name is None)
        return _on(name, same)

    def like(self, name: str | None, pattern: re.Pattern[str]) -> Test:
        """The field's text fits a pattern; in analyzed strings one word has to."""

        def fits(value: Any) -> bool:
            text = _text(value)
            if pattern.fullmatch(text):
                return True
            return self._analyzed and any(pattern.fullmatch(word) for word in _TOKEN.findall(text.lower()))

        return _on(name, fits)

    def words(self, name: str, text: str) -> Test:
        """One of the words is in the field; the whole text where strings are not analyzed."""
        if not self._analyzed or name.endswith(".keyword"):
            return self.equal(name, text)
        tests = [self.equal(name, word) for word in _TOKEN.findall(text)]
        return lambda candidate: any(test(candidate) for test in tests)

    def between(self, name: str, bounds: list[Bound]) -> Test:
        """The field lies within all bounds."""
        tests = [_bound_test(bound) for bound in bounds]
        return lambda candidate: any(all(test(value) for test in tests) for value in values(candidate, name))

    def exists(self, name: str) -> Test:
        """The field has a value."""
        return lambda candidate: bool(values(candidate, name)) or _is_object(candidate, name)


def _is_object(candidate: Candidate, name: str) -> bool:
    value: Any = candidate.source
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return isinstance(value, dict) and any(True for _found in _everywhere(value))


def _on(name: str | None, test: Callable[[Any], bool]) -> Test:
    if name is None:
        return lambda candidate: any(test(value) for value in _everywhere(candidate.source))

    def on_field(candidate: Candidate) -> bool:
        # Most fields are one plain value; a search looks at every document, so this has to be quick.
        direct = candidate.source.get(name)
        if isinstance(direct, (str, int)):
            return test(direct)
        return any(test(value) for value in values(candidate, name))

    return on_field


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _comparison(wanted: Any, *, analyzed: bool) -> Callable[[Any], bool]:
    text, number = _text(wanted), as_number(wanted)
    words = _TOKEN.findall(text.lower()) if analyzed else []

    def same(value: Any) -> bool:
        if isinstance(value, str):
            return _has_phrase(_TOKEN.findall(value.lower()), words) if words else value == text
        if isinstance(value, bool):
            return _text(value) == text
        return number is not None and value == number

    return same


def _has_phrase(held: list[str], phrase: list[str]) -> bool:
    return any(held[start : start + len(phrase)] == phrase for start in range(len(held) - len(phrase) + 1))


def as_number(value: Any) -> float | int | None:
    """A number, a number in text, a date or date arithmetic (in epoch milliseconds); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return _as_date(text)


def _as_date(text: str) -> int | None:
    math = _DATE_MATH.fullmatch(text)
    if math:
        sign, count, unit = math.groups()
        shift = int(count) * _UNITS[unit] if count else 0
        return int(time.time() * 1000) + (-shift if sign == "-" else shift)
    try:
        # Python before 3.11 knows no Z, and fractions of three or six digits only.
        written = _FRACTION.sub(lambda found: f".{found.group(1).ljust(6, '0')}", text).replace("Z", "+00:00")
        moment = dt.datetime.fromisoformat(written)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_UTC)
    return int(moment.timestamp() * 1000)


def _bound_test(bound: Bound) -> Callable[[Any], bool]:
    number, text = as_number(bound.value), _text(bound.value)

    def within(value: Any) -> bool:
        if isinstance(value, str):
            own = as_number(value)
            if number is None or own is None:
                return _ordered(value, text, bound)
            return _ordered(own, number, bound)
        return number is not None and not isinstance(value, bool) and _ordered(value, number, bound)

    return within


def _ordered(value: Any, limit: Any, bound: Bound) -> bool:
    if value == limit:
        return bound.inclusive
    return bool(value < limit) if bound.upper else bool(value > limit)


def any_of(tests: list[Test]) -> Test:
    """At least one test holds."""
    return tests[0] if len(tests) == 1 else lambda candidate: any(test(candidate) for test in tests)


def all_of(tests: list[Test]) -> Test:
    """Every test holds."""
    first, *others = tests
    if not others:
        return first

    def every(candidate: Candidate) -> bool:
        return first(candidate) and all(test(candidate) for test in others)

    return every


def none_of(tests: list[Test]) -> Test:
    """No test holds."""
    return lambda candidate: not any(test(candidate) for test in tests)


def everything(_candidate: Candidate) -> bool:
    """Holds forevery document."""
    return True


def nothing(_candidate: Candidate) -> bool:
    """Holds for no document."""
    return False
