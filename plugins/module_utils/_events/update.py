# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Updates events: reads, writes what differs, and reads again, so that what is reported is what happened."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from .._errors import LedgerError, XdrError
from .._ledger.opening import open_ledger
from .._stellar.client import StellarClient
from .changes import UpdateOptions
from .converge import EventWriter, UpdateOutcome
from .runs import Workers, module_result
from .state import Change
from .texts import Spelling, comment_key, tag_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from .._ledger.contract import RewriteLedger
    from .._run import Run
    from .changes import WantedChange


def update_events(params: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Runs `stellar_ser_update` with its options and returns its result; raises XdrError."""
    options = UpdateOptions.parsed(params)
    client = StellarClient.from_params(params, run.secrets)
    with Workers(options.concurrency) as workers, _rewrites(options, client.endpoint, run) as rewrites:
        writer = EventWriter(client, options, is_dry=run.check_mode)
        outcomes = _updated(options.changes, writer, workers, rewrites)
    for text in _warnings(outcomes, run.secrets.shown):
        run.warn(text)
    extra: dict[str, Any] = {"endpoint": writer.endpoint.name}
    if run.shows_diff:
        extra["diff"] = _diff(outcomes)
    return module_result(outcomes, extra, is_single=options.is_single)


@contextmanager
def _rewrites(options: UpdateOptions, endpoint: str, run: Run) -> Iterator[RewriteLedger]:
    """The known rewriting of this server. If `ledger` is not set and the default ledger cannot be used, the task continues without it."""
    if all(wanted.change == Change(status=wanted.change.status) for wanted in options.changes):
        yield _NoRewrites()
        return
    try:
        ledger = open_ledger(options.ledger, read_only=run.check_mode)
    except LedgerError as error:
        if options.ledger is not None:
            raise
        run.warn(
            f"How this server rewrites comments and tags is not remembered, because the default ledger cannot be used. {error.message}"
        )
        yield _NoRewrites()
        return
    with closing(ledger):
        yield ledger.rewrites(endpoint)


class _NoRewrites:
    """Knows nothing, and remembers nothing."""

    def known(self, _keys: Collection[bytes]) -> Mapping[bytes, bytes]:
        """Nothing."""
        return {}

    def note(self, _entries: Mapping[bytes, bytes]) -> None:
        """Does nothing."""


def _updated(changes: Sequence[WantedChange], writer: EventWriter, workers: Workers, rewrites: RewriteLedger) -> list[UpdateOutcome]:
    """The outcome of each change, in order. Changes of the same event are made one after the other."""
    keys = [tag_key(tag) for wanted in changes for tag in (*wanted.change.add_tags, *wanted.change.remove_tags)]
    keys += [comment_key(wanted.target.id, wanted.change.comment) for wanted in changes if wanted.change.comment is not None]
    spelling = Spelling(rewrites.known(set(keys)))
    by_event: dict[str, list[int]] = {}
    for position, wanted in enumerate(changes):
        by_event.setdefault(wanted.target.id, []).append(position)

    def update(positions: Sequence[int]) -> list[UpdateOutcome]:
        """The changes of one event. What one of them learns about the server's spelling, the next one knows."""
        outcomes: list[UpdateOutcome] = []
        known = spelling
        for position in positions:
            outcome = writer.update(changes[position], known)
            if outcome.error:
                workers.note(outcome.error)
            if outcome.learned:
                rewrites.note(outcome.learned)
            known = known.knowing(outcome.learned)
            outcomes.append(outcome)
        return outcomes

    events = list(by_event.values())
    results: dict[int, UpdateOutcome] = {}
    for positions, result in zip(events, workers.map(update, events)):
        if isinstance(result, XdrError):
            results.update({position: UpdateOutcome(changes[position], error=result) for position in positions})
        else:
            results.update(dict(zip(positions, result)))
    return [results[position] for position in range(len(changes))]


def _warnings(outcomes: Sequence[UpdateOutcome], shown: Callable[[str], str]) -> list[str]:
    """The warnings beside the result; each kind once."""
    warnings = [text for outcome in outcomes for text in outcome.warnings]
    if any(outcome.is_assumed for outcome in outcomes):
        warnings.append(
            "This account may not read events, so it is assumed, and not known, that the updates changed something; "
            "each run writes again. Use an account with the right to read, or set `read_access: none` to hide this warning."
        )
    rewritten = [pair for outcome in outcomes for pair in outcome.rewritten.items()]
    if rewritten:
        written, held = rewritten[0]
        warnings.append(
            f"This server rewrites comments or tags: {len(rewritten)} came back in another form and count as written (first: "
            f"{_short(written)} is now {shown(_short(held))}). The ledger remembers the server's form, so that no run writes them again."
        )
    return warnings


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")


def _diff(outcomes: Sequence[UpdateOutcome]) -> list[dict[str, Any]]:
    """Ansible's diff for each event that changed and whose states are known."""
    return [
        {
            "before_header": f"{outcome.wanted.target.index}/{outcome.wanted.target.id}",
            "before": outcome.before.as_result(),
            "after_header": f"{outcome.wanted.target.index}/{outcome.wanted.target.id}",
            "after": outcome.after.as_result(),
        }
        for outcome in outcomes
        if outcome.changed and outcome.before and outcome.after
    ]
