# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options of C(vpn_session_info), checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._addresses import Address, parse_address
from .._argspec import ArgumentSpec, whole_number
from .._errors import InputError
from .._times.moments import Moments
from .._times.timestamps import epoch_ms_to_milliseconds, epoch_to_milliseconds
from .._vpn_log.options import chosen_zone, log_options

if TYPE_CHECKING:
    from collections.abc import Mapping

ON_INVALID_FAIL = "fail"
ON_INVALID_SKIP = "skip"
MAX_LIMIT = 1_000_000


@dataclass(frozen=True)
class Asked:
    """A question: who had this address then (epoch milliseconds)?"""

    ipaddr: Address
    at: int


@dataclass(frozen=True)
class SessionOptions:
    """What to look for; the log has options of its own. Times are epoch milliseconds."""

    users: frozenset[str]
    ipaddrs: frozenset[str]
    since: int | None
    until: int | None
    limit: int
    questions: list[Asked] | None
    complete_until: int | None
    skips_invalid: bool
    zone_name: str

    @property
    def lists_sessions(self) -> bool:
        """Whether sessions are listed: unless there are only questions."""
        return self.questions is None or bool(self.users or self.ipaddrs) or self.since is not None or self.until is not None

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> SessionOptions:
        """Checks what an argument spec cannot express; raises InputError."""
        zone = chosen_zone(params)
        moments = Moments(params["timestamp_format"], zone, _seconds_or_milliseconds)
        match = params["match"]
        return cls(
            users=frozenset(user.casefold() for user in params["users"] or ()),
            ipaddrs=frozenset(_address(f"ipaddrs[{place}]", text).text for place, text in enumerate(params["ipaddrs"] or ())),
            since=_moment("since", params["since"], moments),
            until=_moment("until", params["until"], moments),
            limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
            questions=None if match is None else [_question(place, item, moments) for place, item in enumerate(match)],
            complete_until=_moment("complete_until", params["complete_until"], moments),
            skips_invalid=params["on_invalid"] == ON_INVALID_SKIP,
            zone_name=zone.name,
        )


def session_options() -> ArgumentSpec:
    """Everything."""
    log = log_options()
    log.options["path"] = {**log.options["path"], "required": True}
    return ArgumentSpec(
        {
            "users": {"type": "list", "elements": "str"},
            "ipaddrs": {"type": "list", "elements": "str"},
            "since": {"type": "raw"},
            "until": {"type": "raw"},
            "limit": {"type": "int", "default": 1000},
            "match": {
                "type": "list",
                "elements": "dict",
                "options": {"ipaddr": {"type": "str", "required": True}, "timestamp": {"type": "raw", "required": True}},
            },
            "complete_until": {"type": "raw"},
            "on_invalid": {"type": "str", "choices": [ON_INVALID_FAIL, ON_INVALID_SKIP], "default": ON_INVALID_FAIL},
        }
    ).merged_with(log)


def _question(place: int, item: Mapping[str, Any], moments: Moments) -> Asked:
    at = _moment(f"match[{place}].timestamp", item["timestamp"], moments)
    if at is None:
        raise InputError(f"match[{place}].timestamp: a time is needed, such as 2024-05-31T08:15:00Z or an epoch number.")
    return Asked(_address(f"match[{place}].ipaddr", item["ipaddr"]), at)


def _address(option: str, text: str) -> Address:
    try:
        address = parse_address(text)
    except ValueError as error:
        raise InputError(f"{option}: {error}.") from error
    if address is None:
        raise InputError(f"{option}: {text!r} stands for no address; nobody can have it.")
    return address


def _moment(option: str, value: object, moments: Moments) -> int | None:
    if value is None:
        return None
    try:
        return moments.milliseconds(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{option}: {str(error).removeprefix('timestamp: ')}.") from error


def _seconds_or_milliseconds(text: str) -> int:
    """An epoch number in either unit. From 1980 to 2099 no number of seconds is one of milliseconds as well, so nothing is guessed."""
    try:
        return epoch_to_milliseconds(text)
    except ValueError as error:
        reason = error
    try:
        return epoch_ms_to_milliseconds(text)
    except ValueError:
        raise reason from None
