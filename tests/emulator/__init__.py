# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays ExtraHop and Stellar Cyber over HTTPS, for the demo, the tests and the benchmarks; see README.md."""

from __future__ import annotations

from ._client import Controls, EmulatorControl
from ._control import ControlError
from ._echoes import ECHO_FORMS
from ._faults import FaultError
from ._running import RunningEmulator
from ._settings import SettingError, Settings

__all__ = ["ECHO_FORMS", "ControlError", "Controls", "EmulatorControl", "FaultError", "RunningEmulator", "SettingError", "Settings"]
