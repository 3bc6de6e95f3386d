# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes to cases of Stellar Cyber. Their reads have the same paths: `skip` passes over those before the write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._ground import COMMENT, Ground, Operation

CASE_ID = "64f1a2b3c4d5e6f708192a3b"


def _with(**change: Any) -> Callable[[Ground], dict[str, Any]]:
    """The options of a change."""

    def params(ground: Ground) -> dict[str, Any]:
        settings = ground.emulator.emulator.settings
        return {**ground.connection, "username": settings.username, "api_key": settings.stellar_api_key, "id": CASE_ID, **change}

    return params


def _prepare(ground: Ground) -> None:
    ground.emulator.add_cases({"_id": CASE_ID})


def _done(*names: str) -> Callable[[Ground], list[int]]:
    """The number of times that each of these is on the case."""

    def standing(ground: Ground) -> list[int]:
        (case,) = ground.emulator.cases()
        done = {
            "status": int(case["status"] == "Escalated"),
            "assignee": int(case["assignee"] == "ann@example.com"),
            "tag": case["tags"].count("new"),
            "comment": [one["comment"] for one in case["comments"]].count(COMMENT),
        }
        return [done[name] for name in names]

    return standing


_FIELDS = {"status": "Escalated", "assignee": "ann@example.com", "add_tags": ["new"]}
_EVERYTHING = _with(**_FIELDS, comment=COMMENT)
_ALL_DONE = _done("status", "assignee", "tag", "comment")
_OF_CASE = f"/cases/{CASE_ID}"
CASE_OPERATIONS = [
    Operation("case: fields", "stellar_case", _OF_CASE, _with(**_FIELDS), _done("status", "assignee", "tag"), _prepare, 1),
    Operation("case: comment", "stellar_case", "/comments", _with(comment=COMMENT), _done("comment"), _prepare, 1),
    Operation("case: fields before a comment", "stellar_case", _OF_CASE, _EVERYTHING, _ALL_DONE, _prepare, 2),
    Operation("case: comment after fields", "stellar_case", "/comments", _EVERYTHING, _ALL_DONE, _prepare, 1),
    Operation("case: token", "stellar_case", "/access_token", _EVERYTHING, _ALL_DONE, _prepare, writes=False),
    Operation(
        "case: comment without reading",
        "stellar_case",
        "/comments",
        _with(comment=COMMENT, status="Escalated", read_access="none"),
        _done("status", "comment"),
        _prepare,
        can_read=False,
    ),
]
