# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates the part of AWX that the tests need: the API that awx.awx writes to, and the launch of jobs with ansible-runner.

The rules are those of AWX 24; each is named in its place. Nothing of AWX itself is needed.
"""

from __future__ import annotations

from ._api import RunningController
from ._jobs import Job, LaunchError, launch
from ._setup import APPLIED, IMAGE, INPUTS, apply_to, modules_of_awx

__all__ = ["APPLIED", "IMAGE", "INPUTS", "Job", "LaunchError", "RunningController", "apply_to", "launch", "modules_of_awx"]
