"""Spools under fire: a story of arbitrary events, the books that are kept of it, and disks that fail.

The books know what was promised. Whatever happens to the spool, in the end every accepted recipient was served, and
nobody twice whose outcome had been recorded.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome, Relayed
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, Queued, SpoolFull, State
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.filesystem import FilesystemSpool
from runtime.spools import NOON, envelope, open_spool, text_of

Key = tuple[str, str]
"""A message, by its sender, and a recipient."""
_STATES = {Delivered: State.DONE, Relayed: State.DONE, Failed: State.FAILED, Deferred: State.PENDING}
SEGMENT = 6_000
"""Segments so short that the story fills many of them."""


@dataclass
class Books:
    """What was promised and what was done."""

    texts: dict[str, bytes] = field(default_factory=dict)
    """By sender: what was offered."""
    accepted: set[Key] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    served: Counter[Key] = field(default_factory=Counter)
    recorded: set[Key] = field(default_factory=set)
    """Whose outcome was recorded: the spool said so."""
    repeated: set[Key] = field(default_factory=set)
    """Who was served after that."""
    events: list[tuple[str, Key]] = field(default_factory=list)
    """What happened, in order, for those who look at a moment in the middle."""

    def note(self, what: str, key: Key) -> None:
        self.events.append((what, key))

    def check(self) -> None:
        """The balance, after all that is left was served."""
        lost = {key for key in self.accepted if not self.served[key]}
        assert not lost, f"lost: {lost}"
        assert not self.repeated, f"served again: {self.repeated}"
        assert not {key for key in self.served if key[0] in self.refused}, "refused and delivered all the same"


class Story:
    """Events by chance, the same for the same seed."""

    def __init__(self, spool: FilesystemSpool, books: Books, seed: int, prefix: str = "") -> None:
        self.spool, self.books, self.chance, self.prefix = spool, books, Random(seed), prefix
        self.count = 0

    async def go_on(self, events: int) -> None:
        verbs = (self.post, self.post, self.post_pieces, self.post_long, self.serve, self.serve, self.serve_parts)
        rare = (self.post_and_abort, self.hold, self.spool.checkpoint, self.together)
        for _ in range(events):
            await self.chance.choice(verbs if self.chance.random() < 0.75 else rare)()

    async def post(self, size: int = 700) -> None:
        await self._offer([2], bytes([65 + self.count % 26]) * size)

    async def post_long(self) -> None:
        await self._offer([1, 2], b"long\n" * 20_000)

    async def post_pieces(self) -> None:
        await self._offer([1, 1, 2], b"pieces\n" * 50)

    async def post_and_abort(self) -> None:
        draft = self.spool.begin()
        try:
            await draft.write(b"x" * 100_000)
        except SpoolFull:
            return
        draft.abort()

    async def together(self) -> None:
        await asyncio.gather(self.post(), self.serve(), self.post(10), self.serve_parts(), self.post_long())

    async def hold(self) -> None:
        for message in [message for message in self.spool.scan() if self.chance.random() < 0.2]:
            await self.spool.change(message.id, held=True)
        await free_all(self.spool)

    async def serve(self) -> None:
        """Take a few messages, serve them wholly or put them off."""
        for message in await self.spool.lease(3, NOON + 1e9):
            await serve(self.spool, self.books, message, self.chance)

    async def serve_parts(self) -> None:
        """Record some outcomes in the middle of an attempt."""
        for message in await self.spool.lease(2, NOON + 1e9):
            pending = message.pending
            now = self._deliver(message, pending[:1])
            await self.spool.record(now, pending[:1])
            settle_books(self.books, now, pending[:1])
            await serve(self.spool, self.books, now, self.chance)

    def _deliver(self, message: Queued, numbers: tuple[int, ...]) -> Queued:
        return deliver(self.books, message, numbers, self.chance)

    async def _offer(self, sizes: list[int], text: bytes) -> None:
        """Offer a message of so many pieces and recipients."""
        self.count += 1
        sender = f"{self.prefix}{self.count}@x.org"
        self.books.texts[sender] = text
        envelopes = [
            envelope(*(f"{piece}.{number}@x.org" for number in range(size)), sender=sender)
            for piece, size in enumerate(sizes)
        ]
        draft = self.spool.begin()
        try:
            for at in range(0, len(text), 30_000):
                await draft.write(text[at : at + 30_000])
            await draft.commit(envelopes, Terms())
        except SpoolFull:
            self.books.refused.add(sender)
            return
        for one in envelopes:
            for recipient in one.recipients:
                self.books.accepted.add((sender, recipient.address))
                self.books.note("accepted", (sender, recipient.address))


def deliver(books: Books, message: Queued, numbers: tuple[int, ...], chance: Random) -> Queued:
    """Serve recipients: what a transport does."""
    progress = list(message.progress)
    sender = message.envelope.sender
    assert text_of(message) == books.texts[sender]
    for number in numbers:
        outcome: Outcome = chance.choice((Delivered(), Relayed(Dialogue(peer="mx"))))
        key = (sender, message.envelope.recipients[number].address)
        books.served[key] += 1
        if key in books.recorded:
            books.repeated.add(key)
        books.note("mailbox" if isinstance(outcome, Delivered) else "relayed", key)
        progress[number] = Progress(_STATES[type(outcome)], outcome, NOON)
    return replace(message, progress=tuple(progress))


def settle_books(books: Books, message: Queued, numbers: tuple[int, ...]) -> None:
    """The spool has said that these outcomes are recorded."""
    for number in numbers:
        key = (message.envelope.sender, message.envelope.recipients[number].address)
        books.recorded.add(key)
        books.note("recorded", key)


async def serve(spool: FilesystemSpool, books: Books, message: Queued, chance: Random, every: float = 0.6) -> None:
    """Make an attempt: serve each pending recipient with some luck, and settle or remove the message."""
    lucky = tuple(number for number in message.pending if chance.random() < every)
    now = replace(deliver(books, message, lucky, chance), attempts=message.attempts + 1, due=NOON + message.attempts)
    if now.pending:
        await spool.settle(now)
    else:
        await spool.remove(now)
    settle_books(books, now, lucky)


async def free_all(spool: FilesystemSpool) -> None:
    """End all holds."""
    for message in list(spool.scan()):
        await spool.change(message.id, held=False)


async def serve_all(spool: FilesystemSpool, books: Books) -> None:
    """Serve everything that is left."""
    await free_all(spool)
    while leased := await spool.lease(100, NOON + 1e9):
        for message in leased:
            await serve(spool, books, message, Random(1), every=1.0)
    assert len(spool) == 0, "something is left that cannot be leased"


class Quick(Disk):
    """A disk that does not wait: what a kill leaves does not depend on it."""

    def synchronise(self, descriptor: int) -> None:
        self._on_step("synchronise", self._paths[descriptor])

    def synchronise_names(self, directory: str) -> None:
        self._on_step("synchronise names", directory)

    def synchronise_all(self) -> None:
        self._on_step("synchronise all", "/")


def write_some(descriptor: int, parts: Sequence[bytes], luck: int) -> None:
    """What may be left of an append that came to nothing."""
    content = b"".join(parts)
    os.write(descriptor, content[: len(content) * (luck % 5) // 4])


class Killed(BaseException):
    """The process has ended; nothing reaches the disk any more."""


class KilledAt(Quick):
    """A disk at one of whose steps the process is killed. An append is half done by then."""

    def __init__(self, step: int | None = None) -> None:
        super().__init__(self._count)
        self.steps = 0
        self._fatal = step

    @property
    def is_dead(self) -> bool:
        return self._fatal is not None and self.steps > self._fatal

    def append(self, descriptor: int, parts: Sequence[bytes]) -> None:
        was_dead = self.is_dead
        try:
            super().append(descriptor, parts)
        except Killed:
            if not was_dead:
                write_some(descriptor, parts, self.steps)
            raise

    def _count(self, verb: str, path: str) -> None:
        self.steps += 1
        if self.is_dead:
            raise Killed(f"{verb} {path}")


class FailsAt(Quick):
    """A disk one of whose steps the system refuses, and some after it. What a failed sync did not write is lost."""

    def __init__(self, step: int, code: int, times: int = 1) -> None:
        super().__init__(self._count)
        self.steps = 0
        self._step, self._code, self._times = step, code, times
        self._good: dict[str, int] = {}

    def append(self, descriptor: int, parts: Sequence[bytes]) -> None:
        try:
            super().append(descriptor, parts)
        except OSError:
            write_some(descriptor, parts, self.steps)
            raise

    def synchronise(self, descriptor: int) -> None:
        path = self._paths[descriptor]
        try:
            super().synchronise(descriptor)
        except OSError:
            good = self._good.get(path, 0)
            lost = Path(path).stat().st_size - good
            with Path(path).open("r+b") as file:
                file.seek(good)
                file.write(bytes(lost))
            raise
        self._good[path] = Path(path).stat().st_size

    def _is_refused(self, step: int) -> bool:
        return self._step <= step < self._step + self._times

    def _count(self, verb: str, path: str) -> None:
        self.steps += 1
        if self._is_refused(self.steps - 1):
            raise OSError(self._code, os.strerror(self._code), path)


async def until_killed(work: asyncio.Task[None], disk: KilledAt) -> None:
    """Run until the story ends or the process is dead."""
    while not work.done() and not disk.is_dead:
        await asyncio.sleep(0)
    if disk.is_dead:
        work.cancel()
        await asyncio.wait({work}, timeout=0.01)
    else:
        await work


def spool_at(path: Path, disk: Disk, boot: str = "first") -> FilesystemSpool:
    """A spool of short segments."""
    return open_spool(path, disk=disk, boot=boot, segment_size=SEGMENT)
