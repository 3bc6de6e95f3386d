# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One measurement of benchmarks/sessions.py, in a separate process: reads a task from stdin and prints its cost."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

from ansible_collections.secops.xdr.plugins.module_utils._module import Run
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper
from ansible_collections.secops.xdr.plugins.module_utils._sessions.options import session_options
from ansible_collections.secops.xdr.plugins.module_utils._sessions.report import read_sessions
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.open_logs import opened_logs
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.options import LogOptions

COLUMNS = {"ipaddr": "VPN IP", "associated_ipaddr": "Real IP", "timestamp": "Start Time", "username": None}


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Runs one task in this process."""
    params = {"path": task["path"], "format": task["format"], "columns": COLUMNS, "timestamp_format": "%m/%d/%y %H:%M:%S"}
    params |= {"timezone": "UTC", "delimiter": ",", "encoding": "utf-8", "on_invalid": "fail"}
    params |= {"users": None, "ipaddrs": None, "since": None, "until": None, "limit": 1000, "complete_until": None}
    begun = time.process_time()
    if task["what"] == "read":
        with opened_logs(LogOptions.from_params(params), wants_usernames=False) as logs:
            found = sum(block.rows_read for block in logs[0].reader.records())
    else:
        params = {**{name: option.get("default") for name, option in session_options().options.items()}, **params}
        run = Run(check_mode=False, shows_diff=False, warn=print, secrets=SecretKeeper(lambda _secret: None))
        matches = read_sessions({**params, "match": task["match"]}, run)["matches"]
        found = sum(answer["session"] is not None for answer in matches)
    seconds = time.process_time() - begun
    return {"seconds": seconds, "found": found, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps(measure(json.load(sys.stdin))))
