# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the secops.xdr collection and may change without notice: do not import it from elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that every module documents."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - "requests >= 2.26"
  - "urllib3 >= 1.26.5, which comes with requests"
attributes:
  check_mode:
    description: Makes the same reads and decisions as a real run, reports what it would do, and writes nothing.
  diff_mode:
    description: Shows what changed, or in check mode would change, when run with C(--diff).
  idempotent:
    description: A second run with the same options and the same input reports no change and sends no write.
"""

    ACTIONGROUP_EXTRAHOP = r"""
options: {}
attributes:
  action_group:
    description: You can set the connection once for several tasks with C(group/secops.xdr.extrahop) in C(module_defaults).
    support: full
    membership:
      - secops.xdr.extrahop
"""

    ACTIONGROUP_STELLAR = r"""
options: {}
attributes:
  action_group:
    description: You can set the connection once for several tasks with C(group/secops.xdr.stellar) in C(module_defaults).
    support: full
    membership:
      - secops.xdr.stellar
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module only reads.
  diff_mode:
    support: N/A
    details:
      - This module only reads.
  idempotent:
    support: full
    details:
      - This module only reads.
"""
