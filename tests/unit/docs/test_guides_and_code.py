# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that guides and READMEs name exists: options and values in their examples, variables, switches, requests."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible.plugins.loader import fragment_loader, module_loader
from ansible.utils.plugin_docs import get_docstring
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.detections import detection_watch_options
from ansible_collections.secops.xdr.plugins.plugin_utils._watch.options import watch_options

from emulator import Settings
from support.pages import GUIDES, PAGES, ROOT, examples, mappings

DOCS = ROOT / "docs" / "docsite"
CODE = ["plugins", "playbooks", "roles", "extensions", "tests/emulator"]
OF_A_TASK = {"name", "register", "when", "vars", "loop", "delegate_to", "module_defaults", "block"}
PYTHON_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "dict": (dict,), "list": (list,)}
VARIABLE = re.compile(r"\b((?:EXTRAHOP|STELLAR|SECOPS_XDR)_[A-Z_]+)\b")


class MadeAModuleError(Exception):
    """Ends a module once it has said what its options are."""


def module_options(name: str) -> dict[str, Any]:
    """The argument spec that a module really has."""
    module = importlib.import_module(f"ansible_collections.secops.xdr.plugins.modules.{name}")
    kind = "XdrModule" if hasattr(module, "XdrModule") else "AnsibleModule"
    with mock.patch.object(module, kind, side_effect=MadeAModuleError) as made, pytest.raises(MadeAModuleError):
        module.main()
    options: dict[str, Any] = made.call_args.kwargs["argument_spec"]
    return options


MODULES = {path.stem: module_options(path.stem) for path in sorted((ROOT / "plugins" / "modules").glob("*.py"))}
ROLES = {
    path.parents[1].name: yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
}
EVENT_SOURCES = {"stellar_ser_event": watch_options().options, "extrahop_detection": detection_watch_options().options}
FREE = {"debug", "set_fact", "import_playbook"}
"""Modules of Ansible that take any key, or a text."""
FOREIGN = {
    "drools_db_file_path",
    "drools_db_host",
    "drools_db_name",
    "drools_db_password",
    "drools_db_port",
    "drools_db_user",
    "json_query",
    "keep_keys",
    "read_csv",
    "s_client",
    "target_session_attrs",
}
"""Names of other people's programs."""


def ansible_options(name: str) -> dict[str, Any]:
    """The documented options of a module of Ansible itself, by each of their names."""
    documentation, *_others = get_docstring(module_loader.find_plugin(name), fragment_loader)
    options = documentation["options"]
    return {alias: option for own, option in options.items() for alias in (own, *option.get("aliases", ()))}


def wrong_with(given: dict[str, Any], options: dict[str, Any], where: str) -> Iterator[str]:
    """The given options that do not exist, or can never be used. A template may be anything."""
    for name, value in given.items():
        option = options.get(name)
        if option is None:
            yield f"{where}.{name} does not exist"
        elif isinstance(value, str) and "{{" in value:
            continue
        else:
            yield from wrong_value(value, option, f"{where}.{name}")


def wrong_value(value: Any, option: dict[str, Any], where: str) -> Iterator[str]:
    values = value if option.get("type") == "list" and isinstance(value, list) else [value]
    if "choices" in option and not all(one in option["choices"] for one in values):
        yield f"{where} cannot be {value}"
    kind = option.get("type", "str")
    if kind in PYTHON_TYPES and not isinstance(value, PYTHON_TYPES[kind]):
        yield f"{where} is of the type {kind}, and {value!r} is none"
    if "options" in option:
        for item in value if isinstance(value, list) else [value]:
            yield from wrong_with(item, option["options"], where)


def wrong_in(example: dict[str, Any], *, is_rulebook: bool) -> Iterator[str]:
    """The faults of one dictionary of an example: a task, a play, a source of a rulebook."""
    for key, value in example.items():
        name = str(key).removeprefix("secops.xdr.").removeprefix("group/secops.xdr.")
        if str(key).startswith("group/secops.xdr."):
            yield from wrong_with(value, MODULES["extrahop_observation" if name == "extrahop" else "stellar_ser_update"], key)
        elif str(key).startswith("secops.xdr.") and is_rulebook:
            yield from wrong_with(value or {}, EVENT_SOURCES[name], key)
        elif str(key).startswith("secops.xdr."):
            yield from wrong_with(value or {}, MODULES[name], key) if name in MODULES else [f"{key} does not exist"]
            yield from (f"{one} is no key of a task here" for one in set(example) - OF_A_TASK - {key})
        elif str(key).startswith("ansible.builtin.") and isinstance(value, dict) and (own := key.rpartition(".")[2]) not in FREE:
            yield from wrong_with(value, ansible_options(own), key)
        elif key == "vars" and isinstance(value, dict):
            role = example.get("ansible.builtin.include_role", {}).get("name", "").removeprefix("secops.xdr.")
            yield from wrong_with({one: value[one] for one in value if one.startswith(role)} if role else {}, ROLES.get(role, {}), role)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_have_options_that_exist_with_values_that_are_taken(page: Path) -> None:
    found = [
        wrong
        for example in examples(page)
        for mapping in mappings(example)
        for wrong in wrong_in(mapping, is_rulebook=any("rules" in one for one in mappings(example)))
    ]
    assert not found


def test_what_does_not_exist_is_found() -> None:
    task = {"events": [{"index": "a", "id": "b", "tag": "c", "status": "closed"}], "concurrency": "many", "comments": "d"}
    found = list(wrong_in({"name": "Update", "secops.xdr.stellar_ser_update": task}, is_rulebook=False))
    where = "secops.xdr.stellar_ser_update"
    assert found == [
        f"{where}.events.tag does not exist",
        f"{where}.events.status cannot be closed",
        f"{where}.concurrency is of the type int, and 'many' is none",
        f"{where}.comments does not exist",
    ]
    uri = {"ansible.builtin.uri": {"url": "https://chat.example.com", "body_format": "jason", "methods": "POST"}}
    assert list(wrong_in(uri, is_rulebook=False)) == [
        "ansible.builtin.uri.body_format cannot be jason",
        "ansible.builtin.uri.methods does not exist",
    ]
    assert list(wrong_in({"secops.xdr.stellar_ser_updates": {}}, is_rulebook=False)) == ["secops.xdr.stellar_ser_updates does not exist"]
    role = {"ansible.builtin.include_role": {"name": "secops.xdr.vpn_observations"}, "vars": {"vpn_observations_logs": "x"}}
    assert list(wrong_in(role, is_rulebook=False)) == ["vpn_observations.vpn_observations_logs does not exist"]


def test_there_are_examples() -> None:
    assert sum(len(examples(page)) for page in PAGES) > 25


@pytest.fixture(scope="module")
def words_of_the_code() -> set[str]:
    files = [path for folder in CODE for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".yml", ".j2"}]
    return set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_names_in_a_page_are_those_of_the_code(page: Path, words_of_the_code: set[str]) -> None:
    literals = re.findall(r"(`{1,2})([^`\n]+)\1", page.read_text(encoding="utf-8"))
    named = {name for _quotes, text in literals for name in re.findall(r"(?<![\w./-])[a-z]+(?:_[a-z0-9]+)+(?![\w./-])", text)}
    unknown = named - words_of_the_code - FOREIGN
    assert not unknown


def test_every_guide_is_listed() -> None:
    sections = yaml.safe_load((DOCS / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    listed = [guide for section in sections for guide in section["toctree"]]
    assert sorted(listed) == [path.stem for path in GUIDES]
    named = set(re.findall(r"/docs/docsite/rst/(\w+)\.rst\)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named == set(listed)


def test_links_of_the_readme_lead_to_files() -> None:
    paths = re.findall(
        r"https://github\.com/secops/ansible-xdr/(?:blob|tree)/main/([^)#\s]+)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert len(paths) > 15
    assert [path for path in paths if not (ROOT / path).exists()] == []


class TestEnvironmentVariables:
    PAGE = DOCS / "rst" / "guide_connections.rst"

    def described(self) -> set[str]:
        return set(re.findall(r"^\.\. envvar:: (\w+)$", self.PAGE.read_text(encoding="utf-8"), re.MULTILINE))

    def test_all_that_the_code_reads_are_described(self) -> None:
        texts = [path.read_text(encoding="utf-8") for path in (ROOT / "plugins").rglob("*.py")]
        named = set(VARIABLE.findall("\n".join(texts)))
        prefixed = {f"{prefix}_{name}" for prefix in ("EXTRAHOP", "STELLAR") for name in ("HOST", "CA_PATH", "TIMEOUT", "RETRIES")}
        assert prefixed <= named
        assert {name for name in self.described() if VARIABLE.fullmatch(name)} == named

    def test_options_lead_to_their_description(self) -> None:
        config = yaml.safe_load((DOCS / "config.yml").read_text(encoding="utf-8"))
        assert config["envvar_directives"] == sorted(self.described())


def test_every_request_that_is_sent_is_in_the_guide_on_security() -> None:
    guide = (DOCS / "rst" / "guide_security.rst").read_text(encoding="utf-8").replace("INDEX", "…").replace("/ID", "/…")
    sent = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
            if re.match(r"/(connect|api|oauth2)/\S*[^/\s]\Z", text):
                sent.add(text)
    assert len(sent) > 8
    assert not {text for text in sent if f"{text}``" not in guide}


def test_switches_of_the_emulator_are_those_that_it_has() -> None:
    guide = (DOCS / "rst" / "guide_emulator.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^  \* - .*\n    - .*\n    - (``.*)\n    - .*$", guide, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"``(\w+)``", row)}
    assert len(rows) > 20
    assert not named - {field.name for field in dataclasses.fields(Settings)}


def test_the_guide_has_every_guess_of_the_emulator() -> None:
    readme = (ROOT / "tests" / "emulator" / "README.md").read_text(encoding="utf-8")
    table = readme.split("| nobody documents |")[1].split("\n\n")[0]
    guide = (DOCS / "rst" / "guide_emulator.rst").read_text(encoding="utf-8")
    switches = {name for name in re.findall(r"`(\w+)`", table) if name in {field.name for field in dataclasses.fields(Settings)}}
    assert len(switches) > 15
    assert not {name for name in switches if f"``{name}``" not in guide}


def test_the_numbers_that_fall_short_are_those_of_the_benchmarks() -> None:
    guide = (DOCS / "rst" / "guide_promises.rst").read_text(encoding="utf-8")
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    short = re.findall(r"^\| .* \| ([\d.]+) .*\| ([≤≥]) ([\d.]+) \| \*\*falls short\*\* \|$", results, re.MULTILINE)
    assert len(short) == results.count("**falls short**") > 0
    words = {"≤": "at most", "≥": "at least"}
    rows = re.findall(r"^  \* - .+\n    - ([\d.]+)\n    - ([\d.]+ at (?:most|least))$", guide, re.MULTILINE)
    assert rows == [(number, f"{bound} {words[sign]}") for number, sign, bound in short]
    [(of, commit)] = re.findall(r"``make bench`` of (\S+) at commit (\w+),", guide)
    assert f"commit {commit}\n- {of} " in results


def test_options_and_defaults_of_the_event_source() -> None:
    guide = (DOCS / "rst" / "guide_event_driven.rst").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^   \* - ``(\w+)``\n     - ?(.*)\n     - ", guide, re.MULTILINE))
    options = {
        name: option
        for name, option in EVENT_SOURCES["stellar_ser_event"].items()
        if name not in MODULES["stellar_ser_update"] or name == "index"
    }
    assert set(rows) == set(options)
    for name, option in options.items():
        if "default" in option:
            assert yaml.safe_load(rows[name].strip("`")) == option["default"], name


def test_every_guess_is_played_both_ways_with_the_modules() -> None:
    guide = (DOCS / "rst" / "guide_emulator.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^  \* - .*\n    - .*\n    - (``.*)\n    - .*$", guide, re.MULTILINE)
    folders = [ROOT / "tests" / "unit" / "plugins", ROOT / "tests" / "unit" / "eda", ROOT / "tests" / "integration"]
    tests = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("test_*.py"))
    unplayed = {name for row in rows for name in re.findall(r"``(\w+)``", row) if not re.search(rf'\b{name}(=|": )', tests)}
    assert not unplayed


def test_the_readme_has_the_parts_that_automation_hub_asks_for() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [
        "Description",
        "Requirements",
        "Installation",
        "Use Cases",
        "Testing",
        "Contributing",
        "Communication",
        "Support",
        "Release Notes and Roadmap",
        "Related Information",
        "License Information",
    ]


def test_the_readme_says_where_to_get_help() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    communication = readme.partition("\n## Communication\n")[2].partition("\n## ")[0]
    support = readme.partition("\n## Support\n")[2].partition("\n## ")[0]
    assert "https://forum.ansible.com/tag/" in communication
    assert "**Create issue** button" in support
    assert "pip install ansible" not in readme


def test_links_of_the_readme_are_whole() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(targets) > 25
    assert not [target for target in targets if not target.startswith("https://")]
