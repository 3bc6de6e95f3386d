# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of the measurements: an emulator in a separate process and ansible-playbook, in a temporary folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _logs import Logs
from _paths import BENCHMARKS, ROOT
from _processes import Process, Usage, cpu_seconds, run, start

from emulator import EmulatorControl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    Task = dict[str, Any]

SOURCE = "OpenVPN"
_LARGE = 4 << 30
_SETTINGS = {"play": "extrahop", "keep": "counts", "max_body": _LARGE, "journal_size": 10, "journal_bodies": 0}
UPLOAD = {"name": "Upload", "secops.xdr.extrahop_observation": {"source": SOURCE, "path": "{{ log }}"}}


class Site:
    """The emulator, the logs, and the commands that use them."""

    def __init__(self, folder: Path, *, is_quick: bool, rounds: int) -> None:
        self.folder = folder
        self.is_quick = is_quick
        self.rounds = rounds
        self.logs = Logs(folder)
        self._process = self._started(folder / "ready.json")
        ready = json.loads((folder / "ready.json").read_text(encoding="utf-8"))
        self.control = EmulatorControl(ready["url"], ready["ca_path"])
        self.credentials: dict[str, str] = ready["credentials"]
        self.url: str = ready["url"]
        self.ca_path: str = ready["ca_path"]
        self.collections = _collections(folder)
        self._environment = {
            **os.environ,
            **ready["environment"],
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
            "ANSIBLE_CONFIG": str(ROOT / "tests" / "support" / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "BENCHMARK_PYTHON": sys.executable,
            "LC_ALL": "C.UTF-8",
        }
        self.recorder = folder / "python"
        self.recorder.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{BENCHMARKS / "_recording_python.py"}" "$@"\n', encoding="utf-8")
        self.recorder.chmod(0o755)

    def __enter__(self) -> Site:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()

    def restore_settings(self) -> None:
        """The settings that parts expect, whatever an earlier part changed."""
        self.control.configure(**_SETTINGS, latency=0)

    def sized(self, rows: int) -> int:
        """This number of rows, or a hundredth of it in a quick run."""
        return max(rows // 100, 10) if self.is_quick else rows

    def at_least(self, rounds: int) -> int:
        """The rounds of something that is short enough to be measured more often."""
        return self.rounds if self.is_quick else max(self.rounds, rounds)

    def new_state(self) -> Path:
        """A folder for an empty ledger."""
        return Path(tempfile.mkdtemp(dir=self.folder, prefix="state-"))

    def environment(self, state: Path | None = None, **more: str) -> dict[str, str]:
        """The variables of a run whose ledger is in this folder (else: in a new one)."""
        folder = state or self.new_state()
        own = {"XDG_STATE_HOME": str(folder), "SECOPS_XDR_LEDGER": str(folder / "ledger.sqlite3")}
        return {**self._environment, **own, **more}

    def playbook(self, name: str, tasks: Sequence[Task]) -> Path:
        """A playbook of these tasks."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps([{"name": name, "hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
        return path

    def ansible(self, playbook: Path, *, is_recorded: bool = True, **variables: str) -> list[str]:
        """The command that runs a playbook on this host."""
        python = str(self.recorder) if is_recorded else sys.executable
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local", str(playbook)]
        for name, value in {**variables, "ansible_python_interpreter": python}.items():
            command += ["-e", f"{name}={value}"]
        return command

    def start_upload(self, log: Path, ledger: str, without: Sequence[str]) -> Process:
        """Starts ansible-playbook with the one task that uploads this log, without some of the variables that it could read."""
        environment = self.environment(SECOPS_XDR_LEDGER=ledger)
        for name in without:
            environment.pop(name, None)
        command = self.ansible(self.playbook("upload", [UPLOAD]), log=str(log))
        return start(command, environment, self.folder)

    def measured(self, command: Sequence[str], environment: dict[str, str], *, accepted: int) -> Usage:
        """Runs a command, and checks that the emulator accepted this many observations meanwhile."""
        self.control.reset(keep_settings=True)
        before = cpu_seconds(self._process.pid)
        usage = run(command, environment, self.folder)
        got = self.accepted
        if got != accepted:
            raise SystemExit(f"{got} observations arrived instead of {accepted}: {' '.join(command)}")
        return replace(usage, server_cpu=cpu_seconds(self._process.pid) - before)

    def timed(self, playbook: Path, environment: dict[str, str], *, accepted: int, **variables: str) -> Usage:
        """Runs a playbook, with the seconds of each of its tasks."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".jsonl") as times:
            timing = {
                "ANSIBLE_CALLBACK_PLUGINS": str(BENCHMARKS / "callback_plugins"),
                "ANSIBLE_CALLBACKS_ENABLED": "task_times",
                "BENCHMARK_TASK_TIMES": times.name,
            }
            usage = self.measured(self.ansible(playbook, **variables), {**environment, **timing}, accepted=accepted)
            entries = [json.loads(line) for line in times]
        return replace(usage, tasks=tuple((entry["name"], entry["seconds"]) for entry in entries))

    def upload(self, log: Path, state: Path | None, *, accepted: int) -> Usage:
        """Runs ansible-playbook with the one task that uploads this log."""
        command = self.ansible(self.playbook("upload", [UPLOAD]), log=str(log))
        return self.measured(command, self.environment(state), accepted=accepted)

    @property
    def accepted(self) -> int:
        """Observations that the emulator has accepted since it was reset."""
        return int(self.control.state["extrahop"]["observations"]["accepted"])

    def _started(self, ready_file: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "emulator", "--port", "0", "--ready-file", str(ready_file)]
        for name, value in _SETTINGS.items():
            command += ["--set", f"{name}={value}"]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}, stdout=subprocess.DEVNULL)
        while not ready_file.exists():
            if process.poll() is not None:
                raise SystemExit("the emulator did not start")
            time.sleep(0.05)
        return process


def _collections(folder: Path) -> str:
    """A place where Ansible finds this checkout as a collection."""
    place = folder / "collections" / "ansible_collections" / "secops"
    place.mkdir(parents=True)
    (place / "xdr").symlink_to(ROOT)
    return str(place.parents[1])
