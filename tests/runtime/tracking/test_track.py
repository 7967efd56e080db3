"""Addresses that fail are refused for two hours, remembered across restarts, and forgiven when they work again."""

from __future__ import annotations

from pathlib import Path

import pytest

from courier_runtime.mail.outcome import Deferred, Delivered, Failed
from courier_runtime.observe.clock import FrozenClock
from courier_runtime.observe.log import ListLog
from courier_runtime.tracking.files import FileTrack
from courier_runtime.tracking.memory import MemoryTrack

NAME = "joe@example.org"


@pytest.fixture(params=["memory", "files"])
def track(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[MemoryTrack, FrozenClock]:
    clock = FrozenClock()
    made = MemoryTrack(clock) if request.param == "memory" else FileTrack(tmp_path, clock, ListLog())
    return made, clock


def test_the_newest_record_within_two_hours_decides(track: tuple[MemoryTrack, FrozenClock]) -> None:
    memory, clock = track
    assert memory.verdict(NAME) == ""
    memory.record(NAME, Failed())
    assert memory.verdict(NAME) == "failed"
    memory.record(NAME, Deferred())
    assert memory.verdict(NAME) == "deferred"
    clock.at += 7201
    assert memory.verdict(NAME) == ""


def test_an_address_that_works_again_is_accepted_at_once(track: tuple[MemoryTrack, FrozenClock]) -> None:
    memory, _ = track
    memory.record(NAME, Failed())
    memory.record(NAME, Delivered())
    assert memory.verdict(NAME) == ""


def test_a_failure_that_is_not_to_be_remembered_is_not(track: tuple[MemoryTrack, FrozenClock]) -> None:
    memory, _ = track
    memory.record(NAME, Failed(is_remembered=False))
    assert memory.listed() == ()


def test_the_list_can_be_shown_and_cleared(track: tuple[MemoryTrack, FrozenClock]) -> None:
    memory, _ = track
    for name in ("b@example.org", "a@example.org", "c@example.org"):
        memory.record(name, Failed())
    assert memory.listed() == ("a@example.org", "b@example.org", "c@example.org")
    assert memory.clear("b@example.org") == 1
    assert memory.clear("b@example.org") == 0
    assert memory.clear() == 2
    assert memory.listed() == ()


def test_starttls_is_not_tried_where_it_failed_lately(track: tuple[MemoryTrack, FrozenClock]) -> None:
    memory, clock = track
    memory.record_broken_tls("mx.example.org")
    assert memory.has_broken_tls("mx.example.org")
    clock.at += 4 * 3600
    assert not memory.has_broken_tls("mx.example.org")


def test_the_memory_survives_a_restart_in_couriers_own_form(tmp_path: Path) -> None:
    clock = FrozenClock()
    first = FileTrack(tmp_path, clock, ListLog())
    first.record(NAME, Failed())
    first.record_broken_tls("mx.example.org")
    (file,) = tmp_path.iterdir()
    assert file.name == str(int(clock.at) // 3600)
    assert file.read_text() == f"{int(clock.at)} F{NAME}\n{int(clock.at)} Smx.example.org\n"

    again = FileTrack(tmp_path, clock, ListLog())
    assert again.verdict(NAME) == "failed"
    assert again.has_broken_tls("mx.example.org")


def test_the_same_failure_is_written_down_once_an_hour(tmp_path: Path) -> None:
    clock = FrozenClock()
    track = FileTrack(tmp_path, clock, ListLog())
    for _ in range(100):
        track.record(NAME, Failed())
    clock.at += 3601
    track.record(NAME, Failed())
    assert sum(len(path.read_text().splitlines()) for path in tmp_path.iterdir()) == 2


def test_old_files_are_removed_and_torn_lines_passed_over(tmp_path: Path) -> None:
    clock = FrozenClock()
    old = tmp_path / str(int(clock.at) // 3600 - 10)
    old.write_text(f"{int(clock.at) - 36000} F{NAME}\n")
    recent = tmp_path / str(int(clock.at) // 3600)
    recent.write_text(f"{int(clock.at)} Fa@example.org\n{int(clock.at)} F\nrubbish\n17")
    track = FileTrack(tmp_path, clock, ListLog())
    assert track.listed() == ("a@example.org",)
    assert not old.exists()


def test_a_memory_that_cannot_be_written_still_remembers_and_says_so(tmp_path: Path) -> None:
    log = ListLog()
    clock = FrozenClock()
    track = FileTrack(tmp_path, clock, log)
    (tmp_path / str(int(clock.at) // 3600)).mkdir()
    track.record(NAME, Failed())
    assert track.verdict(NAME) == "failed"
    assert "Is a directory" in log.lines[0]
