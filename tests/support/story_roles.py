# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories asked through the real role: each question is an event, and what the role wrote into the event is the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.story_runs import MODULES
from support.story_trials import Modules, TrialRun

if TYPE_CHECKING:
    from emulator import EmulatorControl
    from support.story_judging import Trial

QUESTIONS = 80
"""Number of events of a story."""
_PREFIX = "vpn_user:"
Play = Callable[[Sequence[Mapping[str, Any]]], None]
"""Runs these tasks in one play."""


def run_in_roles(kinds: Mapping[int, str], folder: Path, control: EmulatorControl, play: Play) -> list[Trial]:
    """The stories of these seeds with their kinds of damage, attributed in one play. Each is told twice: to learn what is asked, and to
    judge the answers."""
    asked: dict[int, Mapping[str, Any]] = {}
    for seed, kind in kinds.items():
        (folder / f"story-{seed}").mkdir()
        _told(seed, kind, folder, MODULES._replace(ask=_Recorder(asked, seed)))
    for seed, options in asked.items():
        control.add_events(*(_event(seed, number, question) for number, question in enumerate(options["match"])))
    play([_attribution(seed, options) for seed, options in asked.items()])
    answers = {seed: _answers(control, seed) for seed in asked}
    nothing = Modules(lambda _options: {}, lambda _options: None, lambda _options, _transactions: None)
    return [_told(seed, kind, folder, nothing._replace(ask=lambda _options, seed=seed: answers[seed])) for seed, kind in kinds.items()]


class _Recorder:
    """Stands in for the module that is asked, and keeps its options."""

    def __init__(self, asked: dict[int, Mapping[str, Any]], seed: int) -> None:
        self._asked = asked
        self._seed = seed

    def __call__(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        self._asked[self._seed] = options
        return {}


def _told(seed: int, kind: str, folder: Path, modules: Modules) -> Trial:
    return TrialRun(seed, folder / f"story-{seed}", modules, [kind], QUESTIONS).result()


def _event(seed: int, number: int, question: Mapping[str, Any]) -> dict[str, Any]:
    moment = question["timestamp"] * 1000
    return {
        "event_name": str(number),
        "event_source": f"story-{seed}",
        "event_status": "New",
        "srcip": question["ipaddr"],
        "timestamp": moment,
    }


def _attribution(seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """The role with the options of the module. A log that it refuses names nobody."""
    own = {("log" if name == "path" else name): value for name, value in options.items() if name != "match"}
    variables = {**own, "query": f'event_source:"story-{seed}"', "comment": "{username}", "tags": [f"{_PREFIX}{{username}}"]}
    role = {
        "ansible.builtin.include_role": {"name": "secops.xdr.vpn_attribution"},
        "vars": {f"vpn_attribution_{name}": value for name, value in variables.items()},
    }
    # A role that is not found has no such result, and fails here.
    return {"block": [role], "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}]}


def _answers(control: EmulatorControl, seed: int) -> dict[str, Any]:
    """The names in the events, as the module would have returned them."""
    events = [event["_source"] for event in control.events() if event["_source"]["event_source"] == f"story-{seed}"]
    return {"matches": [{"session": _session(event)} for event in sorted(events, key=lambda event: int(event["event_name"]))]}


def _session(event: Mapping[str, Any]) -> dict[str, Any] | None:
    names = [comment["comment"] for comment in event.get("comments", [])]
    tags = [tag for tag in event.get("event_tags", []) if tag.startswith(_PREFIX)]
    assert len(names) == len(tags) <= 1, f"{event['event_source']}, {event['event_name']}: {names} {tags}"
    return {"username": names[0]} if names else None
