# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files around the event source agree with its code."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.options import watch_options

from support.secret_options import check_secrets_of

EDA = Path(__file__).resolve().parents[3] / "extensions" / "eda"
SOURCE = EDA / "plugins" / "event_source" / "stellar_ser_event.py"
OPTIONS = watch_options().options
JSON_TYPES = {"bool": "boolean", "float": "number", "int": "integer", "list": "array", "path": "string", "str": "string"}


def text_of(name: str) -> Any:
    """A text in the source, as YAML."""
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(name)


def test_each_option_is_documented_as_it_is():
    documented = text_of("DOCUMENTATION")["options"]

    assert set(documented) == set(OPTIONS)
    for name, option in OPTIONS.items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert documented[name].get(key) == option.get(key), (name, key)


def test_the_schema_has_each_option_as_it_is():
    schema = json.loads((SOURCE.parent / "schemas" / f"{SOURCE.stem}.json").read_text(encoding="utf-8"))
    documented = text_of("DOCUMENTATION")["options"]

    assert schema["additionalProperties"] is False
    # Each of them can come from the environment instead.
    assert "required" not in schema
    assert list(schema["properties"]) == list(documented)
    for name, option in documented.items():
        described = schema["properties"][name]
        assert described["type"] == JSON_TYPES[option["type"]], name
        assert (described.get("enum"), described.get("default")) == (option.get("choices"), option.get("default")), name
        assert described.get("items", {}).get("type") == JSON_TYPES.get(option.get("elements")), name
        assert (described.get("format") == "password") == bool(OPTIONS[name].get("no_log")), name
        assert described["title"], name
        assert described["description"], name


@pytest.mark.parametrize("name", OPTIONS)
def test_the_environment_variable_of_an_option_is_documented(name: str):
    _function, variables = OPTIONS[name].get("fallback", (None, []))
    said = " ".join(text_of("DOCUMENTATION")["options"][name]["description"])

    assert all(f"E({variable})" in said for variable in variables)


def test_the_examples_use_options_that_there_are():
    for example in text_of("EXAMPLES"):
        assert set(example["secops.xdr.stellar_ser_event"]) <= set(OPTIONS)


def test_the_rulebook_uses_options_that_there_are():
    for ruleset in yaml.safe_load((EDA / "rulebooks" / "incident_tagging.yml").read_text(encoding="utf-8")):
        for source in ruleset["sources"]:
            assert set(source["secops.xdr.stellar_ser_event"]) <= set(OPTIONS)


def test_the_credential_type_sets_variables_that_the_source_reads():
    folder = SOURCE.parent / "credential_types" / "stellar_cyber"
    inputs = yaml.safe_load((folder / "input.yml").read_text(encoding="utf-8"))
    injectors = yaml.safe_load((folder / "injectors.yml").read_text(encoding="utf-8"))
    fields = {one["id"]: one for one in inputs["fields"]}
    documented = SOURCE.read_text(encoding="utf-8")

    assert set(inputs["required"]) <= set(fields)
    assert fields["api_key"]["secret"] is True
    for variable, template in injectors["env"].items():
        assert f"E({variable})" in documented
        assert set(re.findall(r"{{ (\w+)", template)) <= set(fields)
    assert {re.findall(r"{{ (\w+)", template)[0] for template in injectors["env"].values()} == set(fields)
    assert set(injectors["env"]) <= set(re.findall(r"STELLAR_\w+", (EDA / "README.md").read_text(encoding="utf-8")))
    assert fields["auth_method"]["choices"] == OPTIONS["auth_method"]["choices"]


def test_the_source_knows_its_secrets():
    check_secrets_of(OPTIONS)
