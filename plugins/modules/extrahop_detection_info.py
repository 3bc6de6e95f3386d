#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: extrahop_detection_info
short_description: Read detections from ExtraHop
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Reads one detection by its ID, or all detections that match a search. All given conditions must be met; of a list, one value is enough.
  - The module reads page after page until one is empty. Each detection is returned once.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.info
  - secops.xdr.attributes.actiongroup_extrahop
  - secops.xdr.extrahop
options:
  id:
    description:
      - The ID of a single detection.
    type: int
  status:
    description:
      - The status. V(open) is the state that ExtraHop shows for a detection without a status.
    type: list
    elements: str
    choices: [open, new, acknowledged, in_progress, closed]
  resolution:
    description:
      - The resolution. V(none) finds detections without one.
    type: list
    elements: str
    choices: [none, action_taken, no_action_taken]
  assignee:
    description:
      - The user name of the assignee. V(none) finds detections without one, V(me) those of the account that the credentials belong to.
    type: list
    elements: str
  ticket_id:
    description:
      - The ID of the ticket. V(none) finds detections without one.
    type: list
    elements: str
  types:
    description:
      - The type, such as V(rare_ssh_port).
    type: list
    elements: str
  categories:
    description:
      - The category, such as V(sec.attack).
    type: list
    elements: str
  risk_score_min:
    description:
      - The lowest risk score, from 0 to 100.
    type: int
  filter:
    description:
      - Further keys of the C(filter) in the body of the search, as ExtraHop's REST API Explorer describes them, such as C(recommended).
      - They are sent unchanged. V(null), for the option or for a value, is an error.
    type: dict
  since:
    description:
      - Finds detections that occurred after this time, also those that began before and were still going on.
      - Epoch milliseconds or ISO 8601 (UTC if it has no offset), or a span before now by the clock of the host that runs the module, such
        as V(24h) or V(7d).
    type: str
  until:
    description:
      - Finds detections that ended before this time, given as in O(since).
    type: str
  modified_since:
    description:
      - Finds detections that were changed after this time, given as in O(since).
    type: str
  sort:
    description:
      - The order of the detections. A field, or a field with C(:asc) or C(:desc), such as V(mod_time:desc).
      - If not set, the server decides. It documents the latest update first.
    type: list
    elements: str
  size:
    description:
      - The number of detections to request at once, at most 1000.
    type: int
    default: 1000
  limit:
    description:
      - The maximum number of detections to return.
    type: int
    default: 1000
  with_notes:
    description:
      - Also reads the note of each detection, with one request each.
      - Notes need the setting I(Track detections from an external ticketing system) in the Administration settings of ExtraHop, under
        I(System Configuration), I(Detection Tracking).
    type: bool
    default: false
  with_participants:
    description:
      - Also returns the participants of each detection with their addresses. Each device among them is read once.
      - A detection names devices by their ID. Their addresses are those that ExtraHop shows for the device now.
    type: bool
    default: false
notes:
  - Options for the search are O(id), O(status), O(resolution), O(assignee), O(ticket_id), O(types), O(categories), O(risk_score_min),
    O(filter), O(since), O(until) and O(modified_since).
  - Options for the result are O(with_notes), O(with_participants), O(sort), O(size) and O(limit).
  - An empty list finds nothing. V(null) as the value of a condition is an error, because it would match every detection.
  - If a detection does not match the conditions, the task fails, because this version of ExtraHop ignores a condition.
seealso:
  - module: secops.xdr.extrahop_detection
"""

EXAMPLES = r"""
- name: Read the detections of the last 24 hours
  secops.xdr.extrahop_detection_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    since: 24h

- name: Read only those that are open or new
  secops.xdr.extrahop_detection_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    status: [open, new]
    since: 24h

- name: Read one detection with its note and the addresses in it
  secops.xdr.extrahop_detection_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    id: 997222
    with_notes: true
    with_participants: true

- name: Find my worst detections, the latest change first
  secops.xdr.extrahop_detection_info:
    host: example.api.cloud.extrahop.com
    client_id: "{{ extrahop_client_id }}"
    client_secret: "{{ extrahop_client_secret }}"
    assignee: [me]
    risk_score_min: 80
    sort: ["mod_time:desc"]
    limit: 20

- name: Find what was recommended for triage and has no ticket yet
  secops.xdr.extrahop_detection_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    ticket_id: [none]
    filter:
      recommended: true
"""

RETURN = r"""
detections:
  description: The detections, in the order of O(sort). Empty if none was found.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the detection.
      type: int
      sample: 997222
    source:
      description: The detection as ExtraHop returns it. Times are epoch milliseconds.
      type: dict
      sample: {id: 997222, title: Rare SSH Port, status: in_progress, assignee: sally, risk_score: 60, start_time: 1673508360001}
    notes:
      description: The text of the note; empty if there is none, V(null) without O(with_notes=true).
      type: str
      sample: Seen before.
    participants:
      description: The participants and their addresses. RV(detections[].source) has the times.
      returned: with O(with_participants=true)
      type: list
      elements: dict
      contains:
        role:
          description: The role.
          type: str
          sample: offender
        external:
          description: Whether the participant is outside the network.
          type: bool
          sample: false
        device_id:
          description: The ID of the device; V(null) if the participant is an address.
          type: int
          sample: 1904
        ipaddrs:
          description: The addresses. Empty if ExtraHop shows none.
          type: list
          elements: str
          sample: [10.8.3.7]
        hostname:
          description: The host name, if the detection has one.
          type: str
          sample: laptop-7
        username:
          description: The user name, if the detection has one.
          type: str
          sample: null
      sample:
        - {role: offender, external: false, device_id: 1904, ipaddrs: [10.8.3.7], hostname: null, username: null}
  sample:
    - id: 997222
      notes: Seen before.
      source: {id: 997222, title: Rare SSH Port, status: in_progress, assignee: sally, risk_score: 60, start_time: 1673508360001}
total:
  description: The number of detections that match. V(null) if there are more than O(limit), because ExtraHop does not count them.
  returned: always
  type: int
  sample: 1
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import extrahop_connection
from ..module_utils._detections.search import DETECTION_SEARCH, read_detections
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = extrahop_connection().merged_with(DETECTION_SEARCH.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**read_detections(module.params, Run.of(module), module.null_options))


if __name__ == "__main__":
    main()
