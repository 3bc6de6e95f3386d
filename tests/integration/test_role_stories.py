# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random stories in the real role vpn_attribution: nobody is named wrongly. tests/torture runs many more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.story_roles import run_in_roles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .conftest import Appliance, Playground

WHOLE = {1: "rotated", 2: "history"}
DAMAGED = {3: "garbled", 4: "history, damaged"}
PATIENCE_SECONDS = 1800
"""One play asks hundreds of questions; only a play that hangs takes so long."""


def test_the_role_names_nobody_wrongly(playground: Playground, appliance: Appliance) -> None:
    playground.environment.update(appliance.environment)
    playground.patience_seconds = PATIENCE_SECONDS

    def play(tasks: Sequence[Mapping[str, Any]]) -> None:
        done = playground.run(*map(dict, tasks))
        assert done.status == 0, done.output

    trials = run_in_roles({**WHOLE, **DAMAGED}, playground.folder, appliance.control, play)
    assert [trial.wrong for trial in trials if trial.wrong] == []
    whole = [trial for trial in trials if trial.seed in WHOLE]
    assert sum(trial.named for trial in whole) >= 0.95 * sum(trial.answerable for trial in whole) > 50
