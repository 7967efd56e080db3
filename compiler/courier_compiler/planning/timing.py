"""Timing: when a changed file takes effect, and which daemons have to be told for that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from courier_compiler.applying.reload import ORDER, starting
from courier_compiler.artefact import Daemon


class Live(StrEnum):
    """When a change is in force."""

    AT_ONCE = "at once"
    NEW_CONNECTIONS = "for new connections"
    RESTART = "after a restart"
    STOP_START = "after stop and start"


@dataclass(frozen=True, slots=True)
class When:
    """When a change is in force, and of which daemons, in the order in which they are told."""

    live: Live
    daemons: tuple[Daemon, ...] = ()

    def __str__(self) -> str:
        return f"{self.live} of {', '.join(self.daemons)}" if self.daemons else str(self.live)


_CONNECTIONS: Final = (
    "esmtproutes*", "esmtpauthclient*", "esmtphelo*", "ipout*", "ip6out*", "esmtpgreeting*", "vhost.*",
)  # fmt: skip
"""Files that are read once for each connection."""
_SMTP: Final = (Daemon.ESMTPD, Daemon.ESMTPD_MSA, Daemon.ESMTPD_SSL)
_KEEPERS: Final[tuple[tuple[tuple[str, ...], tuple[Daemon, ...]], ...]] = (
    (("me", "locals", "locallowercase", "defaultdomain"), (Daemon.COURIERD, *_SMTP)),
    (("smtpaccess.dat", "smtpaccess-msa.dat"), _SMTP),
    (("imapaccess.dat",), (Daemon.IMAPD, Daemon.IMAPD_SSL)),
    (("ldapaliasrc",), (Daemon.LDAPALIASD,)),
    (("filters/active/*",), (Daemon.COURIERFILTER,)),
    (
        (
            "hosteddomains.dat", "uucpneighbors.dat", "module.*", "dsn*", "retry*", "respawn*", "queuelo", "queuehi",
            "queuefill", "submitdelay", "backuprelay", "uucpme",
        ),
        (Daemon.COURIERD,),
    ),
)  # fmt: skip
"""Daemons that keep what they read of a file, for files that no artefact speaks of because they go."""


def when(name: str, touches: Iterable[Daemon] | None) -> When:
    """When a file of that name takes effect; `touches` are the daemons known to keep what they read of it, None where
    nobody said."""
    first = starting(name)
    daemons = set(touches if touches is not None else (*first, *_keepers(name)))
    if daemons:
        told = tuple(daemon for daemon in ORDER if daemon in daemons)
        return When(Live.STOP_START if daemons & first else Live.RESTART, told)
    connections = any(fnmatchcase(name, pattern) for pattern in _CONNECTIONS)
    return When(Live.NEW_CONNECTIONS if connections else Live.AT_ONCE)


def _keepers(name: str) -> tuple[Daemon, ...]:
    for patterns, daemons in _KEEPERS:
        if any(fnmatchcase(name, pattern) for pattern in patterns):
            return daemons
    return ()
