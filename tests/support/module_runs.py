# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's real main() with its real argument spec, and returns its result."""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import io
import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

from ansible.module_utils import basic
from ansible.module_utils.common import warnings as ansible_warnings

from support.secret_options import SECRET_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core before 2.19

    @contextlib.contextmanager
    def patch_module_args(args: dict[str, Any]) -> Iterator[None]:
        """Hands the arguments to the next AnsibleModule."""
        before, basic._ANSIBLE_ARGS = basic._ANSIBLE_ARGS, json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before


_SHORTEST_SECRET = 6


@dataclass(frozen=True)
class ModuleRun:
    """The result of one run of a module; `printed` is everything that it wrote."""

    values: dict[str, Any]
    printed: str

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def failed(self) -> bool:
        """True if it ended with fail_json."""
        return bool(self.values.get("failed"))

    @property
    def changed(self) -> bool:
        """The result that it printed; a run without one fails the test."""
        changed = self.values["changed"]
        assert isinstance(changed, bool)
        return changed

    @property
    def msg(self) -> str:
        """The message of a failed run; a run that did not fail fails the test."""
        assert self.failed, f"the module was expected to fail: {self.printed}"
        msg = self.values["msg"]
        assert isinstance(msg, str)
        assert "Traceback" not in msg
        return msg

    @property
    def warnings(self) -> list[str]:
        """The texts of the warnings, in whatever form this ansible-core hands them on."""
        texts = [one if isinstance(one, str) else one["event"]["msg"] for one in self.values.get("warnings", ())]
        return [text for text in texts if "deprecat" not in text.lower()]


def run_main(main: Callable[[], None], params: Mapping[str, Any], *, check_mode: bool = False, diff: bool = False) -> ModuleRun:
    """Runs a module in this process, and fails where it shows one of its secrets or writes anything but its result."""
    with contextlib.suppress(AttributeError):
        ansible_warnings._global_warnings.clear()
        ansible_warnings._global_deprecations.clear()
    out, err = io.StringIO(), io.StringIO()
    arguments = {**params, "_ansible_check_mode": check_mode, "_ansible_diff": diff}
    with (
        interpreter_kept(),
        as_on_a_managed_host(),
        patch_module_args(arguments),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
        else:
            code = None
    run = as_ansible_takes_it(out.getvalue())
    assert err.getvalue() == "", "a module writes nothing to stderr"
    assert code == (1 if run.failed else 0)
    check_no_secret(params, run.printed)
    return run


def as_ansible_takes_it(printed: str) -> ModuleRun:
    """The output of a module, without the secrets that it returns from ansible-core 2.22 on for Ansible to hide in all that it shows."""
    values = json.loads(printed)
    if values.pop("_ansible_new_secrets", None) is not None:
        printed = json.dumps(values)
    return ModuleRun(values, printed)


@contextlib.contextmanager
def as_on_a_managed_host() -> Iterator[None]:
    """Other tests import Ansible's controller into this process, and then warnings would go to its display, not into the result, and
    options would be looked at as results are."""
    name = "ansible.module_utils._internal"
    internal = importlib.import_module(name) if importlib.util.find_spec(name) else None
    if not hasattr(internal, "is_controller"):  # ansible-core before 2.19
        yield
        return
    # What it once found out about the controller, it remembers.
    profiles = importlib.import_module(f"{name}._json._profiles")
    with (
        mock.patch.object(internal, "is_controller", new=False),
        mock.patch.object(profiles, "_string_encoding_check_enabled", return_value=False),
    ):
        yield


@contextlib.contextmanager
def interpreter_kept() -> Iterator[None]:
    """A module may tune the interpreter, which ends with it; the tests' own interpreter continues."""
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)


def check_no_secret(params: Mapping[str, Any], text: str) -> None:
    """Fails where the text holds a credential of these parameters."""
    ledger_password = re.search(r"://[^/:@]*:([^@]*)@", str(params.get("ledger")))
    secrets = {name: params.get(name) for name in SECRET_OPTIONS}
    secrets["the password of ledger"] = ledger_password.group(1) if ledger_password else None
    for name, secret in secrets.items():
        if isinstance(secret, str) and len(secret) >= _SHORTEST_SECRET:
            assert secret not in text, f"{name} is shown"
            assert json.dumps(secret)[1:-1] not in text, f"{name} is shown"
