# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Messages in the Common Event Format and the Log Event Extended Format, which collectors ask gateways for."""

from __future__ import annotations

import re

from .._texts import quoted

_CEF = re.compile(r"CEF:\s?\d+\|(?:(?:[^|\\]|\\.)*\|){6}")
_CEF_NAME = re.compile(r"(?:\A|(?<=\s))([A-Za-z_][\w.\[\]-]*)\s?=", re.ASCII)
_LEEF = re.compile(r"LEEF:\s?(?P<version>[12])\.0\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|(?:(?P<separator>[^|=]{0,5})\|)?")
_CUT_HEAD = re.compile(r"(?:\A|(?<=[\s>]))(?:C|CE|CEF|CEF:|L|LE|LEE|LEEF|LEEF:|(?:CEF|LEEF):\s?[\d.]+(?:\|[^|]*)?)\Z")
_EQUALS = re.compile(r"(?<!\\)=")
_HEXADECIMAL = re.compile(r"(?:0?x|\\x)([0-9A-Fa-f]{2})\Z")


def event_fields(text: str) -> dict[str, str] | None:
    """The fields of a message in CEF or LEEF, in their order; None if it is in neither. Raises ValueError."""
    head = _CEF.search(text)
    if head:
        return _cef(text[head.end() :])
    head = _LEEF.search(text)
    if head:
        return _leef(text[head.end() :], head["separator"])
    return None


def is_cut_event(text: str) -> bool:
    """The text ends before the name of the vendor of a message in CEF or LEEF does."""
    return _CUT_HEAD.search(text) is not None


def note_field(fields: dict[str, str], name: str, value: str) -> None:
    """Adds a field; raises ValueError if it is there with another value."""
    if fields.get(name, value) != value:
        raise ValueError(f"the field {quoted(name)} is there twice with different values: these may be parts of two messages")
    fields[name] = value


def _cef(extension: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    names = list(_CEF_NAME.finditer(extension))
    for place, match in enumerate(names):
        end = names[place + 1].start() if place + 1 < len(names) else len(extension)
        value = extension[match.end() : end].strip()
        if "user" in match[1].lower() and _EQUALS.search(value):
            raise ValueError(f"{match[1]} is {quoted(value)}: it seems to contain the next field, so the message is damaged")
        value = value.replace("\\=", "=").replace("\\\\", "\\").strip('"')
        note_field(fields, _of_its_own(fields, match[1]), value)
    return fields


def _of_its_own(fields: dict[str, str], name: str) -> str:
    """PAN-OS gives two numbers the same name: that of the firewall and that of the client."""
    return f"{name}2" if name == "PanOSDeviceSN" and name in fields else name


def _leef(attributes: str, separator: str | None) -> dict[str, str]:
    match = _HEXADECIMAL.match(separator or "")
    character = chr(int(match[1], 16)) if match else separator or "\t"
    fields: dict[str, str] = {}
    for attribute in attributes.split(character):
        name, equals, value = attribute.strip().partition("=")
        if equals:
            note_field(fields, name.strip(), value.strip())
    return fields
