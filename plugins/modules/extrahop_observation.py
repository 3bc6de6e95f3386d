#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: extrahop_observation
short_description: Upload VPN address observations to ExtraHop
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Uploads observations to ExtraHop. An observation says which public address (O(observations[].associated_ipaddr)) was behind the VPN
    address of a client (O(observations[].ipaddr)) at a time.
  - They are read from a VPN log of any size, or given as a list.
  - What the appliance accepted is recorded in a ledger, so that a second run sends nothing, and a run after a failure sends only the rest.
  - Every row of the input is counted as uploaded, already uploaded, skipped with a reason, or rejected with its line and reason.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.actiongroup_extrahop
  - secops.xdr.extrahop
  - secops.xdr.vpn_log
requirements:
  - psycopg 3.2 or later, with a PostgreSQL O(ledger) only (C(pip install "psycopg[binary]"))
attributes:
  check_mode:
    support: full
    details:
      - The ledger is read but not written; RV(requests) is V(0).
  diff_mode:
    support: full
    details:
      - Shows the first observations that were uploaded.
  idempotent:
    support: full
    details:
      - As long as the ledger is kept. The appliance offers no way to read observations back.
options:
  source:
    description:
      - The source of the observations, such as C(OpenVPN). ExtraHop stores it with each observation.
    type: str
    required: true
  observations:
    description:
      - A list of observations, instead of a log.
    type: list
    elements: dict
    suboptions:
      ipaddr:
        description:
          - The VPN address of the client, which is the address that ExtraHop observes inside the network.
        type: raw
        required: true
      associated_ipaddr:
        description:
          - The public address of the user.
        type: raw
        required: true
      timestamp:
        description:
          - When the public address was behind the VPN address. An epoch number in seconds (in milliseconds with
            O(timestamp_format=epoch_ms)), a time in O(timestamp_format), or an ISO 8601 time.
        type: raw
        required: true
  path:
    description:
      - A log on the host that runs the module. It may be compressed; see O(paths).
      - The file is opened once; what is appended while the module runs is left for the next run.
      - A last line without a line end is left for the next run as well, unless the file was not written to for two minutes.
    type: path
  timestamp_unit:
    description:
      - The unit in which times are sent. ExtraHop's documents contradict each other. Its script and its page on observations use seconds;
        its newest guide to the REST API says that all times are in milliseconds. The appliance answers both in the same way.
      - If observations are accepted but do not show up, upload a few with the other unit and compare.
      - The ledger distinguishes the units. Rows that were uploaded in one unit count as new in the other.
    type: str
    choices: [seconds, milliseconds]
    default: seconds
  on_invalid:
    description:
      - With V(fail), the whole input is checked first, and a single invalid row stops the run before anything is sent.
      - With V(skip), invalid rows are counted and listed, and the other rows are uploaded. A log without rows only gives a warning.
      - A row is invalid if it has more or fewer columns than the header, an address or time that cannot be read, a time more than a day in
        the future, or the same address twice. Rows without an address, such as failed logins, are skipped in both modes.
      - If the times fit O(timestamp_format) only in part or jump back and forth, while with day and month exchanged all fit and are in
        order, the run fails in both modes and sends nothing.
    type: str
    choices: [fail, skip]
    default: fail
  rejects_path:
    description:
      - Write invalid rows to this CSV file, with line and reason. Each run replaces it.
      - If the file exists and is not a list of rejects, the run fails before anything is sent.
      - An apostrophe is put before texts that begin with V(=), V(+), V(-), V(@), a tab or a carriage return, so that spreadsheets do not
        run them as formulas. Remove it to get the original text.
    type: path
  batch_size:
    description:
      - The number of observations in one request, at most 50000.
      - Logs of millions of rows are uploaded faster with a few thousand, if the appliance accepts requests of that size.
    type: int
    default: 1000
  concurrency:
    description:
      - The number of requests that are sent at once, at most 32. In any case, the module reads the next rows meanwhile.
    type: int
    default: 1
  ledger:
    description:
      - The record of what the appliance accepted. A SQLite file, which is created with permissions for its owner only; or a PostgreSQL
        database, for jobs that run on several hosts, as V(postgresql://user:password@host:5432/database).
      - If not set, the environment variable E(SECOPS_XDR_LEDGER) is used, then C(secops.xdr/ledger.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state) on the host that runs the module.
      - Give a file as an absolute path, here and in E(SECOPS_XDR_LEDGER). C(~) and environment variables are expanded for the user who
        runs the module. A relative path and V(:memory:) are refused.
      - In a database, the module creates its tables in the schema C(secops_xdr), and also the schema if the user may do so. Parameters of
        libpq may follow, as in V(postgresql://ledger@db.example.com/ledger?sslmode=verify-full). A URL without a password takes it from
        E(PGPASSWORD) or C(~/.pgpass). Connect to the server itself or to a pooler in session mode.
      - The ledger contains addresses and times of observations, and no credentials.
    type: str
  ledger_retention:
    description:
      - After the upload, remove the observations from the ledger that were recorded more than this many days ago for the same appliance
        and source. If not set, they are kept.
      - Removed rows are sent again if they are still in a log that is read from its start, so rotate logs away sooner than that.
      - Only observations are removed; records of inserted events are kept.
    type: int
  force:
    description:
      - Send rows again that the ledger has. ExtraHop does not document what a repeated observation does. If the appliance refuses it, the
        task fails with the appliance's own message, and records nothing that was not accepted.
    type: bool
    default: false
  check_devices:
    description:
      - Ask the appliance which O(observations[].ipaddr) of this input belong to no device that it has ever observed. They are returned as
        RV(unobserved). The appliance accepts observations of these addresses and ignores them.
      - All addresses of a device count, also those that it does not show, and devices that were active long ago. Each search asks for up to
        100 addresses; a few more are needed for addresses that no device shows.
      - This keeps the distinct addresses of the input in memory.
    type: bool
    default: false
  read_back:
    description:
      - After the upload, ask the appliance which of the first 100 observations that this run uploaded it shows among the addresses of their
        devices, and return this as RV(read_back).
      - This is unproven. It is not documented that ExtraHop shows uploaded observations there, or how soon. It is read once. An observation
        that is not shown may still be stored; one that is shown was stored.
      - It never affects V(changed), never sends anything again, and never fails the task. If something cannot be read, a warning says so.
      - One search for up to 100 devices, and one request for each of them. Nothing is read in check mode, or if nothing was uploaded.
    type: bool
    default: false
    version_added: 1.1.0
  limit:
    description:
      - Send at most this many new observations, to try a setup before everything is sent. The next run continues there.
      - With O(on_invalid=fail), the whole input is still checked first.
      - Rows that were read and left for the next run are counted as skipped, V(over_limit).
    type: int
    version_added: 1.1.0
notes:
  - Options for the input are O(source), O(observations) and O(limit).
  - Options for the evidence are O(check_devices), O(on_invalid), O(rejects_path) and O(read_back).
  - Options for writing are O(timestamp_unit), O(batch_size), O(concurrency), O(ledger), O(ledger_retention) and O(force).
  - A request whose answer is lost is sent again, so the appliance may receive the same observation twice; a warning says so. ExtraHop does
    not document what a repeated observation does. It does not advise against one.
  - The ledger records each batch before it is sent. If a run was killed, a warning of the next run says that observations were on their
    way.
  - During an upload that takes longer, a line on standard error shows the progress, the rate and the remaining time every ten seconds. The
    module must run on the control node (connection V(local)), without C(become) or with C(become) to root; another user cannot write to the
    file that the line is read from. Tasks with C(async) or C(no_log) show no such lines.
  - Several runs can use the same ledger at the same time. A run waits only for rows that another run is sending at that moment.
seealso:
  - name: Add observations through the REST API
    description: The guide of the vendor, with the script that this module replaces.
    link: https://docs.extrahop.com/current/rest-add-observations/
"""

EXAMPLES = r"""
- name: Upload a VPN log
  secops.xdr.extrahop_observation:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    source: OpenVPN
    path: /var/log/openvpn/log.csv
    timezone: America/New_York

- name: Upload an export of OpenVPN Access Server, list invalid rows, and ask which addresses the appliance does not know
  secops.xdr.extrahop_observation:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    source: OpenVPN Access Server
    path: /var/log/openvpn/export.csv
    format: openvpn_as
    on_invalid: skip
    rejects_path: /var/log/openvpn/rejects.csv
    check_devices: true
  register: upload

- name: Try it with ten rows first; the same task without the limit then sends the rest
  secops.xdr.extrahop_observation:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    source: OpenVPN
    path: /var/log/openvpn/log.csv
    limit: 10

- name: Upload a log that is rotated and compressed
  secops.xdr.extrahop_observation:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    source: OpenVPN
    paths:
      - /var/log/openvpn/log.csv*
    timezone: America/New_York

- name: Combine the time from four columns
  secops.xdr.extrahop_observation:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    source: OpenVPN
    path: /var/log/openvpn/log.csv
    columns:
      timestamp: "{Month}/{Day}/{Year} {Time}"

- name: Upload single observations to RevealX 360
  secops.xdr.extrahop_observation:
    host: example.api.cloud.extrahop.com
    client_id: "{{ extrahop_client_id }}"
    client_secret: "{{ extrahop_client_secret }}"
    source: WireGuard
    observations:
      - ipaddr: 10.8.3.7
        associated_ipaddr: 203.0.113.9
        timestamp: "2024-05-31T08:15:00Z"
"""

RETURN = r"""
counts:
  description: The number of rows by result.
  returned: always
  type: dict
  contains:
    read:
      description: Rows that were read.
      type: int
      sample: 5210
    uploaded:
      description: Rows that this run sent and the appliance accepted; in check mode, that it would send.
      type: int
      sample: 4981
    already_uploaded:
      description:
        - Rows that the ledger has from earlier runs.
        - Once it has an observation, all rows with it count. So a second run counts as many as the first one uploaded and skipped as
          V(duplicate).
      type: int
      sample: 0
    skipped:
      description:
        - Rows that were left out, by reason. V(no_address) is for rows without both addresses.
        - V(duplicate) is for rows that are in the input twice.
        - V(unfinished_line) is for a last line without a line end, and V(over_limit) for rows that O(limit) left for the next run.
        - V(failed_login), V(other_service), V(other_message), V(session_end) and V(never_connected) are for rows of logs that contain
          more than sessions; the guide R(log formats,ansible_collections.secops.xdr.docsite.guide_log_formats) explains them.
      type: dict
      sample: {no_address: 226}
    rejected:
      description: Rows that are invalid.
      type: int
      sample: 3
  sample: {read: 5210, uploaded: 4981, already_uploaded: 0, skipped: {no_address: 226}, rejected: 3}
requests:
  description: The number of uploads that the appliance answered.
  returned: always
  type: int
  sample: 5
outcome_unknown:
  description:
    - Whether the appliance may have received observations that are not counted as uploaded. The next run sends them again, with a warning.
  returned: on failure, if so
  type: bool
  sample: true
rejected_rows:
  description: The first 20 invalid rows.
  returned: always
  type: list
  elements: dict
  contains:
    line:
      description: The line in the log, or the position in O(observations); the first is 1.
      type: int
      sample: 17
    reason:
      description: What is wrong with it.
      type: str
      sample: '''10.8.3.7:1194'' is not an IP address; it seems to have a port: only 10.8.3.7 belongs here'
  sample:
    - line: 17
      reason: "'10.8.3.7:1194' is not an IP address; it seems to have a port: only 10.8.3.7 belongs here"
other_programs:
  description:
    - Lines of other programs, by program, for the 20 most frequent ones. They are counted as V(other_message).
    - For GlobalProtect, rows of other types are counted by their type.
  returned: if this run read such lines
  type: dict
  version_added: 1.1.0
  sample: {sshd: 4011, CRON: 96}
unobserved:
  description: Addresses of this input that the appliance never observed. It ignores observations of them.
  returned: with O(check_devices=true)
  type: list
  elements: str
  sample: [10.8.99.4]
read_back:
  description: What the appliance shows of the first 100 observations that this run uploaded. Unproven; see O(read_back).
  returned: with O(read_back=true), on success, except in check mode
  type: dict
  version_added: 1.1.0
  contains:
    shown:
      description: Observations that the appliance shows.
      type: int
      sample: 99
    not_shown:
      description: Observations that their devices do not show. They may still be stored.
      type: int
      sample: 1
    unknown:
      description:
        - Observations for which it is unknown, because no device shows the VPN address, or because the answer could not be read or does not
          list associated addresses.
      type: int
      sample: 0
    first_not_shown:
      description: The first 20 observations that are not shown.
      type: list
      elements: dict
      contains:
        ipaddr:
          description: The VPN address of the client.
          type: str
          sample: 10.8.3.7
        associated_ipaddr:
          description: The public address of the user.
          type: str
          sample: 203.0.113.9
        timestamp:
          description: The time of the observation, in UTC.
          type: str
          sample: '2024-05-31T08:15:00Z'
  sample:
    shown: 99
    not_shown: 1
    unknown: 0
    first_not_shown:
      - ipaddr: 10.8.3.7
        associated_ipaddr: 203.0.113.9
        timestamp: "2024-05-31T08:15:00Z"
times_without_zone:
  description: True if this run read times without a zone.
  version_added: 1.1.0
  returned: always
  type: bool
  sample: true
timestamp_unit:
  description: The unit in which times were sent.
  returned: always
  type: str
  sample: seconds
timezone:
  description: The zone in which times without a zone were read.
  returned: always
  type: str
  sample: America/New_York
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import extrahop_connection
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule
from ..module_utils._observations.options import observation_options
from ..module_utils._observations.upload import upload_observations


def main():  # type: () -> None
    """Runs the module."""
    spec = extrahop_connection().merged_with(observation_options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**upload_observations(module.params, Run.of(module), module.null_options))


if __name__ == "__main__":
    main()
