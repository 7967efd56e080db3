"""Arbitrary lives of a queue, each ended by a crash: all that was accepted is delivered or reported in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from courier_runtime.mail.outcome import Outcome, Relayed
from courier_runtime.seams import Job
from courier_runtime.snapshot.model import Snapshot
from crash.spooled import Quick, spool_at
from runtime.queues import LATER, NEVER, Scene, snapshot
from runtime.spools import DELIVERED, crash, envelope, put

OUTCOMES: tuple[Outcome, ...] = (DELIVERED, DELIVERED, Relayed(), LATER, LATER, NEVER)


class Life:
    """One process: a queue over the spool of the last one, with neighbours that behave by chance."""

    def __init__(self, path: Path, configuration: Snapshot, seed: int) -> None:
        self.chance = Random(seed)
        self.scene = Scene(configuration)
        self.spool = self.scene.spool = spool_at(path, Quick())
        self.scene.local.before = self.scene.esmtp.before = self._by_chance
        self.under_way: set[str] = set()
        self.name = seed

    async def go_on(self, posts: int, accepted: set[str]) -> None:
        """Post some mail, let the queue work, and crash in the middle of it."""
        async with self.scene.running(grace=0.0) as queue:
            for number in range(posts):
                to = [f"{self.name}.{number}.{n}@{self.chance.choice(['here', 'far', 'near'])}" for n in range(3)]
                await put(self.spool, b"x" * 900, envelope(*to))
                accepted.update(to)
                if self.chance.random() < 0.3:
                    self.scene.clock.time += 400
                    queue.wake()
            for _ in range(self.chance.randrange(20)):
                await asyncio.sleep(0)
            await self.spool._log.drain()
            crash(self.spool)

    async def finish(self) -> None:
        """Deliver and report all that is left."""
        self.scene.local.before = self.scene.esmtp.before = None
        async with self.scene.running() as queue:
            await self.scene.later(queue, 86400 * 3)
            await self.scene.later(queue, 86400 * 5)
        assert len(self.spool) == 0
        await self.spool.close()

    async def _by_chance(self, job: Job) -> None:
        addresses = [job.recipient(number).address for number in job.recipients]
        script = self.scene.local if job.hop.module == "local" else self.scene.esmtp
        for address in addresses:
            script.outcomes[address] = [self.chance.choice(OUTCOMES)]
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.integers(1, 1 << 20), st.integers(0, 12), min_size=1, max_size=4))
def test_every_recipient_is_delivered_or_reported(lives: dict[int, int]) -> None:
    with TemporaryDirectory() as directory:
        accepted, ends, crashes = asyncio.run(_live(Path(directory), list(lives.items())))
        assert accepted == set(ends), "nobody is lost, nobody comes from nowhere"
        assert max(ends.values(), default=1) <= 1 + crashes


async def _live(path: Path, lives: list[tuple[int, int]]) -> tuple[set[str], Counter[str], int]:
    configuration = snapshot(path)
    accepted: set[str] = set()
    ends: Counter[str] = Counter()
    for seed, posts in lives:
        life = Life(path / "spool", configuration, seed)
        await life.go_on(posts, accepted)
        ends.update(_ends(life.scene))
    last = Life(path / "spool", configuration, 0)
    await last.finish()
    ends.update(_ends(last.scene))
    return accepted, ends, len(lives)


def _ends(scene: Scene) -> list[str]:
    """Who was delivered to, and whose failure was reported."""
    reported = [address for occasion, about, _ in scene.notices.sent if occasion == "final" for address in about]
    return [*scene.local.delivered, *scene.esmtp.delivered, *reported]
