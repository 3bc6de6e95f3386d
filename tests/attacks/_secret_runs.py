# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs plays with a secret as loudly as Ansible can, and looks for the secret in all that they leave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ._hidden import ProcessWatch, forms_of, found_in, found_in_files
from ._secret_plays import SecretPlay, event_play, login_play, upload_play

if TYPE_CHECKING:
    from pathlib import Path

    from emulator import EmulatorControl

_TOKEN_PATHS = {"client_secret": "/oauth2/token", "jwt": "/connect/api/v1/access_token", "scoped_key": "/connect/api/v1/access_token"}
_ENVIRONMENT = {"api_key": "EXTRAHOP_API_KEY", "client_secret": "EXTRAHOP_CLIENT_SECRET"}
_LOUDLY = ("-vvvv", "--diff")


class PlayRun(Protocol):
    """What a run printed."""

    status: int
    output: str

    def recap(self, name: str) -> int:
        """A number of the recap."""


class Playground(Protocol):
    """A folder to run plays in, as the integration tests have it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *tasks: dict[str, Any], arguments: tuple[str, ...] = (), **keywords: Any) -> PlayRun:
        """Runs a play of these tasks."""


@dataclass
class SecretRun:
    """Where a secret was found after a play, and whether the play went as it should."""

    title: str
    tasks: int
    failed: int
    expected_failures: int
    processes: int
    found: list[str]
    output: str


def run_secret_plays(
    playground: Playground,
    control: EmulatorControl,
    addresses: dict[str, str],
    kind: str,
    secret: str,
    *,
    from_environment: bool = False,
    thorough: bool = False,
) -> list[SecretRun]:
    """Every play that there is for one kind of credential; the secret is an option of each task, or a variable of the environment.

    A thorough play meets every status and every broken answer.
    """
    connection = _connection(control, addresses, kind, secret)
    username = connection.get("client_id") or connection.get("username") or ""
    if from_environment:
        name = _ENVIRONMENT.get(kind, "STELLAR_API_KEY")
        playground.environment[name] = connection.pop("api_key" if kind != "client_secret" else "client_secret")
    if kind in _ENVIRONMENT:
        plays = {"uploads": upload_play(connection, thorough=thorough)}
    else:
        (event,) = control.add_events(
            {"event_name": "first", "event_source": "firewall", "event_status": "New", "timestamp": 1_717_143_300_000}
        )
        plays = {"events": event_play(connection, {"index": event["index"], "id": event["id"]}, thorough=thorough)}
    if kind in _TOKEN_PATHS:
        plays["login"] = login_play(connection, _TOKEN_PATHS[kind])
    forms = forms_of(secret, username)
    return [
        _run(playground, control, f"{kind}, {title}", play, forms, secret, in_environment=from_environment) for title, play in plays.items()
    ]


def _run(
    playground: Playground,
    control: EmulatorControl,
    title: str,
    play: SecretPlay,
    forms: dict[str, bytes],
    secret: str,
    *,
    in_environment: bool,
) -> SecretRun:
    control.clear_faults()
    for fault in play.faults:
        control.ask("POST", "faults", fault)
    folder = playground.folder
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    playground.environment.update(
        TMPDIR=str(temporary),
        ANSIBLE_LOG_PATH=str(folder / "ansible.log"),
        ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit,ansible.builtin.tree",
        ANSIBLE_CALLBACK_TREE_DIR=str(folder / "tree"),
        JUNIT_OUTPUT_DIR=str(folder / "junit"),
    )
    tasks = json.loads(json.dumps(play.tasks).replace(json.dumps(secret), '"{{ secret }}"'))
    (folder / "secret.json").write_text(json.dumps({"secret": {"__ansible_unsafe": secret}}), encoding="utf-8")
    with ProcessWatch(forms, in_environment=in_environment) as watch:
        run = playground.run(*tasks, arguments=("-e", "@secret.json", *_LOUDLY))
    found = [f"printed: {name}" for name in found_in(run.output.encode(), forms)]
    found += found_in_files(folder, forms, {folder / "secret.json"})
    found += sorted(watch.found)
    return SecretRun(title, len(play.tasks), run.recap("ignored"), play.failing, len(watch.seen), found, run.output)


def _connection(control: EmulatorControl, addresses: dict[str, str], kind: str, secret: str) -> dict[str, Any]:
    """The connection options of a task, after the emulator was told who is let in."""
    if kind in _ENVIRONMENT:
        where = {"host": addresses["EXTRAHOP_HOST"], "ca_path": addresses["EXTRAHOP_CA_PATH"]}
        control.configure(**{kind: secret})
        return {**where, kind: secret, **({"client_id": addresses["EXTRAHOP_CLIENT_ID"]} if kind == "client_secret" else {})}
    where = {"host": addresses["STELLAR_HOST"], "ca_path": addresses["STELLAR_CA_PATH"], "api_key": secret, "auth_method": kind}
    if kind == "scoped_key":
        control.configure(scoped_key=secret, scoped_key_can_read=True)
        return where
    control.configure(stellar_api_key=secret)
    return {**where, "username": addresses["STELLAR_USERNAME"]}
