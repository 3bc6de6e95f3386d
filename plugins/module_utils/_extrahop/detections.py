# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.
"""The calls for detections.

Sources of the facts: the vendor's reference for agents (ExtraHop/agent-skills, `extrahop-rest-api/references/detections.md`), the vendor's
script `update_detections` (ExtraHop/code-examples), and the guide "Configure ticket tracking for detections". Facts that these do not
contain were seen in clients of others: the fields of a detection and the 200 instead of 204 (fn_extrahop of IBM, the integration of Cortex
XSOAR).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._errors import StatusError
from .._http.client import Operation, Request
from .calls import ApiCalls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEARCH_PATH = "/api/v1/detections/search"
_REFUSED = (400, 422)
_TRACKING = (
    'Notes and tickets need the setting "Track detections from an external ticketing system" (Administration settings of ExtraHop, System '
    "Configuration, Detection Tracking)."
)


class DetectionCalls(ApiCalls):
    """The calls for detections of one appliance. Times are epoch milliseconds."""

    def read(self, identifier: int) -> dict[str, Any]:
        """GET /detections/{id}: one detection; raises NotFoundError."""
        return self._read_object(_path(identifier), identifier)

    def search(self, search: Mapping[str, Any], *, size: int, most: int) -> Iterator[dict[str, Any]]:
        """POST /detections/search: the detections that match, each once. The answer is a list without a total."""
        return self._found(SEARCH_PATH, search, size=size, most=most)

    def update(self, identifier: int, fields: Mapping[str, Any]) -> None:
        """PATCH /detections/{id}: sets status, resolution, assignee and ticket_id; null clears a field. It is safe to repeat.

        The reference marks ticket_id as required and the vendor's script always sends it; clients of others omit it.
        """
        try:
            self._write("PATCH", _path(identifier), dict(fields))
        except StatusError as error:
            if error.status not in _REFUSED:
                raise
            advice = [] if "ticket_id" in fields else ["Some versions require a ticket with each update: give `ticket_id`."]
            advice += [_TRACKING] if error.status == 422 else []
            raise error.with_message(" ".join([error.message, *advice])) from error

    def note(self, identifier: int) -> str:
        """GET /detections/{id}/notes: the note; empty if there is none, for which null and 404 are both possible."""
        path = _note_path(identifier)
        try:
            answer = self._http.request(Request(Operation.READ, "GET", path), expect=(200, 204, 404))
        except StatusError as error:
            raise _about_tracking(error) from error
        if answer.is_html:
            raise answer.unexpected("JSON was expected")
        if answer.status != 200 or not answer.body:
            return ""
        value = answer.json()
        note = value.get("note") if isinstance(value, dict) else value
        if note is not None and not isinstance(note, str):
            raise answer.unexpected("an object with the text `note` was expected")
        return note or ""

    def replace_note(self, identifier: int, text: str) -> None:
        """PUT /detections/{id}/notes replaces the whole note, DELETE removes it (for an empty text).

        Notes have no versions and no ETag. After an unclear answer, the note must be read before this is sent again.
        """
        try:
            if text:
                self._write("PUT", _note_path(identifier), {"note": text}, operation=Operation.ONCE)
            else:
                self._write("DELETE", _note_path(identifier), operation=Operation.ONCE)
        except StatusError as error:
            raise _about_tracking(error) from error


def _path(identifier: int) -> str:
    return f"/api/v1/detections/{identifier}"


def _note_path(identifier: int) -> str:
    return f"/api/v1/detections/{identifier}/notes"


def _about_tracking(error: StatusError) -> StatusError:
    """Returns the same error; for a 422, the message names the setting without which ExtraHop refuses notes."""
    return error.with_message(f"{error.message} {_TRACKING}") if error.status == 422 else error
