# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module in a separate process, so that it can be killed, or run beside another one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from support.module_runs import ModuleRun, as_ansible_takes_it, check_no_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_SECONDS = 900
_DRIVER = """
import importlib, json, resource, sys
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]) << 20, int(sys.argv[3]) << 20))
from ansible.module_utils import basic
blocked = set(json.loads(sys.argv[2]))
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"No module named {name!r}")
sys.meta_path.insert(0, Blocker())
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
if hasattr(basic, "_ANSIBLE_PROFILE"):
    basic._ANSIBLE_PROFILE = "legacy"
importlib.import_module("ansible_collections.secops.xdr.plugins.modules." + sys.argv[1]).main()
"""


class ModuleProcess:
    """A module that starts when the object is created."""

    def __init__(self, module: str, params: Mapping[str, Any], *, without: tuple[str, ...] = (), most_megabytes: int = 0) -> None:
        """`without` names packages that cannot be imported; `most_megabytes` is all the memory that it may ask for, code included."""
        self._params = params
        self._process = subprocess.Popen(
            [sys.executable, "-c", _DRIVER, module, json.dumps(without), str(most_megabytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": dict(params)}).encode())
        self._process.stdin.close()
        self._process.stdin = None

    @property
    def has_ended(self) -> bool:
        """True if it ended by itself or was killed."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """As `kill -9` does: nothing in the process can do anything about it."""
        self._process.kill()
        self._process.communicate(timeout=PATIENCE_SECONDS)

    def result(self) -> ModuleRun:
        """Waits for its end; fails where it is killed, writes to stderr, or shows a secret."""
        out, err = self._process.communicate(timeout=PATIENCE_SECONDS)
        printed = out.decode()
        assert err.decode() == ""
        run = as_ansible_takes_it(printed)
        assert self._process.returncode == (1 if run.failed else 0)
        check_no_secret(self._params, run.printed)
        return run
