# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The texts for the outcomes of an attribution and their reasons; they are defined only here."""

from __future__ import annotations

from typing import NamedTuple

DOUBTFUL = "doubtful"
"""The log names a user, but something in it casts doubt on this."""
AMBIGUOUS = "ambiguous"
"""Several users or gateways may have had the address."""
NOT_COVERED = "not_covered"
"""The logs say nothing about this time."""
FAILED = "failed"
"""The event could not be updated."""
ATTRIBUTED = "attributed"
"""The user is known, and tags or a comment are (to be) written."""
ALREADY_ATTRIBUTED = "already_attributed"
"""The event already has the right tags and comment."""
NO_SESSION = "no_session"
"""Nobody had the address at this time."""
UNUSABLE = "unusable"
"""The event has no address or no time that can be looked up."""
NOT_VPN = "not_vpn_address"
"""The address is in none of the VPN networks."""


class Outcome(NamedTuple):
    """The texts of an outcome: a label, a sentence for the report, and the end of a line that starts with a number."""

    label: str
    meaning: str
    counted: str
    is_always_counted: bool
    is_listed: bool


OUTCOMES: dict[str, Outcome] = {
    DOUBTFUL: Outcome("doubtful", "nobody is named: something in the log casts doubt on it", "doubtful, so nobody is named", True, True),
    AMBIGUOUS: Outcome("ambiguous", "nobody is named: several may have had the address", "ambiguous, so nobody is named", True, True),
    NOT_COVERED: Outcome("not covered", "the logs do not cover the time", "at a time that the logs do not cover", True, True),
    FAILED: Outcome("failed", "the event could not be updated", "failed", False, True),
    ATTRIBUTED: Outcome("attributed", "the user was found in this run", "attributed to their VPN users", True, True),
    ALREADY_ATTRIBUTED: Outcome("already attributed", "an earlier run named the user", "already attributed by earlier runs", True, False),
    NO_SESSION: Outcome("no session", "nobody had the address then", "without a session in the log", True, True),
    UNUSABLE: Outcome("not usable", "no address or no time", "without an address or a time", False, True),
    NOT_VPN: Outcome("not VPN", "outside the VPN networks", "from addresses outside of the VPN networks", False, False),
}
"""In the order in which they are shown: outcomes that need a person come first."""

UNSETTLED = (DOUBTFUL, AMBIGUOUS, NOT_COVERED)
"""Outcomes that better logs can settle."""


class Reason(NamedTuple):
    """A reason for naming nobody: the outcome that follows from it, its text, and what would settle it."""

    outcome: str
    words: str
    settle: str
    contradicts: bool = False
    """The logs cover this time and contradict the name that an earlier run wrote."""


_LATER_LOG = "Run again with a log that continues past this time, or set complete_until if the log is complete until then."
REASONS: dict[str, Reason] = {
    "doubtful": Reason(
        DOUBTFUL,
        "something in the log casts doubt on the answer",
        "Look at the lines of the log that are named here, and fix or complete them. Logs with session ends leave fewer doubts.",
        contradicts=True,
    ),
    "ambiguous": Reason(
        AMBIGUOUS,
        "more than one session may have had this address at this time",
        "Use a log that has session ends, check that the clocks agree, or name the gateway (gateways) if only one can have "
        "assigned the address.",
        contradicts=True,
    ),
    "not_covered": Reason(
        NOT_COVERED,
        "the logs have a gap at this time",
        "Add the log that is missing between two others, or take it into the session history.",
    ),
    "before_log_start": Reason(NOT_COVERED, "the log starts after this time", "Add the older log (rotated, perhaps compressed)."),
    "after_log_end": Reason(NOT_COVERED, "the log ends before this time", _LATER_LOG),
    "unknown_address": Reason(
        NO_SESSION,
        "the log has no session with this address",
        "Check that this is the log of the gateway that assigns the address.",
    ),
    "not_held": Reason(NO_SESSION, "the log has sessions with this address, but none at this time", "", contradicts=True),
    "invalid_question": Reason(UNUSABLE, "the address or the time cannot be looked up", ""),
}
"""The reasons, by their names in results of `vpn_session_info`."""


def reason_of(name: object) -> Reason:
    """Returns the reason; an unknown reason counts as a doubt."""
    return REASONS.get(str(name)) or Reason(DOUBTFUL, f"the reason is {name!r}", "", contradicts=False)
