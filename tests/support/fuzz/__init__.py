# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz targets: each turns random bytes into a case and fails if a promise is broken.

`support.fuzz.targets` has them all; `tests/unit` runs a few thousand cases, `make torture` a million. Nothing is imported here, because a
fuzzer that looks for new paths through the code has to be there first.
"""
