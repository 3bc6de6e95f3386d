#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: stellar_ser_update
short_description: Set status, comments and tags of security events in Stellar Cyber
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Sets the status of security events, adds comments, and adds and removes tags, for one event or many.
  - The module reads the event, writes only what differs, and reads the event again. A change that did not take effect is an error.
  - Some servers rewrite comments and tags. HTML escapes, white space and line ends do not count as a difference. Other changes, such as
    another case or a shorter text, are learned from what the event shows after a write, and the O(ledger) remembers them. A text that
    came back rewritten counts as written, with one warning for the task.
requirements:
  - psycopg 3.2 or later, with a PostgreSQL O(ledger) only (C(pip install "psycopg[binary]"))
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.actiongroup_stellar
  - secops.xdr.stellar
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows status, comments and tags before and after.
  idempotent:
    support: partial
    details:
      - Not with O(comment_mode=always), and not if the account may not read events.
      - On a server that changes more of a comment than HTML escapes, white space and line ends, a host with another O(ledger) writes it
        once more.
options:
  index:
    description:
      - The index of the event, or its alias. Needed with O(id).
    type: str
  id:
    description:
      - The ID of the event.
    type: str
  status:
    description: &status
      - The status that the event must have; its case matters.
    type: str
    choices: &statuses [New, In Progress, Ignored, Closed]
  comment:
    description: &comment
      - A comment that the event must have.
    type: str
  add_tags:
    description: &add_tags
      - Tags that the event must have. Other tags are kept.
    type: list
    elements: str
  remove_tags:
    description: &remove_tags
      - Tags that the event must not have. A tag is removed in the server's spelling, if that is known; V(VPN) and V(vpn) are two tags.
    type: list
    elements: str
  events:
    description:
      - Many events, instead of one by O(index) and O(id).
      - O(status), O(comment), O(add_tags) and O(remove_tags) next to the list apply to all events that do not set their own value.
    type: list
    elements: dict
    suboptions:
      index:
        description:
          - The index of the event, or its alias.
        type: str
        required: true
      id:
        description:
          - The ID of the event.
        type: str
        required: true
      status:
        description: *status
        type: str
        choices: *statuses
      comment:
        description: *comment
        type: str
      add_tags:
        description: *add_tags
        type: list
        elements: str
      remove_tags:
        description: *remove_tags
        type: list
        elements: str
      source:
        description:
          - Not used. It allows you to pass the events that M(secops.xdr.stellar_ser_event_info) returns unchanged.
        type: dict
  comment_mode:
    description:
      - With V(once), a comment is written only if the event has none of the same text. With V(always), each run writes it again.
    type: str
    choices: [once, always]
    default: once
  endpoint:
    description:
      - The call that updates an event. On-premises servers have V(update_ser); newer servers and SaaS have V(security_events).
      - V(auto) uses the first of these two that the server has, for the whole task.
    type: str
    choices: [auto, update_ser, security_events]
    default: auto
  read_access:
    description:
      - Whether events are read. With V(auto), an account without the right to read gets a warning, everything is written, and it is
        assumed that something changed. Only the server's own refusal counts; a refusal by a gateway or firewall in front of it is an error.
      - With V(required), such an account is an error. With V(none), nothing is ever read.
    type: str
    choices: [auto, required, none]
    default: auto
  tag_field:
    description:
      - The field of an event in which this server keeps the tags of users.
      - If not set, the first of C(event_tags), C(event_tag) and C(tags) that has tags is used.
    type: str
  concurrency:
    description:
      - The number of events that are updated at once, at most 32.
    type: int
    default: 4
  ledger:
    description:
      - The record of how this server rewrites comments and tags. Only digests are stored. It takes the same values as the option of
        M(secops.xdr.stellar_ser_event).
      - If not set, the environment variable E(SECOPS_XDR_LEDGER) is used, then C(secops.xdr/ledger.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state) on the host that runs the module.
    type: str
    version_added: 1.1.0
notes:
  - Options for the input are O(index), O(id) and O(events).
  - Options for writing are O(status), O(comment), O(add_tags), O(remove_tags), O(comment_mode), O(endpoint), O(read_access),
    O(tag_field), O(concurrency) and O(ledger).
  - To update events, Stellar Cyber requires root scope and the Super Admin profile.
  - A comment is never sent again blindly. After a request without a clear answer, the event is read for up to 60 seconds to see whether the
    comment arrived, because a server can finish a write after a proxy gave up on it.
  - The call C(update_ser) takes a status, a comment and one tag in one request, and one request for each further tag. C(security_events)
    takes all tags in one request, and status and comment in another.
  - If the server does not read events by their ID, they are searched for. The search lags behind writes; the ledger remembers comments that
    were written, and the event is read for up to 60 seconds until it shows a change.
seealso:
  - module: secops.xdr.stellar_ser_event
  - module: secops.xdr.stellar_ser_event_info
"""

EXAMPLES = r"""
- name: Close an event with a comment
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    index: aella-ser-1610496070892-
    id: 7PW5SXcBlxPU3jFcFJ_s
    status: Closed
    comment: Analysis complete.

- name: Swap two tags
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    index: aella-ser-2022.03.01-
    id: qe2RR38Boj-otBRJ5J4w
    add_tags: [DevOps]
    remove_tags: [You_Are_It]

- name: Find events
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    filter:
      event_status: New
      srcip: 10.8.3.7
  register: found

- name: Tag all of them
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    events: "{{ found.events }}"
    add_tags: [vpn]
    concurrency: 8

- name: Update several events in different ways
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    comment: Reviewed by the night shift.
    events:
      - index: aella-ser-1610496070892-
        id: 7PW5SXcBlxPU3jFcFJ_s
        status: Ignored
      - index: aella-ser-1645142612360-
        id: Jfl7SH8Boj-otBRJeTR7
        status: In Progress
        add_tags: [escalated]

- name: Write with a scoped key, which may not read, on SaaS
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    auth_method: scoped_key
    api_key: "{{ stellar_scoped_key }}"
    endpoint: security_events
    read_access: none
    index: stellar-index-v1-ser-0123456789abcdef-1645142612360-
    id: Jfl7SH8Boj-otBRJeTR7
    status: In Progress

- name: Note each visit, on a server that keeps tags in a field of its own
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    read_access: required
    tag_field: user_tags
    index: aella-ser-1610496070892-
    id: 7PW5SXcBlxPU3jFcFJ_s
    add_tags: [visited]
    comment: "Visited at {{ now(utc=true) }}"
    comment_mode: always
"""

RETURN = r"""
index:
  description: The index as it was given.
  returned: for a single event
  type: str
  sample: aella-ser-1610496070892-
id:
  description: The ID as it was given.
  returned: for a single event
  type: str
  sample: 7PW5SXcBlxPU3jFcFJ_s
before:
  description: The event before this run. V(null) if it was not read.
  returned: for a single event
  type: dict
  contains:
    status:
      description: The status.
      type: str
      sample: New
    comments:
      description: The texts of all comments, oldest first.
      type: list
      elements: str
      sample: [Add first comments]
    tags:
      description: The tags.
      type: list
      elements: str
      sample: [vpn]
  sample: {status: New, comments: [Add first comments], tags: []}
after:
  description: The event after this run, as it was read; in check mode, as it would be. V(null) if it was not read.
  returned: for a single event
  type: dict
  contains:
    status:
      description: The status.
      type: str
      sample: Closed
    comments:
      description: The texts of all comments, oldest first.
      type: list
      elements: str
      sample: [Add first comments, Analysis complete.]
    tags:
      description: The tags.
      type: list
      elements: str
      sample: [vpn, "vpn_user:jsmith"]
  sample: {status: Closed, comments: [Add first comments, Analysis complete.], tags: []}
events:
  description: The result for each event, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    index:
      description: The same as RV(index).
      type: str
      sample: aella-ser-1610496070892-
    id:
      description: The same as RV(id).
      type: str
      sample: 7PW5SXcBlxPU3jFcFJ_s
    before:
      description: The same as RV(before).
      type: dict
      sample: {status: New, comments: [Add first comments], tags: []}
    after:
      description: The same as RV(after).
      type: dict
      sample: {status: Closed, comments: [Add first comments, Analysis complete.], tags: []}
    changed:
      description: Whether this run changed the event.
      type: bool
      sample: true
    failed:
      description: Whether it failed; the reason is in RV(failed_events).
      returned: on failure
      type: bool
      sample: true
failed_events:
  description: The events that failed. With many events, the others are still updated, and the task fails at the end.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: The place in O(events), starting with 0.
      type: int
      sample: 0
    index:
      description: The same as RV(index).
      type: str
      sample: aella-ser-1610496070892-
    id:
      description: The same as RV(id).
      type: str
      sample: 7PW5SXcBlxPU3jFcFJ_s
    reason:
      description: What is wrong, and what to do.
      type: str
      sample: "there is no such event: the server has no event with this id in this index. Check index and id."
    outcome_unknown:
      description: Whether the update may have been carried out anyway.
      type: bool
      sample: false
  sample: []
endpoint:
  description: The call that was used for updates. V(null) if none was sent and O(endpoint) is V(auto).
  returned: always
  type: str
  sample: update_ser
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import stellar_connection
from ..module_utils._errors import reported_by
from ..module_utils._events.event import EVENTS, update_events
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = stellar_connection().merged_with(EVENTS.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**update_events(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
