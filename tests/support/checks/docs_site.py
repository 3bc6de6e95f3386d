# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the documentation site into build/docs/html, and check that it documents everything that users can name.

Everything is read from this checkout. The network is not used.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from docs_event_source import event_source_page, plugin_text
from docs_links import broken_links

ROOT = Path(__file__).resolve().parents[3]
SITE = ROOT / "docs" / "site"
BUILD = ROOT / "build" / "docs"
SOURCES = BUILD / "rst"
HTML = BUILD / "html"
COLLECTION = "secops.xdr"
KINDS = {"module": "Modules", "event_source": "Event sources", "role": "Roles", "filter": "Filters"}
"""The kinds of what has a page, in the order of the site."""
WITHOUT_PAGE = {
    "action": "an action plugin is the part of the module of its name that runs on the control node",
    "doc_fragments": "parts of the pages of modules",
    "module_utils": "private",
    "plugin_utils": "private",
}


def named_by_users() -> dict[str, dict[str, str]]:
    """Return for each kind what there is, by name, with a short description."""
    found: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for kind, folder in _plugin_folders():
        for path in sorted(folder.glob("*.py")):
            found[kind][path.stem] = yaml.safe_load(plugin_text(path, "DOCUMENTATION"))["short_description"]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        spec = _read(path)["argument_specs"]["main"]
        found["role"][path.parents[1].name] = spec["short_description"]
    return found


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _plugin_folders() -> list[tuple[str, Path]]:
    """Return the folders of plugins that have pages."""
    known = {"modules": "module", "filter": "filter"}
    found = [("event_source", ROOT / "extensions" / "eda" / "plugins" / "event_source")]
    for path in sorted((ROOT / "plugins").iterdir()):
        if path.name in known:
            found.append((known[path.name], path))
        elif path.name not in {*WITHOUT_PAGE, "__pycache__"}:
            raise LookupError(f"{path}: docs_site.py does not know whether plugins of this kind have pages.")
    return found


def write_reference() -> str:
    """Let antsibull-docs write the pages of plugins and roles and bring the guides; return its complaints."""
    shutil.rmtree(BUILD, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    SOURCES.chmod(0o755)
    settings = ["--config-file", str(SITE / "antsibull-docs.cfg")]
    kind = ["--use-current", "--squash-hierarchy", "--fail-on-error"]
    return complaints("antsibull-docs", *settings, "collection", *kind, "--dest-dir", str(SOURCES), COLLECTION)


def write_event_sources() -> None:
    """Write the pages that antsibull-docs cannot write."""
    for path in (ROOT / "extensions" / "eda" / "plugins" / "event_source").glob("*.py"):
        page = event_source_page(path, COLLECTION)
        (SOURCES / f"{path.stem}_event_source.rst").write_text(page, encoding="utf-8")


def write_start_page(named: dict[str, dict[str, str]]) -> None:
    """Put the start page together: its text, the guides by section, and the reference."""
    sections = _read(ROOT / "docs" / "docsite" / "extra-docs.yml")["sections"]
    parts = [(SITE / "index.rst").read_text(encoding="utf-8")]
    parts += [_toctree(section["title"], [f"docsite/{guide}" for guide in section["toctree"]]) for section in sections]
    for kind, title in KINDS.items():
        pages = [f"{name} <{name}_{kind}>" for name in named[kind]]
        lines = [f":ref:`{name} <ansible_collections.{COLLECTION}.{name}_{kind}>`\n  {text}" for name, text in named[kind].items()]
        parts += [f".. rubric:: {title}", "\n".join(lines), _toctree(title, pages, "   :hidden:\n")]
    if _read(ROOT / "changelogs" / "changelog.yaml")["releases"]:
        parts.append(_toctree("Releases", ["changelog"]))
    else:
        (SOURCES / "changelog.rst").unlink()
    (SOURCES / "index.rst").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    (SOURCES / "environment_variables.rst").unlink()


def _toctree(title: str, entries: list[str], *options: str) -> str:
    listed = "".join(f"   {entry}\n" for entry in entries)
    return f".. toctree::\n   :caption: {title}\n   :maxdepth: 1\n{''.join(options)}\n{listed}"


def complaints(*command: str) -> str:
    """Run a command that says nothing when all is well, and return what it said."""
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | {"NO_COLOR": "1"}
    )
    return done.stdout or (f"{command[0]} ended with status {done.returncode}\n" if done.returncode else "")


def missing_pages(named: dict[str, dict[str, str]]) -> list[str]:
    """Return what has no page, or one that is empty."""
    wanted = {f"{name}_{kind}" for kind, names in named.items() for name in names}
    return [f"{page} has no page" for page in sorted(wanted) if not (HTML / f"{page}.html").is_file()]


def unnamed() -> list[str]:
    """Return which playbooks and rulebooks no guide names."""
    guides = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
    books = [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "extensions" / "eda" / "rulebooks").glob("*.yml")]
    return [f"no guide names {path.relative_to(ROOT)}" for path in sorted(books) if f"{COLLECTION}.{path.stem}" not in guides]


def build() -> list[str]:
    """Build the site and return what is wrong with it, in lines for people."""
    named = named_by_users()
    said = write_reference()
    if said:
        return [f"antsibull-docs complains:\n{said}"]
    write_event_sources()
    write_start_page(named)
    said = complaints(
        "sphinx-build", "--quiet", "--fail-on-warning", "-b", "html", "-d", str(BUILD / "doctrees"), "-c", str(SITE),
        str(SOURCES), str(HTML),
    )  # fmt: skip
    if said:
        return [f"Sphinx complains:\n{said}"]
    return missing_pages(named) + broken_links(HTML) + unnamed()


def main() -> int:
    BUILD.parent.mkdir(exist_ok=True)
    with (BUILD.parent / "docs.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wrong = build()
    for line in wrong:
        print(f"The documentation is not whole: {line}", file=sys.stderr)
    if not wrong:
        print(f"The documentation is in {HTML.relative_to(ROOT)}/index.html")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
