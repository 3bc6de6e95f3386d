# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of the log readers in their tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log import source as _source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Writes a log."""

    def write(text: str | bytes) -> Path:
        path = tmp_path / "gateway.log"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture(autouse=True)
def finished_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of these tests count as older than two minutes, so their last line counts even without a line end."""
    monkeypatch.setattr(_source, "FINISHED_AFTER_SECONDS", -10.0)
