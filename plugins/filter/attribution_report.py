# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_report
short_description: Put together what the report of an attribution shows
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Puts the outcome of an attribution, as P(secops.xdr.attribution_outcome#filter) returns it, and the sessions of the log together to
    what the report of the role P(secops.xdr.vpn_attribution#role) shows.
  - Nothing in it is escaped for HTML; that is up to the template.
positional: _input, sessions
options:
  _input:
    description:
      - The outcome.
    type: dict
    required: true
  sessions:
    description:
      - The registered result of M(secops.xdr.vpn_session_info).
    type: dict
    required: true
  style:
    description:
      - The style sheet of the page. Its hash is returned with it.
    type: str
    default: ""
  limit:
    description:
      - How many rows a table has at most. What is beyond is counted.
    type: int
    default: 5000
seealso:
  - plugin: secops.xdr.attribution_outcome
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Write a report with a template of your own
  ansible.builtin.template:
    src: report.html.j2
    dest: /srv/reports/attribution.html
    mode: "0640"
  vars:
    report: "{{ vpn_attribution_result | secops.xdr.attribution_report(vpn_attribution_sessions) }}"
"""

RETURN = r"""
_value:
  description:
    - What the page shows. C(tiles), C(days) with C(lanes), C(alerts), C(sessions), C(log), the C(style) and its C(style_hash), and how much
      was left out.
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.report import report
from ..plugin_utils._filters import reported

if TYPE_CHECKING:
    from collections.abc import Callable


@reported
def attribution_report(result: dict[str, Any], sessions: dict[str, Any], style: str = "", limit: int = 5000) -> dict[str, Any]:
    """What the page shows."""
    return report(result, sessions, style, int(limit))


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_report": attribution_report}
