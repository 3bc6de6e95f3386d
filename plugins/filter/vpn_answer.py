# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vpn_answer
short_description: Put an answer of vpn_session_info into words
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Says in one line who had an address, and gives the evidence in further lines. The playbook C(secops.xdr.who) uses it.
positional: _input, coverage
options:
  _input:
    description:
      - One of the RV(secops.xdr.vpn_session_info#module:matches) of M(secops.xdr.vpn_session_info).
    type: dict
    required: true
  coverage:
    description:
      - The C(coverage) of the same result.
    type: list
    elements: dict
    default: []
seealso:
  - module: secops.xdr.vpn_session_info
"""

EXAMPLES = r"""
- name: Show who it was
  ansible.builtin.debug:
    msg: "{{ (who.matches[0] | secops.xdr.vpn_answer(who.coverage)).answer }}"
"""

RETURN = r"""
_value:
  description: The answer.
  type: dict
  contains:
    answer:
      description: The answer in one line.
      type: str
    evidence:
      description: Sessions, doubts, what would settle them, and the time that the logs cover, in lines.
      type: list
      elements: str
    is_named:
      description: Whether a user is named.
      type: bool
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.who import answer
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@reported
def vpn_answer(match: Mapping[str, Any], coverage: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The answer in words."""
    return answer(match, list(coverage))


class FilterModule:
    """The class that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"vpn_answer": vpn_answer}
