"""Catch-alls: who gets mail for names of a domain that do not exist, without taking it from those that do.

In a hosted domain Courier asks for the account `alias` of the domain when it found no other, and follows the
instructions for extensions in its home. So a catch-all there is such an account, with a home of its own in the
configuration directory that holds nothing but these instructions.

Local domains have no such account: what is neither alias nor account goes to `.courier-default` in `aliasdir`. That
file stands for all local domains, and for hosted ones without a catch-all of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from courier_compiler.names import Named, Names
from courier_compiler.resolved import AliasEntry, alias_entry
from courier_schema.legacy.formats.hosted import CATCH_ALL
from courier_schema.report import SitePath


@dataclass(frozen=True, slots=True)
class CatchAll:
    """One catch-all: the domain, its instructions, and for hosted domains the login and home of its account."""

    domain: str
    instructions: str
    path: SitePath
    login: str
    home: str


def hosted_catch_alls(names: Names, directory: str) -> Iterator[CatchAll]:
    """Those of hosted domains; their homes are below the configuration directory."""
    for name, entry in sorted(names.hosted.items()):
        if entry.domain.catch_all is not None and entry.domain.alias_of is None:
            login, home = f"{CATCH_ALL}@{name}", f"{directory}/catch-all/{name}"
            yield CatchAll(name, instructions(target(entry, f"@{name}")), _path(entry), login, home)


def local_catch_alls(names: Names) -> Iterator[CatchAll]:
    """Those of local domains, which Courier cannot tell apart."""
    for name, entry in names.local.items():
        if entry.domain.catch_all is not None:
            yield CatchAll(name, instructions(target(entry)), _path(entry), "", "")


def target(entry: Named, suffix: str = "") -> AliasEntry:
    """Where the catch-all of a domain leads; `suffix` completes recipients that have no domain."""
    assert entry.domain.catch_all is not None
    return alias_entry("", entry.domain.catch_all, _path(entry), suffix)


def instructions(entry: AliasEntry) -> str:
    """Delivery instructions that do what an alias does."""
    lines = (
        *(f"&{recipient}" for recipient in entry.to),
        *(f"|{program}" for program in entry.programs),
        *entry.mailboxes,
    )
    return "".join(f"{line}\n" for line in lines)


def _path(entry: Named) -> SitePath:
    return (*entry.path, "catch_all")
