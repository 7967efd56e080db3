"""Inputs name whatever a compile opened or looked for, and notice every way in which that can change."""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path

import pytest

from courier_compiler import inputs
from courier_compiler.inputs import noted


def test_what_is_opened_is_an_input(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("text")
    with noted() as found:
        (tmp_path / "read").read_text()
        os.close(os.open(tmp_path / "read", os.O_RDONLY))
    (tmp_path / "later").write_text("text")
    assert list(found.files) == [str(tmp_path / "read")]
    assert found.changed() == []


def test_a_file_changes_by_content_mode_removal_and_replacement(tmp_path: Path) -> None:
    path = tmp_path / "read"
    for change in (
        lambda: path.write_text("other"),
        lambda: path.chmod(0o600),
        path.unlink,
    ):
        path.write_text("text")
        path.chmod(0o644)
        with noted() as found:
            path.read_text()
        change()
        assert found.changed() == [str(path)]


def test_a_file_that_was_missing_is_awaited(tmp_path: Path) -> None:
    with noted() as found:
        assert not _readable(tmp_path / "none")
    assert found.changed() == []
    (tmp_path / "none").write_text("here")
    assert found.changed() == [str(tmp_path / "none")]


def test_a_change_after_it_was_read_is_noticed_even_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("text")
    with noted() as found:
        (tmp_path / "read").read_text()
        (tmp_path / "new").write_text("longer text")
        (tmp_path / "new").rename(tmp_path / "read")
    assert str(tmp_path / "read") in found.changed()


def test_a_pattern_is_an_input_with_all_that_it_matches(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    pattern = str(tmp_path / "**/*.yaml")
    with noted() as found:
        assert glob(pattern, recursive=True) == []  # noqa: PTH207 - as the loader of sites does
    assert found.changed() == []
    (tmp_path / "deep/er/new.yaml").write_text("")
    assert found.changed() == [pattern]


def test_directories_to_watch_are_those_that_exist_and_the_ones_above(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    with noted() as found:
        assert not _readable(tmp_path / "a/b/missing/deep/file")
        assert not glob(str(tmp_path / "a/*/x*"))  # noqa: PTH207 - as the loader of sites does
    assert found.directories() == {str(tmp_path / "a/b"), str(tmp_path / "a"), str(tmp_path)}


def test_a_directory_that_may_not_be_looked_into_is_watched_from_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed/deep").mkdir(parents=True)
    with noted() as found:
        assert not _readable(tmp_path / "closed/deep/file")
    looked = Path.is_dir

    def refused(path: Path) -> bool:
        if path == tmp_path / "closed/deep":
            raise PermissionError(13, "Permission denied")
        return looked(path)

    monkeypatch.setattr(Path, "is_dir", refused)
    assert found.directories() == {str(tmp_path / "closed"), str(tmp_path)}


def test_code_and_the_files_of_the_kernel_are_no_inputs() -> None:
    with noted() as found:
        Path(inputs.__file__).read_text()
        Path("/proc/self/stat").read_text()
        assert _readable(Path("/dev/null"))
    assert found.files == {}


def _readable(path: Path) -> bool:
    try:
        path.read_text()
    except FileNotFoundError:
        return False
    return True
