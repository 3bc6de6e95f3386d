# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""Applies the rules of evidence: who had an address at a time.

An answer names a user only if the evidence allows one answer. Otherwise the answer has a reason, the candidates and the doubts. Decisions
depend only on the stored facts, so logs and a history give the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from .._addresses import parse_address
from .evidence import AddressEvidence, ClaimWindow
from .model import CLOCK, END_PROVEN, ROW, SPAN
from .validity import Coverage, Holding, holdings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from .evidence import EvidenceSource
    from .model import AddressClaim, Doubt

UNKNOWN_ADDRESS = "unknown_address"
"""No log ever assigned this address."""
NOT_HELD = "not_held"
"""The logs cover this time, and nobody had the address."""
AMBIGUOUS = "ambiguous"
"""Several users or gateways may have had the address."""
DOUBTFUL = "doubtful"
"""One user may have had the address, but something in the log casts doubt on it."""
INVALID_QUESTION = "invalid_question"
"""The question has no address or no time."""
MAX_CANDIDATES = 100
MAX_DOUBTS = 20
MAX_CLOCK_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Question:
    """A question: who had this address at this time? If it is invalid, `problem` is the reason."""

    ipaddr: str
    at: int
    problem: str = ""


@dataclass(frozen=True)
class Rules:
    """The limits that the caller may choose, in milliseconds."""

    tolerance: int
    longest_session: int
    gateways: frozenset[str] = frozenset()
    """Only these gateways can have assigned an address; empty means all gateways."""


@dataclass(frozen=True)
class Answer:
    """The session that had the address; None with a reason. `doubts` are sentences for an analyst."""

    session: AddressClaim | None
    reason: str | None
    candidates: Sequence[AddressClaim] = ()
    doubts: Sequence[str] = ()


def answers(source: EvidenceSource, questions: Sequence[Question], rules: Rules) -> Iterator[Answer]:
    """Yields the answer to each question, in their order."""
    coverage = Coverage(source.spans(), source.networks(), rules.gateways)
    askable = [question for question in questions if not question.problem]
    evidence = iter(source.around([window(question, rules) for question in askable]))
    for question in questions:
        if question.problem:
            yield Answer(None, INVALID_QUESTION, doubts=[question.problem])
            continue
        for found in islice(evidence, 1):
            yield _Case(question, rules, coverage, found).answer()


def window(question: Question, rules: Rules) -> ClaimWindow:
    """The claims and doubts that can matter to a question."""
    reach = rules.tolerance + MAX_CLOCK_MS
    at = question.at
    return ClaimWindow(question.ipaddr, at - reach - rules.longest_session, at + reach, at + rules.tolerance)


class _Case:
    """One question with its evidence."""

    def __init__(self, question: Question, rules: Rules, coverage: Coverage, evidence: AddressEvidence) -> None:
        self._at = question.at
        self._rules = rules
        self._coverage = coverage
        self._doubts = _Doubts(evidence.doubts, rules.gateways)
        self._claims = [claim for claim in evidence.claims if not rules.gateways or claim.gateway in rules.gateways]
        self._gateways = coverage.concerned(question.ipaddr, evidence.gateways)
        self._is_known = bool(evidence.gateways)

    def answer(self) -> Answer:
        if not self._is_known:
            return Answer(None, UNKNOWN_ADDRESS)
        tolerance = self._rules.tolerance
        slack = self._doubts.clock(self._at, self._gateways)
        amount = max(tolerance, slack.amount) if slack else tolerance
        found = [holding for holding in self._holdings() if holding.reaches(self._at, amount)]
        spans = self._doubts.spans(self._at, tolerance, self._gateways)
        if spans:
            return self._nobody(DOUBTFUL, found, [doubt.words for doubt in spans])
        for gateway in sorted(self._gateways):
            proven = any(one.claim.gateway == gateway and one.proves_itself(self._at) for one in found)
            missing = None if proven else self._coverage.missing(gateway, self._at)
            if missing:
                return self._nobody(missing.reason, found, [missing.words])
        return self._decided(found, amount, slack.words if slack else "")

    def _holdings(self) -> list[Holding]:
        found: list[Holding] = []
        for gateway, device in sorted({(claim.gateway, claim.device) for claim in self._claims}):
            own = [claim for claim in self._claims if (claim.gateway, claim.device) == (gateway, device)]
            found.extend(holdings(own, self._coverage.spans(gateway), self._rules.longest_session))
        return found

    def _decided(self, found: Sequence[Holding], amount: int, clock_words: str) -> Answer:
        tolerance = self._rules.tolerance
        near = [holding for holding in found if holding.holds_near(self._at, amount)]
        rivals = {(one.claim.gateway, one.claim.user or None) for one in near}
        if len(rivals) > 1:
            return self._nobody(AMBIGUOUS, near, [clock_words] if clock_words else [])
        holding = [one for one in near if one.holds(self._at, tolerance, amount if clock_words else 0)]
        if not near:
            return self._not_held(found)
        if not holding:
            words = [clock_words] if clock_words else []
            return self._nobody(DOUBTFUL if clock_words else NOT_HELD, near, words)
        return self._named(holding, near)

    def _named(self, holding: Sequence[Holding], near: Sequence[Holding]) -> Answer:
        """Handles a single user; one claim without a doubt is enough."""
        doubts: dict[str, None] = {}
        for one in reversed(holding):
            against = [*one.against(self._at), *self._doubts.against(one, self._at, self._rules.tolerance)]
            if not against:
                return Answer(one.claim, None, _candidates(near))
            doubts.update(dict.fromkeys(against))
        return self._nobody(DOUBTFUL, near, list(doubts))

    def _not_held(self, found: Sequence[Holding]) -> Answer:
        """Handles an address without a holder. A claim without an end that is too old to be believed is a doubt."""
        doubts = [words for one in found for words in one.against(self._at)]
        return self._nobody(DOUBTFUL if doubts else NOT_HELD, found if doubts else [], doubts)

    def _nobody(self, reason: str, found: Sequence[Holding], doubts: Sequence[str]) -> Answer:
        return Answer(None, reason, _candidates(found), list(dict.fromkeys(doubts))[:MAX_DOUBTS])


class _Doubts:
    """The doubts around one question."""

    def __init__(self, doubts: Iterable[Doubt], only: frozenset[str]) -> None:
        self._doubts = [doubt for doubt in doubts if not only or doubt.gateway in only]

    def spans(self, at: int, tolerance: int, gateways: Collection[str]) -> list[Doubt]:
        """Returns doubts about spans of time that include this time."""
        return [doubt for doubt in self._of(SPAN, gateways) if doubt.since - tolerance <= at <= doubt.until + tolerance]

    def clock(self, at: int, gateways: Collection[str]) -> Doubt | None:
        """Returns the worst doubt about a clock at this time."""
        found = [doubt for doubt in self._of(CLOCK, gateways) if doubt.since - doubt.amount <= at <= doubt.until + doubt.amount]
        return max(found, key=lambda doubt: doubt.amount, default=None)

    def against(self, holding: Holding, at: int, tolerance: int) -> list[str]:
        """Returns doubts about rows that may have ended this claim, or given its address to somebody else, before this time."""
        claim = holding.claim
        # The log shows this session from beginning to end, so only the holder after its end is uncertain.
        sure = claim.end if claim.end_kind == END_PROVEN and claim.end is not None else claim.sure_until
        if at <= sure:
            return []
        return [
            doubt.words
            for doubt in self._of(ROW, (claim.gateway,))
            if doubt.until >= sure and doubt.since <= at + tolerance and max(doubt.since, claim.start) <= min(doubt.until, at + tolerance)
        ]

    def _of(self, kind: str, gateways: Collection[str]) -> list[Doubt]:
        return [doubt for doubt in self._doubts if doubt.kind == kind and doubt.gateway in gateways]


def _candidates(found: Sequence[Holding]) -> list[AddressClaim]:
    unique: dict[object, AddressClaim] = {one.claim.key: one.claim for one in found}
    return sorted(unique.values(), key=lambda claim: (claim.start, claim.line))[:MAX_CANDIDATES]


def checked_question(ipaddr: object, at: int | None, problem: str) -> Question:
    """Returns a question; an invalid question contains the problem instead of stopping the others."""
    text = str(ipaddr)
    if problem or at is None:
        return Question(text, 0, problem or "the time is missing")
    try:
        address = parse_address(text)
    except ValueError as error:
        return Question(text, at, str(error))
    if address is None:
        return Question(text, at, f"{text!r} means that there is no address")
    return Question(address.text, at)
