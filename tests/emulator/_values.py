# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distinguishes JSON's whole numbers from true and false, which are also integers in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeGuard


def is_whole(value: Any) -> TypeGuard[int]:
    """True if a value is a whole number and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)
