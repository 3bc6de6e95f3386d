# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator in a process of its own, and plays that are run as people run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator import EmulatorControl

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240
HOST_PYTHON = os.environ.get("XDR_HOST_PYTHON", sys.executable)
"""The Python that runs modules; it needs requests and psycopg, and no Ansible."""
_OWN = ("EXTRAHOP_", "STELLAR_", "SECOPS_XDR_", "ANSIBLE_")


@dataclass(frozen=True)
class Appliance:
    """A running emulator: what it holds and plays, and the variables that point the modules to it."""

    control: EmulatorControl
    environment: dict[str, str]


@dataclass(frozen=True)
class PlayRun:
    """The output of ansible-playbook."""

    status: int
    output: str

    def recap(self, name: str) -> int:
        """A number of the recap, such as `changed`."""
        return sum(int(number) for number in re.findall(rf"\b{name}=(\d+)", self.output))


class Playground:
    """A folder to run plays in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.patience_seconds = PATIENCE_SECONDS
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN) and "proxy" not in name.lower()}
        self.environment = {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / "build" / "dev")),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_ASYNC_DIR": str(folder / "ansible" / "async"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_NOCOWS": "1",
            "HOME": str(folder),
            "XDG_STATE_HOME": str(folder / "state"),
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **keywords: Any) -> PlayRun:
        """Runs a play of these tasks on localhost; keywords are those of the play."""
        play = {"hosts": "localhost", "gather_facts": False, **keywords, "tasks": list(tasks)}
        # JSON is YAML as well.
        (self.folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        done = subprocess.run(
            [
                "ansible-playbook",
                "-i",
                "localhost,",
                "-c",
                "local",
                "-e",
                f"ansible_python_interpreter={HOST_PYTHON}",
                "play.yml",
                *arguments,
            ],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=self.patience_seconds,
        )
        return PlayRun(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def running_appliance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Appliance]:
    """One for all tests."""
    ready = tmp_path_factory.mktemp("emulator") / "ready.json"
    command = [sys.executable, "-m", "emulator", "--port", "0", "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=ROOT / "tests", stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not ready.exists() or not ready.read_text(encoding="utf-8"):
                assert process.poll() is None, "the emulator did not start"
                assert time.monotonic() < deadline, "the emulator did not get ready"
                time.sleep(0.02)
            told = json.loads(ready.read_text(encoding="utf-8"))
            yield Appliance(EmulatorControl(told["url"], told["ca_path"]), told["environment"])
        finally:
            process.terminate()


@pytest.fixture
def appliance(running_appliance: Appliance) -> Appliance:
    """An emulator as new."""
    running_appliance.control.reset()
    return running_appliance


@pytest.fixture
def playground(tmp_path: Path) -> Playground:
    """A folder to run plays in, with nothing of the user's own settings."""
    return Playground(tmp_path)
