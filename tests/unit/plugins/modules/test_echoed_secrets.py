# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""If an answer repeats a credential, anywhere and in any form, the message says so and shows nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._secrets import NOT_SHOWN

from support.stellar import SEED_EVENT, Stellar

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator import RunningEmulator
    from support.module_runs import ModuleRun

emulators = pytest.importorskip("emulator", reason="the emulator runs on newer Pythons only")
FORMS = emulators.ECHO_FORMS
KEY = "Zq8Lw0x/Pq3R+tYv7nK2"
UNICODE_KEY = "Zürich-пароль-длинны"


def check(run: ModuleRun, secret: str, form: str) -> None:
    assert run.failed
    assert NOT_SHOWN in run.msg
    for written in (secret, FORMS[form](secret), FORMS[form](secret).replace("\\", "\\\\")):
        assert written not in run.printed


@pytest.mark.parametrize("secret", [KEY, UNICODE_KEY], ids=["ASCII", "Unicode"])
@pytest.mark.parametrize("form", FORMS)
def test_an_error_of_extrahop(upload: Callable[..., ModuleRun], emulator: RunningEmulator, log: str, form: str, secret: str):
    emulator.add_fault("echo_authorization", times=None, status=403, form=form)

    check(upload(path=log, api_key=secret, retries=0), secret, form)


@pytest.mark.parametrize("form", FORMS)
def test_an_error_of_stellar_cyber(stellar: Stellar, form: str):
    stellar.emulator.add_fault("echo_authorization", {"kind": "read"}, times=None, status=400, form=form)
    secret = stellar.connection["api_key"][:20]

    check(stellar.info(auth_method="basic", query="*", retries=0), secret, form)


@pytest.mark.parametrize("form", ["html", "unicode_escapes_twice", "base64_shifted", "cut"])
@pytest.mark.parametrize(
    "fault",
    [
        {"action": "redirect", "location": "https://elsewhere.example/?key={}"},
        {"action": "status", "status": 200, "body": {"error": "{}"}},
        {"action": "status", "status": 200, "body": "sorry, {} is unknown"},
        {"action": "status", "status": 302, "headers": {"Location": "{}"}},
        {"action": "status", "status": 200, "headers": {"Content-Encoding": "{}"}},
    ],
    ids=["redirect", "error with 200", "text with 200", "bare location", "encoding"],
)
def test_every_place_of_an_answer(stellar: Stellar, fault: dict[str, Any], form: str):
    secret = stellar.connection["api_key"]
    said = FORMS[form](secret)
    filled = {name: _filled(value, said) for name, value in fault.items()}
    stellar.emulator.add_fault(filled.pop("action"), {"kind": "write"}, times=None, **filled)

    run = stellar.update(**EVENT, status="Closed", auth_method="basic", retries=0, read_access="none")

    check(run, secret, form)


@pytest.mark.parametrize("form", ["html", "unicode_escapes_twice", "base64_shifted", "cut"])
def test_an_answer_that_counts_as_done_is_not_shown(stellar: Stellar, form: str):
    secret = stellar.connection["api_key"]
    said = FORMS[form](secret)
    stellar.emulator.add_fault("status", {"kind": "write"}, times=None, status=203, body={"message": said})

    run = stellar.update(**EVENT, status="Closed", auth_method="basic", retries=0, read_access="none")

    for written in (secret, said, said.replace("\\", "\\\\")):
        assert written not in run.printed


EVENT = {"index": "aella-ser-1610496070892-", "id": "7PW5SXcBlxPU3jFcFJ_s"}


def _filled(value: Any, said: str) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, said) for name, one in value.items()}
    return value.replace("{}", said) if isinstance(value, str) else value


def test_a_refusal_that_repeats_nothing_is_shown(stellar: Stellar):
    stellar.emulator.add_fault("status", {"kind": "write"}, times=None, status=400, body={"error": "the tenant is locked"})

    assert "the tenant is locked" in stellar.insert(**SEED_EVENT).msg
