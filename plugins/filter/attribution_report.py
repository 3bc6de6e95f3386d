# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: attribution_report
short_description: Prepare the summary and the report of an attribution
version_added: 1.0.0
author:
  - secops.xdr contributors (@secops)
description:
  - Turns the result of P(secops.xdr.attribution_plan#filter) into lines to print, into rows for other programs, and into the content of
    the report of the role P(secops.xdr.vpn_attribution#role).
  - Nothing in the page is escaped for HTML; this is the task of the template.
positional: _input, sessions
options:
  _input:
    description:
      - The plan, with the result of the updates.
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
      - The maximum number of rows in a table. The number of further rows is returned.
    type: int
    default: 5000
  console_url:
    description:
      - The address of an event in the console of Stellar Cyber, with C({index}) and C({id}). Without them, the id is appended.
    type: str
    default: ""
    version_added: 1.1.0
  total:
    description:
      - The number of events that the search found, if not all of them were read.
    type: int
    default: 0
    version_added: 1.1.0
  shown:
    description:
      - The maximum number of events to list in the summary for each outcome.
    type: int
    default: 20
    version_added: 1.1.0
  is_plan:
    description:
      - Nothing was written, because this is a run in check mode.
    type: bool
    default: false
    version_added: 1.1.0
  lines_only:
    description:
      - Return only the summary.
    type: bool
    default: false
    version_added: 1.1.0
seealso:
  - plugin: secops.xdr.attribution_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Print the first five events of each kind
  ansible.builtin.debug:
    msg: "{{ (vpn_attribution_result | secops.xdr.attribution_report(vpn_attribution_sessions, shown=5)).lines }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    lines:
      description: The summary in lines.
      type: list
      elements: str
    page:
      description: The content of the HTML page.
      type: dict
    csv:
      description: The rows as CSV. No cell is a formula for a spreadsheet.
      type: str
    json:
      description: The same rows as a JSON list.
      type: str
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.report import PageOptions, page, summary
from ..plugin_utils._attribution.rows import as_csv, as_json, check_console_url, row
from ..plugin_utils._filters import options_of, reported

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class _Options:
    """The options with their defaults."""

    style: str = ""
    limit: int = 5000
    console_url: str = ""
    total: int = 0
    shown: int = 20
    is_plan: bool = False
    lines_only: bool = False


@reported
def attribution_report(result: dict[str, Any], sessions: dict[str, Any], **given: Any) -> dict[str, Any]:
    """The summary, the page and the rows."""
    options = options_of(_Options, given)
    check_console_url("console_url", options.console_url)
    lines = summary(result, sessions, int(options.total), int(options.shown), is_plan=bool(options.is_plan))
    if options.lines_only:
        return {"lines": lines}
    rows = [row(found, options.console_url) for found in result["attributions"]]
    return {
        "lines": lines,
        "page": page(result, sessions, PageOptions(options.style, int(options.limit), options.console_url)),
        "csv": as_csv(rows),
        "json": as_json(rows),
    }


class FilterModule:
    """The class that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"attribution_report": attribution_report}
