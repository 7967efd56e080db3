"""A server that root has started, with its helper, nursery and processes for sessions, killed under load."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from crash.kills import UNDER_WAY, come_to_an_end, kill_again_and_again, kill_sessions_again_and_again
from crash.traffic import MARK, ROBOT, SITE, TEAM, Auditor, Customers, Promises, Sink, is_hopeless, sinking
from real.root_server import ROOM, RootServer, room

ARCHIVE = ROOM / "archive"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinking() as made:
        yield made


@pytest.fixture
def server(sink: Sink) -> Iterator[RootServer]:
    with room():
        site = SITE.replace("SINK", str(sink.port)).replace("/home/{user}", "/srv/home/{user}")
        site = site.replace("postmaster: anna}", f"postmaster: anna, archive: {ARCHIVE}}}")
        ARCHIVE.mkdir()
        shutil.chown(ARCHIVE, "courier", "courier")
        made = RootServer(site, (*TEAM, "sender", "robot"), ("--sessions", "2"))
        made.put("robot", ".courier", ROBOT)
        try:
            yield made
        finally:
            if made.is_running():
                made.kill()


def test_kills_lose_nothing_repeat_only_what_was_under_way_and_leave_a_whole_archive(
    server: RootServer, sink: Sink, tmp_path: Path, is_soak: bool
) -> None:
    lives, longest = (100, 2.0) if is_soak else (6, 0.8)
    promises = kill_again_and_again(server, sink, tmp_path, lives, longest)
    kept = {mark.decode() for path in ARCHIVE.rglob("D*") for mark in MARK.findall(path.read_bytes())}
    assert promises.accepted <= kept
    for path in ARCHIVE.rglob("C*"):
        assert re.fullmatch(r"C\d+\n", path.read_text().splitlines(keepends=True)[-1])


def test_kills_of_processes_for_sessions_lose_nothing_and_repeat_nothing(
    server: RootServer, sink: Sink, tmp_path: Path, is_soak: bool
) -> None:
    kill_sessions_again_and_again(server, sink, tmp_path, 30 if is_soak else 2)


def test_a_server_that_starts_while_the_rest_of_the_dead_one_is_still_there_loses_nothing(
    server: RootServer, sink: Sink, tmp_path: Path, is_soak: bool
) -> None:
    chance = Random(3)
    promises = Promises()
    lives = 50 if is_soak else 5
    server.start()
    for life in range(lives):
        customers = Customers(server, promises, life, are_patient=True)
        time.sleep(0.2 + chance.random() * 0.8)
        server.kill()
        server.start()
        customers.end()
    come_to_an_end(server, sink)
    auditor = Auditor(server, sink, tmp_path)
    end = auditor.look()
    promised = {(mark, address) for mark in promises.accepted for address in promises.offered[mark]}
    assert len(promised) > 100, "that was no load"
    assert promised & end.told.keys() == {key for key in promised if is_hopeless(key[1])}
    assert promised & end.delivered.keys() == {key for key in promised if not is_hopeless(key[1])}
    repeated = +Counter({key: copies - 1 for key, copies in end.delivered.items()})
    assert repeated.total() <= lives * UNDER_WAY
    assert max(repeated.values(), default=0) <= lives
