# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator in a separate process, and plays that are run like those of users."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator import EmulatorControl
from support.playbook_server import playbook_server

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 900
HOST_PYTHON = os.environ.get("XDR_HOST_PYTHON", sys.executable)
"""The Python that runs modules; it needs requests and psycopg, and no Ansible."""
COLLECTIONS = os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / "build" / "dev"))
_OWN = ("EXTRAHOP_", "STELLAR_", "SECOPS_XDR_", "ANSIBLE_")


@dataclass(frozen=True)
class Appliance:
    """A running emulator: its data and settings, and the variables that connect the modules to it."""

    control: EmulatorControl
    environment: dict[str, str]


@dataclass(frozen=True)
class PlayRun:
    """The output of ansible-playbook."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything that was printed."""
        return self.stdout + self.stderr

    def recap(self, name: str) -> int:
        """A number of the recap, such as `changed`."""
        return sum(int(number) for number in re.findall(rf"\b{name}=(\d+)", self.output))

    @property
    def lines(self) -> list[str]:
        """The first message that is a list of lines."""
        printed = re.search(r'"msg": (\[.*?\n    \])', self.output, re.DOTALL)
        assert printed, self.output
        lines: list[str] = json.loads(printed[1])
        return lines


def program(name: str, package: str) -> str:
    """The path of a program, installed from this package of Debian if it is missing and may be; without it, the test is skipped."""
    found = shutil.which(name)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", package]):
            subprocess.run(command, env=environment, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        found = shutil.which(name)
    if not found:
        reason = f"{name} is missing and could not be installed: install the package {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


class Playground:
    """A folder to run plays in, with the ansible-playbook of a folder of commands."""

    def __init__(self, folder: Path, commands: Path = Path(sys.executable).parent) -> None:
        self.folder = folder
        self.patience_seconds = PATIENCE_SECONDS
        self.commands = commands
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN) and "proxy" not in name.lower()}
        self.environment = {
            **kept,
            "PATH": os.pathsep.join([str(commands), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_ASYNC_DIR": str(folder / "ansible" / "async"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "ansible" / "tmp"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
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
        return self.playbook("play.yml", "-i", "localhost,", "-c", "local", *arguments, ansible_python_interpreter=HOST_PYTHON)

    def playbook(self, name: str, *arguments: str, **variables: Any) -> PlayRun:
        """Runs a playbook with these variables, as people run it."""
        done = subprocess.run(
            [str(self.commands / "ansible-playbook"), name, "--extra-vars", json.dumps(variables), *arguments],
            cwd=self.folder,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=self.patience_seconds,
        )
        return PlayRun(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def playbook_commands() -> Iterator[Path]:
    """A folder with an ansible-playbook that starts fast."""
    with playbook_server(COLLECTIONS) as folder:
        yield folder


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
def playground(tmp_path: Path, playbook_commands: Path) -> Playground:
    """A folder to run plays in, with nothing of the user's own settings."""
    return Playground(tmp_path, playbook_commands)
