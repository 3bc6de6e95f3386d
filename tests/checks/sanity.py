# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run `ansible-test sanity` on a real copy of the collection, in plain virtual environments, on every Python found.

Arguments are handed on, for example `--test validate-modules` or the path of a file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ansible_test
import copy_tree
import interpreters
from ansible_test._util.target.common import constants

TOOL = Path(ansible_test.__file__).parent
HOME = copy_tree.ROOT / "build" / "home"
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
        sys.exit("This ansible-test keeps its pip bootstrap script in an unknown place; adapt tests/checks/sanity.py.")
    internals = TOOL / "_internal" / "python_requirements.py"
    versions = set(re.findall(r"""['"]?pip['"]?\s*[=:]+\s*['"](\d[\d.]*)['"]""", internals.read_text(encoding="utf-8")))
    for version in versions:
        path = home / template["path"].replace("%s", version.replace(".", "_"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOOTSTRAP, encoding="utf-8")


def environment(content: Path, pythons: dict[str, Path]) -> dict[str, str]:
    """Return the environment of ansible-test, whose home is a folder of ours but for what pip reads there."""
    user_home = Path.home()
    adapted = os.environ | {
        "HOME": str(HOME),
        "PATH": interpreters.search_path(pythons),
        # The content lies in a folder that the git repository around it ignores: do not ask git what it holds.
        "ANSIBLE_TEST_CONTENT_ROOT": str(content),
        "PIP_QUIET": "2",
    }
    adapted.setdefault("PIP_CACHE_DIR", str(user_home / ".cache" / "pip"))
    for settings in (user_home / ".config" / "pip" / "pip.conf", user_home / ".pip" / "pip.conf"):
        if settings.is_file():
            adapted.setdefault("PIP_CONFIG_FILE", str(settings))
    # ansible-test has a configuration of its own for the Ansible that it runs.
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_COLLECTIONS_PATH"):
        adapted.pop(name, None)
    return adapted


def main() -> int:
    supported = constants.REMOTE_ONLY_PYTHON_VERSIONS + constants.CONTROLLER_PYTHON_VERSIONS
    pythons = {version: path for version, path in interpreters.available().items() if version in supported}
    print(f"Pythons for module code: {', '.join(pythons)}", flush=True)
    targets = [argument for version in pythons for argument in ("--target-python", version)]
    place_pip_bootstrap(HOME)
    with copy_tree.collection_copy("tree", keep=frozenset({"tests/output"})) as content:
        command = ["ansible-test", "sanity", "--color", "no", "--truncate", "0", *targets, *sys.argv[1:]]
        adapted = environment(content, pythons)
        return subprocess.run(command, cwd=content, env=adapted, check=False, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
