#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vpn_session_info
short_description: Read the sessions of a VPN log, and tell who had an address at a time
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Reads the same logs as M(secops.xdr.extrahop_observation), in the same way, and returns sessions. A session says that, from a time on,
    a user at an address on the internet had a VPN address.
  - With O(match), it answers the question that an analyst asks of an alert, for thousands of alerts in one pass over a log of any size.
  - Every row of the log is counted as a session, skipped with a reason, or rejected with its line and reason.
extends_documentation_fragment:
  - secops.xdr.vpn_log
attributes:
  check_mode:
    description: Makes the same reads and decisions as a real run and reports what it would do, without a single write.
    support: full
    details:
      - This module only reads.
  diff_mode:
    description: Shows what changed, or in check mode would change, when run with C(--diff).
    support: N/A
    details:
      - This module only reads.
  idempotent:
    description: A second run with the same options and the same input reports no change and sends no write.
    support: full
    details:
      - This module only reads.
options:
  path:
    description:
      - A log on the host that runs the module. It may be compressed with gzip.
      - The file is opened once; what is appended while the module runs is left out.
    type: path
    required: true
  match:
    description:
      - Addresses and times. For each of them, RV(matches) has the session that had the address then.
      - A session whose end the log tells lasts from its start to its end, both included.
      - A session whose end the log does not tell lasts until a session with the same address begins, whether of the same user or another,
        and whether that stands above or below it in the log; else until the end of the log, see O(complete_until).
      - So, where the log tells that one session was still on when another began at the same address, both have it until the first one
        ends. That, or two sessions without an end that begin at the same time, is ambiguous, and no choice is made.
      - The other options that filter sessions have no influence on the answers.
    type: list
    elements: dict
    suboptions:
      ipaddr:
        description:
          - The VPN address.
        type: str
        required: true
      timestamp:
        description:
          - The time. An epoch number in seconds or milliseconds (of the years 1980 to 2099, no number can be both), an ISO 8601 time, or
            a time in O(timestamp_format). O(timezone) applies where it has no zone.
        type: raw
        required: true
  users:
    description:
      - Sessions of these users only. Names are compared as the log writes them, without regard to case.
    type: list
    elements: str
  ipaddrs:
    description:
      - Sessions with these VPN addresses only.
    type: list
    elements: str
  since:
    description:
      - Sessions that began at this time or later. A time as in O(match[].timestamp).
    type: raw
  until:
    description:
      - Sessions that began before this time. A time as in O(match[].timestamp).
    type: raw
  limit:
    description:
      - How many sessions are listed at most, the first ones of the log. RV(counts.selected) is the number without this limit.
    type: int
    default: 1000
  complete_until:
    description:
      - The time until which the log is complete. A session without an end is taken to last until then, if nobody else was given its
        address.
      - If not set, this is the time when the file was last written to, unless that is more than 24 hours after the latest time in it, as
        with a copy of an old log; then it is the latest time in the log. With O(format=openvpn_status), it is always the time of the file,
        which names those who were connected then.
      - Set it for a live log, to a time up to which all that happened is in it, such as a few seconds ago. What is asked about after the
        last line of a quiet night is else taken to be later than the log.
    type: raw
  on_invalid:
    description:
      - With V(fail), a single row that cannot be used fails the module, so that no answer is given while part of the log was not
        understood.
      - With V(skip), such rows are counted and listed, and the rest is used. A log without rows is then only warned of.
    type: str
    choices: [fail, skip]
    default: fail
seealso:
  - module: secops.xdr.extrahop_observation
"""

EXAMPLES = r"""
- name: Who had the address of this alert?
  secops.xdr.vpn_session_info:
    path: /var/log/openvpn/export.csv
    format: openvpn_as
    match:
      - ipaddr: 10.8.3.7
        timestamp: "2024-05-31T08:15:00Z"
  register: who

- name: Show it
  ansible.builtin.debug:
    msg: "{{ who.matches[0].session.username | default('nobody: ' ~ who.matches[0].reason) }}"

- name: List the sessions of a user since Monday
  secops.xdr.vpn_session_info:
    path: /var/log/remote/asa.log
    format: cisco_asa
    timezone: Europe/Berlin
    users: [jdoe]
    since: "2024-05-27T00:00:00"
"""

RETURN = r"""
sessions:
  description:
    - The sessions that pass all filters, in the order of the log, at most O(limit).
    - Empty where O(match) is given and no filter.
  returned: success
  type: list
  elements: dict
  contains:
    line:
      description: The line of the log on which it begins.
      type: int
    username:
      description: The user, empty where the log does not tell.
      type: str
    ipaddr:
      description: The VPN address.
      type: str
    associated_ipaddr:
      description: The address of the user on the internet.
      type: str
    start:
      description: When it began, in ISO 8601 and UTC.
      type: str
    end:
      description: When it ended, in ISO 8601 and UTC; null where the log does not tell.
      type: str
    start_epoch:
      description: When it began, in epoch seconds.
      type: int
    end_epoch:
      description: When it ended, in epoch seconds; null where the log does not tell.
      type: int
  sample:
    - line: 118
      username: jdoe
      ipaddr: 10.8.3.7
      associated_ipaddr: 203.0.113.9
      start: "2024-05-31T07:58:12Z"
      end: "2024-05-31T16:02:40Z"
      start_epoch: 1717142292
      end_epoch: 1717171360
matches:
  description: An answer to each item of O(match), in the same order.
  returned: success
  type: list
  elements: dict
  contains:
    ipaddr:
      description: The address that was asked for.
      type: str
    timestamp:
      description: The time that was asked for, in ISO 8601 and UTC.
      type: str
    session:
      description: The session that had the address then, with the keys of RV(sessions). Null where there is none, or more than one.
      type: dict
    candidates:
      description:
        - All sessions that had the address then, with the keys of RV(sessions), at most 100. A session that stands in the log twice is one.
        - With RV(matches[].reason=after_log_end), the last session known to have had it.
      type: list
      elements: dict
    ambiguous:
      description: Whether there is more than one candidate.
      type: bool
    reason:
      description:
        - Why RV(matches[].session) is null. V(unknown_address) if the log has no session with this address, V(not_held) if none at this
          time, V(after_log_end) if it may have lasted until then but the log ends before, V(ambiguous) if there are several.
      type: str
  sample:
    - ipaddr: 10.8.3.7
      timestamp: "2024-05-31T08:15:00Z"
      session:
        line: 118
        username: jdoe
        ipaddr: 10.8.3.7
        associated_ipaddr: 203.0.113.9
        start: "2024-05-31T07:58:12Z"
        end: "2024-05-31T16:02:40Z"
        start_epoch: 1717142292
        end_epoch: 1717171360
      candidates: []
      ambiguous: false
      reason: null
counts:
  description: What became of every row of the log.
  returned: always
  type: dict
  contains:
    read:
      description: Rows that were read. A row with two VPN addresses, IPv4 and IPv6, is two sessions and counts twice.
      type: int
    sessions:
      description: Rows that are sessions.
      type: int
    selected:
      description: Sessions that pass all filters, listed or not.
      type: int
    skipped:
      description:
        - Rows that are none, by reason. The guide R(log formats,ansible_collections.secops.xdr.docsite.guide_log_formats) explains
          the reasons.
      type: dict
    rejected:
      description: Rows that cannot be used.
      type: int
  sample: {read: 5210, sessions: 4981, selected: 12, skipped: {failed_login: 226}, rejected: 3}
rejected_rows:
  description: The first 20 rows that cannot be used.
  returned: always
  type: list
  elements: dict
  contains:
    line:
      description: The line in the log; the first is 1.
      type: int
    reason:
      description: What is wrong with it.
      type: str
  sample: []
log_end:
  description: The time until which the log was taken to be complete, in ISO 8601 and UTC.
  returned: success
  type: str
  sample: "2024-05-31T18:00:03Z"
timezone:
  description: The zone that was used for times that carry none.
  returned: success
  type: str
  sample: Europe/Berlin
"""

from ..module_utils._errors import reported_by
from ..module_utils._module import SecretiveModule
from ..module_utils._run import Run
from ..module_utils._sessions.options import session_options
from ..module_utils._sessions.report import read_sessions


def main() -> None:
    """Runs the module."""
    module = SecretiveModule(supports_check_mode=True, **session_options().to_kwargs())
    with reported_by(module):
        module.exit_json(**read_sessions(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
