# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converging one item and many, with a simple server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import (
    AnswerError,
    AuthenticationError,
    NoAnswerError,
    NotFoundError,
    PermissionDeniedError,
    StatusError,
    XdrError,
)
from ansible_collections.secops.xdr.plugins.module_utils._resources.converge import Convergence
from ansible_collections.secops.xdr.plugins.module_utils._resources.many import Workers, converge_all, diffs, module_result
from ansible_collections.secops.xdr.plugins.module_utils._resources.resource import Needed, Seen, Wanted, Wording, Written

from support.stellar import set_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNCLEAR = NoAnswerError("no answer", method="PUT", path="/x")
REFUSED = StatusError("no", 400, "no")
FORBIDDEN = PermissionDeniedError("forbidden", 403, "forbidden")


@dataclass(frozen=True)
class Ref:
    """An item by its name."""

    key: str

    @property
    def name(self) -> str:
        """The name in messages."""
        return f"items[{self.key}]"

    title = name

    def identity(self) -> dict[str, Any]:
        """The keys of the result."""
        return {"id": self.key}


@dataclass(frozen=True)
class Words:
    """A state, and also a change: the words that an item has, or shall have."""

    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.words

    def __str__(self) -> str:
        return ", ".join(self.words)

    def as_result(self) -> dict[str, Any]:
        """The state as users see it."""
        return {"words": list(self.words)}


def raise_if(error: XdrError | None) -> None:
    """Raises the error, if there is one."""
    if error is not None:
        raise error


@dataclass
class Server:
    """A server that holds words for each item. `answers` are what its next writes end with, `reads` what its next reads do."""

    held: dict[str, Words] = field(default_factory=dict)
    answers: list[tuple[bool, XdrError | None]] = field(default_factory=list)
    reads: list[XdrError | None] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    knows: tuple[bytes, ...] = ()

    wording = Wording("item", look="Look first.", again="Run again.", strange="Something is new.")

    def read(self, wanted: Wanted[Ref, Words]) -> Words:
        """The words of an item."""
        if self.reads:
            raise_if(self.reads.pop(0))
        return self.held.get(wanted.ref.key, Words())

    def needed(self, wanted: Wanted[Ref, Words], state: Words) -> Needed[Words]:
        """The words that are missing."""
        return Needed(Words(tuple(word for word in wanted.change.words if word not in state.words)), ("a warning",))

    def planned(self, state: Words, change: Words) -> Words:
        """Both."""
        return Words((*state.words, *change.words))

    def remember(self, written: Written[Words], ref: Ref, before: Words) -> None:
        """Does nothing."""

    def write(self, ref: Ref, change: Words) -> None:
        """Takes the words, or says that it does."""
        self.written.append(f"{ref.key}: {change}")
        works, error = self.answers.pop(0) if self.answers else (True, None)
        if works:
            self.held[ref.key] = self.planned(self.held.get(ref.key, Words()), change)
        raise_if(error)

    def seen(self, written: Written[Words], ref: Ref, before: Words, after: Words) -> Seen[Words]:
        """The words that are still missing."""
        left = tuple(word for word in written.change.words if word not in after.words)
        return Seen(Words(left), learned={ref.key.encode(): b""})

    def comes_late(self, change: Words, unclear: XdrError | None) -> bool:
        """True without a clear answer."""
        return unclear is not None

    def hint(self, left: Words) -> str:
        """A sentence."""
        return " Ask somebody."

    def knowing(self, learned: Mapping[bytes, bytes]) -> Server:
        """The same, knowing more."""
        self.knows = (*self.knows, *learned)
        return self


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    set_clock(monkeypatch)


def converge(server: Server, *, is_dry: bool = False, read_access: str = "auto", words: tuple[str, ...] = ("a",)) -> Any:
    """The outcome for one item."""
    return Convergence(read_access, is_dry=is_dry).converge(server, Wanted(Ref("1"), Words(words)))


def test_change_again_and_check_mode():
    server = Server({"1": Words(("old",))})

    planned, done = converge(server, is_dry=True), converge(server)
    again, planned_again = converge(server), converge(server, is_dry=True)

    assert (
        (planned.changed, planned.before, planned.after)
        == (done.changed, done.before, done.after)
        == (True, Words(("old",)), Words(("old", "a")))
    )
    assert (again.changed, planned_again.changed, again.after) == (False, False, done.after)
    assert server.written == ["1: a"]


@dataclass(frozen=True)
class Story:
    """The answers of a server, and what must come of them."""

    answers: list[tuple[bool, XdrError | None]]
    writes: int
    changed: bool
    says: str = ""
    is_unknown: bool = False
    reads: list[XdrError | None] = field(default_factory=list)


STORIES = {
    "an answer that got lost after the work": Story([(True, UNCLEAR)], 1, True),
    "a request that got lost is sent again": Story([(False, UNCLEAR)], 2, True),
    "a request that gets lost twice": Story([(False, UNCLEAR)] * 2, 2, False, "was read since and does not show: a", True),
    "an answer of a proxy is not sent again": Story([(False, AnswerError("a page"))], 1, False, "does not show: a", True),
    "accepted and not done": Story([(False, None)], 1, False, "did not carry out: a. Ask somebody."),
    "refused": Story([(False, REFUSED)], 1, False, "no"),
    "refused after a part": Story([(True, REFUSED.as_part())], 1, True, "no"),
    "a part, and no reading": Story([(True, REFUSED.as_part())], 1, False, "a part of the update was carried out", True, [None, FORBIDDEN]),
    "accepted, and no reading": Story([(True, None)], 1, True, "The item could not be read since", True, [None, UNCLEAR]),
    "unclear, and no reading": Story([(True, UNCLEAR)], 1, False, "whether the item was updated is unknown", True, [None, UNCLEAR]),
    "not there": Story([], 0, False, "missing", reads=[NotFoundError("missing", 404, "")]),
    "no answer before anything was sent": Story([], 0, False, "no answer", reads=[UNCLEAR]),
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_outcomes(story: Story):
    server = Server(answers=list(story.answers), reads=list(story.reads))

    outcome = converge(server)

    assert (len(server.written), outcome.changed) == (story.writes, story.changed)
    assert bool(outcome.error) == bool(story.says)
    if outcome.error:
        assert story.says in outcome.error.message
        unknown = outcome.error.details.get("outcome_unknown") or getattr(outcome.error, "outcome_unknown", False)
        assert bool(unknown) == story.is_unknown


class TestTheRightToRead:
    """Without it, everything is written, and that is said."""

    @pytest.mark.parametrize(("read_access", "is_assumed"), [("auto", True), ("none", False)])
    def test_it_writes_unseen(self, read_access: str, is_assumed: bool):
        server = Server({"1": Words(("a",))}, reads=[FORBIDDEN])

        outcome = converge(server, read_access=read_access)

        assert (outcome.changed, outcome.before, outcome.is_assumed) == (True, None, is_assumed)
        assert server.written == ["1: a"]

    def test_it_can_be_required(self):
        server = Server(reads=[FORBIDDEN])

        assert isinstance(converge(server, read_access="required").error, PermissionDeniedError)
        assert server.written == []

    @pytest.mark.parametrize("first_is_refused", [True, False])
    def test_a_refusal_counts_for_the_others_only_if_none_could_be_read(self, first_is_refused: bool):
        server = Server({name: Words(("a",)) for name in "123"}, reads=[FORBIDDEN, None] if first_is_refused else [None, FORBIDDEN])
        convergence = Convergence("auto", is_dry=False)

        outcomes = [convergence.converge(server, Wanted(Ref(name), Words(("a",)))) for name in "123"]

        assert [outcome.is_assumed for outcome in outcomes] == ([True] * 3 if first_is_refused else [False, True, False])

    @pytest.mark.parametrize(
        ("error", "says"), [(UNCLEAR, "cannot be read. no answer Look first."), (REFUSED.as_part(), "a part of the update was carried out")]
    )
    def test_what_is_unclear_then_is_unknown(self, error: XdrError, says: str):
        outcome = converge(Server(answers=[(True, error)]), read_access="none")

        assert says in outcome.error.message
        assert outcome.error.details["outcome_unknown"]
        assert not outcome.changed


def many(server: Server, names: str, change: Callable[[int], Words], concurrency: int = 4) -> list[Any]:
    """The outcomes of changes of items with these names."""
    changes = [Wanted(Ref(name), change(number)) for number, name in enumerate(names)]
    with Workers(concurrency, "items") as workers:
        return converge_all(Convergence("auto", is_dry=False), server, changes, workers)


def test_changes_of_one_item_are_made_one_after_the_other():
    server = Server()

    outcomes = many(server, "1213", lambda number: Words((str(number),)))

    assert [outcome.ref.key for outcome in outcomes] == ["1", "2", "1", "3"]
    assert outcomes[2].before == Words(("0",))
    assert server.held["1"] == Words(("0", "2"))
    assert b"1" in server.knows


def test_an_error_that_concerns_all_stops_those_that_wait():
    server = Server(reads=[AuthenticationError("who are you?", 401, "")])

    outcomes = many(server, "123", lambda _number: Words(("a",)), concurrency=1)

    messages = [outcome.error.message for outcome in outcomes]
    assert messages == ["who are you?", *["Not attempted, because an earlier error affects all items: who are you?"] * 2]


def test_results_and_diffs_of_many():
    server = Server({"2": Words(("a",))}, answers=[(False, REFUSED)])
    outcomes = many(server, "123", lambda _number: Words(("a",)), concurrency=1)

    with pytest.raises(XdrError, match=r"1 of 3 items failed; see failed_items. The first is items\[0\]: no") as raised:
        module_result(outcomes, {}, "items", is_single=False)

    result = raised.value.as_result()
    assert [one["changed"] for one in result["items"]] == [False, False, True]
    assert result["failed_items"] == [{"position": 0, "id": "1", "reason": "no", "outcome_unknown": False}]
    assert [one["after"] for one in diffs(outcomes)] == [{"words": ["a"]}]
    assert module_result([replace(outcomes[2])], {}, "items", is_single=True)["id"] == "3"
