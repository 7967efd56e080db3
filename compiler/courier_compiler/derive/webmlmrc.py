"""webmlmrc: the daemon behind the web pages of mailing lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.webmlm import Webmlmrc

_PATH: Final = ("mailing_lists",)


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """The lists that have pages, and how they are served."""
    yield from copy(Webmlmrc, resolved.site.mailing_lists, _PATH, {"socket": "port", "processes": "prefork"})
    directories = _directories(resolved)
    if directories:
        yield Intent(Webmlmrc(lists=directories), (*_PATH, "lists"), "the lists with web: true")


def _directories(resolved: ResolvedSite) -> tuple[str, ...]:
    section = resolved.site.mailing_lists
    return tuple(entry.directory for entry in section.lists.values() if entry.web) if section else ()


DERIVATIONS = (Derivation("webmlmrc", derive, lambda resolved: bool(_directories(resolved))),)
