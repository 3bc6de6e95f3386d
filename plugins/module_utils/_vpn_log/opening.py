# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checks before a log is read: it is a regular file, and its encoding is one that files are written in."""

from __future__ import annotations

import codecs
import os
import stat
from typing import IO

from .._errors import InputError
from .._texts import quoted, system_name

_OTHER_ENCODINGS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})
"""They are for names of hosts and for source code, and what they make of a text depends on where it is cut."""
_ASCII = bytes(range(128))


class MissingLogError(InputError):
    """There is no file of this name."""


def checked_encoding(encoding: str) -> str:
    """The encoding; raises InputError where it is none that files are written in."""
    try:
        "".encode(encoding)
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError) as error:
        raise _unknown(encoding) from error
    if name.replace("_", "-") in _OTHER_ENCODINGS:
        raise _unknown(encoding)
    return encoding


def keeps_ascii(encoding: str) -> bool:
    """True if ASCII characters are single bytes, so that bytes can be split into lines before they are decoded."""
    try:
        return _ASCII.decode(encoding) == _ASCII.decode("ascii")
    except ValueError:
        return False


def _unknown(encoding: str) -> InputError:
    return InputError(f"encoding: {quoted(encoding)} is not a text encoding that Python knows; try utf-8, latin-1, cp1252 or utf-16.")


def open_regular_file(path: str) -> IO[bytes]:
    """The open file; raises InputError. Nothing else is waited for or read: no pipe, no device."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
        descriptor = os.open(system_name(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise MissingLogError(f"path: there is no file {path} on the host that runs the module.") from error
    except ValueError as error:
        raise InputError(f"path: {quoted(path)} cannot be the name of a file: {error}.") from error
    except OSError as error:
        raise InputError(f"path: {path} cannot be opened: {error.strerror}.") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise InputError(f"path: {path} is a folder; give the name of the log in it.")
        raise InputError(f"path: {path} is not a regular file; a log is read again at the next run, so it must be one.")
    return os.fdopen(descriptor, "rb", buffering=0)
