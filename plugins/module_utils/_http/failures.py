# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Converts exceptions of requests, urllib3 and ssl to errors that say what to do and whether the request may have arrived."""

from __future__ import annotations

import os
import socket
import ssl
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from .._argspec import environment_value
from .._errors import (
    NO_HANDLES,
    NO_HANDLES_MESSAGE,
    ConnectionFailedError,
    NoAnswerError,
)
from .._texts import counted
from .library import ConnectTimeoutError, NewConnectionError, requests
from .proxies import proxy_variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._errors import RequestError
    from .connection import ConnectionSettings
    from .exchange import Exchange

_ErrorT = TypeVar("_ErrorT", bound=BaseException)
_HOSTNAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH, and 64 for IP addresses
_IP_ADDRESS_MISMATCH = 64
_NOT_YET_VALID = 9  # X509_V_ERR_CERT_NOT_YET_VALID
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_STRICT = range(80, 95)  # X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA to X509_V_ERR_EC_KEY_EXPLICIT_PARAMS
"""Errors that only strict checking reports, which Python does by default from 3.13 on."""
_WEAK = range(66, 69)  # X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK
_NO_SERVER = (24, 26, 79)  # X509_V_ERR_INVALID_PURPOSE, and X509_V_ERR_INVALID_CA before and since OpenSSL 3
_KEY_LOG = "SSLKEYLOGFILE"
_CERTIFICATE_LIBRARIES = ("X509", "PEM", "ASN1")
"""The parts of OpenSSL that read certificates from files, which happens before anything is sent."""


def transport_error(error: Exception, exchange: Exchange, settings: ConnectionSettings, method: str, path: str) -> RequestError:
    """Returns the typed error for a failed exchange. It quotes nothing from the library's text, which may contain a proxy's password."""
    place = urlsplit(settings.base_url).netloc
    causes = list(_causes(error))
    if not exchange.sent:
        certificate = _first(causes, ssl.SSLCertVerificationError)
        why = _certificate_message(certificate, place, settings) if certificate else _not_sent_message(causes, place, settings)
        return ConnectionFailedError(why, method=method, path=path)
    if _first(causes, requests.Timeout) or _first(causes, socket.timeout):
        what = f"gave no answer within {counted(settings.timeout, 'second')} (option `timeout`)"
    elif any(_is_malformed(cause) for cause in causes):
        what = "sent something that is not an HTTP answer, or not compressed as its header says"
    else:
        what = "broke the connection before its answer was complete"
    return NoAnswerError(
        f"{method} {path}: {place} {what}. The request may have been carried out or not. "
        "Check the server's load and any proxy or load balancer in front of it, then run the same task again.",
        method=method,
        path=path,
    )


def _is_malformed(cause: BaseException) -> bool:
    """True if an answer arrived but cannot be read. `http.client` raises the same errors for an answer that ends early."""
    if isinstance(cause, (requests.exceptions.ContentDecodingError, requests.exceptions.InvalidHeader)):
        return True
    return isinstance(cause, HTTPException) and not isinstance(cause, (RemoteDisconnected, IncompleteRead))


def given_up(exchange: Exchange, settings: ConnectionSettings, method: str, path: str) -> RequestError:
    """Returns the typed error for an exchange whose time was up although data kept arriving."""
    if not exchange.sent:
        place = urlsplit(settings.base_url).netloc
        return ConnectionFailedError(
            f"The connection to {place} was not ready within {counted(exchange.seconds, 'second')} and was given up. "
            "Check the server's load and any proxy in front of it, or raise `timeout`.",
            method=method,
            path=path,
        )
    return NoAnswerError(
        f"{method} {path}: the answer trickled in for more than {counted(exchange.seconds, 'second')} and was given up. "
        "Check the server's load and any proxy in front of it, or raise `timeout`.",
        method=method,
        path=path,
    )


def _not_sent_message(causes: list[BaseException], place: str, settings: ConnectionSettings) -> str:
    """Returns the reason why the request was not sent, other than the certificate."""
    if any(isinstance(cause, OSError) and cause.errno in NO_HANDLES for cause in causes):
        return NO_HANDLES_MESSAGE
    key_log = environment_value(_KEY_LOG)
    if key_log and any(isinstance(cause, OSError) and cause.filename == os.environ.get(_KEY_LOG) for cause in causes):
        return f"The environment variable {_KEY_LOG} names {key_log}, which this user cannot write. Correct or unset it; nothing was sent."
    if _first(causes, requests.exceptions.ProxyError):
        return (
            f"The proxy for {place} cannot be reached or refused the connection. Check the environment variable "
            f"{proxy_variable(settings.base_url)}. To use no proxy for this server, add its host to NO_PROXY."
        )
    if _first(causes, socket.gaierror):
        return f"The name in `host`, {place}, cannot be resolved; check its spelling and the DNS of the host that runs the module."
    # urllib3 derives its other connection errors from the timeout error, so the order of these checks matters.
    if _first(causes, ConnectionRefusedError):
        return f"{place} refused the connection: nothing listens there; check `host` and port, and that the service is up."
    if _first(causes, NewConnectionError):
        return f"{place} cannot be reached; check `host`, port and routing from the host that runs the module."
    if _first(causes, ConnectTimeoutError) or _first(causes, socket.timeout):
        within = f"{counted(settings.timeout, 'second')} (option `timeout`)"
        return f"No connection to {place} within {within}; check `host`, port, routing and firewalls."
    return _tls_message(causes, place, settings)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tls_message(causes: list[BaseException], place: str, settings: ConnectionSettings) -> str:
    """Returns the reason why the TLS connection failed, or the fault in its settings."""
    tls = _first(causes, ssl.SSLError)
    if tls and tls.library not in _CERTIFICATE_LIBRARIES:
        reason = tls.reason or "the handshake failed"
        return f"No TLS connection to {place}: {reason}; check that this port serves HTTPS, and its TLS versions."
    if tls or (isinstance(causes[0], OSError) and not isinstance(causes[0], requests.RequestException)):
        return f"{_capital(settings.ca_name)} cannot be used for the connection to {place}: it must contain certificates in PEM form."
    if _first(causes, requests.exceptions.SSLError):
        return f"No TLS connection to {place}; check that this port serves HTTPS and that {settings.ca_name} has certificates in PEM form."
    if isinstance(causes[0], (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)):
        return f"No request to {place} could be formed from `host` and the credentials; check them for characters that do not belong there."
    return (
        f"The connection to {place} broke before the request was sent; check that this port serves HTTPS and that no proxy or firewall "
        "is in the way."
    )


def _certificate_message(error: ssl.SSLCertVerificationError, place: str, settings: ConnectionSettings) -> str:
    # Old versions of urllib3 compare names themselves, and their error has no code.
    code = getattr(error, "verify_code", _HOSTNAME_MISMATCH)
    if code in (_HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH):
        return (
            f"The TLS certificate of {place} is trusted, but it was not issued for this name; "
            "set `host` to a name in the certificate, or have the certificate renewed with this name."
        )
    if code in (_NOT_YET_VALID, _EXPIRED):
        return (
            f"The TLS certificate of {place}, or of an authority that it leads to, is out of date ({error.verify_message}). "
            "Have it renewed, or correct the clock of the host that runs the module."
        )
    known = f"the authorities in {settings.ca_name} ({settings.ca_path})" if settings.ca_path else "the authorities that this host trusts"
    if code in _STRICT:
        return (
            f"The TLS certificate of {place} leads to {known}, so these are the right ones. But it does not pass the strict checks of "
            f"Python 3.13 and later: {error.verify_message}. Have the certificate that lacks this issued again, the server's or that of "
            "its authority, or set ansible_python_interpreter to an older Python until then."
        )
    if code in _WEAK or code in _NO_SERVER:
        return (
            f"The TLS certificate of {place}, or of an authority that it leads to, is not accepted by this host: {error.verify_message}. "
            "Have that certificate issued again, with a key, a signature and a purpose as are usual for servers today."
        )
    return (
        f"The TLS certificate of {place} is not trusted ({error.verify_message}): it does not lead to {known}. "
        f"Set `ca_path` to the certificate authority that signed it.{_unused_variable(settings)}"
    )


def _unused_variable(settings: ConnectionSettings) -> str:
    """Returns a sentence about a variable that sets authorities for other programs; requests does not read it."""
    names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environment_value(name)]
    return f" The environment variable {names[0]} is not used for this." if names and not settings.ca_path else ""


def _first(causes: list[BaseException], kind: type[_ErrorT]) -> _ErrorT | None:
    return next((cause for cause in causes if isinstance(cause, kind)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and its causes; the libraries chain them in four different ways."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen:
            seen.add(id(current))
            yield current
            waiting += [getattr(current, "reason", None), current.__cause__, current.__context__, *current.args]
