"""What the listener's command line options ask for: TCPDOPTS, BLACKLISTS and DROP of a settings file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from courier_schema.legacy.tables.esmtpd import Esmtpd

DEFAULT_VARIABLE: Final = "BLOCK"
PROXY_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class DnsList:
    """A list of clients in the DNS: of friends, or of those to be blocked."""

    zone: str
    display: str
    variable: str = DEFAULT_VARIABLE
    answer: str = ""
    """Address that the zone has to answer with; empty for any."""
    message: str = ""
    """Text for the client: `*` for the zone's own, `@` stands for the client's address, empty for a plain one."""
    is_friendly: bool = False
    wants_text: bool = False

    @classmethod
    def parse(cls, option: str) -> Self:
        """Read `-block=ZONE[=DISPLAY][,VAR[/A.B.C.D][,MSG]]`, or `-allow=` with a final comma to ask for text."""
        kind, _, value = option.partition("=")
        name, _, rest = value.partition(",")
        zone, _, display = name.partition("=")
        target, comma, message = rest.partition(",")
        variable, _, answer = target.partition("/")
        is_friendly = kind == "-allow"
        return cls(
            zone,
            display or zone,
            variable or DEFAULT_VARIABLE,
            answer,
            "" if is_friendly else message,
            is_friendly,
            bool(comma) if is_friendly else message == "*",
        )


@dataclass(frozen=True, slots=True)
class Options:
    """Those that change what a listener does; names of log programs, users and the like have no meaning here."""

    looks_up_names: bool = True
    asks_local_side: bool = False
    """`-accesslocal`: the access table is asked about the server's address as well."""
    denial: str = ""
    """Text for clients that are turned away."""
    warn_at: int | None = None
    proxy_seconds: float | None = None
    """Whether connections begin with a PROXY header, and how long that may take."""
    drops: str = ""
    """Variable that gets a client hung up on when it is not empty."""
    lists: tuple[DnsList, ...] = ()

    @classmethod
    def of(cls, settings: Esmtpd) -> Self:
        """Read the three settings."""
        said = dict(_pairs(settings.tcpdopts or ()))
        drop = next((option for option in settings.drop or ()), None)
        return cls(
            looks_up_names="-nodnslookup" not in said,
            asks_local_side="-accesslocal" in said,
            denial=said.get("-denymsg", ""),
            warn_at=int(said["-warn"]) if said.get("-warn", "").isdecimal() else None,
            proxy_seconds=_proxy_seconds(said["-haproxy"]) if "-haproxy" in said else None,
            drops="" if drop is None else drop.partition("=")[2] or DEFAULT_VARIABLE,
            lists=tuple(map(DnsList.parse, settings.blacklists or ())),
        )


def _pairs(options: Iterable[str]) -> Iterable[tuple[str, str]]:
    for option in options:
        name, _, value = option.partition("=")
        yield name, value


def _proxy_seconds(value: str) -> float:
    seconds = value.partition("/")[0]
    return float(seconds) if seconds.isdecimal() else PROXY_SECONDS
