"""Spools for tests, what goes into them, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Delivered, Dialogue, Outcome
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, Queued, Spool, State
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.filesystem import FilesystemSpool

T = TypeVar("T")
NOON: Final = 1_800_000_000.0
TERMS: Final = Terms()
DELIVERED: Final = Delivered(Dialogue(replies=("Message delivered.",)))


@dataclass
class StandingClock:
    """Time that passes only when told."""

    time: float = NOON

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(3600)


@dataclass
class Lines:
    """A log that remembers."""

    said: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def info(self, program: str, text: str) -> None:
        self.said.append(f"{program}: {text}")

    def error(self, program: str, text: str) -> None:
        self.errors.append(f"{program}: {text}")
        self.said.append(f"{program}: {text}")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a test's story; nothing in it takes long."""

    async def limited() -> T:
        async with asyncio.timeout(60):
            return await work

    return asyncio.run(limited())


def envelope(*to: str, sender: str = "anna@example.com", **more: Any) -> Envelope:
    """An envelope to these addresses."""
    return Envelope(sender, tuple(Recipient(one) for one in to or ("bob@example.com",)), **more)


def open_spool(
    path: Path,
    clock: StandingClock | None = None,
    log: Lines | None = None,
    disk: Disk | None = None,
    boot: str = "first",
    segment_size: int = 1 << 20,
) -> FilesystemSpool:
    """The spool of this directory."""
    return FilesystemSpool(
        path, clock=clock or StandingClock(), log=log or Lines(), disk=disk, boot=boot, segment_size=segment_size
    )


async def put(spool: Spool, text: bytes, *envelopes: Envelope, terms: Terms = TERMS) -> tuple[MessageId, ...]:
    """Commit a message."""
    draft = spool.begin()
    await draft.write(text)
    return await draft.commit(envelopes or (envelope(),), terms)


async def lease_one(spool: Spool, now: float = NOON) -> Queued:
    """The one message that is due."""
    [message] = await spool.lease(10, now)
    return message


def served(message: Queued, *numbers: int, outcome: Outcome = DELIVERED) -> Queued:
    """The message after these recipients, or all of them, were served."""
    done = Progress(State.DONE, outcome, NOON)
    which = numbers or range(len(message.progress))
    progress = tuple(done if number in which else one for number, one in enumerate(message.progress))
    return replace(message, progress=progress)


def text_of(message: Queued) -> bytes:
    """The message's text."""
    assert message.text is not None
    return b"".join(message.text.chunks())


def crash(spool: FilesystemSpool) -> None:
    """Leave a spool as a kill would: what a thread is doing is done, nothing more is begun, the lock is gone."""
    spool._custodian.rest()
    spool.threads.shutdown(cancel_futures=True)
    spool._log._thread.shutdown(cancel_futures=True)
    spool._lock.release()
