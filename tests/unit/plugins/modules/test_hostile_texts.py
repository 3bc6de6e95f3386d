# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from outside in every option of a module: they arrive unchanged and are never interpreted."""

from __future__ import annotations

import csv
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._observations.rejects import rejects_file
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.records import REJECTED, Record

from support.stellar import SEED_EVENT, Stellar

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

    Upload = Callable[..., ModuleRun]

HOSTILE = [
    "../../etc/passwd",
    "..%2f..%2f",
    "a?size=1#b",
    "a%00b",
    "a\r\nX-Injected: 1\r\n\r\n",
    'it\'s "quoted" \\ and \\" more',
    '" OR event_status:New OR "',
    "*) OR (_exists_:event_name",
    "event_name:/.*/ AND NOT [* TO *]",
    "{{ 7*7 }}{% raw %}",
    "<script>alert(1)</script>",
    "\x1b[2J\x1b]0;title\x07",
    "\u202eevil\u2066",
    "\ufeff\u2028\u00a0\U0001f512",
    "'; DROP TABLE event; --",
    "$(id)`id`",
    "-n",
]
INDEX = "aella-ser-1610496070892-"


@pytest.fixture
def stellar(emulator: RunningEmulator, run_module: Callable[..., ModuleRun], tmp_path: Path) -> Stellar:
    return Stellar(emulator, run_module, tmp_path)


def test_names_of_events(stellar: Stellar):
    """Each is one event, found again by a search for it and for nothing else."""
    events = [{**SEED_EVENT, "event_name": text, "event_source": text, "custom_fields": {"case": text}} for text in HOSTILE]
    first = stellar.insert(events=events)
    assert [one["changed"] for one in first["events"]] == [True] * len(HOSTILE)
    assert sorted(source["event_name"] for source in stellar.sources()) == sorted(HOSTILE)
    assert "X-Injected" not in str([one["headers"] for one in stellar.emulator.requests()])

    stellar.move_to_another_host()
    again = stellar.insert(events=events)
    assert not again.changed
    assert [one["id"] for one in again["events"]] == [one["id"] for one in first["events"]]
    for place, text in enumerate(HOSTILE):
        found = stellar.info(filter={"event_name": text})
        assert [one["id"] for one in found["events"]] == [first["events"][place]["id"]]


@pytest.mark.parametrize("endpoint", ["update_ser", "security_events"])
def test_tags_and_comments(stellar: Stellar, endpoint: str):
    stellar.emulator.add_events({"_index": INDEX, "_id": "1", "_source": {"event_name": "a", "event_status": "New", "timestamp": 1}})
    options: dict[str, Any] = {"index": INDEX, "id": "1", "endpoint": endpoint, "add_tags": HOSTILE}
    for text in HOSTILE:
        assert stellar.update(**{**options, "comment": text}).changed
    (event,) = stellar.emulator.events()
    assert event["tags"] == HOSTILE
    assert [one["comment"] for one in event["_source"]["comments"]] == HOSTILE
    assert not stellar.update(**{**options, "comment": HOSTILE[4]}).changed


@pytest.mark.parametrize("identifier", [text for text in HOSTILE if text.isprintable()])
def test_ids_of_events(stellar: Stellar, identifier: str):
    """Read, found and updated under this id, and under no other."""
    event = {"event_name": "a", "event_status": "New", "timestamp": 1}
    stellar.emulator.add_events({"_index": INDEX, "_id": identifier, "_source": event}, {"_index": INDEX, "_id": "other", "_source": event})
    assert [one["id"] for one in stellar.info(index=INDEX, id=identifier)["events"]] == [identifier]
    assert [one["id"] for one in stellar.info(index="aella-ser-*", id=identifier)["events"]] == [identifier]
    for endpoint in ("update_ser", "security_events"):
        assert stellar.update(index=INDEX, id=identifier, endpoint=endpoint, comment=endpoint).changed
    assert {one["_id"]: len(one["_source"].get("comments", ())) for one in stellar.emulator.events()} == {identifier: 2, "other": 0}


@pytest.mark.parametrize("option", ["id", "index"])
@pytest.mark.parametrize("value", ["a\r\nb", "\x1b[2J", "\u202ea", "..", "a" * 600])
def test_ids_and_indices_that_cannot_be(stellar: Stellar, option: str, value: str):
    run = stellar.update(**{"index": INDEX, "id": "1", "status": "New", option: value})
    assert run.msg.startswith(f"{option}: ")
    assert "\x1b" not in run.printed
    assert stellar.seen() == []


@pytest.mark.parametrize("name", ["AND", "OR", "NOT", "a b", "a:b", "a OR b", "*", "", "a\n", "{{ x }}"])
def test_names_of_fields(stellar: Stellar, name: str):
    assert "is not the name of a field" in stellar.info(filter={name: "x"}).msg
    assert "is not a field" in stellar.info(sort=[name]).msg or ":" in name
    assert stellar.seen() == []


def test_sources_of_observations(upload: Upload, emulator: RunningEmulator, log: str):
    for text in HOSTILE:
        assert upload(path=log, source=text)["counts"]["uploaded"] == 7
        assert not upload(path=log, source=text).changed
    assert list(dict.fromkeys(one["source"] for one in emulator.observations())) == HOSTILE


def test_texts_of_a_log(upload: Upload, tmp_path: Path):
    """In messages, results and lists of rejects: nothing steers a terminal, and the list of rejects holds the row as it was."""
    path, rejects = tmp_path / "vpn.csv", tmp_path / "rejects.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Real IP", "VPN IP", "Start Time"], *([text, "10.8.0.2", "01/05/24 10:00:00"] for text in HOSTILE)])
    for on_invalid in ("fail", "skip"):
        run = upload(path=str(path), on_invalid=on_invalid, rejects_path=str(rejects))
        assert run["counts"]["rejected"] == len(HOSTILE)
        reasons = [row["reason"] for row in run["rejected_rows"]]
        assert all(reason.isprintable() for reason in reasons)
        assert not run.failed or run.msg.isprintable()
        with rejects.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        texts = [row["row"].removesuffix(",10.8.0.2,01/05/24 10:00:00") for row in rows]
        wanted = [text.replace("\r\n", "\n") for text in HOSTILE]
        assert all(text in (one, f"'{one}") for text, one in zip(texts, wanted, strict=True)), "an apostrophe is for spreadsheets"


@pytest.mark.parametrize("option", ["path", "ca_path", "rejects_path", "host", "timezone", "timestamp_format", "encoding", "delimiter"])
@pytest.mark.parametrize("text", ["\x1b[2J", "\u202eevil", "a\r\nb", "\x07"])
def test_options_in_messages(upload: Upload, log: str, tmp_path: Path, option: str, text: str):
    """Names of files, above all, are often found and not given."""
    value = f"{tmp_path}/{text}/x" if option.endswith("path") else f"{text}://x" if option == "host" else text
    run = upload(**{"path": log, option: value})
    assert run.msg.isprintable()
    assert option in run.msg


class TestRejectsPath:
    ROW = Record(2, REJECTED, "bad", text="a,b")

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path):
        mine, theirs = tmp_path / "rejects.csv", tmp_path / "theirs"
        theirs.write_text("untouched", encoding="utf-8")
        mine.symlink_to(theirs)
        with rejects_file(str(mine)) as add:
            add(self.ROW)
        assert theirs.read_text(encoding="utf-8") == "untouched"
        assert not mine.is_symlink()
        assert stat.S_IMODE(mine.stat().st_mode) == 0o600
