"""Includes: the files that a site names under `include:`, read and merged into one Document.

Pure: the files come through an opener and a glob. A file is merged once, however often it is named; maps merge deep,
and every other value may be given in one place only.
"""

from __future__ import annotations

import posixpath
from glob import escape
from typing import TYPE_CHECKING, Any

from courier_schema.marks import MarkMap
from courier_schema.report import Problem, Severity
from courier_schema.source.document import Document
from courier_schema.source.yaml_tree import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from courier_schema.report import Mark, SitePath

    Opener = Callable[[str], str]
    """The text of the file of that name. Raises `UnreadableFileError`."""
    Glob = Callable[[str], list[str]]
    """Names of the files that match a pattern, in any order."""

KEY = "include"
MAX_CHAIN = 50
"""Files including each other in a row; more are a cycle in disguise, through symbolic links."""


class UnreadableFileError(Exception):
    """Why a file's text cannot be had. Its mark, if any, is a place in that file."""

    def __init__(self, name: str, says: str, remedy: str, mark: Mark | None = None) -> None:
        super().__init__(says)
        self.name = name
        self.says = says
        self.remedy = remedy
        self.mark = mark

    def problem(self, named_at: Mark | None = None) -> Problem:
        return Problem(self.name, self.says, self.remedy, self.mark or named_at)


def read_with_includes(file: str, opener: Opener, glob: Glob) -> Document:
    """The file's Document with everything that it includes. A file that cannot be read is a Problem."""
    reader = _Reader(opener, glob)
    reader.read(posixpath.normpath(file), (), None)
    return reader.document


def _is_pattern(name: str) -> bool:
    return any(character in name for character in "*?[")


class _Reader:
    """Files read so far, merged in the order of reading."""

    def __init__(self, opener: Opener, glob: Glob) -> None:
        self._opener = opener
        self._glob = glob
        self._tree: dict[str, object] = {}
        self._own: set[int] = set()
        self._marks: list[MarkMap] = []
        self._before: MarkMap | None = None
        self._files: dict[str, None] = {}
        self._problems: list[Problem] = []

    @property
    def document(self) -> Document:
        marks = MarkMap.stacked(*self._marks)
        return Document(self._tree, marks, tuple(self._files), tuple(self._problems))

    def read(self, file: str, chain: tuple[str, ...], named_at: Mark | None) -> None:
        """Merge a file, then what it includes; `chain` holds the files that led to it."""
        if file in chain or len(chain) >= MAX_CHAIN:
            return self._problems.append(_cycle((*chain, file), named_at))
        if file in self._files:
            return None
        self._files[file] = None
        try:
            part = parse_yaml(self._opener(file), file)
        except UnreadableFileError as trouble:
            return self._problems.append(trouble.problem(named_at))
        self._merge(part)
        for name, mark in self._named(part):
            for found in self._matches(file, name, mark):
                self.read(found, (*chain, file), mark)
        return None

    def _named(self, part: Document) -> Iterator[tuple[str, Mark | None]]:
        names = part.tree.get(KEY, [])
        if not isinstance(names, list):
            return self._refuse_list(part.marks.value_mark((KEY,)))
        for position, name in enumerate(names):
            mark = part.marks.mark((KEY, position))
            if isinstance(name, str) and name and "\0" not in name:
                yield name, mark
            else:
                self._refuse_list(mark)

    def _refuse_list(self, mark: Mark | None) -> None:
        remedy = 'write `include: ["domains/*.yaml", other.yaml]`'
        self._problems.append(Problem("include-not-a-list", "include is a list of file names", remedy, mark, (KEY,)))

    def _matches(self, file: str, name: str, mark: Mark | None) -> list[str]:
        """The files meant by a name: itself, or all that match the pattern but the including file itself."""
        folder = posixpath.dirname(file)
        if not _is_pattern(name):
            return [posixpath.normpath(posixpath.join(folder, name))]
        found = sorted(posixpath.normpath(match) for match in self._glob(posixpath.join(escape(folder), name)))
        if not found:
            says = f"no file matches {posixpath.join(folder, name)}"
            remedy = "correct the pattern, or remove it"
            self._problems.append(Problem("include-matches-nothing", says, remedy, mark, (KEY,), Severity.WARNING))
        return [match for match in found if match != file]

    def _merge(self, part: Document) -> None:
        self._problems.extend(part.problems)
        self._before = None
        self._marks.append(part.marks)
        sections = {key: value for key, value in part.tree.items() if key != KEY}
        if len(self._marks) == 1:
            self._tree = sections
            self._own.add(id(sections))
        else:
            self._merge_into(self._tree, sections, ())

    def _merge_into(self, target: dict[str, object], source: dict[str, Any], path: SitePath) -> None:
        for key, value in source.items():
            if key not in target:
                target[key] = value
                continue
            known = target[key]
            if isinstance(known, dict) and isinstance(value, dict):
                self._merge_into(self._owned(target, key, known), value, (*path, key))
            else:
                self._refuse_value((*path, key))

    def _owned(self, parent: dict[str, object], key: str, known: dict[str, object]) -> dict[str, object]:
        """The map under `key`, copied once: trees as read must stay as they are, for their marks."""
        if id(known) in self._own:
            return known
        copy = parent[key] = dict(known)
        self._own.add(id(copy))
        return copy

    def _refuse_value(self, path: SitePath) -> None:
        """Two files give one value; the files read before this one know the first place."""
        here = self._marks[-1].mark(path)
        if self._before is None:
            self._before = MarkMap.stacked(*self._marks[:-1])
        there = self._before.mark(path)
        says = f"{'.'.join(map(str, path))} is given here and at {there}"
        remedy = "keep one of the two; only maps merge across files"
        self._problems.append(Problem("conflicting-values", says, remedy, here, path))


def _cycle(chain: tuple[str, ...], mark: Mark | None) -> Problem:
    shown = chain if len(chain) <= MAX_CHAIN else (*chain[:3], "…", chain[-1])
    says = f"files include each other in a circle: {' → '.join(shown)}"
    return Problem("include-cycle", says, "remove one of the includes", mark, (KEY,))
