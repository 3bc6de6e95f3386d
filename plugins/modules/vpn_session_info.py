#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vpn_session_info
short_description: Find out who had a VPN address at a time, and list VPN sessions
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Answers the first question about an alert, for thousands of alerts at once. Which user had this VPN address at this time?
  - Answers come from logs (O(path), O(paths)), which are read in one pass and may be of any size, or from a session history (O(history))
    that M(secops.xdr.vpn_session) keeps.
  - A user is named only if the evidence allows one answer. Otherwise RV(matches[].session) is null, and RV(matches[].reason) and
    RV(matches[].doubts) say why. The guide R(attribution,ansible_collections.secops.xdr.docsite.guide_attribution) explains the rules.
  - Also lists sessions. Every row of a log is counted as a session, skipped with a reason, or rejected with its line and reason.
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
  paths:
    description:
      - Several logs of one gateway, as files or patterns, compressed or not. They are read as one log, in the order of their content.
      - Between two logs that follow each other by number, such as C(vpn.log.1) and C(vpn.log), there is no gap. Between others, the time
        from the last row of one to the first row of the next is not covered.
    type: list
    elements: path
    version_added: 1.1.0
  history:
    description:
      - The session history that M(secops.xdr.vpn_session) keeps. The absolute path of a SQLite file, or C(postgresql://...).
      - Set one of O(path), O(paths) and O(history). Without any of them, the default history is used.
      - If not set, the environment variable E(SECOPS_XDR_HISTORY) is used, then C(secops.xdr/sessions.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state).
    type: str
    version_added: 1.1.0
  gateways:
    description:
      - With a history, only these gateways can have assigned an address. Others are ignored.
      - If not set, the history must cover the time of the question for every gateway that ever assigned the address or whose networks
        contain it.
    type: list
    elements: str
    version_added: 1.1.0
  match:
    description:
      - Addresses and times. For each of them, RV(matches) has the session that had the address at this time, or the reason why nobody is
        named.
      - An invalid question, such as one about V(0.0.0.0), gets the reason V(invalid_question). The others are still answered.
      - The options that filter sessions do not affect the answers.
    type: list
    elements: dict
    suboptions:
      ipaddr:
        description:
          - The VPN address.
        type: raw
      timestamp:
        description:
          - The time. An epoch number in seconds or milliseconds (of the years 1980 to 2099, no number can be both), an ISO 8601 time, or
            a time in O(timestamp_format). O(timezone) applies where it has no zone.
        type: raw
  tolerance:
    description:
      - The number of seconds by which the clocks of the gateway and of the system that reported the time may differ.
      - If the address changed hands within this time before or after the question, nobody is named.
    type: int
    default: 30
    version_added: 1.1.0
  longest_session:
    description:
      - The number of hours for which a session without a known end counts as open, from its start or its last sign of life.
    type: int
    default: 24
    version_added: 1.1.0
  users:
    description:
      - Lists only sessions of these users. Names are compared as the log writes them, without regard to case.
    type: list
    elements: str
  ipaddrs:
    description:
      - Lists only sessions with these VPN addresses.
    type: list
    elements: str
  since:
    description:
      - Lists only sessions that began at this time or later. A time as in O(match[].timestamp).
    type: raw
  until:
    description:
      - Lists only sessions that began before this time. A time as in O(match[].timestamp).
    type: raw
  limit:
    description:
      - The maximum number of sessions in the list, the earliest first. RV(counts.selected) is the number without this limit.
    type: int
    default: 1000
  complete_until:
    description:
      - The time until which the log is known to be complete, or V(now) for a log that a gateway is writing right now.
      - If not set, the log covers the time up to the last time in it. Questions about later times get the reason V(after_log_end), because
        the age of a file does not show that nothing happened since.
      - If the log was last written to more than an hour before this time, a warning says so.
      - Not used with snapshots (O(format=openvpn_status) and O(format=wireguard)), which show only one moment.
    type: raw
  on_invalid:
    description:
      - With V(skip), invalid rows are counted and listed. Answers that such a row may have changed become doubtful; all other questions
        are answered as usual.
      - With V(fail), a single invalid row fails the module.
      - The default was V(fail) before version 1.1.0.
    type: str
    choices: [fail, skip]
    default: skip
notes:
  - Options for the input are O(history) and O(on_invalid).
  - Options for the questions are O(match), O(users), O(ipaddrs), O(since), O(until) and O(limit).
  - Options for the evidence are O(gateways), O(tolerance), O(longest_session) and O(complete_until).
seealso:
  - module: secops.xdr.vpn_session
  - module: secops.xdr.extrahop_observation
"""

EXAMPLES = r"""
- name: Who had the address of this alert?
  secops.xdr.vpn_session_info:
    path: /var/log/openvpn/log.csv
    match:
      - ipaddr: 10.8.3.7
        timestamp: "2024-05-31T08:15:00Z"
  register: who

- name: Show the user, or why nobody is named
  ansible.builtin.debug:
    msg: "{{ answer.session.username if answer.session else answer.reason ~ ': ' ~ answer.doubts | join('; ') }}"
  vars:
    answer: "{{ who.matches[0] }}"

- name: Ask the history of all gateways
  secops.xdr.vpn_session_info:
    history: postgresql://xdr@db.example.com/xdr
    match:
      - ipaddr: 10.8.3.7
        timestamp: 1717143300

- name: Ask a log and its rotated predecessors
  secops.xdr.vpn_session_info:
    paths: [/var/log/remote/asa.log, /var/log/remote/asa.log.*]
    format: cisco_asa
    timezone: Europe/Berlin
    complete_until: now
    match: "{{ alerts }}"

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
    - The sessions that pass all filters, the earliest first, at most O(limit).
    - Empty if O(match) is given without a filter.
  returned: success
  type: list
  elements: dict
  contains:
    line:
      description: The line of the log on which the session begins.
      type: int
      sample: 118
    username:
      description: The user; empty if the log names none.
      type: str
      sample: jdoe
    ipaddr:
      description: The VPN address.
      type: str
      sample: 10.8.3.7
    associated_ipaddr:
      description: The public address of the user; null if it is not in the log.
      type: str
      sample: 203.0.113.9
    start:
      description: When it began, in ISO 8601 and UTC. Null for a candidate if the log has only its end.
      type: str
      sample: '2024-05-31T07:58:12Z'
    end:
      description: When it ended, in ISO 8601 and UTC; null if no row of the log ends it.
      type: str
      sample: '2024-05-31T16:02:40Z'
    start_epoch:
      description: When it began, in epoch seconds.
      type: int
      sample: 1717142292
    end_epoch:
      description: When it ended, in epoch seconds; null if no row of the log ends it.
      type: int
      sample: 1717171360
    gateway:
      description: The gateway, in answers from a history; null in answers from logs.
      type: str
      sample: vpn1.example.com
  sample:
    - line: 118
      username: jdoe
      ipaddr: 10.8.3.7
      associated_ipaddr: 203.0.113.9
      start: "2024-05-31T07:58:12Z"
      end: "2024-05-31T16:02:40Z"
      start_epoch: 1717142292
      end_epoch: 1717171360
      gateway: null
matches:
  description: An answer to each item of O(match), in the same order.
  returned: success
  type: list
  elements: dict
  contains:
    ipaddr:
      description: The address of the question.
      type: str
      sample: 10.8.3.7
    timestamp:
      description: The time of the question, in ISO 8601 and UTC.
      type: str
      sample: '2024-05-31T08:15:00Z'
    session:
      description: The session that had the address at this time, with the keys of RV(sessions). Null unless the evidence allows one answer.
      type: dict
      sample: {username: jdoe, ipaddr: 10.8.3.7, associated_ipaddr: 203.0.113.9, start: "2024-05-31T07:58:12Z", end: "2024-05-31T16:02:40Z"}
    candidates:
      description: The sessions that may have had the address at this time, with the keys of RV(sessions), at most 100.
      type: list
      elements: dict
      sample: []
    ambiguous:
      description: Whether the reason is V(ambiguous).
      type: bool
      sample: false
    reason:
      description:
        - Why RV(matches[].session) is null; null if it is not.
        - V(unknown_address) if no log ever assigned the address. V(not_held) if nobody had it at this time. V(before_log_start),
          V(after_log_end) and V(not_covered) (a gap) if no log covers this time. V(ambiguous) if several users or gateways may have had
          it. V(doubtful) if something in the log casts doubt on the only candidate. V(invalid_question) if the address or the time is not
          usable.
      type: str
      sample: not_held
    doubts:
      description: The reasons for doubt, in words, with the lines of the log.
      type: list
      elements: str
      version_added: 1.1.0
      sample: ["line 17 cannot be read, and may have assigned the address"]
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
        gateway: null
      candidates: []
      ambiguous: false
      reason: null
      doubts: []
counts:
  description: The number of rows of the logs by result. With a history, only RV(counts.selected).
  returned: always
  type: dict
  contains:
    read:
      description: Rows that were read. A row with two VPN addresses, IPv4 and IPv6, is two sessions and counts twice.
      type: int
      sample: 5210
    sessions:
      description: Rows that are sessions.
      type: int
      sample: 4981
    selected:
      description: Sessions that pass all filters, listed or not.
      type: int
      sample: 12
    skipped:
      description:
        - Rows that are not sessions, by reason. The guide R(log formats,ansible_collections.secops.xdr.docsite.guide_log_formats) explains
          the reasons.
      type: dict
      sample: {failed_login: 226}
    rejected:
      description: Rows that are invalid.
      type: int
      sample: 3
  sample: {read: 5210, sessions: 4981, selected: 12, skipped: {failed_login: 226}, rejected: 3}
rejected_rows:
  description: The first 20 invalid rows.
  returned: when logs are read
  type: list
  elements: dict
  contains:
    line:
      description: The line in the log; the first is 1.
      type: int
      sample: 17
    reason:
      description: What is wrong with it.
      type: str
      sample: "'10.8.3.7:1194' is not an IP address; it seems to have a port: only 10.8.3.7 belongs here"
    path:
      description: The log, if several are read.
      type: str
      sample: /var/log/openvpn/log.csv
  sample: []
other_programs:
  description:
    - Lines of other programs, by program, for the 20 most frequent ones. They are counted as V(other_message).
    - For GlobalProtect, rows of other types are counted by their type.
  returned: if this run read such lines
  type: dict
  sample: {sshd: 4011, CRON: 96}
coverage:
  description: The spans of time that the logs cover.
  returned: success
  type: list
  elements: dict
  contains:
    gateway:
      description: The gateway, with a history; otherwise null.
      type: str
      sample: vpn1.example.com
    since:
      description: The first time covered, in ISO 8601 and UTC.
      type: str
      sample: '2024-05-31T00:00:03Z'
    until:
      description: The last time covered, in ISO 8601 and UTC.
      type: str
      sample: '2024-05-31T18:00:03Z'
  sample:
    - gateway: null
      since: "2024-05-31T00:00:03Z"
      until: "2024-05-31T18:00:03Z"
  version_added: 1.1.0
doubts:
  description: Causes of doubt around the times of O(match), at most 500. Not all of them changed an answer.
  returned: success
  type: list
  elements: dict
  contains:
    gateway:
      description: The gateway, with a history; otherwise null.
      type: str
      sample: vpn1.example.com
    ipaddr:
      description: The affected address; null if it affects all addresses.
      type: str
      sample: 10.8.3.7
    since:
      description: When the doubt begins, in ISO 8601 and UTC.
      type: str
      sample: "2024-05-31T00:00:03Z"
    until:
      description:
        - The latest time of the cause, in ISO 8601 and UTC. Sessions that were open stay doubtful until the address is assigned again.
      type: str
      sample: "2024-05-31T18:00:03Z"
    line:
      description: The line in the log; null if it is not about one line.
      type: int
      sample: 17
    reason:
      description: The cause, in words.
      type: str
      sample: "line 17 cannot be read, and may have assigned the address"
  sample: []
  version_added: 1.1.0
log_end:
  description: The last time that is covered, in ISO 8601 and UTC. Null if no time in the logs can be trusted.
  returned: success
  type: str
  sample: "2024-05-31T18:00:03Z"
timezone:
  description: The zone in which times without a zone were read.
  returned: success
  type: str
  sample: Europe/Berlin
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule
from ..module_utils._sessions.options import session_options
from ..module_utils._sessions.report import read_sessions


def main():  # type: () -> None
    """Runs the module."""
    module = XdrModule(supports_check_mode=True, **session_options().to_kwargs())
    with reported_by(module):
        module.exit_json(**read_sessions(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
