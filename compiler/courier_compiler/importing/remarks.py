"""Remarks: the comments of old files, each with the file that it stands in.

Readers give the comments that belong to an entry; `lines_of` gives all that a file has, whether an entry follows them
or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from courier_schema.legacy.formats.source import Source


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment. `file` is the name that marks give its file; words of ours have none."""

    file: str
    text: str


Grammar = Callable[[list[str]], Iterator[str]]
"""What no program reads, in the lines of a file of one kind."""


def lines_of(source: Source, grammar: Grammar) -> list[Remark]:
    """Everything in a file that is there for people alone, in its order."""
    lines = source.content.decode(errors="surrogateescape").split("\n")
    return [Remark(source.name, text) for text in grammar(lines)]


def anywhere(lines: list[str]) -> Iterator[str]:
    """A number sign begins a comment wherever it stands, as in lists, aliases, routes and bofh."""
    for line in lines:
        _, sign, comment = line.partition("#")
        if sign:
            yield comment


def at_the_start(lines: list[str]) -> Iterator[str]:
    """A number sign begins a comment at the start of a line only, as in the sources of databases."""
    return (line for line in lines if line.startswith("#"))


def at_the_start_or_indented(lines: list[str]) -> Iterator[str]:
    """As in the domains of webmail, where a blank at the start of a line makes a comment of it, too."""
    return (line for line in lines if line[:1] in ("#", " ", "\t"))


def behind_the_first(lines: list[str]) -> Iterator[str]:
    """What follows the first line, the only one that is read of most control files."""
    return iter(lines[1:])


def everything(lines: list[str]) -> Iterator[str]:
    """The text of a file whose existence is the message."""
    return iter(lines)


def behind_a_login(lines: list[str]) -> Iterator[str]:
    """What follows relay, user and password, and lines that are none of the kind."""
    for line in lines:
        words = line.split()
        is_login = len(words) >= _LOGIN and not words[0].startswith("#")
        yield " ".join(words[_LOGIN:]) if is_login else line


_LOGIN: Final = 3
"""Words of a login at another server."""
