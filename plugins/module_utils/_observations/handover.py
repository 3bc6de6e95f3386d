# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""What one part of a long upload hands to the next: a state that only this file reads and writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._errors import InputError
from .._vpn_log.start import LogStart
from .part import CHECKING, UploadSlice
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._vpn_log.source import LogFile


def continued(option: Mapping[str, Any]) -> UploadSlice:
    """The part that the option C(slice) goes on with; raises InputError."""
    try:
        state = option["state"]
        return UploadSlice(
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


def adopt(part: UploadSlice, log: LogFile) -> None:
    """Lets every part see the log as the first one saw it; raises InputError where it is another one by now."""
    if not part.is_continued:
        part.size = log.size
        part.fingerprint = log.fingerprint(log.size).hex()
        return
    if log.size < part.size or log.fingerprint(part.size).hex() != part.fingerprint:
        raise InputError(
            f"path: {log.path} was replaced or rewritten while it was read. What was uploaded until then is recorded; run again."
        )
    log.size = part.size
    log.start_at(part.start)


def handed_on(part: UploadSlice, start: LogStart) -> dict[str, Any]:
    """The result key C(slice): how far the upload is, and what the next part needs to go on at C(start)."""
    state = {
        "phase": part.phase,
        "start": start._asdict(),
        "started_at": part.started_at._asdict() if part.started_at else None,
        "checked": asdict(part.checked),
        "tally": asdict(part.tally),
        "run": part.run,
        "size": part.size,
        "fingerprint": part.fingerprint,
    }
    tally = part.checked if part.phase == CHECKING else part.tally
    began = part.started_at.offset if part.started_at else 0
    progress = {"phase": part.phase, "rows": tally.read, "began": began, "offset": start.offset, "size": part.size}
    return {"state": state, "progress": progress}


def _start_from(state: Mapping[str, int] | None) -> LogStart | None:
    return LogStart(**state) if state else None
