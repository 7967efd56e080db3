"""The suppression memory: what became of addresses lately, and which servers cannot do STARTTLS.

The newest record of an address within two hours decides; a failure is written down again only after an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from courier_runtime.mail.outcome import Deferred, Failed, Outcome
from courier_runtime.seams import Clock

WINDOW: Final = 2 * 3600.0
"""Seconds for which a record counts."""

AGAIN: Final = 3600.0
"""Seconds before the same failure is recorded anew."""

TLS_WINDOW: Final = 3 * 3600.0
"""Seconds for which STARTTLS is not tried where it failed."""

Kind = Literal["F", "D", "A"]
"""Failed, deferred, or working again."""

_VERDICTS: Final[dict[Kind, Literal["", "failed", "deferred"]]] = {"F": "failed", "D": "deferred", "A": ""}


class MemoryTrack:
    """Remembers until it ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._addresses: dict[str, tuple[float, Kind]] = {}
        self._broken: dict[str, float] = {}
        self.on_news: Callable[[float, Kind, str], None] = lambda at, kind, address: None
        """Told of every record of an address, so that others may `learn` it."""

    @property
    def records(self) -> Iterator[tuple[float, Kind, str]]:
        """All that is remembered of addresses, for one who is to `learn` it."""
        return ((at, kind, address) for address, (at, kind) in self._addresses.items())

    def learn(self, at: float, kind: Kind, address: str) -> None:
        """Remember what somebody else recorded."""
        self._addresses[address] = (at, kind)

    def verdict(self, address: str) -> Literal["", "failed", "deferred"]:
        """What the newest record within two hours says of an address."""
        at, kind = self._addresses.get(address, (0.0, "A"))
        return _VERDICTS[kind] if self._clock.now() - at <= WINDOW else ""

    def record(self, address: str, outcome: Outcome) -> None:
        """Remember a failure or deferral; forget an address that works again."""
        kind = _kind(outcome)
        if kind is None:
            return
        now = self._clock.now()
        at, known = self._addresses.get(address, (0.0, "A"))
        if known == kind and (kind == "A" or now - at < AGAIN):
            return
        self._put(now, kind, address)

    def has_broken_tls(self, host: str) -> bool:
        """Whether STARTTLS failed there lately."""
        return self._clock.now() - self._broken.get(host, 0.0) <= TLS_WINDOW

    def record_broken_tls(self, host: str) -> None:
        """Remember that STARTTLS failed there."""
        self._broken[host] = self._clock.now()

    def clear(self, address: str | None = None) -> int:
        """Forget one address, or all; the number of addresses forgotten."""
        listed = self.listed() if address is None else (address,) if self.verdict(address) else ()
        now = self._clock.now()
        for one in listed:
            self._put(now, "A", one)
        return len(listed)

    def listed(self) -> tuple[str, ...]:
        """The addresses that would be refused now, sorted."""
        return tuple(sorted(address for address in self._addresses if self.verdict(address)))

    def _put(self, at: float, kind: Kind, address: str) -> None:
        self.learn(at, kind, address)
        self.on_news(at, kind, address)


def _kind(outcome: Outcome) -> Kind | None:
    if isinstance(outcome, Failed):
        return "F" if outcome.is_remembered else None
    return "D" if isinstance(outcome, Deferred) else "A"
