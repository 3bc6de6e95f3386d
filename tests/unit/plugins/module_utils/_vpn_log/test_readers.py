# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log format is one file and one entry; options and documentation follow from the entries."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.secops.xdr.plugins.doc_fragments.vpn_log import ModuleDocFragment
from ansible_collections.secops.xdr.plugins.module_utils._vpn_log.readers import READERS, log_options

FORMAT = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]["format"]


def test_the_documented_choices_are_the_readers():
    assert FORMAT["choices"] == list(READERS)


@pytest.mark.parametrize("name", READERS)
def test_the_documentation_describes_each_choice(name: str):
    assert any(f"V({name}" in text for text in FORMAT["description"])


def test_the_option_takes_what_is_documented():
    assert log_options().options["format"]["choices"] == FORMAT["choices"]
