# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_questions
short_description: Ask who held the source addresses of security events
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Turns the events that M(secops.xdr.stellar_ser_event_info) found into the questions that M(secops.xdr.vpn_session_info) answers.
  - The role P(secops.xdr.vpn_attribution#role) uses it; for what this role does, use the role.
positional: _input
options:
  _input:
    description:
      - The events.
    type: list
    elements: dict
    required: true
  address_field:
    description:
      - The field of an event with the address to ask about. Dots lead into objects.
    type: str
    default: srcip
  networks:
    description:
      - The networks of the VPN, such as V(10.8.0.0/16). Events with other addresses are left alone. If empty, all addresses are asked
        about.
    type: list
    elements: str
    default: []
seealso:
  - plugin: secops.xdr.attribution_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask who was behind the events that were found
  secops.xdr.vpn_session_info:
    path: /var/log/openvpn/log.csv
    match: "{{ found.events | secops.xdr.attribution_questions(networks=['10.8.0.0/16']) }}"
"""

RETURN = r"""
_value:
  description: One question for each event that has an address to ask about and a time, in the order of the events.
  type: list
  elements: dict
  sample:
    - ipaddr: 10.8.3.7
      timestamp: "2024-05-31T08:15:00Z"
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.events import AlertReader, questions
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@reported
def attribution_questions(
    events: Sequence[dict[str, Any]], address_field: str = "srcip", networks: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The questions to ask."""
    reader = AlertReader.of(address_field, networks, None)
    return questions(map(reader.alert, events))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_questions": attribution_questions}
