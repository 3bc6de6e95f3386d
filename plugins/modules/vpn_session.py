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
  - Takes sessions from VPN logs into a session history, so that M(secops.xdr.vpn_session_info) answers who had an address, for months
    back, over all gateways, and after logs were rotated away.
  - Each run goes on where the last one ended. Logs that were read before, also under another name or compressed since, add nothing twice.
    A session that was open is updated when a later row ends it.
  - Snapshots (O(format=openvpn_status) and O(format=wireguard)) show one moment only. Run the module every few minutes, and the history
    has the sessions.
  - The history holds user names and addresses. Protect it like the logs themselves.
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
      - RV(counts) tells what changed. The sessions of a log are too many to show.
  idempotent:
    description: A second run with the same options and the same input reports no change and sends no write.
    support: full
options:
  path:
    description:
      - A log on the host that runs the module. It may be compressed.
      - The file is opened once; what is appended while the module runs is read by the next run.
    type: path
  paths:
    description:
      - Several logs of the gateway, as files or patterns, compressed or not. They are read as one log, in the order of their content.
      - Name the rotated logs as well, so that rows which were written between the last run and the rotation are not missed. Otherwise
        the history has a gap there.
    type: list
    elements: path
  gateway:
    description:
      - The name of the gateway that wrote the logs. Use one name for all logs of a gateway, and another name for each gateway.
      - If not set, this is the host name of the host that runs the module.
    type: str
  networks:
    description:
      - The pools of VPN addresses that this gateway assigns, such as V(10.8.0.0/16).
      - An address of these networks is only attributed at times that the logs of this gateway cover, even if the gateway never assigned
        it before. This replaces the networks that were given before.
    type: list
    elements: str
  history:
    description:
      - The session history. An absolute path of a SQLite file, or C(postgresql://…) for a history that several hosts share.
      - If not set, the environment variable E(SECOPS_XDR_HISTORY) is used, then C(sessions.sqlite3) below the user's state directory.
    type: str
  retention:
    description:
      - Deletes sessions of all gateways that ended more than this number of days ago.
      - If not set, nothing is deleted.
    type: int
  on_invalid:
    description:
      - With V(skip), rows that cannot be used are counted and listed. They make doubtful what they may have changed.
      - With V(fail), a single row that cannot be used fails the module before anything is kept.
    type: str
    choices: [fail, skip]
    default: skip
seealso:
  - module: secops.xdr.vpn_session_info
"""

EXAMPLES = r"""
- name: Take the sessions of a gateway into the history, every five minutes
  secops.xdr.vpn_session:
    paths:
      - /var/log/openvpn/openvpn.log
      - /var/log/openvpn/openvpn.log.1
    format: openvpn_log
    gateway: vpn1.example.com
    networks: [10.8.0.0/16]
    timezone: Europe/Berlin

- name: Accumulate snapshots into sessions
  secops.xdr.vpn_session:
    path: /run/openvpn/status.log
    format: openvpn_status
    gateway: vpn2.example.com

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
    skipped:
      description: Rows that are no sessions, by reason.
      type: dict
    rejected:
      description: Rows that cannot be used.
      type: int
    added:
      description: Sessions that are new in the history.
      type: int
    updated:
      description: Sessions that the history had, and that have an end or a later sign of life now.
      type: int
    unchanged:
      description: Sessions that the history had just like that.
      type: int
    forgotten:
      description: Sessions that were deleted because of O(retention).
      type: int
  sample: {read: 5210, skipped: {other_message: 4011, session_end: 560}, rejected: 0, added: 590, updated: 12, unchanged: 0, forgotten: 0}
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
    path:
      description: The log, if several are read.
      type: str
  sample: []
coverage:
  description: What the history covers of this gateway.
  returned: success
  type: dict
  contains:
    gateway:
      description: The gateway.
      type: str
    since:
      description: The first time covered, in ISO 8601 and UTC; null if there is none.
      type: str
    until:
      description: The last time covered, in ISO 8601 and UTC; null if there is none.
      type: str
    gaps:
      description: The first 20 spans in between that no log covers.
      type: list
      elements: dict
      contains:
        since:
          description: The last time before the gap.
          type: str
        until:
          description: The first time after it.
          type: str
  sample:
    gateway: vpn1.example.com
    since: "2024-05-01T00:00:03Z"
    until: "2024-05-31T18:00:03Z"
    gaps: []
timezone:
  description: The zone that was used for times that carry none.
  returned: success
  type: str
  sample: Europe/Berlin
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._errors import reported_by
from ..module_utils._module import XdrModule
from ..module_utils._run import Run
from ..module_utils._sessions.ingest import take_sessions
from ..module_utils._sessions.ingest_options import ingest_options


def main() -> None:
    """Runs the module."""
    module = XdrModule(supports_check_mode=True, **ingest_options().to_kwargs())
    with reported_by(module):
        module.exit_json(**take_sessions(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
