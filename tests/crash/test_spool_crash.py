"""Whatever is done to the process, what was accepted is delivered or queued, and nothing recorded is repeated."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from courier_runtime.spool import log
from courier_schema.report import CourierSiteError
from crash.spooled import Books, FailsAt, Killed, KilledAt, Quick, Story, serve_all, spool_at, until_killed
from runtime.spools import crash

SEED = 4
EVENTS = 40


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as directory:
        yield Path(directory)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_RETRY", 0.001)


def live(path: Path, disk: KilledAt | FailsAt, books: Books, seed: int = SEED, prefix: str = "") -> None:
    """One life of a process."""

    async def story() -> None:
        spool = spool_at(path, disk)
        work = asyncio.create_task(Story(spool, books, seed, prefix).go_on(EVENTS))
        if isinstance(disk, KilledAt):
            await until_killed(work, disk)
        else:
            await work
            await spool._log.drain()  # a kill that comes on top of two refusals at once is beyond help
        crash(spool)

    asyncio.run(story(), debug=False)


def settle_up(path: Path, books: Books) -> None:
    """Start for the last time, serve what is left, and look at the books."""

    async def story() -> None:
        spool = spool_at(path, Quick())
        await serve_all(spool, books)
        await spool.checkpoint()
        books.check()
        assert not list((path / "texts").iterdir()), "long texts of served messages are gone"
        assert len(list((path / "log").iterdir())) <= 2, "and so are old segments"
        await spool.close()

    asyncio.run(story())


def steps(path: Path, seed: int = SEED) -> int:
    disk = KilledAt()
    live(path / "count", disk, Books(), seed)
    assert disk.steps > 100, "the story uses the disk in every way"
    return disk.steps


def test_a_kill_at_every_step_loses_nothing_and_repeats_nothing_recorded(fast_path: Path) -> None:
    for step in range(3, steps(fast_path)):
        path, books = fast_path / f"{step}", Books()
        try:
            live(path, KilledAt(step), books)
        except Killed:
            assert step < 12, "killed while it started"
        settle_up(path, books)


def test_a_kill_at_every_step_of_a_recovery_is_recovered_from(fast_path: Path) -> None:
    recoveries = 0
    for step in range(20, steps(fast_path), 9):
        path, books = fast_path / f"{step}", Books()
        live(path, KilledAt(step), books)
        for again in range(40):
            disk = KilledAt(again)
            try:
                spool = spool_at(path, disk)
            except Killed:
                recoveries += 1
            else:
                crash(spool)
                break
        settle_up(path, books)
    assert recoveries > 50


def test_life_goes_on_after_kill_upon_kill(fast_path: Path) -> None:
    books = Books()
    for life in range(40):
        try:
            live(fast_path / "one", KilledAt(5 + 7 * life), books, seed=life, prefix=f"{life}-")
        except Killed:
            continue
    settle_up(fast_path / "one", books)
    assert len(books.accepted) > 100


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("times", [1, 7], ids=["once", "for a while"])
def test_a_refusal_at_every_step_refuses_mail_at_worst(fast_path: Path, code: int, times: int) -> None:
    refused = 0
    for step in range(3, steps(fast_path), 5):
        path, books = fast_path / f"{step}", Books()
        disk = FailsAt(step, code, times)
        if _starts(path, disk, books):
            live(path, Quickly(), books, seed=99, prefix="later-")
        refused += len(books.refused)
        assert not {sender for sender in books.refused if sender.startswith("later-")}
        settle_up(path, books)
    assert refused > 10, "some mail met the trouble and was refused"


def _starts(path: Path, disk: FailsAt, books: Books) -> bool:
    """Live on that disk; False if it did not even let the spool open."""
    try:
        live(path, disk, books)
    except CourierSiteError:
        return False
    return True


class Quickly(FailsAt):
    """A disk that never fails."""

    def __init__(self) -> None:
        super().__init__(1 << 60, 0)
