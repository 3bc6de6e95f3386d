# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The tables of a session history, version by version, and the conversion of claims and doubts to rows."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .._database.database import Schema, step
from .model import END_KINDS, END_UNKNOWN, AddressClaim, Doubt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import ClaimColumns

DAY_MS = LONG_MS = 86_400_000
"""Claims and doubts that last longer than a day have a separate index, so that all others can be found near their beginning."""

_VERSION_1 = step("""
CREATE TABLE gateway (id {number}, name TEXT NOT NULL UNIQUE);
CREATE TABLE claim (
    day INTEGER NOT NULL,
    ipaddr TEXT NOT NULL,
    since BIGINT NOT NULL,
    gateway INTEGER NOT NULL,
    folded TEXT NOT NULL,
    starts_unknown INTEGER NOT NULL,
    username TEXT NOT NULL,
    associated_ipaddr TEXT NOT NULL,
    end_at BIGINT,
    end_kind INTEGER NOT NULL,
    alive BIGINT NOT NULL,
    sure_until BIGINT NOT NULL,
    latest BIGINT NOT NULL,
    is_long INTEGER NOT NULL,
    line BIGINT NOT NULL,
    session TEXT NOT NULL,
    device TEXT NOT NULL,
    flaw TEXT NOT NULL,
    is_snapshot INTEGER NOT NULL,
    PRIMARY KEY (day, ipaddr, since, gateway, folded, starts_unknown)
){keyed};
CREATE INDEX claim_long ON claim (ipaddr, latest) WHERE is_long = 1;
CREATE INDEX claim_open ON claim (gateway, latest) WHERE end_kind = 0;
CREATE TABLE assigned (ipaddr TEXT NOT NULL, gateway INTEGER NOT NULL, PRIMARY KEY (ipaddr, gateway)){keyed};
CREATE TABLE span (
    gateway INTEGER NOT NULL,
    of_snapshots INTEGER NOT NULL,
    since BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (gateway, of_snapshots, since)
){keyed};
CREATE TABLE doubt (
    ipaddr TEXT NOT NULL,
    kind TEXT NOT NULL,
    is_long INTEGER NOT NULL,
    since BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    gateway INTEGER NOT NULL,
    words TEXT NOT NULL,
    amount BIGINT NOT NULL,
    line BIGINT NOT NULL,
    PRIMARY KEY (ipaddr, kind, is_long, since, until_at, gateway, words, amount)
){keyed};
CREATE TABLE network (gateway INTEGER NOT NULL, network TEXT NOT NULL, PRIMARY KEY (gateway, network)){keyed};
CREATE TABLE log_position (gateway INTEGER NOT NULL, path TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (gateway, path)){keyed}
""")

HISTORY_SCHEMA = Schema(
    title="session history",
    option="history",
    variable="SECOPS_XDR_HISTORY",
    default_file="sessions.sqlite3",
    application_id=0x78647232,
    namespace="secops_xdr_sessions",
    version_table="history",
    after_failure="what was recorded is kept, and the log is read on from there.",
    steps=(_VERSION_1,),
)

KEY = ("day", "ipaddr", "since", "gateway", "folded", "starts_unknown")
"""The day comes first, so that rows that are added together are stored together. Otherwise a batch would touch a page for each address."""
_TIMES = ("end_at", "end_kind", "alive", "sure_until", "latest", "is_long")
_FACTS = ("username", "associated_ipaddr", *_TIMES, "line", "session", "device", "flaw")
CLAIM = (*KEY, *_FACTS, "is_snapshot")
UPDATE_CLAIM = (
    f"UPDATE claim SET {', '.join(f'{name} = ?' for name in (*_FACTS, 'is_snapshot'))} WHERE {' AND '.join(f'{name} = ?' for name in KEY)}"
)
SELECT_CLAIM = ", ".join(f"kept.{name}" for name in CLAIM)
DOUBT = ("ipaddr", "kind", "is_long", "since", "until_at", "gateway", "words", "amount", "line")
SELECT_DOUBT = ", ".join(f"kept.{name}" for name in DOUBT)

KEY_OF_COLUMNS = itemgetter(0, 1, 2)
"""Of a row of `column_rows`: all that can differ in the keys of one gateway, but for the case of names."""
_COMPUTED = {
    "day": f"since / {DAY_MS}",
    "starts_unknown": "0",
    "alive": "since",
    "sure_until": "since",
    "latest": "COALESCE(end_at, since)",
    "is_long": f"CASE WHEN end_at - since > {LONG_MS} THEN 1 ELSE 0 END",
    "session": "''",
    "device": "''",
    "is_snapshot": "0",
}
"""The other columns of these claims: values of `claim_row` for a claim that was alive at its start."""

_NUMBER_OF_END = {kind: number for number, kind in enumerate(END_KINDS)}
OPEN = _NUMBER_OF_END[END_UNKNOWN]


def key_row(claim: AddressClaim, gateway: int) -> tuple[Any, ...]:
    """The values of `KEY`."""
    return claim.start // DAY_MS, claim.ipaddr, claim.start, gateway, claim.user, int(claim.starts_unknown)


def claim_row(claim: AddressClaim, gateway: int) -> tuple[Any, ...]:
    """The values of `CLAIM`."""
    latest = claim.latest
    return (
        claim.start // DAY_MS,
        claim.ipaddr,
        claim.start,
        gateway,
        claim.user,
        int(claim.starts_unknown),
        claim.username,
        claim.associated_ipaddr,
        claim.end,
        _NUMBER_OF_END[claim.end_kind],
        claim.alive,
        claim.sure_until,
        latest,
        int(latest - claim.start > LONG_MS),
        claim.line,
        claim.session,
        claim.device,
        claim.flaw,
        int(claim.is_snapshot),
    )


def column_rows(columns: ClaimColumns) -> tuple[Sequence[str], list[tuple[Any, ...]], Mapping[str, str]]:
    """The names of columns, their rows, and the other columns as expressions. To compute a value costs less than to hand it over."""
    folded, kinds = [name.casefold() for name in columns.usernames], set(columns.end_kinds)
    given: dict[str, Sequence[Any]] = {
        "ipaddr": columns.ipaddrs,
        "since": columns.starts,
        "folded": folded,
        "associated_ipaddr": columns.associated_ipaddrs,
        "end_at": columns.ends,
        "line": columns.lines,
    }
    computed = dict(_COMPUTED)
    if folded == list(columns.usernames):
        computed["username"] = "folded"
    else:
        given["username"] = columns.usernames
    if len(kinds) == 1:
        computed["end_kind"] = str(_NUMBER_OF_END[kinds.pop()])
    else:
        given["end_kind"] = [_NUMBER_OF_END[kind] for kind in columns.end_kinds]
    if any(columns.flaws):
        given["flaw"] = columns.flaws
    else:
        computed["flaw"] = "''"
    return tuple(given), list(zip(*given.values())), computed


def claim_from(row: tuple[Any, ...], names: Mapping[int, str]) -> AddressClaim:
    """The claim of a row with the values of `CLAIM`. `names` are those of the gateways."""
    _day, ipaddr, since, gateway, _folded, starts_unknown, username, associated_ipaddr, end, end_kind, alive, sure_until = row[:12]
    _latest, _is_long, line, session, device, flaw, is_snapshot = row[12:]
    return AddressClaim(
        gateway=names[gateway],
        ipaddr=ipaddr,
        username=username,
        associated_ipaddr=associated_ipaddr,
        start=since,
        end=end,
        end_kind=END_KINDS[end_kind],
        alive=alive,
        sure_until=sure_until,
        line=line,
        session=session,
        device=device,
        flaw=flaw,
        starts_unknown=bool(starts_unknown),
        is_snapshot=bool(is_snapshot),
    )


def doubt_row(doubt: Doubt, gateway: int) -> tuple[Any, ...]:
    """The values of `DOUBT`."""
    is_long = int(doubt.until - doubt.since > LONG_MS)
    return doubt.ipaddr or "", doubt.kind, is_long, doubt.since, doubt.until, gateway, doubt.words, doubt.amount, doubt.line


def doubt_from(row: tuple[Any, ...], names: Mapping[int, str]) -> Doubt:
    """The doubt of a row with the values of `DOUBT`."""
    ipaddr, kind, _is_long, since, until, gateway, words, amount, line = row
    return Doubt(names[gateway], kind, since, until, ipaddr or None, line, words, amount)
