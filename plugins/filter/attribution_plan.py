# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_plan
short_description: Decide which security events get which tags and comments
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Puts the events that M(secops.xdr.stellar_ser_event_info) found and the answers of M(secops.xdr.vpn_session_info) together to the
    updates that M(secops.xdr.stellar_ser_update) is to make.
  - The role P(secops.xdr.vpn_attribution#role) uses it; for what this role does, use the role.
  - What is put into tags and comments is text and never evaluated. Names in tags consist of letters, digits and C(. _ @ + -), with
    one underscore for each run of other characters, and are cut after 64 characters. In comments, characters that cannot be seen are
    written as escapes such as C(\n), and values are cut after 200 characters.
positional: _input, matches
options:
  _input:
    description:
      - The events.
    type: list
    elements: dict
    required: true
  matches:
    description:
      - What M(secops.xdr.vpn_session_info) answers to the questions that P(secops.xdr.attribution_questions#filter) makes of the same
        events with the same options.
    type: list
    elements: dict
    required: true
  tags:
    description:
      - The tags of an event whose user is found, with C({username}), C({ipaddr}), C({associated_ipaddr}), C({start}) and C({end}).
      - Where the log has no name, tags with C({username}) are left out.
    type: list
    elements: str
    default: []
  comment:
    description:
      - The comment of an event whose user is found, with the same names in braces. If empty, none is written.
      - An event that has the comment with another C({end}) is not commented on again.
    type: str
    default: ""
  ambiguous_comment:
    description:
      - The comment of an event whose address several sessions held, with C({ipaddr}), C({time}) and C({candidates}). If empty, none is
        written.
    type: str
    default: ""
  address_field:
    description:
      - The field of an event with the address that was asked about. Dots lead into objects.
    type: str
    default: srcip
  networks:
    description:
      - The networks of the VPN, such as V(10.8.0.0/16). Events with other addresses are left alone. If empty, all addresses are asked
        about.
    type: list
    elements: str
    default: []
  tag_field:
    description:
      - The field of an event in which the server keeps tags, as the option of M(secops.xdr.stellar_ser_update).
    type: str
seealso:
  - plugin: secops.xdr.attribution_questions
    plugin_type: filter
  - plugin: secops.xdr.attribution_outcome
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Tag the events with their users
  secops.xdr.stellar_ser_update:
    events: "{{ (found.events | secops.xdr.attribution_plan(who.matches, tags=['vpn_user:{username}'])).updates }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    attributions:
      description:
        - What is found for each event, in their order. C(outcome) is one of V(attributed), V(already_attributed), V(ambiguous),
          V(no_session), V(not_vpn_address) and V(unusable).
      type: list
      elements: dict
    updates:
      description: What M(secops.xdr.stellar_ser_update) is to do, as its option O(secops.xdr.stellar_ser_update#module:events).
      type: list
      elements: dict
    counts:
      description: The number of C(events), and of each outcome.
      type: dict
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.events import AlertReader
from ..plugin_utils._attribution.plan import Wording, plan
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@reported
def attribution_plan(
    events: Sequence[dict[str, Any]],
    matches: Sequence[dict[str, Any]],
    **options: Any,
) -> dict[str, Any]:
    """The plan for these events."""
    values = {**_DEFAULTS, **options}
    reader = AlertReader.of(values["address_field"], values["networks"], values["tag_field"])
    wording = Wording.of(values["tags"], values["comment"], values["ambiguous_comment"])
    return plan(map(reader.alert, events), matches, wording)


_DEFAULTS: dict[str, Any] = {
    "tags": [],
    "comment": "",
    "ambiguous_comment": "",
    "address_field": "srcip",
    "networks": [],
    "tag_field": None,
}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_plan": attribution_plan}
