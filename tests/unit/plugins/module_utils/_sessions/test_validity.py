# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A claim is valid for a limited time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._sessions.model import AddressClaim, CoverageSpan
from ansible_collections.secops.xdr.plugins.module_utils._sessions.validity import holdings

from support.evidence import X, at

DAY = 24 * 60
LONGEST = DAY * 60_000
SPANS = (CoverageSpan("", at(0), at(200)), CoverageSpan("", at(300), at(5 * DAY)))
"""There is a hole from 200 to 300 minutes after midnight."""


def claim(user: str, start: float, end: float | None = None, kind: str = "unknown", **fields: Any) -> AddressClaim:
    return AddressClaim("", X, user, "203.0.113.7", at(start), None if end is None else at(end), kind, **fields)


@pytest.mark.parametrize(
    ("claims", "believed_until"),
    [
        pytest.param([claim("ann", 400)], 400 + DAY, id="for the longest session"),
        pytest.param([claim("ann", 400, alive=at(600))], 600 + DAY, id="since the last sign of life"),
        pytest.param([claim("ann", 400), claim("bob", 500)], 500, id="until another claim"),
        pytest.param([claim("ann", 400, 450, "taken"), claim("bob", 500)], 450, id="until a line takes it"),
        pytest.param([claim("ann", 100)], 200, id="not across a hole"),
        pytest.param([claim("ann", 100, 400, "proven")], 400, id="a proven end may be behind the hole"),
        pytest.param([claim("ann", 100, 400, "logged")], 200, id="another end may be that of another session"),
        pytest.param([claim("ann", 100, sure_until=at(400), alive=at(400))], 400 + DAY, id="a sign of life may be behind it"),
        pytest.param([claim("ann", 400, sure_until=at(450), is_snapshot=True)], 450, id="of a snapshot, until it is shown last"),
        pytest.param([claim("ann", 400), claim("bob", 500, 500, "logged", starts_unknown=True)], 500, id="until another's lone end"),
    ],
)
def test_it_is_believed_until(claims: list[AddressClaim], believed_until: float):
    assert holdings(claims, SPANS, LONGEST)[0].believed_until == at(believed_until)


def test_a_lone_end_holds_since_the_address_was_last_surely_anothers():
    lone = claim("bob", 500, 500, "logged", starts_unknown=True)
    assert holdings([claim("ann", 400, sure_until=at(430)), lone], SPANS, LONGEST)[1].since == at(430)
    assert holdings([claim("ann", 400, 450, "proven"), lone], SPANS, LONGEST)[1].since == at(450)
