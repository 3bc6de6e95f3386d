# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares this collection with the scripts that it replaces, and writes a table and a plot.

Without names, everything is measured at full size and `benchmarks/RESULTS.md` and `benchmarks/results.svg` are replaced.
With names, or with `--quick`, they are written to `build/bench/` instead.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _events import printed_by
from _findings import Finding
from _machine import machine
from _paths import BENCHMARKS, ROOT
from _profiling import profile, reading_alone, reading_other_kinds
from _read_csv import against_read_csv
from _report import markdown
from _shared_ledger import shared_ledger
from _site import Site
from _small_task import small_upload
from _uploads import again_and_grown, against_script, against_script_all_different, by_length, slow_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


PARTS: dict[str, Callable[[Site], Finding]] = {
    "script": against_script,
    "different": against_script_all_different,
    "again": again_and_grown,
    "read_csv": against_read_csv,
    "length": by_length,
    "network": slow_network,
    "shared": shared_ledger,
    "task": small_upload,
    "reading": reading_alone,
    "forms": reading_other_kinds,
    "profile": profile,
    "events": printed_by("stellar.py", "(i) Security events", (), ("--events", "20")),
    "sessions": printed_by(
        "sessions.py",
        "Sessions",
        ("--rows", "100000", "--questions", "500", "--repeats", "1"),
        ("--rows", "10000", "--questions", "50", "--repeats", "1"),
    ),
    "history": printed_by("history.py", "The session history", ("--repeats", "2"), ("--quick",)),
}


_FAILURES = (SystemExit, OSError, ValueError, LookupError, RuntimeError, subprocess.SubprocessError)
_SHOWN_CHARACTERS = 2000


def measure(names: Sequence[str], site: Site, output: Path) -> bool:
    """Measures parts, and writes the findings so far after each part; returns True if no part failed."""
    about = machine()
    if site.is_quick:
        about.append("**A quick run, at a hundredth of the size: that it ends well is all it says.**")
    findings: list[Finding] = []
    output.mkdir(parents=True, exist_ok=True)
    for name in names:
        print(f"{name}:", flush=True)
        begun = time.monotonic()
        findings.append(_finding(name, site))
        (output / "RESULTS.md").write_text(markdown(about, findings, "results.svg"), encoding="utf-8")
        print(f"  ({time.monotonic() - begun:.0f} s)", flush=True)
    plot = [sys.executable, str(BENCHMARKS / "_plot.py"), str(output / "results.svg")]
    is_drawn = not subprocess.run(plot, input=pickle.dumps(findings), check=False).returncode
    print(f"\n{(output / 'RESULTS.md').read_text(encoding='utf-8')}")
    return is_drawn and all(finding.is_whole for finding in findings)


def _finding(name: str, site: Site) -> Finding:
    """The finding of a part. If the part fails, the finding says so, and the other parts go on."""
    site.restore_settings()
    try:
        return PARTS[name](site)
    except _FAILURES as error:
        print(f"  FAILED: {error}", flush=True)
        return Finding(f"{name}: failed", notes=[f"```text\n{str(error).strip()[-_SHOWN_CHARACTERS:]}\n```"], is_whole=False)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(PARTS)} (default: everything)")
    parser.add_argument("--rounds", type=int, help="how often each variant runs (default: 4; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="everything at a hundredth of its size, to see that it works")
    parser.add_argument("--profile", action="store_true", help="show only where the time of an upload goes")
    options = parser.parse_args()
    unknown = set(options.names).difference(PARTS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    names = ["profile"] if options.profile else options.names or list(PARTS)
    is_whole = not options.names and not options.quick and not options.profile
    rounds = options.rounds or (1 if options.quick else 4)
    with tempfile.TemporaryDirectory(prefix="xdr-bench-") as folder, Site(Path(folder), is_quick=options.quick, rounds=rounds) as site:
        if not measure(names, site, BENCHMARKS if is_whole else ROOT / "build" / "bench"):
            sys.exit("Some parts failed; the report has the rest.")


if __name__ == "__main__":
    main()
