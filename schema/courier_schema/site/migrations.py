"""Migrations: how a site in an earlier version of the language is written in the present one.

A site without the key `version` is of version 0, the one before versions were counted. What it means is what version 1
means; what it may spell is more, as YAML 1.1 and hands do: `yes` for true, 0640 for "0640", "8" for 8. The remedies
that validation gives for such values are carried out here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_schema.report import Mark, Problem, SitePath
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document
from courier_schema.source.edits import Edit

CURRENT: Final = 1
"""The version that this program reads and writes."""
KEY: Final = "version"

_WORD: Final = re.compile(r"write (true|false|[0-9]+)")
_QUOTED: Final = re.compile(r"put it in quotes(?:: '(.*)')?")
_BARE: Final = re.compile(r"write it without quotes|write ([0-9]+) without quotes")

Spelling = Callable[[Mark], str | None]
"""The text of the scalar at a place; None where a list or map begins."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from a version to the next: what it is about, and the edits that it makes in a host's site."""

    before: int
    after: int
    name: str
    edits: Callable[[Document, Spelling], Iterator[Edit]]


def version_of(document: Document) -> int | None:
    """The version that a site is written in; None where its key says no number."""
    said = document.tree.get(KEY, 0)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def ahead(version: int) -> Iterator[Migration]:
    """The steps from a version to the present one."""
    return (migration for migration in MIGRATIONS if migration.before >= version)


def _respelt(document: Document, spelling: Spelling) -> Iterator[Edit]:
    """Values that are written as another kind of scalar than belongs there, where no doubt is left what was meant."""
    for problem in parse_site(document)[1]:
        mark = document.marks.value_mark(problem.path)
        old = spelling(mark) if mark and problem.path != (KEY,) else None
        new = _meant(problem, _value(document.tree, problem.path), old) if old else None
        if mark and old and new:
            yield Edit(mark, old, new)


def _meant(problem: Problem, said: object, old: str) -> str | None:
    """The scalar that a problem's remedy asks for; None for a problem of another sort."""
    if problem.id not in ("wrong-kind", "wrong-value"):
        return None
    if found := _WORD.fullmatch(problem.remedy):
        return found[1]
    if found := _QUOTED.fullmatch(problem.remedy):
        return f'"{found[1] or old}"'
    if found := _BARE.fullmatch(problem.remedy):
        return found[1] or str(said)
    return None


def _value(tree: object, path: SitePath) -> object:
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and isinstance(step, int):
            tree = tree[step]
    return tree


MIGRATIONS: Final[tuple[Migration, ...]] = (Migration(0, 1, "spelling of values", _respelt),)
"""All steps, in their order."""


def by_file(edits: Iterable[Edit]) -> Mapping[str, tuple[Edit, ...]]:
    """Edits by the file that they belong to, each once: hosts of one site share most of theirs."""
    found: dict[str, dict[Edit, None]] = {}
    for edit in edits:
        found.setdefault(edit.mark.file, {})[edit] = None
    return {file: tuple(sorted(of_file)) for file, of_file in found.items()}
