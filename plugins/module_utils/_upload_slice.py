# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""One part of a long upload, after which the module ends to tell how far it is, and from which the next part goes on.

The action plugin runs the module part by part. What one part hands to the next is a state that only this file reads and writes.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._observation_tally import Tally
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._start import LogStart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._source import LogFile

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
        state = option.get("state")
        if not state:
            return cls(seconds=option.get("seconds"))
        try:
            return cls(
                seconds=option["seconds"],
                phase=state["phase"],
                start=_start_from(state["start"]),
                started_at=_start_from(state["started_at"]),
                checked=Tally(**state["checked"]),
                tally=Tally(**state["tally"]),
                run=state["run"],
                size=state["size"],
                fingerprint=state["fingerprint"],
                is_continued=True,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError("slice: this option is for the action plugin of this module; leave it out.") from error

    def __post_init__(self) -> None:
        self._ends_at = None if self.seconds is None else time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether it is time to tell how far the upload is."""
        return self._ends_at is not None and time.monotonic() >= self._ends_at

    def adopt(self, log: LogFile) -> None:
        """Lets every part see the log as the first one saw it; raises InputError where it is another one by now."""
        if not self.is_continued:
            self.size = log.size
            self.fingerprint = log.fingerprint(log.size).hex()
            return
        if log.size < self.size or log.fingerprint(self.size).hex() != self.fingerprint:
            raise InputError(
                f"path: {log.path} was replaced or rewritten while it was read. What was uploaded until then is recorded; run again."
            )
        log.size = self.size
        log.start_at(self.start)

    def handed_on(self, start: LogStart) -> dict[str, Any]:
        """The result key C(slice): how far the upload is, and what the next part needs to go on at C(start)."""
        state = {
            "phase": self.phase,
            "start": start._asdict(),
            "started_at": self.started_at._asdict() if self.started_at else None,
            "checked": asdict(self.checked),
            "tally": asdict(self.tally),
            "run": self.run,
            "size": self.size,
            "fingerprint": self.fingerprint,
        }
        tally = self.checked if self.phase == CHECKING else self.tally
        began = self.started_at.offset if self.started_at else 0
        progress = {"phase": self.phase, "rows": tally.read, "began": began, "offset": start.offset, "size": self.size}
        return {"state": state, "progress": progress}


def _start_from(state: Mapping[str, int] | None) -> LogStart | None:
    return LogStart(**state) if state else None
