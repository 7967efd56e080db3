"""The ledger: who holds which message and when each is due. It lives in memory and is the same for every spool.

Entries that are due come out oldest first. All of it belongs to one thread, the event loop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, Generic, TypeVar

from courier_runtime.mail.ids import MessageId
from courier_runtime.seams import Queued
from courier_runtime.spool.states import Stage, Verb, after

_SLACK: Final = 1000
"""Stale places in the order that are tolerated beyond one for each message."""


class Entry:
    """What memory holds of a message: as little as can be, for there may be a hundred thousand of them."""

    __slots__ = ("cancelled", "due", "id", "is_held", "message", "stage")

    def __init__(self, name: MessageId, due: float, stage: Stage = Stage.WAITING) -> None:
        self.id = name
        self.due = due
        self.is_held = False
        self.cancelled: tuple[str, ...] = ()
        self.stage = stage
        self.message: Queued | None = None
        """The message itself while it is leased, as its worker last described it."""

    def move(self, verb: Verb) -> None:
        """Undergo a transition."""
        self.stage = after(self.stage, verb)


E = TypeVar("E", bound=Entry)


class Ledger(Generic[E]):
    """The entries of all messages that are safe and not gone."""

    def __init__(self) -> None:
        self._entries: dict[int, E] = {}
        self._order: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[E]:
        return iter(tuple(self._entries.values()))

    def find(self, name: MessageId) -> E | None:
        """The entry of exactly this id."""
        found = self._entries.get(name.serial)
        return found if found is not None and found.id == name else None

    def held_by(self, message: Queued) -> E:
        """The entry that a worker holds. AssertionError if nobody does."""
        found = self.find(message.id)
        if found is None or found.stage is not Stage.LEASED:
            raise AssertionError(f"{message.id} is not leased")
        return found

    def add(self, entry: E) -> None:
        """Begin with a message, whatever its stage."""
        self._entries[entry.id.serial] = entry
        self._queue(entry)

    def lease(self, limit: int, now: float) -> list[E]:
        """Take the oldest that are due."""
        taken: list[E] = []
        while len(taken) < limit and (entry := self._first()) is not None and entry.due <= now:
            heappop(self._order)
            entry.move(Verb.LEASE)
            taken.append(entry)
        return taken

    def give_back(self, entry: E, verb: Verb, due: float) -> None:
        """End a lease. A cancellation makes the message due at once, a hold that came meanwhile takes effect."""
        entry.move(verb)
        entry.message = None
        entry.due = 0.0 if entry.cancelled and not entry.is_held else due
        if entry.is_held:
            entry.move(Verb.HOLD)
        self._queue(entry)

    def remove(self, entry: E) -> None:
        """End with a leased message."""
        entry.move(Verb.REMOVE)
        entry.message = None
        del self._entries[entry.id.serial]

    def change(self, entry: E, due: float | None, held: bool | None, cancelled: tuple[str, ...]) -> None:
        """Flush, hold, free or cancel; what is cancelled is due at once and held no longer."""
        if cancelled:
            entry.cancelled, due, held = cancelled, 0.0, False
        if due is not None:
            entry.due = due
        if held is not None:
            entry.is_held = held
            entry.move(Verb.HOLD if held else Verb.FREE)
        self._queue(entry)

    def flush(self, due: float) -> None:
        """Let nobody wait for longer than until then."""
        for entry in self._entries.values():
            entry.due = min(entry.due, due)
        self._sort()

    def next_due(self) -> float | None:
        """When the first waiting message is due."""
        entry = self._first()
        return None if entry is None else entry.due

    def _queue(self, entry: E) -> None:
        if entry.stage is Stage.WAITING:
            heappush(self._order, (entry.due, entry.id.serial))
            if len(self._order) > 2 * len(self._entries) + _SLACK:
                self._sort()

    def _sort(self) -> None:
        self._order = [(one.due, one.id.serial) for one in self._entries.values() if one.stage is Stage.WAITING]
        heapify(self._order)

    def _first(self) -> E | None:
        """The first waiting entry; places that are out of date are dropped on the way."""
        while self._order:
            due, serial = self._order[0]
            entry = self._entries.get(serial)
            if entry is not None and entry.stage is Stage.WAITING and entry.due == due:
                return entry
            heappop(self._order)
        return None
