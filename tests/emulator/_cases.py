# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls for cases of Stellar Cyber (contract: stellar-cases), strictly validated, with a switch foreverything undocumented."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._case_store import Case, CaseStore
from ._exchange import READ, WRITE, Call, Reply, Route, json_reply
from ._exchange import text_reply as text

if TYPE_CHECKING:
    from ._clock import Clock
    from ._settings import Settings

PATH = "/connect/api/v1/cases"
STATUSES = ("New", "In Progress", "Escalated", "Resolved", "Cancelled")
SEVERITIES = ("Low", "Medium", "High", "Critical")
RESOLUTIONS = ("True Positive", "False Positive", "Benign")
MAX_LIMIT = 500
ALERT_LIMIT = 50
_DAY_MS = 86_400_000
_TIMES = ("created_at", "modified_at")
_PLAIN = ("tenantid", "status", "severity", "priority", "assignee", "tags", "ticket_id", "min_score")
_PAGING = ("sort", "order", "limit", "skip")
_COMMAS = {"all": _PLAIN, "tags_and_status": ("tags", "status"), "tags": ("tags",)}
Problem = Callable[[int, str, str], Reply]


class InvalidCaseError(ValueError):
    """A request that is refused; the text is the reason."""


class Cases:
    """The cases of a server. Who may call is checked by the server itself."""

    def __init__(self, settings: Settings, clock: Clock, problem: Problem, missing: Callable[[Call], Reply]) -> None:
        """`problem` returns the server's answer for an error, `missing` its answer for a call that it does not have."""
        self._settings = settings
        self._problem = problem
        self._missing = missing
        self._lists = 0
        self.store = CaseStore(settings, clock)

    def routes(self, reader: Callable[[Call], str], writer: Callable[[Call], tuple[Any, str]]) -> tuple[Route, ...]:
        """The routes.

        `reader` checks the right to read and `writer` the right to write; both return the holder of the token or raise RefusedError.
        """

        def reads(work: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
            return lambda call: self._for_holder(call, reader(call), work)

        def writes(work: Callable[[Call, Any], Reply]) -> Callable[[Call], Reply]:
            def answer(call: Call) -> Reply:
                body, holder = writer(call)
                return self._for_holder(call, holder, lambda one: work(one, body))

            return answer

        return (
            Route(PATH, WRITE, {"GET": reads(self._list), "POST": writes(self._post)}),
            Route(f"{PATH}/{{id}}", WRITE, {"GET": reads(self._get), "PUT": writes(self._put)}),
            Route(f"{PATH}/{{id}}/comments", WRITE, {"GET": reads(self._comments), "POST": writes(self._comment)}),
            Route(f"{PATH}/{{id}}/alerts", READ, {"GET": reads(self._alerts)}),
            Route("/connect/api/v1/users", READ, {"GET": reads(self._users)}),
        )

    def _for_holder(self, call: Call, holder: str, work: Callable[[Call], Reply]) -> Reply:
        case = self.store.cases.get(call.parameters.get("id", ""))
        tenant = self._settings.scoped_tenant
        if holder == "scoped" and tenant and case is not None and case.source["cust_id"] != tenant:
            return self._problem(403, "forbidden", "Tenant mismatch")
        try:
            return work(call)
        except InvalidCaseError as error:
            return self._problem(400, "bad_request", str(error))

    # -- one case ---------------------------------------------------------------------------------------------------

    def _get(self, call: Call) -> Reply:
        if not self._settings.case_get_available:
            return self._missing(call)
        case = self._case(call)
        return json_reply(200, {"data": case.source}) if case else self._unknown(call)

    def _put(self, call: Call, body: Any) -> Reply:
        if not self._settings.case_put_available:
            return self._missing(call)
        change = _checked(body, self._settings, "severity")
        case = self._case(call)
        if case is None:
            return self._unknown(call)
        if change.get("assignee") == "" and self._settings.case_unassign == "refused":
            raise InvalidCaseError("assignee: unknown user")
        self.store.update(case, change)
        return self._updated(case)

    def _post(self, call: Call, body: Any) -> Reply:
        if self._settings.case_post == "missing":
            return self._problem(405, "method_not_allowed", "allowed: GET")
        if self._settings.case_post == "creates":
            if not isinstance(body, dict):
                raise InvalidCaseError("the body must be an object")
            return json_reply(200, {"data": self.store.seed({"name": "made by POST", **body}).source})
        change = _checked(body, self._settings, "priority")
        case = self.store.cases.get(dict(call.query).get("id", ""))
        if case is None:
            return self._unknown(call)
        self.store.update(case, change)
        return self._updated(case)

    def _updated(self, case: Case) -> Reply:
        form = self._settings.case_update_answer
        if form == "case":
            return json_reply(200, {"data": case.source})
        return text(200, "OK 200") if form == "text" else Reply(200)

    def _comments(self, call: Call) -> Reply:
        case = self._case(call)
        return json_reply(200, {"data": case.comments}) if case else self._unknown(call)

    def _comment(self, call: Call, body: Any) -> Reply:
        if not isinstance(body, dict) or set(body) != {"comment"} or not isinstance(body["comment"], str) or not body["comment"]:
            raise InvalidCaseError("expected a comment, which is a text, and nothing else")
        case = self._case(call)
        if case is None:
            return self._unknown(call)
        comment = self.store.comment(case, body["comment"])
        return Reply(200) if self._settings.case_comment_answer == "empty" else json_reply(200, {"data": comment})

    def _alerts(self, call: Call) -> Reply:
        case = self._case(call)
        if case is None:
            return self._unknown(call)
        query = dict(call.query)
        limit = min(_whole(query, "limit", ALERT_LIMIT), self._settings.case_alert_limit)
        skip = 0 if self._settings.case_skip == "ignored" else _whole(query, "skip", 0)
        page = [] if skip and self._settings.case_skip == "empty" else case.alerts[skip : skip + limit]
        return json_reply(200, {"data": {"docs": page}})

    def _users(self, _call: Call) -> Reply:
        if not self._settings.case_users_readable:
            return self._problem(403, "forbidden", "The account may not read users")
        return json_reply(200, {"data": self.store.users()})

    def _case(self, call: Call) -> Case | None:
        return self.store.cases.get(call.parameters["id"])

    def _unknown(self, _call: Call) -> Reply:
        return self._problem(404, "not_found", "no such case")

    # -- the list ---------------------------------------------------------------------------------------------------

    def _list(self, call: Call) -> Reply:
        query = self._known(call)
        limit = _whole(query, "limit", self._settings.case_default_limit)
        if not 0 < limit <= MAX_LIMIT:
            raise InvalidCaseError(f"limit: at most {MAX_LIMIT}")
        found = [case.source for case in self.store.cases.values() if self._fits(case.source, query)]
        if not any(name.partition("~")[0] in ("FROM", "TO") or name == "ticket_id" for name in query) and self._settings.case_default_days:
            since = self.store.now() - self._settings.case_default_days * _DAY_MS
            found = [source for source in found if source["created_at"] >= since]
        self._lists += 1
        if self._settings.unstable_ties and self._lists % 2:
            found.reverse()
        field, order = query.get("sort", "created_at"), query.get("order", "desc")
        found.sort(key=lambda source: (source.get(field) is not None, source.get(field)), reverse=order == "desc")
        skip = _whole(query, "skip", 0)
        skip = 0 if self._settings.case_skip == "ignored" else skip
        page = [] if skip and self._settings.case_skip == "empty" else found[skip : skip + limit]
        return json_reply(200, {"data": {"cases": page, "total": len(found)}})

    def _known(self, call: Call) -> dict[str, str]:
        """The arguments that this server knows; others are ignored, or refused."""
        query: dict[str, str] = {}
        for name, value in call.query:
            operator, tilde, field = name.rpartition("~")
            is_known = (
                name in (*_PLAIN, *_PAGING)
                if not tilde
                else (operator == "NOT" and field in _PLAIN) or (operator in ("FROM", "TO") and field in _TIMES)
            )
            if not is_known and self._settings.case_unknown_arguments == "refuse":
                raise InvalidCaseError(f"unknown argument {name}")
            if is_known and name not in self._settings.case_ignored_arguments:
                query[name] = value
        if query.get("order", "asc") not in ("asc", "desc"):
            raise InvalidCaseError("order: asc or desc")
        return query

    def _fits(self, source: dict[str, Any], query: dict[str, str]) -> bool:
        for name, value in query.items():
            operator, _tilde, field = name.rpartition("~")
            if field in _PAGING:
                continue
            if operator in ("FROM", "TO"):
                bound, moment = _whole(query, name, 0), source.get(field, 0)
                is_inside = moment > bound if operator == "FROM" else moment < bound
                if not is_inside and not (moment == bound and self._settings.case_bounds == "inclusive"):
                    return False
            elif self._matches(source, field, value) == (operator == "NOT"):
                return False
        return True

    def _matches(self, source: dict[str, Any], field: str, value: str) -> bool:
        wanted = value.split(",") if field in _COMMAS[self._settings.case_commas] else [value]
        if field == "min_score":
            return bool(source.get(self._settings.case_score_field, 0) >= float(value))
        if field == "tags":
            tags = [tag.casefold() for tag in source["tags"]] if self._settings.case_folds_tags else source["tags"]
            wanted = [tag.casefold() for tag in wanted] if self._settings.case_folds_tags else wanted
            return (all if self._settings.case_tags_match == "all" else any)(tag in tags for tag in wanted)
        names = {"tenantid": "cust_id"}
        return str(source.get(names.get(field, field), "")) in wanted


def _checked(value: Any, settings: Settings, severity: str) -> dict[str, Any]:
    """The change in a body, with the severity under that name. Raises InvalidCaseError for a change that a server would refuse."""
    if not isinstance(value, dict) or not value:
        raise InvalidCaseError("the body must be an object with something to change")
    known = {"status", severity, "assignee", "tags", "description", "resolution", "update_alerts"}
    if set(value) - known and settings.unknown_keys == "refuse":
        raise InvalidCaseError(f"unknown fields: {', '.join(sorted(set(value) - known))}")
    choices = {"status": STATUSES, severity: SEVERITIES, "resolution": RESOLUTIONS}
    for name, allowed in choices.items():
        if name in value and value[name] not in allowed:
            raise InvalidCaseError(f"{name}: one of {', '.join(allowed)}")
    for name, kind in (("assignee", str), ("description", str), ("update_alerts", bool)):
        if name in value and not isinstance(value[name], kind):
            raise InvalidCaseError(f"{name}: a {kind.__name__} is expected")
    if {"resolution", "update_alerts"} & set(value) and value.get("status") != "Resolved":
        raise InvalidCaseError("resolution and update_alerts go with the status Resolved only")
    _check_tags(value.get("tags", {"add": ["x"]}), settings)
    change = {name: one for name, one in value.items() if name in known}
    if severity in change:
        change["severity"] = change.pop(severity)
    return change


def _check_tags(tags: Any, settings: Settings) -> None:
    if not isinstance(tags, dict) or not tags or set(tags) - {"add", "delete"}:
        raise InvalidCaseError("tags: an object with add or delete is expected")
    if len(tags) > 1 and not settings.case_tags_together:
        raise InvalidCaseError("tags: either add or delete")
    for names in tags.values():
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise InvalidCaseError("tags: lists of texts are expected")


def _whole(query: dict[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise InvalidCaseError(f"{name}: a whole number is expected")
    return int(value)
