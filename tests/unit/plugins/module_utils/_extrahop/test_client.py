# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of ExtraHop, before it sends anything."""

from __future__ import annotations

import os
import subprocess
import sys

_PARAMS = {
    "host": "extrahop.example.com",
    "validate_certs": True,
    "ca_path": None,
    "timeout": 30,
    "retries": 3,
    "api_key": "key",
    "client_id": None,
    "client_secret": None,
}
_IMPORTS = f"""
import sys
from ansible_collections.secops.xdr.plugins.modules import extrahop_observation
from ansible_collections.secops.xdr.plugins.module_utils._extrahop.client import ExtraHopClient
from ansible_collections.secops.xdr.plugins.module_utils._secrets import SecretKeeper

client = ExtraHopClient.from_params({_PARAMS!r}, SecretKeeper())
print(client.endpoint, "requests" in sys.modules)
client.get_ready()
print("requests" in sys.modules)
"""


def test_requests_is_imported_when_something_is_sent():
    """The import takes longer than a whole run that has nothing to send."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", _IMPORTS], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["https://extrahop.example.com", "False", "True"]
