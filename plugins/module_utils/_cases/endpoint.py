# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The two calls that update a case. On newer servers, the older call would create a new case, so it is never used on a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import NotChangedError, NotTriedError, RequestError, StatusError

if TYPE_CHECKING:
    from .._stellar.cases import CaseCalls
    from .reading import CaseReader
    from .state import CaseChange, CaseRef

AUTO = "auto"
PUT = "put"
POST = "post"
_MISSING = (404, 405)


class CaseEndpoint:
    """Sends changes with the chosen call, or with the one that the server has. Safe to use from several threads."""

    def __init__(self, calls: CaseCalls, reader: CaseReader, endpoint: str) -> None:
        self.name: str | None = None
        """The call that was used; None if none was."""
        self._calls = calls
        self._reader = reader
        self._chosen = endpoint
        self._made_case = ""

    def send(self, ref: CaseRef, change: CaseChange) -> None:
        """Sends the fields in one request, then the comment. If the first of them fails, the comment is not sent."""
        identifier = ref.id or ""
        if change.has_fields:
            self._send_fields(ref, identifier, change)
        if change.comment is None:
            return
        try:
            self._calls.comment(identifier, change.comment)
        except RequestError as error:
            raise (error.as_part() if change.has_fields else error) from error

    def _send_fields(self, ref: CaseRef, identifier: str, change: CaseChange) -> None:
        if POST in {self._chosen, self.name}:
            self._post(ref, identifier, change)
            return
        try:
            self._calls.put(identifier, change.body("severity"))
            self.name = PUT
        except StatusError as error:
            if error.status not in _MISSING:
                raise
            if PUT in {self._chosen, self.name} or not self._reader.has_no_case_call(identifier):
                advice = "Check the ID of the case. Version 4.3 does not have this call; there, set `endpoint: post`."
                raise error.with_message(f"{error.message} {advice}") from error
            self._post(ref, identifier, change)

    def _post(self, ref: CaseRef, identifier: str, change: CaseChange) -> None:
        if self._made_case:
            raise NotTriedError(f"Not attempted, because the server created the new case {self._made_case} of an earlier update.")
        found = self._calls.post(identifier, change.body("priority"))
        self.name = POST
        if found not in (None, identifier):
            self._made_case = found or ""
            raise NotChangedError(
                f"{ref.name}: the server created the new case {found} instead of changing {identifier}, so its version is newer than 4.3. "
                "Remove that case in Stellar Cyber, and set `endpoint` to `put`."
            )
