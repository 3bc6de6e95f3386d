#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: extrahop_detection
short_description: Set status, resolution, assignee, ticket and note of ExtraHop detections
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Sets the status, resolution, assignee and ticket of detections, and writes their notes, for one detection or many.
  - The module reads the detection, writes only what differs, in one request, and reads the detection again. A change that did not take
    effect is an error.
  - ExtraHop replaces a note as a whole. To append a text, the module reads the note, sends it with the text added at its end, and reads it
    again.
  - If the note that comes back has the text in another form, such as in capitals or without its markup, the text counts as written, with
    one warning for the task, and the O(ledger) remembers the form.
requirements:
  - psycopg 3.2 or later, with a PostgreSQL O(ledger) only (C(pip install "psycopg[binary]"))
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.actiongroup_extrahop
  - secops.xdr.extrahop
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the fields before and after, and the note if O(note) is set.
  idempotent:
    support: partial
    details:
      - Not if the account may not read detections.
      - If ExtraHop changes more of a note than HTML escapes, white space and line ends, a host with another O(ledger) writes it once more.
options:
  id:
    description:
      - The ID of the detection. Use O(detections) for several.
    type: int
  status:
    description:
      - The status. V(open) is the state that ExtraHop shows for a detection without a status. V(new) can only be set through the REST API.
    type: str
    choices: [open, new, acknowledged, in_progress, closed]
  resolution:
    description:
      - The resolution. V(none) removes it. ExtraHop shows it for closed detections only.
    type: str
    choices: [none, action_taken, no_action_taken]
  assignee:
    description:
      - The user name of the assignee. An empty text removes the assignee.
    type: str
  ticket_id:
    description:
      - The ID of the ticket in your ticketing system. An empty text removes the ticket.
      - Some versions of ExtraHop may require a ticket with each update. The module sends the current one. If a detection has none and
        the server refuses the update, set this option.
    type: str
  note:
    description:
      - A text for the note of the detection.
      - Notes need the setting I(Track detections from an external ticketing system) in the Administration settings of ExtraHop, under
        I(System Configuration), I(Detection Tracking).
    type: str
  detections:
    description:
      - Several detections, each with its ID. What a detection does not set is taken from the options of the task.
      - The detections that M(secops.xdr.extrahop_detection_info) returns can be given as they are.
    type: list
    elements: dict
    suboptions:
      id:
        description: The ID of the detection.
        type: int
        required: true
      status:
        description: The same as O(status).
        type: str
        choices: [open, new, acknowledged, in_progress, closed]
      resolution:
        description: The same as O(resolution).
        type: str
        choices: [none, action_taken, no_action_taken]
      assignee:
        description: The same as O(assignee).
        type: str
      ticket_id:
        description: The same as O(ticket_id).
        type: str
      note:
        description: The same as O(note).
        type: str
      source:
        description: Not used; what M(secops.xdr.extrahop_detection_info) returns contains it.
        type: dict
      notes:
        description: Not used; what M(secops.xdr.extrahop_detection_info) returns contains it.
        type: str
      participants:
        description: Not used; what M(secops.xdr.extrahop_detection_info) returns may contain it.
        type: list
        elements: dict
  note_mode:
    description:
      - With V(append), O(note) is added at the end of the current note, on a new line, unless the note already has its lines, one after
        the other, as whole lines. Blank space around lines does not count.
      - With V(replace), the note is exactly O(note). An empty text deletes the note.
    type: str
    choices: [append, replace]
    default: append
  read_access:
    description:
      - Whether detections are read. With V(auto), an account without the right to read gets a warning, everything is written, and it is
        assumed that something changed. With V(required), such an account is an error. With V(none), nothing is ever read.
      - To append to a note, the module must read it, also with V(auto).
    type: str
    choices: [auto, required, none]
    default: auto
  concurrency:
    description:
      - The number of detections that are updated at once, at most 32.
    type: int
    default: 4
  ledger:
    description:
      - The record of the form that ExtraHop gives to notes. Only digests are stored. It takes the same values as the option of
        M(secops.xdr.extrahop_observation). It is opened only if a note is set.
      - If not set, the environment variable E(SECOPS_XDR_LEDGER) is used, then C(secops.xdr/ledger.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state) on the host that runs the module.
    type: str
notes:
  - Options for the input are O(id) and O(detections).
  - Options for writing are O(status), O(resolution), O(assignee), O(ticket_id), O(note), O(note_mode), O(read_access), O(concurrency) and
    O(ledger).
  - Notes have no versions. If somebody else writes a note between the moment when this module reads it and the moment when it writes it,
    that text can be lost. Nothing that the module read is ever lost with V(note_mode=append).
  - A note is never sent again blindly. After a request without a clear answer, the note is read for up to 60 seconds. If the text is not
    in it then, it is appended to what is there.
  - The account needs the right to change detections. ExtraHop does not document which right each call needs.
seealso:
  - module: secops.xdr.extrahop_detection_info
  - name: Configure ticket tracking for detections
    description: The guide of the vendor to the setting that notes and tickets need.
    link: https://docs.extrahop.com/current/detections-configure-ticket-tracking/
"""

EXAMPLES = r"""
- name: Close a detection with a note
  secops.xdr.extrahop_detection:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    id: 997222
    status: closed
    note: Backup traffic, agreed with the storage team.

- name: Hand a detection over with a ticket
  secops.xdr.extrahop_detection:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    id: 997222
    status: in_progress
    assignee: sally
    ticket_id: TK-16982

- name: Find the open detections of a day
  secops.xdr.extrahop_detection_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    status: [open, new]
    since: 24h
  register: found

- name: Acknowledge all of them
  secops.xdr.extrahop_detection:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    detections: "{{ found.detections }}"
    status: acknowledged

- name: Open two detections again, without assignee, and with other notes
  secops.xdr.extrahop_detection:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    status: open
    resolution: none
    assignee: ""
    note_mode: replace
    detections:
      - id: 997222
        note: Seen again on another host.
      - id: 997301
        note: ""
"""

RETURN = r"""
id:
  description: The ID of the detection.
  returned: for a single detection
  type: int
  sample: 997222
before:
  description: The detection before this run. V(null) if it was not read.
  returned: for a single detection
  type: dict
  contains:
    status:
      description: The status; V(open) if the detection has none.
      type: str
      sample: open
    resolution:
      description: The resolution; V(none) if the detection has none.
      type: str
      sample: none
    assignee:
      description: The assignee; empty if there is none.
      type: str
      sample: ""
    ticket_id:
      description: The ticket; empty if there is none.
      type: str
      sample: TK-16982
    note:
      description: The note; empty if there is none, V(null) if O(note) is not set.
      type: str
      sample: Seen before.
  sample: {status: open, resolution: none, assignee: "", ticket_id: TK-16982, note: Seen before.}
after:
  description: The detection after this run, as it was read; in check mode, as it would be. V(null) if it was not read.
  returned: for a single detection
  type: dict
  contains:
    status:
      description: The same as in RV(before).
      type: str
      sample: closed
    resolution:
      description: The same as in RV(before).
      type: str
      sample: none
    assignee:
      description: The same as in RV(before).
      type: str
      sample: ""
    ticket_id:
      description: The same as in RV(before).
      type: str
      sample: TK-16982
    note:
      description: The same as in RV(before).
      type: str
      sample: "Seen before.\nBackup traffic, agreed with the storage team."
  sample:
    status: closed
    resolution: none
    assignee: ""
    ticket_id: TK-16982
    note: "Seen before.\nBackup traffic, agreed with the storage team."
detections:
  description: The result for each detection, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The same as RV(id).
      type: int
      sample: 997222
    before:
      description: The same as RV(before).
      type: dict
      sample: {status: open, resolution: none, assignee: "", ticket_id: "", note: null}
    after:
      description: The same as RV(after).
      type: dict
      sample: {status: closed, resolution: none, assignee: "", ticket_id: "", note: null}
    changed:
      description: Whether this run changed the detection.
      type: bool
      sample: true
    failed:
      description: Whether it failed; the reason is in RV(failed_detections).
      returned: on failure
      type: bool
      sample: true
  sample:
    - id: 997222
      changed: true
      before: {status: open, resolution: none, assignee: "", ticket_id: "", note: null}
      after: {status: closed, resolution: none, assignee: "", ticket_id: "", note: null}
failed_detections:
  description: The detections that failed. With many detections, the others are still updated, and the task fails at the end.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: The place in O(detections), starting with 0.
      type: int
      sample: 1
    id:
      description: The same as RV(id).
      type: int
      sample: 997301
    reason:
      description: What is wrong, and what to do.
      type: str
      sample: "detections[1]: there is no detection 997301. Take the ID from extrahop_detection_info."
    outcome_unknown:
      description: Whether the update may have been carried out anyway.
      type: bool
      sample: false
  sample: []
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import extrahop_connection
from ..module_utils._detections.detection import DETECTIONS, update_detections
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = extrahop_connection().merged_with(DETECTIONS.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**update_detections(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
