# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The fields of a GlobalProtect event in the forms in which gateways, Panorama and Cortex send it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ..._errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERIAL, KIND, SUBTYPE, TIME, EVENT, USER, PUBLIC, PUBLIC6, PRIVATE, PRIVATE6 = 2, 3, 4, 6, 8, 12, 15, 16, 17, 18
STATUS, DURATION, HIGH_RES = 28, 30, 36
LEAST_WIDTH = 32
"""The minimum number of fields, up to the one after the login duration: the last field of a line may be cut off."""
_DESCRIPTION = 14
_LEAST_SYSTEM_WIDTH = 16
_NAMES: dict[int, tuple[str, ...]] = {
    SERIAL: ("serial number", "serial #", "serial", "device sn"),
    KIND: ("type",),
    TIME: ("generate time", "generated time", "time generated"),
    EVENT: ("event id", "eventid", "event"),
    USER: ("source user", "user", "source user name"),
    PUBLIC: ("public ip",),
    PUBLIC6: ("public ipv6",),
    PRIVATE: ("private ip",),
    PRIVATE6: ("private ipv6",),
    STATUS: ("status",),
    DURATION: ("login duration",),
    HIGH_RES: ("high res timestamp", "high resolution timestamp", "time generated high resolution", "high res time"),
}
_NEEDED = (KIND, TIME, EVENT, PUBLIC, PRIVATE)
_TYPE, _SYSTEM, _SYSTEM_SUBTYPE = "GLOBALPROTECT", "SYSTEM", "globalprotect"
_LATEST_TYPE_PLACE = 8
"""Some senders add fields before the type."""
_SYSTEM_TEXT = re.compile(
    r"(?:.*?\bLogin from: (?P<public>[^,\s]+),)?.*?\bUser ?name: (?P<user>[^,]{0,300}),"
    r".*?\bPrivate IP: (?P<private>[^,\s]+?)(?:,|\.(?:\s|\Z))"
)
_SYSTEM_USER = re.compile(r"\bUser ?name: (?P<user>[^,]{0,300}),")
_KINDS = {"GLOBALPROTECT", "TRAFFIC", "THREAT", "SYSTEM", "CONFIG", "HIPMATCH", "HIP-MATCH", "USERID", "AUTHENTICATION", "DECRYPTION"}
_OTHER_KINDS = {"GTP", "SCTP", "CORRELATION", "IPTAG", "TUNNEL", "URL", "WILDFIRE", "DATA", "AUDIT"}
_GATEWAY_EVENT = re.compile(r"gateway-[a-z-]+\Z")
_STATUSES = {"success", "failure"}
_REST_OF_PAIRS = re.compile(
    r"=gateway-[a-z-]+\b|\b(?:PanOSPrivate|PrivateIP=|EventStatus=)|\A\w{0,20}=[\dA-Fa-f.:]{7,}(?:[| ]|\Z)", re.ASCII
)
_LEAST_REST = 10
_BEGINS = re.compile(r"(?:\A|\s|>)\d{0,2}\Z", re.ASCII)
_DATE = re.compile(r"\d{1,4}(?:/[\d/ :.]*)?\Z|\Z", re.ASCII)
_KEYS: dict[str, tuple[str, ...]] = {
    "event": ("eventidvalue", "eventid"),
    "status": ("eventstatus", "status"),
    "user": ("sourceusername", "sourceuser", "srcuser", "usrname", "suser", "duser"),
    "public": ("publicipv4", "publicip"),
    "public6": ("publicipv6",),
    "private": ("privateipv4", "privateip"),
    "private6": ("privateipv6",),
    "time": ("logtimestamp", "timegenerated", "generatedtime", "eventtime", "devtime", "start", "rt", "receivetime"),
    "high_res": ("timegeneratedhighresolution", "highrestimestamp"),
    "duration": ("loginduration",),
    "serial": ("devicesn", "serial", "deviceexternalid"),
    "zone": ("dtz",),
}
_EVENTS = ("gateway-", "portal-")
_NOT_LAST = ("user", "public", "public6", "private", "private6", "time")


class Event(NamedTuple):
    """A GlobalProtect event; texts are unchanged from the log."""

    event: str = ""
    status: str = ""
    user: str = ""
    public: str = ""
    public6: str = ""
    private: str = ""
    private6: str = ""
    time: str = ""
    high_res: str | None = None
    """None if this version does not have the field."""
    duration: str = ""
    serial: str = ""
    zone: str = ""


class FieldOrder:
    """The order of fields in the rows of a log. `header` is the first row of an export that names its columns."""

    def __init__(self, header: list[str] | None, path: str) -> None:
        """Raises InputError if a needed column is missing."""
        self._places: list[int | None] = []
        self._width = 0
        if header is None:
            return
        names = [_plain(name) for name in header]
        self._width = len(names)
        self._places = [next((names.index(name) for name in _NAMES.get(place, ()) if name in names), None) for place in range(HIGH_RES + 1)]
        for place in _NEEDED:
            if self._places[place] is None:
                raise InputError(f"path: the header of {path} has no column {_NAMES[place][0]!r}; is it an export of a GlobalProtect log?")

    def event(self, row: list[str]) -> Event | None:
        """Returns the event of a row; None if the row is about something else.

        Raises ValueError if it is cut off or has too many separators.
        """
        if self._places:
            if len(row) != self._width:
                raise ValueError(f"the row has {len(row)} columns and the header {self._width}: it is cut off, or a value needs quotes")
            ordered = ["" if place is None else row[place] for place in self._places]
            has_high_res = self._places[HIGH_RES] is not None
        else:
            place = next(
                (place for place in (KIND, *range(_LATEST_TYPE_PLACE + 1)) if row[place : place + 1] in ([_TYPE], [_SYSTEM])), None
            )
            if place is None:
                return None
            ordered = row[place - KIND :] if place >= KIND else [""] * (KIND - place) + row
            has_high_res = len(ordered) > HIGH_RES
        if ordered[KIND] == _SYSTEM and ordered[SUBTYPE : SUBTYPE + 1] == [_SYSTEM_SUBTYPE]:
            return _system_event(ordered)
        if ordered[KIND] != _TYPE:
            return None
        if not self._places and len(ordered) < LEAST_WIDTH:
            raise ValueError(f"the row has {len(ordered)} columns, but such an event has at least {LEAST_WIDTH}: it is cut off")
        event, status, user, public, public6, private, private6, time, duration, serial = (
            ordered[place] for place in (EVENT, STATUS, USER, PUBLIC, PUBLIC6, PRIVATE, PRIVATE6, TIME, DURATION, SERIAL)
        )
        high_res = ordered[HIGH_RES] if has_high_res else None
        return Event(event, status, user, public, public6, private, private6, time, high_res, duration, serial)


def is_cut_before_type(row: list[str]) -> bool:
    """True if the row begins like a row of PAN-OS and is cut off in or before the type."""
    if len(row) == 1:
        return row[0].isascii() and row[0].isdigit() and len(row[0]) < 3
    is_begun = len(row) > 1 and _BEGINS.search(row[0]) is not None and _DATE.match(row[1]) is not None
    return is_begun and (len(row) <= KIND + 1 or (row[KIND] == _SYSTEM and len(row) <= SUBTYPE + 1))


def is_rest(text: str) -> bool:
    """True if the text has no type, but something that only events of GlobalProtect have: its beginning is lost or damaged."""
    if _REST_OF_PAIRS.search(text):
        return True
    row = [cell.strip(' "') for cell in text.split(",")]
    if len(row) < _LEAST_REST or not (_KINDS | _OTHER_KINDS).isdisjoint(row):
        return False
    return any(map(_GATEWAY_EVENT.match, row)) or not _STATUSES.isdisjoint(row)


def is_header(row: list[str]) -> bool:
    """True if this row is a header."""
    return {_NAMES[PUBLIC][0], _NAMES[PRIVATE][0]}.issubset(map(_plain, row))


def named_event(fields: Mapping[str, Any]) -> Event | None:
    """Returns the event of named fields, as in CEF, LEEF and Cortex; None if they are about something else. Raises ValueError."""
    values = {_key(name): _text(value) for name, value in fields.items()}
    found = {field: next((values[name] for name in names if name in values), None) for field, names in _KEYS.items()}
    if found["private"] is None and found["private6"] is None:
        event = found["event"]
        if event is not None and any(event.startswith(name) or name.startswith(event) for name in _EVENTS):
            raise ValueError("the event has no private IP: it is cut off")
        return None
    if found["event"] is None:
        raise ValueError("the event has a private IP and no event ID")
    last = next(reversed(list(values)), "")
    if any(last in _KEYS[field] for field in _NOT_LAST) or found["status"] is None:
        raise ValueError("the event has no status or ends with an address, a name or a time: it is cut off")
    high_res = found.pop("high_res")
    return Event(high_res=high_res, **{field: value or "" for field, value in found.items()})


def _system_event(row: list[str]) -> Event:
    """Reads an event of PAN-OS before 9.1, whose description is a sentence."""
    if len(row) < _LEAST_SYSTEM_WIDTH:
        raise ValueError(f"the row has {len(row)} columns, but such an event has at least {_LEAST_SYSTEM_WIDTH}: it is cut off")
    event, text = row[EVENT], row[_DESCRIPTION]
    status = "failure" if "fail" in event else "success"
    match = _SYSTEM_TEXT.match(text)
    if match:
        return Event(event, status, match["user"], match["public"] or "", private=match["private"], time=row[TIME], serial=row[SERIAL])
    if "Private IP" in text or "config" in event:
        raise ValueError("the description of the event is cut off or has another form")
    user = _SYSTEM_USER.search(text)
    return Event(event, status, user["user"] if user else "", time=row[TIME], serial=row[SERIAL])


def _plain(name: str) -> str:
    return name.strip().replace("_", " ").casefold()


def _key(name: str) -> str:
    return name.strip().removeprefix("PanOS").replace("_", "").casefold()


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
