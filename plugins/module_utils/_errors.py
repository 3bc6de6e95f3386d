# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The errors of this collection: one type for each cause, and the conversion to `fail_json`.

An error says what is wrong, where, and what to do. Lower layers raise errors; only :func:`reported_by` calls Ansible.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ._texts import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible.module_utils.basic import AnsibleModule


_ErrorT = TypeVar("_ErrorT", bound="XdrError")
NO_HANDLES = (errno.EMFILE, errno.ENFILE)
NO_HANDLES_MESSAGE = "The host that runs the module has no file handles left; raise its limit (ulimit -n), or lower `concurrency`."


class XdrError(Exception):
    """Anything that ends a run, with the result keys that a user can act on."""

    def __init__(self, message: str, **details: Any) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.details: dict[str, Any] = details

    @property
    def may_pass(self) -> bool:
        """True if the same request may succeed a little later."""
        return False

    def with_result(self, result: Mapping[str, Any]) -> XdrError:
        """Returns the same error with the results of the run so far (counts, changed)."""
        return self._copied(details={**result, **self.details})

    def with_message(self: _ErrorT, message: str) -> _ErrorT:
        """Returns an error of the same kind and cause with another message."""
        return self._copied(message=printable(message), args=(printable(message),))

    def _copied(self: _ErrorT, **attributes: Any) -> _ErrorT:
        copied = type(self).__new__(type(self), *self.args)
        vars(copied).update(vars(self))
        for name, value in attributes.items():
            setattr(copied, name, value)
        return copied

    def as_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`."""
        return {"msg": self.message, **self.details}


class InputError(XdrError):
    """An option, a file or a row is invalid; nothing was sent."""


class EmptyLogError(InputError):
    """A log without a single row: a mistake for some callers, a freshly rotated file for others."""


class OtherFormatError(InputError):
    """A log without a single line of its format: another kind of file, or a short part of a rotated log."""


class MissingLibraryError(XdrError):
    """A Python library that this run needs is not installed on the host that runs the module."""


class LedgerError(XdrError):
    """The record of what was accepted cannot be read or written."""


class NotTriedError(XdrError):
    """Nothing was sent for this item, because an earlier error affects it as well."""


class UnknownOutcomeError(XdrError):
    """It is unknown whether something was done, and doing it again could do it twice."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **{**details, "outcome_unknown": True})


class NotChangedError(XdrError):
    """The server reported success, but the change did not take effect."""


class RequestError(XdrError):
    """A request failed. `outcome_unknown` means that the server may have carried it out anyway."""

    outcome_unknown = False
    partly_done = False
    """True if it was one of several requests of the same change, and those before it were carried out."""

    @property
    def may_pass(self) -> bool:
        """True if the same request may succeed a little later."""
        return self.outcome_unknown

    def with_known_outcome(self: _ErrorT) -> _ErrorT:
        """Returns the same error for a request that certainly changed nothing."""
        return self._copied(outcome_unknown=False)

    def as_part(self: _ErrorT) -> _ErrorT:
        """Returns the same error for one of several requests, where the earlier ones were carried out."""
        return self._copied(partly_done=True)

    def after_an_unclear_attempt(self) -> NoAnswerError:
        """Returns the error for the case that an earlier attempt of the same request may have been carried out."""
        said = "An earlier attempt at the same request got no clear answer, so it may have been carried out or not."
        return NoAnswerError(f"{self.message} {said}", **self.details)


class ConnectionFailedError(RequestError):
    """No connection could be made (name, port, TLS): the server has not seen the request."""


class NoAnswerError(RequestError):
    """The request was sent, but no complete answer arrived, so it is unknown whether it was carried out."""

    outcome_unknown = True


class AnswerError(RequestError):
    """An answer that does not belong to this API, such as a login page or a redirect.

    It counts as unknown: a proxy that swaps the answer may have passed the request on.
    """

    outcome_unknown = True


class StatusError(RequestError):
    """The server refused with an HTTP status."""

    def __init__(self, message: str, status: int, reason: str, /, **details: Any) -> None:
        super().__init__(message, **{**details, "status": status})
        self.status = status
        self.reason = reason


class AuthenticationError(StatusError):
    """401, or the 400 of an expired or unknown credential."""


class PermissionDeniedError(StatusError):
    """403 of the product itself: known, but not allowed."""


class BareRefusalError(PermissionDeniedError):
    """A 403 that gives no reason. Gateways answer so more often than products, which name the missing right."""


class GatewayError(AnswerError):
    """A refusal by a gateway between this host and the product; it says nothing about the product or the account."""


class PartialSearchError(AnswerError):
    """A search that only a part of the index answered: events that it does not show may still exist."""


class RequestTooLongError(StatusError):
    """411, 413, 414 or 431, or a query with too many clauses: smaller requests may be accepted."""


class UnclearStatusError(StatusError):
    """408 and similar: the server or a proxy gave up waiting, and the request may have been carried out."""

    outcome_unknown = True


class NotFoundError(StatusError):
    """404."""


class ServerFaultError(StatusError):
    """5xx: the server, or a proxy in front of it, failed; the request may have been carried out before."""

    outcome_unknown = True


@contextmanager
def reported_by(module: AnsibleModule) -> Iterator[None]:
    """Converts a typed error to `fail_json`; anything else is a bug and keeps its traceback."""
    try:
        yield
        return
    except XdrError as error:
        result = error.as_result()
    except OSError as error:
        if error.errno not in NO_HANDLES:
            raise
        result = {"msg": NO_HANDLES_MESSAGE}
    # Not inside the `except` block: with tracebacks enabled, Ansible would show all causes, and libraries quote servers and proxies in
    # them.
    module.fail_json(**result)
