# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops a server."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE_SECONDS = 900.0
_READY = "database system is ready to accept connections"
_USER = "ledger"


class RunningPostgresql:
    """A cluster between `start` and `stop`, or inside a `with` block. Its user has to give a password.

    `is_durable=False` is for tests: nothing is written to the disk before it has to be.
    """

    def __init__(self, programs: Path, *, is_durable: bool = False, **settings: str | int) -> None:
        self.user = _USER
        self.password = secrets.token_urlsafe(12)
        self._programs = programs
        unsafe = {} if is_durable else {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        self._settings: dict[str, str | int] = {"max_connections": 200, "shared_buffers": "64MB", **unsafe, **settings}
        self._process: subprocess.Popen[str] | None = None
        self._log: deque[str] = deque(maxlen=200)
        self._reader: threading.Thread | None = None
        self._folder: Path | None = None
        self.port = 0

    def __enter__(self) -> RunningPostgresql:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL of the database that is always there."""
        return self.url_of("postgres")

    @property
    def log(self) -> str:
        """The last lines that the server wrote."""
        return "".join(self._log)

    def url_of(self, database: str, *, user: str | None = None, password: str | None = None, port: int | None = None) -> str:
        """The URL of a database, for the owner of the cluster or somebody else."""
        login = f"{quote(user or self.user, safe='')}:{quote(password or self.password, safe='')}"
        return f"postgresql://{login}@127.0.0.1:{port or self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its URL."""
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        """Removes a database and ends its connections."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed | str, url: str | None = None) -> list[tuple[Any, ...]]:
        """Runs one statement as the owner of the cluster and returns its rows."""
        with psycopg.connect(url or self.url, autocommit=True) as connection:
            cursor = connection.execute(statement if isinstance(statement, sql.Composed) else statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Makes the cluster and starts it; returns once it takes connections."""
        folder = Path(tempfile.mkdtemp(prefix="xdr-pg-"))
        self._folder = folder
        try:
            password_file = folder / "password"
            password_file.write_text(self.password, encoding="utf-8")
            identity = _identity(folder, password_file)
            command = ["initdb", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", self.user]
            self._run([*command, "--pwfile", str(password_file), "--pgdata", str(folder / "data")], identity)
            self.port = _free_port()
            self._launch(identity)
        except BaseException:
            self.stop()
            raise

    def restart(self, *, is_abrupt: bool = False) -> None:
        """Ends the server, as an administrator or as a crash would, and starts it again on the same port."""
        if self._folder is None:
            raise RuntimeError("the server was never started")
        self._end(signal.SIGQUIT if is_abrupt else signal.SIGINT)
        self._launch(_identity(self._folder))

    def stop(self) -> None:
        """Ends the server and removes what it kept."""
        self._end(signal.SIGINT)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _launch(self, identity: dict[str, Any]) -> None:
        settings = {**self._settings, "port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": self._folder}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # Where that can be had, the server ends with the tests also when they are killed.
        setpriv = shutil.which("setpriv")
        process = subprocess.Popen(
            [
                *([setpriv, "--pdeathsig", "INT"] if setpriv else []),
                str(self._programs / "postgres"),
                "-D",
                f"{self._folder}/data",
                *options,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._folder,
            start_new_session=True,  # Ctrl+C is for the tests, which then stop the server in order.
            **identity,
        )
        self._process = process
        is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read_log, args=(process, is_ready), daemon=True)
        self._reader.start()
        if not is_ready.wait(_PATIENCE_SECONDS) or process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start:\n{self.log}")

    def _read_log(self, process: subprocess.Popen[str], is_ready: threading.Event) -> None:
        for line in process.stderr or ():
            self._log.append(line)
            if _READY in line:
                is_ready.set()
        is_ready.set()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait(_PATIENCE_SECONDS)
        if self._reader is not None:
            self._reader.join(_PATIENCE_SECONDS)
        if process.stderr is not None:
            process.stderr.close()

    def _run(self, command: list[str], identity: dict[str, Any]) -> None:
        done = subprocess.run(
            [str(self._programs / command[0]), *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self._folder,
            timeout=_PATIENCE_SECONDS * 2,
            **identity,
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}")


def _identity(*paths: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: the account that it runs as instead, which gets the paths."""
    if os.geteuid() != 0:
        return {}
    accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = accounts.get("postgres") or accounts["nobody"]
    for path in paths:
        os.chown(path, account.pw_uid, account.pw_gid)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
