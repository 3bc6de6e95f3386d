# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: role_options
short_description: Check and convert the variables of a role
version_added: 1.1.0
author:
  - secops.xdr contributors (@secops)
description:
  - Converts the variables of a role to the types of its argument spec, as Ansible does for the options of a module. Ansible checks the
    variables of a role, but does not convert their values.
  - The roles of this collection use it for their own variables.
  - An invalid value is returned as C(problem), so that a task can fail with a plain message.
positional: _input, spec, defaults
options:
  _input:
    description:
      - The variables by their names. Null and blank texts count as not set.
    type: dict
    required: true
  spec:
    description:
      - The C(options) of the role in C(meta/argument_specs.yml).
    type: dict
    required: true
  defaults:
    description:
      - The content of C(defaults/main.yml).
    type: dict
    required: true
  role:
    description:
      - The name of the role, with which its variables begin.
    type: str
    required: true
  choices:
    description:
      - The values that variables may have, by the short names of the variables.
    type: dict
    default: {}
  exclusive:
    description:
      - Short names of variables of which only one may be set.
    type: list
    elements: str
    default: []
  required:
    description:
      - Short names of variables of which at least one must be set.
    type: list
    elements: str
    default: []
  may_be_blank:
    description:
      - Short names of variables for which a blank text is a value.
    type: list
    elements: str
    default: []
  secret:
    description:
      - Short names of variables that may contain a password. They are checked and not returned.
    type: list
    elements: str
    default: []
  links:
    description:
      - Short names of variables with the address of an event in a console, in which C({index}) and C({id}) are replaced.
    type: list
    elements: str
    default: []
  reads:
    description:
      - Short names of variables with paths of files that are read.
    type: list
    elements: str
    default: []
  writes:
    description:
      - Short names of variables with the path of a file that is written.
    type: list
    elements: str
    default: []
  defined:
    description:
      - The names of all variables that are set and begin like those of the role. One that is almost the name of a variable of the role is
        returned as a C(problem).
    type: list
    elements: str
    default: []
  related:
    description:
      - Names in O(defined) that are allowed.
    type: list
    elements: str
    default: []
  places:
    description:
      - The results of M(ansible.builtin.stat) in a loop over the C(places) that the filter returns. With them, the filter refuses files
        that cannot be written or that would replace a file that is read.
    type: list
    elements: dict
    default: []
seealso:
  - plugin: secops.xdr.vpn_attribution
    plugin_type: role
"""

EXAMPLES = r"""
- name: Accept one tag, several tags with commas, or a list of tags
  ansible.builtin.debug:
    msg: "{{ {'my_role_tags': 'red, green'} | secops.xdr.role_options({'my_role_tags': {'type': 'list'}}, {}, role='my_role') }}"
"""

RETURN = r"""
_value:
  description:
    - The converted values by their short names, such as V(tags) for C(my_role_tags).
    - C(problem) says what is wrong with the variables, and is empty if they are valid. If there is a problem, there are no other values.
    - With O(writes), C(places) lists the paths to look at with M(ansible.builtin.stat).
  type: dict
"""

from typing import TYPE_CHECKING, Any

from ..plugin_utils._attribution.texts import AttributionError
from ..plugin_utils._filters import options_of, reported
from ..plugin_utils._role_options import RoleRules, check_places
from ..plugin_utils._role_options import role_options as converted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@reported
def role_options(
    given: Mapping[str, Any],
    spec: Mapping[str, Any],
    defaults: Mapping[str, Any],
    *,
    role: str,
    places: Sequence[Mapping[str, Any]] = (),
    **rules: Any,
) -> dict[str, Any]:
    """The checked and converted values."""
    checked = options_of(RoleRules, rules)
    try:
        options = converted(role, given, spec, defaults or {}, checked)
        check_places(places)
    except AttributionError as error:
        # Returned as a value, so that a task can show it without the text that Ansible adds to errors of filters.
        return {"problem": str(error), "places": []}
    return {**options, "problem": ""}


class FilterModule:
    """The class that Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"role_options": role_options}
