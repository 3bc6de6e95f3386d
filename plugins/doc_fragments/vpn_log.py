# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """The options that say how a VPN log is written."""

    DOCUMENTATION = r"""
options:
  path:
    description:
      - A log on the host that runs the module. It may be compressed; see O(paths).
      - The file is opened once; what is appended while the module runs is left for the next run.
    type: path
  paths:
    description:
      - Several logs on the host that runs the module, as files or patterns such as V(/var/log/vpn.csv*). They are read as one log in the
        order of their content, each file once. Use it for logs that are rotated.
      - Files may be compressed with gzip, bzip2 or xz, and with zstd where Python can read it (Python 3.14, or the package
        C(backports.zstd)). A name with C(*), C(?) or C([) is a pattern, unless there is a file of exactly this name.
    type: list
    elements: path
    version_added: 1.1.0
  format:
    description:
      - The format of the log. The guide R(log formats,ansible_collections.secops.xdr.docsite.guide_log_formats) says for each format what
        is read, skipped and rejected.
      - V(csv) is any CSV log with a header, described by O(columns), O(timestamp_format) and O(delimiter). The other formats have known
        columns and times, except for O(format=json_lines).
      - V(openvpn_as) is an export of OpenVPN Access Server.
      - V(openvpn_status) is a status file of OpenVPN, version 1, 2 or 3.
      - V(globalprotect) is a GlobalProtect log of PAN-OS, from syslog, exported from the web interface, or from Cortex.
      - V(cisco_asa) is syslog of Cisco ASA or Firepower Threat Defense.
      - V(fortigate) is an event log of FortiGate, or its export from FortiAnalyzer.
      - V(wireguard) is the output of C(wg show all dump). The keys in it are neither returned nor logged. O(peers) says whose key is whose.
      - V(openvpn_log) is the log of an OpenVPN server, as a file, from syslog or from C(openvpnas.log). Added in version 1.1.0.
      - V(json_lines) has one JSON object a line. O(columns) names the fields, with dots between levels, such as V(source.ip).
        Added in version 1.1.0.
      - V(radius_detail) is a detail file of FreeRADIUS or GNU Radius with the accounting of a VPN gateway. Added in version 1.1.0.
      - V(strongswan) is the log of charon, the daemon of strongSwan, from a file, from syslog or from the journal. Added in version 1.1.0.
      - V(nps) is a log of Windows Network Policy Server or Routing and Remote Access. Added in version 1.1.0.
    type: str
    choices:
      - csv
      - openvpn_as
      - openvpn_status
      - globalprotect
      - cisco_asa
      - fortigate
      - wireguard
      - openvpn_log
      - json_lines
      - radius_detail
      - strongswan
      - nps
    default: csv
  columns:
    description:
      - The names of the columns, with O(format=csv) and O(format=json_lines). Names are matched exactly first, then without regard to case.
    type: dict
    suboptions:
      ipaddr:
        description: The column with the VPN address of the client.
        type: str
        default: VPN IP
      associated_ipaddr:
        description: The column with the public address of the user.
        type: str
        default: Real IP
      timestamp:
        description:
          - The column with the time. A list of columns is joined by spaces.
          - A pattern such as V({Month}/{Day}/{Year} {Time}) is filled in with the columns it names.
        type: raw
        default: Start Time
      username:
        description:
          - The column with the name of the user. If not set, a column with one of the usual names is used.
          - Observations have no user; this is for modules that read sessions from the same log.
        type: str
      end:
        description:
          - The column with the time at which the session ended, written like the start. A list of columns is joined by spaces.
          - Observations have no end; this is for modules that read sessions from the same log.
        type: raw
        version_added: 1.1.0
      duration:
        description:
          - The column with the length of the session, in seconds or as V(h:mm:ss).
          - Observations have no end; this is for modules that read sessions from the same log.
        type: str
        version_added: 1.1.0
  timestamp_format:
    description:
      - The format of times, with O(format=csv) and O(format=json_lines). A C(strptime) format, V(epoch) (seconds), V(epoch_ms) or
        V(iso8601).
      - Month and day names are English on every host. C(%Z) understands the abbreviations of time zones on every host.
    type: str
    default: "%m/%d/%y %H:%M:%S"
  timezone:
    description:
      - The IANA name, such as V(Europe/Berlin), of the time zone of times without a zone.
      - V(local) is the zone of the host that runs the module.
      - If not set, V(local) is used. If the log has times without a zone, a warning names the zone that was used.
      - Abbreviations of zones beside a time, such as V(EDT), are understood on every host. One that is unknown, or that means several
        zones (V(IST), V(CST), V(AST)), makes the row invalid, unless this option names a zone that uses it.
      - A time that occurs twice because clocks went back is read as the first of the two. A time that does not occur because clocks went
        forward is read as if they had not yet gone forward. The result is the same on every run.
    type: str
  delimiter:
    description:
      - The character between the columns of a CSV log, with V(csv), V(openvpn_as) and V(globalprotect).
    type: str
    default: ","
  encoding:
    description:
      - The encoding of the log. A byte-order mark is allowed.
    type: str
    default: utf-8
  peers:
    description:
      - The users behind the public keys of WireGuard, with O(format=wireguard), because a dump names no users.
      - A mapping of public keys to users, or the name of a file on the host that runs the module. The file has a JSON object, or a line for
        each key with the key, a space and the user. Lines that begin with V(#) are comments.
      - If not set, sessions of O(format=wireguard) have no user. Observations need none.
    type: raw
    version_added: 1.1.0
notes:
  - Options for the log are O(path), O(paths), O(format), O(columns), O(timestamp_format), O(timezone), O(delimiter), O(encoding) and
    O(peers).
"""
