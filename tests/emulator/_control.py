# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API below `/_emulator`: shows the data of the emulator and changes its behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._exchange import Call, Reply, html_reply, json_reply, parse_json
from ._faults import Fault
from ._page import render

if TYPE_CHECKING:
    from ._emulator import Emulator

PREFIX = "_emulator"


class ControlError(ValueError):
    """A control request that makes no sense."""


def answer(emulator: Emulator, call: Call) -> Reply:
    """Answer a request to the control API, which is not counted and not affected by faults."""
    name = call.segments[1] if len(call.segments) > 1 else ""
    item = call.segments[2] if len(call.segments) > 2 else ""
    if call.method == "GET" and name == "":
        return html_reply(200, render(emulator))
    try:
        return json_reply(200, _answer(emulator, call, name, item))
    except ValueError as error:
        return json_reply(400, {"error": str(error)})
    except KeyError:
        return json_reply(404, {"error": f"no such control call: {call.method} {call.path}"})


def _answer(emulator: Emulator, call: Call, name: str, item: str) -> Any:
    if call.method == "GET":
        return _read(emulator, call, name)
    if (call.method, name) == ("POST", "reset"):
        value = _body(call)
        emulator.reset(keep_settings=isinstance(value, dict) and value.get("keep_settings") is True)
        return {"reset": True}
    if (call.method, name) == ("PATCH", "settings"):
        value = _body(call)
        if not isinstance(value, dict):
            raise ControlError("settings: expected an object")
        emulator.configure(value)
        return emulator.settings.as_dict()
    if (call.method, name) == ("POST", "faults"):
        value = _body(call)
        faults = [Fault.parse(one) for one in (value if isinstance(value, list) else [value])]
        return {"numbers": [emulator.faults.add(fault) for fault in faults]}
    if (call.method, name) == ("DELETE", "faults"):
        return {"removed": emulator.faults.remove(_number(item) if item else None)}
    if (call.method, name) == ("DELETE", "requests"):
        emulator.journal.clear()
        return {"cleared": True}
    if call.method == "POST" and name in ("events", "detections", "devices", "cases"):
        value = _body(call)
        return _add(emulator, name, value if isinstance(value, list) else [value])
    return _on_clock(emulator, call, name)


def _add(emulator: Emulator, name: str, values: list[Any]) -> Any:
    """Seed events, cases, detections or devices."""
    if name == "events":
        return {"events": emulator.stellar.add_events(values)}
    if name == "cases":
        return {"cases": emulator.stellar.add_cases(values)}
    held = emulator.extrahop.detections if name == "detections" else emulator.extrahop.devices
    return {"ids": held.add(values)}


def _on_clock(emulator: Emulator, call: Call, name: str) -> Any:
    if (call.method, name) == ("POST", "expire_tokens"):
        return {"expired": emulator.extrahop.tokens.expire() + emulator.stellar.tokens.expire()}
    if (call.method, name) == ("POST", "advance"):
        seconds = _body(call)
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds < 0:
            raise ControlError("advance: expected seconds")
        emulator.clock.advance(seconds)
        return {"advanced": seconds}
    raise KeyError(name)


def _read(emulator: Emulator, call: Call, name: str) -> Any:
    query = dict(call.query)
    offset = _number(query.get("offset", "0"))
    limit = _number(query["limit"]) if "limit" in query else None
    if name == "state":
        return emulator.state()
    if name == "settings":
        return emulator.settings.as_dict()
    if name == "faults":
        return emulator.faults.as_list()
    if name == "observations":
        store = emulator.extrahop.store
        return {**store.counters(), "held": store.held, "observations": store.rows(offset, limit)}
    if name == "events":
        return {**emulator.stellar.counters(), "documents": emulator.stellar.events(offset, limit)}
    if name == "detections":
        return {"detections": emulator.extrahop.detections.all()}
    if name == "devices":
        return {"devices": emulator.extrahop.devices.all(), "tags": list(emulator.extrahop.devices.tags.values())}
    if name == "cases":
        cases = emulator.stellar.cases.store.as_json()
        return {"cases": cases[offset : None if limit is None else offset + limit]}
    if name == "requests":
        return {**emulator.journal.counters(), "requests": emulator.journal.entries(offset, limit)}
    raise KeyError(name)


def _body(call: Call) -> Any:
    if not call.body:
        return None
    try:
        return parse_json(call.body)
    except ValueError as error:
        raise ControlError(f"the body is not JSON: {error}") from None


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ControlError(f"expected a number, got {text!r}")
    return int(text)
