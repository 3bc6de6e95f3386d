# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API of AWX, as far as awx.awx writes credential types, credentials, templates, schedules and workflows to it."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import _rules

TOKEN = "token-of-the-administrator"
ENCRYPTED = "$encrypted$"
_TEMPLATES = ("job_templates", "workflow_job_templates")
_ASSOCIATIONS = {
    "credentials": "credentials",
    "notification_templates_error": "notification_templates",
    "success_nodes": "workflow_job_template_nodes",
    "teams": "teams",
}

_SINGULAR = {"inventories": "inventory"}

Item = dict[str, Any]


class RunningController:
    """Serves on the loopback inside a `with` block, and shows what it holds."""

    def __init__(self) -> None:
        self.items: dict[str, dict[int, Item]] = defaultdict(dict)
        self.surveys: dict[int, Item] = {}
        self.associations: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.writes: list[tuple[str, str, Item]] = []
        self._last_id = 0
        default = self.add("organizations", {"name": "Default"})
        self.add("teams", {"name": "SOC", "organization": default["id"]})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"controller": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> RunningController:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def environment(self) -> dict[str, str]:
        """The variables that lead awx.awx here."""
        return {"CONTROLLER_HOST": f"http://127.0.0.1:{self._server.server_port}", "CONTROLLER_OAUTH_TOKEN": TOKEN}

    def given(self) -> str:
        """All that it holds, for `take`."""
        items = [[kind, item] for kind, held in self.items.items() for item in held.values()]
        return json.dumps([items, list(self.surveys.items()), [[*key, value] for key, value in self.associations.items()]])

    def take(self, text: str) -> None:
        """Hold what another one held."""
        items, surveys, associations = json.loads(text)
        self.items.clear()
        for kind, item in items:
            self.items[kind][item["id"]] = item
        self._last_id = max(item["id"] for _kind, item in items)
        self.surveys = dict(surveys)
        self.associations.update({(kind, number, name): value for kind, number, name, value in associations})

    def named(self, kind: str, name: str) -> Item:
        """The one item of this kind and name."""
        (found,) = [item for item in self.items[kind].values() if item.get("name", item.get("identifier")) == name]
        return found

    def related(self, kind: str, item: Item, association: str) -> list[Item]:
        """The items that this one is associated with, in that way."""
        return [self.items[_ASSOCIATIONS[association]][number] for number in self.associations[kind, item["id"], association]]

    def add(self, kind: str, values: Item) -> Item:
        """Store a new item."""
        self._last_id += 1
        url = f"/api/v2/{kind}/{self._last_id}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        item = {
            **values,
            "id": self._last_id,
            "url": url,
            "type": _SINGULAR.get(kind, kind.removesuffix("s")),
            "related": related,
            "summary_fields": {},
        }
        if kind == "projects":
            item["scm_revision"] = ""
        self.items[kind][item["id"]] = item
        if kind in _TEMPLATES:
            role = self.add("roles", {"name": "Execute", "of": item["name"]})
            item["summary_fields"] = {"object_roles": {"execute_role": {"id": role["id"]}}}
        return item

    def faults(self, kind: str, item: Item) -> Iterator[str]:
        """The reasons why AWX would refuse the item."""
        if kind == "credential_types":
            yield from _rules.credential_type_faults(item)
        elif kind == "credentials":
            fields = [field["id"] for field in self.items["credential_types"][item["credential_type"]]["inputs"]["fields"]]
            yield from (f"inputs: unknown field {name}" for name in item.get("inputs", {}) if name not in fields)
        elif kind == "notification_templates":
            yield from _rules.notification_faults(item)
        elif kind == "schedules":
            yield from _rules.rrule_faults(item["rrule"])
            survey = self.surveys.get(item["unified_job_template"], {})
            yield from _rules.answer_faults(survey, {**defaults(survey), **item.get("extra_data", {})})
            unknown = item.get("extra_data", {}).keys() - {question["variable"] for question in survey.get("spec", [])}
            yield from (f"extra_data: {name} is not asked for" for name in unknown)
        elif kind == "job_templates" and not str(item.get("playbook", "")).startswith("playbooks/"):
            yield "playbook: not found in the project"

    def shown(self, kind: str, item: Item) -> Item:
        """The item as the API shows it, which is without secrets."""
        if kind == "notification_templates":
            configuration = item["notification_configuration"]
            return {**item, "notification_configuration": configuration | ({"password": ENCRYPTED} if configuration["password"] else {})}
        if kind != "credentials":
            return item
        fields = self.items["credential_types"][item["credential_type"]]["inputs"]["fields"]
        secret = {field["id"] for field in fields if field.get("secret")}
        hidden = {name: ENCRYPTED if name in secret else value for name, value in item.get("inputs", {}).items()}
        return {**item, "inputs": hidden}


def defaults(survey: Item) -> Item:
    """The default answers."""
    return {question["variable"]: question["default"] for question in survey.get("spec", []) if "default" in question}


class _Handler(BaseHTTPRequestHandler):
    controller: RunningController
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind, number, rest = self._place()
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"detail": "Authentication credentials were not provided."})
        elif rest == "survey_spec":
            self._answer(200, self.controller.surveys.get(number, {}))
        elif rest:
            item = self.controller.items[kind][number]
            self._answer(200, _page(self.controller.related(kind, item, rest)))
        elif number:
            self._answer(200, self.controller.shown(kind, self.controller.items[kind][number]))
        else:
            wanted = dict(parse_qsl(urlsplit(self.path).query))
            kinds = _TEMPLATES if kind == "unified_job_templates" else (kind,)
            items = [self.controller.shown(one, item) for one in kinds for item in self.controller.items[one].values()]
            self._answer(200, _page([item for item in items if all(str(item.get(key)) == value for key, value in wanted.items())]))

    def do_POST(self) -> None:
        kind, number, rest = self._place()
        body = self._body("POST")
        if rest == "survey_spec":
            faults = list(_rules.survey_faults(body))
            if not faults:
                self.controller.surveys[number] = body
            self._answer(400 if faults else 200, {"error": faults} if faults else {})
        elif rest:
            members = self.controller.associations[kind, number, rest]
            if body.get("disassociate"):
                members.remove(body["id"])
            else:
                members.append(body["id"])
            self._answer(204, None)
        else:
            faults = list(self.controller.faults(kind, body))
            self._answer(400 if faults else 201, {"__all__": faults} if faults else self.controller.add(kind, body))

    def do_PATCH(self) -> None:
        kind, number, _rest = self._place()
        changed = {**self.controller.items[kind][number], **self._body("PATCH")}
        faults = list(self.controller.faults(kind, changed))
        if not faults:
            self.controller.items[kind][number] = changed
        self._answer(400 if faults else 200, {"__all__": faults} if faults else self.controller.shown(kind, changed))

    def log_message(self, *message: object) -> None:
        """Nothing: what was asked is in `writes`."""

    def _place(self) -> tuple[str, int, str]:
        kind, number, rest, *_more = [*urlsplit(self.path).path.removeprefix("/api/v2/").strip("/").split("/"), "", "", ""]
        return kind, int(number or 0), rest

    def _body(self, method: str) -> Item:
        body: Item = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.controller.writes.append((method, self.path, body))
        return body

    def _answer(self, status: int, value: Any) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _page(items: list[Item]) -> Item:
    return {"count": len(items), "next": None, "previous": None, "results": items}
