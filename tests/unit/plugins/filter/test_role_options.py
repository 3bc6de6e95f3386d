# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of roles are converted like options of modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.secops.xdr.plugins.filter.role_options import role_options

SPEC = {
    "r_tags": {"type": "list", "elements": "str"},
    "r_name": {"type": "str"},
    "r_limit": {"type": "int"},
    "r_force": {"type": "bool"},
    "r_columns": {"type": "dict"},
    "r_path": {"type": "str"},
    "r_log": {"type": "str"},
}
DEFAULTS = {"r_tags": ["a", "b"], "r_limit": 7, "r_name": "x"}


def options(given: dict[str, Any], **rules: Any) -> dict[str, Any]:
    made: dict[str, Any] = role_options(given, SPEC, DEFAULTS, role="r", **rules)
    return made


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"r_tags": "one"}, "tags", ["one"]),
        ({"r_tags": "one, two,"}, "tags", ["one", "two"]),
        ({"r_tags": ["one, two"]}, "tags", ["one, two"]),
        ({"r_tags": []}, "tags", []),
        ({"r_tags": None}, "tags", ["a", "b"]),
        ({"r_tags": " "}, "tags", ["a", "b"]),
        ({}, "tags", ["a", "b"]),
        ({"r_limit": "12"}, "limit", 12),
        ({"r_limit": 12}, "limit", 12),
        ({"r_limit": None}, "limit", 7),
        ({"r_name": None}, "name", "x"),
        ({"r_name": 5}, "name", "5"),
        ({"r_force": "yes"}, "force", True),
        ({"r_force": False}, "force", False),
        ({"r_force": "0"}, "force", False),
        ({}, "force", None),
        ({"r_columns": {"a": "b"}}, "columns", {"a": "b"}),
    ],
)
def test_values_are_converted_and_null_is_not_set(given: dict[str, Any], name: str, value: Any) -> None:
    made = options(given)
    assert made[name] == value
    assert made["problem"] == ""


def test_blank_is_a_value_where_it_means_nothing_is_written() -> None:
    assert options({"r_name": ""}, may_be_blank=["name"])["name"] == ""
    assert options({"r_tags": ""}, may_be_blank=["tags"])["tags"] == []


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"r_tags": {"a": 1}}, "r_tags: a dictionary was given; give one text, a comma-separated text or a list of texts."),
        ({"r_tags": ["a", ["b"]]}, "r_tags: a list was given as an item of the list; each item must be a text."),
        ({"r_tags": ["a", {"b": 1}]}, "r_tags: a dictionary was given as an item of the list; each item must be a text."),
        ({"r_tags": ["a", None]}, "r_tags: nothing (null) was given as an item of the list; each item must be a text."),
        ({"r_tags": 10}, "r_tags: a number (10) was given; give one text, a comma-separated text or a list of texts."),
        ({"r_tags": True}, "r_tags: a boolean (True) was given; give one text, a comma-separated text or a list of texts."),
        ({"r_name": ["a"]}, "r_name: a list was given; a single text is needed."),
        ({"r_name": {"a": 1}}, "r_name: a dictionary was given; a single text is needed."),
        ({"r_limit": "many\x1b"}, "r_limit: 'many\\\\x1b' is not a whole number."),
        ({"r_limit": 1.5}, "r_limit: '1.5' is not a whole number."),
        ({"r_limit": True}, "r_limit: 'True' is not a whole number."),
        ({"r_limit": [5]}, "r_limit: a list is not a whole number."),
        ({"r_force": "perhaps"}, "r_force: 'perhaps' is neither true nor false."),
        ({"r_columns": "a"}, "r_columns: one text was given; a dictionary is needed."),
        ({"r_name": "z"}, "value of r_name must be one of: x, y; not 'z'."),
        ({"r_log": "/a", "r_path": "/b"}, "r_log and r_path exclude each other; set one of them."),
    ],
)
def test_anything_else_is_refused_by_name(given: dict[str, Any], problem: str) -> None:
    assert options(given, choices={"name": ["x", "y"]}, exclusive=["log", "path"]) == {"problem": problem, "places": []}


def test_secrets_are_checked_and_not_returned() -> None:
    assert "name" not in options({"r_name": "postgresql://u:p@h/d"}, secret=["name"])
    assert "p@h" not in str(options({"r_name": ["postgresql://u:p@h/d"]}, secret=["name"]))


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="there is no option choice; the options are choices"):
        options({}, choice={})


class TestFilesToWrite:
    """A file is checked before anything is read or sent."""

    def problem(self, path: str, log: str = "", **given: Any) -> str:
        rules = {"reads": ["log"], "writes": ["path", "name"]}
        variables = {"r_path": path, "r_log": log, "r_name": "", **given}
        without = {name: value for name, value in DEFAULTS.items() if name != "r_name"}
        places = role_options(variables, SPEC, without, role="r", **rules)["places"]
        found = [{"item": item, "stat": self.stat(item["path"])} for item in places]
        return str(role_options(variables, SPEC, without, role="r", places=found, **rules)["problem"])

    @staticmethod
    def stat(path: str) -> dict[str, Any]:
        """The result of the module `stat`."""
        place = Path(path)
        if not path or not place.exists():
            return {"exists": False}
        found = place.stat()
        return {
            "exists": True,
            "isdir": place.is_dir(),
            "isreg": place.is_file(),
            "writeable": True,
            "dev": found.st_dev,
            "inode": found.st_ino,
        }

    def test_a_file_that_can_be_written_is_fine(self, tmp_path: Path) -> None:
        (tmp_path / "log.csv").touch()
        assert self.problem(f"{tmp_path}/report.html", f"{tmp_path}/log.csv") == ""
        assert self.problem("", f"{tmp_path}/log.csv") == ""

    @pytest.mark.parametrize("way", ["same", "link", "hard link", "pattern"])
    def test_a_file_that_is_read_is_not_replaced(self, tmp_path: Path, way: str) -> None:
        log, report = tmp_path / "log.csv", tmp_path / "report.html"
        log.touch()
        if way == "link":
            report.symlink_to(log)
        elif way == "hard link":
            report.hardlink_to(log)
        target = log if way in ("same", "pattern") else report
        read = f"{tmp_path}/*.csv" if way == "pattern" else str(log)
        assert f"r_path: {target} is a VPN log that is read, and the report would replace it" in self.problem(str(target), read)

    def test_folders_are_needed_and_files_are_no_folders(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        assert "r_path: /missing is not a folder that this user may write to" in self.problem("/missing/report.html")
        assert "is not an absolute path; nothing was read or written" in self.problem("report.html")
        assert "exists and is not a file" in self.problem(f"{tmp_path}/folder")

    def test_two_files_need_two_paths(self, tmp_path: Path) -> None:
        assert "is the file of r_path too" in self.problem(f"{tmp_path}/a", r_name=f"{tmp_path}/../{tmp_path.name}/a")
