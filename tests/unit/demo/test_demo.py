# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo fails if its playbook fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
DEMO = """
import os, signal, sys
from demo import demo
# Who runs tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
demo.check_installed = lambda: None
demo.demonstrate = lambda place: demo.run_playbook(dict(os.environ), "playbook")
sys.exit(demo.main())
"""
"""The demo with one run of the playbook, and nothing around it."""


def started(folder: Path, playbook: str) -> subprocess.Popen[str]:
    """The demo, with a shell script in the place of ansible-playbook."""
    program = folder / "ansible-playbook"
    program.write_text(f"#!/bin/sh\n{playbook}\n", encoding="utf-8")
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(TESTS)}
    return subprocess.Popen(
        [sys.executable, "-c", DEMO],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("playbook", "status", "message"),
    [("exit 99", 130, "The demo was interrupted."), ("exit 2", 1, "The demo failed. ansible-playbook ended with status 2")],
)
def test_how_the_playbook_ended_is_reported(tmp_path: Path, playbook: str, status: int, message: str) -> None:
    with started(tmp_path, playbook) as process:
        _output, said = process.communicate(timeout=900)
    assert process.returncode == status
    assert message in said
    assert ("failed" in said) == (status == 1)


@pytest.mark.parametrize("is_told_to_all", [True, False], ids=["all", "demo"])
def test_an_interrupt_is_reported_as_one(tmp_path: Path, is_told_to_all: bool) -> None:
    with started(tmp_path, "trap 'exit 99' INT\necho runs\nsleep 20 & wait") as process:
        assert process.stdout is not None
        while process.stdout.readline() != "runs\n":
            assert process.poll() is None
        (os.killpg if is_told_to_all else os.kill)(process.pid, signal.SIGINT)
        _output, said = process.communicate(timeout=900)
    assert process.returncode == 130
    assert said.strip() == "The demo was interrupted."


def test_the_shell_knows_the_emulator_while_it_runs(tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    ask = "import os, socket; socket.create_connection(os.environ['STELLAR_HOST'].split(':')); print('reached')"
    shell.write_text(f"#!/bin/sh\n'{sys.executable}' -c \"{ask}\" > '{tmp_path}/seen'\nexit 3\n", encoding="utf-8")
    shell.chmod(0o755)
    code = "import pathlib, sys; from demo import demo; demo.open_shell(pathlib.Path(sys.argv[1]))"
    environment = os.environ | {"SHELL": str(shell), "PYTHONPATH": str(TESTS)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "seen").read_text(encoding="utf-8") == "reached\n"
    assert "--check" in done.stdout
