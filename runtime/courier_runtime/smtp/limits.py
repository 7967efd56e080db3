"""How many connections a listener serves: in all, of one address, and of one block of addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, Literal, TypeVar

Verdict = Literal["", "address", "block"]
"""Which limit is reached; empty for none."""

Key = TypeVar("Key", str, bytes)

WARN_SHARE: Final = 0.9
WARN_INTERVAL: Final = 60.0
"""Seconds between two warnings."""


class Limits:
    """The sessions of one listener, counted."""

    def __init__(
        self, total: int, per_address: int, per_block: int, warn_at: int | None = None, *, warn: Callable[[str], None]
    ) -> None:
        self.total = total
        self.per_address = per_address
        self.per_block = per_block
        self._warn_at = int(total * WARN_SHARE) if warn_at is None else warn_at
        self._warn = warn
        self._warned = float("-inf")
        self._addresses: Counter[str] = Counter()
        self._blocks: Counter[bytes] = Counter()
        self.active = 0

    @property
    def is_full(self) -> bool:
        """Whether the next client has to wait for another to leave."""
        return self.active >= self.total

    def change(self, total: int, per_address: int, per_block: int) -> None:
        """Other limits from now on; who is there stays."""
        self.total, self.per_address, self.per_block = total, per_address, per_block

    def enter(self, ip: str, own_limit: int | None, now: float) -> Verdict:
        """Count a session, unless its address or block has too many. `own_limit` is the client's MAXCPERIP."""
        block = _block(ip)
        if self._addresses.get(ip, 0) >= (self.per_address if own_limit is None else own_limit):
            return "address"
        if self._blocks.get(block, 0) >= self.per_block:
            return "block"
        self._addresses[ip] += 1
        self._blocks[block] += 1
        self.active += 1
        self._report(now)
        return ""

    def leave(self, ip: str) -> None:
        """A session has ended."""
        self.active -= 1
        _release(self._addresses, ip)
        _release(self._blocks, _block(ip))

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
