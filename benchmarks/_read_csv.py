# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(d) Comparison with a playbook that does not need this collection: `community.general.read_csv` and `ansible.builtin.uri`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _findings import Finding, Promise, Variant, alternately
from _site import SOURCE, UPLOAD

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
    """One `uri` task that sends the same as a small upload."""
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
    upload = site.playbook("upload", [UPLOAD])
    theirs = Variant("`read_csv` and `uri`", rows=rows)
    ours = Variant("`extrahop_observation`", rows=rows)
    nothing = site.playbook("nothing", [{"name": "Ping", "ansible.builtin.ping": {}}])
    floor = Variant("a playbook with one `ping`")
    variants = alternately(
        min(site.rounds, _ROUNDS),
        (theirs, lambda: site.timed(playbook, site.environment(), accepted=rows)),
        (ours, lambda: site.timed(upload, site.environment(), accepted=rows, log=str(log))),
        (floor, lambda: site.measured(site.ansible(nothing), site.environment(), accepted=0)),
    )
    by_tasks = [min(_seconds_of_tasks(variant)) for variant in variants[:2]]
    least = [min(variant.walls) for variant in variants]
    faster = Promise("(d) tasks, times faster than `read_csv` and `uri`", [by_tasks[0] / by_tasks[1]], 20, at_least=True, form=".1f")
    note = (
        f"The tasks alone take {by_tasks[0]:.2f} s (two tasks) and {by_tasks[1]:.2f} s (one). Whole playbooks, with the start of Ansible, "
        f"differ by a factor of {least[0] / least[1]:.1f}; the `ping` shows that {100 * least[2] / least[1]:.0f} % of the upload's is what "
        "Ansible needs to start and to run any task."
    )
    return Finding(f"(d) {rows:,} rows, against `read_csv` and `uri`", variants, [faster], [note])


def _seconds_of_tasks(variant: Variant) -> list[float]:
    """The seconds of each run."""
    return [sum(seconds for _name, seconds in run.tasks) for run in variant.runs]
