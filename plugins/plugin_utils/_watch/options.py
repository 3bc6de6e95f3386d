# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options of the event source `stellar_ser_event`, and those that both sources share; checked before any request."""

from __future__ import annotations

import glob
import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._argspec import ArgumentSpec, about_variables, stellar_connection, whole_number, wrong_structures
from ...module_utils._errors import InputError
from ...module_utils._events.query import any_of
from ...module_utils._files import state_file
from ...module_utils._http.connection import ConnectionSettings
from ...module_utils._stellar.paths import DEFAULT_PATTERN, checked_pattern
from ...module_utils._times.timestamps import event_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...module_utils._secrets import SecretKeeper

LATEST = "latest"
_SHORTEST_INTERVAL = 0.1
_LONGEST_INTERVAL = 86_400.0
_LONGEST_OVERLAP = 86_400


@dataclass(frozen=True)
class WatchOptions:
    """The options of the event source. Times in milliseconds, `interval` in seconds; `start` is None for the latest."""

    connection: Mapping[str, Any]
    endpoint: str
    index: str
    query: str
    tenants: tuple[str, ...]
    changes: bool
    start: int | None
    interval: float
    overlap: int
    cursor: str

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any], secrets: SecretKeeper) -> WatchOptions:
        """Reads and checks the options of a rulebook; raises InputError."""
        params = validated(watch_options(), arguments, secrets)
        endpoint = ConnectionSettings.from_params(params).base_url
        index = checked_pattern("index", params["index"])
        tenants = tuple(tenant for tenant in params["tenants"] or () if tenant.strip())
        query = (params["query"] or "").strip()
        return cls(
            connection=params,
            endpoint=endpoint,
            index=index,
            query=query,
            tenants=tenants,
            changes=params["changes"],
            start=checked_start(params["start"]),
            interval=checked_interval(params["interval"]),
            overlap=checked_overlap(params["overlap"]),
            cursor=params["cursor"] or default_cursor(endpoint, index, query, *tenants),
        )

    def search(self, times: str) -> str:
        """The Lucene query for the events that are watched, with a condition for their times."""
        clauses = [f"({self.query})"] if self.query else []
        if self.tenants:
            clauses.append(any_of("tenantid", self.tenants))
        return " AND ".join([*clauses, times])


def watch_options() -> ArgumentSpec:
    """The options of the event source."""
    return stellar_connection().merged_with(
        ArgumentSpec(
            {
                "index": {"type": "str", "default": DEFAULT_PATTERN},
                "query": {"type": "str"},
                "tenants": {"type": "list", "elements": "str"},
                **common_options(),
            }
        )
    )


def common_options() -> dict[str, dict[str, Any]]:
    """Returns the options of every event source, without the connection and the search."""
    return {
        "changes": {"type": "bool", "default": False},
        "start": {"type": "str", "default": LATEST},
        "interval": {"type": "float", "default": 10.0},
        "overlap": {"type": "int", "default": 360},
        "cursor": {"type": "path"},
        # For ansible-rulebook itself, which then passes a queue.
        "feedback": {"type": "bool", "default": False},
    }


def validated(spec: ArgumentSpec, arguments: Mapping[str, Any], secrets: SecretKeeper) -> Mapping[str, Any]:
    """Returns the options of a rulebook, checked against their types; raises InputError."""
    for name, option in spec.options.items():
        value = arguments.get(name)
        if option.get("no_log") and isinstance(value, str):
            secrets.add(value)
    # Blank fields of a controller's credential reach the source as empty strings.
    given = {name: value for name, value in arguments.items() if value is not None and value != ""}
    for problem in wrong_structures(given, spec.options):
        raise InputError(problem)
    result = ArgumentSpecValidator(spec.options, mutually_exclusive=spec.mutually_exclusive, required_by=spec.required_by).validate(given)
    if result.error_messages:
        shown = (secrets.shown(message) for message in result.error_messages)
        raise InputError("; ".join(f"{message}{about_variables(message, spec.options, given)}" for message in shown))
    params: Mapping[str, Any] = result.validated_parameters
    return params


def checked_start(text: str) -> int | None:
    """Epoch milliseconds, or None for the latest; raises InputError."""
    start = (text or LATEST).strip()
    return None if start == LATEST else event_time("start", start)


def checked_overlap(seconds: int) -> int:
    """Milliseconds; raises InputError."""
    return whole_number("overlap", seconds, 0, _LONGEST_OVERLAP) * 1000


def checked_interval(seconds: float) -> float:
    """Seconds; raises InputError."""
    if _SHORTEST_INTERVAL <= seconds <= _LONGEST_INTERVAL:
        return seconds
    raise InputError(f"interval: {seconds} is out of range; give seconds from {_SHORTEST_INTERVAL} to {_LONGEST_INTERVAL:.0f}.")


def default_cursor(*what: str) -> str:
    """A file beside the default ledger; each combination of server, index, query and tenants has its own cursor."""
    text = "\n".join(what).encode()
    try:
        path = state_file(f"cursor-{hashlib.sha256(text).hexdigest()[:16]}.json")
    except ValueError as error:
        raise InputError("cursor: this user has no home directory to keep the cursor in; set `cursor` to a file.") from error
    if os.path.exists(path):
        return path
    try:
        former = state_file(f"cursor-{hashlib.blake2b(text, digest_size=8).hexdigest()}.json")
    except (AttributeError, TypeError, ValueError) as error:
        # A host in FIPS mode has no BLAKE2.
        unclear = next(_former_cursors(os.path.dirname(path), *what[:2]), None)
        if unclear is None:
            return path
        raise InputError(
            f"cursor: {unclear} was written by version 1.0 of this collection for the same server and index. This host is in FIPS mode and "
            "cannot compute whether it belongs to this source too. Set `cursor` to this file to "
            "continue from there, or to another file to begin at the time in `start`."
        ) from error
    return former if os.path.exists(former) else path


def _former_cursors(folder: str, endpoint: str, index: str) -> Iterator[str]:
    """The cursors of version 1.0 for this server and index."""
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), "cursor-*.json"))):
        try:
            with open(path, encoding="utf-8") as file:
                cursor = json.load(file)
            if (cursor["format"], cursor["server"], cursor["index"]) == (1, endpoint, index):
                yield path
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            continue
