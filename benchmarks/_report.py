# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the findings as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from _findings import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from _findings import Finding, Promise, Variant

_HEAD = """\
<!--
Copyright (c) 2026, secops.xdr contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->

# Benchmarks

Made by `make bench`, which writes all of it. Variants run one after the other and again (A B A B …), as whole processes with all that
they start, against the emulator on the same machine. Bounds compare minima: other work on the machine only ever adds time, so the least
of each comes closest to what it takes. Figures are the median, with the smallest and the largest in brackets. The peak is the largest
resident memory of the process that uploads: the script, or the module below ansible-playbook. "Server" is what the emulator, which parses
and checks each row, spent on the same cores meanwhile.
"""
_COLUMNS = (
    "what",
    "seconds",
    "CPU seconds",
    "rows a second",
    "peak, MiB",
    "server, CPU seconds",
    "seconds of each round",
)


def markdown(machine: Sequence[str], findings: Sequence[Finding], plot: str) -> str:
    """The whole report."""
    lines = [_HEAD, *(f"- {line}" for line in machine), "", "## What was promised", ""]
    lines += ["| what | measured | bound | |", "|---|---|---|---|"]
    lines += [_promise(promise) for finding in findings for promise in finding.promises]
    lines += ["", f"![Seconds of each round]({plot})"]
    for finding in findings:
        lines += ["", *_part(finding)]
    return "\n".join(lines) + "\n"


def _promise(promise: Promise) -> str:
    sign = "≥" if promise.at_least else "≤"
    verdict = "holds" if promise.holds else "**falls short**"
    return f"| {promise.text} | {Spread.of(promise.values).text(promise.form)} | {sign} {promise.bound:g} | {verdict} |"


def _part(finding: Finding) -> Iterator[str]:
    yield f"## {finding.title}"
    if finding.variants:
        yield ""
        yield f"| {' | '.join(_COLUMNS)} |"
        yield f"|{'---|' * len(_COLUMNS)}"
        yield from map(_row, finding.variants)
    if finding.markdown:
        yield from ("", finding.markdown)
    for note in finding.notes:
        yield from ("", note)


def _row(variant: Variant) -> str:
    runs = variant.runs
    peak = max(run.peak for run in runs)
    cells = [
        variant.label,
        Spread.of(variant.walls).text(),
        Spread.of([run.cpu for run in runs]).text(),
        Spread.of([variant.rows / wall for wall in variant.walls]).text(",.0f") if variant.rows else "",
        f"{peak:.1f}" if peak else "",
        Spread.of([run.server_cpu for run in runs]).text() if any(run.server_cpu for run in runs) else "",
        " ".join(f"{wall:.2f}" for wall in variant.walls),
    ]
    return f"| {' | '.join(cells)} |"
