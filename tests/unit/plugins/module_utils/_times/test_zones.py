# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones by name, of the host, and by abbreviation."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._errors import InputError
from ansible_collections.secops.xdr.plugins.module_utils._times.zones import ABBREVIATION_HOURS, Zone

# Not abbreviations of the IANA database: one is ISO 8601's, the other an old name of the first.
NOT_IN_THE_DATABASE = {"Z", "UT"}
# The database gave these up in 2024; what a host has may be older.
NO_LONGER_IN_USE = {"MET", "MEST"}


@pytest.fixture(scope="module")
def current_offsets() -> dict[str, set[float]]:
    """The abbreviations that the IANA database uses today, with their hours."""
    found: dict[str, set[float]] = {}
    for name in available_timezones():
        if name.startswith(("Etc/", "SystemV/")):
            continue
        for month in (1, 7):
            moment = datetime(2025, month, 15, 12, tzinfo=ZoneInfo(name))
            offset = moment.utcoffset()
            assert offset is not None
            found.setdefault(str(moment.tzname()), set()).add(offset / timedelta(hours=1))
    return found


@pytest.mark.parametrize("abbreviation", sorted(set(ABBREVIATION_HOURS) - NOT_IN_THE_DATABASE))
def test_every_abbreviation_is_in_use_with_this_offset(current_offsets, abbreviation):
    assert ABBREVIATION_HOURS[abbreviation] in current_offsets.get(abbreviation.replace("CHST", "ChST"), set())


def test_no_abbreviation_in_use_is_missing(current_offsets):
    """Those that mean one offset. The others of the set had a second meaning in the database that people still use."""
    ambiguous = {name for name, hours in current_offsets.items() if len(hours) > 1}
    words = {name.upper() for name in set(current_offsets) - ambiguous if name.isalpha()}
    assert words - set(ABBREVIATION_HOURS) - NO_LONGER_IN_USE == {"AST", "BST", "MST", "SST"}


@pytest.mark.parametrize("abbreviation", ["IST", "CST", "AST", "ist"])
@pytest.mark.parametrize("host", ["Asia/Shanghai", "Asia/Kolkata", "America/Chicago", "America/Halifax", "UTC"])
def test_an_abbreviation_of_several_zones_is_decided_by_no_host(host_zone, host, abbreviation):
    host_zone(host)
    for zone in (Zone.of_host(), Zone.named("Europe/Berlin")):
        with pytest.raises(ValueError, match="set `timezone` to the IANA name"):
            zone.offset_of(abbreviation, datetime(2024, 1, 1))


def test_the_zone_of_the_host_decides_if_it_is_chosen(host_zone):
    host_zone("America/Chicago")
    assert Zone.of_host(is_chosen=True).offset_of("CST", datetime(2024, 1, 1)) == timedelta(hours=-6)


@pytest.mark.parametrize("abbreviation", ["UTC", "GMT", "EST", "EDT", "CET", "CEST", "JST"])
@pytest.mark.parametrize("host", ["Asia/Tokyo", "America/New_York", "UTC"])
def test_an_abbreviation_means_the_same_on_every_host(host_zone, host, abbreviation):
    host_zone(host)
    expected = timedelta(hours=ABBREVIATION_HOURS[abbreviation])
    for zone in (Zone.of_host(), Zone.named("Europe/Berlin"), Zone.named("UTC")):
        for month in (1, 7):
            assert zone.offset_of(abbreviation, datetime(2024, month, 1)) == expected


@pytest.mark.parametrize(
    ("zone", "abbreviation", "moment", "hours"),
    [
        # The zone's own meaning comes first.
        ("Asia/Shanghai", "CST", datetime(2024, 1, 1), 8),
        ("America/Havana", "CST", datetime(2024, 1, 1), -5),
        ("Asia/Manila", "PST", datetime(2024, 1, 1), 8),
        ("Asia/Kolkata", "IST", datetime(2024, 1, 1), 5.5),
        ("Asia/Jerusalem", "IST", datetime(2024, 1, 1), 2),
        ("Europe/Dublin", "IST", datetime(2024, 7, 1), 1),
        # Elsewhere it is the one of RFC 822.
        ("Europe/Berlin", "PST", datetime(2024, 1, 1), -8),
        # The two readings of a repeated hour are distinguished.
        ("America/New_York", "EDT", datetime(2024, 11, 3, 1, 30), -4),
        ("America/New_York", "EST", datetime(2024, 11, 3, 1, 30), -5),
    ],
)
def test_the_zones_own_meaning(zone, abbreviation, moment, hours):
    assert Zone.named(zone).offset_of(abbreviation, moment) == timedelta(hours=hours)


@pytest.mark.parametrize("abbreviation", ["edt", "Edt", "cest"])
def test_abbreviations_in_any_case(abbreviation):
    assert Zone.named("UTC").offset_of(abbreviation, datetime(2024, 7, 1)) == timedelta(hours=ABBREVIATION_HOURS[abbreviation.upper()])


@pytest.mark.parametrize("abbreviation", ["XYZ", "A", "MESZ", ""])
def test_an_unknown_abbreviation_lists_the_known(abbreviation):
    with pytest.raises(ValueError, match="is not known; known are ACDT, ACST"):
        Zone.named("UTC").offset_of(abbreviation, datetime(2024, 7, 1))


@pytest.mark.parametrize("name", ["UTC", "utc", "Z", "Etc/UTC", "GMT"])
def test_utc_needs_no_zone_data(name):
    assert Zone.named(name).epoch_seconds(datetime(2024, 1, 1)) == 1_704_067_200


@pytest.mark.parametrize(
    "name", ["", " ", "Nowhere", "EDT", "../etc/passwd", "/etc/passwd", "Europe", "Europe/", "a\0b", "\ud800", "x" * 5000, "."]
)
def test_an_unknown_name(name):
    with pytest.raises(InputError, match=r"^timezone: .* is not known on the host"):
        Zone.named(name)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("America/New_york", "America/New_York"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
        ("Lisbon", "Europe/Lisbon"),
        ("UTC+2", "Etc/GMT-2"),
        ("GMT-03:00", r"Etc/GMT\+3"),
        ("+0100", "Etc/GMT-1"),
    ],
)
def test_a_misspelt_name(name, meant):
    with pytest.raises(InputError, match=rf"is not known on the host that runs the module; did you mean {meant}\?"):
        Zone.named(name)


@pytest.mark.parametrize("name", ["CEST", "EDT", "Eastern Standard Time", "Mars/Olympus", "UTC+25"])
def test_a_name_like_no_other(name):
    with pytest.raises(InputError, match="give an IANA name such as Europe/Berlin or America/New_York"):
        Zone.named(name)


def test_a_host_without_zones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    with pytest.raises(InputError, match="no time zones are installed there: install the package tzdata"):
        Zone.named("Europe/Berlln")


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"),
        ("EST5EDT", "EST5EDT"),
        ("CET-1CEST,M3.5.0,M10.5.0/3", "CET-1CEST,M3.5.0,M10.5.0/3"),
    ],
)
def test_the_name_of_the_hosts_zone(host_zone, variable, name):
    host_zone(variable)
    assert Zone.of_host().name == name


def test_a_host_without_the_variable(host_zone, monkeypatch):
    host_zone("UTC")
    monkeypatch.delenv("TZ")
    target = os.path.realpath("/etc/localtime")
    assert Zone.of_host().name
    if "zoneinfo/" in target:
        assert target.endswith(Zone.of_host().name)


def test_a_zone_is_the_same_on_every_run():
    first, second = (Zone.named("Europe/Berlin").epoch_seconds(datetime(2024, 10, 27, 2, 30)) for _run in range(2))
    assert first == second == 1_729_989_000
