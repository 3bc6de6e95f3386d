# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds broken links of a site."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

CHECKS = Path(__file__).resolve().parents[4] / "tests" / "support" / "checks"
SOUND = [
    "#here",
    "#",
    "other.html",
    "other.html#there",
    "sub/deep.html#x%20y",
    "file.txt",
    "https://example.com/#x",
    "mailto:a@example.com",
]
BROKEN = ["#there", "other.html#here", "missing.html", "sub/missing.html#x", "../other.html"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "sub").mkdir(parents=True)
    (folder / "other.html").write_text('<a name="there"></a>', encoding="utf-8")
    (folder / "sub" / "deep.html").write_text('<p id="x y"><a href="../other.html#there">', encoding="utf-8")
    (folder / "file.txt").write_text("", encoding="utf-8")
    return folder


@pytest.mark.parametrize(("link", "is_broken"), [*((link, False) for link in SOUND), *((link, True) for link in BROKEN)])
def test_links_that_lead_nowhere_are_found(site: Path, link: str, is_broken: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(CHECKS))
    (site / "index.html").write_text(f'<h1 id="here"><a href="{link}">', encoding="utf-8")
    found = importlib.import_module("docs_links").broken_links(site)
    assert found == ([f"index.html has a link to {link}, which leads nowhere"] if is_broken else [])
