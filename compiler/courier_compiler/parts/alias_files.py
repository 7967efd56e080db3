"""Alias files: the text sources of a host's alias tables, line by line with the reason of each.

Courier looks an address up before it asks for accounts, in this form: a local domain is replaced by the default
domain, every other domain stays, and with `fold_case` the local part is in lower case. So names of local domains
are written without a domain, all others in full and in lower case. Recipients in local domains other than the default
one are written without theirs, too: Courier compares them with the names of aliases letter by letter, and one that
matches none is looked for among the accounts only.

Aliases are looked up before one hosted domain is replaced by another: those of a domain are repeated for the domains
that are `alias_of` it, unless these say something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from courier_compiler.context import Context
from courier_compiler.origin import Kind, Origin, derived
from courier_compiler.parts.alias_names import POSTMASTER, AliasNames
from courier_compiler.parts.backends import has_other_backends
from courier_compiler.resolved import AliasEntry, alias_entry
from courier_schema.legacy.formats.source import Source
from courier_schema.report import SitePath

STANDARD: Final = ("root", "mailer-daemon", "MAILER-DAEMON", "uucp", "abuse")
"""Names that a mail system answers for: those of its own programs, and RFC 2142's for complaints."""


@dataclass(slots=True)
class AliasFile:
    """One source file in the making. Grows while aliases are added."""

    name: str
    lines: list[str] = field(default_factory=list)
    reasons: list[Origin] = field(default_factory=list)
    origins: dict[str, Origin] = field(default_factory=dict)
    """Name to the reason of its first definition."""

    def add(self, name: str, entry: AliasEntry, origin: Origin) -> None:
        """A definition for all recipients, and one for each program, mailbox and included file."""
        if entry.to:
            self._line(name, ", ".join(entry.to), origin)
        for program in entry.programs:
            self._line(name, f"|{program}", origin)
        for mailbox in entry.mailboxes:
            self._line(name, mailbox, origin)
        if entry.include:
            self._line(name, f":include:{entry.include}", origin)

    def _line(self, name: str, text: str, origin: Origin) -> None:
        self.lines.append(f"{name}: {text}\n")
        self.reasons.append(origin)
        self.origins.setdefault(name, origin)

    @property
    def source(self) -> Source:
        return Source(self.name, "".join(self.lines).encode())


def host_files(context: Context, names: AliasNames) -> list[AliasFile]:
    """The files of the table that serves all mail, in the order in which Courier reads them.

    One holds the customary names, one the host's own aliases, and one those of each domain, so that a change touches
    little.
    """
    entries = (entry for entry in context.resolved.aliases if not entry.is_catch_all)
    spelt = _spelt(names, entries)
    files: dict[str, AliasFile] = {}
    homes: dict[SitePath, AliasFile] = {}
    for name, found in spelt.items():
        for entry in found:
            path = entry.path
            section = path[:2] if path[0] == "domains" else path[:1]
            if section not in homes:
                homes[section] = _file(files, _place(path, names))
            homes[section].add(name, entry, Origin(Kind.DERIVED, path))
    for name in _standard_names(context, names):
        if name not in spelt:
            rule = "customary names go to postmaster"
            _file(files, "system").add(name, AliasEntry(name, (POSTMASTER,), ()), derived(rule=rule))
    for name, domain, entry, origin in (*_shared(context, spelt), *_postmasters(context, spelt)):
        _file(files, f"@{domain}").add(name, entry, origin)
    return [files[name] for name in sorted(files, key=str.encode)]


def protocol_file(context: Context, names: AliasNames, protocol: str) -> AliasFile:
    """The file of the table that serves mail arriving in one way."""
    said = context.site.protocol_aliases
    aliases = next(aliases for name, aliases in said.items() if name == protocol)
    entries = (alias_entry(name, target, ("protocol_aliases", protocol, name)) for name, target in aliases.items())
    file = AliasFile("site")
    for name, found in _spelt(names, entries).items():
        for entry in found:
            file.add(name, entry, derived(*entry.path))
    return file


def _file(files: dict[str, AliasFile], name: str) -> AliasFile:
    if name not in files:
        files[name] = AliasFile(name)
    return files[name]


def _place(path: SitePath, names: AliasNames) -> str:
    match path[0]:
        case "host":
            return "system"
        case "domains":
            return f"@{names.domain(str(path[1]))}"
        case _:
            return "site"


def _spelt(names: AliasNames, entries: Iterable[AliasEntry]) -> dict[str, list[AliasEntry]]:
    """Aliases by the name under which they are looked up; Courier merges those of one name."""
    found: dict[str, list[AliasEntry]] = {}
    abroad: list[tuple[str, int]] = []
    elsewhere = names.other_locals
    for entry in entries:
        name = names.name(entry.name)
        if "@." in name:
            continue  # the checks refuse it
        if name in found:
            found[name].append(entry)
        else:
            found[name] = [entry]
        for said in entry.to:
            at = said.rfind("@")
            if at >= 0 and elsewhere[said[at + 1 :]]:
                abroad.append((name, len(found[name]) - 1))
                break
    known = found.keys() | {names.name(said) for said in STANDARD} if abroad else frozenset[str]()
    for name, at in abroad:
        entry = found[name][at]
        found[name][at] = entry._replace(to=tuple(names.recipient(said, known) for said in entry.to))
    return found


def _standard_names(context: Context, names: AliasNames) -> Iterator[str]:
    if context.names.completes_elsewhere:
        return
    hosted = context.names.hosted
    accounts = {mailbox.login for mailbox in context.resolved.mailboxes if mailbox.domain not in hosted}
    yield from dict.fromkeys(name for said in STANDARD if (name := names.name(said)) not in accounts)


def _shared(context: Context, spelt: Mapping[str, list[AliasEntry]]) -> Iterator[tuple[str, str, AliasEntry, Origin]]:
    """Aliases of hosted domains once more for the domains that are an alias of these."""
    followers = context.names.followers
    if not followers:
        return
    for name, found in spelt.items():
        local, _, domain = name.rpartition("@")
        for other in followers.get(domain, ()) if local else ():
            if f"{local}@{other}" not in spelt:
                for entry in found:
                    origin = derived(*entry.path, rule=f"{other} is an alias of {domain}")
                    yield f"{local}@{other}", other, entry, origin


def _postmasters(
    context: Context, spelt: Mapping[str, list[AliasEntry]]
) -> Iterator[tuple[str, str, AliasEntry, Origin]]:
    """The postmaster of each hosted domain that says nothing about it (RFC 5321, 4.5.1).

    Only where the site knows all accounts: else the alias could hide one.
    """
    if context.names.completes_elsewhere or has_other_backends(context.resolved):
        return
    taken = spelt.keys() | {mailbox.login for mailbox in context.resolved.mailboxes}
    for domain, entry in context.names.hosted.items():
        name = f"{POSTMASTER}@{domain}"
        is_own = domain == context.names.default  # the host's postmaster, who has that name without a domain
        if not is_own and not domain.startswith(".") and taken.isdisjoint((name, f"{POSTMASTER}@{entry.known_as}")):
            origin = derived(*entry.path, rule="every domain has a postmaster")
            yield name, domain, AliasEntry(name, (POSTMASTER,), entry.path), origin
