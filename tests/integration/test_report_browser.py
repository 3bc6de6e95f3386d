# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report and the page of the emulator in a real browser: they fit the screen, and nothing in the report runs.

The browser is Debian's chromium.
"""

from __future__ import annotations

import csv
import html
import html.parser
import re
import struct
import subprocess
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from emulator import RunningEmulator

from .conftest import Playground, program

if TYPE_CHECKING:
    from .conftest import Appliance

SESSIONS = 5000
ALERTS = 600
MOST_BYTES = 3_000_000
PATIENCE_SECONDS = 900
MOST_ELEMENTS = 80_000
"""A browser shows this many without a pause that people notice."""
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
HOSTILE_EVENT = "</title></style><script>document.title='owned'</script>"
PAGE_COLOUR = (0xF4, 0xF6, 0xF9)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser, installed where it is missing and may be."""
    return program("chromium", "chromium")


@dataclass
class Browser:
    """Opens pages, each time as new."""

    program: str
    folder: Path
    started: int = field(default=0)

    def dom(self, page: Path, *flags: str) -> str:
        """The elements that a page has once it is loaded."""
        return self._run(page, "--dump-dom", *flags).stdout

    def screenshot(self, page: Path, width: int = 1280, *flags: str) -> list[bytes]:
        """The rows of a picture of the upper part of a page."""
        return png_rows(self._picture(page, width, *flags).read_bytes())

    def _picture(self, page: Path, width: int, *flags: str) -> Path:
        target = self.folder / f"{self.started}.png"
        self._run(page, f"--screenshot={target}", f"--window-size={width},700", *flags)
        return target

    def _run(self, page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        self.started += 1
        command = [self.program, *FLAGS, f"--user-data-dir={self.folder / str(self.started)}", *flags, page.as_uri()]
        return subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE_SECONDS)


@pytest.fixture
def browser(chromium: str, tmp_path: Path) -> Browser:
    (tmp_path / "browser").mkdir()
    return Browser(chromium, tmp_path / "browser")


@pytest.fixture(scope="module")
def report(running_appliance: Appliance, playbook_commands: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of the role with thousands of sessions and hostile names."""
    folder = tmp_path_factory.mktemp("report")
    playground = Playground(folder, playbook_commands)
    playground.environment.update(running_appliance.environment)
    running_appliance.control.reset()
    first = datetime(2024, 5, 1, tzinfo=UTC)
    rows = [
        (user(number), f"203.0.113.{number % 250}", f"10.8.{number % 4}.9", first + timedelta(minutes=2 * number))
        for number in range(SESSIONS)
    ]
    with (folder / "vpn.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [
                ("Username", "Real IP", "VPN IP", "Start Time"),
                *((name, real, vpn, f"{start:%m/%d/%y %H:%M:%S}") for name, real, vpn, start in rows),
                ("short",),
            ]
        )
    running_appliance.control.add_events(*(alert(number, rows) for number in range(ALERTS)))
    done = playground.run(
        {
            "ansible.builtin.include_role": {"name": "secops.xdr.vpn_attribution"},
            "vars": {
                "vpn_attribution_log": str(folder / "vpn.csv"),
                "vpn_attribution_timezone": "UTC",
                "vpn_attribution_concurrency": 16,
                "vpn_attribution_report_path": str(folder / "report.html"),
                "vpn_attribution_report_title": f"Attribution {HOSTILE}",
            },
        }
    )
    assert done.status == 0, done.output
    return folder / "report.html"


def user(number: int) -> str:
    return HOSTILE if number % 50 == 0 else f"user{number % 77}"


def alert(number: int, rows: list[tuple[str, str, str, datetime]]) -> dict[str, Any]:
    """One that falls into a session; some that fall into none."""
    _name, _real, address, start = rows[number * (SESSIONS // ALERTS) + number % 4]
    return {
        "event_name": HOSTILE_EVENT if number % 40 == 0 else "Port scan",
        "event_status": "New",
        "event_score": number % 100,
        "srcip": "10.8.99.1" if number % 30 == 7 else address,
        # Some happen just when the address changes hands, so nobody can be named.
        "timestamp": int((start + timedelta(minutes=0 if number % 50 == 9 else 1)).timestamp() * 1000),
    }


class Elements(html.parser.HTMLParser):
    """Counts elements and gathers what they say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count: dict[str, int] = {}
        self.attributes: set[str] = set()
        self.title = ""
        self._in_title = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.attributes.update(name for name, _value in attrs)
        self._in_title = tag == "title" and self.count[tag] == 1

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


def png_rows(content: bytes) -> list[bytes]:
    """The rows of pixels of a PNG with 8 bits a channel, as browsers write them."""
    position, header, packed = 8, b"", b""
    while position < len(content):
        (length,) = struct.unpack_from(">I", content, position)
        kind, data = content[position + 4 : position + 8], content[position + 8 : position + 8 + length]
        header, packed = (data, packed) if kind == b"IHDR" else (header, packed + data if kind == b"IDAT" else packed)
        position += length + 12
    width, height, depth, colour = struct.unpack_from(">IIBB", header)
    assert depth == 8
    step = {2: 3, 6: 4}[colour]
    raw, stride = zlib.decompress(packed), width * step
    rows, above = [], bytes(stride)
    for place in range(height):
        start = place * (stride + 1)
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), above, step)
        rows.append(b"".join(above[pixel : pixel + 3] for pixel in range(0, stride, step)))
    return rows


def _unfiltered(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    if kind == 0:
        return bytes(row)
    for place in range(len(row)):
        left = row[place - step] if place >= step else 0
        corner = above[place - step] if place >= step else 0
        guess = (0, left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))[kind]
        row[place] = (row[place] + guess) & 0xFF
    return bytes(row)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda one: abs(guess - one))


def colours(rows: list[bytes]) -> set[tuple[int, ...]]:
    return {tuple(row[place : place + 3]) for row in rows for place in range(0, len(row), 3)}


def test_it_is_small_and_needs_nothing_else(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert report.stat().st_size < MOST_BYTES
    assert page.startswith("<!DOCTYPE html>\n")
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "@import" not in page
    assert not re.search(r"url\((?!\"?#)", page), "something is loaded from elsewhere"
    listed = page.partition('<table class="sessions">')[2]
    assert listed.count("<tr") == SESSIONS + 1
    assert len(re.findall(r'<tr id="a\d+">', page)) == ALERTS


def test_a_browser_finds_no_script_in_it_and_runs_none(report: Path, browser: Browser) -> None:
    elements = Elements(browser.dom(report))
    assert not {"script", "img", "iframe", "object", "link", "base", "form"} & set(elements.count)
    assert not [name for name in elements.attributes if name.startswith("on") or name == "style"]
    assert elements.title == f"Attribution {HOSTILE}"
    assert elements.count["table"] == 4
    assert sum(elements.count.values()) < MOST_ELEMENTS


def test_a_script_that_got_into_it_would_not_run(report: Path, browser: Browser, tmp_path: Path) -> None:
    page = report.read_text(encoding="utf-8")
    script = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    bare = tmp_path / "bare.html"
    bare.write_text(f"<!DOCTYPE html><title>fine</title>{script}", encoding="utf-8")
    assert Elements(browser.dom(bare)).title == "owned", "the browser runs no scripts at all, so this tests nothing"
    broken = tmp_path / "broken.html"
    broken.write_text(page.replace("<main>", f"{script}<main>", 1), encoding="utf-8")
    assert Elements(browser.dom(broken)).title != "owned"


@pytest.mark.parametrize("width", [1280, 500])
def test_it_shows_in_its_own_colours(report: Path, browser: Browser, width: int) -> None:
    rows = browser.screenshot(report, width)
    seen = colours(rows)
    assert len(rows[0]) == 3 * width
    assert PAGE_COLOUR in seen, "the style sheet was not applied"
    assert len(seen) > 100
    assert all(tuple(row[-3:]) == PAGE_COLOUR for row in rows[200:400]), "the page is wider than the screen"


def test_it_shows_dark_where_dark_is_wished(report: Path, browser: Browser) -> None:
    seen = colours(browser.screenshot(report, 1280, "--force-dark-mode"))
    assert (0x10, 0x15, 0x1C) in seen
    assert PAGE_COLOUR not in seen


def page_of_the_emulator() -> str:
    """The page with an observation, an event, a fault and a request, with long values."""
    with RunningEmulator() as emulator:
        row = {"ipaddr": "fd00:8:ffff:ffff:ffff:ffff:ffff:0007", "associated_ipaddr": "203.0.113.9", "timestamp": 1717157700}
        body = {"source": "A gateway with a long name " * 3, "observations": [row]}
        emulator.add_events({"event_name": "Login_" * 30, "event_status": "New", "timestamp": 1717157700000, "srcip": "10.8.3.7"})
        emulator.add_fault("delay", times=None, match={"path": "/api/v1/observations/associatedipaddrs", "kind": "write"})
        with requests.Session() as session:
            session.trust_env, session.verify = False, emulator.ca_path
            key = emulator.environment()["EXTRAHOP_API_KEY"]
            session.headers.update({"Accept": "application/json", "Authorization": f"ExtraHop apikey={key}"})
            answer = session.post(f"{emulator.url}/api/v1/observations/associatedipaddrs", json=body)
            assert answer.status_code == 202, answer.text
            return session.get(f"{emulator.url}/_emulator").text


@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_of_the_emulator_fits_the_screen_and_shows_times_in_words(browser: Browser, tmp_path: Path, width: int) -> None:
    page, outer = page_of_the_emulator(), tmp_path / "outer.html"
    assert page.count("31 May 2024, 12:15:00 UTC (1717157700") == 2
    assert "ignored: never observed" in page
    # Browsers have no windows of 400 pixels, but frames of that width, and a document measures one that is written into it.
    outer.write_text(
        f'<!DOCTYPE html><title></title><iframe width="{width}" height="900" style="border: 0" srcdoc="{html.escape(page)}"'
        ' onload="document.title = this.contentDocument.documentElement.scrollWidth"></iframe>',
        encoding="utf-8",
    )
    assert int(Elements(browser.dom(outer)).title) <= width


def test_two_people_of_one_day_differ_in_colour_or_pattern(report: Path) -> None:
    days = report.read_text(encoding="utf-8").split('<article class="day card">')[1:]
    assert len(days) > 3
    for day in days:
        people = day.partition('<ul class="legend people small">')[2].partition("</ul>")[0].split("<li>")[1:]
        looks = [re.search(r'class="bar hit (u\d)">.*?(p\d|</g>)', person, re.DOTALL) for person in people]
        found = [look.groups() for look in looks if look]
        assert len(found) > 20
        assert len(set(found)) == len(found)


def test_doubtful_events_come_first_and_are_drawn(report: Path) -> None:
    page = report.read_text(encoding="utf-8")
    assert page.index("What would settle it") < page.index("Sessions and events") < page.index("Who was who")
    assert '<rect class="doubt" x=' in page
