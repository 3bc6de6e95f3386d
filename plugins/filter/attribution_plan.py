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
  - Turns the events that M(secops.xdr.stellar_ser_event_info) found into questions for M(secops.xdr.vpn_session_info), and with its answers
    into updates for M(secops.xdr.stellar_ser_update). With the result of the updates, it returns the outcome for each event.
  - The role P(secops.xdr.vpn_attribution#role) does all of this; use the filter only in playbooks that work differently.
  - A user is named only if the answer names a session. An event that cannot be used does not stop the others.
  - Values in tags and comments are text and never evaluated. Names in tags consist of letters, digits and C(. _ @ + -), with one
    underscore for each run of other characters, and are cut after 64 characters. In comments, invisible characters are written as
    escapes such as C(\n), and values are cut after 200 characters.
positional: _input, matches, update
options:
  _input:
    description:
      - The events.
    type: list
    elements: dict
    required: true
  matches:
    description:
      - The RV(secops.xdr.vpn_session_info#module:matches) of M(secops.xdr.vpn_session_info) for the C(questions) about the same events.
        Without them, only C(questions) are returned.
    type: list
    elements: dict
  update:
    description:
      - The registered result of M(secops.xdr.stellar_ser_update) for the C(updates). It may be the result of a skipped task.
    type: dict
  tags:
    description:
      - The tags of an event whose user is found, with C({username}), C({ipaddr}), C({associated_ipaddr}), C({start}), C({end}) and
        C({gateway}). A string, a comma-separated string or a list.
      - If the log has no name, tags with C({username}) are left out.
    type: list
    elements: str
    default: []
  comment:
    description:
      - The comment of an event whose user is found, with the same names in braces. If empty, none is written.
      - An event that has the comment with another C({end}) gets no second comment.
    type: str
    default: ""
  ambiguous_comment:
    description:
      - The comment of an event whose address several sessions may have had, with C({ipaddr}), C({time}) and C({candidates}). If empty,
        none is written.
    type: str
    default: ""
  correct:
    description:
      - Remove tags of earlier runs that the answers contradict. These are tags that begin like one of O(tags) up to its first name in
        braces, if this beginning ends with a character such as C(:). Other tags are never removed.
      - A tag is kept if the log does not cover the time of the event.
    type: bool
    default: true
    version_added: 1.1.0
  correction_comment:
    description:
      - The comment of an event from which tags are removed, with C({tags}), C({reason}), C({ipaddr}) and C({time}). If empty, none is
        written.
    type: str
    default: ""
    version_added: 1.1.0
  address_field:
    description:
      - The field of an event with the address to look up. Dots separate the levels of objects.
    type: str
    default: srcip
  networks:
    description:
      - The networks of the VPN, such as V(10.8.0.0/16). Events with other addresses are not changed. If empty, all addresses are looked
        up.
    type: list
    elements: str
    default: []
  cases:
    description:
      - Cases that M(secops.xdr.stellar_case_info) returned with comments and alerts. Each gets one comment that names the users of all its
        alerts, with doubtful ones as such, and the tags of these users.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  detections:
    description:
      - Detections that M(secops.xdr.extrahop_detection_info) returned with notes and participants. Each gets one addition to its note.
    type: list
    elements: dict
    default: []
    version_added: 1.1.0
  case_update:
    description:
      - Like O(update), from M(secops.xdr.stellar_case) for the C(case_updates).
    type: dict
    version_added: 1.1.0
  detection_update:
    description:
      - Like O(update), from M(secops.xdr.extrahop_detection) for the C(detection_updates).
    type: dict
    version_added: 1.1.0
  tag_field:
    description:
      - The field of an event in which the server keeps tags, as the option of M(secops.xdr.stellar_ser_update).
    type: str
seealso:
  - plugin: secops.xdr.attribution_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask who was behind the events that were found
  secops.xdr.vpn_session_info:
    path: /var/log/openvpn/log.csv
    match: "{{ (found.events | secops.xdr.attribution_plan).questions }}"
  register: who

- name: Tag the events with their users
  secops.xdr.stellar_ser_update:
    events: "{{ (found.events | secops.xdr.attribution_plan(who.matches, tags=['vpn_user:{username}'])).updates }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    questions:
      description: One question for each event and each alert of a case or detection that has an address and a time, in their order.
      type: list
      elements: dict
      sample:
        - ipaddr: 10.8.3.7
          timestamp: "2024-05-31T08:15:00Z"
    attributions:
      description:
        - The result for each of them, in the same order. C(outcome) is one of V(attributed), V(already_attributed), V(doubtful),
          V(ambiguous), V(not_covered), V(no_session), V(not_vpn_address), V(unusable) and V(failed). C(reason) is the reason, C(settle)
          what would settle it.
      type: list
      elements: dict
    updates:
      description: The changes for M(secops.xdr.stellar_ser_update), as its option O(secops.xdr.stellar_ser_update#module:events).
      type: list
      elements: dict
    case_updates:
      description: The changes for M(secops.xdr.stellar_case), as its option O(secops.xdr.stellar_case#module:cases).
      type: list
      elements: dict
    detection_updates:
      description: The changes for M(secops.xdr.extrahop_detection), as its option O(secops.xdr.extrahop_detection#module:detections).
      type: list
      elements: dict
    counts:
      description: The number of C(events), and of each outcome.
      type: dict
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.events import AlertReader, questions
from ..plugin_utils._attribution.groups import CASES, DETECTIONS, Group
from ..plugin_utils._attribution.plan import EVENTS, plan, with_updates
from ..plugin_utils._attribution.wording import Wording
from ..plugin_utils._filters import options_of, reported
from ..plugin_utils._role_options import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True)
class _Options:
    """The options with their defaults."""

    tags: Any = ()
    comment: str = ""
    ambiguous_comment: str = ""
    correct: bool = True
    correction_comment: str = ""
    address_field: str = "srcip"
    networks: Any = ()
    tag_field: str | None = None
    cases: Sequence[dict[str, Any]] = ()
    detections: Sequence[dict[str, Any]] = ()
    case_update: Mapping[str, Any] = field(default_factory=dict)
    detection_update: Mapping[str, Any] = field(default_factory=dict)


@reported
def attribution_plan(
    events: Sequence[dict[str, Any]],
    matches: Sequence[dict[str, Any]] | None = None,
    update: Mapping[str, Any] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """The plan for these events, cases and detections."""
    options = options_of(_Options, given)
    reader = AlertReader.of(options.address_field, texts("networks", options.networks), options.tag_field)
    comments = {name: getattr(options, name) for name in ("comment", "ambiguous_comment", "correction_comment")}
    wording = Wording.of(texts("tags", options.tags), comments, corrects=bool(options.correct))
    alerts = [reader.alert(event) for event in events]
    groups = [Group.of_case(case, reader) for case in options.cases]
    groups += [Group.of_detection(detection, reader) for detection in options.detections]
    asked = {"questions": questions([*alerts, *(alert for group in groups for alert in group.alerts)])}
    if matches is None:
        return asked
    results = {EVENTS: update or {}, CASES: options.case_update, DETECTIONS: options.detection_update}
    return {**asked, **with_updates(plan(alerts, groups, matches, wording), results)}


class FilterModule:
    """The class that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_plan": attribution_plan}
