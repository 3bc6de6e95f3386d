# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A demo of the collection against its emulator of both products.

It shows the installed collection that it is a part of, and needs ansible-core, requests, aiohttp and trustme beside it, as its files
requirements*.txt say. `make demo` installs all of that first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INSTALLED_AS = ("ansible_collections", "secops", "xdr")
PLAYBOOK = "secops.xdr.incident_tagging"
FIRST_OBSERVATIONS = 100
ASKED = ("10.8.2.6", "2025-11-23T10:45:00Z")
"""An address and a time that the last step asks about; a session of the sample log holds it."""
REPORT = "report.html"
PATIENCE_SECONDS = 30
ENDED_BY_USER = 99
"""The status of an ansible-playbook that was interrupted."""


class DemoError(Exception):
    """A step failed; the text names the step and the result."""


def say(text: str = "") -> None:
    """Print at once, so that lines keep their order with what other programs print."""
    print(text, flush=True)


def title(text: str) -> None:
    """Print the heading of a step."""
    say(f"\n--- {text} ---")


def quietly(command: list[str]) -> str:
    """Run a command and return what it printed; raise DemoError with all of it where it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def running_emulator(folder: Path) -> Iterator[dict[str, Any]]:
    """Start the emulator on a free port, give what it says of itself, and stop it in the end."""
    ready_file = folder / "ready.json"
    command = [sys.executable, "-m", "emulator", "--port", "0", "--state-dir", str(folder)]
    events_file = folder / "events.json"
    events_file.write_text(quietly([sys.executable, str(ROOT / "tests" / "demo" / "sample_events.py")]), encoding="utf-8")
    command += ["--ready-file", str(ready_file), "--events", str(events_file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    with (folder / "emulator.log").open("w+", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield wait_until_ready(process, ready_file, folder / "emulator.log")
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_SECONDS)


def wait_until_ready(process: subprocess.Popen[bytes], ready_file: Path, log: Path) -> dict[str, Any]:
    """Return what the emulator writes once it answers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DemoError(f"The emulator did not start:\n{log.read_text(encoding='utf-8')}")
        time.sleep(0.05)
    ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
    return ready


@dataclass(frozen=True)
class PlaybookRun:
    """The numbers that a run of the playbook printed."""

    changed: int
    counts: dict[str, int]
    """Rows, by what the summary says of them: read, uploaded, already uploaded, skipped, rejected."""
    attributed: int
    """Events that it named the user in."""
    doubtful: int
    """Events in which it named nobody, because something in the log casts doubt on it."""

    @classmethod
    def from_output(cls, printed: str) -> PlaybookRun:
        """Read the summary that the playbook prints, and the number of tasks that changed something."""
        counts = dict.fromkeys(("rows read", "uploaded", "already uploaded", "skipped", "rejected"), 0)
        for number, what in re.findall(rf"- '?(\d+) ({'|'.join(counts)})\b", printed):
            counts[what] += int(number)
        read, *outcomes = counts.values()
        if not read or read != sum(outcomes):
            raise DemoError(f"The rows that were read are not the sum of the others: {counts}.")
        attributed = sum(int(number) for number in re.findall(r"- (\d+) attributed to their VPN users", printed))
        doubtful = sum(int(number) for number in re.findall(r"- '?(\d+) doubtful, so nobody is named", printed))
        return cls(sum(int(number) for number in re.findall(r"\bchanged=(\d+)", printed)), counts, attributed, doubtful)


def run_command(environment: dict[str, str], *command: str) -> str:
    """Run a command, show what it prints, and return that."""
    say(f"$ {shlex.join(command)}")
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    printed = []
    try:
        for line in process.stdout or ():
            say(line.rstrip("\n"))
            printed.append(line)
        status = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if status == ENDED_BY_USER:
        raise KeyboardInterrupt
    if status:
        raise DemoError(f"{command[0]} ended with status {status}; its output is above.")
    return "".join(printed)


def run_playbook(environment: dict[str, str], playbook: str, *arguments: str) -> PlaybookRun:
    """Run a playbook, show what it prints, and return the numbers in it."""
    return PlaybookRun.from_output(run_command(environment, "ansible-playbook", playbook, *arguments))


def playbook_environment(folder: Path, emulator: dict[str, Any]) -> dict[str, str]:
    """Return the environment in which the installed collection talks to the emulator, and to nothing of the user's."""
    return {
        **os.environ,
        **emulator["environment"],
        # Its own programs come first where this runs in a virtual environment that is not activated.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT.parents[2]),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        # Localhost alone is what this demo is about.
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "SECOPS_XDR_LEDGER": str(folder / "ledger.sqlite"),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def asked(emulator: dict[str, Any], what: str, given: Any = None) -> dict[str, Any]:
    """Send a request to the control API of the emulator and return the answer."""
    context = ssl.create_default_context(cafile=emulator["ca_path"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    body = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(f"{emulator['url']}/_emulator/{what}", data=body, headers={"Content-Type": "application/json"})
    with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


@dataclass(frozen=True)
class Held:
    """The data of the products: counters of the observations, and the events."""

    observations: dict[str, Any]
    events: list[dict[str, Any]]

    @classmethod
    def by(cls, emulator: dict[str, Any]) -> Held:
        """Ask the emulator."""
        documents = asked(emulator, "events")["documents"]
        return cls(asked(emulator, "state")["extrahop"]["observations"], [document["_source"] for document in documents])

    @property
    def tagged(self) -> list[dict[str, Any]]:
        """The events that have a tag."""
        return [event for event in self.events if event.get("event_tags")]


def show_events(events: list[dict[str, Any]]) -> None:
    """Print the events with their tags, and the comment of the first that has one."""
    for event in events:
        tags = ", ".join(event.get("event_tags", [])) or "-"
        say(f"  {event['event_status']:<6}  {event.get('srcip', 'no address'):<13}  {event['event_name']:<43}  {tags}")
    commented = [event for event in events if event.get("comments")]
    if commented:
        say(f"\nEach of those with a tag has a comment as well, such as:\n  {commented[0]['comments'][0]['comment']}")


def show_observations(held: dict[str, Any]) -> None:
    """Print what the appliance holds."""
    say(f"{held['accepted']:>6} observations accepted, in {held['uploads']} uploads, from {' and '.join(held['by_source'])}")
    say(f"{held['duplicates']:>6} of them came twice")
    say(f"{held['stored']:>6} are for addresses that it observes in its network")
    say(f"{held['ignored']:>6} are for addresses that it never observed: accepted and ignored, as the product does")


def check_first(trial: PlaybookRun, first: PlaybookRun, held: Held) -> None:
    """Raise DemoError unless the products hold exactly what the first two runs say that they wrote."""
    if trial.counts["uploaded"] != FIRST_OBSERVATIONS:
        raise DemoError(f"The trial run should have uploaded {FIRST_OBSERVATIONS} observations: {trial}.")
    uploaded, observations = trial.counts["uploaded"] + first.counts["uploaded"], held.observations
    if not first.counts["uploaded"] or not first.attributed or first.changed != 2:
        raise DemoError(f"The first run did not both upload and tag: {first}.")
    if not observations["accepted"] == observations["distinct"] == uploaded:
        raise DemoError(f"The runs say that they uploaded {uploaded} observations; the appliance holds {observations}.")
    if len(held.tagged) != first.attributed or any(len(event["comments"]) != 1 for event in held.tagged):
        raise DemoError(f"The first run says that it named users in {first.attributed} events; these have tags: {held.tagged}.")
    if first.doubtful != 1:
        raise DemoError(f"One event is doubtful; the run says {first.doubtful}.")


def check_second(first: PlaybookRun, second: PlaybookRun, before: Held, after: Held) -> None:
    """Raise DemoError where the second run sent anything, or took any row for something else than the first run did."""
    if second.changed or after != before:
        raise DemoError(f"The second run changed something: {second}; the appliance held {before}, and now {after}.")
    same = ("rows read", "rejected")
    if second.counts["uploaded"] or any(first.counts[what] != second.counts[what] for what in same):
        raise DemoError(f"The second run counts otherwise than the first: {first.counts}, then {second.counts}.")


def demonstrate(place: Path) -> None:
    """Run all steps in this folder; raise DemoError where one does not hold what it promises."""
    report = os.path.relpath(place / REPORT)
    with tempfile.TemporaryDirectory(prefix="run-", dir=place) as name:
        folder = Path(name)
        title("1. Start an emulator of ExtraHop and Stellar Cyber")
        with running_emulator(folder) as emulator:
            say(f"It answers at {emulator['url']} with a certificate of its own CA.")
            environment = playbook_environment(folder, emulator)
            title("2. The security events before: who was that?")
            show_events(Held.by(emulator).events)
            title(f"3. Try the upload with {FIRST_OBSERVATIONS} observations")
            trial = run_playbook(environment, "secops.xdr.vpn_observations", "-e", f"vpn_limit={FIRST_OBSERVATIONS}")
            title("4. Upload the rest, and name the users in the events")
            first = run_playbook(environment, PLAYBOOK, "-e", f"vpn_report={report}")
            held = Held.by(emulator)
            title("5. What ExtraHop holds now")
            show_observations(held.observations)
            title("6. The security events now: one is doubtful, so nobody is named in it")
            show_events(held.events)
            check_first(trial, first, held)
            title("7. A case and a detection get the names, too")
            name_in_case_and_detection(emulator, environment)
            title("8. The same again")
            second = run_playbook(environment, PLAYBOOK, "-e", f"vpn_report={report}")
            held_again = Held.by(emulator)
        title("9. Keep the sessions in a history, delete the log, and ask who it was")
        ask_history(environment, folder)
    check_second(first, second, held, held_again)
    title("Result")
    say(f"The first runs uploaded {held.observations['accepted']} observations, each once; every row of the log is accounted for.")
    say(f"It named the user in {first.attributed} of {len(held.events)} events, with one tag and one comment each.")
    say("A case and a detection got one text each. In the doubtful event nobody was named.")
    say("The history knew a user after the log was deleted.")
    say("The second run changed nothing.")
    say(f"A report for people who would rather look: {report}")
    say()
    say("To try it by hand, open a shell with an emulator that holds the same events:")
    say("  make shell")


def name_in_case_and_detection(emulator: dict[str, Any], environment: dict[str, str]) -> None:
    """Open a case with all events and a detection, and have their users named; raise DemoError unless each gets one text."""
    address, moment = ASKED
    time_ms = int(datetime.fromisoformat(moment).timestamp() * 1000)
    participant = {"object_type": "ipaddr", "object_value": address, "role": "offender", "external": False}
    detection = {"title": "Rare SSH port", "start_time": time_ms, "end_time": time_ms + 60_000, "participants": [participant]}
    asked(emulator, "cases", [{"name": "Odd logins", "alerts": asked(emulator, "events")["documents"]}])
    asked(emulator, "detections", [detection])
    targets = {"vpn_upload": False, "vpn_attribution_targets": ["cases", "detections"], "vpn_attribution_networks": ["10.8.0.0/16"]}
    for _time in range(2):
        run_command(environment, "ansible-playbook", PLAYBOOK, "-e", json.dumps(targets))
    [case], [found] = asked(emulator, "cases")["cases"], asked(emulator, "detections")["detections"]
    if len(case["comments"]) != 1 or found["note"].count("gus.hollis") != 1:
        raise DemoError(f"The case and the detection should have one comment and one note: {case['comments']}, {found['note']!r}.")
    say(f"\nThe comment of the case:\n{case['comments'][0]['comment']}\n\nThe note of the detection:\n{found['note']}")


def ask_history(environment: dict[str, str], folder: Path) -> None:
    """Take a copy of the sample log into a session history, delete the copy, and ask the history; raise DemoError if it does not know."""
    log, history = folder / "openvpn.csv", folder / "sessions.sqlite3"
    shutil.copy(ROOT / "playbooks" / "files" / "openvpn_access_server.csv", log)
    options = f"path={log} format=openvpn_as gateway=vpn history={history}"
    run_command(environment, "ansible", "localhost", "-m", "secops.xdr.vpn_session", "-a", options)
    say(f"$ rm {log}")
    log.unlink()
    address, moment = ASKED
    printed = run_command(
        environment, "ansible-playbook", "secops.xdr.who", "-e", f"ip={address}", "-e", f"at={moment}", "-e", f"vpn_history={history}"
    )
    if "gus.hollis" not in printed:
        raise DemoError("The history should have named gus.hollis.")


def open_shell(place: Path) -> None:
    """Start the emulator with the sample events, and run the user's shell in its environment."""
    with tempfile.TemporaryDirectory(prefix="shell-", dir=place) as name, running_emulator(Path(name)) as emulator:
        say(f"The emulator answers at {emulator['url']}, with sample events. `exit` ends it. Try, for instance:")
        say(f"  ansible-playbook {PLAYBOOK} --check")
        subprocess.run([os.environ.get("SHELL") or "/bin/sh"], env=playbook_environment(Path(name), emulator), check=False)


def check_installed() -> None:
    """Raise DemoError unless this file belongs to an installed collection."""
    if ROOT.parts[-3:] != INSTALLED_AS:
        raise DemoError(f"{ROOT} is not an installed collection. In a checkout, run `make demo` or `make shell`.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(), help="where the report is written (default: the current folder)")
    parser.add_argument("--shell", action="store_true", help="open a shell with the emulator instead, to try the playbooks by hand")
    arguments = parser.parse_args()
    place: Path = arguments.folder.resolve()
    try:
        check_installed()
        (open_shell if arguments.shell else demonstrate)(place)
    except DemoError as error:
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo was interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
