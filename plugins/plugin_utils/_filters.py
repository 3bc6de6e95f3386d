# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""How filters say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ansible.errors import AnsibleFilterError

from ._attribution.texts import AttributionError


def reported(work: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, with errors that Ansible shows as they are."""

    @wraps(work)
    def reporting(*arguments: Any, **options: Any) -> Any:
        try:
            return work(*arguments, **options)
        except AttributionError as error:
            raise AnsibleFilterError(f"{work.__name__}: {error}") from error
        except (AttributeError, KeyError, TypeError) as error:
            raise AnsibleFilterError(f"{work.__name__}: what it was given has not the form it should have ({error!r}).") from error

    return reporting
