# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measurement of `history.py`, in a separate process.

`_history_task.py keep LOCATION SESSIONS`, `ask LOCATION SESSIONS NUMBER`, or `module NAME` with its options on stdin.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from ansible_collections.secops.xdr.plugins.module_utils._sessions.history_access import history_to_ask, opened_history
from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import END_PROVEN, END_TAKEN, AddressClaim, CoverageSpan, Evidence
from ansible_collections.secops.xdr.plugins.module_utils._sessions.questions import Question, Rules, answers

from support.module_runs import patch_module_args

ADDRESSES = 4_000
USERS = 5_000
FIRST_MS = 1_700_000_000_000
MS_BETWEEN = 7_500
LONGEST_MS = 8 * 3_600_000
BATCH = 5_000


def address(number: int) -> str:
    """One of the VPN addresses."""
    return f"10.8.{number // 250}.{number % 250 + 1}"


def keep(location: str, sessions: int) -> dict[str, Any]:
    """Keeps sessions that follow each other on every address, half of them with a known end."""
    dice = random.Random(1)
    seconds = processor = 0.0
    with opened_history(location, check_mode=False) as opened:
        for first in range(0, sessions, BATCH):
            claims = []
            for number in range(first, min(first + BATCH, sessions)):
                start = FIRST_MS + number * MS_BETWEEN
                end = start + dice.randrange(LONGEST_MS) if number % 2 else None
                claims.append(
                    AddressClaim(
                        gateway=f"vpn{number % 3}",
                        ipaddr=address(number % ADDRESSES),
                        username=f"user{dice.randrange(USERS)}",
                        associated_ipaddr=f"203.0.113.{number % 250 + 1}",
                        start=start,
                        end=end,
                        end_kind=END_PROVEN if end else END_TAKEN,
                        line=number,
                    )
                )
            began = time.monotonic(), time.process_time()
            spans = [CoverageSpan(f"vpn{number}", FIRST_MS, claims[-1].start) for number in range(3)]
            opened.keep(Evidence(claims=claims, spans=spans))
            seconds, processor = seconds + time.monotonic() - began[0], processor + time.process_time() - began[1]
    return {"seconds": seconds, "processor": processor}


def ask(location: str, sessions: int, number: int) -> dict[str, Any]:
    """Asks who had an address at a time, any address at any time."""
    dice = random.Random(number)
    if location.startswith("postgresql"):
        # The time is that inside the module, without imports.
        importlib.import_module("psycopg")
    asked = [Question(address(dice.randrange(ADDRESSES)), FIRST_MS + dice.randrange(sessions * MS_BETWEEN)) for _question in range(number)]
    began = time.monotonic(), time.process_time()
    with history_to_ask(location) as source:
        rules = Rules(tolerance=30_000, longest_session=24 * 3_600_000)
        named = sum(answer.session is not None for answer in answers(source, asked, rules))
    return {"seconds": time.monotonic() - began[0], "processor": time.process_time() - began[1], "named": named}


def module(name: str) -> dict[str, Any]:
    """Runs a module, with its imports."""
    options = json.load(sys.stdin)
    began = time.monotonic(), time.process_time()
    printed = io.StringIO()
    with patch_module_args(options), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(f"ansible_collections.secops.xdr.plugins.modules.{name}").main()
    result = json.loads(printed.getvalue())
    if result.get("failed"):
        raise RuntimeError(result["msg"])
    return {"seconds": time.monotonic() - began[0], "processor": time.process_time() - began[1], "counts": result["counts"]}


def peak_mib() -> float:
    """The peak memory of this process. The value of `getrusage` would include that of its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    task, location, *numbers = sys.argv[1:]
    result = module(location) if task == "module" else {"keep": keep, "ask": ask}[task](location, *map(int, numbers))
    print(json.dumps({**result, "mib": peak_mib()}))
