"""A spool in memory: the promises of `seams.Spool` as long as the process lives. For tests and for embedding."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Clock, Queued, SpoolFull, Text
from courier_runtime.spool.composition import accepted
from courier_runtime.spool.ledger import Entry, Ledger
from courier_runtime.spool.names import Names
from courier_runtime.spool.states import Stage, Verb
from courier_runtime.spool.texts import HeldText


class MemorySpool:
    """`capacity` bytes of text fit; more is SpoolFull."""

    def __init__(self, clock: Clock, capacity: int = 1 << 30) -> None:
        self._clock = clock
        self._names = Names(os.getpid())
        self._ledger: Ledger[_Entry] = Ledger()
        self._taker: Callable[[Queued], bool] | None = None
        self._room = capacity

    def begin(self) -> MemoryDraft:
        return MemoryDraft(self, self._names.make(self._clock.now()))

    def attend(self, taker: Callable[[Queued], bool] | None) -> None:
        self._taker = taker

    async def lease(self, limit: int, now: float) -> Sequence[Queued]:
        leased = self._ledger.lease(limit, now)
        for entry in leased:
            entry.message = entry.now()
        return [entry.kept for entry in leased]

    async def record(self, message: Queued, numbers: Sequence[int]) -> None:
        entry = self._ledger.held_by(message)
        entry.move(Verb.RECORD)
        entry.message = entry.kept = message

    def release(self, message: Queued) -> None:
        entry = self._ledger.held_by(message)
        self._ledger.give_back(entry, Verb.RELEASE, entry.due)

    async def settle(self, message: Queued) -> None:
        entry = self._ledger.held_by(message)
        entry.kept = message
        self._ledger.give_back(entry, Verb.SETTLE, message.due)

    async def remove(self, message: Queued) -> None:
        self._ledger.remove(self._ledger.held_by(message))
        self._room += message.size

    async def change(
        self, name: MessageId, *, due: float | None = None, held: bool | None = None, cancelled: tuple[str, ...] = ()
    ) -> bool:
        entry = self._ledger.find(name)
        if entry is None:
            return False
        self._ledger.change(entry, due, held, cancelled)
        return True

    async def flush(self, due: float) -> None:
        self._ledger.flush(due)

    def scan(self) -> Iterator[Queued]:
        return (entry.now() for entry in self._ledger)

    def find(self, name: MessageId) -> Queued | None:
        entry = self._ledger.find(name)
        return None if entry is None else entry.now()

    def __len__(self) -> int:
        return len(self._ledger)

    def next_due(self) -> float | None:
        return self._ledger.next_due()

    @property
    def free(self) -> tuple[int, int]:
        return max(self._room, 0), 1 << 30

    def reserve(self, size: int) -> None:
        """Take room for a text. Raises SpoolFull."""
        if size > self._room:
            raise SpoolFull("the memory set aside for mail is used up")
        self._room -= size

    def free_room(self, size: int) -> None:
        """Give room back."""
        self._room += size

    def accept(
        self, first: MessageId, envelopes: Sequence[Envelope], terms: Terms, content: bytes
    ) -> tuple[MessageId, ...]:
        """Take over a text, the room for whose first copy is reserved."""
        self.reserve(len(content) * (len(envelopes) - 1))
        arrived = self._clock.now()
        names = self._names.pieces(first, len(envelopes))
        text = HeldText(content)
        for name, envelope in zip(names, envelopes, strict=True):
            message = accepted(name, envelope, terms, arrived, len(content), text)
            entry = _Entry(message)
            entry.move(Verb.COMMIT)
            self._ledger.add(entry)
            if self._taker is None or not self._taker(message):
                self._ledger.give_back(entry, Verb.RELEASE, message.due)
        return tuple(names)


class MemoryDraft:
    """A message that is being written."""

    def __init__(self, spool: MemorySpool, name: MessageId) -> None:
        self._spool = spool
        self._id = name
        self._parts: list[bytes] = []
        self._size = 0
        self._is_open = True

    @property
    def id(self) -> MessageId:
        return self._id

    async def write(self, data: bytes) -> None:
        self._spool.reserve(len(data))
        self._size += len(data)
        self._parts.append(bytes(data))

    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        names = self._spool.accept(self._id, envelopes, terms, b"".join(self._parts))
        self._is_open = False
        return names

    def text(self) -> Text:
        return HeldText(b"".join(self._parts))

    def abort(self) -> None:
        if self._is_open:
            self._is_open = False
            self._spool.free_room(self._size)


class _Entry(Entry):
    """An entry that keeps the message itself."""

    __slots__ = ("kept",)

    def __init__(self, message: Queued) -> None:
        super().__init__(message.id, message.due, Stage.WRITTEN)
        self.kept = self.message = message

    def now(self) -> Queued:
        """The message with what was changed since it was last settled."""
        kept = self.kept
        if (kept.due, kept.is_held, kept.cancelled) != (self.due, self.is_held, self.cancelled):
            self.kept = kept = replace(kept, due=self.due, is_held=self.is_held, cancelled=self.cancelled)
        return kept
