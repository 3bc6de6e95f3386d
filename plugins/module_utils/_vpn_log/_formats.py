# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The formats of VPN logs that can be read. A new one is a file beside this one and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._cisco_asa import CiscoAsaReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._csv import CsvReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._fortigate import FortigateReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._globalprotect import GlobalProtectReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._openvpn_as import OpenvpnAsReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._openvpn_status import OpenvpnStatusReader
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._wireguard import WireguardReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.secops.xdr.plugins.module_utils._vpn_log._reading import LogReader, Reading

READERS: dict[str, Callable[[Reading], LogReader]] = {
    "csv": CsvReader,
    "openvpn_as": OpenvpnAsReader,
    "openvpn_status": OpenvpnStatusReader,
    "globalprotect": GlobalProtectReader,
    "cisco_asa": CiscoAsaReader,
    "fortigate": FortigateReader,
    "wireguard": WireguardReader,
}
