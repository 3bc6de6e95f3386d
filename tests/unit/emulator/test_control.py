# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running it: in process, as a command, its certificates, and the control API and page."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

import emulator
from emulator import ControlError, EmulatorControl, RunningEmulator, SettingError, Settings
from emulator._faults import WORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = str(Path(emulator.__file__).parent.parent)


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Starts `python -m emulator` and gives its ready file."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> dict[str, Any]:
        ready = tmp_path / "ready.json"
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "--port", "0", "--ready-file", str(ready), *arguments],
            env={**os.environ, "PYTHONPATH": PACKAGES},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        deadline = time.monotonic() + 20
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        value = json.loads(ready.read_text(encoding="utf-8"))
        return {**value, "process": process}

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_it_is_and_ends_cleanly(spawn: Any, tmp_path: Path, number: signal.Signals) -> None:
    ready = spawn("--state-dir", str(tmp_path / "state"), "--api-key", "it's mine", "--set", "refresh_delay=0")
    process = ready["process"]
    control = EmulatorControl(ready["url"], ready["ca_path"])

    assert ready["pid"] == process.pid
    assert ready["environment"]["EXTRAHOP_API_KEY"] == "it's mine"
    assert Path(ready["ca_path"]).parent == tmp_path / "state"
    assert control.state["settings"]["refresh_delay"] == 0
    process.send_signal(number)
    out, err = process.communicate(timeout=900)
    assert (process.returncode, err) == (0, "")
    assert ready["url"] in out
    assert all(f"export {name}=" in out for name in ready["environment"])
    assert """export EXTRAHOP_API_KEY='it'"'"'s mine'""" in out


def test_the_command_can_start_with_events(spawn: Any, tmp_path: Path) -> None:
    seeds = tmp_path / "events.json"
    seeds.write_text(json.dumps([{"event_name": "seeded"}]), encoding="utf-8")
    ready = spawn("--events", str(seeds))

    assert [one["_source"] for one in EmulatorControl(ready["url"]).events()] == [{"event_name": "seeded"}]


@pytest.mark.parametrize("arguments", [["--set", "nosuch=1"], ["--set", "latency=x"], ["--set", "latency"], ["--events", "/nonexistent"]])
def test_the_command_refuses_nonsense_with_a_word(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulator", "--port", "0", *arguments],
        env={**os.environ, "PYTHONPATH": PACKAGES},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("emulator: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("certificate", "problem"),
    [("wrong-host", "IP address mismatch"), ("untrusted", "certificate verify failed"), ("expired", "has expired")],
)
def test_certificates_can_be_wrong(certificate: str, problem: str) -> None:
    with RunningEmulator(certificate=certificate) as emu:
        with pytest.raises(requests.exceptions.SSLError, match=problem):
            requests.get(emu.url, verify=emu.ca_path, timeout=900)
        assert EmulatorControl(emu.url, emu.ca_path).state["requests"]["total"] == 0


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_good_certificate_holds_for_the_loopback(emu: RunningEmulator, name: str) -> None:
    url = emu.url.replace("127.0.0.1", name)

    assert requests.get(f"{url}/_emulator/state", verify=emu.ca_path, timeout=900).status_code == 200


def test_plain_http_can_be_served() -> None:
    with RunningEmulator(certificate="none") as emu:
        assert emu.url.startswith("http://")
        assert requests.get(f"{emu.url}/_emulator/state", timeout=900).status_code == 200
        assert emu.environment()["EXTRAHOP_HOST"] == emu.url


def test_a_port_in_use_is_an_error(emu: RunningEmulator) -> None:
    other = RunningEmulator(port=int(emu.url.rpartition(":")[2]))
    with pytest.raises(OSError, match="in use"):
        other.start()


def test_what_was_held_can_be_read_after_the_end(row: Any) -> None:
    with RunningEmulator() as emu:
        body = {"source": "x", "observations": [row()]}
        headers = {"Authorization": f"ExtraHop apikey={Settings().api_key}", "Accept": "application/json"}
        url = f"{emu.url}/api/v1/observations/associatedipaddrs"
        requests.post(url, json=body, headers=headers, verify=emu.ca_path, timeout=900)

    assert len(emu.observations()) == 1


def test_both_ways_to_control_say_the_same(api: Any, emu: RunningEmulator, row: Any) -> None:
    remote = EmulatorControl(emu.url, emu.ca_path)
    api.upload(row())
    remote.configure(refresh_delay=3.0)
    remote.add_events({"event_name": "x"})
    number = remote.add_fault("html", {"method": "GET"})

    assert remote.state == emu.state
    assert remote.observations() == emu.observations()
    assert remote.events() == emu.events()
    assert remote.requests() == emu.requests()
    assert emu.state["faults"][0]["number"] == number
    remote.reset()
    assert (emu.observations(), emu.events(), emu.requests(), emu.state["faults"]) == ([], [], [], [])
    assert emu.state["settings"]["refresh_delay"] == 0
    with pytest.raises(ControlError, match="no setting"):
        remote.configure(nosuch=1)
    with pytest.raises(ControlError, match="no such"):
        remote.ask("GET", "nosuch")


def test_a_reset_can_keep_the_settings(emu: RunningEmulator) -> None:
    emu.configure(latency=0.5)
    emu.reset(keep_settings=True)
    assert emu.state["settings"]["latency"] == 0.5


def test_requests_are_recorded_whole(api: Any, emu: RunningEmulator, row: Any) -> None:
    api.upload(row())
    api.search("event_name:x")
    write, token, read = emu.requests()

    assert [one["kind"] for one in (write, token, read)] == ["write", "token", "read"]
    assert write["body"] == {"source": "OpenVPN", "observations": [row()]}
    assert write["headers"]["Authorization"] == api.key["Authorization"]
    assert (write["method"], write["status"], write["fault"]) == ("POST", 202, None)
    assert write["path"] == "/api/v1/observations/associatedipaddrs"
    assert (read["query"], read["route"]) == ({"q": "event_name:x"}, "/connect/api/data/{index}/_search")
    assert write["connection"] == token["connection"] == read["connection"]
    counters = emu.state["requests"]
    assert (counters["total"], counters["by_kind"]) == (3, {"read": 1, "write": 1, "token": 1})
    assert counters["by_path"]["POST /api/v1/observations/associatedipaddrs"] == 1
    assert emu.requests(path="/connect/api/data") == [read]
    emu.clear_requests()
    assert emu.requests() == []
    assert len(emu.observations()) == 1


def test_the_record_is_bounded(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(journal_size=3, journal_body=200, journal_bodies=300)
    for count in (1, 1, 1, 5):
        api.upload(*[row()] * count)

    kept = emu.requests()
    assert [one["number"] for one in kept] == [2, 3, 4]
    assert [one["body"] is not None for one in kept] == [True, True, False]
    assert kept[2]["body_size"] > 200
    assert emu.state["requests"]["total"] == 4


def test_the_page_escapes_what_comes_from_outside(api: Any, emu: RunningEmulator, row: Any) -> None:
    evil = "<script>alert('x')</script>"
    api.upload(row(), source=evil)
    where = api.inserted(event_name=evil, event_source=evil)
    api.update(where, comments=evil, event_tag={"op": "add", "tag": evil})
    api.send("GET", f"/api/v1/{evil}")
    emu.add_fault("status", {"path": evil}, status=500)
    page = api.send("GET", "/_emulator")

    assert page.headers["Content-Type"].startswith("text/html")
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 6
    assert all(word in page.text for word in ("10.8.0.2", "New", "duplicates", "insert_ser"))


def test_control_calls_are_neither_counted_nor_broken(api: Any, emu: RunningEmulator) -> None:
    emu.add_fault("status", status=500, times=None)
    emu.configure(latency=5.0)

    assert api.send("GET", "/_emulator/state").status_code == 200
    assert emu.state["requests"]["total"] == 0


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"nosuch": 1}, "no setting"),
        ({"latency": "1"}, "expected float"),
        ({"latency": True}, "expected float"),
        ({"max_body": -1}, "expected int"),
        ({"keep": "some"}, "all, distinct, counts"),
        ({"observed": "10.0.0.0/8"}, "expected list"),
        ({"observed": ["10.0.0.1/8"]}, "host bits"),
        ({"shared_addresses": ["x"]}, "x"),
        ({"expires_in": 3600}, "expected bool"),
    ],
)
def test_settings_are_checked(values: dict[str, Any], problem: str) -> None:
    settings = Settings()
    with pytest.raises(SettingError, match=problem):
        settings.change({"api_key": "changed", **values})
    assert settings.api_key != "changed"


def test_one_product_alone_can_be_played(api: Any, emu: RunningEmulator) -> None:
    emu.configure(play="extrahop")
    assert api.token().status_code == 404
    assert api.extrahop("GET", "extrahop").status_code == 200
    emu.configure(play="stellar")
    assert api.extrahop("GET", "extrahop").status_code == 404


def test_latency_is_added_to_each_request(api: Any, emu: RunningEmulator) -> None:
    emu.configure(latency=2)
    with pytest.raises(requests.Timeout):
        api.session.get(f"{emu.url}/api/v1/extrahop", headers=api.key, timeout=0.2)
    emu.configure(latency=0)
    assert api.extrahop("GET", "extrahop").status_code == 200


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_half_a_request_is_no_request(emu: RunningEmulator, caplog: pytest.LogCaptureFixture, framing: bytes) -> None:
    host, _colon, port = emu.host.partition(":")
    context = ssl.create_default_context(cafile=emu.ca_path)
    head = b"POST /api/v1/observations/associatedipaddrs HTTP/1.1\r\nHost: emulator\r\n" + framing + b"\r\n\r\n"
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as connection:
        connection.sendall(head + b"5\r\n{")
        connection.shutdown(socket.SHUT_WR)
        # The emulator ends the connection, too, once it has seen that.
        with contextlib.suppress(OSError):
            while connection.recv(1024):
                pass

    assert emu.state["requests"]["total"] == 0
    assert caplog.text == ""


def test_a_body_above_the_limit_is_413(api: Any, emu: RunningEmulator, row: Any) -> None:
    emu.configure(max_body=1000)

    assert api.upload(*[row()] * 100).status_code == 413


def test_the_readme_names_every_setting_and_fault() -> None:
    text = (Path(emulator.__file__).parent / "README.md").read_text(encoding="utf-8")
    names = [*Settings().as_dict(), *WORKS]

    assert [name for name in names if f"`{name}`" not in text] == []
