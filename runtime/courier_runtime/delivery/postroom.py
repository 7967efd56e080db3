"""The postroom: letters of many deliveries at a time go to the steward together, and each gets its own answer."""

from __future__ import annotations

import asyncio
from typing import Final

from courier_runtime.mail.orders import Letter, Stored
from courier_runtime.seams import Steward

_BATCH: Final = 64
"""Letters that go in one order, so that the first need not wait for a thousand others."""
_CARRIERS: Final = 3
"""Orders under way: while one is carried out, the outcomes of another are seen to, and the next gets ready."""


class Postroom:
    """Collects what is written while the steward is busy, and hands it over when it is not."""

    def __init__(self, steward: Steward) -> None:
        self._steward = steward
        self._waiting: list[tuple[Letter, asyncio.Future[Stored]]] = []
        self._carriers: set[asyncio.Task[None]] = set()

    async def store(self, letter: Letter) -> Stored:
        """What became of a letter."""
        answer: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._waiting.append((letter, answer))
        if len(self._waiting) == 1 and len(self._carriers) < _CARRIERS:
            self._carriers.add(asyncio.create_task(self._carry(), name="postroom"))
        return await answer

    async def _carry(self) -> None:
        carrier = asyncio.current_task()
        assert carrier is not None, "a carrier is a task"
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                answers = await self._steward.store([letter for letter, _ in batch])
                for (_, answer), stored in zip(batch, answers, strict=True):
                    if not answer.done():
                        answer.set_result(stored)
        finally:
            self._carriers.discard(carrier)  # in this very turn: who comes next must not count on a carrier that left
