# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Every way in which a run can fail, one type a cause, and the one way from there to C(fail_json).

An error says what is wrong, where, and what to do. Lower layers raise; only :func:`reported_by` talks to Ansible.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ._texts import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible.module_utils.basic import AnsibleModule


NO_HANDLES = (errno.EMFILE, errno.ENFILE)
NO_HANDLES_MESSAGE = "The host that runs the module has no file handles left; raise its limit (ulimit -n), or lower `concurrency`."


class XdrError(Exception):
    """Anything that ends a run, with the result keys that a user can act on."""

    def __init__(self, message: str, **details: Any) -> None:
        self.message = printable(message)
        super().__init__(self.message)
        self.details: dict[str, Any] = details

    def with_result(self, result: Mapping[str, Any]) -> XdrError:
        """Adds what the run had done until then (counts, changed) to what the user is shown."""
        self.details = {**result, **self.details}
        return self

    def as_result(self) -> dict[str, Any]:
        """The arguments of C(fail_json)."""
        return {"msg": self.message, **self.details}


class InputError(XdrError):
    """An option, a file or a row holds something that cannot be used; nothing was sent."""


class EmptyLogError(InputError):
    """A log without a single row: a defect of the input for some, a freshly rotated file for others."""


class MissingLibraryError(XdrError):
    """A Python library that this run needs is not installed on the host that runs the module."""


class LedgerError(XdrError):
    """The record of what was accepted cannot be read or written."""


class NotTriedError(XdrError):
    """Nothing was sent for this item, because what failed before would have failed here as well."""


class UnknownOutcomeError(XdrError):
    """Nobody can tell from here whether something was done, and doing it again could do it twice."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **{**details, "outcome_unknown": True})


class NotChangedError(XdrError):
    """The server said that it did something, and did not."""


class RequestError(XdrError):
    """A request failed. C(outcome_unknown) says that the server may have done the work all the same."""

    outcome_unknown = False
    partly_done = False
    """Whether it was one of several requests of the same change, and those before it were carried out."""

    def after_an_unclear_attempt(self) -> NoAnswerError:
        """The error where this one, which is clear in itself, follows an attempt that may have been carried out."""
        said = "An earlier attempt at the same request got no clear answer, so it may have been carried out or not."
        return NoAnswerError(f"{self.message} {said}", **self.details)


class ConnectionFailedError(RequestError):
    """No connection came about (name, port, TLS): the server has not seen the request."""


class NoAnswerError(RequestError):
    """The request went out and no whole answer came back: nobody can tell from here whether the work was done."""

    outcome_unknown = True


class AnswerError(RequestError):
    """An answer that this API does not give, such as a login page or a redirect.

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
    """403: known, but not allowed."""


class NotFoundError(StatusError):
    """404."""


class ServerFaultError(StatusError):
    """5xx: the server, or what stands before it, failed; the work may have been done before it did."""

    outcome_unknown = True


@contextmanager
def reported_by(module: AnsibleModule) -> Iterator[None]:
    """Turns a typed error into `fail_json`; anything else is a defect and keeps its traceback."""
    try:
        yield
        return
    except XdrError as error:
        result = error.as_result()
    except OSError as error:
        if error.errno not in NO_HANDLES:
            raise
        result = {"msg": NO_HANDLES_MESSAGE}
    # Not while the error is handled: with tracebacks on, Ansible would show all that led to it, and libraries quote servers and proxies.
    module.fail_json(**result)
