"""Mistakes in the names of files: outside the configuration directory, in each other's way, or too long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._names import host_names
from courier_compiler.checks.literal_files import behind_database
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import SitePath

if TYPE_CHECKING:
    from courier_compiler.build import Place

_BYTES: Final = 255  # NAME_MAX of Linux, in limits.h
_SHOWN: Final = 60
_SUSPICIOUS: Final = 64
"""Characters from which on a domain or the name of an alias can become too long for a file."""
_ENTRIES: Final = {"virtual_hosts": 2, "mailing_lists": 3}
"""Sections that have checks of their own for two entries with one name, to the length of an entry's path."""
_LONGEST_DOMAIN: Final = 253


def _outside(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    named: list[SitePath] = [("files", name) for name in resolved.site.files]
    named += [
        ("virtual_hosts", name, "files", file)
        for name, virtual in resolved.site.virtual_hosts.items()
        for file in virtual.files
    ]
    for path in named:
        if not {"", ".", ".."}.isdisjoint(str(path[-1]).split("/")):
            yield Finding(
                path,
                f"{path[-1]} is not the name of a file below the configuration directory",
                "write it relative to that directory, without '..'",
            )


@per_site
def _places(resolved: ResolvedSite) -> tuple[Place, ...]:
    """Where files could meet: nowhere, unless the site gives names to some.

    Files behind databases are left out: they are refused whether they meet another or not.
    """
    site = resolved.site
    lists, filters = site.mailing_lists, site.filters
    named = (
        site.files, site.virtual_hosts, site.delivery.dotfiles, site.delivery.maildrop_includes,
        lists and lists.lists, filters and filters.active,
    )  # fmt: skip
    if not any(named):
        return ()
    from courier_compiler.build import places  # with all that makes files: few sites should wait for that

    told = {("files", name) for name in site.files if behind_database(name)}
    return tuple(place for place in places(resolved) if place.named_at not in told)


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, Place] = {}
    for place in _places(resolved):
        first = seen.setdefault(place.path, place)
        if first is not place and not _has_own_check(first.named_at, place.named_at):
            yield Finding(
                (place if place.is_named_by_site else first).named_at,
                f"/{place.path} is made by another part of the site, too",
                "remove one of the two",
            )


def _has_own_check(one: SitePath, other: SitePath) -> bool:
    """Whether these are two entries of a section that finds entries of one name itself."""
    length = _ENTRIES.get(str(one[0]) if one else "", 0)
    return one[:1] == other[:1] and one[:length] != other[:length]


def _below(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    made = {place.path: place for place in reversed(_places(resolved))}
    for path, place in made.items():
        above = next((parent for parent in map(str, PurePosixPath(path).parents) if parent in made), None)
        if above is not None:
            yield Finding(
                (place if place.is_named_by_site else made[above]).named_at,
                f"/{path} would lie below /{above}, which is a file itself",
                "rename one of the two",
            )


def _too_long(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    directory = resolved.profile.layout.sysconfdir
    named = [(f"/{place.path}", place.named_at) for place in _places(resolved)]
    named += [(f"{directory}/{name}", path) for name, path in (*_of_domains(resolved), *_of_programs(resolved))]
    for name, path in named:
        if any(len(part.encode(errors="surrogateescape")) > _BYTES for part in name.split("/")):
            yield Finding(
                path,
                f"{name[:_SHOWN]}... has a part of more than {_BYTES} bytes, which no file can be called",
                "choose a shorter name",
            )


def _of_domains(resolved: ResolvedSite) -> Iterator[tuple[str, SitePath]]:
    known = host_names(resolved)
    for name, entry in (*known.local.items(), *known.hosted.items()):
        if _SUSPICIOUS < len(name) <= _LONGEST_DOMAIN:
            yield f"aliases/@{name}", entry.path


def _of_programs(resolved: ResolvedSite) -> Iterator[tuple[str, SitePath]]:
    """Files with the instructions of aliases that run programs."""
    default = resolved.default_domain
    for entry in resolved.aliases:
        if (entry.programs or entry.mailboxes) and not entry.is_catch_all:
            name = entry.name if "@" in entry.name else f"{entry.name}@{default}"
            if len(name) > _SUSPICIOUS:
                from courier_schema.legacy.formats.aliases.source import program_file  # as above

                yield f"aliasdir/.courier-:xalias/{program_file(name.encode()).decode()}", entry.path


CHECKS: Final = (
    Check(
        "file-place",
        "A file outside the configuration directory",
        "Files of a site go to Courier's configuration directory, and their names are relative to it. Names that lead "
        "out of it could overwrite anything on the host.",
        _outside,
    ),
    Check(
        "file-twice",
        "A file that is made twice",
        "The site names a file that another of its sections makes as well. Only one of them can be on the host, and "
        "which of the two was meant cannot be told.",
        _twice,
    ),
    Check(
        "file-below-file",
        "A file below another file",
        "The site names a file whose directory is the name of another file. A file system has room for only one of "
        "them.",
        _below,
    ),
    Check(
        "file-name-long",
        "A name that is too long for a file",
        "Each part of a path has at most 255 bytes, and letters beyond ASCII have two or more of them. The tree could "
        "not be written. Names of domains and of aliases that run programs become names of files, too; in the latter "
        "dots and some other characters take three bytes.",
        _too_long,
    ),
)
