"""Artefact: one finished file of a compiled host, and the registry of the modules that make them."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from courier_compiler.origin import Origin

if TYPE_CHECKING:
    from courier_compiler.context import Context


class Daemon(StrEnum):
    """A running part of Courier that reads files."""

    COURIERD = "courierd"
    COURIERFILTER = "courierfilter"
    ESMTPD = "esmtpd"
    ESMTPD_MSA = "esmtpd-msa"
    ESMTPD_SSL = "esmtpd-ssl"
    IMAPD = "imapd"
    IMAPD_SSL = "imapd-ssl"
    POP3D = "pop3d"
    POP3D_SSL = "pop3d-ssl"
    AUTHDAEMOND = "authdaemond"
    LDAPALIASD = "courierldapaliasd"
    WEBMAILD = "webmaild"
    WEBMLMD = "webmlmd"
    SOCKD = "sockd"


def daemons_named(names: Iterable[str]) -> frozenset[Daemon]:
    """The daemons of those names; names that this release does not know are left out."""
    return frozenset(map(Daemon, frozenset(names) & frozenset(map(str, Daemon))))


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file below the root of the mail host.

    `path` is relative to that root ("etc/courier/me"). `content` is the file's bytes, or for a symbolic link the
    path it points to. `origins` gives the reason of each line, setting or record by its key. `touches` are the
    daemons that read the file only when they start.
    """

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    secret: bool = False
    link: bool = False
    origins: Mapping[str, Origin] = field(default_factory=dict)
    touches: frozenset[Daemon] = frozenset()

    @property
    def sha256(self) -> str:
        """Hash of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class ArtefactSpec:
    """One kind of file: the name it is known by, and the function that makes it."""

    name: str
    build: Callable[[Context], Iterator[Artefact]]


def discover() -> tuple[ArtefactSpec, ...]:
    """Every module of `courier_compiler.artefacts`, sorted by name; those with an underscore are not of this kind."""
    package = importlib.import_module("courier_compiler.artefacts")
    modules = sorted(info.name for info in pkgutil.iter_modules(package.__path__) if not info.name.startswith("_"))
    return tuple(importlib.import_module(f"{package.__name__}.{name}").ARTEFACT for name in modules)
