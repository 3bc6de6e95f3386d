# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Checks the version of Python. Old versions can parse this file, so they give a message instead of a traceback."""

import json
import sys

OLDEST = (3, 9)


def require_python():  # type: () -> None
    """Ends the module with a message about the Python that is needed, unless this one is new enough."""
    if sys.version_info[:2] >= OLDEST:
        return
    needed, found = (".".join(str(part) for part in version) for version in (OLDEST, sys.version_info[:3]))
    message = "secops.xdr needs Python {0} or later on the host that runs the module; this is {1} at {2}. Set ansible_python_interpreter."
    sys.stdout.write(json.dumps({"failed": True, "msg": message.format(needed, found, sys.executable)}) + "\n")
    raise SystemExit(1)
