"""Terms: how long a message may stay and when its sender is warned; fixed for each message when it is accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.seams import Progress, Queued, Text
from courier_schema.legacy.codecs import seconds
from courier_schema.legacy.tables.control import Control

_PENDING = Progress()


@dataclass(frozen=True, slots=True)
class Terms:
    """Courier's control files queuetime, faxqueuetime, warntime and submitdelay, in seconds."""

    queue: float = 7 * 86400.0
    fax_queue: float = 8 * 3600.0
    warning: float = 4 * 3600.0
    """0 for no warning."""
    delay: float = 0.0
    """Before the first attempt, where the envelope says nothing else."""

    @classmethod
    def of(cls, control: Control) -> Self:
        """Those that a configuration asks for."""
        return cls(
            queue=float(seconds(control.queuetime or "7d")),
            fax_queue=float(seconds(control.faxqueuetime or "8h")),
            warning=float(seconds(control.warntime or "0")),
            delay=float(seconds(control.submitdelay or "0")),
        )


TermsOf = Callable[[Envelope], Terms]
"""The terms in force for a message now: virtual configurations may have their own."""


def default_terms(envelope: Envelope) -> Terms:
    """Courier's defaults for every message."""
    del envelope
    return Terms()


def accepted(name: MessageId, envelope: Envelope, terms: Terms, arrived: float, size: int, text: Text | None) -> Queued:
    """A message as it is in the instant of its acceptance."""
    delay = terms.delay if envelope.submit_delay is None else envelope.submit_delay
    return Queued(
        name,
        envelope,
        arrived,
        arrived + terms.queue,
        arrived + terms.fax_queue,
        arrived + terms.warning if terms.warning else 0.0,
        size,
        (_PENDING,) * len(envelope.recipients),
        0,
        arrived + delay,
        False,
        False,
        (),
        text,
    )


class Names:
    """Makes message ids. No serial number is used twice, and times never repeat within a process."""

    def __init__(self, pid: int, next_serial: int = 1, last: int = 0) -> None:
        self._pid = pid
        self._last = last
        self._next = next_serial

    def reserve(self, count: int) -> int:
        """Leave so many numbers to another process; the first of them."""
        self._next += count
        return self._next - count

    def peek(self) -> int:
        """The number that is given out next."""
        return self._next

    def make(self, now: float) -> MessageId:
        """The name of a message that begins."""
        self._last = max(int(now * 1_000_000), self._last + 1)
        return MessageId(self._serial(), self._last, self._pid)

    def pieces(self, first: MessageId, count: int) -> list[MessageId]:
        """Names for all pieces of a message, which share its time."""
        return [first, *(MessageId(self._serial(), first.time, first.pid) for _ in range(count - 1))]

    def _serial(self) -> int:
        self._next += 1
        return self._next - 1
