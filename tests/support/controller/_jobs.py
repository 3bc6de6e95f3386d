# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The launch of a job in AWX: variables, environment and files for ansible-runner, and the data that it keeps of the run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import ansible_runner
import yaml
from jinja2 import sandbox

from ..playbook_server import search_path
from . import _rules
from ._api import defaults

if TYPE_CHECKING:
    from ._api import Item, RunningController

ROOT = Path(__file__).resolve().parents[3]
HIDDEN = "**********"
JOB_ID = 17


class LaunchError(Exception):
    """AWX does not take the answers."""


@dataclass
class Job:
    """A job: what the execution node was given and left, and what AWX keeps."""

    node: Path
    """The private folder of the execution node, which AWX removes after the job."""
    kept: Path
    """The private folder of AWX itself, which it removes, too."""
    status: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    """The environment variables from the credentials."""
    record: Item = field(default_factory=dict)
    """The data that AWX stores in its database: command, environment, variables."""
    events: list[Item] = field(default_factory=list)

    @property
    def output(self) -> str:
        """The output of the job in AWX."""
        return "\n".join(event["stdout"] for event in self.events if event.get("stdout"))

    def results(self, action: str) -> Iterator[Item]:
        """The results of the tasks with this action."""
        for event in self.events:
            data = event.get("event_data", {})
            if event["event"] in ("runner_on_ok", "runner_on_failed") and data.get("resolved_action", data.get("task_action")) == action:
                yield data["res"]


class _Dumper(yaml.SafeDumper):
    """Writes variables as AWX does: every text is marked as one that is not to be evaluated."""


class _Unsafe(str):
    __slots__ = ()


_Dumper.add_representer(_Unsafe, lambda dumper, value: dumper.represent_scalar("!unsafe", str(value)))


def launch(
    controller: RunningController, name: str, answers: Item, folder: Path, *, verbosity: int = 0, check: bool = False, workflow: str = ""
) -> Job:
    """Run a job template with these answers to its survey; raises LaunchError."""
    template = controller.named("job_templates", name)
    job = Job(node=folder / "node", kept=folder / "kept")
    variables = _variables(controller, template, answers, workflow)
    for place in ("env", "inventory", "project"):
        (job.kept / place).mkdir(mode=0o700, parents=True)
    shutil.copytree(ROOT / "playbooks", job.kept / "project" / "playbooks")
    _write(job.kept / "env" / "extravars", yaml.dump(_marked(variables), Dumper=_Dumper))
    _write(job.kept / "env" / "settings", json.dumps({"job_timeout": 0, "suppress_ansible_output": True, "suppress_output_file": True}))
    arguments = [*(["--check"] if check else []), "-u", "root", *([f"-{'v' * verbosity}"] if verbosity else [])]
    _write(job.kept / "env" / "cmdline", ansible_runner.utils.args2cmdline(*arguments))
    _write_inventory(controller, template, job.kept / "inventory" / "hosts")
    shown: dict[str, str] = {}
    for credential in controller.related("job_templates", template, "credentials"):
        _inject(controller.items["credential_types"][credential["credential_type"]], credential, job, shown)
    _run(template["playbook"], job, shown)
    job.record["extra_vars"] = variables
    return job


def _variables(controller: RunningController, template: Item, answers: Item, workflow: str) -> Item:
    """Defaults of the survey, then what was given; what nobody asked for is not taken at a launch, and is dropped in a workflow."""
    survey = controller.surveys[template["id"]]
    asked = {question["variable"] for question in survey["spec"]}
    if not workflow and answers.keys() - asked:
        raise LaunchError(f"Variables {sorted(answers.keys() - asked)} are not allowed on launch.")
    variables = {**defaults(survey), **{name: value for name, value in answers.items() if name in asked}}
    faults = list(_rules.answer_faults(survey, variables))
    if faults:
        raise LaunchError("; ".join(faults))
    about = {"job_id": JOB_ID, "job_launch_type": "workflow" if workflow else "manual", "job_template_name": template["name"]}
    return {**variables, **{f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in about.items()}}


def _marked(value: Any) -> Any:
    if isinstance(value, dict):
        return {_Unsafe(name): _marked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_marked(one) for one in value]
    return _Unsafe(value) if isinstance(value, str) else value


def _inject(credential_type: Item, credential: Item, job: Job, shown: dict[str, str]) -> None:
    """As CredentialType.inject_credential does it; `shown` becomes the environment without secrets, which AWX stores."""
    fields = {one["id"]: one for one in credential_type["inputs"]["fields"]}
    # Empty texts are as if they were not there; missing booleans are false.
    values: Item = {name: value for name, value in credential.get("inputs", {}).items() if isinstance(value, bool) or value}
    values |= {name: False for name, one in fields.items() if one["type"] == "boolean" and name not in values}
    safe = {name: HIDDEN if fields[name].get("secret") else value for name, value in values.items()}
    jinja = sandbox.ImmutableSandboxedEnvironment()
    tower: dict[str, str] = {}
    for template in credential_type["injectors"].get("file", {}).values():
        handle, path = tempfile.mkstemp(dir=job.kept / "env")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(jinja.from_string(template).render(tower=tower, **values))
        # In a container, /runner is the folder of the execution node.
        tower["filename"] = str(job.node / "env" / Path(path).name)
    for variable, template in credential_type["injectors"].get("env", {}).items():
        job.environment[variable] = jinja.from_string(template).render(tower=tower, **values)
        shown[variable] = jinja.from_string(template).render(tower=tower, **safe)


def _run(playbook: str, job: Job, shown: dict[str, str]) -> None:
    """Hand the job to a worker in a separate process, as over the receptor mesh, and take in what it sends back."""
    parameters = {
        "ident": str(JOB_ID),
        "playbook": playbook,
        "inventory": "inventory/hosts",
        "suppress_env_files": True,
        "envvars": {**job.environment, **_ansible_environment(job)},
        "fact_cache_type": "",
    }
    with tempfile.TemporaryFile() as there, tempfile.TemporaryFile() as back:
        ansible_runner.interface.run(streamer="transmit", _output=there, private_data_dir=str(job.kept), **parameters)
        there.seek(0)
        _work(job, there, back)
        back.seek(0)
        ended = ansible_runner.interface.run(
            streamer="process",
            _input=back,
            quiet=True,
            private_data_dir=str(job.kept),
            ident=str(JOB_ID),
            event_handler=lambda event: _keep(job, event),
            status_handler=lambda status, runner_config: _note(job, status, shown),
        )
    job.status = ended.status
    assert job.events, "the worker sent nothing back"


def _work(job: Job, there: IO[bytes], back: IO[bytes]) -> None:
    job.node.mkdir()
    command = [sys.executable, "-m", "ansible_runner", "worker", "--private-data-dir", str(job.node)]
    home = job.node.parent / "home"
    home.mkdir(exist_ok=True)
    surroundings = {"PATH": search_path(), "HOME": str(home), "LC_ALL": "C.UTF-8"}
    # Its status is that of the playbook, which it also sends back.
    subprocess.run(command, stdin=there, stdout=back, env=surroundings, check=False)


def _ansible_environment(job: Job) -> dict[str, str]:
    """The replacement of the execution environment, and settings that keep it away from those of this machine."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "dev"),
        "ANSIBLE_HOME": str(job.node.parent / "home" / ".ansible"),
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "JOB_ID": str(JOB_ID),
        "NO_PROXY": "127.0.0.1",
    }


def _keep(job: Job, event: Item) -> bool:
    """Take in an event; true, so that the runner writes it to its artifacts as well."""
    job.events.append(event)
    return True


def _note(job: Job, status: Item, shown: dict[str, str]) -> None:
    """As RunnerCallback.status_handler stores a job that starts: the real environment, with what is known to be secret hidden."""
    if status["status"] == "starting":
        environment = {name: shown.get(name, value) for name, value in status["env"].items()}
        job.record = {"job_args": status["command"], "job_cwd": status["cwd"], "job_env": environment}


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _write_inventory(controller: RunningController, template: Item, path: Path) -> None:
    """AWX writes a script that prints the hosts."""
    hosts = [host for host in controller.items["hosts"].values() if host["inventory"] == template["inventory"]]
    variables = {host["name"]: json.loads(host["variables"]) for host in hosts}
    told = json.dumps({"all": {"hosts": sorted(variables)}, "_meta": {"hostvars": variables}})
    _write(path, f"#! /usr/bin/env python3\nprint({told!r})\n")
    path.chmod(0o700)
