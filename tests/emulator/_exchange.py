# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and answers as plain data, so that only the server depends on the web framework."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import unquote

READ = "read"
WRITE = "write"
TOKEN = "token"


@dataclass
class Call:
    """One complete request. `path` is the undecoded path, `segments` are its decoded parts."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    connection: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    segments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.segments = tuple(unquote(part) for part in self.path.split("/")[1:])

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters, in lower case; empty when there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def accepts_json(self) -> bool:
        """True if the Accept header names JSON; `*/*` alone does not."""
        kinds = self.headers.get("Accept", "").lower().split(",")
        return any(kind.partition(";")[0].strip() == "application/json" for kind in kinds)

    def basic(self) -> tuple[str, str] | None:
        """User and password of HTTP Basic, or None."""
        scheme, _space, rest = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return (user, password) if colon else None

    def bearer(self) -> str | None:
        """The bearer token, or None."""
        scheme, _space, rest = self.headers.get("Authorization", "").partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


class RefusedError(Exception):
    """Raised anywhere below a handler: the answer is this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


Handler = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """A path template such as `/connect/api/data/{index}/amsg/{id}` and its handler."""

    template: str
    kind: str
    handlers: Mapping[str, Handler]

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The values of the template's parameters; None for another path."""
        wanted = self.template.split("/")[1:]
        if len(wanted) != len(segments):
            return None
        found: dict[str, str] = {}
        for place, part in enumerate(wanted):
            segment = segments[place]
            if part.startswith("{"):
                if not segment:
                    return None
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found


def json_reply(status: int, value: object, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """An answer with a JSON body."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, body, "application/json", headers)


def text_reply(status: int, text: str) -> Reply:
    """An answer in plain text."""
    return Reply(status, text.encode(), "text/plain; charset=utf-8")


def html_reply(status: int, html: str) -> Reply:
    """An answer in HTML, like that of a proxy or a login page."""
    return Reply(status, html.encode(), "text/html; charset=utf-8")


def parse_json(body: bytes) -> Any:
    """The JSON value of a body. Raises ValueError, for NaN and Infinity too."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_object(call: Call) -> dict[str, Any]:
    """The body of a call to ExtraHop as an object; anything else is refused with 400."""
    try:
        value = parse_json(call.body)
    except ValueError as error:
        raise RefusedError(invalid(f"The request body is not valid JSON: {error}")) from None
    if not isinstance(value, dict):
        raise RefusedError(invalid("the body must be an object"))
    return value


def invalid(detail: str, status: int = 400) -> Reply:
    """ExtraHop's refusal of an invalid request."""
    return json_reply(status, {"type": "invalid_request", "detail": detail})


def problem(status: int, kind: str, detail: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """ExtraHop's refusal in the form of RFC 7807."""
    reply = json_reply(status, {"type": kind, "detail": detail}, headers)
    return Reply(reply.status, reply.body, "application/problem+json", headers)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
