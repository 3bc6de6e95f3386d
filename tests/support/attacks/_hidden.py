# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for a secret in everything that a run may have left: printed texts, files, and the system's list of processes."""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from emulator import ECHO_FORMS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_LONG_ENOUGH_FOR_ECHOES = 9
_SHOWN_BY_CUTTING = 8
_PAUSE_SECONDS = 0.02


def forms_of(secret: str, username: str = "") -> dict[str, bytes]:
    """The forms of a secret by name: verbatim, quoted for JSON, Python or a URL, and in base64."""
    texts = {
        "plain": secret,
        "JSON": json.dumps(secret)[1:-1],
        "JSON in UTF-8": json.dumps(secret, ensure_ascii=False)[1:-1],
        "Python": repr(secret)[1:-1],
        "URL": quote(secret, safe=""),
        "form": quote_plus(secret),
    }
    forms = {name: text.encode() for name, text in texts.items()}
    if len(secret) >= _LONG_ENOUGH_FOR_ECHOES:
        forms |= {f"echo {name}": echo(secret[:20]).encode() for name, echo in ECHO_FORMS.items() if name != "cut"}
    if len(secret) >= 2 * _SHOWN_BY_CUTTING:
        forms["echo cut"] = ECHO_FORMS["cut"](secret[:20]).encode()
    forms["base64"] = base64.b64encode(secret.encode()).rstrip(b"=")
    forms["hexadecimal"] = secret.encode().hex().encode()
    if username:
        forms["Basic header"] = base64.b64encode(f"{username}:{secret}".encode())
    return forms


def found_in(content: bytes, forms: dict[str, bytes]) -> list[str]:
    """The names of the forms that are in the content."""
    return [name for name, form in forms.items() if form in content or form.replace(b"\\", b"\\\\") in content]


def found_in_files(folder: Path, forms: dict[str, bytes], given: set[Path]) -> list[str]:
    """Files below the folder that contain the secret, except those in which it was given."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and path not in given:
            found += [f"{path.relative_to(folder)}: {name}" for name in found_in(path.read_bytes(), forms)]
    return found


class ProcessWatch:
    """Looks for secrets in the command line and in the environment of every process that starts below this one."""

    def __init__(self, in_command_line: dict[str, bytes], in_environment: dict[str, bytes]) -> None:
        self.found: set[str] = set()
        self.seen: set[int] = set()
        self._forms = {"cmdline": in_command_line, "environ": in_environment}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessWatch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_PAUSE_SECONDS):
            for process in _descendants(os.getpid()):
                self.seen.add(process)
                for name, forms in self._forms.items():
                    self.found.update(f"{name}: {form}" for form in found_in(_content(process, name), forms))


def _descendants(of: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            # The name of a program is in parentheses and may contain anything.
            fields = _content(int(entry.name), "stat").rpartition(b")")[2].split()
            if len(fields) > 1:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    waiting = [of]
    while waiting:
        below = children.get(waiting.pop(), [])
        yield from below
        waiting += below


def _content(process: int, name: str) -> bytes:
    """Empty where the process has ended by now."""
    try:
        return (_PROC / str(process) / name).read_bytes()
    except OSError:
        return b""
