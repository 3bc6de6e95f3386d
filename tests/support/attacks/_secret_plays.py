# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that do everything with a secret that a run can do with one: succeed, fail, plan, wait, and meet servers that repeat it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emulator import ECHO_FORMS

AWKWARD = {
    "quotes": "a\"b'c\\d`e",
    "shell and templates": "$(id) {{ 7*7 }} %s %(x)s",
    "URL": "p%2Fa+s/s=w&o?r#d",
    "not ASCII": "Zürich-пароль-😀",
    "three characters": "~Q7",
    "a word of the answer": "unprivileged",
    "markup": "<b>k</b>&amp;|",
}
REFUSED = {"a line break": "first-half\nsecond-half", "a tab": "first-half\tsecond-half"}
"""No credential of these products holds them. They are refused, and neither half is shown."""
KINDS = ("api_key", "client_secret", "jwt", "basic", "scoped_key", "access_token")
"""The ways to prove who calls, by what the secret is for."""
PROXY_USER = "someone"
PROXY_PASSWORD = "pr@xy/\"p%s'w\\ord"
LEDGER_PASSWORD = "l@dger/\"p%s'w\\ord"
LEDGER = "{{ ledger }}"
"""Stands for the URL of a database that holds the password, and that nothing serves."""
_PLANNED = {"check_mode": True}
_IN_BACKGROUND = {"async": 60, "poll": 1}
_ECHOES = (400, 401, 403, 429, 500)
_BREAKS = ("redirect", "garbage", "html", "truncate", "reset_after", "close_before")
_FORMS = tuple(form for form in ECHO_FORMS if form != "plain")
_TEXT = "the account is unprivileged, said the server"


@dataclass
class SecretPlay:
    """A play, the faults that it needs, how many of its tasks fail, and what must be printed if they failed as meant."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    failing: int = 0
    words: list[str] = field(default_factory=list)

    def add(self, title: str, module: str, options: dict[str, Any], *, fails: bool = False, keywords: dict[str, Any] | None = None) -> None:
        """Appends a task. A task that fails does not end the play."""
        self.tasks.append(
            {"name": title, f"secops.xdr.{module}": options, **(keywords or {}), **({"ignore_errors": True} if fails else {})}
        )
        self.failing += fails

    def fault(self, word: str, action: str, times: int | None = None, **more: Any) -> None:
        """Breaks every request whose body holds the word."""
        self.faults.append({"action": action, "match": {"body_contains": word}, "times": times, **more})

    def add_elsewhere(self, module: str, options: dict[str, Any]) -> None:
        """Two tasks that fail before they reach the server: at a proxy, and at a ledger in a database, each with a password of its own."""
        self.add("through a proxy that repeats its password", module, options, fails=True, keywords={"environment": {"NO_PROXY": ""}})
        self.add("ledger that is down", module, {**options, "ledger": LEDGER}, fails=True)
        self.words += ["The proxy for", "cannot connect to PostgreSQL at 127.0.0.1, port 1"]

    def refused(self) -> SecretPlay:
        """The same where no task gets past the server."""
        return SecretPlay([{**task, "ignore_errors": True} for task in self.tasks], self.faults, len(self.tasks), self.words)


def upload_play(connection: dict[str, Any], *, thorough: bool) -> SecretPlay:
    """Uploads with these connection options."""
    play = SecretPlay()

    def upload(title: str, *, fails: bool = False, options: dict[str, Any] | None = None, keywords: dict[str, Any] | None = None) -> None:
        number = len(play.tasks)
        row = {"ipaddr": f"10.8.3.{number + 1}", "associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_300 + number}
        given = {**connection, "retries": 0, "timeout": 5, "source": title, "observations": [row], **(options or {})}
        play.add(title, "extrahop_observation", given, fails=fails, keywords=keywords)

    upload("accepted")
    upload("planned", keywords=_PLANNED)
    upload("in the background", keywords=_IN_BACKGROUND)
    upload("devices", options={"check_devices": True})
    upload("repeated", options={"retries": 1})
    play.fault('"repeated"', "reset_after", times=1)
    for status in _ECHOES if thorough else _ECHOES[-1:]:
        upload(f"echo {status}", fails=True)
        play.fault(f'"echo {status}"', "echo_authorization", status=status)
    for form in _FORMS if thorough else _FORMS[1:3]:
        upload(f"echo {form}.", fails=True)
        play.fault(f'"echo {form}."', "echo_authorization", status=403, form=form)
    upload("echo in the background", fails=True, keywords=_IN_BACKGROUND)
    play.fault('"echo in the background"', "echo_authorization", status=403)
    upload("told", fails=True)
    play.fault('"told"', "status", status=403, body={"error_message": _TEXT})
    for action in _BREAKS if thorough else _BREAKS[:1]:
        upload(f"break {action}", fails=True)
        moved = {"location": "https://elsewhere.example/?x"} if action == "redirect" else {}
        play.faults.append({"action": action, "match": {"body_contains": f'"break {action}"'}, "times": None, **moved})
    row = {"ipaddr": "10.8.3.250", "associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_299}
    play.add_elsewhere("extrahop_observation", {**connection, "retries": 0, "source": "elsewhere", "observations": [row]})
    upload("bad row", fails=True, options={"observations": [{"ipaddr": "10.8.3", "associated_ipaddr": "x", "timestamp": 1}]})
    upload("no such option", fails=True, options={"batch": 3})
    if thorough:
        upload("bad shape", fails=True, options={"observations": "text"})
        upload("bad range", fails=True, options={"batch_size": 0})
        upload("bad host", fails=True, options={"host": "127.0.0.1:1"})
    return play


def event_play(connection: dict[str, Any], known: dict[str, str], *, thorough: bool) -> SecretPlay:
    """Inserts, updates and reads events with these connection options; `known` is the index and id of an event that is there."""
    play = SecretPlay()
    common = {**connection, "retries": 0, "timeout": 5}
    event = {"event_source": "firewall", "event_status": "New", "timestamp": 1_717_143_300_000}
    play.add("insert", "stellar_ser_event", {**common, **event, "event_name": "accepted"})
    play.add("insert planned", "stellar_ser_event", {**common, **event, "event_name": "planned"}, keywords=_PLANNED)
    play.add("insert in the background", "stellar_ser_event", {**common, **event, "event_name": "background"}, keywords=_IN_BACKGROUND)
    play.add("update", "stellar_ser_update", {**common, **known, "status": "In Progress", "comment": "seen", "add_tags": ["vpn"]})
    play.add("read", "stellar_ser_event_info", {**common, "query": "event_name:accepted"})
    for status in _ECHOES if thorough else _ECHOES[-1:]:
        play.add(f"insert echo {status}", "stellar_ser_event", {**common, **event, "event_name": f"echo-{status}"}, fails=True)
        play.fault(f"echo-{status}", "echo_authorization", status=status)
    for form in _FORMS if thorough else _FORMS[5:7]:
        play.add(f"comment echo {form}", "stellar_ser_update", {**common, **known, "comment": f"comment-echo-{form}."}, fails=True)
        play.fault(f"comment-echo-{form}.", "echo_authorization", status=400, form=form)
    play.add("insert told", "stellar_ser_event", {**common, **event, "event_name": "told-why"}, fails=True)
    play.fault("told-why", "status", status=403, body={"error": _TEXT})
    play.add("comment echo", "stellar_ser_update", {**common, **known, "comment": "comment-echo"}, fails=True)
    play.fault("comment-echo", "echo_authorization", status=403)
    play.add("search echo", "stellar_ser_event_info", {**common, "query": "*", "index": "aella-ser-echo"}, fails=True)
    play.faults.append({"action": "echo_authorization", "match": {"path_regex": "aella-ser-echo"}, "times": None, "status": 400})
    play.add_elsewhere("stellar_ser_event", {**common, **event, "event_name": "elsewhere"})
    _add_cases(play, common, thorough=thorough)
    if thorough:
        play.add("bad shape", "stellar_ser_event", {**common, "events": "text"}, fails=True)
        play.add("bad host", "stellar_ser_update", {**common, **known, "comment": "x", "host": "127.0.0.1:1"}, fails=True)
    return play


def detection_play(connection: dict[str, Any], detection: int, device: int, *, thorough: bool) -> SecretPlay:
    """Updates and reads a detection and a device with these connection options."""
    play = SecretPlay()
    common = {**connection, "retries": 0, "timeout": 5}
    update = {**common, "id": detection}
    play.add("note", "extrahop_detection", {**update, "status": "closed", "note": "accepted"})
    play.add("note planned", "extrahop_detection", {**update, "note": "planned"}, keywords=_PLANNED)
    play.add("note in the background", "extrahop_detection", {**update, "note": "background"}, keywords=_IN_BACKGROUND)
    play.add("detections", "extrahop_detection_info", {**common, "with_notes": True, "with_participants": True})
    play.add("tag", "extrahop_device", {**common, "id": device, "add_tags": ["accepted"], "watchlist": True})
    play.add("devices", "extrahop_device_info", {**common, "tags": ["accepted"], "with_tags": True})
    for status in _ECHOES if thorough else _ECHOES[-1:]:
        play.add(f"note echo {status}", "extrahop_detection", {**update, "note": f"note-echo-{status}", "note_mode": "replace"}, fails=True)
        play.fault(f"note-echo-{status}", "echo_authorization", status=status)
    for form in _FORMS if thorough else _FORMS[3:5]:
        play.add(f"tag echo {form}", "extrahop_device", {**common, "id": device, "add_tags": [f"tag-echo-{form}."]}, fails=True)
        play.fault(f"tag-echo-{form}.", "echo_authorization", status=400, form=form)
    play.add("search echo", "extrahop_detection_info", {**common, "types": ["search-echo"]}, fails=True)
    play.fault("search-echo", "echo_authorization", status=403)
    play.add(
        "through a proxy that repeats its password", "extrahop_device_info", common, fails=True, keywords={"environment": {"NO_PROXY": ""}}
    )
    play.words.append("The proxy for")
    return play


def _add_cases(play: SecretPlay, common: dict[str, Any], *, thorough: bool) -> None:
    """Reads and updates cases. The emulator has none; echoes are met before it says so."""
    case = {**common, "id": "64f1a2b3c4d5e6f708192a3b"}
    play.add("cases", "stellar_case_info", {**common, "with_comments": True, "filter": {"name": "x"}})
    play.add("no such case", "stellar_case", {**case, "status": "Escalated", "comment": "seen"}, fails=True)
    unread = {**case, "read_access": "none"}
    for form in _FORMS if thorough else _FORMS[3:5]:
        play.add(f"case echo {form}", "stellar_case", {**unread, "comment": f"case-echo-{form}."}, fails=True)
        play.fault(f"case-echo-{form}.", "echo_authorization", status=400, form=form)
    play.add("case told", "stellar_case", {**unread, "add_tags": ["case-told"]}, fails=True)
    play.fault("case-told", "status", status=403, body={"error": _TEXT})
    play.add("case read echo", "stellar_case_info", {**common, "id": "case-read-echo"}, fails=True)
    play.faults.append({"action": "echo_authorization", "match": {"path_regex": "case-read-echo"}, "times": None, "status": 400})


def login_play(connection: dict[str, Any], token_path: str) -> SecretPlay:
    """Fails to log in, if the server repeats what it was sent, and if it returns something that is not a token."""
    play = SecretPlay()
    for title, fault in (
        ("login echo", {"action": "echo_authorization", "status": 401}),
        ("login is another page", {"action": "html"}),
        ("login is redirected", {"action": "redirect", "location": "https://elsewhere.example/login"}),
    ):
        row = {"ipaddr": "10.8.3.1", "associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_300}
        if "client_id" in connection:
            play.add(title, "extrahop_observation", {**connection, "retries": 0, "source": "VPN", "observations": [row]}, fails=True)
        else:
            play.add(title, "stellar_ser_event_info", {**connection, "retries": 0, "query": "*"}, fails=True)
        play.faults.append({"match": {"path": token_path}, "times": 1, **fault})
    return play
