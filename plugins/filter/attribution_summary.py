# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_summary
short_description: Say in lines for people what became of security events
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Turns the outcome of an attribution, as P(secops.xdr.attribution_outcome#filter) returns it, into lines to print.
  - The role P(secops.xdr.vpn_attribution#role) uses it; for what this role does, use the role.
positional: _input
options:
  _input:
    description:
      - The outcome.
    type: dict
    required: true
  total:
    description:
      - How many events the search found, where not all of them were looked at.
    type: int
    default: 0
  shown:
    description:
      - How many events to list below each outcome.
    type: int
    default: 20
  is_plan:
    description:
      - Whether nothing was written, because it was a run in check mode.
    type: bool
    default: false
seealso:
  - plugin: secops.xdr.attribution_outcome
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Print the five first events of each kind
  ansible.builtin.debug:
    msg: "{{ vpn_attribution_result | secops.xdr.attribution_summary(shown=5) }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.summary import summary
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable


@reported
def attribution_summary(result: dict[str, Any], total: int = 0, shown: int = 20, *, is_plan: bool = False) -> list[str]:
    """The lines to print."""
    return summary(result, int(total), int(shown), is_plan=is_plan)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_summary": attribution_summary}
