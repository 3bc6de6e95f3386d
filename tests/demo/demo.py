# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as a user gets it: built, installed, and run twice against an emulator of the appliance.

`make demo` runs this in a virtual environment that has nothing but what a user needs, and the emulator's libraries.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "demo"
PLAYBOOK = "secops.xdr.vpn_observations"
PATIENCE_SECONDS = 30


class DemoError(Exception):
    """A step did not do what it should; the text says which and what was seen."""


def say(text: str = "") -> None:
    """Print at once, so that lines keep their order with what other programs print."""
    print(text, flush=True)


def title(text: str) -> None:
    """Print the heading of a step."""
    say(f"\n--- {text} ---")


def install() -> Path:
    """Build the artifact and install it as a user would; return the folder that Ansible is to look in."""
    collections = FOLDER / "collections"
    shutil.rmtree(collections, ignore_errors=True)
    build = [sys.executable, str(ROOT / "tests" / "checks" / "artifact.py"), "--only-build", str(FOLDER / "artifact")]
    artifact = quietly(build).strip().splitlines()[-1]
    say(f"Built      {Path(artifact).relative_to(ROOT)}")
    command = ["ansible-galaxy", "collection", "install", "--offline", "--collections-path", str(collections), artifact]
    # Where a collection of this name is found already, for instance the checkout's, nothing would be installed.
    quietly(command, ANSIBLE_COLLECTIONS_PATH=str(collections))
    say(f"Installed  {collections.relative_to(ROOT)}")
    return collections


def quietly(command: list[str], **variables: str) -> str:
    """Run a command and return what it printed; raise DemoError with all of it where it fails."""
    environment = os.environ | variables
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise DemoError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def running_emulator(folder: Path) -> Iterator[dict[str, Any]]:
    """Start the emulator on a free port, give what it says of itself, and stop it in the end."""
    ready_file = folder / "ready.json"
    command = [sys.executable, "-m", "emulator", "--port", "0", "--state-dir", str(folder)]
    command += ["--ready-file", str(ready_file)]
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
    """What a run of the playbook said, in numbers."""

    changed: int
    counts: dict[str, int]
    """Rows, by what the summary says of them: read, uploaded, already uploaded, skipped, rejected."""

    @classmethod
    def from_output(cls, printed: str) -> PlaybookRun:
        """Read the summary that the playbook prints, and the number of tasks that changed something."""
        counts = dict.fromkeys(("rows read", "uploaded", "already uploaded", "skipped", "rejected"), 0)
        for number, what in re.findall(rf"- '?(\d+) ({'|'.join(counts)})\b", printed):
            counts[what] += int(number)
        read, *outcomes = counts.values()
        if not read or read != sum(outcomes):
            raise DemoError(f"The rows that were read are not the sum of the others: {counts}.")
        return cls(sum(int(number) for number in re.findall(r"\bchanged=(\d+)", printed)), counts)


def run_playbook(environment: dict[str, str]) -> PlaybookRun:
    """Run the playbook, show what it prints, and return what it said."""
    say(f"$ ansible-playbook {PLAYBOOK}")
    process = subprocess.Popen(
        ["ansible-playbook", PLAYBOOK],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = []
    if process.stdout:
        for line in process.stdout:
            say(line.rstrip("\n"))
            printed.append(line)
    if process.wait():
        raise DemoError(f"The playbook ended with status {process.returncode}; its output is above.")
    return PlaybookRun.from_output("".join(printed))


def playbook_environment(collections: Path, folder: Path, emulator: dict[str, Any]) -> dict[str, str]:
    """Return the environment in which the installed collection talks to the emulator, and to nothing of the user's."""
    return {
        **os.environ,
        **emulator["environment"],
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        # Localhost alone is what this demo is about.
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "SECOPS_XDR_LEDGER": str(folder / "ledger.sqlite"),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def held_observations(emulator: dict[str, Any]) -> dict[str, Any]:
    """Return what the appliance holds, as the emulator counts it."""
    context = ssl.create_default_context(cafile=emulator["ca_path"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{emulator['url']}/_emulator/state", timeout=PATIENCE_SECONDS) as answer:
        held: dict[str, Any] = json.load(answer)["extrahop"]["observations"]
    return held


def show_held(held: dict[str, Any]) -> None:
    """Print what the appliance holds."""
    say(f"{held['accepted']:>6} observations accepted, in {held['uploads']} uploads, from {' and '.join(held['by_source'])}")
    say(f"{held['duplicates']:>6} of them came twice")
    say(f"{held['stored']:>6} are for addresses that it observes in its network")
    say(f"{held['ignored']:>6} are for addresses that it never observed: accepted and ignored, as the product does")


def check_first(first: PlaybookRun, held: dict[str, Any]) -> None:
    """Raise DemoError where the appliance does not hold exactly what the first run says that it uploaded."""
    uploaded = first.counts["uploaded"]
    if not uploaded or not first.changed:
        raise DemoError(f"The first run uploaded nothing: {first}.")
    if not held["accepted"] == held["distinct"] == uploaded:
        raise DemoError(f"The first run says that it uploaded {uploaded} observations; the appliance holds {held}.")


def check_second(first: PlaybookRun, second: PlaybookRun, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raise DemoError where the second run sent anything, or took any row for something else than the first run did."""
    if second.changed or after != before:
        raise DemoError(f"The second run changed something: {second}; the appliance held {before}, and now {after}.")
    same = ("rows read", "rejected")
    if second.counts["uploaded"] or any(first.counts[what] != second.counts[what] for what in same):
        raise DemoError(f"The second run counts otherwise than the first: {first.counts}, then {second.counts}.")


def demonstrate() -> None:
    """Run all steps; raise DemoError where one does not hold what it promises."""
    title("1. Build the collection and install it into an empty place")
    collections = install()
    with tempfile.TemporaryDirectory(prefix="run-", dir=FOLDER) as name:
        folder = Path(name)
        title("2. Start an emulator of the appliance")
        with running_emulator(folder) as emulator:
            say(f"It answers at {emulator['url']} with a certificate of its own CA.")
            environment = playbook_environment(collections, folder, emulator)
            title("3. Upload the sample log")
            first = run_playbook(environment)
            held = held_observations(emulator)
            title("4. What the appliance holds now")
            show_held(held)
            check_first(first, held)
            title("5. The same again")
            second = run_playbook(environment)
            held_again = held_observations(emulator)
    check_second(first, second, held, held_again)
    title("Result")
    say(f"The first run uploaded {held['accepted']} observations, each once; every row of the log is accounted for.")
    say(f"The second run changed nothing: the appliance still counts {held_again['uploads']} uploads.")
    say()
    say("To try it by hand, start the emulator in one terminal:")
    say("  PYTHONPATH=tests build/demo/.venv/bin/python -m emulator")
    say("Paste the `export` lines that it prints into another one, and run there, in this folder:")
    say("  export PATH=$PWD/build/demo/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$PWD/build/demo/collections")
    # The emulator forgets everything when it ends; the user's own ledger would not.
    say("  export SECOPS_XDR_LEDGER=$(mktemp -d)/ledger.sqlite3")
    say(f"  ansible-playbook {PLAYBOOK} --check")


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        demonstrate()
    except DemoError as error:
        print(f"\nThe demo failed. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
