# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts ansible-playbook faster: a process that has imported Ansible forks for each run; packed modules are kept and hold compiled files.

Half of the time of a short playbook goes into importing Ansible and packing modules, and a third of a module's into compiling its files. A
run is still that of the real command, in a process of its own, with the files, folder and environment of its caller. Only the standard
library is imported until the server starts.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import json
import marshal
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = str(Path(sys.executable).parent / "ansible-playbook")
PRELOADED = (
    "action",
    "become",
    "cache",
    "callback",
    "connection",
    "doc_fragments",
    "filter",
    "inventory",
    "shell",
    "strategy",
    "test",
    "vars",
)
"""The kinds of plugins that are imported before the first run."""
READ_AT_IMPORT = {"ANSIBLE_CALLBACK_TREE_DIR", "ANSIBLE_DISPLAY_TRACEBACK", "ANSIBLE_LOG_PATH", "PYTHONPATH", "PYTHONWARNINGS"}
"""Variables that count only for a process that imports Ansible itself."""
COMMANDS = "XDR_PLAYBOOK_COMMANDS"
"""The variable with the folder of the server's command, while it runs."""


def search_path() -> str:
    """Return where to look for commands: the server's, if it runs, then those of this Python, then others."""
    folders = [os.environ.get(COMMANDS, ""), str(Path(PROGRAM).parent), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(filter(None, folders))


@contextlib.contextmanager
def playbook_server(collections: str) -> Iterator[Path]:
    """Run the server for this path of collections; its folder, put first into PATH, has an ansible-playbook that asks it."""
    with tempfile.TemporaryDirectory(prefix="xdr-playbooks-") as name:
        folder = Path(name)
        (folder / "packed").mkdir()
        (folder / "compiled").mkdir()
        (folder / "collections").write_text(collections, encoding="utf-8")
        command = folder / "ansible-playbook"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {__file__} {folder} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        environment = {**os.environ, "ANSIBLE_HOME": str(folder / "home"), "ANSIBLE_COLLECTIONS_PATH": collections, "LC_ALL": "C.UTF-8"}
        with subprocess.Popen([sys.executable, __file__], cwd=folder, env=environment, stdin=subprocess.PIPE) as server:
            while not (folder / "ready").exists():
                assert server.poll() is None, "the playbook server did not start"
                time.sleep(0.02)
            os.environ[COMMANDS] = name
            try:
                yield folder
            finally:
                del os.environ[COMMANDS]
                # The end of its input ends the server.
                server.communicate()


def ask(folder: Path, arguments: list[str]) -> int:
    """Have the server in this folder run ansible-playbook, as this process would; return its exit status."""
    settings = {"LC_ALL": "C.UTF-8", "ANSIBLE_COLLECTIONS_PATH": (folder / "collections").read_text(encoding="utf-8")}
    if settings.items() - os.environ.items() or READ_AT_IMPORT & os.environ.keys():
        os.execv(PROGRAM, [PROGRAM, *arguments])
    request = json.dumps({"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "ready"))
        socket.send_fds(connection, [len(request).to_bytes(8, "big")], [0, 1, 2])
        connection.sendall(request)
        answer = connection.recv(8)
    return int(answer)


def serve() -> None:
    """Answer requests until the input ends. Returns in a separate process for each request, which is set up as that of its caller."""
    _preload()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("binding")
        listener.listen()
        os.rename("binding", "ready")
        while True:
            ready = select.select([listener.fileno(), sys.stdin.fileno()], [], [])[0]
            if sys.stdin.fileno() in ready:
                os._exit(0)
            connection = listener.accept()[0]
            if not os.fork():
                break
            connection.close()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(-1, os.WNOHANG)
    _answer(connection)


class CompilingZipFile(zipfile.ZipFile):
    """Adds the compiled form to each Python file. A Python of another version ignores it."""

    def __init__(self, *arguments: Any, compiled: Path, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.compiled = compiled
        """A folder that keeps what was compiled; most modules have most files in common."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *arguments: Any, **keywords: Any) -> None:
        """Write a file into the archive; see zipfile."""
        super().writestr(zinfo_or_arcname, data, *arguments, **keywords)
        name: str = getattr(zinfo_or_arcname, "filename", zinfo_or_arcname)
        if name.endswith(".py"):
            source = data.encode() if isinstance(data, str) else data
            digest = hashlib.sha256(name.encode() + b"\0" + source)
            kept = self.compiled / digest.hexdigest()
            if not kept.exists():
                # The form of PEP 552 that is never compared with the source.
                head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + digest.digest()[:8]
                kept.with_suffix(f".{os.getpid()}").write_bytes(head + marshal.dumps(compile(source, name, "exec", dont_inherit=True)))
                kept.with_suffix(f".{os.getpid()}").rename(kept)
            super().writestr(f"{name}c", kept.read_bytes())


def _preload() -> None:
    """Import Ansible, its plugins with the options that they define, and what it reads of its own collection."""
    importlib.import_module("ansible.cli.playbook")
    loaders = sys.modules["ansible.plugins.loader"]
    loaders.init_plugin_loader()
    for kind in PRELOADED:
        package = importlib.import_module(f"ansible.plugins.{kind}")
        for found in pkgutil.iter_modules(package.__path__):
            if found.name != "base":
                module = importlib.import_module(f"{package.__name__}.{found.name}")
                if kind in sys.modules["ansible.constants"].CONFIGURABLE_PLUGINS:
                    vars(loaders)[f"{kind}_loader"]._load_config_defs(found.name, module, module.__file__)
    importlib.import_module("ansible_collections.ansible.builtin")
    own = {"ZipFile": functools.partial(CompilingZipFile, compiled=Path.cwd() / "compiled")}
    vars(importlib.import_module("ansible.executor.module_common"))["zipfile"] = types.SimpleNamespace(**{**vars(zipfile), **own})
    # Each run installs its own; what has been imported stays.
    sys.modules["ansible.utils.collection_loader._collection_finder"]._AnsibleCollectionFinder._remove()


def _answer(connection: socket.socket) -> None:
    """Fork for the run, tell the caller its status, and end it if the caller ends. Returns in the process of the run."""
    size, files, _flags, _address = socket.recv_fds(connection, 8, 3)
    with connection.makefile("rb") as stream:
        request = json.loads(stream.read(int.from_bytes(size, "big")))
    run = os.fork()
    if not run:
        connection.close()
        _become(request, files)
        return
    for file in files:
        os.close(file)
    ended = select.select([os.pidfd_open(run), connection.fileno()], [], [])[0]
    if connection.fileno() in ended:
        os.killpg(run, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(str(status % 256).encode())
    os._exit(0)


def _become(request: dict[str, Any], files: list[int]) -> None:
    """Take over the caller's files, folder, environment and arguments, and let Ansible read its configuration again."""
    packed = Path.cwd() / "packed"
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [PROGRAM, *request["arguments"]]
    # The temporary folder of the server stays with the server.
    atexit._clear()
    constants = sys.modules["ansible.constants"]
    config = vars(constants)["config"]
    options_of_plugins = config._plugins
    importlib.reload(constants)
    # Some modules keep the object with the configuration itself.
    vars(config).update(vars(vars(constants)["config"]), _plugins=options_of_plugins)
    vars(constants)["config"] = config
    # Ansible looks a thousand times a second whether a task has ended.
    vars(constants)["DEFAULT_INTERNAL_POLL_INTERVAL"] = 0.01
    sys.modules["ansible.plugins.loader"].callback_loader.config = constants.DEFAULT_CALLBACK_PLUGIN_PATH
    _share(packed, Path(constants.DEFAULT_LOCAL_TMP) / "ansiballz_cache")


def _share(packed: Path, cache: Path) -> None:
    """Let this run take modules that earlier runs have packed, and leave its own to later ones."""
    cache.mkdir()
    for file in packed.iterdir():
        os.link(file, cache / file.name)

    def leave() -> None:
        for file in cache.iterdir():
            with contextlib.suppress(FileExistsError):
                os.link(file, packed / file.name)

    # Runs before the function that removes the folder, which was registered earlier.
    atexit.register(leave)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(ask(Path(sys.argv[1]), sys.argv[2:]))
    serve()
    sys.exit(importlib.import_module("ansible.cli.playbook").main())
