# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Argument specs that are put together from parts: the connection of one product, the options of one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import env_fallback

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_TIMEOUT_SECONDS = 30
DEFAULT_RETRIES = 4


class ArgumentSpec:
    """Options with the rules between them; C(merged_with) adds another part, C(to_kwargs) feeds C(AnsibleModule)."""

    def __init__(
        self,
        options: dict[str, dict[str, Any]],
        *,
        required_one_of: Sequence[Sequence[str]] = (),
        required_together: Sequence[Sequence[str]] = (),
        required_if: Sequence[Sequence[Any]] = (),
        required_by: dict[str, Sequence[str]] | None = None,
        mutually_exclusive: Sequence[Sequence[str]] = (),
    ) -> None:
        self.options = options
        self.required_one_of = list(required_one_of)
        self.required_together = list(required_together)
        self.required_if = list(required_if)
        self.required_by = dict(required_by or {})
        self.mutually_exclusive = list(mutually_exclusive)

    def merged_with(self, other: ArgumentSpec) -> ArgumentSpec:
        """A new spec with the options and rules of both."""
        return ArgumentSpec(
            {**self.options, **other.options},
            required_one_of=[*self.required_one_of, *other.required_one_of],
            required_together=[*self.required_together, *other.required_together],
            required_if=[*self.required_if, *other.required_if],
            required_by={**self.required_by, **other.required_by},
            mutually_exclusive=[*self.mutually_exclusive, *other.mutually_exclusive],
        )

    def to_kwargs(self) -> dict[str, Any]:
        """The keyword arguments of C(AnsibleModule)."""
        return {
            "argument_spec": self.options,
            "required_one_of": self.required_one_of,
            "required_together": self.required_together,
            "required_if": self.required_if,
            "required_by": self.required_by,
            "mutually_exclusive": self.mutually_exclusive,
        }


def from_environment(variable: str, **option: Any) -> dict[str, Any]:
    """An option whose value may also come from an environment variable of the host that runs the module."""
    return {**option, "fallback": (env_fallback, [variable])}


def connection_options(prefix: str) -> dict[str, dict[str, Any]]:
    """The options of every connection; C(prefix) starts the names of the environment variables."""
    return {
        "host": from_environment(f"{prefix}_HOST", type="str", required=True),
        "validate_certs": from_environment(f"{prefix}_VALIDATE_CERTS", type="bool", default=True),
        "ca_path": from_environment(f"{prefix}_CA_PATH", type="path"),
        "timeout": from_environment(f"{prefix}_TIMEOUT", type="int", default=DEFAULT_TIMEOUT_SECONDS),
        "retries": from_environment(f"{prefix}_RETRIES", type="int", default=DEFAULT_RETRIES),
    }


def extrahop_connection() -> ArgumentSpec:
    """How to reach ExtraHop: an API key, or the client credentials of RevealX 360."""
    return ArgumentSpec(
        {
            **connection_options("EXTRAHOP"),
            "api_key": from_environment("EXTRAHOP_API_KEY", type="str", no_log=True),
            "client_id": from_environment("EXTRAHOP_CLIENT_ID", type="str"),
            "client_secret": from_environment("EXTRAHOP_CLIENT_SECRET", type="str", no_log=True),
        },
        required_one_of=[("api_key", "client_id")],
        required_together=[("client_id", "client_secret")],
        mutually_exclusive=[("api_key", "client_id")],
    )
