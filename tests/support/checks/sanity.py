# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` on a real copy of the collection, in plain virtual environments, on every Python found.

Arguments are handed on, for example `--test validate-modules` or the path of a file.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import ansible_test
import copy_tree
import interpreters
from ansible_test._util.target.common import constants

TOOL = Path(ansible_test.__file__).parent
HOME = copy_tree.ROOT / "build" / "home"
ABOUT_THE_MACHINE = re.compile(
    r"WARNING: Using locale .C\.UTF-8. instead of|Installing requirements for Python |Using cached pip .* bootstrap script"
    r"|WARNING: Reviewing previous \d+ warning"
)
"""Remarks that no change to the collection could answer: the locales that a machine has, the venvs that are made, and how many warnings
there were, with those that are not shown."""
BOOTSTRAP = """\
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
"""


def place_pip_bootstrap(home: Path) -> None:
    """Put a script in the place where ansible-test keeps the one that gives its virtual environments pip.

    It would download that script from a host of its own, which closed networks (and CI) do not reach; ensurepip comes
    with Python and does the same. Always, so that a run does not depend on what can be downloaded. Where the file
    belongs, and for which versions of pip, is read from ansible-test itself, since both change with its releases.
    """
    source = (TOOL / "_util" / "target" / "setup" / "requirements.py").read_text(encoding="utf-8")
    template = re.search(r"""expanduser\(['"]~/(?P<path>[^'"]*%s[^'"]*)['"]""", source)
    if not template:
        sys.exit("This ansible-test keeps its pip bootstrap script in an unknown place; adapt tests/support/checks/sanity.py.")
    internals = TOOL / "_internal" / "python_requirements.py"
    versions = set(re.findall(r"""['"]?pip['"]?\s*[=:]+\s*['"](\d[\d.]*)['"]""", internals.read_text(encoding="utf-8")))
    for version in versions:
        path = home / template["path"].replace("%s", version.replace(".", "_"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOOTSTRAP, encoding="utf-8")


def take_releases() -> None:
    """Let ansible-test take its tools from PyPI alone: a requirement that names a file on another host becomes one for a release.

    Closed networks (and CI) reach no other host. It is the ansible-test of this virtual environment that is changed.
    """
    for path in (TOOL / "_data" / "requirements").glob("sanity.*.txt"):
        text = path.read_text(encoding="utf-8")
        released = re.sub(r"^([\w.-]+) @ https?://.*$", r"\1", text, flags=re.MULTILINE)
        if released != text:
            path.write_text(released, encoding="utf-8")


def hand_on_pip_settings(home: Path) -> None:
    """Write what pip is told by the environment and by the user's own file into the home that ansible-test gives it.

    ansible-test runs pip with an environment of its own making: index, proxy and certificates would be lost.
    """
    settings = configparser.RawConfigParser()
    user_home = Path.home()
    settings.read([user_home / ".pip" / "pip.conf", user_home / ".config" / "pip" / "pip.conf"], encoding="utf-8")
    if not settings.has_section("global"):
        settings.add_section("global")
    proxy = urllib.request.getproxies().get("https")
    if proxy:
        settings.set("global", "proxy", proxy)
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE" and value:
            settings.set("global", name.removeprefix("PIP_").lower().replace("_", "-"), value)
    settings.set("global", "quiet", "2")
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    # An index may be written with its password.
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


def environment(home: Path, content: Path, pythons: dict[str, Path]) -> dict[str, str]:
    """Return the environment of ansible-test, whose home is a folder of ours."""
    # ansible-test has a configuration of its own for the Ansible that it runs.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return inherited | {
        "HOME": str(home),
        "PATH": interpreters.search_path(pythons),
        # The content lies in a folder that the git repository around it ignores: do not ask git what it holds.
        "ANSIBLE_TEST_CONTENT_ROOT": str(content),
    }


def run(command: list[str], content: Path, variables: dict[str, str]) -> int:
    """Run ansible-test, and show what it prints about the collection; return its status."""
    with subprocess.Popen(
        command,
        cwd=content,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    ) as process:
        for line in process.stdout or ():
            if not ABOUT_THE_MACHINE.match(line):
                print(line, end="", flush=True)
    return process.returncode


def main() -> int:
    supported = constants.REMOTE_ONLY_PYTHON_VERSIONS + constants.CONTROLLER_PYTHON_VERSIONS
    pythons = {version: path for version, path in interpreters.available().items() if version in supported}
    print(f"Pythons for module code: {', '.join(pythons)}", flush=True)
    targets = [argument for version in pythons for argument in ("--target-python", version)]
    with copy_tree.collection_copy("tree", keep=frozenset({"tests/output"})) as content:
        place_pip_bootstrap(HOME)
        take_releases()
        hand_on_pip_settings(HOME)
        command = ["ansible-test", "sanity", "--color", "no", "--truncate", "0", *targets, *sys.argv[1:]]
        return run(command, content, environment(HOME, content, pythons))


if __name__ == "__main__":
    sys.exit(main())
