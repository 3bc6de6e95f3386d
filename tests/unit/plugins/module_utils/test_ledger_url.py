# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ledgers are databases, and that the password in such a URL is kept out of texts, however the URL is written."""

from __future__ import annotations

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import LedgerError
from ansible_collections.secops.xdr.plugins.module_utils._ledger.opening import open_ledger
from ansible_collections.secops.xdr.plugins.module_utils._ledger_url import is_postgresql, keep_ledger_password
from ansible_collections.secops.xdr.plugins.module_utils._secrets import NOT_SHOWN, SecretKeeper


@pytest.mark.parametrize("location", ["postgresql://db/ledger", "postgres://db/ledger", "PostgreSQL://db/ledger"])
def test_a_url_is_a_database(location: str) -> None:
    assert is_postgresql(location)


@pytest.mark.parametrize("location", [None, "", "ledger.sqlite3", "/var/lib/postgresql/ledger", "~/postgresql:/x"])
def test_anything_else_is_a_file(location: str | None) -> None:
    assert not is_postgresql(location)


@pytest.mark.parametrize("location", ["mysql://user:secret@db/ledger", "https://user:secret@db/ledger"])
def test_other_urls_are_refused_and_not_shown(location: str) -> None:
    with pytest.raises(LedgerError, match="only a file or a postgresql:// URL") as caught:
        open_ledger(location, read_only=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "secret"),
    [
        ("postgresql://ledger:hunter2@db:5432/ledger", "hunter2"),
        ("postgresql://ledger:hunter%202@db/ledger", "hunter 2"),
        ("postgresql://ledger:hunter%202@db/ledger", "hunter%202"),
        ("postgresql://ledger:h@nter@db/ledger", "h@nter"),
        ("postgresql://ledger:hun/ter@db/ledger", "hun/ter"),
        ("postgresql://ledger:hun?ter@db/ledger", "hun?ter"),
        ("postgresql://ledger:hun:ter@db/ledger", "hun:ter"),
        ("postgresql://db/ledger?user=ledger&password=hunter2&sslmode=require", "hunter2"),
        ("postgresql://db/ledger?sslpassword=hunter2", "hunter2"),
        ("mysql://ledger:hunter2@db/ledger", "hunter2"),
        ("POSTGRESQL://ledger:hunter2@db/ledger", "hunter2"),
    ],
)
def test_a_password_is_kept(location: str, secret: str) -> None:
    keeper = SecretKeeper()
    keep_ledger_password(location, keeper)
    assert keeper.shown(f"before {secret} after") == NOT_SHOWN
    assert keeper.shown(location) == NOT_SHOWN


@pytest.mark.parametrize("location", [None, "/home/ledger", "postgresql://db/ledger", "postgresql://ledger@db/ledger"])
def test_without_a_password_nothing_is_hidden(location: str | None) -> None:
    keeper = SecretKeeper()
    keep_ledger_password(location, keeper)
    assert keeper.shown(f"{location} ledger db") == f"{location} ledger db"
