#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: stellar_case
short_description: Set status, severity, assignee, description, tags and comments of cases in Stellar Cyber
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Sets status, severity, resolution, assignee and description of cases, adds and removes tags, and adds comments, for one case or many.
  - The module reads the case, writes only what differs, and reads the case again. A change that did not take effect is an error.
  - Some servers rewrite comments and tags. HTML escapes, white space and line ends do not count as a difference. Other changes, such as
    another case or a shorter text, are learned from what the case shows after a write, and the O(ledger) remembers them. A text that
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
      - Shows the parts of the case that this module can change, before and after.
  idempotent:
    support: partial
    details:
      - Not with O(comment_mode=always), and not if the account may not read cases.
      - If cases do not show their description, a host with another O(ledger) writes it once more.
      - If a case shows its assignee by a user ID or a display name and the account may not read the list of users, an O(assignee) that is
        given as an email address is written by each run.
      - On a server that changes more of a comment than HTML escapes, white space and line ends, a host with another O(ledger) writes it
        once more.
options:
  id:
    description:
      - The ID of the case, which has 24 digits and letters. M(secops.xdr.stellar_case_info) returns it.
    type: str
  ticket_id:
    description:
      - The number of the case, as the user interface shows it. It must belong to one case only.
    type: int
  status:
    description: &status
      - The status that the case must have; its case matters.
    type: str
    choices: &statuses [New, In Progress, Escalated, Resolved, Cancelled]
  severity:
    description: &severity
      - The severity that the case must have.
    type: str
    choices: &severities [Low, Medium, High, Critical]
  resolution:
    description: &resolution
      - The resolution of the case, sent with the status. Only together with O(status=Resolved).
      - For a case that is resolved already, it is written only if the case shows another resolution. Not every server shows it.
    type: str
    choices: &resolutions [True Positive, False Positive, Benign]
  update_alerts:
    description: &update_alerts
      - Whether the alerts of the case are closed as well. Only together with O(status=Resolved).
      - It is sent when the case is resolved, and never for a case that is resolved already.
    type: bool
  assignee:
    description: &assignee
      - The user that the case must be assigned to, by email address, user name or user ID, without regard to case.
      - With an empty text, the case must not have an assignee. It is not documented that every server can do that; if it does not, the task
        fails.
    type: str
  description:
    description: &description
      - The description that the case must have. An empty text removes it, if the server can do that.
      - It is not documented that cases show their description. If a case does not, it is assumed that the server wrote it, with a warning,
        and the O(ledger) remembers which one was written last, so that no run writes the same one again.
    type: str
  add_tags:
    description: &add_tags
      - Tags that the case must have. Other tags are kept.
    type: list
    elements: str
  remove_tags:
    description: &remove_tags
      - Tags that the case must not have. A tag is removed in the server's spelling, if that is known; V(VPN) and V(vpn) are two tags.
    type: list
    elements: str
  comment:
    description: &comment
      - A comment that the case must have. Comments are read only if this is set.
    type: str
  cases:
    description:
      - Many cases, instead of one by O(id) or O(ticket_id). Each has an O(cases[].id) or an O(cases[].ticket_id).
      - The options beside the list apply to all cases that have no value of their own.
    type: list
    elements: dict
    suboptions:
      id:
        description:
          - The ID of the case.
        type: str
      ticket_id:
        description:
          - The number of the case. Beside O(cases[].id), it must be the number of that case.
        type: int
      status:
        description: *status
        type: str
        choices: *statuses
      severity:
        description: *severity
        type: str
        choices: *severities
      resolution:
        description: *resolution
        type: str
        choices: *resolutions
      update_alerts:
        description: *update_alerts
        type: bool
      assignee:
        description: *assignee
        type: str
      description:
        description: *description
        type: str
      add_tags:
        description: *add_tags
        type: list
        elements: str
      remove_tags:
        description: *remove_tags
        type: list
        elements: str
      comment:
        description: *comment
        type: str
      source:
        description: &unused
          - Not used. It allows you to pass the cases that M(secops.xdr.stellar_case_info) returns unchanged.
        type: dict
      comments:
        description: *unused
        type: list
        elements: raw
      alerts:
        description: *unused
        type: list
        elements: dict
  comment_mode:
    description:
      - With V(once), a comment is written only if the case has none of the same text. With V(always), each run writes it again.
    type: str
    choices: [once, always]
    default: once
  endpoint:
    description:
      - The call that updates a case. V(put) is C(PUT /cases/ID). V(post) is C(POST /cases?id=ID) of version 4.3.
      - V(auto) uses V(put). It uses V(post) only if the server can neither read nor change a case by C(/cases/ID) and its list has the
        case, because a newer server makes a new case of this call.
    type: str
    choices: [auto, put, post]
    default: auto
  read_access:
    description:
      - Whether cases are read. With V(auto), an account without the right to read gets a warning, everything is written, and it is assumed
        that something changed. Only the server's own refusal counts; a refusal by a gateway or firewall in front of it is an error.
      - With V(required), such an account is an error. With V(none), nothing is ever read, and a O(ticket_id) cannot be used.
    type: str
    choices: [auto, required, none]
    default: auto
  concurrency:
    description:
      - The number of cases that are updated at once, at most 32.
    type: int
    default: 4
  ledger:
    description:
      - The record of how this server rewrites comments, tags and descriptions. Only digests are stored. It takes the same values as the
        option of M(secops.xdr.stellar_ser_event). It is opened only if comments, tags or a description are set.
      - If not set, the environment variable E(SECOPS_XDR_LEDGER) is used, then C(secops.xdr/ledger.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state) on the host that runs the module.
    type: str
notes:
  - Options for the input are O(id), O(ticket_id) and O(cases).
  - Options for writing are O(status), O(severity), O(resolution), O(update_alerts), O(assignee), O(description), O(add_tags),
    O(remove_tags), O(comment), O(comment_mode), O(endpoint), O(read_access), O(concurrency) and O(ledger).
  - The rights that an account needs are not documented. The account must at least be able to see the tenant of the case.
  - A comment is never sent again blindly. After a request without a clear answer, the comments of the case are read for up to 60 seconds to
    see whether the comment arrived, because a server can finish a write after a proxy gave up on it.
  - The fields are sent in one request, and the comment in another after it.
seealso:
  - module: secops.xdr.stellar_case_info
  - module: secops.xdr.stellar_ser_update
"""

EXAMPLES = r"""
- name: Comment on a case
  secops.xdr.stellar_case:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    ticket_id: 1042
    comment: Seen by the night shift.

- name: Take a case over and tag it
  secops.xdr.stellar_case:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    id: 64f1a2b3c4d5e6f708192a3b
    status: In Progress
    severity: High
    assignee: ann@example.com
    add_tags: [vpn]
    remove_tags: [untriaged]

- name: Resolve a case together with its alerts
  secops.xdr.stellar_case:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    ticket_id: 1042
    status: Resolved
    resolution: False Positive
    update_alerts: true

- name: Find the new cases of the last day
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    status: [New]
    since: 24h
  register: found

- name: Tag all of them
  secops.xdr.stellar_case:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    cases: "{{ found.cases }}"
    add_tags: [reviewed]
    concurrency: 8

- name: Update several cases in different ways
  secops.xdr.stellar_case:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    comment: Reviewed by the night shift.
    cases:
      - ticket_id: 1042
        status: Cancelled
      - id: 64f1a2b3c4d5e6f708192a3b
        status: Escalated
        assignee: ""

- name: Write with an account that may not read, once a visit
  secops.xdr.stellar_case:
    host: stellar.example.com
    auth_method: scoped_key
    api_key: "{{ stellar_scoped_key }}"
    endpoint: put
    read_access: none
    id: 64f1a2b3c4d5e6f708192a3b
    comment: "Visited at {{ now(utc=true) }}"
    comment_mode: always
"""

RETURN = r"""
id:
  description: The ID of the case. V(null) if the case was not found by its number.
  returned: for a single case
  type: str
  sample: 64f1a2b3c4d5e6f708192a3b
ticket_id:
  description: The number of the case. V(null) if it is not known.
  returned: for a single case
  type: int
  sample: 1042
before:
  description: The case before this run. V(null) if it was not read.
  returned: for a single case
  type: dict
  contains: &state
    status:
      description: The status.
      type: str
      sample: New
    severity:
      description: The severity.
      type: str
      sample: High
    assignee:
      description: The assignee as the case shows it. V(null) if there is none.
      type: str
      sample: ann@example.com
    tags:
      description: The tags.
      type: list
      elements: str
      sample: [vpn]
    comments:
      description: The texts of all comments. V(null) if they were not read, which is so unless O(comment) is set.
      type: list
      elements: str
      sample: [Seen by the night shift.]
    resolution:
      description: The resolution.
      returned: if the case shows one
      type: str
      sample: False Positive
    description:
      description: The description.
      returned: if the case shows one
      type: str
      sample: The VPN account of ann was used from two countries.
  sample: {status: New, severity: High, assignee: null, tags: [], comments: []}
after:
  description: The case after this run, as it was read; in check mode, as it would be. V(null) if it was not read.
  returned: for a single case
  type: dict
  contains: *state
  sample: {status: In Progress, severity: High, assignee: ann@example.com, tags: [vpn], comments: [Seen by the night shift.]}
cases:
  description: The result for each case, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The same as RV(id).
      type: str
      sample: 64f1a2b3c4d5e6f708192a3b
    ticket_id:
      description: The same as RV(ticket_id).
      type: int
      sample: 1042
    before:
      description: The same as RV(before).
      type: dict
      sample: {status: New, severity: High, assignee: null, tags: [], comments: null}
    after:
      description: The same as RV(after).
      type: dict
      sample: {status: New, severity: High, assignee: null, tags: [vpn], comments: null}
    changed:
      description: Whether this run changed the case.
      type: bool
      sample: true
    failed:
      description: Whether it failed; the reason is in RV(failed_cases).
      returned: on failure
      type: bool
      sample: true
  sample:
    - id: 64f1a2b3c4d5e6f708192a3b
      ticket_id: 1042
      changed: true
      before: {status: New, severity: High, assignee: null, tags: [], comments: null}
      after: {status: New, severity: High, assignee: null, tags: [vpn], comments: null}
failed_cases:
  description: The cases that failed. With many cases, the others are still updated, and the task fails at the end.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: The place in O(cases), starting with 0.
      type: int
      sample: 2
    id:
      description: The same as RV(id).
      type: str
      sample: 64f1a2b3c4d5e6f708192a3c
    ticket_id:
      description: The same as RV(ticket_id).
      type: int
      sample: 1043
    reason:
      description: What is wrong, and what to do.
      type: str
      sample: "cases[2]: no such case: there is no case 64f1a2b3c4d5e6f708192a3c that this account may see."
    outcome_unknown:
      description: Whether the update may have been carried out anyway.
      type: bool
      sample: false
  sample: []
endpoint:
  description: The call that was used to update fields, V(put) or V(post). V(null) if none was used.
  returned: always
  type: str
  sample: put
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import stellar_connection
from ..module_utils._cases.case import update_cases
from ..module_utils._cases.state import CASES
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = stellar_connection().merged_with(CASES.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**update_cases(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
