#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: vpn_session
short_description: Keep a history of VPN sessions
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Adds sessions from VPN logs to a session history. M(secops.xdr.vpn_session_info) can then say who had an address, over months and all
    gateways, even after logs were rotated away.
  - Each run continues where the last one ended. A log that was read before adds nothing again, not even if it was renamed or compressed
    since. An open session is updated when a later row ends it.
  - Snapshots (O(format=openvpn_status) and O(format=wireguard)) show only one moment. Run the module every few minutes to build sessions
    from them. Nobody is named between the last snapshot that shows a session and the first that does not.
  - A log covers the time up to its last row. A quiet night is covered as soon as the next row was read, so this module has no option
    such as O(secops.xdr.vpn_session_info#module:complete_until). If the last minutes matter, let the gateway log more often, or ask the log
    itself.
  - The history contains user names and addresses. Protect it like the logs themselves.
extends_documentation_fragment:
  - secops.xdr.vpn_log
attributes:
  check_mode:
    description: Makes the same reads and decisions as a real run and reports what it would do, without a single write.
    support: full
  diff_mode:
    description: Shows what changed, or in check mode would change, when run with C(--diff).
    support: none
    details:
      - RV(counts) says what changed. A log has too many sessions to show.
  idempotent:
    description: A second run with the same options and the same input reports no change and sends no write.
    support: full
options:
  paths:
    description:
      - Several logs of the gateway, as files or patterns, compressed or not. They are read as one log, in the order of their content.
      - List the rotated logs as well, so that rows written between the last run and the rotation are not missed. Otherwise the history
        has a gap there.
    type: list
    elements: path
  gateway:
    description:
      - The name of the gateway that wrote the logs. Use one name for all logs of a gateway, and another name for each gateway.
      - If not set, this is the host name of the host that runs the module.
    type: str
  networks:
    description:
      - The networks of VPN addresses that this gateway assigns, such as V(10.8.0.0/16).
      - An address of these networks is only attributed at times that the logs of this gateway cover, even if the gateway never assigned
        it before. This replaces the networks of earlier runs.
    type: list
    elements: str
  history:
    description:
      - The session history. The absolute path of a SQLite file, or C(postgresql://...) for a history that several hosts share.
      - If not set, the environment variable E(SECOPS_XDR_HISTORY) is used, then C(secops.xdr/sessions.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state).
    type: str
  retention:
    description:
      - Deletes sessions of all gateways that ended more than this number of days ago.
      - If not set, nothing is deleted.
    type: int
  on_invalid:
    description:
      - With V(skip), invalid rows are counted and listed. Answers that such a row may have changed become doubtful.
      - With V(fail), a single invalid row fails the module before anything is stored.
    type: str
    choices: [fail, skip]
    default: skip
notes:
  - The option for the input is O(on_invalid).
  - Options for the evidence are O(gateway) and O(networks).
  - Options for writing are O(history) and O(retention).
seealso:
  - module: secops.xdr.vpn_session_info
"""

EXAMPLES = r"""
- name: Build sessions from snapshots
  secops.xdr.vpn_session:
    path: /run/openvpn/status.log
    format: openvpn_status
    gateway: vpn2.example.com

- name: Add the new sessions of a gateway to the history, every five minutes
  secops.xdr.vpn_session:
    paths:
      - /var/log/openvpn/openvpn.log
      - /var/log/openvpn/openvpn.log.1
    format: openvpn_log
    gateway: vpn1.example.com
    networks: [10.8.0.0/16]
    timezone: Europe/Berlin

- name: Keep one history for all gateways, for a year
  secops.xdr.vpn_session:
    path: /var/log/remote/asa.log
    format: cisco_asa
    gateway: asa1
    history: postgresql://xdr@db.example.com/xdr
    retention: 365
"""

RETURN = r"""
counts:
  description: The number of rows and sessions by result.
  returned: always
  type: dict
  contains:
    read:
      description: Rows that were read by this run.
      type: int
      sample: 5210
    skipped:
      description: Rows that are not sessions, by reason.
      type: dict
      sample: {other_message: 4011, session_end: 560}
    rejected:
      description: Rows that are invalid.
      type: int
      sample: 0
    added:
      description: New sessions.
      type: int
      sample: 590
    updated:
      description: Known sessions that now have an end or a later sign of life.
      type: int
      sample: 12
    unchanged:
      description: Known sessions that did not change.
      type: int
      sample: 0
    forgotten:
      description: Sessions that were deleted because of O(retention).
      type: int
      sample: 0
  sample: {read: 5210, skipped: {other_message: 4011, session_end: 560}, rejected: 0, added: 590, updated: 12, unchanged: 0, forgotten: 0}
rejected_rows:
  description: The first 20 invalid rows.
  returned: always
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
  description: The time that the history covers for this gateway.
  returned: success
  type: dict
  contains:
    gateway:
      description: The gateway.
      type: str
      sample: vpn1.example.com
    since:
      description: The first time covered, in ISO 8601 and UTC; null if there is none.
      type: str
      sample: '2024-05-01T00:00:03Z'
    until:
      description: The last time covered, in ISO 8601 and UTC; null if there is none.
      type: str
      sample: '2024-05-31T18:00:03Z'
    gaps:
      description: The first 20 spans of time in between that no log covers.
      type: list
      elements: dict
      contains:
        since:
          description: The last time before the gap.
          type: str
          sample: "2024-05-12T03:10:00Z"
        until:
          description: The first time after the gap.
          type: str
          sample: "2024-05-12T03:40:21Z"
  sample:
    gateway: vpn1.example.com
    since: "2024-05-01T00:00:03Z"
    until: "2024-05-31T18:00:03Z"
    gaps: []
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
from ..module_utils._sessions.ingest import take_sessions
from ..module_utils._sessions.options import ingest_options


def main():  # type: () -> None
    """Runs the module."""
    module = XdrModule(supports_check_mode=True, **ingest_options().to_kwargs())
    with reported_by(module):
        module.exit_json(**take_sessions(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
