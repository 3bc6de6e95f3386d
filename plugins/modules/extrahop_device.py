#!/usr/bin/python

# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

DOCUMENTATION = r"""
module: extrahop_device
short_description: Set tags of ExtraHop devices, and put devices on the watchlist
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Adds tags to devices and removes them, and puts devices on the watchlist or takes them off.
  - The module reads the device, writes only what differs, and reads the device again. A change that did not take effect is an error.
  - Tags that do not exist are created. A tag itself is never deleted.
extends_documentation_fragment:
  - secops.xdr.attributes
  - secops.xdr.attributes.actiongroup_extrahop
  - secops.xdr.extrahop
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows tags and watchlist before and after, if the task sets them.
  idempotent:
    support: full
options:
  id:
    description:
      - The ID of the device, which ExtraHop shows as I(API ID) on the page of the device. The device need not be active.
      - Exactly one of O(id), O(ipaddr), O(name) and O(filter) is required.
    type: int
  ipaddr:
    description:
      - An address of the device.
    type: str
  name:
    description:
      - A name of the device, as a whole and in any case. Display name, custom name, DNS, DHCP, NetBIOS and CDP name, and the name of a
        cloud instance count.
    type: str
  filter:
    description:
      - A rule of ExtraHop's device search. It has C(field), C(operator) and C(operand), or joins C(rules) with the C(operator) C(and),
        C(or) or C(not). It is sent as it is.
      - The module asks the server once more with a condition that no device meets, and fails if the server then finds a device.
    type: dict
  match:
    description:
      - With V(one), several matching devices are an error that names them. With V(all), all of them are changed.
    type: str
    choices: [one, all]
    default: one
  since:
    description:
      - ExtraHop searches active devices only. This is the time since when they must have been active.
      - Epoch milliseconds or ISO 8601 (UTC if it has no offset), or a span before now by the clock of the host that runs the module, such
        as V(24h) or V(7d).
      - If not set, the server decides. It does not document how far it looks back.
    type: str
  add_tags:
    description:
      - Tags that the device must have. Case matters.
    type: list
    elements: str
  remove_tags:
    description:
      - Tags that the device must not have. Case matters.
    type: list
    elements: str
  watchlist:
    description:
      - Whether the device must be on the watchlist.
    type: bool
notes:
  - Options for the input are O(id), O(ipaddr), O(name), O(filter), O(match) and O(since).
  - Options for writing are O(add_tags), O(remove_tags) and O(watchlist).
  - ExtraHop does not document whether it accepts two tags whose names differ only in case. If it refuses one, the message names the other.
  - The account needs the right to change devices. ExtraHop does not document which right each call needs.
seealso:
  - module: secops.xdr.extrahop_device_info
"""

EXAMPLES = r"""
- name: Tag the device with an address
  secops.xdr.extrahop_device:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    ipaddr: 10.8.3.7
    add_tags: [vpn]

- name: Watch a device by its name, even if it was active days ago
  secops.xdr.extrahop_device:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    name: laptop-7
    since: 30d
    watchlist: true

- name: Swap two tags of one device
  secops.xdr.extrahop_device:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    id: 1904
    add_tags: [reviewed]
    remove_tags: [suspicious]

- name: Tag all active VPN clients, and take them off the watchlist
  secops.xdr.extrahop_device:
    host: extrahop.example.com
    api_key: "{{ extrahop_api_key }}"
    filter:
      field: role
      operator: "="
      operand: vpn_client
    match: all
    add_tags: [vpn]
    watchlist: false
"""

RETURN = r"""
id:
  description: The ID of the device.
  returned: for a single device
  type: int
  sample: 1904
before:
  description: The device before this run.
  returned: for a single device
  type: dict
  contains:
    tags:
      description: The tags, sorted; V(null) if neither O(add_tags) nor O(remove_tags) is set.
      type: list
      elements: str
      sample: [laptop]
    watchlist:
      description: Whether it is on the watchlist; V(null) if O(watchlist) is not set.
      type: bool
      sample: null
  sample: {tags: [laptop], watchlist: null}
after:
  description: The device after this run, as it was read; in check mode, as it would be. V(null) if it could not be read.
  returned: for a single device
  type: dict
  contains:
    tags:
      description: The same as in RV(before).
      type: list
      elements: str
      sample: [laptop, vpn]
    watchlist:
      description: The same as in RV(before).
      type: bool
      sample: null
  sample: {tags: [laptop, vpn], watchlist: null}
devices:
  description: The result for each device.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: The same as RV(id).
      type: int
      sample: 1904
    before:
      description: The same as RV(before).
      type: dict
      sample: {tags: [laptop], watchlist: null}
    after:
      description: The same as RV(after).
      type: dict
      sample: {tags: [laptop, vpn], watchlist: null}
    changed:
      description: Whether this run changed the device.
      type: bool
      sample: true
    failed:
      description: Whether it failed; the reason is in RV(failed_devices).
      returned: on failure
      type: bool
      sample: true
  sample:
    - id: 1904
      changed: true
      before: {tags: [laptop], watchlist: null}
      after: {tags: [laptop, vpn], watchlist: null}
failed_devices:
  description: The devices that failed. With many devices, the others are still changed, and the task fails at the end.
  returned: always
  type: list
  elements: dict
  contains:
    position:
      description: The place in RV(devices), starting with 0.
      type: int
      sample: 0
    id:
      description: The same as RV(id).
      type: int
      sample: 1904
    reason:
      description: What is wrong, and what to do.
      type: str
      sample: "ipaddr: the server accepted the update of 1904 and did not carry out: tag vpn added."
    outcome_unknown:
      description: Whether the change may have been carried out anyway.
      type: bool
      sample: false
  sample: []
created_tags:
  description: The tags that this run created on the appliance; in check mode, that it would create.
  returned: always
  type: list
  elements: str
  sample: [vpn]
"""

from ..module_utils._python import require_python

require_python()

from ..module_utils._argspec import extrahop_connection
from ..module_utils._devices.device import DEVICES, update_devices
from ..module_utils._errors import reported_by
from ..module_utils._module import Run, XdrModule


def main():  # type: () -> None
    """Runs the module."""
    spec = extrahop_connection().merged_with(DEVICES)
    module = XdrModule(supports_check_mode=True, **spec.to_kwargs())
    with reported_by(module):
        module.exit_json(**update_devices(module.params, Run.of(module)))


if __name__ == "__main__":
    main()
