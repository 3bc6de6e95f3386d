# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs extensions/awx/apply.yml against the controller, as an administrator does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..playbook_server import search_path

if TYPE_CHECKING:
    from ._api import RunningController

ROOT = Path(__file__).resolve().parents[3]
INPUTS = {"host": "extrahop.example.com", "client_id": "one", "client_secret": "made-up-secret-1"}
IMAGE = "registry.example.com/xdr:1"
APPLIED: dict[str, Any] = {
    "xdr_awx_vpn_log": "/var/log/openvpn/log.csv",
    "xdr_awx_vpn_timezone": "America/New_York",
    "xdr_awx_extrahop": "ExtraHop RevealX 360",
    "xdr_awx_inputs": {"extrahop": INPUTS},
    "xdr_awx_image": IMAGE,
    "xdr_awx_teams": ["SOC"],
    "xdr_awx_mail": {"host": "smtp.example.com", "sender": "awx@example.com", "recipients": ["soc@example.com"]},
    "xdr_awx_chat": "https://chat.example.com/hooks/made-up-secret-3",
}
"""Variables of apply.yml that make it bring in all that it can."""


def modules_of_awx() -> Path:
    """Return the folder of the collection awx.awx, which is fetched if it is missing."""
    subprocess.run([sys.executable, str(ROOT / "tests" / "support" / "checks" / "awx_collection.py")], check=True)
    return Path(sysconfig.get_paths()["purelib"]) / "ansible_collections" / "awx" / "awx"


def apply_to(
    controller: RunningController,
    folder: Path,
    *arguments: str,
    succeeds: bool = True,
    environment: dict[str, str] | None = None,
    **variables: Any,
) -> str:
    """Run the playbook with these variables and return what it printed; its status must be as expected."""
    modules_of_awx()
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("CONTROLLER_", "TOWER_"))}
    settings |= {
        **controller.environment(),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "NO_PROXY": "127.0.0.1",
        "PATH": search_path(),
        **(environment or {}),
    }
    playbook = ROOT / "extensions" / "awx" / "apply.yml"
    command = ["ansible-playbook", str(playbook), "--extra-vars", json.dumps(variables), *arguments]
    done = subprocess.run(command, cwd=folder, env=settings, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    output = done.stdout + done.stderr
    assert (done.returncode == 0) is succeeds, output
    return output
