# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The code that the attacks on the collection share, those of `make test` and the long ones of `make torture`."""

from __future__ import annotations

from . import _hosts as hosts
from ._ground import Ground, Operation, RawGround
from ._hidden import forms_of, found_in_files
from ._kills import Kill, kill_at_random, kill_table
from ._matrix import Cell, legend, lengths_of, on_grounds, run_cells, table
from ._network_faults import LASTING_FAULTS, NETWORK_FAULTS
from ._operations import OPERATIONS, SERVER_OPERATIONS
from ._processes import ForkedModule, Surroundings, run_forked
from ._raw_relay import RawFault, RawRelay
from ._relay import Relay
from ._results import RESULTS, Results
from ._secret_plays import AWKWARD, KINDS, REFUSED
from ._secret_runs import SecretRun, handed_out_token, run_secret_plays

__all__ = [
    "AWKWARD",
    "KINDS",
    "LASTING_FAULTS",
    "NETWORK_FAULTS",
    "OPERATIONS",
    "REFUSED",
    "RESULTS",
    "SERVER_OPERATIONS",
    "Cell",
    "ForkedModule",
    "Ground",
    "Kill",
    "Operation",
    "RawFault",
    "RawGround",
    "RawRelay",
    "Relay",
    "Results",
    "SecretRun",
    "Surroundings",
    "forms_of",
    "found_in_files",
    "handed_out_token",
    "hosts",
    "kill_at_random",
    "kill_table",
    "legend",
    "lengths_of",
    "on_grounds",
    "run_cells",
    "run_forked",
    "run_secret_plays",
    "table",
]
