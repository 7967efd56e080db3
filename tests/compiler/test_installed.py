"""What is on disk, and how it differs from what is wanted: one contract for every tree, and a pure comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from compiler.applied_hosts import ETC, file, link, manifest
from courier_compiler.applying.installed import (
    Change,
    Create,
    DirectoryTree,
    Drift,
    FileState,
    Kind,
    MemoryTree,
    Place,
    Remode,
    Remove,
    Tree,
    Update,
    compare,
    plan_checksum,
)
from courier_compiler.artefact import Artefact
from courier_schema.legacy.manifest import Manifest
from courier_schema.report import CourierSiteError

Made = Callable[[Mapping[str, FileState], Manifest | None], Tree]


def _in_memory(files: Mapping[str, FileState], record: Manifest | None) -> Tree:
    return MemoryTree(files, record)


def _on_disk(root: Path) -> Made:
    def made(files: Mapping[str, FileState], record: Manifest | None) -> Tree:
        place = Place(root)
        for name, state in files.items():
            path = place.path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            if state.kind is Kind.LINK:
                path.symlink_to(state.content.decode())
            else:
                path.write_bytes(state.content)
                path.chmod(state.mode)
        if record is not None:
            place.state.mkdir(parents=True)
            place.manifest.write_bytes(record.dump())
        return DirectoryTree(place)

    return made


@pytest.fixture(params=["memory", "directory"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    return _in_memory if request.param == "memory" else _on_disk(tmp_path)


# the contract of a tree


def test_a_file_has_content_and_mode(made: Made) -> None:
    state = made({"etc/me": FileState(b"mx\n", 0o640)}, None).state("etc/me")
    assert state is not None
    assert (state.content, state.mode, state.kind) == (b"mx\n", 0o640, Kind.FILE)


def test_a_link_has_its_target_for_content(made: Made) -> None:
    state = made({"etc/x": FileState(b"/usr/bin/x", 0o777, kind=Kind.LINK)}, None).state("etc/x")
    assert state is not None
    assert (state.content, state.mode, state.kind) == (b"/usr/bin/x", 0o777, Kind.LINK)


def test_where_nothing_stands_there_is_no_state(made: Made) -> None:
    tree = made({"etc/me": FileState(b"")}, None)
    assert tree.state("etc/you") is None
    assert tree.state("usr/share/you") is None
    assert tree.state("etc/me/below") is None


def test_a_directory_is_known_as_one(made: Made) -> None:
    state = made({"etc/courier/me": FileState(b"")}, None).state("etc/courier")
    assert state is not None
    assert state.kind is Kind.DIRECTORY


def test_everything_below_a_directory_is_listed_in_order(made: Made) -> None:
    tree = made(
        {
            "etc/d/b": FileState(b""),
            "etc/d/a/c": FileState(b""),
            "etc/d/l": FileState(b"/", 0o777, kind=Kind.LINK),
            "etc/dd": FileState(b""),
        },
        None,
    )
    assert list(tree.below("etc/d")) == ["etc/d/a/c", "etc/d/b", "etc/d/l"]
    assert list(tree.below("etc/none")) == []


def test_the_manifest_is_what_was_committed(made: Made) -> None:
    record = manifest(file("me", "mx\n"))
    assert made({}, record).manifest() == record


def test_a_host_without_a_commit_has_no_manifest(made: Made) -> None:
    assert made({"etc/me": FileState(b"")}, None).manifest() is None


# what only a disk can do


def test_a_damaged_manifest_is_the_worlds_trouble(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.state.mkdir(parents=True)
    place.manifest.write_text("{")
    with pytest.raises(CourierSiteError, match="not a manifest"):
        DirectoryTree(place).manifest()


def test_owners_of_a_mounted_host_have_the_names_that_it_gives_them(tmp_path: Path) -> None:
    place = Place(tmp_path)
    path = tmp_path / "etc/passwd"
    path.parent.mkdir()
    uid, gid = tmp_path.stat().st_uid, tmp_path.stat().st_gid
    path.write_text(f"daemon:x:77:77::/:\nmailer:x:{uid}:{gid}::/:\n")
    path.with_name("group").write_text(f"mailers:x:{gid}:\n")
    state = DirectoryTree(place).state("etc/passwd")
    assert state is not None
    assert (state.owner, state.group) == ("mailer", "mailers")


# the comparison


def _state(artefact: Artefact) -> FileState:
    kind = Kind.LINK if artefact.link else Kind.FILE
    return FileState(artefact.content, artefact.mode, artefact.owner, artefact.group, kind)


def _tree(*found: Artefact, owned: tuple[Artefact, ...] | None = None) -> MemoryTree:
    """A tree with some files, all ours unless told."""
    ours = found if owned is None else owned
    return MemoryTree({one.path: _state(one) for one in found}, manifest(*ours))


def _kinds(changes: tuple[Change, ...]) -> dict[str, type[Change]]:
    return {change.path.removeprefix(f"{ETC}/"): type(change) for change in changes}


def test_equal_trees_need_no_change() -> None:
    files = (file("me", "mx\n"), link("filters/active/x", "/usr/bin/x"))
    assert compare(files, _tree(*files)) == ()


def test_each_difference_has_its_kind_and_changes_are_sorted() -> None:
    old = (file("gone", "g"), file("mode", "m"), file("text", "old"))
    new = (file("text", "new"), file("mode", "m", 0o600), file("added", "a"))
    changes = compare(new, _tree(*old))
    assert _kinds(changes) == {"added": Create, "gone": Remove, "mode": Remode, "text": Update}
    assert [change.path for change in changes] == sorted(change.path for change in changes)
    assert not any(getattr(change, "foreign", False) for change in changes)


def test_a_link_in_place_of_a_file_is_another_content() -> None:
    assert _kinds(compare((link("x", "/y"),), _tree(file("x", "/y")))) == {"x": Update}


def test_another_owner_is_a_change_unless_owners_do_not_matter() -> None:
    wanted = Artefact(f"{ETC}/me", b"", owner="courier")
    assert _kinds(compare((wanted,), _tree(file("me")))) == {"me": Remode}
    assert compare((wanted,), _tree(file("me")), owners=False) == ()


@pytest.mark.parametrize("wanted", ["old", "new", None])
def test_a_file_of_ours_that_was_edited_is_drift_whatever_is_wanted(wanted: str | None) -> None:
    tree = _tree(file("me", "edited"), owned=(file("me", "old"),))
    (change,) = compare([] if wanted is None else [file("me", wanted)], tree)
    assert isinstance(change, Drift)
    assert change.found == FileState(b"edited")
    assert change.entry.sha256 == file("me", "old").sha256


def test_a_file_of_ours_whose_mode_was_changed_is_drift() -> None:
    assert _kinds(compare([file("me")], _tree(file("me", mode=0o666), owned=(file("me"),)))) == {"me": Drift}


def test_a_file_of_ours_that_was_removed_is_drift_while_it_is_wanted() -> None:
    tree = _tree(owned=(file("me"),))
    assert _kinds(compare([file("me")], tree)) == {"me": Drift}
    assert compare([], tree) == ()


def test_an_edit_that_the_site_says_too_is_no_change() -> None:
    assert compare([file("me", "new")], _tree(file("me", "new"), owned=(file("me", "old"),))) == ()


def test_a_file_that_the_manifest_does_not_list_is_foreign() -> None:
    (update,) = compare([file("me", "new")], _tree(file("me", "theirs"), owned=()))
    (remode,) = compare([file("me", "", 0o600)], _tree(file("me", ""), owned=()))
    assert isinstance(update, Update)
    assert isinstance(remode, Remode)
    assert update.foreign
    assert remode.foreign


def test_a_foreign_file_that_is_not_wanted_is_nobodys_business() -> None:
    assert compare([], _tree(file("theirs", "x"), owned=())) == ()


def test_a_foreign_file_that_is_as_wanted_is_no_change() -> None:
    assert compare([file("me", "mx")], _tree(file("me", "mx"), owned=())) == ()


def test_a_directory_that_only_our_leaving_files_are_in_makes_room_for_a_file() -> None:
    changes = compare([file("userdb", "u")], _tree(file("userdb/a"), file("userdb/b")))
    assert _kinds(changes) == {"userdb": Create, "userdb/a": Remove, "userdb/b": Remove}


def test_a_directory_with_a_file_of_somebody_else_stays_in_the_way() -> None:
    tree = _tree(file("userdb/a"), file("userdb/theirs"), owned=(file("userdb/a"),))
    (userdb, _) = compare([file("userdb", "u")], tree)
    assert isinstance(userdb, Update)
    assert userdb.foreign
    assert userdb.found.kind is Kind.DIRECTORY


# the checksum


def test_the_checksum_is_the_same_for_the_same_changes_only() -> None:
    old = _tree(file("me", "old"))
    sums = {
        plan_checksum(compare([wanted], tree))
        for wanted, tree in [
            (file("me", "new"), old),
            (file("me", "newer"), old),
            (file("me", "new", 0o600), old),
            (Artefact(f"{ETC}/me", b"new", group="courier"), old),
            (link("me", "new"), old),
            (file("me", "new"), _tree(file("me", "older"))),
            (file("me", "new"), _tree(file("me", "old", 0o600))),
            (file("me", "new"), _tree(file("me", "old"), owned=(file("me", "x"),))),
            (file("me", "new"), _tree(file("me", "old"), owned=())),
            (file("you", "new"), old),
        ]
    }
    assert len(sums) == 10
    assert plan_checksum(compare([file("me", "new")], old)) == plan_checksum(compare([file("me", "new")], old))
    assert plan_checksum(()) not in sums
