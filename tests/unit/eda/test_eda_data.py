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
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.detections import detection_watch_options
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.options import watch_options

from support.secret_options import check_secrets_of

EDA = Path(__file__).resolve().parents[3] / "extensions" / "eda"
SOURCES = EDA / "plugins" / "event_source"
OPTIONS = {"stellar_ser_event": watch_options().options, "extrahop_detection": detection_watch_options().options}
JSON_TYPES = {
    "bool": "boolean",
    "dict": "object",
    "float": "number",
    "int": "integer",
    "list": "array",
    "path": "string",
    "str": "string",
}
each_source = pytest.mark.parametrize("source", OPTIONS)


def text_of(source: str, name: str) -> Any:
    """A text in a source, as YAML."""
    for node in ast.parse((SOURCES / f"{source}.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(name)


def test_each_source_is_looked_at():
    assert {path.stem for path in SOURCES.glob("*.py")} == set(OPTIONS)


@each_source
def test_each_option_is_documented_as_it_is(source: str):
    documented = text_of(source, "DOCUMENTATION")["options"]

    assert set(documented) == set(OPTIONS[source])
    for name, option in OPTIONS[source].items():
        for key in ("type", "default", "choices", "elements", "required"):
            assert documented[name].get(key) == option.get(key), (name, key)


@each_source
def test_the_schema_has_each_option_as_it_is(source: str):
    schema = json.loads((SOURCES / "schemas" / f"{source}.json").read_text(encoding="utf-8"))
    documented = text_of(source, "DOCUMENTATION")["options"]

    assert schema["additionalProperties"] is False
    # Each of them can come from the environment instead.
    assert "required" not in schema
    assert list(schema["properties"]) == list(documented)
    for name, option in documented.items():
        described = schema["properties"][name]
        assert described["type"] == JSON_TYPES[option["type"]], name
        assert (described.get("enum"), described.get("default")) == (option.get("choices"), option.get("default")), name
        assert described.get("items", {}).get("type") == JSON_TYPES.get(option.get("elements")), name
        assert (described.get("format") == "password") == bool(OPTIONS[source][name].get("no_log")), name
        assert described["title"], name
        assert described["description"], name


@pytest.mark.parametrize(("source", "name"), [(source, name) for source, options in OPTIONS.items() for name in options])
def test_the_environment_variable_of_an_option_is_documented(source: str, name: str):
    _function, variables = OPTIONS[source][name].get("fallback", (None, []))
    said = " ".join(text_of(source, "DOCUMENTATION")["options"][name]["description"])

    assert all(f"E({variable})" in said for variable in variables)


@each_source
def test_the_examples_use_options_that_there_are(source: str):
    for example in text_of(source, "EXAMPLES"):
        assert set(example[f"secops.xdr.{source}"]) <= set(OPTIONS[source])


def test_the_rulebook_uses_options_that_there_are():
    for ruleset in yaml.safe_load((EDA / "rulebooks" / "incident_tagging.yml").read_text(encoding="utf-8")):
        for source in ruleset["sources"]:
            assert set(source["secops.xdr.stellar_ser_event"]) <= set(OPTIONS["stellar_ser_event"])


@pytest.mark.parametrize(("source", "kind"), [("stellar_ser_event", "stellar_cyber"), ("extrahop_detection", "extrahop")])
def test_the_credential_type_sets_variables_that_the_source_reads(source: str, kind: str):
    folder = SOURCES / "credential_types" / kind
    inputs = yaml.safe_load((folder / "input.yml").read_text(encoding="utf-8"))
    injectors = yaml.safe_load((folder / "injectors.yml").read_text(encoding="utf-8"))
    fields = {one["id"]: one for one in inputs["fields"]}
    documented = (SOURCES / f"{source}.py").read_text(encoding="utf-8")

    assert set(inputs["required"]) <= set(fields)
    assert {name for name in fields if OPTIONS[source][name].get("no_log")} == {name for name, one in fields.items() if one.get("secret")}
    for variable, template in injectors["env"].items():
        assert f"E({variable})" in documented
        assert set(re.findall(r"{{ (\w+)", template)) <= set(fields)
    assert {re.findall(r"{{ (\w+)", template)[0] for template in injectors["env"].values()} == set(fields)
    assert set(injectors["env"]) <= set(re.findall(r"(?:STELLAR|EXTRAHOP)_\w+", (EDA / "README.md").read_text(encoding="utf-8")))
    for name, field in fields.items():
        assert field.get("choices") == OPTIONS[source][name].get("choices")


@each_source
def test_the_source_knows_its_secrets(source: str):
    check_secrets_of(OPTIONS[source])


def test_the_collection_is_found_by_the_tag_of_event_driven_ansible():
    galaxy = yaml.safe_load((EDA.parents[1] / "galaxy.yml").read_text(encoding="utf-8"))
    assert "eda" in galaxy["tags"]
