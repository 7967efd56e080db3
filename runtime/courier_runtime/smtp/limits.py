"""How many connections a listener serves: in all, of one address, and of one block of addresses."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final, Literal, Protocol, Self, TypeVar

from courier_runtime.seams import Clock
from courier_runtime.smtp.options import Options
from courier_runtime.snapshot.model import ListenerSettings

Verdict = Literal["", "address", "block", "crowd"]
"""Which limit is reached; empty for none. `crowd`: too many wait for a place already."""

MAX_WAITING: Final = 256
"""Clients beyond MAXDAEMONS that are kept waiting for a free place, as in a listen queue; further ones are let go."""

Key = TypeVar("Key", str, bytes)

WARN_SHARE: Final = 0.9
WARN_INTERVAL: Final = 60.0
"""Seconds between two warnings."""


class Gate(Protocol):
    """Lets sessions in. A listener has one, which the processes that serve it share."""

    def enter(self, ip: str, own_limit: int | None) -> Verdict | Awaitable[Verdict]:
        """Count a session, unless its address or block has too many; with all places taken, once one is free.

        `own_limit` is the client's MAXCPERIP. Who is let in has to `leave`.
        """
        ...

    def leave(self, ip: str) -> None:
        """A session has ended."""
        ...

    def follow(self, settings: ListenerSettings) -> None:
        """Other limits from now on; who is there stays."""
        ...


class Limits:
    """The gate itself: the sessions of one listener, counted."""

    def __init__(
        self,
        total: int,
        per_address: int,
        per_block: int,
        warn_at: int | None = None,
        *,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self.total = total
        self.per_address = per_address
        self.per_block = per_block
        self._warn_at = int(total * WARN_SHARE) if warn_at is None else warn_at
        self._clock = clock
        self._warn = warn
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._warned = float("-inf")
        self._addresses: Counter[str] = Counter()
        self._blocks: Counter[bytes] = Counter()
        self.active = 0

    @classmethod
    def of(cls, listener: ListenerSettings, *, clock: Clock, warn: Callable[[str], None]) -> Self:
        """Those that a listener's settings ask for."""
        said = listener.settings
        warn_at = Options.of(said).warn_at
        return cls(said.maxdaemons, said.maxperip, said.maxperc, warn_at, clock=clock, warn=warn)

    @property
    def is_full(self) -> bool:
        """Whether the next client has to wait for another to leave."""
        return self.active >= self.total

    def follow(self, settings: ListenerSettings) -> None:
        """Other limits from now on; who is there stays."""
        said = settings.settings
        self.total, self.per_address, self.per_block = said.maxdaemons, said.maxperip, said.maxperc
        self._let_in()

    def enter(self, ip: str, own_limit: int | None) -> Verdict | Awaitable[Verdict]:
        """Count a session, unless its address or block has too many; with all places taken, once one is free."""
        if not self.is_full:
            return self._enter(ip, own_limit)
        return "crowd" if len(self._waiting) >= MAX_WAITING else self._enter_later(ip, own_limit)

    def leave(self, ip: str) -> None:
        """A session has ended."""
        self.active -= 1
        _release(self._addresses, ip)
        _release(self._blocks, _block(ip))
        self._let_in()

    async def _enter_later(self, ip: str, own_limit: int | None) -> Verdict:
        while self.is_full:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._let_in()  # the place that this one was woken for is the next one's
                raise
        verdict = self._enter(ip, own_limit)
        if verdict:
            self._let_in()
        return verdict

    def _enter(self, ip: str, own_limit: int | None) -> Verdict:
        block = _block(ip)
        if self._addresses.get(ip, 0) >= (self.per_address if own_limit is None else own_limit):
            return "address"
        if self._blocks.get(block, 0) >= self.per_block:
            return "block"
        self._addresses[ip] += 1
        self._blocks[block] += 1
        self.active += 1
        self._report(self._clock.monotonic())
        return ""

    def _let_in(self) -> None:
        """Wake as many of those who wait as there are places."""
        for _ in range(self.total - self.active):
            while self._waiting and self._waiting[0].done():
                self._waiting.popleft()
            if not self._waiting:
                return
            self._waiting.popleft().set_result(None)

    def _report(self, now: float) -> None:
        if self.active < self._warn_at or now - self._warned < WARN_INTERVAL:
            return
        self._warned = now
        if self.is_full:
            self._warn(f"{self.active} maximum active connections.")
        else:
            self._warn(f"{self.active} active connections.")


def _release(counter: Counter[Key], key: Key) -> None:
    """Count down; a counter holds only what is not zero, so that it does not grow with all who ever came."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]


def _block(ip: str) -> bytes:
    """All but the last byte of an address in IPv6 form."""
    mapped, dot, _ = ip.rpartition(".")
    return mapped.encode() if dot else ip_address(ip).packed[:-1]
