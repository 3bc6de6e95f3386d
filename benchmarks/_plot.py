# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draws the seconds of each round: `python _plot.py FILE`, with the findings, pickled, on its standard input.

A separate process, because the memory of matplotlib would count towards the peak of every process started later.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _findings import Finding

_SPDX = """\
<!--
Copyright (c) 2026, secops.xdr contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
-->
"""
_INCHES_A_BAR = 0.32
_INCHES_A_PART = 0.9


def draw(findings: Sequence[Finding], path: Path) -> None:
    """One panel for each part: a bar for the median, a dot for each round."""
    mpl.rcParams["svg.hashsalt"] = "secops.xdr"
    mpl.rcParams["svg.fonttype"] = "none"
    parts = [finding for finding in findings if finding.variants]
    if not parts:
        return
    bars = [len(finding.variants) for finding in parts]
    height = sum(bars) * _INCHES_A_BAR + len(parts) * _INCHES_A_PART
    figure, panels = plt.subplots(len(parts), 1, figsize=(8, height), height_ratios=[number + 0.5 for number in bars], squeeze=False)
    for finding, panel in zip(parts, panels[:, 0], strict=True):
        labels = [variant.label.replace("`", "") for variant in finding.variants]
        panel.barh(labels, [median(variant.walls) for variant in finding.variants], color="#9ecae1")
        for label, variant in zip(labels, finding.variants, strict=True):
            panel.plot(variant.walls, [label] * len(variant.walls), ".", color="#08519c", markersize=4)
        panel.invert_yaxis()
        panel.set_xlim(left=0)
        panel.set_title(finding.title, loc="left", fontsize=9)
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1, 0].set_xlabel("seconds", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    head, mark, rest = path.read_text(encoding="utf-8").partition("?>\n")
    path.write_text("\n".join(line.rstrip() for line in (head + mark + _SPDX + rest).splitlines()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    draw(pickle.load(sys.stdin.buffer), Path(sys.argv[1]))
