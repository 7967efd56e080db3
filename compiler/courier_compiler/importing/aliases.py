"""Aliases: the definitions of an installation in the words of a site, domain by domain.

A name of a hosted domain stands under its domain, every other one among the host's own. Definitions of one name are
joined, as Courier joins them. Where there is no source, the database is decoded; what its programs do is in the
files of instructions that makealiases has left.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.remarks import Remark
from courier_compiler.importing.tables import alias_sources, read_database
from courier_compiler.legacy_tables.sources import PROTOCOLS
from courier_compiler.parts.alias_files import STANDARD
from courier_compiler.parts.alias_names import POSTMASTER
from courier_schema.legacy.formats.address import render, split_list, tokenise
from courier_schema.legacy.formats.aliases.compile import compile_aliases
from courier_schema.legacy.formats.aliases.records import unpack
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity
from courier_schema.words import Address, AliasName, Command, LocalPart, Path, Recipient

_FOR_PROTOCOL: Final = re.compile(r"(aliases-(?P<protocol>\w+)(?:\.dat)?)(?:/.*)?")
_BLANKS: Final = " \t\n\v\f\r"
_SIMPLE: Final = re.compile(r"[A-Za-z0-9_.@!%+=-]+")
_PROGRAM: Final = re.compile(r'"\.xalias(?:-\w+)?/([^"]*)"@.*')


@dataclass(slots=True)
class Definition:
    """Everything that is said about one name."""

    to: list[str] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    mailboxes: list[str] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    mark: Mark | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.to or self.programs or self.mailboxes or self.includes)


@dataclass(frozen=True, slots=True)
class AliasLists:
    """A compiled alias table: whole lists by name, instruction files, and the sources where these count."""

    lists: Mapping[str, tuple[str, ...]]
    programs: Mapping[str, bytes]
    sources: tuple[Source, ...]
    problem: Problem | None = None
    """Why the database counts although there is a source."""
    refused: tuple[Problem, ...] = ()
    """Why makealiases makes no database of the sources, where there is none of before; the lists mean little then."""


def read_alias_table(installation: Installation, name: str, protocol: str | None) -> AliasLists | None:
    """What makealiases makes of the sources, or has made where there are none or where it would fail now.

    An included file counts as one recipient that stands for it: what it holds is no matter of this directory.
    """
    sources = alias_sources(installation, name)
    stored = read_database(installation, f"{name}.dat")
    wrong: Problem | None = None
    if sources:
        table = compile_aliases(
            sources, installation.locality, protocol=protocol, include=partial(_stand_in, installation)
        )
        refused = tuple(one for one in table.problems if one.severity is Severity.ERROR)
        wrong = next(iter(refused), None)
        if wrong is None or stored is None:
            programs = {file.decode(errors="surrogateescape"): text for file, text in table.programs.items()}
            return AliasLists(dict(unpack(table.records)), programs, sources, refused=refused)
    if stored is None:
        return None
    directory = f"aliasdir/.courier-:xalias{f'-{protocol}' if protocol else ''}"
    files = {file: installation.files[f"{directory}/{file}"].content for file in installation.directly_in(directory)}
    return AliasLists(dict(unpack(stored)), files, (), wrong)


def _stand_in(installation: Installation, path: str) -> bytes:
    """An address for the content of a file, which the configuration directory may be called otherwise in."""
    name = installation.inside(path) or path
    return f"include-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:16]}@include.invalid\n".encode()


def take_aliases(draft: Draft, installation: Installation) -> None:
    """Say the aliases for all mail, and those for mail that arrives in one way."""
    _take(draft, installation, "aliases", None)
    for protocol in PROTOCOLS:
        _take(draft, installation, f"aliases-{protocol}", protocol)
    for name in sorted(_of_other_protocols(installation)):
        draft.note(
            f"{name} is not in the site: Courier has no module of that name, so no program has ever read it",
            Mark(installation.where(name), 1),
        )
        draft.taken.add(name)


def _of_other_protocols(installation: Installation) -> set[str]:
    """Alias tables, or their sources, of ways in which no mail arrives."""
    names = (_FOR_PROTOCOL.fullmatch(name) for name in installation.files)
    return {found[1] for found in names if found and found["protocol"] not in PROTOCOLS}


def _take(draft: Draft, installation: Installation, name: str, protocol: str | None) -> None:
    draft.taken |= {name, f"{name}.dat"}
    table = read_alias_table(installation, name, protocol)
    if table is None:
        return
    found = _read(table.sources) if table.sources else _decoded(installation, table)
    for definition in found.values():
        definition.includes = [draft.relocated(path, installation) for path in definition.includes]
    if table.problem:
        why = f"{table.problem.mark}: {draft.told(table.problem)}"
        draft.note(f"{name}.dat counts and not its source, which cannot be compiled: {why}")
    elif not table.sources:
        draft.note(f"{name}.dat has no source; its {len(found)} aliases are decoded")
    if table.refused:
        draft.meaningless.add(name)
    for problem in table.refused:
        draft.note(f"makealiases refuses this: {draft.told(problem)}", problem.mark, is_open=True)
    refused = {(problem.mark.file, problem.mark.line) for problem in table.refused if problem.mark}
    for alias, definition in found.items():
        is_told = definition.mark is not None and (definition.mark.file, definition.mark.line) in refused
        if not _is_implied(draft, alias, definition, found) and not is_told:
            _say(draft, alias, definition, protocol)


def _is_implied(draft: Draft, name: str, definition: Definition, found: Mapping[str, Definition]) -> bool:
    """Whether a name of a domain says the same as the name of the domain that this is an alias of."""
    local, _, domain = name.rpartition("@")
    target = draft.said(("domains", normal_form(domain), "alias_of"))
    original = found.get(f"{local}@{target}")
    return original is not None and original.to == definition.to and _is_only_to(original) and _is_only_to(definition)


def _read(sources: Sequence[Source]) -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for source in sources:
        for text, remarks, line in _logical_lines(source):
            name, colon, value = text.partition(":")
            if not colon:
                continue
            addresses = _addresses(name)
            if len(addresses) == 1:
                definition = found.setdefault(addresses[0], Definition(mark=Mark(source.name, line)))
                definition.remarks.extend(remarks)
                _add(definition, value.strip(_BLANKS))
    return found


def _logical_lines(source: Source) -> Iterator[tuple[str, list[Remark], int]]:
    """Definitions with their continuations, the comments before and in them and their first line."""
    waiting: list[Remark] = []
    text, remarks, first = "", list[Remark](), 0
    for number, line in enumerate(source.content.decode(errors="surrogateescape").split("\n"), start=1):
        said, sign, comment = line.partition("#")
        said = said.rstrip(_BLANKS)
        if said[:1] in (" ", "\t") and text:
            text += said
        elif said:
            if text:
                yield text, remarks, first
            text, remarks, waiting, first = said, waiting, [], number
        if sign:
            (remarks if said else waiting).append(Remark(source.name, comment))
    if text:
        yield text, remarks, first


def _addresses(text: str) -> list[str]:
    if _SIMPLE.fullmatch(bare := text.strip(_BLANKS)):
        return [bare]
    tokens = tokenise(text.encode(errors="surrogateescape"))
    return [render(part).decode(errors="surrogateescape") for part in split_list(tokens)]


def _add(definition: Definition, value: str) -> None:
    if value.startswith("|"):
        definition.programs.append(value[1:].strip())
    elif value.startswith("/"):
        definition.mailboxes.append(value)
    elif value.startswith(":include:"):
        definition.includes.append(value.removeprefix(":include:"))
    else:
        definition.to.extend(address for address in _addresses(value) if address)


def _decoded(installation: Installation, table: AliasLists) -> dict[str, Definition]:
    """The definitions of a database: its lists, and for programs the files of instructions."""
    found: dict[str, Definition] = {}
    for name, recipients in table.lists.items():
        definition = found.setdefault(_without_default(installation, name), Definition())
        for recipient in recipients:
            program = _PROGRAM.fullmatch(recipient)
            if program:
                for line in table.programs.get(program[1], b"").decode(errors="surrogateescape").splitlines():
                    _add(definition, line)
            elif recipient:
                definition.to.append(_without_default(installation, recipient))
    return found


def _without_default(installation: Installation, address: str) -> str:
    local, at, domain = address.rpartition("@")
    is_default = at and local and normal_form(domain) == normal_form(installation.locality.default_domain)
    return local if is_default else address


def _say(draft: Draft, name: str, definition: Definition, protocol: str | None) -> None:
    if definition.is_empty:
        draft.note(
            f"the alias {name} has no recipients, so its mail was thrown away; the site does not say it",
            definition.mark,
        )
        return
    if not protocol and name in STANDARD and definition.to == [POSTMASTER] and _is_only_to(definition):
        return
    is_postmaster = not protocol and name == POSTMASTER and len(definition.to) == 1 and _is_only_to(definition)
    if is_postmaster and fits(Address, definition.to[0]):
        draft.say(("host", "postmaster"), definition.to[0], definition.remarks)
        return
    target = _target(definition)
    if target is None or not fits(AliasName, name):
        shown = draft.quoted(name, *([definition.mark.file] if definition.mark else ()))
        draft.note(f"the alias {shown} cannot be said in a site", definition.mark, is_open=True)
        return
    path = ("protocol_aliases", protocol, name) if protocol else _place(draft, name, definition)
    if len(path) > 2 and path[0] == "domains":
        domain = f"@{path[1]}"
        target = [to.removesuffix(domain) for to in dict.fromkeys(definition.to)]
        target = target[0] if len(target) == 1 else target
    _put_alias(draft, path, target, definition.remarks)


def _is_only_to(definition: Definition) -> bool:
    return not (definition.programs or definition.mailboxes or definition.includes)


def _put_alias(draft: Draft, path: Any, target: Any, remarks: list[Remark]) -> None:
    if draft.said(path) is not None:
        return
    draft.say(path, target, remarks)


def _place(draft: Draft, name: str, definition: Definition) -> tuple[str, ...]:
    """Under its hosted domain, if all recipients are addresses with a domain; else among the host's own."""
    local, at, domain = name.rpartition("@")
    form = normal_form(domain) if at else ""
    if not (local and at) or definition.programs or definition.mailboxes or definition.includes:
        return ("aliases", name)
    if not all("@" in to or "!" in to for to in definition.to) or not fits(LocalPart, local):
        return ("aliases", name)
    said = draft.said(("domains", form))
    is_hosted = isinstance(said, dict) and said.get("kind") == "hosted"
    return ("domains", form, "aliases", local) if is_hosted else ("aliases", name)


def _target(definition: Definition) -> Any:
    """What stands behind the name; None where the site has no words for it."""
    to = list(dict.fromkeys(definition.to))
    if not (definition.programs or definition.mailboxes or definition.includes):
        if not all(_SIMPLE.fullmatch(one) or fits(Recipient, one) for one in to):
            return None
        return to[0] if len(to) == 1 else to
    if len(definition.includes) > 1:
        return None
    sound = (
        fits(list[Recipient], to)
        and fits(list[Command], definition.programs)
        and fits(list[Path], definition.mailboxes)
    )
    if not sound or not fits(list[Path], definition.includes):
        return None
    said: dict[str, Any] = {}
    for key, values in (("to", to), ("program", definition.programs), ("mailbox", definition.mailboxes)):
        if values:
            said[key] = values[0] if len(values) == 1 else values
    if definition.includes:
        said["include"] = definition.includes[0]
    return said
