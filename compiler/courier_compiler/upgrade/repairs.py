"""Repairs: what Courier's own upgrade tool would lose of a file and a careful upgrade keeps, each with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from courier_compiler.upgrade import local
from courier_compiler.upgrade.local import Stock
from courier_schema.legacy.formats.preformatted import HEADER_LINES, Group, Preformatted, is_comment, malformed, text
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

_ASSIGNMENT: Final = re.compile(rb"[ \t]*([A-Za-z_]\w*)=")
_NO_NAMES: Final = (b"", b"0")
_NOTHING_TO_DO: Final = "leave it so, or tidy it up"


def of_text(template: Source, old: Source) -> Iterator[Problem]:
    """What is unusual about an old file's line ends."""
    if b"\r\n" in old.content and b"\r\n" not in template.content:
        line = old.content[: old.content.index(b"\r\n")].count(b"\n") + 1
        says = "lines end in carriage return and line feed; they end as the template's do now"
        yield _note("upgrade-line-ends", says, old.name, line, "look for the program that writes such files")
    if old.content and not old.content.endswith(b"\n"):
        line = old.content.count(b"\n") + 1
        yield _note("upgrade-last-line", "the last line had no end; it has one now", old.name, line)


def unmarked(old: Source) -> Problem:
    """What to say of an old file that is not preformatted."""
    says = "the file has no version line, so nothing tells which settings are yours; all of its text is kept"
    remedy = "move what still applies to the groups of the new file, and remove the rest"
    return Problem("upgrade-no-markers", says, remedy, Mark(old.name, 1), severity=Severity.WARNING)


def of_groups(template: Preformatted, old: Preformatted, stock: Stock) -> Iterator[Problem]:
    """What an old file holds outside of groups, beside their values, and in groups of unusual names or numbers."""
    if not old.version:
        says = f"no version line is among the first {HEADER_LINES}; the markers are believed all the same"
        yield _note("upgrade-no-version", says, old.file, 1)
    yield from (replace(problem, severity=Severity.WARNING) for problem in malformed(old))
    yield from _outside(old, stock)
    wanted = Counter(group.name for group in template.groups)
    seen: Counter[bytes] = Counter()
    for group in old.groups:
        seen[group.name] += 1
        if group.name in wanted:
            yield from _of_group(old.file, group, seen[group.name] > wanted[group.name], stock)


def overruled(template: Preformatted, old: Preformatted, defaults: set[str]) -> Iterator[Problem]:
    """Own variables that a template's default further below sets again; `defaults` are the groups in force as shipped.

    Only for files that a shell reads: elsewhere a setting is no assignment.
    """
    places = {group.name: number for number, group in enumerate(template.groups, start=1)}
    sets = {
        name: group
        for group in template.groups
        if text(group.name) in defaults
        for name in _assigned(local.values(group.lines))
    }
    shipped = {group.name: _assigned(group.lines) for group in template.groups}
    for place, line, own in _own_variables(old, places):
        for name in own.keys() - shipped.get(place, {}).keys():
            default = sets.get(name)
            if default and places.get(place, 0) < places[default.name]:
                yield _overruled(old.file, line + own[name], text(name), text(default.name))


def _own_variables(old: Preformatted, places: Mapping[bytes, int]) -> Iterator[tuple[bytes, int, dict[bytes, int]]]:
    """Group (none for the preamble), first line, and what is assigned how many lines further down."""
    yield b"", len(old.header) + 1, _assigned(old.preamble)
    for group in old.groups:
        if group.name in places:
            yield group.name, group.line + 1, _assigned(group.lines)


def _assigned(lines: Sequence[bytes]) -> dict[bytes, int]:
    """Shell variables by the number of the line that assigns them, counted from 0."""
    return {found[1]: number for number, line in enumerate(lines) if (found := _ASSIGNMENT.match(line))}


def _overruled(file: str, line: int, variable: str, group: str) -> Problem:
    says = f"{variable} is set here, but the new default of the group {group} comes later and counts"
    remedy = f"move your line to the group {group}"
    return Problem("upgrade-overruled", says, remedy, Mark(file, line), severity=Severity.WARNING)


def _outside(parsed: Preformatted, stock: Stock) -> Iterator[Problem]:
    lines = (*parsed.header[:-1], *parsed.preamble)
    own = local.stripped(stock.local_lines(lines))
    if own:
        at = lines.index(own[0])
        line = at + 1 + (at + 1 >= len(parsed.header) > 0)  # the version line is not among them
        says = f"{_lines(len(own))} above the first marker {_are(len(own))} kept there"
        yield _note("upgrade-outside-groups", says, parsed.file, line, "move settings to a group, so that they count")


def _of_group(file: str, group: Group, is_repeated: bool, stock: Stock) -> Iterator[Problem]:
    name = text(group.name)
    if is_repeated:
        says = f"the group {name} is there once more; its lines count together"
        yield _note("upgrade-repeated-group", says, file, group.line)
    if group.name in _NO_NAMES:
        says = f"a group called {name!r} is carried over, although Courier's own tool never does so"
        yield _note("upgrade-group-name", says, file, group.line)
    own = local.only_comments(stock.local_lines(group.lines))
    if own:
        says = f"{_lines(len(own))} of comment in the group {name} {_are(len(own))} not from the template and kept"
        yield _note("upgrade-comments", says, file, _line(group, own[0]))
    continued = _continued(group)
    if continued:
        says = f"the value of {name} goes on after a comment; all of it is carried over"
        yield _note("upgrade-divided-value", says, file, continued)


def _continued(group: Group) -> int:
    """The first line of a value behind a comment inside it; 0 if there is none."""
    has_value = is_interrupted = False
    for number, line in enumerate(group.lines, start=group.line + 1):
        if is_comment(line):
            is_interrupted = has_value
        elif is_interrupted and not local.is_blank(line):
            return number
        else:
            has_value = has_value or not local.is_blank(line)
    return 0


def _line(group: Group, line: bytes) -> int:
    return group.line + 1 + group.lines.index(line)


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _note(identifier: str, says: str, file: str, line: int, remedy: str = _NOTHING_TO_DO) -> Problem:
    return Problem(identifier, says, remedy, Mark(file, line), severity=Severity.NOTE)
