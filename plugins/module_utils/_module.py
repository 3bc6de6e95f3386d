# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The module class of this collection, which protects secrets and checks the types of options more strictly, and one run of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

from ._argspec import about_variables, wrong_structures
from ._secrets import SecretKeeper, keep_ledger_password
from ._texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable


class XdrModule(AnsibleModule):
    """Hides credentials even if the options of the task are refused.

    Ansible collects secret values while it checks the options. If one option has the wrong type, such as a text instead of a list of
    dictionaries, it stops before it has all of them, and the result that it writes contains every option.
    """

    def __init__(self, **spec: Any) -> None:
        super().__init__(**spec)
        for problem in wrong_structures(self._given, self.argument_spec):
            self.fail_json(problem)

    @property
    def null_options(self) -> frozenset[str]:
        """The options that were given as null. In `params`, they look like options that were not given."""
        return frozenset(name for name, value in self._given.items() if value is None)

    def _load_params(self) -> None:
        """Keeps the options as they were given, before Ansible converts them to strings."""
        super()._load_params()
        self._given: dict[str, Any] = copy.deepcopy(self.params)

    def fail_json(self, msg: str, **kwargs: Any) -> Any:
        """Ends the run with a message; see AnsibleModule."""
        secrets = SecretKeeper(self.no_log_values.add)
        for name, option in self.argument_spec.items():
            value = self.params.get(name)
            if option.get("no_log") and isinstance(value, str):
                secrets.add(value)
        for location in (self.params.get("ledger"), self.params.get("history")):
            keep_ledger_password(location if isinstance(location, str) else None, secrets)
        return super().fail_json(f"{msg}{about_variables(msg, self.argument_spec, self._given)}", **kwargs)

    def log(self, msg: str, log_args: Any = None) -> None:
        """Writes to the system's log.

        The log does not accept NUL. With Python 3.12 and later, a module with NUL in an option would fail here before it can name the
        option.
        """
        super().log(msg.replace("\0", "\\0"), log_args)


class Run(NamedTuple):
    """One run of a module. `warn` shows a warning to the user at once."""

    check_mode: bool
    shows_diff: bool
    warn: Callable[[str], None]
    secrets: SecretKeeper

    @classmethod
    def of(cls, module: AnsibleModule) -> Run:
        """Returns the run of a module; registered secrets are also hidden in its results."""
        secrets = SecretKeeper(module.no_log_values.add)
        # The options are not `no_log`, because messages must be able to show them: most ledgers are files, whose names are not secret.
        for option in ("ledger", "history"):
            keep_ledger_password(module.params.get(option), secrets)
        return cls(module.check_mode, module._diff, lambda text: module.warn(printable(text)), secrets)
