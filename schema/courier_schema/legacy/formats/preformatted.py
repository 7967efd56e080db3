"""Preformatted settings files: the markers by which an upgrade finds settings again, both directions, byte for byte.

A line `##VERSION:` among the first twenty makes a file preformatted; everything up to it is the header. From there on
each line `##NAME: name:revision` opens a group that lasts until the next one. (sysconftool(7).)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

HEADER_LINES: Final = 20
"""The version line is looked for in so many lines and no further."""

_VERSION: Final = b"##VERSION:"
_NAME: Final = b"##NAME:"
_MARKER: Final = re.compile(rb"##NAME:(.*):([^:\n]*)\n?")
_BLANKS: Final = b" \t"
_NEXT: Final = {
    b"": re.compile(rb"\\.|['\"]|(?<=[ \t])#", re.DOTALL),
    b'"': re.compile(rb'\\.|"', re.DOTALL),
    b"'": re.compile(b"'"),
}
"""What to look for next in a value, by the quote that is open."""


@dataclass(frozen=True, slots=True)
class Group:
    """One marker and the lines after it. Lines keep their ends; the last line of a file may have none."""

    name: bytes
    revision: bytes
    """Compared for equality only; no revision is newer than another."""
    marker: bytes
    lines: tuple[bytes, ...] = field(repr=False)
    line: int
    """Where the marker stands in its file, counted from 1."""


@dataclass(frozen=True, slots=True)
class Preformatted:
    """A preformatted file under the name by which problems cite it."""

    file: str
    header: tuple[bytes, ...]
    """Ends with the version line; empty where there is none."""
    preamble: tuple[bytes, ...]
    """What stands between the header and the first marker."""
    groups: tuple[Group, ...]

    @property
    def version(self) -> bytes:
        """The version line: files with the same one come from the same template."""
        return self.header[-1] if self.header else b""

    def dump(self) -> bytes:
        """The file's content; parse() gives an equal value back."""
        groups = (line for group in self.groups for line in (group.marker, *group.lines))
        return b"".join((*self.header, *self.preamble, *groups))


def parse(source: Source) -> Preformatted | None:
    """The parts of a file; None when it has no version line where one is looked for."""
    lines = lines_of(source.content)
    for number, line in enumerate(lines[:HEADER_LINES], start=1):
        if line.startswith(_VERSION):
            return _divided(source.name, lines, number)
    return None


def parse_without_version(source: Source) -> Preformatted:
    """The parts of a file as its markers alone tell them, with an empty header."""
    return _divided(source.name, lines_of(source.content), 0)


def marker(name: bytes, revision: bytes) -> bytes:
    """The line that opens a group. Raises ValueError where no reader would find that name and revision again."""
    line = b"##NAME: %b:%b\n" % (name, revision)
    if _named(line) != (name, revision):
        raise ValueError(f"no marker can say {name!r} in revision {revision!r}")
    return line


def no_version(source: Source) -> Problem:
    """What to say of a template that is not preformatted."""
    return Problem(
        "preformatted-no-version",
        f"no line among the first {HEADER_LINES} begins with {_VERSION.decode()}",
        "use the template as the release ships it",
        Mark(source.name, 1),
    )


def doubts(template: Preformatted) -> Iterator[Problem]:
    """What makes a template's groups ambiguous: markers out of place or without revision; repeated ones are a note."""
    for number, line in enumerate(template.header, start=1):
        if line.startswith(_NAME):
            yield _doubt(template, number, "early", "this marker stands above the version line", "move it below")
    yield from malformed(template)
    first: dict[bytes, int] = {}
    for group in template.groups:
        if group.name in first:
            says = f"the group {text(group.name)} is already on line {first[group.name]}"
            doubt = _doubt(template, group.line, "repeated", says, "set it in the last one, which a shell reads last")
            yield replace(doubt, severity=Severity.NOTE)
        first.setdefault(group.name, group.line)


def malformed(file: Preformatted) -> Iterator[Problem]:
    """Lines that look like markers and are none, so that what follows belongs to the group before."""
    begin = len(file.header) + 1
    for number, line in enumerate(file.preamble, start=begin):
        if line.startswith(_NAME):
            yield _unrevised(file, number)
    for group in file.groups:
        for number, line in enumerate(group.lines, start=group.line + 1):
            if line.startswith(_NAME):
                yield _unrevised(file, number)


def lines_of(content: bytes) -> list[bytes]:
    """The lines of a file with their ends, which are line feeds and nothing else."""
    *whole, rest = content.split(b"\n")
    return [*(line + b"\n" for line in whole), *filter(None, [rest])]


def is_comment(line: bytes) -> bool:
    """True for a line that an upgrade takes for a comment: # is its very first character."""
    return line.startswith(b"#")


def comments(lines: Sequence[bytes]) -> tuple[bool, ...]:
    """Which lines are comments; a line inside an open quote or after a backslash at a line's end is text of a value.

    Not every format knows quotes: where taking them for such leaves one open at the end, they are letters.
    """
    found, is_open = _comments(lines, quotes=True)
    return tuple(_comments(lines, quotes=False)[0] if is_open else found)


def text(raw: bytes) -> str:
    """Bytes of a file for people to read: UTF-8, with escapes for what is not."""
    return raw.decode("utf-8", "backslashreplace")


def _divided(file: str, lines: Sequence[bytes], header: int) -> Preformatted:
    """The parts of a file whose header has so many lines."""
    named = {number: found for number in range(header, len(lines)) if (found := _named(lines[number]))}
    ends = [*named, len(lines)]
    groups = (
        Group(*named[start], lines[start], tuple(lines[start + 1 : end]), start + 1) for start, end in pairwise(ends)
    )
    return Preformatted(file, tuple(lines[:header]), tuple(lines[header : ends[0]]), tuple(groups))


def _named(line: bytes) -> tuple[bytes, bytes] | None:
    found = _MARKER.fullmatch(line)
    return found and (found[1].translate(None, _BLANKS), found[2].translate(None, _BLANKS))


def _unrevised(file: Preformatted, line: int) -> Problem:
    says = "this marker has no revision, so the lines below belong to the group above"
    return _doubt(file, line, "revision", says, "write ##NAME: name:revision, or begin the comment with a single #")


def _doubt(file: Preformatted, line: int, kind: str, says: str, remedy: str) -> Problem:
    return Problem(f"preformatted-marker-{kind}", says, remedy, Mark(file.file, line))


def _comments(lines: Sequence[bytes], quotes: bool) -> tuple[list[bool], bool]:
    """Which lines are comments, and whether a quote is left open."""
    found: list[bool] = []
    state = b""
    for line in lines:
        found.append(not state and is_comment(line))
        if not found[-1]:
            state = _left_open(line, state.strip(b"\\"), quotes)
    return found, state in (b"'", b'"')


def _left_open(line: bytes, quote: bytes, quotes: bool) -> bytes:
    """What the next line continues: the text of a quote, a line that a backslash ends, or nothing."""
    at = 0
    continued = b""
    while found := _NEXT[quote].search(line, at):
        at, token = found.end(), found[0]
        if token == b"#":
            return b""
        if token == b"\\\n":
            continued = b"\\"
        elif quotes and len(token) == 1:
            quote = b"" if quote else token
    return quote or continued
