# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: vpn_question
short_description: Turn an address and a time into a question for vpn_session_info
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Checks an address and a time that a person typed. The playbook C(secops.xdr.who) uses it.
positional: _input, at
options:
  _input:
    description:
      - The VPN address.
    type: str
    required: true
  at:
    description:
      - The time. ISO 8601, an epoch number in seconds or milliseconds, V(now), or how long ago, such as V(2h), V(30m) or V(1d 12h).
    type: str
    required: true
  timezone:
    description:
      - The IANA name of the zone of a time that has none. Without it, such a time is refused.
    type: str
    default: ""
seealso:
  - module: secops.xdr.vpn_session_info
"""

EXAMPLES = r"""
- name: Ask who had an address two hours ago
  secops.xdr.vpn_session_info:
    path: /var/log/openvpn/log.csv
    match: "{{ ('10.8.2.6' | secops.xdr.vpn_question('2h')).match }}"
"""

RETURN = r"""
_value:
  description: The question, or what is wrong with it.
  type: dict
  contains:
    match:
      description: A list with the question for the option O(secops.xdr.vpn_session_info#module:match); empty if there is a problem.
      type: list
      elements: dict
      sample:
        - ipaddr: 10.8.2.6
          timestamp: "2025-11-19T10:45:00Z"
    problem:
      description: What is wrong with the address or the time; empty if nothing is wrong.
      type: str
"""

import time
from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.texts import AttributionError
from ..plugin_utils._attribution.who import question
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable


@reported
def vpn_question(ip: Any, at: Any, timezone: str = "") -> dict[str, Any]:
    """The question, or what is wrong with it."""
    try:
        return {"match": [question(ip, at, str(timezone or ""), round(time.time() * 1000))], "problem": ""}
    except AttributionError as error:
        return {"match": [], "problem": str(error)}


class FilterModule:
    """The class that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"vpn_question": vpn_question}
