#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: extrahop_device_info
short_description: Read devices from ExtraHop
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Reads one device by its ID, or all active devices that match a search. All given conditions must be met; of a list, one value is enough.
  - The module reads page after page until one is empty. Each device is returned once.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.info
  - secops.xdr.attributes.actiongroup_extrahop
  - secops.xdr.extrahop
options:
  id:
    description:
      - The ID of a single device, active or not.
    type: int
  ipaddr:
    description:
      - Addresses of the device. A device can have more addresses than it shows.
    type: list
    elements: str
  name:
    description:
      - Names of the device. ExtraHop decides which of the names of a device count.
    type: list
    elements: str
  tags:
    description:
      - Tags of the device.
    type: list
    elements: str
  filter:
    description:
      - A rule of ExtraHop's device search. It has C(field), C(operator) and C(operand), or joins C(rules) with the C(operator) C(and),
        C(or) or C(not). It is sent as it is, joined with the other conditions by C(and).
    type: dict
  since:
    description:
      - ExtraHop searches active devices only. This is the time since when they must have been active.
      - Epoch milliseconds or ISO 8601 (UTC if it has no offset), or a span before now by the clock of the host that runs the module, such
        as V(24h) or V(7d).
      - If not set, the server decides. It does not document how far it looks back.
    type: str
  until:
    description:
      - The time before which the devices must have been active, given as in O(since).
    type: str
  watchlist:
    description:
      - With V(true), only devices on the watchlist are returned; without another condition, also those that are not active.
    type: bool
    default: false
  size:
    description:
      - The number of devices to request at once, at most 1000.
    type: int
    default: 1000
  limit:
    description:
      - The maximum number of devices to return.
    type: int
    default: 1000
  with_tags:
    description:
      - Also reads the tags of each device, with one request each.
    type: bool
    default: false
notes:
  - Options for the search are O(id), O(ipaddr), O(name), O(tags), O(filter), O(since), O(until) and O(watchlist).
  - Options for the result are O(with_tags), O(size) and O(limit).
  - An empty list finds nothing. V(null) as the value of a condition is an error, because it would match every device.
seealso:
  - module: secops.xdr.extrahop_device
"""

EXAMPLES = r"""
- name: Find the device with an address
  secops.xdr.extrahop_device_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    ipaddr: [10.8.3.7]

- name: List the tags of everything on the watchlist
  secops.xdr.extrahop_device_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    watchlist: true
    with_tags: true

- name: Find the VPN clients of the last week that have one of two tags
  secops.xdr.extrahop_device_info:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    tags: [suspicious, reviewed]
    filter:
      field: role
      operator: "="
      operand: vpn_client
    since: 7d
"""

RETURN = r"""
devices:
  description: The devices. Empty if none was found.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the device.
      type: int
      sample: 1904
    source:
      description: The device as ExtraHop returns it. Times are epoch milliseconds.
      type: dict
      sample: {id: 1904, display_name: laptop-7, ipaddr4: 10.8.3.7, on_watchlist: false, role: vpn_client}
    tags:
      description: The tags, sorted; V(null) without O(with_tags=true).
      type: list
      elements: str
      sample: [vpn]
  sample:
    - id: 1904
      source: {id: 1904, display_name: laptop-7, ipaddr4: 10.8.3.7, on_watchlist: false, role: vpn_client}
      tags: [vpn]
total:
  description: The number of devices that match. V(null) if there are more than O(limit), because ExtraHop does not count them.
  returned: always
  type: int
  sample: 1
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import extrahop_connection
from ..module_utils._devices.search import DEVICE_SEARCH, read_devices
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = extrahop_connection().merged_with(DEVICE_SEARCH.options())
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**read_devices(module.params, Run.of(module), module.null_options))


if __name__ == "__main__":
    main()
