"""Names: the ids of messages, counted in one place, so that no two messages of a spool are ever called the same."""

from __future__ import annotations

from courier_runtime.mail.ids import MessageId


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
