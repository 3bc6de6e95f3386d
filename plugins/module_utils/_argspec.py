# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Argument specs, merged from parts: the connection of a product and the options of a module."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleFallbackNotFound

from ._errors import InputError
from ._texts import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEXTS = ("str", "path")
_LIST_IN_TEXT = re.compile(r"""\s*\[(?:\s*|.*[,'"].*)\]\s*\Z""", re.DOTALL)
"""A text that looks like a list in YAML, JSON or Python. `[VPN]` can be a single text."""
_MISSING = "missing required arguments: "
"""The start of Ansible's message about options that are missing."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
DEFAULT_TIMEOUT_SECONDS = 30
DEFAULT_RETRIES = 4


class ArgumentSpec:
    """Options with the rules between them; `merged_with` adds another part, `to_kwargs` feeds `AnsibleModule`."""

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
        """The keyword arguments of `AnsibleModule`."""
        return {
            "argument_spec": self.options,
            "required_one_of": self.required_one_of,
            "required_together": self.required_together,
            "required_if": self.required_if,
            "required_by": self.required_by,
            "mutually_exclusive": self.mutually_exclusive,
        }


def from_environment(variable: str, **option: Any) -> dict[str, Any]:
    """Returns an option that falls back to an environment variable of the host that runs the module."""
    return {**option, "fallback": (_set_variable, [variable])}


def is_from_environment(variable: str, value: str) -> bool:
    """True if the value of an option equals that of its environment variable."""
    return environment_value(variable) == value


def environment_value(variable: str) -> str:
    """Returns the stripped value of an environment variable; empty if it is not set.

    It is read as UTF-8, whatever the locale of the process is; bytes that are not UTF-8 become U+FFFD.
    """
    return os.fsencode(os.environ.get(variable, "")).decode("utf-8", "replace").strip()


def _set_variable(*names: str) -> str:
    """Returns the value of the first variable that is set; a blank variable counts as not set."""
    for name in names:
        value = environment_value(name)
        if value:
            return value
    raise AnsibleFallbackNotFound


def about_variables(message: str, spec: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Names the environment variables of the options that a message is about: the source of a value, or a place to set it.

    Options that the task sets itself, and variables that the message names already, are left out.
    """
    missing = message.partition(_MISSING)[2].split(", ") if message.startswith(_MISSING) else []
    sentences = []
    for name, option in spec.items():
        variable = option["fallback"][1][0] if option.get("fallback") else ""
        if not variable or variable in message or given.get(name) is not None:
            continue
        is_wrong = message.startswith((f"argument '{name}' ", f"value of {name} ", f"{name}: "))
        is_advised = re.search(rf"\b[Ss]et `{name}`", message)
        if environment_value(variable) and is_wrong:
            sentences.append(f" The value comes from the environment variable {variable}.")
        elif environment_value(variable) and is_advised:
            sentences.append(f" The value of `{name}` comes from the environment variable {variable}.")
        elif is_advised:
            sentences.append(f" Instead of `{name}`, you can set the environment variable {variable}.")
        elif name in missing:
            sentences.append(f" Set `{name}` in the task, or the environment variable {variable} on the host that runs the module.")
    return f"{'.' if missing and sentences else ''}{''.join(sentences)}"


def wrong_structures(given: Mapping[str, Any], spec: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """A message for each option that was given a structure for a text, or a text that looks like a list for a list.

    Ansible would convert them: a structure to its Python representation, and the text to one item for each part between commas.
    """
    for name, option in spec.items():
        value, kind = given.get(name), option.get("type", "str")
        if kind in _TEXTS:
            yield from _structure_for_text(f"{where}{name}", value)
        elif kind == "dict" and isinstance(value, dict) and option.get("options"):
            yield from wrong_structures(value, option["options"], f"{where}{name}.")
        elif kind == "list" and isinstance(value, list):
            for position, item in enumerate(value):
                place = f"{where}{name}[{position}]"
                if option.get("elements") in _TEXTS:
                    yield from _structure_for_text(place, item)
                elif isinstance(item, dict) and option.get("options"):
                    yield from wrong_structures(item, option["options"], f"{place}.")
        elif kind == "list" and isinstance(value, str) and _LIST_IN_TEXT.match(value):
            looks = f"a text that looks like a list was given: {quoted(value.strip())}"
            yield f"{where}{name}: {looks}. Give a list, or a text with commas between the items."


def _structure_for_text(where: str, value: Any) -> Iterator[str]:
    if isinstance(value, (dict, list, tuple)):
        what = "dictionary" if isinstance(value, dict) else "list"
        yield f"{where}: a {what} was given where a single text belongs. Give the text itself, or join the items to one text."


def connection_options(prefix: str) -> dict[str, dict[str, Any]]:
    """The options of every connection; `prefix` starts the names of the environment variables."""
    return {
        "host": from_environment(f"{prefix}_HOST", type="str", required=True),
        "validate_certs": from_environment(f"{prefix}_VALIDATE_CERTS", type="bool", default=True),
        "ca_path": from_environment(f"{prefix}_CA_PATH", type="path"),
        "timeout": from_environment(f"{prefix}_TIMEOUT", type="int", default=DEFAULT_TIMEOUT_SECONDS),
        "retries": from_environment(f"{prefix}_RETRIES", type="int", default=DEFAULT_RETRIES),
    }


def extrahop_connection() -> ArgumentSpec:
    """The options for the connection to ExtraHop: an API key, or the client credentials of RevealX 360."""
    return ArgumentSpec(
        {
            **connection_options("EXTRAHOP"),
            # Their environment variables are read only if the task sets none of these options: a host may have all of them.
            "api_key": {"type": "str", "no_log": True},
            "client_id": {"type": "str"},
            "client_secret": {"type": "str", "no_log": True},
        },
        required_by={"client_secret": ("client_id",)},
        mutually_exclusive=[("api_key", "client_id")],
    )


def stellar_connection() -> ArgumentSpec:
    """The options for the connection to Stellar Cyber: a user with an API key, a scoped key, or a token that the caller has."""
    return ArgumentSpec(
        {
            **connection_options("STELLAR"),
            "username": from_environment("STELLAR_USERNAME", type="str"),
            # Their environment variables are read only if the task sets neither option.
            "api_key": {"type": "str", "no_log": True},
            "access_token": {"type": "str", "no_log": True},
            "auth_method": from_environment("STELLAR_AUTH_METHOD", type="str", choices=["jwt", "basic", "scoped_key"], default="jwt"),
        },
        mutually_exclusive=[("api_key", "access_token")],
    )


def plain_text(option: str, value: str) -> str:
    """The text of an option, with U+FFFD for unpaired surrogates; raises InputError if it is empty."""
    if not value.strip():
        raise InputError(f"{option}: the text is empty.")
    return whole_characters(value)


def whole_characters(value: str) -> str:
    """The text with U+FFFD instead of unpaired surrogates. They come from bytes of another encoding, and cannot be sent."""
    return _HALF_CHARACTER.sub("\ufffd", value)


def sendable_text(option: str, value: str) -> str:
    """The text of an option; raises InputError if it contains an unpaired surrogate (bytes decoded with the wrong encoding)."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{option}: {quoted(value)} is not valid text: its character {error.start + 1} cannot be sent.") from error
    return value


def whole_number(option: str, value: int, lowest: int, highest: int) -> int:
    """The number of an option; raises InputError where it is out of range."""
    if lowest <= value <= highest:
        return value
    raise InputError(f"{option}: {value} is out of range; give a whole number from {lowest} to {highest}.")
