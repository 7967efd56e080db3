"""The values that a snapshot is made of. Databases are read in place; everything else is decoded once.

A session, a delivery or an attempt keeps the snapshot that it began with; a reload makes a new one and swaps it in.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.bofh import Bofh
from courier_schema.legacy.formats.domains import DomainList, Locality
from courier_schema.legacy.formats.faxrc import FaxRule
from courier_schema.legacy.formats.routes import Credentials, Route
from courier_schema.legacy.tables.control import Control
from courier_schema.legacy.tables.courierd import Courierd
from courier_schema.legacy.tables.esmtpd import Esmtpd

REMEMBERED: Final = 4096
"""Paths whose place is remembered."""

Get = Callable[[bytes], bytes | None]
"""Reads one record of a database; None if there is none."""


def nothing(key: bytes) -> None:
    """The `Get` of a database that does not exist."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where paths of the configuration lie on this machine.

    As root they mean what they say. Without root everything outside the configuration (homes, the queue, certificates)
    lies below a state directory instead, in one's own name and under one's own user id.
    """

    sysconfdir: Path
    """Where the tree's files lie, wherever they would be installed."""
    state: Path
    """The queue, the control socket and all else that this server writes for itself."""
    root: Path = Path("/")
    """What absolute paths of accounts and delivery instructions are relative to."""
    nominal: str = "/etc/courier"
    """What the tree calls its own directory."""
    prefix: str = "/usr"
    """Where the tree's target has Courier installed, which programs know as COURIER_HOME."""

    @property
    def is_embedded(self) -> bool:
        """True when accounts live below the state directory and under one user id."""
        return str(self.root) != "/"

    def place(self, path: str) -> Path:
        """Where a path of the configuration really lies."""
        return _placed(self, path)

    def find(self, path: str) -> Path:
        """Where a file that is only read lies: the system's own serves where this ground has none."""
        placed = self.place(path)
        return placed if placed.exists() else Path(path)


@lru_cache(REMEMBERED)
def _placed(ground: Ground, path: str) -> Path:
    """Remembered, because every delivery asks for its home, and paths are slow to put together."""
    inside = path.removeprefix(f"{ground.nominal}/")
    return ground.sysconfdir / inside if inside != path else ground.root / path.lstrip("/")


Stamp = tuple[int, int, int] | None
"""Inode, time of change and size of a file; None for one that is not there."""


@dataclass(frozen=True, slots=True)
class ListenerSettings:
    """One of esmtpd, esmtpd-msa and esmtpd-ssl: its settings with those of the files beneath it."""

    name: str
    settings: Esmtpd
    environment: Mapping[str, str]
    """Every variable that the files assign, as programs and filters see them."""
    access: Get = nothing
    """The access table; records as `courier_schema.legacy.formats.access` reads them."""
    tls: ssl.SSLContext | None = None
    """None while no usable certificate is there: STARTTLS is not offered then."""
    is_tls_from_start: bool = False


@dataclass(frozen=True, slots=True)
class ModuleLimits:
    """A file `module.NAME`: how much its deliveries may do at a time."""

    name: str
    priority: int = 0
    max_deliveries: int = 1
    max_per_host: int = 1
    max_recipients: int = 1


@dataclass(frozen=True, slots=True)
class Notices:
    """The texts that notices are made of; a missing file is a CourierSiteError when the snapshot is loaded."""

    header: str
    delivered: str
    relayed: str
    failed: str
    delayed: str
    footer: str
    subject_notice: str
    subject_warning: str


@dataclass(frozen=True, slots=True)
class AcceptLists:
    """Whose mail is taken from strangers, and for which domains `user%domain@here` is passed on."""

    accepted: DomainList
    accepted_database: Get
    percent: DomainList
    percent_database: Get


@dataclass(frozen=True, slots=True)
class Accounts:
    """The tables that accounts are found in."""

    modules: tuple[str, ...]
    """authdaemonrc's `authmodulelist`, in order."""
    userdb: Get = nothing
    userdb_shadow: Get = nothing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One generation."""

    generation: str
    ground: Ground
    locality: Locality
    control: Control
    bofh: Bofh
    courierd: Courierd
    courierd_environment: Mapping[str, str]
    listeners: Mapping[str, ListenerSettings]
    """By name: esmtpd, esmtpd-msa, esmtpd-ssl; only those that the site switches on."""
    modules: Mapping[str, ModuleLimits]
    accept: AcceptLists
    hosted: Get
    """hosteddomains.dat, as `courier_schema.legacy.formats.hosted` reads it."""
    aliases: Get
    aliases_of_module: Mapping[str, Get]
    uucp: Get
    uucp_name: str
    accounts: Accounts
    fax_rules: tuple[FaxRule, ...]
    routes: tuple[Route, ...]
    routes_database: Get | None
    """esmtproutes.dat; only where there is no text file."""
    credentials: tuple[Credentials, ...]
    notices: Notices
    greeting: tuple[str, ...]
    """Lines of the SMTP greeting, without codes."""
    client_tls: ssl.SSLContext | None
    """For outgoing mail that only wants encryption; None when STARTTLS is not to be used."""
    client_tls_verified: ssl.SSLContext | None
    """The same with certificates checked against TLS_TRUSTCERTS."""
    client_tls_security: ssl.SSLContext | None
    """The same against TLS_TRUSTSECURITYCERTS."""
    certificates: Mapping[Path, Stamp] = field(default_factory=lambda: MappingProxyType({}))
    """The files that the TLS contexts were made from, to notice when one is replaced."""
    doubts: tuple[str, ...] = ()
    """What is wrong with the tree but does not keep the server from serving."""
    virtual: Mapping[str, Snapshot] = field(default_factory=lambda: MappingProxyType({}))
    """By local address or login domain X: this generation with every file F replaced by F.X where that exists."""

    @property
    def me(self) -> str:
        """The server's name."""
        return self.locality.me

    @property
    def version(self) -> str:
        """What makes a snapshot another one: its generation, and the certificates as they lie there."""
        return repr((self.generation, sorted(self.certificates.items())))

    def for_host(self, name: str) -> Snapshot:
        """The virtual configuration of this name, or this one."""
        return self.virtual.get(name, self)
