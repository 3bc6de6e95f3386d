# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret never appears, whatever a run does: not in its output, in files, in callbacks, or in the system's list of processes.

One awkward secret here; `make torture` takes them all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.attacks import AWKWARD, REFUSED, run_secret_plays

if TYPE_CHECKING:
    from .conftest import Appliance, Playground

SECRET = AWKWARD["quotes"]


@pytest.mark.parametrize("kind", ["client_secret", "jwt"])
def test_a_secret_shows_nowhere(appliance: Appliance, playground: Playground, kind: str):
    for run in run_secret_plays(playground, appliance.control, appliance.environment, kind, SECRET):
        assert not run.found, run.title
        assert run.failed == run.expected_failures, run.output
        assert not run.unsaid, run.output
        assert "(not shown: it repeats credentials)" in run.output, "a server repeated the secret"
        assert run.processes, "processes were looked at"


@pytest.mark.parametrize("secret", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_a_credential_is_refused_and_not_shown(appliance: Appliance, playground: Playground, secret: str):
    host = {"host": appliance.environment["EXTRAHOP_HOST"], "ca_path": appliance.environment["EXTRAHOP_CA_PATH"], "api_key": secret}
    row = {"ipaddr": "10.8.3.1", "associated_ipaddr": "203.0.113.9", "timestamp": 1_717_143_300}
    task = {"secops.xdr.extrahop_observation": {**host, "source": "VPN", "observations": [row]}}
    run = playground.run(task, arguments=("-vvvv",))
    assert run.recap("failed") == 1
    assert "api_key: the value contains a line break or another control character" in run.output
    assert "first-half" not in run.output
    assert "second-half" not in run.output
