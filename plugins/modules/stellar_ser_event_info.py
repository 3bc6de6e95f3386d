#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: stellar_ser_event_info
short_description: Read security events from Stellar Cyber
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Reads one security event by its ID, or all events that match a search. All given conditions must be met.
  - Results of more than one page are put together, past the 10,000 events that one search can reach. Each event is returned once.
  - If only a part of the index answers a search, a warning says so, and RV(total_is_exact) is false. Reading one event by its ID then
    fails.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.info
  - secops.xdr.attributes.actiongroup_stellar
  - secops.xdr.stellar
options:
  index:
    description:
      - The index of the event, or the index or pattern to search in. Separate several by commas.
      - On SaaS, events are kept in C(stellar-index-v1-ser-ORG-*).
    type: str
    default: aella-ser-*
  id:
    description:
      - The ID of a single event. With the name of its O(index), an event is found immediately after it was written; with a pattern, the
        module searches for it.
    type: str
  query:
    description:
      - A query in Lucene syntax, as in the search field of Stellar Cyber. It is sent as it is.
    type: str
  filter:
    description:
      - Fields and the values that they must have. With a list, one of its values is enough; an empty list matches nothing.
      - V(null), for the option or for a value, is an error, because it would match every event. Use O(absent) for events without a field.
      - Long lists are sent in several requests.
      - Characters that have a meaning in queries are taken literally. If the server's index analyses a text, texts with more words or in
        other case match too.
    type: dict
  absent:
    description:
      - Fields that the events must not have.
    type: list
    elements: str
    version_added: 1.1.0
  since:
    description:
      - The earliest C(timestamp) of the events, in epoch milliseconds or ISO 8601 (UTC if it has no offset).
      - Since version 1.1.0 also a span before now by the clock of the host that runs the module, such as V(24h), V(7d) or V(90m).
    type: str
  until:
    description:
      - The time before which the C(timestamp) of the events must be, as with O(since).
    type: str
  sort:
    description:
      - The order of the events. A field, or a field with C(:asc) or C(:desc).
    type: list
    elements: str
    default: ["timestamp:desc"]
  size:
    description:
      - The number of events to request at once, at most 10,000.
    type: int
    default: 500
  limit:
    description:
      - The maximum number of events to return; RV(total) counts all of them.
    type: int
    default: 1000
notes:
  - Options for the search are O(index), O(id), O(query), O(filter), O(absent), O(since) and O(until).
  - Options for the result are O(sort), O(size) and O(limit).
  - Searches lag behind writes, usually by a second and by up to a minute on busy clusters.
  - A warning points out what is probably misspelt, such as a status that Stellar Cyber does not document, a field that no event has, or an
    index pattern without any events.
  - O(since) and O(until) refer to C(timestamp), which says when something happened, not when the event was written.
seealso:
  - module: secops.xdr.stellar_ser_event
  - module: secops.xdr.stellar_ser_update
"""

EXAMPLES = r"""
- name: Read one event
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    index: aella-ser-2021.04.28-
    id: ZbWyFnkBZsFu_Ay8bQxZ

- name: Find the open events of a day that came from one of two addresses, oldest first
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    filter:
      event_status: [New, In Progress]
      srcip: [10.8.3.7, 10.8.3.9]
    since: "2024-05-31T00:00:00+02:00"
    until: "2024-06-01T00:00:00+02:00"
    sort: ["timestamp:asc"]

- name: Find the new events of the last 24 hours
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    filter:
      event_status: New
    since: 24h

- name: Find the ten worst events of the last hour
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    username: analyst@example.com
    api_key: "{{ stellar_api_key }}"
    query: "event_score:[80 TO 100] AND timestamp:[now-1h TO now]"
    sort: ["event_score:desc", "timestamp:desc"]
    limit: 10

- name: Read every event on SaaS that has no score, in large pages
  secops.xdr.stellar_ser_event_info:
    host: stellar.example.com
    access_token: "{{ stellar_token }}"
    index: stellar-index-v1-ser-0123456789abcdef-*
    absent: [event_score]
    size: 5000
    limit: 100000
"""

RETURN = r"""
events:
  description: The events, in the order of O(sort). Empty if none was found.
  returned: always
  type: list
  elements: dict
  contains:
    index:
      description: The index that the event is in.
      type: str
      sample: aella-ser-1618012988732-
    id:
      description: The ID of the event.
      type: str
      sample: ZbWyFnkBZsFu_Ay8bQxZ
    source:
      description: The event itself.
      type: dict
      sample: {event_name: demo test, event_source: ActZero, event_status: New, timestamp: 1619583462308}
  sample:
    - index: aella-ser-1618012988732-
      id: ZbWyFnkBZsFu_Ay8bQxZ
      source:
        event_name: demo test
        event_source: ActZero
        event_status: New
        timestamp: 1619583462308
total:
  description: The number of events that match, also beyond O(limit).
  returned: always
  type: int
  sample: 1
total_is_exact:
  description: Whether RV(total) is exact. Servers stop counting at 10,000, and may answer with only a part of the index; then there are
    at least this many.
  returned: always
  type: bool
  sample: true
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import stellar_connection
from ..module_utils._errors import reported_by
from ..module_utils._events.info import info_options, read_events
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = stellar_connection().merged_with(info_options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**read_events(module.params, Run.of(module), module.null_options))


if __name__ == "__main__":
    main()
