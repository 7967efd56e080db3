"""Message identifiers in Courier's form: `SERIAL16.TIME16.PID8`, zero-padded upper-case hexadecimal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_FORM: Final = re.compile(r"([0-9A-F]{16})\.([0-9A-F]{16})\.([0-9A-F]{8})")


@dataclass(frozen=True, slots=True, order=True)
class MessageId:
    """One queued message. Pieces of a split message share `time` and `pid`, and differ in `serial`."""

    serial: int
    """Courier writes an inode here; this server counts, and never uses a number twice."""
    time: int
    """Arrival, in microseconds since the epoch: unlike Courier's seconds it orders the messages of one process."""
    pid: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form. Raises ValueError for anything else."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no message id")
        return cls(*(int(part, 16) for part in found.groups()))

    @property
    def public(self) -> str:
        """What the client gets to see in the final reply, and what names the message in `Message-ID`."""
        return f"{self.time:016X}.{self.pid:08X}"

    def __str__(self) -> str:
        return f"{self.serial:016X}.{self.time:016X}.{self.pid:08X}"
