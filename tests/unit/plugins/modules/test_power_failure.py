# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host loses its power while a request is on its way: the ledger on its disk is enough for the next run."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._extrahop.client import ExtraHopClient
from ansible_collections.secops.xdr.plugins.module_utils._ledger import observations as _observations
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._stellar.client import StellarClient

from support.power import watched_disk
from support.stellar import SEED_EVENT, Stellar
from support.vpn_logs import plain_rows, received, write_log

if TYPE_CHECKING:
    from pathlib import Path

BATCH = 10
BATCHES = 4


@pytest.fixture(params=["durable once", "always durable"])
def seconds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """The time that a claim may stay in memory: longer than the run, or none."""
    chosen = 3600.0 if request.param == "durable once" else 0.0
    monkeypatch.setattr(_observations, "_DURABLE_EVERY_SECONDS", chosen)
    return chosen


@pytest.mark.parametrize("failing", range(1, BATCHES + 1))
def test_an_upload(upload: Any, emulator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, failing: int):
    path = write_log(tmp_path / "log.csv", *plain_rows(BATCH * BATCHES))
    copies: list[str] = []
    real = ExtraHopClient.upload_observations

    with watched_disk() as disk, monkeypatch.context() as patch:

        def send(client: ExtraHopClient, body: bytes) -> bool:
            copies.append(disk.after_a_power_failure(str(tmp_path / "ledger.db"), str(tmp_path / f"after {len(copies)}.db")))
            return real(client, body)

        patch.setattr(ExtraHopClient, "upload_observations", send)
        upload(path=path, batch_size=BATCH, ledger=str(tmp_path / "ledger.db"))
    whole = received(emulator.observations())
    emulator.clear_requests()

    run = upload(path=path, batch_size=BATCH, ledger=copies[failing - 1])

    assert received(emulator.observations()) == whole
    assert len(copies) == BATCHES
    assert any("were on their way" in warning for warning in run.warnings), "rows that came twice are reported"
    sent_again = sum(len(one["body"]["observations"]) for one in emulator.writes())
    # A claim is made while the request before it is on its way: on the disk, that one may still be without an answer.
    assert sent_again == BATCH * BATCHES if seconds else sent_again <= BATCH * (BATCHES - failing + 2)


def test_after_the_end_of_an_upload_nothing_is_sent_again(upload: Any, emulator: Any, tmp_path: Path):
    path = write_log(tmp_path / "log.csv", *plain_rows(BATCH * BATCHES))
    with watched_disk() as disk:
        upload(path=path, batch_size=BATCH, ledger=str(tmp_path / "ledger.db"))
        copy = disk.after_a_power_failure(str(tmp_path / "ledger.db"), str(tmp_path / "after.db"))
    emulator.clear_requests()

    run = upload(path=path, batch_size=BATCH, ledger=copy)

    assert not run.changed
    assert not run.warnings
    assert emulator.writes() == []


def test_what_was_learned_about_a_server(tmp_path: Path):
    with watched_disk() as disk, closing(open_ledger(str(tmp_path / "ledger.db"), read_only=False)) as ledger:
        ledger.rewrites("https://stellar.example.com").note({b"sent": b"stored"})
        copy = disk.after_a_power_failure(str(tmp_path / "ledger.db"), str(tmp_path / "after.db"))
    with closing(open_ledger(copy, read_only=False)) as ledger:
        assert ledger.rewrites("https://stellar.example.com").known([b"sent"]) == {b"sent": b"stored"}


def test_an_insert(stellar: Stellar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The server has the event, and its search does not show it yet."""
    stellar.emulator.configure(refresh_delay=40)
    copy = str(tmp_path / "after.db")
    real = StellarClient.insert_event

    class PowerError(BaseException):
        pass

    with watched_disk() as disk, monkeypatch.context() as patch:

        def insert(client: StellarClient, *arguments: Any) -> None:
            real(client, *arguments)
            disk.after_a_power_failure(stellar.ledger, copy)
            raise PowerError

        patch.setattr(StellarClient, "insert_event", insert)
        with pytest.raises(PowerError):
            stellar.insert(**SEED_EVENT)
    stellar.ledger = copy

    result = stellar.insert(**SEED_EVENT)

    assert not result.changed
    assert len(stellar.sources()) == 1
