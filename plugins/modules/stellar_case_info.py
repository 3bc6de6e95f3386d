#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: stellar_case_info
short_description: Read cases from Stellar Cyber
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Reads one case by its ID or number, or all cases that match a search. All given conditions must be met.
  - Results of more than one page are put together, and each case is returned once. If the server does not give all cases that it counts,
    the task fails.
  - The result is checked against O(status), O(severity), O(tags), O(exclude_tags), O(min_score), O(since) and O(until). Cases that do not
    meet a condition are left out, with a warning that the server ignored it; RV(total_is_exact) is then V(false).
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.info
  - secops.xdr.attributes.actiongroup_stellar
  - secops.xdr.stellar
options:
  id:
    description:
      - The ID of a single case.
    type: str
  ticket_id:
    description:
      - The number of a single case, as the user interface shows it.
    type: int
  status:
    description:
      - The status of the cases. One of several is enough.
    type: list
    elements: str
    choices: [New, In Progress, Escalated, Resolved, Cancelled]
  severity:
    description:
      - The severity of the cases. One of several is enough.
    type: list
    elements: str
    choices: [Low, Medium, High, Critical]
  tags:
    description:
      - Tags of which the cases have at least one.
    type: list
    elements: str
  exclude_tags:
    description:
      - Tags that the cases must not have.
    type: list
    elements: str
  assignee:
    description:
      - The assignee of the cases, as the server knows it. Which form it expects is not documented.
    type: str
  tenant_id:
    description:
      - The ID of the tenant that the cases belong to.
    type: str
  min_score:
    description:
      - The lowest score of the cases.
    type: float
  filter:
    description:
      - Further arguments of the call C(GET /cases), such as C(NOT~assignee), and their values. They are sent unchanged; several values
        are separated by commas. Newer servers ignore arguments that they do not know.
      - V(null), for the option or for a value, is an error, because it would match every case.
    type: dict
  since:
    description:
      - The earliest time of the cases, in epoch milliseconds or ISO 8601 (UTC if it has no offset), or a span before now by the clock of
        the host that runs the module, such as V(24h), V(7d) or V(90m).
      - If not set, cases of any age are searched. Newer servers would otherwise list only the last day, so the module always sends a time.
    type: str
  until:
    description:
      - The time before which the time of the cases must be, as with O(since).
    type: str
  time_field:
    description:
      - The time that O(since) and O(until) refer to.
    type: str
    choices: [created_at, modified_at]
    default: created_at
  sort:
    description:
      - The order of the cases. A field, or a field with C(:asc) or C(:desc).
    type: str
    default: created_at:desc
  size:
    description:
      - The number of cases to request at once, at most 500.
    type: int
    default: 100
  limit:
    description:
      - The maximum number of cases to return; RV(total) counts all of them.
    type: int
    default: 1000
  with_comments:
    description:
      - Also read the comments of each case. This takes a request for each case.
    type: bool
    default: false
  with_alerts:
    description:
      - Also read the alerts of each case, which contain addresses, users and times. This takes two requests for each case, and one for
        every further 50 alerts.
    type: bool
    default: false
notes:
  - Options for the search are O(id), O(ticket_id), O(status), O(severity), O(tags), O(exclude_tags), O(assignee), O(tenant_id),
    O(min_score), O(filter), O(since), O(until) and O(time_field).
  - Options for the result are O(with_comments), O(with_alerts), O(sort), O(size) and O(limit).
  - One request contains one value of O(status), O(severity) and O(tags) each. With several values, several lists are read and merged.
seealso:
  - module: secops.xdr.stellar_case
  - module: secops.xdr.stellar_ser_update
"""

EXAMPLES = r"""
- name: Read one case by its number
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    ticket_id: 1042

- name: Find the open cases of the last week that nobody reviewed
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    status: [New, In Progress]
    severity: [High, Critical]
    exclude_tags: [reviewed]
    since: 7d

- name: Read a case with its comments and alerts
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    id: 64f1a2b3c4d5e6f708192a3b
    with_comments: true
    with_alerts: true
  register: found

- name: Tag its alerts
  secops.xdr.stellar_ser_update:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    events: "{{ found.cases[0].alerts }}"
    add_tags: [case-1042]

- name: Find the ten worst cases of a tenant that changed in May, with one of two tags
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    tenant_id: 0123456789abcdef0123456789abcdef
    tags: [vpn, remote]
    min_score: 50
    time_field: modified_at
    since: "2024-05-01T00:00:00Z"
    until: "2024-06-01T00:00:00Z"
    sort: score:desc
    size: 500
    limit: 10

- name: Find the cases of one analyst, with an argument that has no option
  secops.xdr.stellar_case_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    assignee: ann@example.com
    filter:
      NOT~status: Cancelled
"""

RETURN = r"""
cases:
  description: The cases, in the order of O(sort). Empty if none was found.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the case.
      type: str
      sample: 64f1a2b3c4d5e6f708192a3b
    ticket_id:
      description: The number of the case. V(null) if the server shows none.
      type: int
      sample: 1042
    source:
      description: The case itself.
      type: dict
      sample: {_id: 64f1a2b3c4d5e6f708192a3b, ticket_id: 1042, name: Unusual login, status: New, severity: High}
    comments:
      description: The comments as the server has them.
      returned: with O(with_comments)
      type: list
      elements: dict
      sample: [{_id: 64f1a2b3c4d5e6f708192a3d, comment: Seen by the night shift., user: ann@example.com, created_at: 1693557499000}]
    alerts:
      description: The alerts of the case. M(secops.xdr.stellar_ser_update) takes them as its option C(events).
      returned: with O(with_alerts)
      type: list
      elements: dict
      contains:
        index:
          description: The index that the alert is in.
          type: str
          sample: aella-ser-1618012988732-
        id:
          description: The ID of the alert.
          type: str
          sample: ZbWyFnkBZsFu_Ay8bQxZ
        source:
          description: The alert itself, with its addresses and times.
          type: dict
          sample: {event_name: demo test, srcip: 10.8.2.6, timestamp: 1619583462308}
      sample:
        - index: aella-ser-1618012988732-
          id: ZbWyFnkBZsFu_Ay8bQxZ
          source: {event_name: demo test, srcip: 10.8.2.6, timestamp: 1619583462308}
  sample:
    - id: 64f1a2b3c4d5e6f708192a3b
      ticket_id: 1042
      source:
        _id: 64f1a2b3c4d5e6f708192a3b
        ticket_id: 1042
        name: Unusual login
        status: New
        severity: High
        created_at: 1693557427000
total:
  description: The number of cases that match, also beyond O(limit).
  returned: always
  type: int
  sample: 1
total_is_exact:
  description: Whether RV(total) is exact. It is not if the server ignored a condition, if the number of cases changed while they were read,
    and if O(limit) cut a search for several O(tags).
  returned: always
  type: bool
  sample: true
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import stellar_connection
from ..module_utils._cases.search import CASE_SEARCH, read_cases
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = stellar_connection().merged_with(CASE_SEARCH.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**read_cases(module.params, Run.of(module), module.null_options))


if __name__ == "__main__":
    main()
