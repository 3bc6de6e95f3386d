# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server for tests and benchmarks: a cluster of its own in a temporary folder, on a port of its own.

with RunningPostgresql(find_programs()) as server:
    server.url, server.url_of("database"), server.create_database("name")
"""

from __future__ import annotations

from ._programs import NoPostgresqlError, find_programs
from ._server import RunningPostgresql

__all__ = ["NoPostgresqlError", "RunningPostgresql", "find_programs"]
