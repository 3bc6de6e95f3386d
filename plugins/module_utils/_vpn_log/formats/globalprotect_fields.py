# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The fields of a GlobalProtect event: where they stand, and what they say about a session."""

from __future__ import annotations

from ..._errors import InputError
from ..rows import FAILED_LOGIN, NO_ADDRESS, OTHER_SERVICE, SESSION_END

# The vendor's order since PAN-OS 9.1; newer versions add fields at the end.
KIND, TIME, EVENT, USER, PUBLIC, PUBLIC6, PRIVATE, PRIVATE6, STATUS, DURATION = 3, 6, 8, 12, 15, 16, 17, 18, 28, 30
WIDTH = 31
_NAMES: dict[int, tuple[str, ...]] = {
    KIND: ("type",),
    TIME: ("generate time", "generated time", "time generated"),
    EVENT: ("event id", "eventid", "event"),
    USER: ("source user", "user"),
    PUBLIC: ("public ip",),
    PUBLIC6: ("public ipv6",),
    PRIVATE: ("private ip",),
    PRIVATE6: ("private ipv6",),
    STATUS: ("status",),
    DURATION: ("login duration",),
}
_NEEDED = (KIND, TIME, EVENT, PUBLIC, PRIVATE)
_TYPE = "GLOBALPROTECT"
_LATEST_TYPE_PLACE = 8
"""Some senders put fields of their own before the type."""
_NO_ADDRESSES = ("", "0.0.0.0", "::")
_ENDS = ("gateway-logout", "gateway-config-release")
_PORTAL = "portal-"
_SUCCESS = ("success", "")


class FieldOrder:
    """Brings the fields of a row into the vendor's order. C(header) is the first row of an export that names its columns."""

    def __init__(self, header: list[str] | None, path: str) -> None:
        """Raises InputError where a needed column is missing."""
        self._places: list[int | None] = []
        self._header_width = 0
        if header is None:
            return
        names = [_plain(name) for name in header]
        self._header_width = len(names)
        self._places = [next((names.index(name) for name in _NAMES.get(place, ()) if name in names), None) for place in range(WIDTH)]
        for place in _NEEDED:
            if self._places[place] is None:
                raise InputError(f"path: the header of {path} has no column {_NAMES[place][0]!r}; is it an export of a GlobalProtect log?")

    def ordered(self, row: list[str]) -> list[str] | None:
        """The row in order, shorter than WIDTH if it is cut off; None for a row that is no GlobalProtect event."""
        if self._places:
            if len(row) < self._header_width:
                return row[: WIDTH - 1]
            row = ["" if place is None else row[place] for place in self._places]
            return row if row[KIND] == _TYPE else None
        if len(row) > KIND and row[KIND] == _TYPE:
            return row
        if _TYPE not in row[: _LATEST_TYPE_PLACE + 1]:
            return None
        before = row.index(_TYPE) - KIND
        return row[before:] if before > 0 else [""] * -before + row


def is_header(row: list[str]) -> bool:
    """Whether this row names columns."""
    return {_NAMES[PUBLIC][0], _NAMES[PRIVATE][0]}.issubset(map(_plain, row))


def reason_against(row: list[str]) -> str:
    """Why an event begins no session, empty if it does."""
    if row[STATUS].lower() not in _SUCCESS:
        return FAILED_LOGIN
    if row[EVENT] in _ENDS:
        return SESSION_END
    if (row[PRIVATE] in _NO_ADDRESSES and row[PRIVATE6] in _NO_ADDRESSES) or outside(row) in _NO_ADDRESSES:
        return NO_ADDRESS
    return OTHER_SERVICE if row[EVENT].startswith(_PORTAL) else ""


def outside(row: list[str]) -> str:
    """The address on the internet."""
    return row[PUBLIC6] if row[PUBLIC] in _NO_ADDRESSES else row[PUBLIC]


def with_each_address(row: list[str]) -> list[list[str]]:
    """The row once for each VPN address, which stands in the place of the IPv4 one."""
    if row[PRIVATE6] in _NO_ADDRESSES and row[PUBLIC] not in _NO_ADDRESSES:
        return [row]
    versions = []
    for address in (row[PRIVATE], row[PRIVATE6]):
        if address not in _NO_ADDRESSES:
            version = list(row)
            version[PRIVATE], version[PUBLIC] = address, outside(row)
            versions.append(version)
    return versions


def _plain(name: str) -> str:
    return name.strip().replace("_", " ").casefold()
