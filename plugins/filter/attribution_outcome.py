# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_outcome
short_description: Say what became of the plan for security events
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Puts a plan of P(secops.xdr.attribution_plan#filter) and the result of M(secops.xdr.stellar_ser_update) for its updates together.
  - The role P(secops.xdr.vpn_attribution#role) uses it; for what this role does, use the role.
positional: _input, update
options:
  _input:
    description:
      - The plan.
    type: dict
    required: true
  update:
    description:
      - The registered result of M(secops.xdr.stellar_ser_update). That of a task that was skipped, because there was nothing to update, is
        fine.
    type: dict
    required: true
seealso:
  - plugin: secops.xdr.attribution_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show how many events were attributed, and how many failed
  ansible.builtin.debug:
    msg: "{{ (plan | secops.xdr.attribution_outcome(update)).counts }}"
"""

RETURN = r"""
_value:
  description:
    - The plan, with C(changed) in each of its C(attributions), the further outcome V(failed) with its C(reason), and C(counts) of
      these outcomes.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.plan import with_update
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable


@reported
def attribution_outcome(plan: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
    """The plan as it came out."""
    return with_update(plan, update)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_outcome": attribution_outcome}
