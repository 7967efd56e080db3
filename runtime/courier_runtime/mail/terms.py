"""Terms: how long a message may stay and when its sender is warned. It keeps those under which it was accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from courier_schema.legacy.codecs import seconds
from courier_schema.legacy.tables.control import Control


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
            warning=float(seconds(control.warntime or "4h")),
            delay=float(seconds(control.submitdelay or "0")),
        )
