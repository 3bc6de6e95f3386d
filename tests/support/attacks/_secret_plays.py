# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that do everything with a secret that a run can do with one: succeed, fail, plan, wait, and meet servers that repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
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
Echoes = Sequence[tuple[str, int]]
ALL_ECHOES: Echoes = tuple(zip(ECHO_FORMS, cycle((400, 401, 403, 429, 500)), strict=False))
"""Each form in which a server repeats a credential, with the status of that answer: each status several times."""
SOME_ECHOES: Echoes = (("plain", 500), ("html_hex_twice", 403), ("unicode_escapes", 400))
_BREAKS = ("redirect", "garbage", "html", "truncate", "reset_after", "close_before")
_TEXT = "the account is unprivileged, said the server"


@dataclass
class SecretPlay:
    """A play, the faults that it needs, how many of its tasks fail, and what must be printed if they failed as meant."""

    tasks: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    failing: int = 0
    words: list[str] = field(default_factory=list)
    meets_faults: bool = True
    """True if each fault must have been met after the play."""

    def add(self, title: str, module: str, options: dict[str, Any], *, fails: bool = False, keywords: dict[str, Any] | None = None) -> None:
        """Appends a task. A task that fails does not end the play."""
        self.tasks.append(
            {"name": title, f"secops.xdr.{module}": options, **(keywords or {}), **({"ignore_errors": True} if fails else {})}
        )
        self.failing += fails

    def fault(self, word: str, action: str, times: int | None = None, **more: Any) -> None:
        """Breaks every request whose body holds the word."""
        self.faults.append({"action": action, "match": {"body_contains": word}, "times": times, **more})

    def echo(self, word: str, form: str, status: int) -> None:
        """Repeats the credential of every request whose body holds the word."""
        self.fault(word, "echo_authorization", status=status, form=form)

    def echo_items(self, word: str, echoes: Echoes) -> list[str]:
        """Words for items that are sent in one task, each of which meets an echo. A 401 would end such a task, so it is a 403 here."""
        for form, status in echoes:
            self.echo(f"{word}-{form}.", form, 403 if status == 401 else status)
        return [f"{word}-{form}." for form, _status in echoes]

    def add_elsewhere(self, module: str, options: dict[str, Any]) -> None:
        """Two tasks that fail before they reach the server: at a proxy, and at a ledger in a database, each with a password of its own."""
        self.add("through a proxy that repeats its password", module, options, fails=True, keywords={"environment": {"NO_PROXY": ""}})
        self.add("ledger that is down", module, {**options, "ledger": LEDGER}, fails=True)
        self.words += ["The proxy for", "cannot connect to PostgreSQL at 127.0.0.1, port 1"]

    def refused(self) -> SecretPlay:
        """The same where no task gets past the server."""
        tasks = [{**task, "ignore_errors": True} for task in self.tasks]
        return SecretPlay(tasks, self.faults, len(tasks), self.words, meets_faults=False)


def upload_play(connection: dict[str, Any], echoes: Echoes, *, thorough: bool) -> SecretPlay:
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
    upload("devices", options={"check_devices": True, "read_back": True})
    upload("repeated", options={"retries": 1})
    play.fault('"repeated"', "reset_after", times=1)
    for form, status in echoes:
        upload(f"echo {form}.", fails=True)
        play.echo(f'"echo {form}."', form, status)
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


def event_play(connection: dict[str, Any], known: dict[str, str], echoes: Echoes, *, thorough: bool) -> SecretPlay:
    """Inserts, updates and reads events with these connection options; `known` is the index and id of an event that is there."""
    play = SecretPlay()
    common = {**connection, "retries": 0, "timeout": 5}
    event = {"event_source": "firewall", "event_status": "New", "timestamp": 1_717_143_300_000}
    play.add("insert", "stellar_ser_event", {**common, **event, "event_name": "accepted"})
    play.add("insert planned", "stellar_ser_event", {**common, **event, "event_name": "planned"}, keywords=_PLANNED)
    play.add("insert in the background", "stellar_ser_event", {**common, **event, "event_name": "background"}, keywords=_IN_BACKGROUND)
    play.add("update", "stellar_ser_update", {**common, **known, "status": "In Progress", "comment": "seen", "add_tags": ["vpn"]})
    play.add("read", "stellar_ser_event_info", {**common, "query": "event_name:accepted"})
    names = play.echo_items("insert-echo", echoes)
    inserts = [{**event, "event_name": name} for name in names]
    play.add("inserts echo", "stellar_ser_event", {**common, "events": inserts, "search_delay": 1}, fails=True)
    comments = [{**known, "comment": name} for name in play.echo_items("comment-echo", echoes)]
    play.add("comments echo", "stellar_ser_update", {**common, "events": comments}, fails=True)
    play.add("insert told", "stellar_ser_event", {**common, **event, "event_name": "told-why"}, fails=True)
    play.fault("told-why", "status", status=403, body={"error": _TEXT})
    play.add("search echo", "stellar_ser_event_info", {**common, "query": "*", "index": "aella-ser-echo"}, fails=True)
    play.faults.append({"action": "echo_authorization", "match": {"path_regex": "aella-ser-echo"}, "times": None, "status": 401})
    play.add_elsewhere("stellar_ser_event", {**common, **event, "event_name": "elsewhere"})
    _add_cases(play, common, echoes)
    if thorough:
        play.add("bad shape", "stellar_ser_event", {**common, "events": "text"}, fails=True)
        play.add("bad host", "stellar_ser_update", {**common, **known, "comment": "x", "host": "127.0.0.1:1"}, fails=True)
    return play


def detection_play(connection: dict[str, Any], detection: int, device: int, echoes: Echoes) -> SecretPlay:
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
    notes = [{"id": detection, "note": note} for note in play.echo_items("note-echo", echoes)]
    play.add("notes echo", "extrahop_detection", {**common, "detections": notes, "note_mode": "replace"}, fails=True)
    for form, status in echoes:
        play.add(f"tag echo {form}", "extrahop_device", {**common, "id": device, "add_tags": [f"tag-echo-{form}."]}, fails=True)
        play.echo(f"tag-echo-{form}.", form, status)
    play.add("search echo", "extrahop_detection_info", {**common, "types": ["search-echo"]}, fails=True)
    play.echo("search-echo", "plain", 401)
    play.add(
        "through a proxy that repeats its password", "extrahop_device_info", common, fails=True, keywords={"environment": {"NO_PROXY": ""}}
    )
    play.words.append("The proxy for")
    return play


def _add_cases(play: SecretPlay, common: dict[str, Any], echoes: Echoes) -> None:
    """Reads and updates cases. The emulator has none; echoes are met before it says so."""
    case = {**common, "id": "64f1a2b3c4d5e6f708192a3b"}
    play.add("cases", "stellar_case_info", {**common, "with_comments": True, "filter": {"name": "x"}})
    play.add("no such case", "stellar_case", {**case, "status": "Escalated", "comment": "seen"}, fails=True)
    comments = [{"id": case["id"], "comment": comment} for comment in play.echo_items("case-echo", echoes)]
    play.add("cases echo", "stellar_case", {**common, "read_access": "none", "cases": comments}, fails=True)
    play.add("case told", "stellar_case", {**case, "read_access": "none", "add_tags": ["case-told"]}, fails=True)
    play.fault("case-told", "status", status=403, body={"error": _TEXT})
    play.add("case read echo", "stellar_case_info", {**common, "id": "case-read-echo"}, fails=True)
    play.faults.append({"action": "echo_authorization", "match": {"path_regex": "case-read-echo"}, "times": None, "status": 400})


def login_play(connection: dict[str, Any], token_path: str, echoes: Echoes) -> SecretPlay:
    """Fails to log in, if the server repeats what it was sent, and if it returns something that is not a token."""
    play = SecretPlay()
    faults: list[tuple[str, dict[str, Any]]] = [
        *((f"login echo {form}", {"action": "echo_authorization", "form": form, "status": status}) for form, status in echoes),
        ("login is another page", {"action": "html"}),
        ("login is redirected", {"action": "redirect", "location": "https://elsewhere.example/login"}),
    ]
    for title, fault in faults:
        if "client_id" in connection:
            play.add(title, "extrahop_device_info", {**connection, "retries": 0}, fails=True)
        else:
            # One request and no more: a search that fails is tried in other ways, and would log in for each of them.
            comment = {"index": "aella-ser-1", "id": "1", "comment": "seen", "read_access": "none"}
            play.add(title, "stellar_ser_update", {**connection, "retries": 0, **comment}, fails=True)
        play.faults.append({"match": {"path": token_path}, "times": 1, **fault})
    return play
