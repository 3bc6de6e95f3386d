# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs plays with a secret at Ansible's highest verbosity, and looks for the secret in everything that they leave."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from ._hidden import ProcessWatch, forms_of, found_in, found_in_files
from ._secret_plays import (
    ALL_ECHOES,
    LEDGER_PASSWORD,
    PROXY_PASSWORD,
    PROXY_USER,
    SOME_ECHOES,
    SecretPlay,
    detection_play,
    event_play,
    login_play,
    upload_play,
)
from ._secret_proxy import echoing_proxy

if TYPE_CHECKING:
    from emulator import EmulatorControl

_STELLAR_TOKEN_PATH = "/connect/api/v1/access_token"
_TOKEN_PATHS = {"client_secret": "/oauth2/token", "jwt": _STELLAR_TOKEN_PATH, "scoped_key": _STELLAR_TOKEN_PATH}
_EXTRAHOP = ("api_key", "client_secret")
_LOUDLY = ("-vvvv", "--diff")
_DOWN = "127.0.0.1:1"
_PROXY_PAIR = f"{PROXY_USER}:{quote(PROXY_PASSWORD, safe='')}"
_LEDGER = f"postgresql://someone:{quote(LEDGER_PASSWORD, safe='')}@{_DOWN}/xdr"


class PlayRun(Protocol):
    """The output of a run."""

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
    """The places where a secret was found after a play, and whether the play went well. `unsaid` is text that should have been printed, and
    faults that should have been met."""

    title: str
    tasks: int
    failed: int
    expected_failures: int
    processes: int
    found: list[str]
    unsaid: list[str]
    output: str


@dataclass
class _Forms:
    """The forms of every secret of a run, and of those among them that no environment of a process may hold."""

    all: dict[str, bytes]
    not_in_environment: dict[str, bytes]


def handed_out_token(addresses: dict[str, str]) -> str:
    """A token of the Stellar Cyber server that its user may call with."""
    pair = base64.b64encode(f"{addresses['STELLAR_USERNAME']}:{addresses['STELLAR_API_KEY']}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"https://{addresses['STELLAR_HOST']}{_STELLAR_TOKEN_PATH}", b"", headers)
    context = ssl.create_default_context(cafile=addresses["STELLAR_CA_PATH"])
    with urllib.request.urlopen(request, context=context) as answer:
        token: str = json.load(answer)["access_token"]
    return token


def run_secret_plays(
    playground: Playground,
    control: EmulatorControl,
    addresses: dict[str, str],
    kind: str,
    secret: str,
    *,
    from_environment: bool = False,
    thorough: bool = False,
    is_refused: bool = False,
) -> list[SecretRun]:
    """Every play that there is for one kind of credential; the secret is an option of each task, or a variable of the environment.

    A thorough play meets every broken answer, and every form of an echo where the secret itself is sent: a secret that is exchanged for a
    token is sent when logging in. `is_refused` is for an access token that the server did not issue.
    """
    at_login = ALL_ECHOES if thorough else SOME_ECHOES
    echoes = SOME_ECHOES if kind in _TOKEN_PATHS else at_login
    connection = _connection(control, addresses, kind, secret)
    username = connection.get("client_id") or connection.get("username") or ""
    if from_environment:
        option = _option(kind)
        playground.environment[f"{'EXTRAHOP' if kind in _EXTRAHOP else 'STELLAR'}_{option.upper()}"] = connection.pop(option)
    if kind in _EXTRAHOP:
        (detection,), (device,) = control.add_detections({"title": "first"}), control.add_devices({"display_name": "first"})
        plays = {
            "uploads": upload_play(connection, echoes, thorough=thorough),
            "detections": detection_play(connection, detection, device, echoes),
        }
    else:
        (event,) = control.add_events(
            {"event_name": "first", "event_source": "firewall", "event_status": "New", "timestamp": 1_717_143_300_000}
        )
        plays = {"events": event_play(connection, {"index": event["index"], "id": event["id"]}, echoes, thorough=thorough)}
    if kind in _TOKEN_PATHS:
        plays["login"] = login_play(connection, _TOKEN_PATHS[kind], at_login)
    if is_refused:
        plays = {f"{title}, refused": play.refused() for title, play in plays.items()}
    own, ledger = forms_of(secret, username), _named("ledger", forms_of(LEDGER_PASSWORD))
    everywhere = {**own, **ledger, **_named("proxy", forms_of(PROXY_PASSWORD, PROXY_USER))}
    forms = _Forms(everywhere, ledger if from_environment else {**own, **ledger})
    return [_run(playground, control, f"{kind}, {title}", play, forms, secret) for title, play in plays.items()]


def _named(whose: str, forms: dict[str, bytes]) -> dict[str, bytes]:
    return {f"password of the {whose}, {name}": form for name, form in forms.items()}


def _run(
    playground: Playground,
    control: EmulatorControl,
    title: str,
    play: SecretPlay,
    forms: _Forms,
    secret: str,
) -> SecretRun:
    control.clear_faults()
    for fault in play.faults:
        control.ask("POST", "faults", fault)
    folder = playground.folder
    playground.environment.update(
        NO_PROXY="127.0.0.1",
        ANSIBLE_LOG_PATH=str(folder / "ansible.log"),
        ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit,ansible.builtin.tree",
        ANSIBLE_CALLBACK_TREE_DIR=str(folder / "tree"),
        JUNIT_OUTPUT_DIR=str(folder / "junit"),
    )
    tasks = json.loads(json.dumps(play.tasks).replace(json.dumps(secret), '"{{ secret }}"'))
    (folder / "secret.json").write_text(json.dumps({"secret": {"__ansible_unsafe": secret}, "ledger": _LEDGER}), encoding="utf-8")
    # Not below the folder: Ansible puts sockets there, whose paths have to be short.
    with tempfile.TemporaryDirectory(prefix="xdr-") as temporary:
        playground.environment["TMPDIR"] = temporary
        with echoing_proxy() as proxy, ProcessWatch(forms.all, forms.not_in_environment) as watch:
            playground.environment["HTTPS_PROXY"] = f"http://{_PROXY_PAIR}@{proxy}"
            run = playground.run(*tasks, arguments=("-e", "@secret.json", *_LOUDLY))
        found = [f"temporary {where}" for where in found_in_files(Path(temporary), forms.all, set())]
    found += [f"printed: {name}" for name in found_in(run.output.encode(), forms.all)]
    found += found_in_files(folder, forms.all, {folder / "secret.json"})
    found += sorted(watch.found)
    unsaid = [word for word in play.words if word not in run.output]
    if play.meets_faults:
        unsaid += [f"not met: {fault['match']}" for fault in control.ask("GET", "faults") if not fault["played"]]
    return SecretRun(title, len(play.tasks), run.recap("ignored"), play.failing, len(watch.seen), found, unsaid, run.output)


def _option(kind: str) -> str:
    """The option that takes the secret; in capitals, behind the product's name, it is the variable that does."""
    return kind if kind in ("client_secret", "access_token") else "api_key"


def _connection(control: EmulatorControl, addresses: dict[str, str], kind: str, secret: str) -> dict[str, Any]:
    """The connection options of a task, after the emulator was set to the accepted credentials."""
    if kind in _EXTRAHOP:
        where = {"host": addresses["EXTRAHOP_HOST"], "ca_path": addresses["EXTRAHOP_CA_PATH"]}
        control.configure(**{kind: secret})
        return {**where, kind: secret, **({"client_id": addresses["EXTRAHOP_CLIENT_ID"]} if kind == "client_secret" else {})}
    where = {"host": addresses["STELLAR_HOST"], "ca_path": addresses["STELLAR_CA_PATH"], _option(kind): secret}
    if kind == "access_token":
        return where
    where["auth_method"] = kind
    if kind == "scoped_key":
        control.configure(scoped_key=secret, scoped_key_can_read=True)
        return where
    control.configure(stellar_api_key=secret)
    return {**where, "username": addresses["STELLAR_USERNAME"]}
