# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Update modules: the options that they share, and the run of their tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from .._argspec import ArgumentSpec, from_environment, plain_text, whole_characters, whole_number
from .._errors import InputError, XdrError
from .converge import READ_AUTO, READ_NONE, READ_REQUIRED, Convergence
from .many import Workers, beside, converge_all, diffs, module_result, update_warnings
from .memory import memory_of
from .resource import ChangeT, Outcome, RefT, StateT, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor

    from .._module import Run
    from .memory import Memory
    from .resource import Resource

Options = dict[str, dict[str, Any]]

MAX_CONCURRENCY = 32
COMMENT_ALWAYS = "always"
COMMENT_MODE: Options = {"comment_mode": {"type": "str", "choices": ["once", COMMENT_ALWAYS], "default": "once"}}
TAGS: Options = {"add_tags": {"type": "list", "elements": "str"}, "remove_tags": {"type": "list", "elements": "str"}}


@dataclass(frozen=True)
class Entry:
    """One item of the input, with the options of the task where it has none of its own."""

    where: str
    """The place of its options in messages, with a dot at the end: `cases[3].`; empty for the options of the task."""
    values: Mapping[str, Any]

    @property
    def place(self) -> str:
        """The item in messages; empty for the options of the task."""
        return self.where.rstrip(".")

    def text(self, name: str) -> str | None:
        """Returns a text; raises InputError if it is empty."""
        value = self.values[name]
        return None if value is None else plain_text(self.where + name, value)

    def tags(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Returns the tags to add and to remove, each once; raises InputError for an empty tag and for one that is in both."""
        add_tags, remove_tags = (self._tags(name) for name in TAGS)
        both = [tag for tag in add_tags if tag in remove_tags]
        if both:
            message = f"the tag {both[0]} is in `add_tags` and in `remove_tags`; name it in one of them."
            raise InputError(f"{self.where}add_tags: {message}")
        return add_tags, remove_tags

    def nothing_to_change(self, *options: str) -> InputError:
        """Returns the error if none of these options is set."""
        listed = f"{', '.join(options[:-1])} or {options[-1]}"
        return InputError(f"{self.place or options[0]}: there is nothing to change; set {listed}.")

    def _tags(self, name: str) -> tuple[str, ...]:
        tags: Sequence[str] = self.values[name] or ()
        for position, tag in enumerate(tags):
            if not tag.strip():
                raise InputError(f"{self.where}{name}[{position}]: the tag is empty.")
        return tuple(dict.fromkeys(map(whole_characters, tags)))


@dataclass(frozen=True)
class UpdateTable:
    """The options of a module that updates one item, or many as a list."""

    items: str
    """The option for many, which is also the key of the results."""
    identity: Options
    """The options that say which item is meant."""
    changes: Options
    others: Options = field(default_factory=dict)
    """The other options of the task."""
    unused: Options = field(default_factory=dict)
    """Keys of the search's results that an item may have."""
    one_identifies: bool = False
    """True if one of the options in `identity` is enough; otherwise all of them are needed."""

    def options(self) -> ArgumentSpec:
        """The options of the module, without those of the connection."""
        names = tuple(self.identity)
        required = {} if self.one_identifies else {"required": True}
        entry = {**{name: {**option, **required} for name, option in self.identity.items()}, **self.unused, **self.changes}
        return ArgumentSpec(
            {
                **self.identity,
                **self.changes,
                self.items: {"type": "list", "elements": "dict", "options": entry},
                **self.others,
                "read_access": {"type": "str", "choices": [READ_AUTO, READ_REQUIRED, READ_NONE], "default": READ_AUTO},
                "concurrency": {"type": "int", "default": 4},
                "ledger": from_environment("SECOPS_XDR_LEDGER", type="str", no_log=False),
            },
            required_one_of=[(self.items, *names) if self.one_identifies else (self.items, names[-1])],
            required_together=[] if self.one_identifies or len(names) == 1 else [names],
            mutually_exclusive=[(self.items, *names)] if self.one_identifies else [(self.items, name) for name in names],
        )

    def task(self, params: Mapping[str, Any], wanted: Callable[[Entry], Wanted[RefT, ChangeT]]) -> UpdateTask[RefT, ChangeT]:
        """Checks the options of a task; `wanted` checks those of one item. Raises InputError."""
        entries = [Entry("", params)]
        if params[self.items] is not None:
            entries = [
                Entry(f"{self.items}[{position}].", {**params, **{name: value for name, value in one.items() if value is not None}})
                for position, one in enumerate(params[self.items])
            ]
        return UpdateTask(
            self.items,
            [wanted(entry) for entry in entries],
            is_single=params[self.items] is None,
            read_access=params["read_access"],
            concurrency=whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY),
            ledger=params["ledger"],
        )


@dataclass(frozen=True)
class UpdateTask(Generic[RefT, ChangeT]):
    """The checked options of a task."""

    items: str
    changes: Sequence[Wanted[RefT, ChangeT]]
    is_single: bool
    read_access: str = READ_REQUIRED
    concurrency: int = 4
    ledger: str | None = None


@dataclass(frozen=True)
class Kind(Generic[RefT, StateT, ChangeT]):
    """The part of a task that depends on the kind of its items."""

    resource: Callable[[Memory, Executor | None], Resource[RefT, StateT, ChangeT]]
    """Makes the resource. The threads read one part of an item while another is read; None to read one after the other."""
    server: str = ""
    """The server, as the ledger names it."""
    keys: Callable[[Sequence[Wanted[RefT, ChangeT]]], set[bytes]] = lambda _changes: set()
    """Returns the keys of the texts that the ledger may know."""
    located: Callable[[Wanted[RefT, ChangeT]], Wanted[RefT, ChangeT]] = lambda wanted: wanted
    """Returns a change with the ID of its item; raises XdrError if there is no such item."""


def outcomes_of(task: UpdateTask[RefT, ChangeT], kind: Kind[RefT, StateT, ChangeT], run: Run) -> list[Outcome[RefT, StateT]]:
    """Converges the items of a task, and returns the outcome of each, in order."""
    with Workers(task.concurrency, task.items) as workers, beside(len(task.changes), task.concurrency) as threads:
        located = workers.map(kind.located, task.changes)
        known = [one for one in located if not isinstance(one, XdrError)]
        with memory_of(task.ledger, kind.server, kind.keys(known), run) as memory:
            convergence = Convergence(task.read_access, is_dry=run.check_mode)
            done = iter(converge_all(convergence, kind.resource(memory, threads), known, workers))
    return [Outcome(wanted.ref, error=one) if isinstance(one, XdrError) else next(done) for wanted, one in zip(task.changes, located)]


def reported(
    task: UpdateTask[RefT, ChangeT], outcomes: Sequence[Outcome[RefT, StateT]], run: Run, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """Gives the warnings and returns the result, with the diff if it is wanted; raises XdrError if an item failed."""
    for text in update_warnings(outcomes, task.items, run.secrets.shown):
        run.warn(text)
    diff = {"diff": diffs(outcomes)} if run.shows_diff else {}
    return module_result(outcomes, {**extra, **diff}, task.items, is_single=task.is_single)
