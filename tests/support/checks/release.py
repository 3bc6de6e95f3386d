# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the artifact, install it into an empty place as a user would, and run the demo from it alone.

The place is build/release: an environment with what the artifact's own requirement files ask for, a home with nothing in it but the
installed collection, and an empty folder to work in. That nothing is read from the checkout is seen in each Python process there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import artifact as artifacts
import copy_tree

ROOT = copy_tree.ROOT
PLACE = ROOT / "build" / "release"
HOME = PLACE / "home"
WORK = PLACE / "work"
READ = PLACE / "read.txt"
INSTALLED = HOME / ".ansible" / "collections" / "ansible_collections" / "secops" / "xdr"
REQUIREMENTS = ("requirements.txt", "requirements-emulator.txt", "requirements-demo.txt")
PLAYBOOKS = ("event_insert", "incident_tagging", "vpn_observations")
WITNESS = """
import os
import sys

def witness(event, arguments, checkout={checkout!r}, place={place!r}, file={file!r}):
    if event in ("open", "os.listdir", "os.scandir") and arguments and isinstance(arguments[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(checkout + os.sep) and not path.startswith(place + os.sep):
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(descriptor, os.fsencode(path) + b"\\n")
            os.close(descriptor)

sys.addaudithook(witness)
"""
"""What each Python in that environment runs first: it notes the files of the checkout that are opened, by their full paths."""


class ReleaseError(Exception):
    """The artifact is not what a release should be; the text says why."""


def run(command: list[str]) -> str:
    """Run a command in the empty folder, with nothing of the caller's environment but the way to programs; return what it printed."""
    path = os.pathsep.join([str(PLACE / ".venv" / "bin"), os.defpath])
    environment = {"PATH": path, "HOME": str(HOME), "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        command,
        cwd=WORK,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ReleaseError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def make_environment(artifact: Path) -> None:
    """Make the virtual environment from the artifact's own requirement files, with the witness in it."""
    with tarfile.open(artifact) as archive:
        for name in REQUIREMENTS:
            content = archive.extractfile(name)
            if content is None:
                raise ReleaseError(f"The artifact has no {name}.")
            (PLACE / name).write_bytes(content.read())
    files = [str((PLACE / name).relative_to(ROOT)) for name in REQUIREMENTS]
    make_venv = str(ROOT / "tests" / "support" / "checks" / "make_venv.py")
    folder = str((PLACE / ".venv").relative_to(ROOT))
    subprocess.run([getattr(sys, "_base_executable", sys.executable), make_venv, folder, *files], cwd=ROOT, check=True)
    packages = next((PLACE / ".venv" / "lib").glob("python*/site-packages"))
    witness = WITNESS.format(checkout=str(ROOT), place=str(PLACE), file=str(READ))
    (packages / "sitecustomize.py").write_text(witness, encoding="utf-8")


def see_witness() -> None:
    """Raise ReleaseError where the witness would not notice a file of the checkout; forget that one."""
    READ.unlink(missing_ok=True)
    run([str(PLACE / ".venv" / "bin" / "python"), "-c", f"open({str(ROOT / 'galaxy.yml')!r}).close()"])
    if read_from_checkout() != [str(ROOT / "galaxy.yml")]:
        raise ReleaseError("What is read from the checkout goes unnoticed; adapt tests/support/checks/release.py to this Python.")
    READ.unlink()


def read_from_checkout() -> list[str]:
    """The files of the checkout that were opened since the note of them was removed."""
    return sorted(set(READ.read_text(encoding="utf-8").splitlines())) if READ.is_file() else []


def install(artifact: Path) -> None:
    """Install the artifact where Ansible looks by itself, see that it is complete there, and that Ansible finds all of its playbooks."""
    run(["ansible-galaxy", "collection", "install", "--offline", str(artifact)])
    run(["ansible-galaxy", "collection", "verify", "--offline", "secops.xdr"])
    manifest = json.loads((INSTALLED / "MANIFEST.json").read_text(encoding="utf-8"))
    print(f"Installed secops.xdr {manifest['collection_info']['version']} into an empty home")
    if sorted(path.stem for path in (INSTALLED / "playbooks").glob("*.yml")) != sorted(PLAYBOOKS):
        raise ReleaseError(f"The playbooks in the artifact are not {', '.join(PLAYBOOKS)}.")
    for name in PLAYBOOKS:
        run(["ansible-playbook", "--syntax-check", "--inventory", "localhost,", f"secops.xdr.{name}"])


def check() -> None:
    """Run all steps; raise ReleaseError where one of them fails."""
    artifact = artifacts.build(PLACE / "artifact")
    print(f"Built {artifact.relative_to(ROOT)} ({artifact.stat().st_size // 1024} KiB)", flush=True)
    wrong = artifacts.leftovers(artifact)
    if wrong:
        raise ReleaseError("\n".join(wrong))
    for folder in (HOME, WORK):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    make_environment(artifact)
    see_witness()
    install(artifact)
    printed = run([str(PLACE / ".venv" / "bin" / "python"), str(INSTALLED / "tests" / "demo" / "demo.py")])
    print(printed.partition("--- Result ---\n")[2].partition("\n\n")[0])
    made = sorted(path.name for path in WORK.iterdir())
    if made != ["report.html"]:
        raise ReleaseError(f"The demo was to leave its report in the folder that it ran in; there is {', '.join(made) or 'nothing'}.")
    if read_from_checkout():
        raise ReleaseError("These files of the checkout were read:\n" + "\n".join(read_from_checkout()))
    warnings = [line for line in printed.splitlines() if "WARNING" in line or "DEPRECATION" in line]
    if warnings:
        raise ReleaseError("The demo shows warnings:\n" + "\n".join(warnings))


def main() -> int:
    try:
        check()
    except ReleaseError as error:
        print(f"The artifact is not fit to release. {error}", file=sys.stderr)
        return 1
    print("The artifact is fit to release.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
