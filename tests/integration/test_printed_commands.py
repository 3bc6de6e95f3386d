# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command in README and guides runs exactly as it is printed, and prints what the page shows.

They run in a copy of this machine that is thrown away: an overlay over its files and a network that is only the loopback, on which the
emulator answers as extrahop.example.com and stellar.example.com. Files that a page shows exist there under the names that it gives them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator import Settings
from support.pages import GUIDES, README, ROOT, blocks

from .conftest import PATIENCE_SECONDS, program

PAGES = (README, *GUIDES)
OPERATIONS = next(page for page in GUIDES if page.stem == "guide_operations")
NOT_RUN = {
    "ansible-builder build": "needs a container engine; test_execution_environment.py prepares the same image",
    "podman push": "needs a registry",
    "ansible-galaxy collection install secops.xdr awx.awx": "needs Galaxy; test_awx_setup.py has both collections",
    "ansible-playbook ~/.ansible/collections/ansible_collections/secops/xdr/extensions/awx/apply.yml": (
        "needs a controller; test_awx_setup.py runs this playbook against its API"
    ),
    "pip install ansible-builder": "needs PyPI",
    "pip install requests ansible-core ansible-rulebook": "needs PyPI; test_eda_rulebook.py installs it",
    "ansible-rulebook": "runs until it is stopped; test_eda_rulebook.py starts it with both rulebooks",
    "ansible-galaxy collection download": "needs Galaxy",
    "pip download": "needs PyPI",
    "pip install --no-index": "needs what was downloaded before",
    "cd offline &&": "needs what was downloaded before; test_artifact.py installs offline",
    "sudoedit": "opens an editor; the file has the lines that the page shows",
    "sudo systemctl": "needs a running systemd; the units are verified",
    "systemctl": "needs a running systemd; the units are verified",
}
"""The beginnings of commands that cannot run here, with the reason. These are only checked as shell."""
ANSWERS = {"EXTRAHOP_API_KEY": "api_key", "STELLAR_API_KEY": "stellar_api_key"}
"""For each variable that a page reads from the keyboard, the credential of the emulator."""
LATER_ROWS = "jsmith,203.0.113.9,10.8.2.6,11/19/25 05:30:00\nalee,198.51.100.20,10.8.3.9,11/19/25 06:15:00\n"
BRANCH_LOG = "Date;Time;Peer;Tunnel address\n31.05.2024;08:15:00;203.0.113.9;10.8.3.7\n"


@dataclass(frozen=True)
class Command:
    """A command of a page, and the lines that the page shows below it."""

    page: str
    text: str
    shown: tuple[str, ...] = ()

    @property
    def why_not_run(self) -> str:
        return next((why for start, why in NOT_RUN.items() if self.text.startswith(start)), "")


def commands_of(page: Path) -> list[Command]:
    """The commands of a page. Where a block has prompts, a line that neither has one nor continues a command is output."""
    found: list[Command] = []
    for block in blocks(page, "console", "shell", "bash", "sh"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:] if "$ " in block else block.splitlines():
            [(command, shown)] = re.findall(r"\A((?:.*\\\n)*.*)\n?((?:.*\n?)*)\Z", part)
            found.append(Command(page.name, command, tuple(shown.splitlines())))
    return found


COMMANDS = [command for page in PAGES for command in commands_of(page)]


def page_script(page: Path) -> str:
    """The commands of a page for bash, each between two marks. What follows `make shell` is typed into that shell, up to `exit`."""
    lines, is_in_shell = ["set -e"], False
    for number, command in enumerate(COMMANDS):
        if command.page != page.name or command.why_not_run:
            continue
        lines.append(f"printf '\\036%s\\n' {number}")
        if command.text == "exit":
            lines += ["printf '\\036done\\n'", "END_OF_SHELL"]
            is_in_shell = False
        elif command.text == "make shell":
            lines += ["(cd /path/to/checkout && make shell) <<'END_OF_SHELL'", "set -e", "printf '\\036done\\n'"]
            is_in_shell = True
        else:
            lines += [command.text, "printf '\\036done\\n'"]
    return "\n".join([*lines, *(["END_OF_SHELL"] if is_in_shell else [])]) + "\n"


def credential(variable: str) -> str:
    """The credential of the emulator for an environment variable; other secrets need no value."""
    return str(getattr(Settings, ANSWERS.get(variable, ""), "secret"))


def files_of_the_pages() -> dict[str, str]:
    """The files that the pages show, by the path at the top of the block or above it, and logs for the others that they name."""
    files = {
        "/var/log/openvpn/log.csv": blocks(PAGES[0], "csv")[0] + LATER_ROWS,
        "/var/log/vpn/sessions.csv": BRANCH_LOG,
        "/srv/environment": "".join(
            re.sub("=…$", f"={credential(line.partition('=')[0])}", line, flags=re.MULTILINE)
            for line in blocks(OPERATIONS, "ini")[0].replace("automation@", "analyst@").splitlines(keepends=True)
        ),
        "/var/lib/node_exporter/textfile/.keep": "",
    }
    for page in PAGES:
        for block in blocks(page, "yaml", "yaml+jinja"):
            if named := re.match(r"# ([\w./-]+\.yml)\n", block):
                files[f"/home/reader/{named[1]}" if named[1][0] != "/" else named[1]] = block
        text = page.read_text(encoding="utf-8")
        for path, _kind, block in re.findall(r"^``(/etc/\S+?)``.*\n\n\.\. code-block:: (\w+)\n\n((?:  .*\n|\n)+)", text, re.MULTILINE):
            files[path] = textwrap.dedent(block).strip("\n") + "\n"
    return files


OUTSIDE = """\
set -e
ip link set lo up
mount -t tmpfs tmpfs "$STAGE"
mkdir "$STAGE/upper" "$STAGE/work" "$STAGE/merged"
mount -t overlay overlay -o "lowerdir=/,upperdir=$STAGE/upper,workdir=$STAGE/work" "$STAGE/merged"
mount -t proc proc "$STAGE/merged/proc"
for path in /dev $ELSEWHERE; do mkdir -p "$STAGE/merged$path"; mount --rbind "$path" "$STAGE/merged$path"; done
exec chroot "$STAGE/merged" env --ignore-environment "PATH=$PATH" HOME=/home/reader SHELL=/bin/bash LC_ALL=C.UTF-8 \
    ANSIBLE_NOCOLOR=1 PIP_NO_INDEX=1 PIP_DISABLE_PIP_VERSION_CHECK=1 ANSIBLE_GALAXY_SERVER=http://127.0.0.1:8080/api/ \
    REQUESTS_CA_BUNDLE=/etc/pki/tls/certs/company.pem /bin/bash "$MACHINE/inside.sh" "$MACHINE" "$CHECKOUT" 2>&1
"""
"""Enters the copy of the machine. Folders on other disks are not in it; those that are needed are mounted there."""
INSIDE = """\
set -e
machine=$1 checkout=$2
exec < /dev/null
cp --recursive --no-preserve=ownership "$machine/files/." /
echo 127.0.0.1 extrahop.example.com stellar.example.com >> /etc/hosts
printf '#!/bin/sh\\nexec "$@"\\n' > /usr/local/bin/sudo
chmod 755 /usr/local/bin/sudo
mkdir -p "$HOME" /path/to /etc/pki/tls/certs /srv/emulator /srv/galaxy build/demo/.venv/bin
ln -s "$checkout" /path/to/checkout
ln -s "$(command -v ansible-playbook)" /usr/bin/ansible-playbook
git config --global --add safe.directory '*'
cd "$checkout"
# A release, since ansible-galaxy takes nothing else by itself, and the environment of the demo, which is this one.
sed -i 's/^version: \\(.*\\)-dev$/version: \\1/' galaxy.yml
mkdir -p build/demo/.venv && touch build/demo/.venv/made
ansible-galaxy collection build --output-path /srv/galaxy
export PYTHONPATH="$checkout/tests"
python -m support.galaxy /srv/galaxy/*.tar.gz 8080 &
python -m emulator --port 443 --username analyst@example.com --state-dir /srv/emulator --ready-file /srv/emulator/ready.json &
unset PYTHONPATH
until [ -s /srv/emulator/ready.json ] && : < /dev/tcp/127.0.0.1/8080; do sleep 0.1; done 2> /dev/null
cp /srv/emulator/ca.pem /etc/pki/tls/certs/company.pem
cd
for page in "$machine"/pages/*; do
    bash "$page" < "$machine/answers/$(basename "$page")" || echo "$page ended with status $?"
done
cp /srv/environment /var/lib/secops-xdr/environment
cron=$(sed -n 's/^[0-9]* [*] [*] [*] [*] secops-xdr //p' /etc/cron.d/secops-xdr)
sh -c "$cron" && grep -q '^localhost .* failed=0 ' /var/lib/secops-xdr/last.log && printf '\036%s\n\036done\n' "$CRON"
units=/etc/systemd/system/secops-xdr
systemd-analyze verify "$units.service" "$units.timer" "$units-failed@.service" && printf '\036%s\n\036done\n' "$UNITS"
"""
CRON, UNITS = -1, -2
"""The numbers of the line for cron and of the units for systemd, which a page shows as files."""


def mounted_elsewhere(*paths: Path) -> list[str]:
    """Those of the paths that are not on the disk of the root folder."""
    return [str(path) for path in paths if path.stat().st_dev != Path("/").stat().st_dev]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """The output of each command, by its number. A command that failed, and those after it on its page, are missing."""
    program("systemd-analyze", "systemd")
    machine = tmp_path_factory.mktemp("machine")
    for folder in ("stage", "pages", "answers", "files"):
        (machine / folder).mkdir()
    (machine / "inside.sh").write_text(f"CRON={CRON}\nUNITS={UNITS}\n{INSIDE}", encoding="utf-8")
    for path, content in files_of_the_pages().items():
        target = machine / "files" / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    for page in PAGES:
        script = page_script(page)
        (machine / "pages" / page.name).write_text(script, encoding="utf-8")
        asked = re.findall(r"read -rs (\w+)", script)
        answers = "".join(f"{credential(name)}\n" for name in asked)
        (machine / "answers" / page.name).write_text(answers, encoding="utf-8")
    settings = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "STAGE": str(machine / "stage"),
        "MACHINE": str(machine),
        "CHECKOUT": str(ROOT),
        "ELSEWHERE": " ".join(mounted_elsewhere(machine, ROOT, Path(sys.prefix), Path(sys.base_prefix))),
    }
    given = [f"{name}={value}" for name, value in settings.items()]
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    command = [*root, "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "env", *given, "bash", "-c", OUTSIDE]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=len(PAGES) * PATIENCE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    parts = re.findall(r"\x1e(-?\d+)\n([^\x1e]*)\x1edone\n", done.stdout)
    return {int(number): text for number, text in parts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_commands_run_and_print_what_the_page_shows(printed: dict[int, str], page: Path) -> None:
    for number, command in enumerate(COMMANDS):
        if command.page == page.name and not command.why_not_run:
            assert number in printed, f"{command.text} failed; see what the fixture printed"
            pattern = r"(?:.*\n)*?".join(re.escape(line.strip()).replace("…", ".*") + r" *\n" for line in command.shown)
            assert re.search(pattern, re.sub(r"^ +", "", printed[number], flags=re.MULTILINE)), printed[number]


def test_the_files_for_cron_and_systemd_work(printed: dict[int, str]) -> None:
    assert {CRON, UNITS} <= printed.keys()


def test_each_reason_not_to_run_a_command_is_needed() -> None:
    assert not [start for start in NOT_RUN if not any(command.text.startswith(start) for command in COMMANDS)]
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.name))
def test_commands_that_cannot_run_are_valid_shell(page: Path) -> None:
    script = "\n".join(command.text for command in commands_of(page))
    done = subprocess.run(["bash", "-n"], input=script, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
