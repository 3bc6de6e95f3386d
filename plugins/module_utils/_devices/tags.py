# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The tags of an appliance by name. Devices are assigned to tags by their IDs, so missing tags are created first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .._errors import AnswerError, RequestError, StatusError
from .._resources.waiting import looks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .._extrahop.devices import DeviceCalls, Tag

_TAKEN = 422
"""The status for a tag whose name is taken."""


class TagBook:
    """The tags of an appliance by name; creates missing ones. Safe to use from several threads."""

    def __init__(self, calls: DeviceCalls) -> None:
        self._calls = calls
        self._ids: dict[str, int] = {}
        self._is_read = False
        self._using = threading.Lock()
        self.created: list[str] = []

    def note(self, tags: Iterable[Tag]) -> None:
        """Remembers tags from an answer."""
        self._ids.update({tag.name: tag.id for tag in tags})

    def missing(self, names: Collection[str]) -> list[str]:
        """Returns the names without a tag."""
        with self._using:
            return [name for name in names if not self._has(name)]

    def ids_of(self, names: Iterable[str]) -> list[int]:
        """Returns the IDs of the tags with these names; creates missing tags."""
        with self._using:
            return [self._ids[name] if self._has(name) else self._made(name) for name in names]

    def _has(self, name: str) -> bool:
        if name not in self._ids and not self._is_read:
            self._read()
        return name in self._ids

    def _read(self) -> None:
        self.note(self._calls.tags())
        self._is_read = True

    def _made(self, name: str) -> int:
        """Creates a tag, and looks for it after an unclear answer; raises RequestError if it does not exist."""
        try:
            self._calls.create_tag(name)
        except RequestError as error:
            if isinstance(error, StatusError) and error.status == _TAKEN:
                return self._taken(name, error)
            if not error.outcome_unknown or not self._appears(name):
                raise
        if name not in self._ids:
            self._read()
        if name not in self._ids:
            message = f"add_tags: ExtraHop accepted the new tag {name!r}, but does not list it. Look at its tags, and run again."
            raise AnswerError(message)
        self.created.append(name)
        return self._ids[name]

    def _appears(self, name: str) -> bool:
        try:
            for _look in looks():
                self._read()
                if name in self._ids:
                    return True
        except RequestError:
            # For the user, it matters that the tag may have been created.
            return False
        return False

    def _taken(self, name: str, error: StatusError) -> int:
        """Returns the ID of a tag that somebody else created meanwhile; raises the error if no tag has exactly this name."""
        self._read()
        if name in self._ids:
            return self._ids[name]
        similar = next((held for held in self._ids if held.casefold() == name.casefold()), None)
        if similar is None:
            raise error
        message = f"add_tags: ExtraHop has the tag {similar!r} and takes no second one that differs in case only; use this spelling."
        raise error.with_message(f"{message} {error.message}") from error
