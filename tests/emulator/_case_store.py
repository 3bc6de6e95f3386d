# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of Stellar Cyber, their comments and their alerts."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._rewriting import rewritten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ._clock import Clock
    from ._settings import Settings

ID_DIGITS = 24


@dataclass
class Case:
    """One case with everything below its path."""

    source: dict[str, Any]
    comments: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The case for the control API."""
        return {**self.source, "comments": self.comments, "alerts": self.alerts}


class CaseStore:
    """All cases, in order of creation."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.cases: dict[str, Case] = {}
        self.updates = 0
        self.comments_written = 0

    def seed(self, value: Mapping[str, Any]) -> Case:
        """Put a case directly into the store. `comments` are texts or objects, `alerts` are documents; both have no place in the case."""
        created = int(value.get("created_at", self.now()))
        identifier = value.get("_id") or f"{created // 1000:08x}{secrets.token_hex((ID_DIGITS - 8) // 2)}"
        severity = value.get("severity", value.get("priority", "Medium"))
        source = {
            "_id": identifier,
            "ticket_id": len(self.cases) + 1000,
            "name": "Case",
            "status": "New",
            self._settings.case_severity_field: severity,
            self._settings.case_score_field: 50,
            "tags": [],
            "assignee": "",
            "assignee_name": "",
            "cust_id": "",
            "tenant_name": "Root Tenant",
            "created_at": created,
            "modified_at": created,
            "version": 1,
            **({"size": len(value.get("alerts", ()))} if self._settings.case_shows_size else {}),
            **{name: one for name, one in value.items() if name not in ("comments", "alerts", "severity", "priority")},
        }
        case = Case(source, [], [dict(one) for one in value.get("alerts", ())])
        self.cases[identifier] = case
        for comment in value.get("comments", ()):
            case.comments.append(comment if isinstance(comment, dict) else self._comment(case, comment))
        return case

    def update(self, case: Case, change: Mapping[str, Any]) -> None:
        """Make a checked change."""
        self.updates += 1
        if self._settings.ignore_writes:
            return
        source = case.source
        for name in ("status", "description"):
            if name in change and (name != "description" or self._settings.case_shows_description):
                source[name] = change[name]
        if "severity" in change:
            source[self._settings.case_severity_field] = change["severity"]
        if "resolution" in change and self._settings.case_shows_resolution:
            source["resolution"] = change["resolution"]
        if change.get("update_alerts"):
            for alert in case.alerts:
                alert.setdefault("_source", {})["event_status"] = "Closed"
        if "assignee" in change:
            self._assign(source, change["assignee"])
        self._tag(source, change.get("tags", {}))
        source["modified_at"], source["version"] = self.now(), source["version"] + 1

    def comment(self, case: Case, text: str) -> dict[str, Any]:
        """Append a comment: the server keeps every comment that arrives."""
        self.comments_written += 1
        comment = self._comment(case, rewritten(text, self._settings.comment_rewriting))
        if not self._settings.ignore_writes:
            case.comments.append(comment)
        return comment

    def users(self) -> list[dict[str, Any]]:
        """The users of the server."""
        return [
            {"user_id": f"{number:032x}", "email": email, "first_name": email.partition("@")[0].title(), "role": "analyst"}
            for number, email in enumerate(self._settings.case_users, start=1)
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """All cases for the control API."""
        return [case.as_json() for case in self.cases.values()]

    def now(self) -> int:
        """Epoch milliseconds."""
        return int(time.time() * 1000)

    def _comment(self, case: Case, text: str) -> dict[str, Any]:
        identifier, user = secrets.token_hex(ID_DIGITS // 2), self._settings.username
        return {"_id": identifier, "case_id": case.source["_id"], "comment": text, "created_at": self.now(), "user": user}

    def _assign(self, source: dict[str, Any], wanted: str) -> None:
        user = next((one for one in self.users() if wanted.casefold() in (one["email"].casefold(), one["user_id"])), None)
        if not wanted and self._settings.case_unassign != "works":
            return
        if user is None:
            # A server that accepts any text shows it unchanged.
            source["assignee"], source["assignee_name"] = wanted, wanted
            return
        shown = {"email": user["email"], "user_id": user["user_id"], "name": user["first_name"], "as_given": wanted}
        source["assignee"] = shown[self._settings.case_assignee_shown]
        source["assignee_name"] = user["first_name"]

    def _tag(self, source: dict[str, Any], change: Mapping[str, Sequence[str]]) -> None:
        if self._settings.tag_op_noop:
            return
        tags = list(source["tags"])
        for tag in change.get("add", ()):
            stored = rewritten(tag, self._settings.tag_rewriting)
            if stored not in tags:
                tags.append(stored)
        if self._settings.case_tag_delete == "adds":
            tags += [tag for tag in change.get("delete", ()) if tag not in tags]
        elif self._settings.case_tag_delete == "works":
            tags = [tag for tag in tags if tag not in change.get("delete", ())]
        source["tags"] = tags
