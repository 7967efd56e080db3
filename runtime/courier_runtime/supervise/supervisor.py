"""The supervisor: starts actors in order, starts those again that crash, and stops them in reverse.

An actor that keeps crashing takes the server down, loudly: what runs is what was asked for, or nothing. One whose end
the server can bear is started again however often it ends, after longer and longer pauses, and just as loudly.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from courier_runtime.seams import Actor, Clock, Log, Metrics

PROGRAM: Final = "courierd"

_PATIENCE: Final = 5
"""Crashes of one actor in a row that are borne."""
_CALM: Final = 60.0
"""Seconds of work after which earlier crashes are forgotten."""
_PAUSE: Final = 0.2
"""Seconds before the first new start; twice as long before each further one."""
_DOUBLINGS: Final = 8
"""So the longest pause is less than a minute."""


class GaveUp(Exception):
    """An actor cannot be kept running."""


class Bearable(Exception):
    """Why an actor has ended without which the server serves on."""


@dataclass(slots=True)
class _Unsteady:
    """An actor that has ended more often than is borne of others."""

    said: str
    began: float | None = None
    """When it was started again last; None while it is not."""


class Supervisor:
    """Runs actors until it is cancelled or has to give up."""

    def __init__(self, *, log: Log, metrics: Metrics, clock: Clock) -> None:
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._unsteady: dict[str, _Unsteady] = {}

    @property
    def trouble(self) -> str:
        """Which actors keep ending; empty while all work, or have worked for a minute."""
        now = self._clock.monotonic()
        return "; ".join(one.said for one in self._unsteady.values() if one.began is None or now - one.began <= _CALM)

    async def run(self, actors: Sequence[Actor], ready: asyncio.Event) -> None:
        """Start every actor, the first one first, and set `ready` when all serve. Raises GaveUp.

        The first failure of an actor that has never served is not borne: it is raised as it is.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            for actor in actors:
                serving = asyncio.Event()
                task = asyncio.create_task(self.keep(actor, serving), name=actor.name)
                tasks.append(task)
                waiting = asyncio.create_task(serving.wait())
                await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if task.done():
                    await task
            ready.set()
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                await task
        finally:
            for task in reversed(tasks):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def keep(self, actor: Actor, serving: asyncio.Event) -> None:
        """Run one actor, again after each crash, and set `serving` once it serves. Raises as `run` does."""
        crashes = 0
        while True:
            began = self._clock.monotonic()
            if actor.name in self._unsteady:
                self._unsteady[actor.name].began = began
            try:
                await actor.run(serving.set)
                return
            except (asyncio.CancelledError, GaveUp):
                raise
            except Exception as error:
                if not serving.is_set():
                    raise
                crashes = 1 if self._clock.monotonic() - began > _CALM else crashes + 1
                self._report(actor, error)
                pause = self._bear(actor, error, crashes)
            await self._clock.sleep(pause)

    def _bear(self, actor: Actor, error: Exception, crashes: int) -> float:
        """Seconds until a new start after so many crashes in a row. Raises GaveUp."""
        pause = _PAUSE * 2.0 ** min(crashes - 1, _DOUBLINGS)
        self._unsteady.pop(actor.name, None)
        if crashes > _PATIENCE:
            if not isinstance(error, Bearable):
                raise GaveUp(f"{actor.name} has crashed {crashes} times in a row: {error}") from error
            said = f"{actor.name} has ended {crashes} times in a row and begins again after {pause:.0f} s: {error}"
            self._unsteady[actor.name] = _Unsteady(said)
            self._log.error(PROGRAM, said)
        return pause

    def _report(self, actor: Actor, error: Exception) -> None:
        self._metrics.count("actor_restarts", actor=actor.name)
        for line in "".join(traceback.format_exception(error)).rstrip().split("\n"):
            self._log.error(PROGRAM, f"{actor.name}: {line}")
