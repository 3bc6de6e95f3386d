# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Decides whether two texts name the same user: a case may show an email address, a user ID or a display name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .._errors import AnswerError, AuthenticationError, StatusError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .._errors import RequestError
    from .._stellar.cases import CaseCalls

_NAMES = ("user_id", "_id", "id", "email", "username", "user_name", "name", "display_name")
"""The fields of a user that a case may show. `user_id` and `email` are documented, the others are common."""


class Users:
    """The users of a server, read once and only if needed. Safe to use from several threads."""

    def __init__(self, calls: CaseCalls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._users: Sequence[Mapping[str, Any]] | None = None
        self._refusal: RequestError | None = None
        self._unanswered: dict[tuple[str, str], None] = {}

    def is_assigned(self, wanted: str, shown: Sequence[str]) -> bool | None:
        """True if the texts with which a case shows its assignee mean the wanted user; None if that is unknown."""
        if not wanted or not shown:
            return not wanted and not shown
        if wanted.casefold() in {text.casefold() for text in shown}:
            return True
        same = self._is_same_user(wanted, shown)
        if same is None:
            self._unanswered[(wanted, shown[0])] = None
        return same

    def warnings(self, show: Callable[[str], str]) -> list[str]:
        """One warning for all questions that could not be answered; `show` makes server text fit for messages."""
        if not self._unanswered:
            return []
        wanted, shown = next(iter(self._unanswered))
        why = f"could not be read: {self._refusal.message}" if self._refusal else "does not name both."
        warning = (
            f"assignee: the case shows {show(shown)}, and it could not be found out if that is {wanted}, because the list of users {why} "
            f"This concerns {len(self._unanswered)} pairs of names. Each run writes the assignee again; to avoid that, give it as the case "
            "shows it."
        )
        return [warning]

    def _is_same_user(self, wanted: str, shown: Sequence[str]) -> bool | None:
        users = self._read()
        wanted_users = _named(users, wanted)
        shown_users = [user for text in shown for user in _named(users, text)]
        if len(wanted_users) == 1 and shown_users:
            return wanted_users[0] in shown_users
        # Two email addresses are two users, unless the list shows otherwise.
        return False if "@" in wanted and any("@" in text for text in shown) else None

    def _read(self) -> Sequence[Mapping[str, Any]]:
        with self._lock:
            if self._users is None:
                try:
                    self._users = self._calls.users()
                except AuthenticationError:
                    raise
                except (StatusError, AnswerError) as error:
                    self._users, self._refusal = (), error
        return self._users


def _named(users: Sequence[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """Returns the users that have this text as one of their names."""
    name = text.casefold()
    return [user for user in users if any(isinstance(value := user.get(key), str) and value.casefold() == name for key in _NAMES)]
