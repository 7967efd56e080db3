"""Mistakes in catch-alls: where they cannot be, and which names they would take besides their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import host_names
from courier_compiler.host import HostView
from courier_compiler.names import Named
from courier_compiler.parts.catchall import local_catch_alls
from courier_compiler.resolved import ResolvedSite
from courier_schema.site.aliases import Alias


def _said(resolved: ResolvedSite) -> Iterator[tuple[str, Named]]:
    """The domains that have one, by name."""
    known = host_names(resolved)
    for name, entry in (*known.local.items(), *known.hosted.items()):
        if entry.domain.catch_all is not None:
            yield name, entry


def _included(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for _, entry in _said(resolved):
        if isinstance(entry.domain.catch_all, Alias) and entry.domain.catch_all.include:
            yield Finding(
                (*entry.path, "catch_all"),
                "a catch-all cannot include a file",
                "name an alias that includes it",
            )


def _of_alias_domain(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, entry in _said(resolved):
        if entry.domain.alias_of is not None:
            yield Finding(
                (*entry.path, "catch_all"),
                f"names that do not exist in {name} are looked up in {entry.known_as}, whose catch-all decides",
                f"move the catch_all to {entry.known_as}",
            )


def _several(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    found = list(local_catch_alls(host_names(resolved)))
    for first, other in zip(found[:1] * len(found), found, strict=True):
        if other.instructions != first.instructions:
            yield Finding(
                other.path,
                f"local domains have their names in common, so {other.domain} cannot have another catch-all than"
                f" {first.domain}",
                "give both the same, or make one of the domains kind: hosted",
            )


def _reaching_hosted(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    first = next(local_catch_alls(known), None)
    bare = [
        name for name, entry in known.hosted.items() if entry.domain.catch_all is None and entry.domain.alias_of is None
    ]
    if first is not None and bare:
        yield Finding(
            first.path,
            f"the catch-all of local domains also takes mail for names that do not exist in {', '.join(bare)}",
            "give these domains a catch_all of their own, or make the local domain kind: hosted, too",
        )


CHECKS: Final = (
    Check(
        "catch-all-include",
        "A catch-all that includes a file",
        "A catch-all is written as delivery instructions, which cannot include a list of addresses. An alias can, and "
        "the catch-all may lead to that.",
        _included,
    ),
    Check(
        "catch-all-of-alias-domain",
        "A catch-all of an alias domain",
        "Accounts of an alias domain are those of another one, and so is its catch-all. One of its own would never be "
        "asked.",
        _of_alias_domain,
    ),
    Check(
        "catch-all-several",
        "Different catch-alls of local domains",
        "Local domains share their names, and with them the instructions for names that do not exist. There is room "
        "for one catch-all.",
        _several,
    ),
    Check(
        "catch-all-reaches-hosted",
        "A catch-all that takes the mail of other domains",
        "The catch-all of local domains stands for every address that nothing else takes, also in hosted domains that "
        "have none of their own. Mail for names that do not exist there would be accepted, and delivered to somebody "
        "else.",
        _reaching_hosted,
    ),
)
