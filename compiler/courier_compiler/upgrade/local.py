"""Local lines: what in a settings file is the administrator's own, and how a result shows it.

Own are all lines that set something, and all comments that no template brought and no upgrade inserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from courier_schema.legacy.formats.preformatted import Preformatted, comments, is_comment

_DEFAULT: Final = b"# DEFAULT SETTING from "
_PREVIOUS: Final = b"# Previous setting ("
_VERSION: Final = b"##VERSION:"
_KEPT: Final = b"; kept by courier-compile upgrade"


@dataclass(frozen=True, slots=True)
class Stock:
    """Comments that came with templates, defaults that an upgrade commented out included."""

    comments: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, *templates: Preformatted | None) -> Stock:
        lines = [line for template in templates if template for line in _all_lines(template)]
        return cls(frozenset(line if is_comment(line) else b"#" + line for line in lines))

    def local_lines(self, lines: Sequence[bytes]) -> tuple[bytes, ...]:
        """The administrator's own of these lines, in their order."""
        own: list[bytes] = []
        for is_run, run in groupby(zip(comments(lines), lines, strict=True), key=lambda pair: pair[0]):
            texts = [line for _, line in run]
            own += self._own_comments(texts) if is_run else texts
        return tuple(own)

    def _own_comments(self, run: Iterable[bytes]) -> Iterator[bytes]:
        """The own comments of a run of them; empty ones only between two of its own."""
        waiting: list[bytes] = []
        is_previous = begun = False
        for line in run:
            is_previous = is_previous or (line.startswith(_PREVIOUS) and not self._is_stock(line))
            if _is_empty(line):
                waiting = [*waiting, line] if is_previous else [line]
            elif is_previous or not self._is_stock(line):
                yield from waiting if begun else ()
                yield line
                waiting, begun = [], True

    def _is_stock(self, line: bytes) -> bool:
        is_inserted = line.startswith((_DEFAULT, _VERSION)) or is_kept_heading(line)
        return is_inserted or line in self.comments


def values(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """The lines that set something, without the blank ones around them."""
    return stripped([line for line, is_said in zip(lines, comments(lines), strict=True) if not is_said])


def only_comments(lines: Sequence[bytes]) -> list[bytes]:
    return [line for line, is_said in zip(lines, comments(lines), strict=True) if is_said]


def stripped(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """The lines without the blank ones at both ends."""
    full = [number for number, line in enumerate(lines) if not is_blank(line)]
    return tuple(lines[full[0] : full[-1] + 1]) if full else ()


def is_blank(line: bytes) -> bool:
    return not line.strip()


def set_off(lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """The lines with an empty comment before a comment that they begin with."""
    return (b"#\n", *lines) if lines and is_comment(lines[0]) else tuple(lines)


def joined(*runs: Sequence[bytes]) -> tuple[bytes, ...]:
    """Runs of lines, an empty comment before each that begins with one and is not the first."""
    first, *others = [run for run in runs if run] or [()]
    return (*first, *(line for run in others for line in set_off(run)))


def with_comments(lines: Sequence[bytes], own: Sequence[bytes]) -> tuple[bytes, ...]:
    """A template's lines with more comments before the first that is none."""
    at = next((number for number, is_said in enumerate(comments(lines)) if not is_said), len(lines))
    return (*lines[:at], *set_off(own), *lines[at:])


def commented_out(lines: Sequence[bytes], file: str) -> Iterator[bytes]:
    """A template's lines as comments; what sets something stands under a heading that names the template."""
    if not values(lines):
        yield from filter(is_comment, lines)
        return
    at = next(number for number, line in enumerate(lines) if not is_comment(line))
    yield from lines[:at]
    yield from (b"#\n", b"%b%b:\n" % (_DEFAULT, _encoded(file)))
    yield from (line if is_comment(line) else b"#" + line for line in lines[at:])


def previous(revision: str, lines: Sequence[bytes]) -> tuple[bytes, ...]:
    """Comments that show what an earlier revision of a group set."""
    shown = [b"# " + line for line in lines] or [b"# (nothing was set)\n"]
    return (b"%brevision %b):\n" % (_PREVIOUS, revision.encode()), b"#\n", *shown)


def kept(says: str) -> bytes:
    """The comment at the head of a group that only the old file has."""
    return b"# %b%b.\n" % (_encoded(says), _KEPT)


def is_kept_heading(line: bytes) -> bool:
    return is_comment(line) and _KEPT in line


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _is_empty(line: bytes) -> bool:
    return line.strip() == b"#"


def _all_lines(template: Preformatted) -> Iterator[bytes]:
    yield from template.header
    yield from template.preamble
    for group in template.groups:
        yield from group.lines
