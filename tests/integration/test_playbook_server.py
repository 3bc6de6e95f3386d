# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible-playbook of the other tests, which starts fast, against the real one."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from .conftest import Playground

SHOWN = "{{ lookup('env', 'HOME') }} {{ lookup('env', 'MINE') }} {{ lookup('pipe', 'pwd') }} {{ ansible_playbook_python }}"


def test_it_does_what_the_real_one_does(tmp_path: Path, playbook_commands: Path) -> None:
    grounds = [Playground(tmp_path, playbook_commands), Playground(tmp_path)]
    warned = {"ansible.builtin.debug": {"msg": SHOWN}, "when": "'{{ true }}'"}
    failed = {"secops.xdr.vpn_session_info": {"path": "missing.csv"}}
    runs = []
    for ground in grounds:
        ground.environment["MINE"] = "one"
        runs.append(ground.run(warned, failed, arguments=("-v",)))
    assert runs[0] == runs[1]
    assert runs[0].status == 2
    assert f"{tmp_path} one {tmp_path}" in runs[0].output
    assert "WARNING" in runs[0].output
    assert "there is no file" in runs[0].output


def test_what_only_a_new_process_reads_counts(playground: Playground) -> None:
    playground.environment["ANSIBLE_LOG_PATH"] = str(playground.folder / "log")
    assert playground.run({"ansible.builtin.debug": {"msg": "seen"}}).status == 0
    assert "seen" in (playground.folder / "log").read_text(encoding="utf-8")


def test_a_run_ends_with_its_caller(playground: Playground) -> None:
    os.mkfifo(playground.folder / "pipe")
    (playground.folder / "play.yml").write_text(
        "[{hosts: localhost, gather_facts: false, tasks: [{ansible.builtin.shell: 'echo $$ > pipe; exec sleep 1000'}]}]", encoding="utf-8"
    )
    command = [str(playground.commands / "ansible-playbook"), "play.yml"]
    with subprocess.Popen(command, cwd=playground.folder, env=playground.environment, stdout=subprocess.PIPE) as caller:
        task = int((playground.folder / "pipe").read_text(encoding="utf-8"))
        assert caller.stdout
        caller.kill()
        # The output ends with the run. What it had started in a session of its own goes on, as after a kill of the real command.
        caller.stdout.read()
    os.kill(task, signal.SIGKILL)
