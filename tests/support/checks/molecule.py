# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the molecule scenario on a free port, with everything that molecule keeps below build/."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import copy_tree

EPHEMERAL = copy_tree.ROOT / "build" / "molecule"


def free_port() -> int:
    """Return a port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    settings = os.environ | {
        "MOLECULE_COMMAND_BORDERS": "0",
        "MOLECULE_EPHEMERAL_DIRECTORY": str(EPHEMERAL),
        "XDR_EMULATOR_PORT": str(free_port()),
    }
    command = ["molecule", "test", *sys.argv[1:]]
    return subprocess.run(command, cwd=copy_tree.ROOT, env=settings, check=False, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
