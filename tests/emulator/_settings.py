# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the emulator: credentials, data, and a switch foreverything that is not documented."""

from __future__ import annotations

import ipaddress
import types
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from ._rewriting import REWRITINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

CHOICES: Mapping[str, tuple[object, ...]] = {
    "play": ("both", "extrahop", "stellar"),
    "keep": ("all", "distinct", "counts"),
    "extrahop_auth": ("any", "api_key", "oauth"),
    "expired_token": ("401", "400", "400_text"),
    "accepted_body": ("empty", "text", "json"),
    "repeated_observations": ("accept", "refuse"),
    "timestamp_unit": ("seconds", "milliseconds", "any"),
    "no_note": ("null", "404", "object"),
    "observations_shown": ("at_once", "later", "never", "403", "404"),
    "shown_observations_as": ("list", "object", "list_without_them", "text"),
    "detection_tracking": ("external", "internal", "both"),
    "null_ticket": ("accept", "refuse"),
    "assignments": ("all", "part", "said_part"),
    "tag_names": ("exact", "any_case"),
    "tag_form": ("strings", "objects"),
    "index_style": ("on_premises", "saas"),
    "unknown_keys": ("refuse", "ignore"),
    "insert_answer": ("json", "text", "error", "empty_object", "other_shape"),
    "update_answer": ("text", "json", "empty", "bom"),
    "partial_searches": ("", "missing_shard", "failed_shard", "timed_out", "terminated_early", "skipped_cluster"),
    "search_after": ("works", "refused", "ignored"),
    "get_bodies": ("read", "dropped", "411"),
    "gateway_refusal": ("", "html", "text", "json", "empty"),
    "error_form": ("json", "text"),
    "missing_path_form": ("html", "json", "empty"),
    "login_page": ("off", "reads", "all"),
    "case_severity_field": ("severity", "priority"),
    "case_score_field": ("score", "incident_score"),
    "case_post": ("creates", "updates", "missing"),
    "case_update_answer": ("case", "text", "empty"),
    "case_comment_answer": ("empty", "json"),
    "case_assignee_shown": ("as_given", "email", "user_id", "name"),
    "case_unassign": ("works", "refused", "ignored"),
    "case_tag_delete": ("works", "ignored", "adds"),
    "case_commas": ("all", "tags_and_status", "tags"),
    "case_tags_match": ("any", "all"),
    "case_bounds": ("inclusive", "exclusive"),
    "case_skip": ("works", "ignored", "empty"),
    "case_unknown_arguments": ("ignore", "refuse"),
}


class SettingError(ValueError):
    """A setting that does not exist, or a value it cannot have."""


@dataclass
class Settings:
    """Every switch, with the value that follows the contracts. The README explains each."""

    # Both products
    play: str = "both"
    latency: float = 0.0
    max_body: int = 64 * 1024 * 1024
    rate_limit: int = 0
    rate_retry_after: str = "1"
    journal_size: int = 10_000
    journal_body: int = 1024 * 1024
    journal_bodies: int = 64 * 1024 * 1024

    # ExtraHop
    api_key: str = "emulator-extrahop-api-key"
    client_id: str = "emulator-client-id"
    client_secret: str = "emulator-client-secret"
    extrahop_auth: str = "any"
    token_life: float = 3600.0
    expires_in: bool = True
    expired_token: str = "401"
    full_privileges: bool = True
    ip_allowed: bool = True
    strict_headers: bool = True
    accepted_body: str = "empty"
    keep: str = "all"
    repeated_observations: str = "accept"
    timestamp_unit: str = "seconds"
    timestamp_strict: bool = True
    max_age: float = 0.0
    accept_ipv6: bool = True
    max_observations: int = 0
    max_observations_status: int = 400
    observed: list[str] = field(default_factory=lambda: ["10.8.0.0/16", "fd00:8::/64"])
    unobserved: list[str] = field(default_factory=lambda: ["10.8.200.0/24"])
    shared_addresses: list[str] = field(default_factory=lambda: ["10.8.0.1"])
    device_page_cap: int = 0
    second_addresses: list[str] = field(default_factory=list)
    device_idle_days: float = 0.0
    exploded_ipv6: bool = False
    observations_shown: str = "at_once"
    shown_observations_as: str = "list"
    extrahop_can_read: bool = True
    extrahop_ignore_writes: bool = False
    write_status: int = 204
    detection_tracking: str = "external"
    ticket_required: bool = False
    null_ticket: str = "accept"
    no_note: str = "null"
    note_rewriting: list[str] = field(default_factory=list)
    detection_page_cap: int = 0
    create_time_shown: bool = True
    assignments: str = "all"
    tag_names: str = "exact"
    on_watchlist_shown: bool = True
    watchlist_status: int = 204
    extrahop_version: str = "9.9.1.1234"

    # Stellar Cyber: who may do what
    username: str = "analyst@example.com"
    stellar_api_key: str = "emulator-stellar-api-key"
    scoped_key: str = "emulator-stellar-scoped-key"
    basic_on_calls: bool = True
    jwt_life: float = 600.0
    exp_in_answer: bool = True
    right_to_read: bool = True
    right_to_write: bool = True
    scoped_key_can_read: bool = False
    # Stellar Cyber: which calls there are
    update_ser_available: bool = True
    update_ser_multi_tags: bool = False
    security_events_available: bool = True
    security_events_combined: bool = False
    amsg_available: bool = True
    scroll_available: bool = True
    missing_path_status: int = 404
    missing_path_form: str = "html"
    login_page: str = "off"
    # Stellar Cyber: how it answers
    validation_status: int = 400
    ok_with_error_text: bool = False
    error_form: str = "json"
    insert_answer: str = "json"
    update_answer: str = "text"
    unknown_keys: str = "refuse"
    unknown_event_status: int = 404
    strict_fields: bool = True
    integer_timestamps: bool = False
    # Stellar Cyber: what it holds
    index_style: str = "on_premises"
    org_id: str = "0123456789abcdef"
    tag_field: str = "event_tags"
    tag_form: str = "strings"
    tag_op_noop: bool = False
    ignore_writes: bool = False
    refresh_delay: float = 1.0
    write_time_added: bool = True
    clock_ahead: float = 0.0
    clock_behind: float = 0.0
    analyzed_strings: bool = False
    max_result_window: int = 10_000
    refresh_interval: float = 0.0
    comment_rewriting: list[str] = field(default_factory=list)
    tag_rewriting: list[str] = field(default_factory=list)
    event_rewriting: list[str] = field(default_factory=list)
    # Stellar Cyber: what is between it and its clients, and how its searches fail
    partial_searches: str = ""
    null_hits: bool = False
    search_after: str = "works"
    id_sort: bool = True
    unstable_ties: bool = False
    scroll_contexts: int = 500
    scroll_refusal: int = 429
    get_bodies: str = "read"
    max_line: int = 0
    max_clauses: int = 1024
    session_cookie: bool = False
    single_token: bool = False
    gateway_refusal: str = ""
    # Stellar Cyber: its cases
    case_get_available: bool = True
    case_put_available: bool = True
    case_post: str = "creates"
    case_severity_field: str = "severity"
    case_score_field: str = "score"
    case_update_answer: str = "case"
    case_comment_answer: str = "empty"
    case_users: list[str] = field(default_factory=lambda: ["analyst@example.com", "ann@example.com", "bob@example.com"])
    case_users_readable: bool = True
    case_assignee_shown: str = "as_given"
    case_unassign: str = "works"
    case_shows_resolution: bool = False
    case_shows_description: bool = False
    case_tag_delete: str = "works"
    case_tags_together: bool = True
    case_folds_tags: bool = False
    case_tags_match: str = "any"
    case_commas: str = "all"
    case_bounds: str = "inclusive"
    case_default_limit: int = 50
    case_default_days: float = 1.0
    case_unknown_arguments: str = "ignore"
    case_ignored_arguments: list[str] = field(default_factory=list)
    case_skip: str = "works"
    case_alert_limit: int = 50
    case_shows_size: bool = False
    scoped_tenant: str = ""

    def __post_init__(self) -> None:
        self.check(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        """All settings as JSON values."""
        return asdict(self)

    def change(self, values: Mapping[str, Any]) -> None:
        """Set several at once: all of them, or, where one is wrong, none. Raises SettingError."""
        self.check({**self.as_dict(), **values})
        for name, value in values.items():
            setattr(self, name, list(value) if isinstance(value, (list, tuple)) else value)

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Raise SettingError for a name or a value that is not possible."""
        hints = get_type_hints(cls)
        for name, value in values.items():
            if name not in hints:
                raise SettingError(f"there is no setting {name!r}; known: {', '.join(sorted(hints))}")
            _check_type(name, hints[name], value)
            if name in CHOICES and value not in CHOICES[name]:
                raise SettingError(f"{name}: expected one of {', '.join(map(str, CHOICES[name]))}, got {value!r}")
            if name.endswith("_rewriting") and not set(value) <= set(REWRITINGS):
                raise SettingError(f"{name}: expected some of {', '.join(REWRITINGS)}, got {value!r}")
            if name in ("observed", "unobserved"):
                _check_networks(name, value)
            if name == "shared_addresses":
                _check_addresses(name, value)
        if values.get("keep") == "counts" and values.get("repeated_observations") == "refuse":
            raise SettingError("repeated_observations: only what is kept can be refused; keep is counts")


def setting_names() -> list[str]:
    """The name of every setting."""
    return [one.name for one in fields(Settings)]


def _check_type(name: str, hint: Any, value: object) -> None:
    if isinstance(hint, types.GenericAlias):
        item = get_args(hint)[0]
        fits = isinstance(value, (list, tuple)) and all(isinstance(one, item) for one in value)
    elif hint is bool:
        fits = isinstance(value, bool)
    elif hint is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    elif hint is int:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    else:
        fits = isinstance(value, str)
    if not fits:
        raise SettingError(f"{name}: expected {getattr(hint, '__name__', hint)}, got {value!r}")


def _check_networks(name: str, values: list[str]) -> None:
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            raise SettingError(f"{name}: {error}") from None


def _check_addresses(name: str, values: list[str]) -> None:
    for value in values:
        try:
            ipaddress.ip_address(value)
        except ValueError as error:
            raise SettingError(f"{name}: {error}") from None
