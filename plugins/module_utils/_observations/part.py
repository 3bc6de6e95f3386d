# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""One part of a long upload, after which the module ends to tell how far it is, and from which the next part goes on.

The action plugin runs the module part by part.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._vpn_log.start import LogStart

CHECKING = "checking"
UPLOADING = "uploading"


@dataclass
class UploadSlice:
    """Where this part begins and when it is to end. C(started_at) is where the whole upload began, for every phase anew."""

    seconds: float | None = None
    phase: str = CHECKING
    start: LogStart | None = None
    started_at: LogStart | None = None
    checked: Tally = field(default_factory=Tally)
    tally: Tally = field(default_factory=Tally)
    run: int | None = None
    size: int = 0
    fingerprint: str = ""
    is_continued: bool = False

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> UploadSlice:
        """What the option C(slice) says; without it, one part is everything."""
        option = params["slice"] or {}
        if not option.get("state"):
            return cls(seconds=option.get("seconds"))
        from .handover import continued

        return continued(option)

    def __post_init__(self) -> None:
        self._ends_at = None if self.seconds is None else time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time to tell how far the upload is."""
        return self._ends_at is not None and time.monotonic() >= self._ends_at
