"""From alias sources to the alias database: what `makealiases` stores, as plain mappings.

Pure: sources come as bytes and included files through a function; the result is complete or has an error
among its problems, in which case nothing of it should be stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from courier_schema.legacy.formats.address import Module
from courier_schema.legacy.formats.aliases.circles import circle_problems
from courier_schema.legacy.formats.aliases.combine import database_order, expand
from courier_schema.legacy.formats.aliases.definitions import Definitions
from courier_schema.legacy.formats.aliases.doubts import problem
from courier_schema.legacy.formats.aliases.records import stored_list
from courier_schema.legacy.formats.aliases.source import Include, parse_aliases
from courier_schema.legacy.formats.aliases.write import folded
from courier_schema.legacy.formats.domains import Locality
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem

LISTED: Final = 99
"""Recipients after which a listing begins a new definition of the same name."""


@dataclass(frozen=True, slots=True)
class AliasTable:
    """A compiled alias database."""

    records: Mapping[bytes, bytes] = field(repr=False)
    """Keys and values exactly as they are stored."""
    programs: Mapping[bytes, bytes] = field(repr=False)
    """Delivery instructions to put below `aliasdir/.courier-:xalias`: file name -> content."""
    problems: tuple[Problem, ...]
    definitions: Definitions = field(repr=False)
    """What was read, before nested aliases were expanded."""


def compile_aliases(
    sources: Sequence[Source],
    locality: Locality,
    *,
    protocol: str | None = None,
    module: Module = "local",
    include: Include,
) -> AliasTable:
    """Compile alias sources, read in the given order; see `select` for the order of a directory.

    The records are meaningless when a problem is an error: Courier then keeps its old database.
    """
    definitions = parse_aliases(sources, locality, protocol=protocol, module=module, include=include)
    expansion = expand(definitions)
    problems = (*definitions.problems, *circle_problems(definitions, expansion))
    return AliasTable(expansion.records, definitions.programs, problems, definitions)


def listing(table: AliasTable) -> bytes:
    """The text that `makealiases -dump` prints: every alias expanded, in the order of the real database."""
    blocks = (_block(name, table) for name in database_order(table.definitions))
    return b"".join(blocks)


def _block(name: bytes, table: AliasTable) -> bytes:
    stored = list(takewhile(bool, stored_list(name, table.records.get)))
    parts = (stored[start : start + LISTED] for start in range(0, len(stored), LISTED))
    return b"".join(folded(name, part) + b"\n" for part in parts)


@dataclass(frozen=True, slots=True)
class Selection:
    """The files of a source directory that are read, in order, and what is odd about the others."""

    names: tuple[str, ...]
    problems: tuple[Problem, ...]


def select(names: Iterable[str]) -> Selection:
    """Choose among the regular files of an alias source directory, given by their bare names.

    Names that start with a dot are passed over, the others read in byte order. Names with a blank cannot be
    read by the script; copies that editors and package managers leave behind are read.
    """
    visible = sorted((name for name in names if not name.startswith(".")), key=_bytes)
    blank = {name for name in visible if any(character in " \t\n" for character in name)}
    left_over = {name for name in visible if name.endswith(_LEFT_OVER) or name.startswith("#")}
    problems = [
        problem("alias-file-skipped" if name in blank else "alias-file-leftover", Mark(name, 1))
        for name in visible
        if name in blank or name in left_over
    ]
    return Selection(tuple(name for name in visible if name not in blank), tuple(problems))


_LEFT_OVER = ("~", ".bak", ".orig", ".rej", ".rpmnew", ".rpmsave", ".dpkg-dist", ".dpkg-new", ".dpkg-old")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
