# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event sources in a real ansible-rulebook, which is killed again and again while events are written."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from ansible_collections.secops.xdr.plugins.module_utils._stellar.client import StellarClient

from demo.sample_events import sample_sessions
from emulator import RunningEmulator, Settings
from support.attacks import forms_of, found_in_files
from support.environments import EnvironmentFailedError, environment

ROOT = Path(__file__).resolve().parents[2]
EVENTS = int(os.environ.get("EDA_EVENTS", "150"))
MORE_SEARCHES = 6
KILLS = 2
PATIENCE = 900.0
SHOWN = re.compile(r"\[event\] \*+\n(\S+)\n", re.MULTILINE)
PERSISTENCE = ("--persistence-id", "1", "--vars", "vars.json")


def missing(what: str) -> None:
    """Skips the tests, but never where they have to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def program() -> Path:
    """ansible-rulebook and Java 17, both installed where they are missing."""
    if not has_java() and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "openjdk-17-jre-headless"]):
            apt = ["apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300", *command]
            subprocess.run(apt, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if not has_java():
        missing("ansible-rulebook needs Java 17 or later, which is not there and could not be installed (openjdk-17-jre-headless).")
    try:
        return environment("eda", "requirements.txt", "tests/integration/requirements-eda.txt") / "ansible-rulebook"
    except EnvironmentFailedError as error:
        missing(f"ansible-rulebook could not be installed: {error}")
        raise


def has_java() -> bool:
    java = shutil.which("java")
    if java is None:
        return False
    said = subprocess.run([java, "-version"], check=False, capture_output=True, text=True)
    version = re.search(r'version "(\d+)', said.stderr + said.stdout)
    return version is not None and int(version.group(1)) >= 17


@dataclass
class Rulebook:
    """ansible-rulebook with one rulebook, in a separate folder."""

    program: Path
    folder: Path
    emulator: RunningEmulator
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    outputs: list[Path] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    def write(self, action: dict[str, Any], plugin: str = "stellar_ser_event", **source: Any) -> None:
        """One source and one rule that does this for each event."""
        ruleset = {
            "name": "Watch",
            "hosts": "all",
            "sources": [{"name": "watched", f"secops.xdr.{plugin}": {"interval": 0.3, "cursor": "cursor.json", **source}}],
            "rules": [{"name": "Any", "condition": 'event.change == "new"', "action": action}],
        }
        (self.folder / "rulebook.yml").write_text(json.dumps([ruleset]), encoding="utf-8")
        # H2 writes half a second late otherwise, and a kill takes that from it; PostgreSQL does not.
        database = f"{self.folder}/rules;WRITE_DELAY=0"
        (self.folder / "vars.json").write_text(json.dumps({"drools_db_file_path": database}), encoding="utf-8")

    def start(self, name: str = "rulebook.yml") -> None:
        """Starts it; what it prints goes to a file of its own."""
        output = self.folder / f"output{len(self.outputs)}.txt"
        self.outputs.append(output)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("EXTRAHOP_", "STELLAR_", "SECOPS_XDR_", "EDA_"))},
            **self.emulator.environment(),
            "PATH": os.pathsep.join([str(self.program.parent), os.environ.get("PATH", os.defpath)]),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "dev"),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            **self.variables,
        }
        command = [str(self.program), "--rulebook", name, "--inventory", "inventory", "--shutdown-delay", "1", *self.arguments]
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9, with all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def interrupt(self) -> None:
        """Ctrl+C, which has to end it without a traceback."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE) == 128 + signal.SIGINT, self.printed()
        assert "Traceback" not in self.printed()

    def shown(self) -> list[list[str]]:
        """The ids of the events that each run printed."""
        return [SHOWN.findall(output.read_text(encoding="utf-8", errors="replace")) for output in self.outputs]

    def printed(self) -> str:
        return "\n".join(output.read_text(encoding="utf-8", errors="replace") for output in self.outputs)

    def leaks(self, key: str, *given: str) -> list[str]:
        """The files of the folder with the key, or a credential that the server was sent, but for the files that the key was given in."""
        settings = self.emulator.emulator.settings
        sent = {request["headers"].get("Authorization", "").partition(" ")[2] for request in self.emulator.requests()} - {""}
        assert sent, "nobody proved who calls"
        held = {self.folder / name for name in given}
        return [found for secret in (key, *sent) for found in found_in_files(self.folder, forms_of(secret, settings.username), held)]

    def searches(self) -> int:
        """The number of searches so far."""
        count: int = self.emulator.state["requests"]["by_kind"]["read"]
        return count

    def until(self, count: int) -> None:
        """Waits until so many different events were printed."""
        self.wait_for(lambda: len({name for names in self.shown() for name in names}) >= count)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Waits until it is true; fails where ansible-rulebook ends before."""
        ends = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < ends, self.printed()[-3000:]
            assert self.process is not None
            assert self.process.poll() is None, self.printed()[-3000:]
            time.sleep(0.2)


@pytest.fixture
def rulebook(program: Path, tmp_path: Path) -> Iterator[Rulebook]:
    (tmp_path / "home").mkdir()
    (tmp_path / "inventory").write_text(
        "localhost ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}\n", encoding="utf-8"
    )
    with RunningEmulator(Settings(refresh_delay=0.3)) as emulator:
        one = Rulebook(program, tmp_path, emulator)
        try:
            yield one
        finally:
            one.kill()
            # The connections of the writer, which the emulator would miss when it ends; answering shows that it has noticed.
            gc.collect()
            assert emulator.state


def insert(emulator: RunningEmulator, count: int) -> None:
    """Writes events as the modules do, one after the other."""
    params = {
        "host": emulator.host,
        "ca_path": emulator.ca_path,
        "username": emulator.emulator.settings.username,
        "api_key": emulator.emulator.settings.stellar_api_key,
        "access_token": None,
        "auth_method": "jwt",
        "validate_certs": True,
        "timeout": 30,
        "retries": 0,
    }
    client = StellarClient.from_params(params, SecretKeeper())
    for number in range(count):
        now = int(time.time() * 1000)
        body = {"event_name": f"event {number}", "event_source": "test", "event_status": "New", "timestamp": now, "srcip": "10.8.0.7"}
        client.insert_event(json.dumps(body).encode())


@pytest.mark.parametrize("feedback", [True, False], ids=["feedback", "queue"])
def test_each_event_once_although_it_is_killed(rulebook: Rulebook, feedback: bool):
    rulebook.arguments = PERSISTENCE if feedback else ()
    rulebook.write({"print_event": {"var_root": "id"}}, start="2020-01-01T00:00:00Z", feedback=feedback)
    rulebook.emulator.add_fault("echo_authorization", {"kind": "read"}, times=4, status=500)
    rulebook.start()
    part = EVENTS // (KILLS + 1)
    for number in range(KILLS + 1):
        writer = threading.Thread(target=insert, args=(rulebook.emulator, part))
        writer.start()
        rulebook.until(number * part + part // 2)
        if number < KILLS:
            rulebook.kill()
            rulebook.start()
        writer.join()
    rulebook.until(part * (KILLS + 1))
    # Anything that comes twice would come with the next searches.
    searches = rulebook.searches()
    rulebook.wait_for(lambda: rulebook.searches() >= searches + MORE_SEARCHES)
    rulebook.kill()

    runs = rulebook.shown()
    times = Counter(name for names in runs for name in names)
    assert set(times) == {event["_id"] for event in rulebook.emulator.events()}
    twice = {name for name, count in times.items() if count > 1}
    print(f"{EVENTS} events, {KILLS} kills, feedback {feedback}: {len(twice)} twice; runs printed {[len(names) for names in runs]}")
    if feedback:
        # The engine took each event once. It repeats an action that it had begun and not yet noted as done, if that was under way.
        assert twice <= {names[-1] for names in runs[:-1]}
    else:
        assert len(twice) <= 5 * KILLS
    assert max(times.values()) <= 2
    assert "(not shown: it repeats credentials)" in rulebook.printed(), "the server repeated a token"
    assert rulebook.leaks(rulebook.emulator.emulator.settings.stellar_api_key) == []


def test_each_detection_once_although_it_is_killed(rulebook: Rulebook):
    """Two detections of one millisecond, one that was there from before, and one that changes after it was passed on."""
    rulebook.arguments = PERSISTENCE
    rulebook.write({"print_event": {"var_root": "id"}}, "extrahop_detection", start="2020-01-01T00:00:00Z", feedback=True)
    rulebook.emulator.add_detections({"id": 1, "create_time": 1_600_000_000_000})
    rulebook.start()
    rulebook.until(1)
    now = int(time.time() * 1000)
    rulebook.emulator.add_detections(*({"id": number, "create_time": now} for number in (2, 3)))
    rulebook.until(3)
    rulebook.kill()
    now = int(time.time() * 1000)
    rulebook.emulator.add_detections({"id": 1, "create_time": 1_600_000_000_000, "mod_time": now}, {"id": 4, "create_time": now})
    rulebook.start()
    rulebook.until(4)
    searches = rulebook.searches()
    rulebook.wait_for(lambda: rulebook.searches() >= searches + MORE_SEARCHES)
    rulebook.kill()

    first, second = rulebook.shown()
    assert sorted(first) == ["1", "2", "3"]
    # The engine repeats an action that it had begun and not yet noted as done.
    assert "4" in second
    assert set(second) <= {"4", first[-1]}
    assert rulebook.leaks(rulebook.emulator.emulator.settings.api_key) == []


def test_wrong_credentials_end_ansible_rulebook_with_a_clear_error(rulebook: Rulebook):
    """Although the server repeats them."""
    rulebook.write({"print_event": {}}, api_key="not-the-right-key")
    rulebook.emulator.add_fault("echo_authorization", {"kind": "token"}, times=None, status=401)
    rulebook.start()
    assert rulebook.process is not None

    assert rulebook.process.wait(PATIENCE) == 1
    assert "Source plugin failed with error message" in rulebook.printed()
    assert "Check username (its case matters), api_key" in rulebook.printed()
    assert "(not shown: it repeats credentials)" in rulebook.printed()
    assert rulebook.leaks("not-the-right-key", "rulebook.yml") == []


def test_it_ends_at_once_with_ansible_rulebook(rulebook: Rulebook):
    rulebook.write({"print_event": {"var_root": "id"}}, start="2020-01-01T00:00:00Z")
    insert(rulebook.emulator, 1)
    rulebook.start()
    rulebook.until(1)
    rulebook.interrupt()

    assert len(json.loads((rulebook.folder / "cursor.json").read_text(encoding="utf-8"))["streams"]["new"]["sent"]) == 1


def test_it_ends_at_once_also_while_the_server_does_not_answer(rulebook: Rulebook):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rulebook.write({"print_event": {}}, host=f"127.0.0.1:{silent.getsockname()[1]}")
        rulebook.start()
        silent.settimeout(PATIENCE)
        connection, _address = silent.accept()
        with connection:
            rulebook.interrupt()


def start_tagging(rulebook: Rulebook) -> tuple[dict[str, Any], str]:
    """Starts the rulebook of the collection; returns an event from a VPN address and its user. One such event is there from before."""
    session = next(iter(sample_sessions()))
    during = int(session.start.timestamp() * 1000) + 1000
    event = {"event_name": "A", "event_status": "New", "srcip": session.ipaddr, "timestamp": during}
    rulebook.emulator.add_events({**event, "write_time": during})
    start_tagging_by(rulebook, ROOT / "playbooks" / "files" / "openvpn_access_server.csv", "openvpn_as")
    return event, session.username


def start_tagging_by(rulebook: Rulebook, log: Path, log_format: str, **others: str) -> None:
    """Starts the rulebook of the collection with this log and other variables; returns when it looks for events."""
    state = rulebook.folder / "state"
    rulebook.arguments = ("--env-vars", ",".join(["VPN_LOG,VPN_LOG_FORMAT,VPN_LOG_DELAY", *others]))
    rulebook.variables = {
        "VPN_LOG": str(log),
        "VPN_LOG_FORMAT": log_format,
        "VPN_LOG_DELAY": "2",
        "XDG_STATE_HOME": str(state),
        **others,
    }
    rulebook.start("secops.xdr.incident_tagging")
    rulebook.wait_for(lambda: bool(list(state.glob("secops.xdr/cursor-*.json"))))


def test_the_rulebook_of_the_collection_names_a_user_from_a_live_log(rulebook: Rulebook):
    """In which nothing was written since before the event, and whose times are those of another zone."""
    log = rulebook.folder / "live.csv"
    now = time.time()
    earlier, just_now = (time.strftime("%m/%d/%y %H:%M:%S", time.gmtime(now - seconds + 5.75 * 3600)) for seconds in (600, 60))
    rows = f"Username,Real IP,VPN IP,Start Time\nearlier,203.0.113.8,10.8.3.7,{earlier}\njust_now,203.0.113.9,10.8.3.7,{just_now}\n"
    log.write_text(rows, encoding="utf-8")
    os.utime(log, (now - 59, now - 59))
    start_tagging_by(rulebook, log, "csv", VPN_TIMEZONE="Asia/Kathmandu")
    moment = int(time.time() * 1000)

    rulebook.emulator.add_events({"event_name": "A", "event_status": "New", "srcip": "10.8.3.7", "timestamp": moment, "write_time": moment})

    rulebook.wait_for(lambda: any(one["tags"] for one in rulebook.emulator.events()))
    assert [one["tags"] for one in rulebook.emulator.events()] == [["vpn_user:just_now"]]


def test_the_rulebook_of_the_collection_names_the_user_and_takes_an_id_for_nothing_else(rulebook: Rulebook):
    """An id is neither an expression of Ansible nor a query. What was there before the start is left alone."""
    event, username = start_tagging(rulebook)
    owned = rulebook.folder / "owned"
    expression = f"{{{{ lookup('ansible.builtin.pipe', 'touch {owned}') }}}}"
    hostile = [expression, 'x" OR event_status:New OR _id:"y', "x\n" + expression]
    now = int(time.time() * 1000)

    rulebook.emulator.add_events(*({"_id": name, "_source": {**event, "event_name": expression, "write_time": now}} for name in hostile))
    rulebook.emulator.add_events({"_id": "harmless", "_source": {**event, "event_name": expression, "write_time": now + 1}})

    rulebook.wait_for(lambda: any(one["tags"] for one in rulebook.emulator.events()))
    tagged = {one["_id"]: one["tags"] for one in rulebook.emulator.events() if one["tags"]}
    assert tagged == {"harmless": [f"vpn_user:{username}"]}
    assert not owned.exists()
