"""What was delivered is recorded before long, and no oftener than it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from courier_runtime.seams import Job, Queued, State
from courier_runtime.spool.memory import MemorySpool
from runtime.queues import Scene, snapshot
from runtime.spools import envelope, put, run

TO = ("a@here", "b@here", "c@here", "d@here")


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The recipients of each record that is made while others are still being served."""
    seen: list[tuple[int, ...]] = []
    real = MemorySpool.record

    async def record(spool: MemorySpool, message: Queued, numbers: Sequence[int]) -> None:
        seen.append(tuple(numbers))
        assert all(message.progress[number].state is State.DONE for number in numbers)
        await real(spool, message, numbers)

    monkeypatch.setattr(MemorySpool, "record", record)
    return seen


def deliver(tmp_path: Path, slow: str = "") -> list[str]:
    """All deliveries end together, but for the slow one, which waits until the others have been recorded."""
    here, go = Scene(snapshot(tmp_path)), asyncio.Event()

    async def before(job: Job) -> None:
        if job.recipient(job.recipients[0]).address == slow:
            while len(here.local.delivered) < len(TO) - 1:
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
        elif len(here.local.jobs) < len(TO):
            await go.wait()
        else:
            go.set()

    async def story() -> None:
        here.local.before = before
        async with here.running() as queue:
            await put(here.spool, b"x", envelope(*TO))
            await here.calm(queue)
            assert not len(here.spool)

    run(story())
    return sorted(here.local.delivered)


def test_deliveries_that_end_together_are_recorded_by_the_last_word_alone(
    tmp_path: Path, recorded: list[tuple[int, ...]]
) -> None:
    assert deliver(tmp_path) == list(TO)
    assert len(recorded) <= 1, "the first may have ended a turn before the others"


def test_deliveries_that_ended_are_recorded_while_another_goes_on(
    tmp_path: Path, recorded: list[tuple[int, ...]]
) -> None:
    assert deliver(tmp_path, slow="a@here") == list(TO)
    assert sorted(number for numbers in recorded for number in numbers) == [1, 2, 3]


def test_what_was_delivered_is_recorded_even_if_the_server_stops_in_that_moment(
    tmp_path: Path, recorded: list[tuple[int, ...]]
) -> None:
    here = Scene(snapshot(tmp_path))

    async def before(job: Job) -> None:
        if job.recipients != (0,):
            await asyncio.Event().wait()

    async def story() -> None:
        here.local.before = before
        async with here.running(grace=0.0):
            await put(here.spool, b"x", envelope(*TO))
            while not here.local.delivered:
                await asyncio.sleep(0)
        [message] = here.spool.scan()
        assert [one.state for one in message.progress] == [State.DONE, *[State.PENDING] * 3]

    run(story())
    assert recorded == [(0,)]


def test_a_queue_stops_although_the_disk_takes_no_record_whenever_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = 0

    async def record(spool: MemorySpool, message: Queued, numbers: Sequence[int]) -> None:
        nonlocal waits
        waits += 1
        await asyncio.Event().wait()

    async def before(job: Job) -> None:
        if job.recipients != (0,):
            await asyncio.Event().wait()
        for _ in range(10):
            await asyncio.sleep(0)

    async def story(turns: int) -> None:
        here = Scene(snapshot(tmp_path / str(turns)))
        here.local.before = before
        async with asyncio.timeout(10), here.running(grace=0.0):
            await put(here.spool, b"x", envelope(*TO))
            for _ in range(turns):
                await asyncio.sleep(0)

    monkeypatch.setattr(MemorySpool, "record", record)
    for turns in range(20):
        run(story(turns))
    assert waits, "some of these moments lie between a delivery and its record"
