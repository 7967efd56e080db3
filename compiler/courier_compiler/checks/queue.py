"""Mistakes in the times and sizes of the queue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import decided, shown, value_in_force
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.codecs import DurationCodec, seconds
from courier_schema.legacy.table import rows
from courier_schema.legacy.tables.control import Control
from courier_schema.report import Severity

_NEVER_ZERO: Final = ("queuetime", "faxqueuetime", "retryalpha", "retrygamma", "respawnlo", "respawnhi")
_LONGEST: Final = 2**31 - 1
"""Seconds that fit into the numbers of Courier's programs."""
_WAITING: Final = ("esmtptimeout", "esmtptimeouthelo", "esmtptimeoutdata", "localtimeout")
_TIMES: Final = tuple(row.attribute for row in rows(Control) if isinstance(row.codec, DurationCodec))


def _number(resolved: ResolvedSite, attribute: str) -> int:
    """Seconds or messages of a control file in force; 0 where it is not known."""
    value = value_in_force(resolved, "control", attribute)
    return seconds(value) if isinstance(value, str) else value if isinstance(value, int) else 0


def _zero(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for attribute in (*_NEVER_ZERO, *_WAITING):
        said, path = decided(resolved, "control", attribute)
        if isinstance(said, str) and seconds(said) == 0:
            says = "is no time at all" if attribute in _NEVER_ZERO else "leaves the other side no time to answer"
            yield Finding(
                path,
                f"{shown(path)} {says}",
                "write a duration such as 5m, or remove the key for the usual one",
            )


def _too_long(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for attribute in _TIMES:
        said, path = decided(resolved, "control", attribute)
        if isinstance(said, str) and seconds(said) > _LONGEST:
            yield Finding(
                path,
                f"{shown(path)} is {seconds(said)} seconds, more than Courier can count",
                f"write at most {_LONGEST}",
            )


@dataclass(frozen=True, slots=True)
class _Order:
    """Two fields of the queue of which the first must not be larger, as they are in force."""

    rows: tuple[str, str]
    """As the table of control files calls them."""
    blamed: str
    """The one that is mentioned where the site says both."""
    says: str
    remedy: str
    is_strict: bool = False
    """Whether the two must not be equal either."""

    def find(self, resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
        smaller, larger = (_number(resolved, row) for row in self.rows)
        said = {row: path for row in self.rows if (path := decided(resolved, "control", row)[1])}
        if said and smaller > 0 and larger > 0 and (smaller > larger or (self.is_strict and smaller == larger)):
            path = said.get(self.blamed) or next(iter(said.values()))
            yield Finding(path, self.says.format(smaller, larger), self.remedy)


_WARNING: Final = _Order(
    ("warntime", "queuetime"), "warntime",
    "mail expires before the time at which its sender would be told of a delay, or a backup relay would take it over",
    "make warn_after shorter than lifetime",
    is_strict=True,
)  # fmt: skip
_HOST_PAUSE: Final = _Order(
    ("esmtpdelay", "retryalpha"), "esmtpdelay",
    "a message is tried again while its server is still left alone, so the attempt is wasted",
    "make host_pause no longer than retry_pause",
)  # fmt: skip
_MEMORY: Final = _Order(
    ("queuelo", "queuehi"), "queuehi",
    "the queue in memory holds {1} messages, but is to be refilled below {0}",
    "make memory_high larger than memory_low",
)  # fmt: skip
_RESPAWN: Final = _Order(
    ("respawnlo", "respawnhi"), "respawnhi",
    "the latest restart of the queue manager comes before the earliest",
    "make respawn_busy longer than respawn_idle",
)  # fmt: skip


def _per_host(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in ("local", "esmtp", "dsn", "uucp", "fax"):
        per_host, path = decided(resolved, f"module.{name}", "maxhost")
        deliveries, _ = decided(resolved, f"module.{name}", "maxdels")
        if per_host is not None and deliveries is not None and per_host > deliveries:
            yield Finding(
                path,
                f"{per_host} deliveries to one host are allowed, but only {deliveries} in all",
                f"write {deliveries} at most",
            )


def _backup_never(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    warn, path = decided(resolved, "control", "warntime")
    if value_in_force(resolved, "control", "backuprelay") and isinstance(warn, str) and seconds(warn) == 0:
        yield Finding(
            path,
            f"no mail would ever be handed to the backup relay: {path[-1]} says when, and 0 is never",
            "write the time after which the backup relay takes over, such as 4h",
        )


CHECKS: Final = (
    Check(
        "queue-time-zero",
        "A time of zero",
        "A life of zero returns every message that is not delivered at the first attempt. A pause of zero tries "
        "again without end and uses up the machine. A patience of zero hangs up on everybody.",
        _zero,
    ),
    Check(
        "queue-time-too-long",
        "A time that is too long to be counted",
        "Times are kept as numbers of 32 bits, about 68 years of seconds. A longer one turns negative or into some "
        "other time, so that mail is returned at once or tried without pause.",
        _too_long,
    ),
    Check(
        "queue-warning-late",
        "A warning after the end",
        "A message that has reached the end of its life is returned, and nothing is left to warn of. With the times "
        "as they are nobody ever learns of a delay.",
        _WARNING.find,
        Severity.WARNING,
    ),
    Check(
        "queue-host-pause",
        "A pause for a server that outlasts the pause for its mail",
        "After a server could not be reached, all mail for it is put off for host_pause without trying. If a message's "
        "own pause ends earlier, its next attempt is spent without any connection, and the pauses grow.",
        _HOST_PAUSE.find,
        Severity.WARNING,
    ),
    Check(
        "queue-memory",
        "A queue in memory that is smaller than its refill mark",
        "The queue in memory is refilled from disk when fewer than memory_low messages are left, up to memory_high. "
        "Courier silently raises the upper mark to the lower one, and refills all the time.",
        _MEMORY.find,
        Severity.WARNING,
    ),
    Check(
        "queue-respawn",
        "A latest restart before the earliest",
        "The queue manager restarts itself when it is idle, after respawn_idle at the earliest, and in any case after "
        "respawn_busy. In the wrong order it always waits for the traffic to stop, and stops the traffic for that.",
        _RESPAWN.find,
        Severity.WARNING,
    ),
    Check(
        "module-limits",
        "More deliveries to one host than there are",
        "per_host limits the deliveries to one host among all deliveries of the module. A larger number than that of "
        "all deliveries limits nothing, so one slow host can take every place.",
        _per_host,
        Severity.WARNING,
    ),
    Check(
        "backup-relay-never",
        "A backup relay that never takes over",
        "The backup relay gets what could not be delivered within queue.warn_after. With 0 that time never comes.",
        _backup_never,
        Severity.WARNING,
    ),
)
