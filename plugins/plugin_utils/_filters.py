# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

"""Options and errors of filters."""

from __future__ import annotations

from dataclasses import fields
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from ansible.errors import AnsibleFilterError

from ._attribution.texts import AttributionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


Options = TypeVar("Options", bound=_Dataclass)


def reported(work: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a filter so that Ansible shows its errors unchanged."""

    @wraps(work)
    def reporting(*arguments: Any, **options: Any) -> Any:
        try:
            return work(*arguments, **options)
        except AttributionError as error:
            raise AnsibleFilterError(f"{work.__name__}: {error}") from None
        except (AttributeError, KeyError, TypeError) as error:
            raise AnsibleFilterError(f"{work.__name__}: the input does not have the expected structure ({error!r}).") from error

    return reporting


def options_of(kind: type[Options], given: Mapping[str, Any]) -> Options:
    """Returns the options of a filter as a dataclass. Raises AttributionError for unknown names; null means not given."""
    known = [field.name for field in fields(kind)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise AttributionError(f"there is no option {', '.join(unknown)}; the options are {', '.join(known)}.")
    return kind(**{name: value for name, value in given.items() if value is not None})
