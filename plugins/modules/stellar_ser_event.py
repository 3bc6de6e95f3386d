#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: stellar_ser_event
short_description: Insert security events into Stellar Cyber, once each
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Inserts security events into the C(aella-ser) index of Stellar Cyber, one by the options or many with O(events).
  - The server itself would keep a second copy of the same event. This module inserts an event only if neither the ledger of this host nor
    the server has one with the same values in O(unique_by).
  - An insert counts as done only if the server answered with the ID of the event, or if the event is found. After any other answer, and
    after none, the event is looked for until O(search_delay) has passed. Only then is it sent again.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.actiongroup_stellar
  - secops.xdr.stellar
requirements:
  - psycopg 3.2 or later, with a PostgreSQL O(ledger) only (C(pip install "psycopg[binary]"))
attributes:
  check_mode:
    support: full
    details:
      - The ledger is read but not written; events that would be inserted have no RV(id).
  diff_mode:
    support: full
    details:
      - Shows each new event.
  idempotent:
    support: full
    details:
      - If the O(timestamp) is the time of the run, each run inserts another event. Use the time at which it happened, or leave the time
        out of O(unique_by).
options:
  event_name:
    description: &event_name
      - The name of the event. Required for each event.
    type: str
  event_source:
    description: &event_source
      - What reports the event, such as C(ActZero). Required for each event.
    type: str
  event_status:
    description: &event_status
      - The status of the event; its case matters. Required for each event.
    type: str
    choices: &statuses [New, In Progress, Ignored, Closed]
  timestamp:
    description: &timestamp
      - When the event took place, in epoch milliseconds or ISO 8601 (UTC if it has no offset). Required for each event.
    type: str
  actual:
    description: &actual
      - The anomalous value that was detected by machine learning, or the aggregation that was detected by statistics.
    type: float
  typical:
    description: &typical
      - The typical value that machine learning found.
    type: float
  stellar_alert_time:
    description: &stellar_alert_time
      - When the anomaly was detected, as with O(timestamp). The field in the index is C(stellar.alert_time).
    type: str
  write_time:
    description: &write_time
      - When the record was written, as with O(timestamp). The server sets it itself, so this is rarely useful.
    type: str
  event_category:
    description: &event_category
      - The category of the event.
    type: str
    choices: &categories [killchain, network, uba]
  event_score:
    description: &event_score
      - Severity, fidelity and threat score in one number, from 0 to 100.
    type: int
  event_type:
    description: &event_type
      - The type of the event.
    type: str
  severity:
    description: &severity
      - How severe the event is, from 0 to 100.
    type: int
  fidelity:
    description: &fidelity
      - How certain the event is, from 0 to 100.
    type: float
  threat_score:
    description: &threat_score
      - The level of the threat, from 0 to 100.
    type: int
  lateral:
    description: &lateral
      - Whether the traffic behind the event was between private addresses.
    type: bool
  orig_id:
    description: &orig_id
      - The ID of the raw data behind the event.
    type: str
  orig_index:
    description: &orig_index
      - The index of the raw data behind the event.
    type: str
  detected_field:
    description: &detected_field
      - The field in which something was detected, if it is a single one.
    type: str
  detected_fields:
    description: &detected_fields
      - The fields in which something was detected, if there are several.
    type: list
    elements: str
  detected_value:
    description: &detected_value
      - The value that was detected, if it is a single one.
    type: str
  detected_values:
    description: &detected_values
      - The values that were detected, if there are several.
    type: list
    elements: str
  detector_index:
    description: &detector_index
      - The number of the detector in detections of machine learning.
    type: int
  tenantid:
    description: &tenantid
      - The ID of the tenant that the event belongs to. If not set, the server leaves it empty, which is the root tenant.
    type: str
    version_added: 1.1.0
  start_bucket_time:
    description: &start_bucket_time
      - The time at which the data behind the anomaly begins.
    type: int
  end_bucket_time:
    description: &end_bucket_time
      - The time at which the data behind the anomaly ends.
    type: int
  custom_ser_field:
    description: &custom_ser_field
      - Custom fields as one object, which is where the server keeps them. Name them uniquely, for instance below the name of your company.
    type: dict
  custom_fields:
    description: &custom_fields
      - Fields that the index does not have, sent beside the others. The server keeps them under C(custom_ser_field), C(comments) too.
    type: dict
  events:
    description:
      - Many events. If an entry does not have a value, it is taken from the options above, so set shared values there once.
      - If two entries have the same O(unique_by) values, the event is inserted once.
    type: list
    elements: dict
    suboptions:
      event_name:
        description: *event_name
        type: str
      event_source:
        description: *event_source
        type: str
      event_status:
        description: *event_status
        type: str
        choices: *statuses
      timestamp:
        description: *timestamp
        type: str
      actual:
        description: *actual
        type: float
      typical:
        description: *typical
        type: float
      stellar_alert_time:
        description: *stellar_alert_time
        type: str
      write_time:
        description: *write_time
        type: str
      event_category:
        description: *event_category
        type: str
        choices: *categories
      event_score:
        description: *event_score
        type: int
      event_type:
        description: *event_type
        type: str
      severity:
        description: *severity
        type: int
      fidelity:
        description: *fidelity
        type: float
      threat_score:
        description: *threat_score
        type: int
      lateral:
        description: *lateral
        type: bool
      orig_id:
        description: *orig_id
        type: str
      orig_index:
        description: *orig_index
        type: str
      detected_field:
        description: *detected_field
        type: str
      detected_fields:
        description: *detected_fields
        type: list
        elements: str
      detected_value:
        description: *detected_value
        type: str
      detected_values:
        description: *detected_values
        type: list
        elements: str
      detector_index:
        description: *detector_index
        type: int
      tenantid:
        description: *tenantid
        type: str
        version_added: 1.1.0
      start_bucket_time:
        description: *start_bucket_time
        type: int
      end_bucket_time:
        description: *end_bucket_time
        type: int
      custom_ser_field:
        description: *custom_ser_field
        type: dict
      custom_fields:
        description: *custom_fields
        type: dict
  unique_by:
    description:
      - The fields that make two events the same, of the index or custom ones. Every event must have them, with single values.
    type: list
    elements: str
    default: [event_name, event_source, timestamp]
  search_index:
    description:
      - The index or pattern in which the module searches for existing events. Separate several by commas.
      - On SaaS, events are kept in C(stellar-index-v1-ser-ORG-*). If the server answers with an index that the pattern does not
        cover, a warning says so.
    type: str
    default: aella-ser-*
  search_delay:
    description:
      - How many seconds the server's search may lag behind a write. This is the refresh interval of its index, plus the time in which it
        may finish a write that a proxy gave up on. Set it higher for a busy cluster.
      - An insert without a clear answer is looked for until this time has passed since the request was answered or given up. If the run was
        killed, it counts from the moment that the ledger has for the request, plus O(timeout). Only then, and only if the whole index
        answered the search, may the event be sent again.
      - A task waits for this at most 120 seconds. If it would have to wait longer, it fails and says that the outcome is unknown; the next
        run decides.
    type: int
    default: 60
    version_added: 1.1.0
  unknown_outcome:
    description:
      - What to do with an event whose earlier insert was never answered, if the server cannot be asked about it, because the account may
        not read events or there is no event at all under O(search_index).
      - V(fail) reports it and does not send the event. Look for it in Stellar Cyber, and run again with V(inserted) if it is there,
        or with V(missing) if it is not, so that it is sent.
      - With V(missing), the event is looked for once before it is sent, without waiting for O(search_delay).
    type: str
    choices: [fail, inserted, missing]
    default: fail
  concurrency:
    description:
      - The number of requests that are sent at once, at most 32.
    type: int
    default: 4
  ledger:
    description:
      - The record of inserted events. A SQLite file, which is created with permissions for its owner only; or a PostgreSQL database, for
        jobs that run on several hosts, as V(postgresql://user:password@host:5432/database). See M(secops.xdr.extrahop_observation) for
        the parts of such a URL.
      - If not set, the environment variable E(SECOPS_XDR_LEDGER) is used, then C(secops.xdr/ledger.sqlite3) in E(XDG_STATE_HOME) or
        C(~/.local/state) on the host that runs the module.
      - Give a file as an absolute path, here and in E(SECOPS_XDR_LEDGER). A relative path and V(:memory:) are refused.
      - Of an event, the ledger holds a digest, and the index and id that the server gave it; no text and no credentials.
    type: str
notes:
  - Options for the input are O(events), and for a single event O(event_name), O(event_source), O(event_status), O(timestamp), O(actual),
    O(typical), O(stellar_alert_time), O(write_time), O(event_category), O(event_score), O(event_type), O(severity), O(fidelity),
    O(threat_score), O(lateral), O(orig_id), O(orig_index), O(detected_field), O(detected_fields), O(detected_value), O(detected_values),
    O(detector_index), O(tenantid), O(start_bucket_time), O(end_bucket_time), O(custom_ser_field) and O(custom_fields).
  - Options for the evidence are O(unique_by), O(search_index), O(search_delay) and O(unknown_outcome).
  - Options for writing are O(concurrency) and O(ledger).
  - To insert events, Stellar Cyber requires root scope and the Super Admin profile.
  - Hosts that share a ledger (PostgreSQL) never insert the same event twice. Without a shared ledger, two hosts can. Within the time that
    the search lags behind, usually a second and up to a minute on a busy cluster, each of them finds nothing and inserts the event.
  - If the server has an event more than once, a warning names the IDs. This can happen if the server finishes a write long after
    O(search_delay). Nothing is deleted.
  - Runs with the same ledger wait for each other if they insert the same events.
seealso:
  - module: secops.xdr.stellar_ser_update
  - module: secops.xdr.stellar_ser_event_info
"""

EXAMPLES = r"""
- name: Insert an event
  secops.xdr.stellar_ser_event:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    event_name: demo test
    event_source: ActZero
    event_status: New
    timestamp: "2024-05-31T08:15:00Z"

- name: Insert many events, eight requests at once
  secops.xdr.stellar_ser_event:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    concurrency: 8
    events:
      - event_name: Login from two countries
        event_source: VPN
        event_status: New
        timestamp: "2024-05-31T08:15:00Z"
        severity: 60
        fidelity: 85.5
        custom_fields:
          user: jsmith
      - event_name: Login from two countries
        event_source: VPN
        event_status: In Progress
        timestamp: "2024-05-31T08:17:30Z"
        lateral: false
        custom_fields:
          user: mjones

- name: Insert two events that share their source, on a cluster whose search lags up to 45 seconds behind
  secops.xdr.stellar_ser_event:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    search_delay: 90
    event_source: VPN
    event_status: New
    tenantid: 0f5d3b0c1f2e4a7f9a6f3e0d1c2b3a49
    events:
      - event_name: Login at night
        timestamp: "2024-05-31T02:15:00Z"
      - event_name: Login from two countries
        timestamp: "2024-05-31T08:15:00Z"

- name: Insert one event for each finding, whenever it is reported
  secops.xdr.stellar_ser_event:
    host: stellar.example.com
    auth_method: scoped_key
    api_key: "{{ stellar_scoped_key }}"
    event_name: Finding of the nightly scan
    event_source: scanner
    event_status: New
    timestamp: "{{ now(utc=true).isoformat(timespec='milliseconds') }}Z"
    orig_id: "{{ finding.id }}"
    unique_by: [event_source, orig_id]

- name: Set the connection once for several tasks
  module_defaults:
    group/secops.xdr.stellar:
      host: stellar.example.com
      username: analyst@example.com
      api_key: "{{ stellar_api_key }}"
      ca_path: /etc/pki/tls/certs/company.pem
  block:
    - name: Insert an event on SaaS
      secops.xdr.stellar_ser_event:
        event_name: demo test
        event_source: ActZero
        event_status: New
        timestamp: "2024-05-31T08:15:00+02:00"
        search_index: stellar-index-v1-ser-*
      register: reported

    - name: Record what is being done about it
      secops.xdr.stellar_ser_update:
        index: "{{ reported.index }}"
        id: "{{ reported.id }}"
        status: In Progress
        comment: Ticket opened.

- name: Send an event again that an earlier run left open, after looking for it in Stellar Cyber
  secops.xdr.stellar_ser_event:
    host: stellar.example.com
    auth_method: scoped_key
    api_key: "{{ stellar_scoped_key }}"
    event_name: demo test
    event_source: ActZero
    event_status: New
    timestamp: 1619583462308
    unknown_outcome: missing
"""

RETURN = r"""
index:
  description:
    - The name of the index in the server's answer. It is an alias for RV(document_index), and reads and updates take both.
    - V(null) in check mode for an event that is new, and if the server did not name it.
  returned: for a single event
  type: str
  sample: aella-ser-2021.04.28-
id:
  description: The ID of the event. V(null) as with RV(index).
  returned: for a single event
  type: str
  sample: ZbWyFnkBZsFu_Ay8bQxZ
document_index:
  description: The actual index of the event. V(null) if it could not be read.
  returned: for a single event
  type: str
  sample: aella-ser-1618012988732-
duplicates:
  description: The IDs of further copies of the event on the server.
  returned: for a single event that the server has more than once
  type: list
  elements: str
  version_added: 1.1.0
  sample: []
events:
  description: The result for each event, in the order given.
  returned: always
  type: list
  elements: dict
  contains:
    index:
      description: The same as RV(index).
      type: str
      sample: aella-ser-2021.04.28-
    id:
      description: The same as RV(id).
      type: str
      sample: ZbWyFnkBZsFu_Ay8bQxZ
    document_index:
      description: The same as RV(document_index).
      type: str
      sample: aella-ser-1618012988732-
    duplicates:
      description: The same as RV(duplicates).
      returned: if the server has the event more than once
      type: list
      elements: str
      sample: [YbWyFnkBZsFu_Ay8bQxY]
    changed:
      description: Whether this run inserted the event.
      type: bool
      sample: true
    failed:
      description: Whether it failed; the reason is in RV(failed_events).
      returned: on failure
      type: bool
      sample: true
  sample:
    - index: aella-ser-2021.04.28-
      id: ZbWyFnkBZsFu_Ay8bQxZ
      document_index: aella-ser-1618012988732-
      changed: true
failed_events:
  description: The events that failed. With many events, the others are still inserted, and the task fails at the end.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: The place in O(events), starting with 0.
      type: int
      sample: 0
    unique:
      description: The values of the fields in O(unique_by).
      type: dict
      sample: {event_name: Login from two countries, event_source: VPN, timestamp: 1717143300000}
    reason:
      description: What is wrong, and what to do.
      type: str
      sample: 'POST /connect/api/data was refused with status 400: tenantid is unknown. Fix the event.'
    outcome_unknown:
      description: Whether the event may have been inserted all the same. If so, the next run looks for it before it sends it.
      type: bool
      sample: false
  sample: []
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import stellar_connection
from ..module_utils._errors import reported_by
from ..module_utils._events.insert import insert_events
from ..module_utils._events.new import insert_options
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = stellar_connection().merged_with(insert_options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**insert_events(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
