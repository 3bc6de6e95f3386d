# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(d) Against a playbook of what Ansible has without this collection: `community.general.read_csv` and `ansible.builtin.uri`."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from _findings import Finding, Promise, Variant, alternately, ratios
from _site import SOURCE

if TYPE_CHECKING:
    from _site import Site

_ROWS = 100_000
_ROUNDS = 3
_OBSERVATIONS = """\
{%- set observations = [] -%}
{%- for row in vpn.list -%}
{%- set _ = observations.append({
  'ipaddr': row['VPN IP'],
  'associated_ipaddr': row['Real IP'],
  'timestamp': (row['Start Time'] | to_datetime('%m/%d/%y %H:%M:%S')).timestamp() | int,
}) -%}
{%- endfor -%}
{{ observations }}"""


def uri_task(site: Site, observations: Any) -> dict[str, Any]:
    """One `uri` task that sends what a small upload sends."""
    return {
        "ansible.builtin.uri": {
            "url": f"{site.url}/api/v1/observations/associatedipaddrs",
            "method": "POST",
            "headers": {"Authorization": f"ExtraHop apikey={site.credentials['api_key']}", "Accept": "application/json"},
            "body_format": "json",
            "body": {"source": SOURCE, "observations": observations},
            "status_code": 202,
            "ca_path": site.ca_path,
        }
    }


def against_read_csv(site: Site) -> Finding:
    """The same rows with either playbook."""
    rows = site.sized(_ROWS)
    log = site.logs.of(rows)
    steps = [
        {"name": "Read", "community.general.read_csv": {"path": str(log)}, "register": "vpn"},
        {"name": "Send", **uri_task(site, _OBSERVATIONS), "no_log": True},
    ]
    playbook = site.playbook("read_csv", steps)
    theirs = Variant("`read_csv` and `uri`", rows=rows)
    ours = Variant("`extrahop_observation`", rows=rows)
    nothing = site.playbook("nothing", [{"name": "Ping", "ansible.builtin.ping": {}}])
    floor = Variant("a playbook with one `ping`")
    variants = alternately(
        min(site.rounds, _ROUNDS),
        (theirs, lambda: site.measured(site.ansible(playbook), site.environment(), accepted=rows)),
        (ours, lambda: site.upload(log, None, accepted=rows)),
        (floor, lambda: site.measured(site.ansible(nothing), site.environment(), accepted=0)),
    )
    faster = Promise("(d) times faster than `read_csv` and `uri`", ratios(theirs.walls, ours.walls), 20, at_least=True, form=".1f")
    share = 100 * median(ratios(floor.walls, ours.walls))
    notes = [f"The `ping` shows what bounds this: {share:.0f} % of the upload is what Ansible needs to start and to run any task."]
    return Finding(f"(d) {rows:,} rows, against `read_csv` and `uri`", variants, [faster], notes)
