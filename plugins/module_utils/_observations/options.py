# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The options of `extrahop_observation`, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .._argspec import ArgumentSpec, from_environment, plain_text, whole_number
from .._errors import InputError
from .._vpn_log.options import LogOptions
from .._vpn_log.readers import log_options

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

ON_INVALID_FAIL = "fail"
ON_INVALID_SKIP = "skip"
SECONDS = "seconds"
MILLISECONDS = "milliseconds"
_INPUTS = ("path", "paths", "observations")
MAX_BATCH_SIZE = 50_000
MAX_CONCURRENCY = 32
MAX_LIMIT = 1_000_000_000
MAX_RETENTION_DAYS = 36_500


class UploadOptions(NamedTuple):
    """The options of an upload; the connection has its own options."""

    source: str
    log: LogOptions
    observations: Sequence[Mapping[str, Any]] | None
    timestamp_unit: str
    skips_invalid: bool
    rejects_path: str | None
    batch_size: int
    concurrency: int
    limit: int | None
    force: bool
    ledger: str | None
    ledger_retention_days: int | None
    checks_devices: bool
    reads_back: bool

    @classmethod
    def from_params(cls, params: Mapping[str, Any], null_options: Collection[str] = ()) -> UploadOptions:
        """Checks what an argument spec cannot express; `null_options` were given as null. Raises InputError."""
        _check_input(params, null_options)
        return cls(
            source=plain_text("source", params["source"]),
            log=LogOptions.from_params(params),
            observations=params["observations"],
            timestamp_unit=params["timestamp_unit"],
            skips_invalid=params["on_invalid"] == ON_INVALID_SKIP,
            rejects_path=params["rejects_path"],
            batch_size=whole_number("batch_size", params["batch_size"], 1, MAX_BATCH_SIZE),
            concurrency=whole_number("concurrency", params["concurrency"], 1, MAX_CONCURRENCY),
            limit=_number_or_none("limit", params["limit"], MAX_LIMIT),
            force=params["force"],
            ledger=params["ledger"],
            ledger_retention_days=_number_or_none("ledger_retention", params["ledger_retention"], MAX_RETENTION_DAYS),
            checks_devices=params["check_devices"],
            reads_back=params["read_back"],
        )

    @property
    def divisor(self) -> int:
        """The divisor that converts milliseconds to the unit that is sent."""
        return 1000 if self.timestamp_unit == SECONDS else 1


def _check_input(params: Mapping[str, Any], null_options: Collection[str]) -> None:
    if any(params[name] is not None for name in _INPUTS):
        return
    for name in _INPUTS:
        if name in null_options:
            raise InputError(f"{name}: the value is null, as if the option was not given. Set the variable that it comes from.")
    raise InputError(f"one of the following is required: {', '.join(_INPUTS)}")


def _number_or_none(option: str, value: int | None, highest: int) -> int | None:
    return None if value is None else whole_number(option, value, 1, highest)


def observation_options() -> ArgumentSpec:
    """Returns all options except those of the connection."""
    return ArgumentSpec(
        {
            "source": {"type": "str", "required": True},
            "observations": {
                "type": "list",
                "elements": "dict",
                "options": {
                    # With the type `str`, null would be refused by ansible-core before 2.19, and read as "no address" by later versions.
                    "ipaddr": {"type": "raw", "required": True},
                    "associated_ipaddr": {"type": "raw", "required": True},
                    "timestamp": {"type": "raw", "required": True},
                },
            },
            "timestamp_unit": {"type": "str", "choices": [SECONDS, MILLISECONDS], "default": SECONDS},
            "on_invalid": {"type": "str", "choices": [ON_INVALID_FAIL, ON_INVALID_SKIP], "default": ON_INVALID_FAIL},
            "rejects_path": {"type": "path"},
            "batch_size": {"type": "int", "default": 1000},
            "concurrency": {"type": "int", "default": 1},
            "ledger": from_environment("SECOPS_XDR_LEDGER", type="str", no_log=False),
            "ledger_retention": {"type": "int"},
            "force": {"type": "bool", "default": False},
            "check_devices": {"type": "bool", "default": False},
            "read_back": {"type": "bool", "default": False},
            "limit": {"type": "int"},
        },
        mutually_exclusive=[("path", "observations"), ("paths", "observations")],
    ).merged_with(log_options())
