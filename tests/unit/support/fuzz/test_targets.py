# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few thousand cases of every fuzz target, the same on every run; HYPOTHESIS_PROFILE=explore looks for new ones."""

from __future__ import annotations

import importlib
import random
from typing import TYPE_CHECKING

import pytest

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
pytest.importorskip("aiohttp", reason="queries are tried on the emulator")

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS: dict[str, Callable[[bytes], None]] = importlib.import_module("support.fuzz.targets").TARGETS
A_FEW = hypothesis.settings.default.max_examples * 3


@pytest.mark.parametrize("name", sorted(TARGETS))
@hypothesis.settings(max_examples=A_FEW)
@hypothesis.given(data=st.binary(max_size=600))
def test_any_bytes(name: str, data: bytes):
    TARGETS[name](data)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_random_bytes(name: str):
    """Hypothesis likes short and even ones."""
    choices = random.Random(0)
    for _case in range(A_FEW):
        TARGETS[name](choices.randbytes(choices.choice((20, 100, 300, 1000))))
