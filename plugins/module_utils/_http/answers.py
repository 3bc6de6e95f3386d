# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The answers of a server, and its explanations when it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import AnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Answer(NamedTuple):
    """An HTTP answer that was read to its end."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    show: Callable[[str], str]
    """Makes a text fit for a message, and does not show one that repeats a secret of this run: servers repeat what they were sent."""
    is_repeated: bool = False
    """True if an earlier attempt at the same request may have been carried out as well."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def shown(self, text: str) -> str:
        """A part of this answer, fit for a message: short, and not shown at all if it repeats a secret."""
        return self.show(text)

    @property
    def is_html(self) -> bool:
        """True if this is a page for people, such as a proxy's login form."""
        content_type = self.headers.get("Content-Type", "").lower()
        return "html" in content_type or self.body[:200].lstrip()[:1] == b"<"

    def json(self) -> Any:
        """The body as JSON; raises AnswerError where it is none."""
        if not self.is_html:
            try:
                return json.loads(self.body.lstrip(b"\xef\xbb\xbf"))
            except (ValueError, RecursionError):
                pass
        raise self.unexpected("JSON was expected")

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object; raises AnswerError where it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise self.unexpected("a JSON object was expected")
        return value

    def unexpected(self, expectation: str) -> AnswerError:
        """The error for an answer that this API does not give."""
        found = "an HTML page, perhaps a login page of a proxy" if self.is_html else self.shown(self.text) or "an empty body"
        return AnswerError(
            f"{self.method} {self.path} was answered with status {self.status} and a body that this API does not give: {expectation}, "
            f"got {found}. Check that `host` names the product itself.",
            status=self.status,
            method=self.method,
            path=self.path,
        )
