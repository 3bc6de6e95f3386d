# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The options of `vpn_session` and `vpn_session_info`, checked."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from .._addresses import parse_address
from .._argspec import ArgumentSpec, from_environment, is_from_environment, plain_text, whole_number
from .._errors import InputError
from .._texts import quoted
from .._times.moments import Moments
from .._times.timestamps import epoch_ms_to_milliseconds, epoch_to_milliseconds, format_iso8601
from .._vpn_log.options import LogOptions, chosen_zone
from .._vpn_log.readers import log_options
from .evidence import ClaimFilter
from .questions import Question, Rules, checked_question

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ON_INVALID_FAIL = "fail"
ON_INVALID_SKIP = "skip"
HISTORY_VARIABLE = "SECOPS_XDR_HISTORY"
MAX_LIMIT = 1_000_000
MAX_TOLERANCE_SECONDS = 3600
MAX_SESSION_HOURS = 24 * 31
NOW = "now"
_CLOCKS_MS = 30_000
"""The maximum disorder of the times of one log."""
MAX_RETENTION_DAYS = 36_500
MAX_GATEWAY_CHARACTERS = 200


@dataclass(frozen=True)
class LogTask:
    """The logs to read, and how to treat unreadable rows."""

    options: LogOptions
    tolerance_ms: int
    skips_invalid: bool
    complete_until: int | None = None


@dataclass(frozen=True)
class AskedText:
    """A question in the result: the address and the time, as far as they could be read."""

    ipaddr: str
    timestamp: str


@dataclass(frozen=True)
class SessionOptions:
    """The questions, the filters, and the logs or the history to search. Times are epoch milliseconds."""

    logs: LogTask | None
    history: str | None
    wanted: ClaimFilter | None
    """The filter of the list of sessions; None if there are only questions."""
    questions: Sequence[Question]
    asked: Sequence[AskedText]
    rules: Rules
    zone_name: str

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> SessionOptions:
        """Checks what an argument spec cannot express; raises InputError."""
        logs = LogOptions.from_params(params)
        zone = logs.zone if logs.paths else chosen_zone(params)
        moments = Moments(params["timestamp_format"], zone, _seconds_or_milliseconds)
        _check_places(params, bool(logs.paths))
        rules = Rules(
            tolerance=1000 * whole_number("tolerance", params["tolerance"], 0, MAX_TOLERANCE_SECONDS),
            longest_session=3_600_000 * whole_number("longest_session", params["longest_session"], 1, MAX_SESSION_HOURS),
            gateways=frozenset(params["gateways"] or ()),
        )
        task = LogTask(logs, rules.tolerance, params["on_invalid"] == ON_INVALID_SKIP, _complete_until(params["complete_until"], moments))
        questions = [_question(item, moments) for item in params["match"] or ()]
        return cls(
            logs=task if logs.paths else None,
            history=None if logs.paths else params["history"],
            wanted=_wanted(params, moments),
            questions=questions,
            asked=[_asked(item, question) for item, question in zip(params["match"] or (), questions)],
            rules=rules,
            zone_name=zone.name,
        )


def session_options() -> ArgumentSpec:
    """All options of `vpn_session_info`."""
    return ArgumentSpec(
        {
            "history": from_environment(HISTORY_VARIABLE, type="str"),
            "gateways": {"type": "list", "elements": "str"},
            "users": {"type": "list", "elements": "str"},
            "ipaddrs": {"type": "list", "elements": "str"},
            "since": {"type": "raw"},
            "until": {"type": "raw"},
            "limit": {"type": "int", "default": 1000},
            "match": {"type": "list", "elements": "dict", "options": {"ipaddr": {"type": "raw"}, "timestamp": {"type": "raw"}}},
            "tolerance": {"type": "int", "default": 30},
            "longest_session": {"type": "int", "default": 24},
            "complete_until": {"type": "raw"},
            "on_invalid": {"type": "str", "choices": [ON_INVALID_FAIL, ON_INVALID_SKIP], "default": ON_INVALID_SKIP},
        },
    ).merged_with(log_options())


@dataclass(frozen=True)
class IngestOptions:
    """The logs to take into a history, and the gateway that they belong to."""

    logs: LogOptions
    gateway: str
    networks: tuple[str, ...] | None
    history: str | None
    """A file or URL; None for the default."""
    retention_days: int | None
    skips_invalid: bool
    tolerance_ms: int = _CLOCKS_MS

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> IngestOptions:
        """Checks what an argument spec cannot express; raises InputError."""
        networks, retention = params["networks"], params["retention"]
        return cls(
            logs=LogOptions.from_params(params),
            gateway=_gateway(params["gateway"]),
            networks=None if networks is None else _networks(networks),
            history=params["history"],
            retention_days=None if retention is None else whole_number("retention", retention, 1, MAX_RETENTION_DAYS),
            skips_invalid=params["on_invalid"] == ON_INVALID_SKIP,
        )


def ingest_options() -> ArgumentSpec:
    """All options of `vpn_session`."""
    return ArgumentSpec(
        {
            "gateway": {"type": "str"},
            "networks": {"type": "list", "elements": "str"},
            "history": from_environment(HISTORY_VARIABLE, type="str"),
            "retention": {"type": "int"},
            "on_invalid": {"type": "str", "choices": [ON_INVALID_FAIL, ON_INVALID_SKIP], "default": ON_INVALID_SKIP},
        },
        required_one_of=[("path", "paths")],
    ).merged_with(log_options())


def _gateway(name: str | None) -> str:
    if name is None:
        return socket.gethostname()
    text = plain_text("gateway", name).strip()
    if len(text) > MAX_GATEWAY_CHARACTERS:
        raise InputError(f"gateway: the name has {len(text)} characters; give at most {MAX_GATEWAY_CHARACTERS}.")
    return text


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    found = []
    for place, text in enumerate(texts):
        try:
            found.append(str(ip_network(text.strip())))
        except ValueError as error:
            raise InputError(f"networks[{place}]: {quoted(text)} is not a network; give one such as 10.8.0.0/16.") from error
    return tuple(sorted(found))


def _check_places(params: Mapping[str, Any], has_logs: bool) -> None:
    # The variable may be set on the host for other tasks, so it is no reason to refuse a log.
    if has_logs and params["history"] and not is_from_environment(HISTORY_VARIABLE, params["history"]):
        raise InputError("history: this excludes `path` and `paths`; set one of them.")
    if not has_logs:
        if params["complete_until"] is not None:
            raise InputError("complete_until: this says how far a log is complete; a history knows that from `vpn_session`.")
        return
    if params["gateways"]:
        raise InputError("gateways: a log has no name of a gateway; this option narrows a `history`.")


def _wanted(params: Mapping[str, Any], moments: Moments) -> ClaimFilter | None:
    wanted = ClaimFilter(
        users=frozenset(user.casefold() for user in params["users"] or ()),
        ipaddrs=frozenset(_address(f"ipaddrs[{place}]", text) for place, text in enumerate(params["ipaddrs"] or ())),
        gateways=frozenset(params["gateways"] or ()),
        since=_moment("since", params["since"], moments),
        until=_moment("until", params["until"], moments),
        limit=whole_number("limit", params["limit"], 1, MAX_LIMIT),
    )
    has_filter = bool(wanted.users or wanted.ipaddrs) or wanted.since is not None or wanted.until is not None
    return wanted if has_filter or params["match"] is None else None


def _question(item: Mapping[str, Any], moments: Moments) -> Question:
    timestamp = item["timestamp"]
    if timestamp is None:
        return checked_question(item["ipaddr"], None, "the time is missing")
    try:
        at = moments.milliseconds(timestamp)
    except (TypeError, ValueError) as error:
        return checked_question(item["ipaddr"], None, str(error).removeprefix("timestamp: "))
    if not isinstance(item["ipaddr"], str):
        return checked_question(item["ipaddr"], at, "the address is missing" if item["ipaddr"] is None else "the address is not a text")
    return checked_question(item["ipaddr"], at, "")


def _asked(item: Mapping[str, Any], question: Question) -> AskedText:
    if question.problem and not question.at:
        return AskedText(question.ipaddr, str(item["timestamp"]))
    return AskedText(question.ipaddr, format_iso8601(question.at))


def _address(option: str, text: str) -> str:
    try:
        address = parse_address(text)
    except ValueError as error:
        raise InputError(f"{option}: {error}.") from error
    if address is None:
        raise InputError(f"{option}: {text!r} means that there is no address; nobody can have it.")
    return address.text


def _complete_until(value: object, moments: Moments) -> int | None:
    now = int(time.time() * 1000)
    if isinstance(value, str) and value.strip().lower() == NOW:
        return now
    moment = _moment("complete_until", value, moments)
    if moment is not None and moment > now:
        raise InputError(f"complete_until: {format_iso8601(moment)} is in the future; give a time up to now, or `now`.")
    return moment


def _moment(option: str, value: object, moments: Moments) -> int | None:
    if value is None:
        return None
    try:
        return moments.milliseconds(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{option}: {str(error).removeprefix('timestamp: ')}.") from error


def _seconds_or_milliseconds(text: str) -> int:
    """Reads an epoch number in either unit. Between 1980 and 2099, no number is valid in both, so nothing is guessed."""
    try:
        return epoch_to_milliseconds(text)
    except ValueError as error:
        reason = error
    try:
        return epoch_ms_to_milliseconds(text)
    except ValueError:
        raise reason from None
