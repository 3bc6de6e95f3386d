# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds options with secrets, by their names and by their argument specs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRET_OPTIONS = ("api_key", "client_secret", "access_token")
_SOUNDS_SECRET = re.compile("key|secret|token|pass")


def check_secrets_of(spec: Mapping[str, Any]) -> None:
    """Fails if an argument spec does not mark a secret, or marks an option that is not known to be one."""
    secret = {name for name, option in _options_of(spec) if option.get("no_log")}
    assert secret == {name for name, _option in _options_of(spec) if _SOUNDS_SECRET.search(name)}
    assert secret <= set(SECRET_OPTIONS)


def _options_of(spec: Mapping[str, Any], parent: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every option with its whole name, those within others too."""
    for name, option in spec.items():
        yield f"{parent}{name}", option
        yield from _options_of(option.get("options") or {}, f"{parent}{name}.")
