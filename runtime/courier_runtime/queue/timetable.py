"""The timetable: when a message is tried again, and what its age asks for. Pure: times come in as numbers.

Courier's rule as observed on 1.0.16, which differs from its manual: the exponent of the long gaps begins at 1, so with
the defaults they last 30, 60, 120, 120 ... minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from courier_runtime.seams import Queued
from courier_schema.legacy.codecs import seconds
from courier_schema.legacy.tables.control import Control

_DEFAULTS: Final = Control()
_SMALL_QUEUE: Final = 500
"""Messages up to which a queue in memory may double."""
_MORE: Final = 1000
"""Messages that a larger one may grow by."""
_LEAST: Final = 200


class Step(Enum):
    """What follows an attempt after which somebody is still pending."""

    WAIT = "wait"
    WARN = "warn"
    BACK_UP = "back up"
    """The backup relay takes the warning's place: at once, and from then on."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Courier's control files retryalpha, retrybeta, retrygamma, retrymaxdelta and backuprelay."""

    alpha: float = 300.0
    """Seconds between the attempts of a series."""
    beta: int = 3
    """Attempts of a series."""
    gamma: float = 900.0
    """Half the seconds after the first series."""
    max_delta: int = 3
    """How often the gap between series doubles."""
    backup_host: str = ""
    """Where mail goes that was not delivered within the warning time; empty if senders are warned instead."""
    backup_module: str = "esmtp"

    @classmethod
    def of(cls, control: Control) -> Self:
        """The timetable that the control files describe."""
        host, _, module = (control.backuprelay or "").partition(" ")
        return cls(
            alpha=_seconds(control.retryalpha, _DEFAULTS.retryalpha),
            beta=_number(control.retrybeta, _DEFAULTS.retrybeta),
            gamma=_seconds(control.retrygamma, _DEFAULTS.retrygamma),
            max_delta=_number(control.retrymaxdelta, _DEFAULTS.retrymaxdelta),
            backup_host=host,
            backup_module=module or "esmtp",
        )

    def gap(self, attempts: int) -> float:
        """Seconds from the end of the last of so many attempts to the next. A series of 0 counts as one of 1."""
        beta = max(self.beta, 1)
        if attempts % beta:
            return self.alpha
        return self.gamma * float(2 ** min(attempts // beta, self.max_delta))

    def step(self, message: Queued, now: float) -> Step:
        """What the message's age asks for, now that an attempt has ended."""
        if message.is_warned or not message.warns or now < message.warns:
            return Step.WAIT
        return Step.BACK_UP if self.backup_host else Step.WARN


def expired(message: Queued, pending: Iterable[int], fax: frozenset[int], now: float) -> tuple[int, ...]:
    """Which pending recipients have been tried for long enough; those that are faxes have a limit of their own."""
    return tuple(one for one in pending if now >= (message.fax_expires if one in fax else message.expires))


@dataclass(frozen=True, slots=True)
class Levels:
    """Courier's control files queuelo, queuehi and queuefill: how many messages are worked on."""

    low: int
    """With fewer in hand, more are taken from the spool."""
    high: int
    """No more than this are in hand."""
    refill: float
    """Seconds until more are taken all the same; 0 for never."""

    @classmethod
    def of(cls, control: Control, max_deliveries: int) -> Self:
        """From the control files, and the deliveries that all modules together may do at a time."""
        low = max(control.queuelo or max(_LEAST, max_deliveries), 20)
        high = control.queuehi or (2 * low if low < _SMALL_QUEUE else low + _MORE)
        return cls(low, max(high, low), _seconds(control.queuefill, _DEFAULTS.queuefill))


def local_timeout(control: Control) -> float:
    """Seconds that a local delivery may take."""
    return _seconds(control.localtimeout, _DEFAULTS.localtimeout)


def _seconds(said: str | None, default: str | None) -> float:
    return float(seconds(said if said is not None else default or "0"))


def _number(said: int | None, default: int | None) -> int:
    return said if said is not None else default or 0
