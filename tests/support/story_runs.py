# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories asked through the real modules."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS
from ansible_collections.secops.xdr.plugins.modules import vpn_session, vpn_session_info

from support.module_runs import run_main
from support.story_trials import Trial, TrialRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run_story(seed: int, folder: Path, kinds: Sequence[str]) -> Trial:
    """The story of this seed, in a folder of its own, with one of these kinds of damage."""
    own = folder / "story"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir()
    return TrialRun(seed, own, _ask, _take, frozenset(READERS), kinds).result()


def _ask(params: Mapping[str, Any]) -> Mapping[str, Any]:
    result = run_main(vpn_session_info.main, params)
    return {} if result.failed else result.values


def _take(params: Mapping[str, Any]) -> Mapping[str, Any]:
    return run_main(vpn_session.main, params).values
