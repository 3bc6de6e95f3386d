# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that belong to one user: opened files, refused files, and replacement without incomplete reads."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.secops.xdr.plugins.module_utils._files import expanded, open_existing, open_own, replaced, state_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class TestOpening:
    def test_a_missing_file_and_its_folder_are_created_for_their_owner(self, tmp_path: Path) -> None:
        path = tmp_path / "folder" / "file"
        os.close(open_own(str(path)))
        assert (mode(path), mode(path.parent)) == (0o600, 0o700)

    def test_others_lose_their_rights(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("kept")
        path.chmod(0o666)
        os.close(open_own(str(path)))
        assert (mode(path), path.read_text()) == (0o600, "kept")

    def test_reading_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        assert open_existing(str(path)) is None
        path.write_text("kept")
        path.chmod(0o640)
        descriptor = open_existing(str(path))
        assert descriptor is not None
        os.close(descriptor)
        assert mode(path) == 0o640

    @pytest.mark.parametrize("opens", [open_own, open_existing])
    def test_what_somebody_else_could_have_planted_is_refused(self, tmp_path: Path, opens: object) -> None:
        assert callable(opens)
        link, pipe, victim = tmp_path / "link", tmp_path / "pipe", tmp_path / "victim"
        link.symlink_to(victim)
        os.mkfifo(pipe)
        with pytest.raises(OSError, match="it is a symbolic link"):
            opens(str(link))
        with pytest.raises(OSError, match="it is not a regular file"):
            opens(str(pipe))
        assert not victim.exists()


class TestReplacing:
    def test_the_new_content_is_there_at_the_end_only(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")
        with replaced(str(path)) as file:
            file.write("new\r\nline \udcff")
            file.flush()
            assert path.read_text() == "old"
        assert path.read_bytes() == b"new\r\nline \\udcff"
        assert mode(path) == 0o600
        assert [one for one in tmp_path.iterdir() if one.is_file()] == [path]

    def test_an_error_leaves_the_old_content_and_nothing_else(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_text("old")

        def fail() -> None:
            with replaced(str(path)) as file:
                file.write("half of it")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert path.read_text() == "old"
        assert [one for one in tmp_path.iterdir() if one.is_file()] == [path]

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        path, victim = tmp_path / "file", tmp_path / "victim"
        victim.write_text("untouched")
        path.symlink_to(victim)
        with replaced(str(path)) as file:
            file.write("new")
        assert (path.is_symlink(), path.read_text(), victim.read_text()) == (False, "new", "untouched")

    def test_a_folder_that_is_missing_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError), replaced(str(tmp_path / "no" / "file")):
            pass


class TestNames:
    @pytest.mark.parametrize(
        ("text", "path"),
        [("/a/b", "/a/b"), ("/a/../b//c", "/b/c"), ("~/x", "/home/me/x"), ("$WHERE/x", "/srv/x"), ("${WHERE}/x", "/srv/x")],
    )
    def test_are_expanded(self, monkeypatch: pytest.MonkeyPatch, text: str, path: str) -> None:
        monkeypatch.setenv("HOME", "/home/me")
        monkeypatch.setenv("WHERE", "/srv")
        assert expanded(text) == path

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("x", "is a relative path"),
            ("", "is a relative path"),
            ("$NOWHERE_AT_ALL/x", "contains a variable"),
            ("~no_such_user/x", "home"),
        ],
    )
    def test_that_cannot_be_made_absolute_are_refused(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            expanded(text)

    def test_the_state_directory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/me")
        for state, path in (("/state", "/state/secops.xdr/x"), ("relative", "/home/me/.local/state/secops.xdr/x")):
            monkeypatch.setenv("XDG_STATE_HOME", state)
            assert state_file("x") == path
        monkeypatch.setenv("HOME", "relative")
        with pytest.raises(ValueError, match="no home directory"):
            state_file("x")
