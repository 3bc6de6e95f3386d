# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The answers of a server: their content, and the errors for unexpected answers, with the server's explanation."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import (
    AnswerError,
    AuthenticationError,
    BareRefusalError,
    GatewayError,
    NotFoundError,
    PermissionDeniedError,
    RequestTooLongError,
    ServerFaultError,
    StatusError,
    UnclearStatusError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STATUS_ERRORS: dict[int, type[StatusError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    # The server or a proxy stopped waiting for the work to finish, or two requests were in conflict.
    408: UnclearStatusError,
    409: UnclearStatusError,
    425: UnclearStatusError,
    460: UnclearStatusError,
    499: UnclearStatusError,
    411: RequestTooLongError,
    413: RequestTooLongError,
    414: RequestTooLongError,
    431: RequestTooLongError,
}
_LAST_REFUSAL = 431
"""Later 4xx are not assigned, or of gateways: 444 of nginx, 451 of filters, 460 of load balancers."""
_GATEWAY_TEXT = re.compile(
    r"rbac: access denied|error code:? \d{4}|request (was )?blocked|access denied (by|for client|from)|\Aupstream |blocked by|"
    r"requested url was rejected|rate.?limit|rate exceeded|too many requests|quota|throttl|captcha|firewall|\bwaf\b|explicit deny|"
    r"missing authentication token|cannot consume this service|disallowed|faultstring|index.closed|zscaler|netskope|fortiguard",
    re.IGNORECASE,
)
"""Texts of gateways, proxies and firewalls, and refusals that have nothing to do with the rights of an account."""
_GZIP = b"\x1f\x8b"
_NO_REASONS = ("path", "timestamp", "requestId")
_BARE_TEXTS = frozenset({"", "forbidden", "403 forbidden", "access denied", "access_denied", "accessdenied", "request forbidden"})
"""Texts without information. Gateways use them more often than products, which name the missing right."""
_GATEWAY_HEADERS = (
    "cf-mitigated",
    "x-amzn-errortype",
    "x-amzn-waf-action",
    "x-sucuri-id",
    "x-sucuri-block",
    "x-iinfo",
    "x-akamai-edgescape",
    "x-squid-error",
    "retry-after",
)
# Both vendors' error bodies are known from clients only: ExtraHop's use the first four keys, in this order, Stellar Cyber's error.reason.
_TOO_MANY_CLAUSES = re.compile(rb"too.?many.{0,20}clauses|max.?clause.?count", re.IGNORECASE)
_FAILED = re.compile(r"(error|fail|invalid|denied|rejected)", re.IGNORECASE)
_ERROR_NAMES = ("error", "errors", "error_message", "errorMessage", "error_code", "errorCode", "exception", "failed", "fault")
_STATUS_NAMES = ("status", "result", "code", "statusCode", "status_code", "httpStatus")
_SUCCESS_NAMES = ("success", "ok", "acknowledged")
_REASON_KEYS = ("error_message", "detail", "error", "reason", "message", "type")


class Answer(NamedTuple):
    """An HTTP answer that was read completely."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    show: Callable[[str], str]
    """Prepares a text for a message, and hides it if it repeats a secret of this run: servers repeat what they were sent."""
    is_repeated: bool = False
    """True if an earlier attempt at the same request may have been carried out as well."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def shown(self, text: str) -> str:
        """Returns a part of this answer for a message: short, and not shown at all if it repeats a secret."""
        return self.show(text)

    @property
    def is_html(self) -> bool:
        """True if this is a page for people, such as a proxy's login form.

        The header alone is no evidence: many servers label any text as HTML.
        """
        return self.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

    @property
    def says_failed(self) -> bool:
        """True if the body is a JSON object that reports a failure, whatever the status."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return False
        return isinstance(value, dict) and says_failed(value)

    def json(self) -> Any:
        """Parses the body as JSON, with U+FFFD for bytes that are not UTF-8; raises AnswerError if it is not JSON."""
        body = self.body.lstrip(b"\xef\xbb\xbf")
        try:
            return json.loads(body)
        except UnicodeDecodeError:
            with suppress(ValueError, RecursionError):
                return json.loads(body.decode("utf-8", errors="replace"))
        except (ValueError, RecursionError):
            pass
        raise self.unexpected("JSON was expected")

    def json_object(self) -> dict[str, Any]:
        """Parses the body as a JSON object; raises AnswerError if it is not one."""
        value = self.json()
        if not isinstance(value, dict):
            raise self.unexpected("a JSON object was expected")
        return value

    def unexpected(self, expectation: str) -> AnswerError:
        """Returns the error for an answer that does not belong to this API."""
        found = "an HTML page, perhaps a login page of a proxy" if self.is_html else self.shown(self.text) or "an empty body"
        if self.body.startswith(_GZIP):
            found = "compressed bytes without the header that says so"
        return AnswerError(
            f"{self.method} {self.path} was answered with status {self.status} and a body that this API does not give: {expectation}, "
            f"got {found}. Check that `host` names the product itself.",
            status=self.status,
            method=self.method,
            path=self.path,
        )


def refusal(answer: Answer) -> AnswerError | StatusError:
    """Returns the error for an unexpected status."""
    where: dict[str, Any] = {"method": answer.method, "path": answer.path}
    reason = reason_of(answer)
    said = f": {reason}" if reason else ""
    if 300 <= answer.status < 400:
        target = answer.shown(answer.headers.get("Location", "an unnamed place"))
        return AnswerError(
            f"{answer.method} {answer.path} was redirected (status {answer.status}) to {target}. Redirects are not "
            "followed, because the credentials would go with them; set `host` to where the API really is.",
            status=answer.status,
            **where,
        )
    if answer.status < 300:
        return AnswerError(
            f"{answer.method} {answer.path} was answered with the unexpected status {answer.status}{said}. "
            "Check that `host` names the product itself.",
            status=answer.status,
            **where,
        )
    if answer.status == 403 and _is_from_gateway(answer):
        return GatewayError(
            f"{answer.method} {answer.path} was refused with status 403{said or ', with an empty answer'}. This is not the product's own "
            "refusal; it comes from a gateway, proxy or firewall in front of it. Allow this host's address, the path and the method there.",
            status=answer.status,
            **where,
        )
    kind = _STATUS_ERRORS.get(answer.status, ServerFaultError if answer.status >= 500 else StatusError)
    if answer.status == 403 and _is_bare(answer):
        kind = BareRefusalError
    if kind is StatusError and _TOO_MANY_CLAUSES.search(answer.body):
        kind = RequestTooLongError
    advice = _advice(answer.status)
    if kind is StatusError and _may_hide_another(answer):
        kind = UnclearStatusError
        advice = "A gateway or firewall in front of the product may have answered; the request may have been carried out or not."
    return kind(
        f"{answer.method} {answer.path} was refused with status {answer.status}{said}. {advice}",
        answer.status,
        reason,
        **where,
    )


def _is_from_gateway(answer: Answer) -> bool:
    """True if a 403 comes from a gateway in front of the product. The product itself answers with an error in JSON or a line of text."""
    if answer.is_html or "html" in answer.headers.get("Content-Type", "").lower():
        return True
    text = answer.text.strip()
    return not text or bool(_GATEWAY_TEXT.search(text)) or any(name in answer.headers for name in _GATEWAY_HEADERS)


def _may_hide_another(answer: Answer) -> bool:
    """True for a 4xx that a gateway may have put in the place of the product's answer: a page, or a status that is not for refusals.

    A 405 with a page is what a web server that is not the product answers to a POST.
    """
    return answer.status > _LAST_REFUSAL or (answer.is_html and answer.status != 405)


def _is_bare(answer: Answer) -> bool:
    """True if a refusal gives no reason."""
    try:
        said = _texts_in(json.loads(answer.body), depth=3)
    except (ValueError, RecursionError):
        said = [answer.text]
    return all(one.strip(" .!\r\n").lower() in _BARE_TEXTS for one in said)


def _texts_in(value: Any, depth: int) -> list[str]:
    """The texts of an error in JSON."""
    if isinstance(value, str):
        return [value]
    items = list(enumerate(value)) if isinstance(value, list) else list(value.items()) if isinstance(value, dict) else []
    return [text for name, item in items if depth and name not in _NO_REASONS for text in _texts_in(item, depth - 1)]


def says_failed(value: Mapping[str, Any]) -> bool:
    """True if a JSON object reports a failure, in one of the usual shapes."""
    return (
        any(value.get(name) for name in _ERROR_NAMES)
        or any(str(value.get(name, True)).lower() == "false" for name in _SUCCESS_NAMES)
        or any(_is_failure(value.get(name)) for name in _STATUS_NAMES)
    )


def _is_failure(status: Any) -> bool:
    """True for a status that means failure: a word such as `error`, or the number of an HTTP status."""
    if isinstance(status, str) and not status.isdecimal():
        return bool(_FAILED.match(status))
    return str(status).isdecimal() and 400 <= int(status) < 600


def reason_of(answer: Answer) -> str:
    """Returns the server's explanation of a failure as one short line; empty if there is none."""
    if answer.is_html:
        return "an HTML page"
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return answer.shown(answer.text)
    return answer.shown(_reason_in(value, depth=3))


def _reason_in(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and depth:
        # Elasticsearch reports a failed search as "all shards failed"; the cause is nested deeper.
        causes = value.get("root_cause")
        if isinstance(causes, list) and causes:
            return _reason_in(causes[0], depth - 1)
        for key in _REASON_KEYS:
            if value.get(key):
                return _reason_in(value[key], depth - 1)
    return json.dumps(value) if value else ""


def _advice(status: int) -> str:
    if status == 401:
        return "Check the credentials and that they belong to this host."
    if status == 403:
        return "The account may lack a privilege, or this host's address may be missing from an allow-list of the server."
    if status == 404:
        return "Check `host` and the product's version: this path or object is not there."
    if status in (408, 409, 425, 460, 499):
        return "The server or a proxy stopped waiting; the request may have been carried out or not."
    if status in (411, 413, 414, 431):
        return (
            "The request is longer than the server or a proxy in front of it accepts. Send less at once (`batch_size` for observations, "
            "fewer or "
            "shorter values in `filter` or `query` for a search, a shorter text or comment for an event), or have the limit raised there."
        )
    if status == 429:
        return "The server asks for fewer requests; lower `concurrency`, raise `retries`, or run again later."
    if status >= 500:
        return "The server or a proxy in front of it failed; run the task again when it works."
    return "The server did not accept the request."
