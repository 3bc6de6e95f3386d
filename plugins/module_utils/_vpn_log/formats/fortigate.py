# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Event logs of FortiGate: C(tunnel-up) gives out an address, C(tunnel-down) ends a session.

SSL VPN names the VPN address C(tunnelip), IPsec with mode config C(assignip). The first of two C(tunnel-up) of an SSL login and
tunnels between sites have none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..._times.timestamps import epoch_ms_to_milliseconds, iso8601_to_milliseconds
from ..endpoints import endpoint_book
from ..line_reader import LineReader
from ..rows import (
    FAILED_LOGIN,
    NO_ADDRESS,
    OTHER_MESSAGE,
    Rejected,
    Session,
    Skipped,
)
from ..session_ends import SessionEnd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..._addresses import Address
    from ..reading import Reading
    from ..session_ends import LoggedRow

_BEGINNINGS = ("tunnel-up", "ssl-new-con")
_END = "tunnel-down"
_LOGIN_REFUSED = "ssl-login-fail"
_ACTION = re.compile(rf'\baction="?(?:{"|".join((*_BEGINNINGS, _END, _LOGIN_REFUSED))})\b')
_DEVICE = re.compile(r'\b(?:logid|log_id)="?\d|\bdevid="?F|\bdate=\d{4}-\d\d-\d\d[ ,]time=', re.ASCII)
_QUOTED = r'[^"\\]*(?:\\.[^"\\]*)*'
# Names begin where words do, and a quote that is not closed takes the rest of the line: else each part of a long line that was made for
# it would be looked at again and again.
_FIELD = re.compile(rf'(?<!\w)(\w+)=(?:"({_QUOTED})"|"{_QUOTED}\\?\Z|([^\s",]*))')
_EPOCH = re.compile(r"\d{10,19}\Z", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}\Z", re.ASCII)
_DIGITS_OF_MS = 13
"""Of epoch milliseconds; seconds have 10 digits and nanoseconds 19 from 2001 to 2286."""
_NO_USER = ("", "N/A")


class FortigateParser:
    """Messages of one log."""

    def __init__(self, reading: Reading) -> None:
        self.has_recognised = False
        self._zone = reading.zone
        self._addresses = endpoint_book()

    def rows(self, number: int, line: str) -> Sequence[LoggedRow]:
        """One row."""
        if not _ACTION.search(line):
            self.has_recognised = self.has_recognised or _DEVICE.search(line) is not None
            return [Skipped(number, OTHER_MESSAGE)]
        self.has_recognised = True
        fields = {name: quoted or bare for name, quoted, bare in _FIELD.findall(line)}
        # The words may also stand within another field.
        action = fields.get("action")
        if action == _LOGIN_REFUSED:
            return [Skipped(number, FAILED_LOGIN)]
        if action not in _BEGINNINGS and action != _END:
            return [Skipped(number, OTHER_MESSAGE)]
        try:
            return [self._row(number, fields, is_end=action == _END)]
        except ValueError as error:
            return [Rejected(number, str(error), line)]

    def rest(self) -> Sequence[LoggedRow]:
        """Each line stands for itself."""
        return []

    def _row(self, number: int, fields: Mapping[str, str], *, is_end: bool) -> LoggedRow:
        ipaddr = self._inside(fields)
        associated_ipaddr = self._addresses.lookup(fields.get("remip", ""))
        if ipaddr is None or associated_ipaddr is None:
            return Skipped(number, NO_ADDRESS)
        moment = self._milliseconds(fields)
        if not is_end:
            return Session(number, _username(fields), ipaddr, associated_ipaddr, moment, None)
        duration = fields.get("duration", "")
        length = int(duration) * 1000 if _SECONDS.match(duration) else None
        return SessionEnd(number, _username(fields), ipaddr, associated_ipaddr, moment, length)

    def _inside(self, fields: Mapping[str, str]) -> Address | None:
        return self._addresses.lookup(fields.get("tunnelip", "")) or self._addresses.lookup(fields.get("assignip", ""))

    def _milliseconds(self, fields: Mapping[str, str]) -> int:
        """C(eventtime) where there is one, whatever the unit that this version writes; else date, time and C(tz)."""
        eventtime = fields.get("eventtime", "")
        if _EPOCH.match(eventtime):
            return epoch_ms_to_milliseconds(eventtime[:_DIGITS_OF_MS].ljust(_DIGITS_OF_MS, "0"))
        return iso8601_to_milliseconds(f"{fields.get('date', '')}T{fields.get('time', '')}{fields.get('tz', '')}", self._zone)


class FortigateReader(LineReader):
    """Reads event logs in the key=value form of syslog and log files, with or without a relay's own head before it."""

    def __init__(self, reading: Reading) -> None:
        super().__init__(reading, FortigateParser, "an event of FortiGate (date=… time=… logid=…)")


def _username(fields: Mapping[str, str]) -> str:
    """The user; of an IPsec dial-up, who logged in by XAuth, since C(user) is the peer there."""
    for name in ("xauthuser", "user"):
        if fields.get(name, "") not in _NO_USER:
            return fields[name]
    return ""
