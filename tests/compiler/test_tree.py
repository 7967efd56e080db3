"""A tree is replaced as a whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from courier_compiler import tree
from courier_compiler.artefact import Artefact
from courier_compiler.tree import write_tree
from courier_schema.legacy.manifest import NAME, Entry, Manifest, load_manifest
from courier_schema.report import CourierSiteError


def _artefacts(word: str) -> list[Artefact]:
    return [
        Artefact("etc/courier/me", f"{word}\n".encode()),
        Artefact("etc/courier/esmtpauthclient", b"relay user secret\n", 0o640, secret=True),
        Artefact("etc/courier/filters/active/x", b"/usr/bin/x", link=True),
    ]


def _manifest(artefacts: list[Artefact]) -> Manifest:
    files = {
        one.path: Entry(one.sha256, f"{one.mode:04o}", one.owner, one.group, one.secret, one.link) for one in artefacts
    }
    return Manifest("example.org", "mx.example.org", "debian-12", {}, files)


def _write(target: Path, word: str) -> None:
    artefacts = _artefacts(word)
    write_tree(target, artefacts, _manifest(artefacts))


def _files(target: Path) -> set[str]:
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_symlink() or path.is_file()}


def test_a_first_build_makes_the_directory_with_contents_modes_and_links(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "build"
    _write(target, "one")
    assert (target / "etc/courier/me").read_text() == "one\n"
    assert (target / "etc/courier/esmtpauthclient").stat().st_mode & 0o777 == 0o640
    assert (target / "etc/courier/filters/active/x").readlink() == Path("/usr/bin/x")


def test_the_manifest_describes_the_tree(tmp_path: Path) -> None:
    _write(tmp_path / "build", "one")
    manifest = load_manifest((tmp_path / "build" / NAME).read_bytes())
    assert {*manifest.files, NAME} == _files(tmp_path / "build")
    assert manifest.generation == _manifest(_artefacts("one")).generation != _manifest(_artefacts("two")).generation


def test_a_second_build_replaces_the_first_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    _write(tmp_path / "build", "one")
    (tmp_path / "build" / "etc/courier/me").write_text("edited by hand\n")
    _write(tmp_path / "build", "two")
    assert (tmp_path / "build/etc/courier/me").read_text() == "two\n"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_files_that_stay_as_they_are_are_kept_and_the_others_are_new(tmp_path: Path) -> None:
    _write(tmp_path / "build", "one")
    same, changed = (tmp_path / "build/etc/courier" / name for name in ("esmtpauthclient", "me"))
    os.utime(same, (1, 1))
    os.link(changed, tmp_path / "copy")
    _write(tmp_path / "build", "two")
    assert same.stat().st_mtime == 1, "what copies by time copies changes only"
    assert changed.read_text() == "two\n"
    assert (tmp_path / "copy").read_text() == "one\n", "no file of the old tree is written to"


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_file_whose_mode_was_changed_by_hand_is_made_anew(tmp_path: Path, mode: int) -> None:
    _write(tmp_path / "build", "one")
    (tmp_path / "build/etc/courier/esmtpauthclient").chmod(mode)
    _write(tmp_path / "build", "one")
    assert (tmp_path / "build/etc/courier/esmtpauthclient").stat().st_mode & 0o777 == 0o640


def test_where_no_file_can_have_two_names_all_files_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(old: Path, new: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(new))

    _write(tmp_path / "build", "one")
    monkeypatch.setattr(os, "link", refuse)
    os.utime(tmp_path / "build/etc/courier/me", (1, 1))
    _write(tmp_path / "build", "one")
    assert (tmp_path / "build/etc/courier/me").read_text() == "one\n"
    assert (tmp_path / "build/etc/courier/me").stat().st_mtime > 1


def test_a_directory_with_other_things_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("dear")
    with pytest.raises(CourierSiteError, match=r"holds files but no manifest\.json"):
        _write(tmp_path, "one")
    assert (tmp_path / "letters").read_text() == "dear"


def test_another_program_s_manifest_json_does_not_make_a_directory_ours(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"name": "a web page"}\n')
    (tmp_path / "photo").write_text("smile")
    with pytest.raises(CourierSiteError, match="is not the manifest of a build"):
        _write(tmp_path, "one")
    assert (tmp_path / "photo").read_text() == "smile"


def test_files_put_into_a_built_tree_are_named_and_kept(tmp_path: Path) -> None:
    target = tmp_path / "build"
    _write(target, "one")
    (target / "notes").mkdir()
    for name in ("a", "b", "c", "notes/d"):
        (target / name).write_text("mine")
    (target / "notes/link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(CourierSiteError, match=r"no build made \('a', 'b', 'c' and 2 more\)"):
        _write(target, "two")
    assert (target / "notes/d").read_text() == "mine"
    assert (target / "etc/courier/me").read_text() == "one\n"


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_failing_disk_leaves_the_old_tree_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int, after: int
) -> None:
    _write(tmp_path / "build", "one")
    before = _files(tmp_path / "build")
    placed = 0
    place = tree._place

    def failing(path: Path, artefact: Artefact, old: Path) -> None:
        nonlocal placed
        if placed == after:
            raise OSError(reason, os.strerror(reason), str(path))
        placed += 1
        place(path, artefact, old)

    monkeypatch.setattr(tree, "_place", failing)
    with pytest.raises(CourierSiteError, match=os.strerror(reason)):
        _write(tmp_path / "build", "two")
    assert _files(tmp_path / "build") == before
    assert (tmp_path / "build/etc/courier/me").read_text() == "one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_without_exchange_of_names_the_tree_is_still_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path / "build", "one")
    monkeypatch.setattr(tree, "_exchange", lambda one, other: False)
    _write(tmp_path / "build", "two")
    assert (tmp_path / "build/etc/courier/me").read_text() == "two\n"
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


_ENDLESS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from courier_compiler import tree
from courier_compiler.artefact import Artefact
from courier_schema.legacy.manifest import Entry, Manifest
number = 0
while True:
    number += 1
    files = [Artefact(f"etc/f{{i}}", str(number).encode()) for i in range(40)]
    entries = {{file.path: Entry(file.sha256, "0644", "root", "root") for file in files}}
    manifest = Manifest("s", "h", "p", {{}}, entries)
    tree.write_tree(Path({target!r}), files, manifest)
    print(number, flush=True)
"""


def test_a_kill_at_any_moment_leaves_one_whole_tree(tmp_path: Path) -> None:
    target = tmp_path / "build"
    script = _ENDLESS.format(tests=str(Path(__file__).parent), target=str(target))
    for attempt in range(8):
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.003 * attempt)
            process.kill()
        contents = {path.read_text() for path in (target / "etc").iterdir()}
        assert len(contents) == 1
        assert len(list((target / "etc").iterdir())) == 40
    write_tree(target, [], Manifest("s", "h", "p", {}, {}))
    assert [path.name for path in tmp_path.iterdir()] == ["build"], "what killed builds left is swept by the next one"
