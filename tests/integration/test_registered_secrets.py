# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token that a server issues at run time is a secret of the whole play, where Ansible keeps a register of secrets."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Appliance, Playground

HAS_REGISTER = tuple(int(part) for part in version("ansible-core").split(".")[:2]) >= (2, 22)
OBSERVATION = {"ipaddr": "10.8.3.9", "associated_ipaddr": "203.0.113.12", "timestamp": 1_717_143_300}


def shown_journal(appliance: Appliance) -> list[dict[str, Any]]:
    """Tasks that have nothing to do with the collection, and show every header that the emulator was sent."""
    return [
        {
            "name": "Read the journal",
            "ansible.builtin.uri": {
                "url": f"https://{appliance.environment['EXTRAHOP_HOST']}/_emulator/requests",
                "ca_path": appliance.environment["EXTRAHOP_CA_PATH"],
                "return_content": True,
            },
            "register": "journal",
        },
        {"name": "Show it", "ansible.builtin.debug": {"msg": "the journal says {{ journal.content }}"}},
    ]


def upload(appliance: Appliance) -> dict[str, Any]:
    names = ("host", "ca_path", "client_id", "client_secret")
    options = {name: appliance.environment[f"EXTRAHOP_{name.upper()}"] for name in names}
    return {"secops.xdr.extrahop_observation": {**options, "source": "OpenVPN", "observations": [OBSERVATION]}}


def search(appliance: Appliance) -> dict[str, Any]:
    names = ("host", "ca_path", "username", "api_key")
    options = {name: appliance.environment[f"STELLAR_{name.upper()}"] for name in names}
    return {"secops.xdr.stellar_ser_event_info": {**options, "query": "*"}}


def sent_credentials(appliance: Appliance) -> set[str]:
    """The values after the scheme in the Authorization headers."""
    headers = [request["headers"].get("Authorization", "") for request in appliance.control.requests()]
    return {header.partition(" ")[2] for header in headers if header}


@pytest.mark.skipif(not HAS_REGISTER, reason="Ansible keeps a register of secrets from ansible-core 2.22 on")
@pytest.mark.parametrize("product", ["extrahop", "stellar"])
def test_no_later_task_shows_a_token_or_a_basic_header(appliance: Appliance, playground: Playground, product: str):
    first = upload(appliance) if product == "extrahop" else search(appliance)
    run = playground.run({"name": "Log in", **first}, *shown_journal(appliance), arguments=("-vvvv",))
    assert run.status == 0, run.output
    credentials = sent_credentials(appliance)
    assert len(credentials) == 2, "one Basic header and one token were sent"
    for credential in credentials:
        assert credential not in run.output
    assert "the journal says" in run.output
    assert "$REDACTED$" in run.output


@pytest.mark.parametrize("product", ["extrahop", "stellar"])
def test_the_task_itself_shows_neither(appliance: Appliance, playground: Playground, product: str):
    only = upload(appliance) if product == "extrahop" else search(appliance)
    run = playground.run({"name": "Log in", **only}, arguments=("-vvvv", "--diff"))
    assert run.status == 0, run.output
    credentials = sent_credentials(appliance)
    assert len(credentials) == 2, "one Basic header and one token were sent"
    for credential in credentials:
        assert credential not in run.output
