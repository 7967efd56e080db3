"""Generations: every tree that was in force can be had again, byte for byte, until it is pruned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.applied_hosts import ETC, FREE, everything, file, link, manifest
from courier_compiler.applying.apply import Outcome, apply, rollback
from courier_compiler.applying.generations import find, in_force, kept, load
from courier_compiler.applying.installed import DirectoryTree, Place
from courier_compiler.artefact import Artefact, Daemon
from courier_schema.legacy.manifest import NAME, Entry, Manifest, load_manifest
from courier_schema.report import CourierSiteError

FIRST = (file("me", "one\n"), file("userdb", "secret", 0o600), file("aliases/system", "x"))
SECOND = (file("me", "two\n"), file("userdb", "secret", 0o600), link("filters/active/x", "/usr/bin/x"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _put(place: Place, artefacts: Sequence[Artefact], keep: int = 10) -> Outcome:
    return apply(artefacts, manifest(*artefacts), place, replace(FREE, keep=keep))


def _stored(place: Place, number: int, name: str) -> Path:
    return find(place, str(number)).path / ETC / name


def test_rolling_back_restores_every_byte_mode_link_and_directory(place: Place) -> None:
    _put(place, FIRST)
    first = everything(place)
    _put(place, SECOND)
    second = everything(place)
    rollback(place, None, FREE)
    assert everything(place) == first
    assert DirectoryTree(place).manifest() == manifest(*FIRST)
    rollback(place, "3", FREE)
    assert everything(place) == second


def test_rolling_back_the_first_generation_restores_what_was_there_before(place: Place) -> None:
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/me").write_text("theirs")
    before = everything(place)
    apply(FIRST, manifest(*FIRST), place, replace(FREE, adopt_all=True))
    rollback(place, None, FREE)
    assert everything(place) == before


def test_rolling_back_again_goes_further_back(place: Place) -> None:
    for text in ("one", "two", "three"):
        _put(place, [file("me", text)])
    rollback(place, None, FREE)
    rollback(place, None, FREE)
    assert place.path(f"{ETC}/me").read_text() == "one"


def test_what_was_rolled_back_is_not_what_the_next_apply_is_rolled_back_to(place: Place) -> None:
    _put(place, [file("me", "good")])
    _put(place, [file("me", "bad")])
    rollback(place, None, FREE)
    _put(place, [file("me", "better")])
    rollback(place, None, FREE)
    assert place.path(f"{ETC}/me").read_text() == "good"


def test_a_generation_is_found_by_number_and_by_id(place: Place) -> None:
    _put(place, FIRST)
    _put(place, SECOND)
    assert find(place, "2").id == find(place, manifest(*FIRST).generation).id == manifest(*FIRST).generation
    with pytest.raises(CourierSiteError, match=r"no generation 9; kept are 1 \("):
        find(place, "9")


def test_before_the_oldest_generation_there_is_none(place: Place) -> None:
    _put(place, FIRST)
    rollback(place, None, FREE)
    with pytest.raises(CourierSiteError, match="no generation before"):
        rollback(place, None, FREE)


def test_a_kept_secret_has_its_own_mode_in_a_directory_for_root(place: Place) -> None:
    _put(place, FIRST)
    assert _stored(place, 2, "userdb").stat().st_mode & 0o777 == 0o600
    assert (place.state / "generations").stat().st_mode & 0o777 == 0o700


def test_kept_generations_share_files_with_each_other_but_never_with_the_tree_in_force(place: Place) -> None:
    _put(place, FIRST)
    _put(place, SECOND)
    live, one, two = (
        path.stat().st_ino
        for path in (place.path(f"{ETC}/userdb"), _stored(place, 2, "userdb"), _stored(place, 3, "userdb"))
    )
    assert one == two != live


def test_an_edit_in_place_does_not_reach_what_is_kept(place: Place) -> None:
    _put(place, FIRST)
    with place.path(f"{ETC}/me").open("a") as opened:
        opened.write("edited")
    assert load(find(place, "2").path).problems == ()


def test_as_many_generations_are_kept_as_asked_for(place: Place) -> None:
    for number in range(6):
        _put(place, [file("me", str(number))], keep=3)
    assert [one.number for one in kept(place) if not one.found] == [5, 6, 7]
    assert in_force(place).number == 7


def test_the_generation_in_force_is_never_pruned(place: Place) -> None:
    for number in range(4):
        _put(place, [file("me", str(number))])
    rollback(place, "2", replace(FREE, keep=1))
    assert [one.number for one in kept(place) if not one.found] == [2, 5]
    assert place.path(f"{ETC}/me").read_text() == "0"


def test_what_others_had_made_outlives_every_generation_of_ours(place: Place) -> None:
    place.path(ETC).mkdir(parents=True)
    place.path(f"{ETC}/me").write_text("theirs")
    apply([file("me", "0")], manifest(file("me", "0")), place, replace(FREE, adopt_all=True, keep=1))
    place.path(f"{ETC}/me").write_text("edited")
    for number in range(1, 15):
        me = file("me", str(number))
        apply([me], manifest(me), place, replace(FREE, overwrite_drift=True, keep=1))
    assert [(one.number, one.found) for one in kept(place)] == [(1, True), (3, True), (17, False)]
    rollback(place, "1", replace(FREE, keep=1))
    assert place.path(f"{ETC}/me").read_text() == "theirs"
    rollback(place, "3", replace(FREE, keep=1))
    assert place.path(f"{ETC}/me").read_text() == "edited"


def test_numbers_are_never_used_twice(place: Place) -> None:
    _put(place, FIRST)
    rollback(place, "1", replace(FREE, keep=1))
    _put(place, SECOND)
    assert in_force(place).number == 3


def test_a_damaged_generation_is_not_put_into_force(place: Place) -> None:
    _put(place, FIRST)
    _put(place, SECOND)
    _stored(place, 2, "me").write_text("rot")
    outcome = rollback(place, "2", FREE)
    assert [problem.id for problem in outcome.problems] == ["generation-damaged"]
    assert place.path(f"{ETC}/me").read_text() == "two\n"


def test_the_daemons_that_read_a_file_are_remembered(place: Place) -> None:
    _put(place, [file("me", "mx", touches=frozenset({Daemon.COURIERD})), file("other")])
    stored = load(find(place, "2").path)
    assert {one.path: one.touches for one in stored.artefacts} == {
        f"{ETC}/me": frozenset({Daemon.COURIERD}),
        f"{ETC}/other": frozenset(),
    }
    assert stored.manifest.files[f"{ETC}/me"].touches == ("courierd",)


def test_a_daemon_that_this_release_does_not_know_is_nobody_to_tell(tmp_path: Path) -> None:
    entry = Entry(Artefact("me", b"").sha256, "0644", "root", "root", touches=("courierd", "futured"))
    (tmp_path / "me").touch()
    (tmp_path / NAME).write_bytes(Manifest("s", "h", "debian-12", {}, {"me": entry}).dump())
    (artefact,) = load(tmp_path).artefacts
    assert artefact.touches == {Daemon.COURIERD}


def test_a_manifest_of_the_format_before_is_read_and_nothing_is_known_of_its_daemons(tmp_path: Path) -> None:
    record = json.loads(Manifest("s", "h", "debian-12", {}, {"me": Entry("0" * 64, "0644", "root", "root")}).dump())
    record["format"] = 1
    del record["files"]["me"]["touches"]
    manifest = load_manifest(json.dumps(record).encode())
    assert manifest.files["me"].touches is None
    assert manifest.generation == record["generation"]


def test_a_hand_edit_stops_a_rollback(place: Place) -> None:
    _put(place, FIRST)
    _put(place, SECOND)
    place.path(f"{ETC}/me").write_text("edited")
    assert [problem.id for problem in rollback(place, None, FREE).problems] == ["drifted-file"]


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../passwd", "etc/../passwd", "etc/courier/.courier-site/manifest.json", "", "etc//me"]
)
def test_a_build_that_names_files_outside_is_refused(tmp_path: Path, path: str) -> None:
    record = Manifest("s", "h", "debian-12", {}, {path: Entry("0" * 64, "0644", "root", "root")})
    (tmp_path / NAME).write_bytes(record.dump())
    stored = load(tmp_path)
    assert [problem.id for problem in stored.problems] == ["build-path"]
    assert stored.artefacts == ()


def test_what_is_no_build_is_the_worlds_trouble(tmp_path: Path) -> None:
    with pytest.raises(CourierSiteError, match="cannot read"):
        load(tmp_path)
    (tmp_path / NAME).write_text("{")
    with pytest.raises(CourierSiteError, match="not a manifest"):
        load(tmp_path)


def test_a_damaged_record_of_what_is_in_force_is_the_worlds_trouble(place: Place) -> None:
    _put(place, FIRST)
    (place.state / "in-force.json").write_text("{}")
    with pytest.raises(CourierSiteError, match="is damaged"):
        in_force(place)
