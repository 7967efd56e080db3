"""The journal is the decision: what it says can be read back, and is done from wherever it was left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courier_compiler.applying.durable import Disk
from courier_compiler.applying.installed import Place
from courier_compiler.applying.journal import (
    Directory,
    Journal,
    Move,
    commit,
    finish,
    is_pending,
    journal_path,
    load_journal,
    note_elsewhere,
    stage_path,
    sweep,
)
from courier_schema.report import CourierSiteError

JOURNAL = Journal(
    "0123456789abcdef",
    (),
    (Directory("etc/courier/aliases", 0o750),),
    (Move("etc/courier/.courier-site/stage/00000", "etc/courier/aliases/system"),),
    ("etc/courier/gone",),
    ("etc/courier/idle",),
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    stage_path(place).mkdir(parents=True)
    (stage_path(place) / "00000").write_text("staged")
    (stage_path(place) / "manifest.json").write_text("manifest")
    place.path("etc/courier/gone").write_text("")
    place.path("etc/courier/idle").mkdir()
    return place


def _is_done(place: Place) -> bool:
    there = (
        place.path("etc/courier/aliases/system").read_text() == "staged" and place.manifest.read_text() == "manifest"
    )
    left = (place.path("etc/courier/gone"), place.path("etc/courier/idle"), stage_path(place), journal_path(place))
    return there and not any(path.exists() for path in left)


def test_a_journal_reads_back_as_it_was_written() -> None:
    whole = Journal(
        "g", (Move("a", "b"),), (Directory("d", 0o750, 0, 8), Directory("e", 0o755)), (Move("c", "d"),), ("r",), ("e",)
    )
    assert load_journal(whole.dump()) == whole


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"format": 1}', b'{"format": 1, "generation": "g"}'])
def test_a_damaged_journal_is_the_worlds_trouble(text: bytes) -> None:
    with pytest.raises(CourierSiteError, match="damaged"):
        load_journal(text)


def test_a_journal_of_another_release_is_left_to_that() -> None:
    text = json.dumps({**json.loads(JOURNAL.dump()), "format": 99}).encode()
    with pytest.raises(CourierSiteError, match="another release"):
        load_journal(text)


def test_a_commit_does_everything_and_leaves_nothing(place: Place) -> None:
    commit(place, JOURNAL, Disk())
    assert _is_done(place)
    assert place.path("etc/courier/aliases").stat().st_mode & 0o777 == 0o750


def test_a_journal_that_was_left_is_finished_and_names_its_generation(place: Place) -> None:
    journal_path(place).write_bytes(JOURNAL.dump())
    assert is_pending(place)
    assert finish(place, Disk()) == "0123456789abcdef"
    assert _is_done(place)
    assert finish(place, Disk()) is None


def test_a_stage_without_a_journal_is_swept(place: Place) -> None:
    assert finish(place, Disk()) is None
    assert not stage_path(place).exists()
    assert place.path("etc/courier/gone").exists()
    assert not place.manifest.exists()


def test_a_directory_that_is_not_empty_stays(place: Place) -> None:
    place.path("etc/courier/idle/theirs").write_text("")
    commit(place, JOURNAL, Disk())
    assert place.path("etc/courier/idle/theirs").exists()


def test_a_directory_of_somebody_else_that_stands_where_a_file_goes_is_not_removed(place: Place) -> None:
    place.path("etc/courier/aliases/system").mkdir(parents=True)
    place.path("etc/courier/aliases/system/theirs").write_text("")
    journal = Journal("g", (), (), JOURNAL.files, (), ("etc/courier/aliases/system",))
    with pytest.raises(CourierSiteError, match="holds files of somebody else"):
        commit(place, journal, Disk())
    assert is_pending(place)
    place.path("etc/courier/aliases/system/theirs").unlink()
    assert finish(place, Disk()) == "g"
    assert place.path("etc/courier/aliases/system").read_text() == "staged"


def test_files_staged_elsewhere_are_swept_by_their_list(place: Place) -> None:
    elsewhere = place.path("srv/.courier-site-1")
    elsewhere.parent.mkdir()
    elsewhere.write_text("secret")
    note_elsewhere(place, ["srv/.courier-site-1", "srv/.courier-site-2"], Disk())
    sweep(place, Disk())
    assert not elsewhere.exists()
    assert not stage_path(place).exists()
