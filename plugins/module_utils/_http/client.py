# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""HTTP for all clients: TLS, proxies, timeouts, retries by kind of operation, and typed errors instead of library exceptions.

Connections of each thread are kept alive, with one authentication object that all threads share.
"""

from __future__ import annotations

import os
import re
import threading
import warnings
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from .._errors import (
    NO_HANDLES,
    NO_HANDLES_MESSAGE,
    AnswerError,
    ConnectionFailedError,
    InputError,
    NoAnswerError,
    RequestError,
)
from .answers import Answer, refusal
from .exchange import Exchange, WatchedAdapter
from .library import (
    HTTPAdapter,
    HTTPError,
    InsecureRequestWarning,
    ProtocolError,
    requests,
    require_requests,
)
from .proxies import proxies_for
from .retries import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from .._secrets import SecretKeeper
    from .auth import Auth
    from .connection import ConnectionSettings

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer above this size is refused, so that no server can fill the memory of the host."""
SLOWEST_EXCHANGE_FACTOR = 10
"""A whole attempt, from the connection to the end of the answer, may take this many times `timeout`.

`timeout` itself limits each wait for the next bytes.
"""
_CHUNK_BYTES = 64 * 1024
_HEADERS = {"User-Agent": "secops.xdr (Ansible)", "Accept-Encoding": "identity", "Connection": "keep-alive"}
_ENCODINGS = frozenset({"", "identity", "none", "utf-8", "binary", "gzip", "x-gzip", "deflate"})
"""Some servers name a character encoding here, and some proxies always compress.

With these encodings, the size of a decoded piece is limited. With others, or with several at once, a small answer could fill the memory of
the host.
"""


_PLAIN_PATH = re.compile(r"/(?!.*/\.)[A-Za-z0-9/_.~*:,=&?%-]*\Z")
"""A path to which `requests` would change nothing."""


class Operation(Enum):
    """The effect of a request, which decides whether it may be sent again after an unclear outcome."""

    READ = "read"
    TOKEN = "token"
    REPEATABLE_WRITE = "repeatable write"
    ONCE = "once"


@dataclass(frozen=True)
class Request:
    """One request. The path must be quoted; a body is either JSON or a form."""

    operation: Operation
    method: str
    path: str
    json_body: bytes | None = None
    form: Mapping[str, str] | None = None
    params: Mapping[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the type of the body and the accepted types."""
        headers = {"Accept": "application/json"}
        if self.json_body is not None:
            headers["Content-Type"] = "application/json"
        elif self.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return headers


class HttpClient:
    """Sends requests to one product. Safe to use from several threads."""

    def __init__(self, settings: ConnectionSettings, secrets: SecretKeeper, size_advice: str = "") -> None:
        """`size_advice` is added to the message about an answer that is too large: it names the option that requests less."""
        require_requests()
        if not settings.validate_certs:
            # With validate_certs set to false, urllib3 would warn on stderr for every request. Set once, because all threads share the
            # filters.
            warnings.simplefilter("ignore", InsecureRequestWarning)
        elif not settings.ca_path:
            _require_authorities()
        self.settings = settings
        self.secrets = secrets
        self.auth: Auth | None = None
        self._policy = RetryPolicy(settings.retries)
        self._proxies = proxies_for(settings.base_url, secrets)
        self._size_advice = size_advice
        self._base_url = _prepared_url(settings.base_url)
        self._threads = threading.local()

    def request(self, request: Request, *, expect: Collection[int], auth: Auth | None = None) -> Answer:
        """Sends one request and returns its answer; raises RequestError for every status that is not expected.

        `auth` replaces the client's own authentication, for token calls.
        """
        exchange = Exchange(self.settings.timeout * SLOWEST_EXCHANGE_FACTOR)
        used = auth or self.auth
        prepared = self._prepared(request)
        if used:
            used(prepared)
        try:
            answer = self._answer(request, prepared, exchange)
            renewals = 0
            while used and used.renewed_after(answer, prepared, renewals):
                renewals += 1
                answer = self._answer(request, prepared, exchange)
            if answer.status not in expect:
                raise refusal(answer)
        except RequestError as error:
            if exchange.unclear and request.operation is Operation.REPEATABLE_WRITE and not error.outcome_unknown:
                raise error.after_an_unclear_attempt() from error
            raise
        except OSError as error:
            # The code that explains failures is imported only after a failure, and the import needs a file handle too.
            if error.errno not in NO_HANDLES:
                raise
            kind = NoAnswerError if exchange.sent or exchange.unclear else ConnectionFailedError
            raise kind(NO_HANDLES_MESSAGE, method=request.method, path=request.path) from error
        return answer

    def _prepared(self, request: Request) -> requests.PreparedRequest:
        """Prepares the request without its signature. `requests` takes the address apart and together again for each request, which costs
        more than everything else here, so it does that only once, unless a path needs its corrections.
        """
        url = f"{self._base_url}{request.path}"
        if request.form is not None or not _PLAIN_PATH.match(request.path):
            url = self.settings.base_url + request.path
            headers = {**_HEADERS, **request.headers}
            data = request.json_body if request.json_body is not None else request.form
            return requests.Request(request.method, url, headers=headers, data=data, params=request.params).prepare()
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = f"{url}{'&' if '?' in url else '?'}{urlencode(request.params)}" if request.params else url
        prepared.headers = requests.structures.CaseInsensitiveDict({**_HEADERS, **request.headers})
        prepared.body = request.json_body or None
        if prepared.body or request.method != "GET":
            prepared.headers["Content-Length"] = str(len(request.json_body or b""))
        return prepared

    def _adapter(self) -> HTTPAdapter:
        """Returns the connections of this thread. A session of `requests` is not used: it would follow redirects, send cookies back (with a
        session cookie, some servers ask for a CSRF token as well), read `.netrc`, and put what the environment says in the place of the
        options of this task.
        """
        adapter: HTTPAdapter | None = getattr(self._threads, "adapter", None)
        if adapter is None:
            adapter = self._threads.adapter = WatchedAdapter()
        return adapter

    def _answer(self, request: Request, prepared: requests.PreparedRequest, exchange: Exchange) -> Answer:
        """Returns the complete answer. If an answer breaks off, the request is repeated where the operation allows it.

        Retries before the first byte of an answer are urllib3's work; it cannot see what happens to a streamed body.
        """
        operation, method, path = request.operation, request.method, request.path
        attempts_left = 0 if operation is Operation.ONCE else self.settings.retries
        adapter, timeout = self._adapter(), self.settings.timeout
        verify = (self.settings.ca_path or True) if self.settings.validate_certs else False
        # Directly before sending: signing may have sent a request for a token over the same connection.
        adapter.max_retries = self._policy.once if operation is Operation.ONCE else self._policy.repeatable
        while True:
            response: requests.Response | None = None
            try:
                with exchange:
                    response = adapter.send(prepared, True, (timeout, timeout), verify, proxies=self._proxies)
                    with response:
                        body = self._read_body(response, method, path)
                if not exchange.is_over:
                    return Answer(method, path, response.status_code, response.headers, body, self.secrets.shown, exchange.unclear)
                # An answer without a length ends with its connection, so an answer that was cut off looks complete.
                raise _no_answer(None, exchange, self.settings, request)
            except (requests.RequestException, HTTPError) as error:
                if exchange.is_over or response is None or not attempts_left:
                    raise _no_answer(error, exchange, self.settings, request) from error
                attempts_left -= 1
                exchange.unclear = True

    def _read_body(self, response: requests.Response, method: str, path: str) -> bytes:
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in _ENCODINGS:
            raise AnswerError(
                f"{method} {path} was answered in an encoding that was not requested ({self.secrets.shown(encoding)}); nothing of it was "
                "read. Check that `host` names the product itself, and the proxies before it.",
                method=method,
                path=path,
            )
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerError(
                    f"{method} {path} was answered with more than {MAX_ANSWER_BYTES // 1024 // 1024} MiB, which no answer of this API "
                    f"needs; reading was stopped. {self._size_advice or 'Check that `host` names the product itself.'}",
                    method=method,
                    path=path,
                )
        if response.raw.length_remaining:
            # urllib3 before version 2 accepts an answer that was cut off.
            raise ProtocolError("the answer is shorter than its header says")
        return bytes(body)


def _no_answer(
    error: requests.RequestException | HTTPError | None, exchange: Exchange, settings: ConnectionSettings, request: Request
) -> RequestError:
    """Returns the error for an incomplete answer; without `error`, the time of the attempt was up."""
    # Imported late: most requests do not fail.
    from .failures import given_up, transport_error

    if error is None or exchange.is_over:
        return given_up(exchange, settings, request.method, request.path)
    return transport_error(error, exchange, settings, request.method, request.path)


def _prepared_url(base_url: str) -> str:
    """Returns the base URL as `requests` sends it, such as with a name in Punycode."""
    try:
        url = requests.Request("GET", base_url).prepare().url
    except requests.RequestException:
        return base_url
    return (url or base_url).rstrip("/")


def _require_authorities() -> None:
    """Raises InputError if the file of certificate authorities that requests uses by itself is missing, as in small containers."""
    unpacked: Callable[[str], str] = requests.utils.extract_zipped_paths
    path = unpacked(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    if not os.path.exists(path):
        raise InputError(
            f"This host has no certificate authorities: the Python library requests looks for them in {path}, and there is no such file. "
            "Install the system's package ca-certificates or the Python library certifi, or set `ca_path`."
        )
