# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run bandit on what users run, and compare what it finds with what was looked at and found harmless, place by place.

A finding that nobody has looked at is an error, and so is one that is no longer there: nothing is switched off.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("plugins", "extensions/eda/plugins")

NAMES = "the name of an option or path, and no password"
NO_ADDRESS = "what logs write where there is no address; nothing listens on it"
BOUND = "put together from constants, numbers and marks for values; every text is bound"

REVIEWED = {
    ("B104", "plugins/module_utils/_addresses.py"): (1, NO_ADDRESS),
    ("B104", "plugins/module_utils/_vpn_log/endpoints.py"): (1, NO_ADDRESS),
    ("B104", "plugins/module_utils/_vpn_log/formats/globalprotect_fields.py"): (1, NO_ADDRESS),
    ("B105", "plugins/module_utils/_http/client.py"): (1, NAMES),
    ("B105", "plugins/module_utils/_extrahop/auth.py"): (1, NAMES),
    ("B105", "plugins/module_utils/_stellar/auth.py"): (1, NAMES),
    ("B105", "plugins/module_utils/_stellar/paths.py"): (1, NAMES),
    ("B608", "plugins/module_utils/_ledger/postgresql_database.py"): (1, BOUND),
    ("B608", "plugins/module_utils/_ledger/postgresql_events.py"): (3, BOUND),
    ("B608", "plugins/module_utils/_ledger/postgresql_observations.py"): (17, BOUND),
    ("B608", "plugins/module_utils/_ledger/postgresql_positions.py"): (4, BOUND),
    ("B608", "plugins/module_utils/_ledger/postgresql_schema.py"): (2, BOUND),
    ("B608", "plugins/module_utils/_ledger/sqlite.py"): (3, BOUND),
    ("B608", "plugins/module_utils/_ledger/sqlite_events.py"): (1, BOUND),
    ("B608", "plugins/module_utils/_ledger/sqlite_observations.py"): (6, BOUND),
}
"""How many findings of a kind a file has, and why they are harmless."""


def main() -> int:
    """Say what is new and what is gone."""
    # No comment in the code silences a finding, and what fails is what nobody looked at, not that there are findings.
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--ignore-nosec", "--exit-zero", "--format", "json", *FOLDERS]
    report = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    found = Counter((one["test_id"], one["filename"]) for one in report["results"])
    wrong = [f"{error['filename']}: {error['reason']}" for error in report["errors"]]
    for place in sorted(found.keys() | REVIEWED.keys()):
        reviewed = REVIEWED.get(place, (0, ""))[0]
        if found[place] != reviewed:
            wrong.append(f"{place[1]}: bandit has {found[place]} findings {place[0]}, and {reviewed} were looked at:")
            wrong += [_shown(one) for one in report["results"] if (one["test_id"], one["filename"]) == place]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def _shown(finding: dict[str, object]) -> str:
    return f"    line {finding['line_number']}: {finding['issue_text']}"


if __name__ == "__main__":
    sys.exit(main())
