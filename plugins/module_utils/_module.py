# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Ansible's module class, with what it leaves open about secrets and odd options."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ._ledger_url import keep_ledger_password
from ._secrets import SecretKeeper


class SecretiveModule(AnsibleModule):
    """Hides credentials also where the options that they came with are refused.

    Ansible collects what is secret while it looks at the options, and knows nothing of it once one of them is of a wrong shape, such as
    a text where a list of dictionaries belongs. The result that it then writes has all options in it.
    """

    def fail_json(self, msg: str, **kwargs: Any) -> Any:
        """Ends the run with a message; see AnsibleModule."""
        secrets = SecretKeeper(self.no_log_values.add)
        for name, option in self.argument_spec.items():
            value = self.params.get(name)
            if option.get("no_log") and isinstance(value, str):
                secrets.add(value)
        for location in (self.params.get("ledger"), self.params.get("history")):
            keep_ledger_password(location if isinstance(location, str) else None, secrets)
        return super().fail_json(msg, **kwargs)

    def log(self, msg: str, log_args: Any = None) -> None:
        """Writes to the system's log.

        That takes no NUL, and with Python 3.12 and later a module whose options hold one would fail here, before it can say which.
        """
        super().log(msg.replace("\0", "\\0"), log_args)
