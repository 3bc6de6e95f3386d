# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The formats of VPN logs. A new format is a file in `formats` and an entry here; the choices of the option `format` follow from it.

A reader is imported when it is used: Ansible compiles a module again for every task, so a task should load only what it uses. The imports
are explicit because Ansible reads them to find the files that it must send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._argspec import ArgumentSpec
from .options import DEFAULT_TIMESTAMP_FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from .reading import LogReader, Reading


def _csv(reading: Reading) -> LogReader:
    from .csv_reader import CsvReader

    return CsvReader(reading)


def _openvpn_as(reading: Reading) -> LogReader:
    from .formats.openvpn_as import OpenvpnAsReader

    return OpenvpnAsReader(reading)


def _openvpn_status(reading: Reading) -> LogReader:
    from .formats.openvpn_status import OpenvpnStatusReader

    return OpenvpnStatusReader(reading)


def _globalprotect(reading: Reading) -> LogReader:
    from .formats.globalprotect import GlobalProtectReader

    return GlobalProtectReader(reading)


def _cisco_asa(reading: Reading) -> LogReader:
    from .formats.cisco_asa import CiscoAsaReader

    return CiscoAsaReader(reading)


def _fortigate(reading: Reading) -> LogReader:
    from .formats.fortigate import FortigateReader

    return FortigateReader(reading)


def _wireguard(reading: Reading) -> LogReader:
    from .formats.wireguard import WireguardReader

    return WireguardReader(reading)


def _openvpn_log(reading: Reading) -> LogReader:
    from .formats.openvpn_log import OpenvpnLogReader

    return OpenvpnLogReader(reading)


def _json_lines(reading: Reading) -> LogReader:
    from .formats.json_lines import JsonLinesReader

    return JsonLinesReader(reading)


def _radius_detail(reading: Reading) -> LogReader:
    from .formats.radius_detail import RadiusDetailReader

    return RadiusDetailReader(reading)


def _strongswan(reading: Reading) -> LogReader:
    from .formats.strongswan import StrongswanReader

    return StrongswanReader(reading)


def _nps(reading: Reading) -> LogReader:
    from .formats.nps import NpsReader

    return NpsReader(reading)


READERS: dict[str, Callable[[Reading], LogReader]] = {
    "csv": _csv,
    "openvpn_as": _openvpn_as,
    "openvpn_status": _openvpn_status,
    "globalprotect": _globalprotect,
    "cisco_asa": _cisco_asa,
    "fortigate": _fortigate,
    "wireguard": _wireguard,
    "openvpn_log": _openvpn_log,
    "json_lines": _json_lines,
    "radius_detail": _radius_detail,
    "strongswan": _strongswan,
    "nps": _nps,
}


def log_options() -> ArgumentSpec:
    """Path, format and what the formats leave open."""
    return ArgumentSpec(
        {
            "path": {"type": "path"},
            "paths": {"type": "list", "elements": "path"},
            "format": {"type": "str", "choices": list(READERS), "default": "csv"},
            "columns": {
                "type": "dict",
                "options": {
                    "ipaddr": {"type": "str", "default": "VPN IP"},
                    "associated_ipaddr": {"type": "str", "default": "Real IP"},
                    "timestamp": {"type": "raw", "default": "Start Time"},
                    "username": {"type": "str"},
                    "end": {"type": "raw"},
                    "duration": {"type": "str"},
                },
                "apply_defaults": True,
            },
            "timestamp_format": {"type": "str", "default": DEFAULT_TIMESTAMP_FORMAT},
            "timezone": {"type": "str"},
            "delimiter": {"type": "str", "default": ","},
            "encoding": {"type": "str", "default": "utf-8"},
            "peers": {"type": "raw"},
        },
        mutually_exclusive=[("path", "paths")],
    )
