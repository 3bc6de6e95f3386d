# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx makes the site: `make docs` puts its sources together in build/docs/rst and calls Sphinx with this file."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SITE = Path(__file__).resolve().parent
GALAXY = yaml.safe_load((SITE.parents[1] / "galaxy.yml").read_text(encoding="utf-8"))
BUILD = SITE.parents[1] / "build" / "docs"


def ansible_inventory() -> str:
    """Make an inventory of the places in Ansible's documentation that ours refers to, and return its path."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# The remainder of this file is compressed using zlib.\n"
    labels = yaml.safe_load((SITE / "ansible_labels.yml").read_text(encoding="utf-8"))
    entries = [f"{label} std:label -1 {page} {title}\n" for label, (page, title) in labels.items()]
    target = BUILD / "ansible.inv"
    target.write_bytes(head.encode() + zlib.compress("".join(entries).encode()))
    return str(target)


def without_contents(_app: Sphinx, doctree: nodes.document) -> None:
    """Leave out the table of contents that guides have for other readers: this theme shows one beside each page."""
    for topic in list(doctree.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)
    # Nor have headings anything to lead back to then.
    for title in doctree.findall(nodes.title):
        title.attributes.pop("refid", None)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", without_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


project = f"{GALAXY['namespace']}.{GALAXY['name']}"
project_copyright = "2026, secops.xdr contributors"
version = release = GALAXY["version"]

extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
nitpicky = True
default_role = "any"
highlight_language = "YAML+Jinja"
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", ansible_inventory())}

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = [str(SITE / "static")]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False
# The colours are in site.css, because the theme can be switched from light to dark on the page.
antsibull_color_scheme = "none"
