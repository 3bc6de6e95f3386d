# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""One question from a command line, and the answer in lines to read: who had this address at this time?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ...module_utils._addresses import parse_address
from ...module_utils._errors import InputError
from ...module_utils._times.timestamps import EARLIEST_MS, epoch_ms_to_milliseconds, epoch_to_milliseconds, iso8601_to_milliseconds
from ...module_utils._times.zones import Zone
from .events import iso8601
from .outcomes import reason_of
from .texts import AttributionError, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_AGO = re.compile(r"((?:\d{1,6}\s*[smhdw]\s*)+)(?:ago)?\Z", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"(\d+)\s*([smhdw])", re.IGNORECASE | re.ASCII)
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_NUMBER = re.compile(r"\d+(\.\d+)?\Z", re.ASCII)
_HAS_ZONE = re.compile(r"(Z|[+-]\d\d(:?\d\d)?|[A-Za-z]{2,5})\Z", re.ASCII)
_DATE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}Z?\Z", re.ASCII)
_EXAMPLES = "give 2025-11-19T10:45:00Z, an epoch number, or a time before now such as 2h or 30m"
_LISTED = 20


def question(ip: object, at: object, zone_name: str, now_ms: int) -> dict[str, str]:
    """The question for `vpn_session_info`. `zone_name` is for a time without a zone. Raises AttributionError."""
    return {"ipaddr": _address(ip), "timestamp": iso8601(_moment(at, zone_name, now_ms))}


def answer(match: Mapping[str, Any], coverage: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the answer in one line, and the evidence in further lines."""
    session, reason = match.get("session"), match.get("reason")
    asked = f"{one_line(str(match['ipaddr']))} at {match['timestamp']}"
    doubts = [one_line(str(words)) for words in match.get("doubts") or ()]
    candidates = [_session(one) for one in match.get("candidates") or ()]
    if session:
        since = f"since {session['start']}" if session.get("start") else "for an unknown time"
        line = f"{asked}: {_name(session)}, from {session.get('associated_ipaddr') or 'an unknown address'}, {since}"
        return {"answer": line, "is_named": True, "evidence": [f"session: {_session(session)}", *_covered(coverage)]}
    known = reason_of(reason)
    evidence = [
        *(f"against it: {words}" for words in doubts[:_LISTED]),
        *(f"possible: {one}" for one in candidates[:_LISTED]),
        *([f"and {len(candidates) - _LISTED} more"] if len(candidates) > _LISTED else []),
        *([f"what would settle it: {known.settle}"] if known.settle else []),
        *_covered(coverage),
    ]
    return {"answer": f"{asked}: nobody can be named ({reason}): {known.words}", "is_named": False, "evidence": evidence}


def _covered(coverage: list[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"covered: {span['since']} to {span['until']}{_gateway(span)}"
        for span in coverage[-_LISTED:]
        if span.get("since") and span.get("until")
    ]
    return lines if len(coverage) <= _LISTED else [f"covered: {len(coverage)} spans, the last of them:", *lines]


def _session(session: Mapping[str, Any]) -> str:
    start, end = session.get("start") or "(start not in the log)", session.get("end") or "(end not in the log)"
    line = f", line {session['line']}" if session.get("line") else ""
    return f"{_name(session)} from {session.get('associated_ipaddr') or 'an unknown address'}, {start} to {end}{line}{_gateway(session)}"


def _gateway(record: Mapping[str, Any]) -> str:
    return f", gateway {one_line(str(record['gateway']))}" if record.get("gateway") else ""


def _name(session: Mapping[str, Any]) -> str:
    return one_line(str(session.get("username") or "")) or "(no name in the log)"


def _address(ip: object) -> str:
    if ip is None or ip == "":
        raise AttributionError("ip: the VPN address is missing; set it, such as -e ip=10.8.2.6.")
    if not isinstance(ip, str) or not ip.strip():
        raise AttributionError(f"ip: {one_line(str(ip))!r} is not an IP address; give one VPN address such as 10.8.2.6.")
    try:
        address = parse_address(ip)
    except ValueError as error:
        raise AttributionError(f"ip: {error}.") from error
    if address is None:
        raise AttributionError(f"ip: {one_line(ip)!r} means that there is no address; give one VPN address such as 10.8.2.6.")
    return address.text


def _moment(at: object, zone_name: str, now_ms: int) -> int:
    text = str(at).strip()
    if at is None or at == "":
        raise AttributionError(f"at: the time is missing; {_EXAMPLES}.")
    if isinstance(at, (bool, dict, list)) or not text:
        raise AttributionError(f"at: {one_line(text)!r} is not a time; {_EXAMPLES}.")
    if text.lower() == "now":
        return now_ms
    if _NUMBER.match(text):
        return _epoch(text)
    ago = _AGO.match(text)
    if ago:
        moment = now_ms - sum(int(number) * _UNIT_MS[unit.lower()] for number, unit in _PART.findall(ago[1]))
        if moment < EARLIEST_MS:
            raise AttributionError(f"at: {one_line(text)!r} is too long ago; {_EXAMPLES}.")
        return moment
    return _date_and_time(text, zone_name)


def _date_and_time(text: str, zone_name: str) -> int:
    if _DATE.match(text):
        raise AttributionError(f"at: {one_line(text)!r} is a date without a time of day; {_EXAMPLES}.")
    if not zone_name and not _HAS_ZONE.search(text):
        raise AttributionError(
            f"at: {one_line(text)!r} has no time zone, so it may mean several times; add Z for UTC or an offset such as +02:00, "
            "or set vpn_timezone."
        )
    try:
        return iso8601_to_milliseconds(text, Zone.named(zone_name or "UTC"))
    except InputError as error:
        raise AttributionError(error.message) from error
    except ValueError as error:
        raise AttributionError(f"at: {error}; {_EXAMPLES}.") from error


def _epoch(text: str) -> int:
    """Reads an epoch number: between 1980 and 2099, no number is valid in both seconds and milliseconds."""
    for converted in (epoch_ms_to_milliseconds, epoch_to_milliseconds):
        try:
            return converted(text)
        except ValueError:
            continue
    raise AttributionError(
        f"at: {one_line(text)!r} is not an epoch number of the years 1980 to 2099, in seconds or milliseconds; {_EXAMPLES}."
    )
