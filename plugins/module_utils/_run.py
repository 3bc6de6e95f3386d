# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""The run of a module, as far as the layers below it need to know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ._ledger_url import keep_ledger_password
from ._secrets import SecretKeeper
from ._texts import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.basic import AnsibleModule


class Run(NamedTuple):
    """One run of a module. `warn` shows a warning to the user at once."""

    check_mode: bool
    shows_diff: bool
    warn: Callable[[str], None]
    secrets: SecretKeeper

    @classmethod
    def of(cls, module: AnsibleModule) -> Run:
        """The run of this module; what is registered as a secret is hidden in its results as well."""
        secrets = SecretKeeper(module.no_log_values.add)
        # An option that is hidden as a whole could not be named in messages; most ledgers are files, whose names are no secret.
        for option in ("ledger", "history"):
            keep_ledger_password(module.params.get(option), secrets)
        return cls(module.check_mode, module._diff, lambda text: module.warn(printable(text)), secrets)
