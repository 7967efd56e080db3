"""Alias definitions as they were read: names, recipients and places, ready to be expanded or walked.

Made for a million of them: names and lists are kept as the bytes that the database will hold, places as
numbers, and objects are made only of what is looked at.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from courier_schema.legacy.formats.aliases.records import split
from courier_schema.report import Mark, Problem

_LINE_BITS: Final = 40


@dataclass(frozen=True, slots=True)
class Definition:
    """One definition: a normalised name and its recipients, in order and with their repetitions."""

    name: str
    recipients: tuple[str, ...]
    mark: Mark


@dataclass(slots=True, eq=False)
class Definitions:
    """What a set of sources defines. Grows while it is read; a name may be defined more than once."""

    files: Sequence[str]
    first: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    """Name -> list of its first definition, each recipient followed by a newline; may be empty."""
    places: array[int] = field(default_factory=lambda: array("Q"), repr=False)
    """Where these definitions stand, in their order, as `place` makes them."""
    later: dict[bytes, list[tuple[int, bytes]]] = field(default_factory=dict, repr=False)
    """Name -> place and list of its further definitions."""
    programs: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    """File name below the program alias directory -> delivery instructions."""
    problems: list[Problem] = field(default_factory=list, repr=False)

    def add(self, name: bytes, recipients: bytes, place: int) -> None:
        """Note a definition; places must come in ascending order."""
        if name in self.first:
            self.later.setdefault(name, []).append((place, recipients))
        else:
            self.first[name] = recipients
            self.places.append(place)

    def __len__(self) -> int:
        """How many names are defined."""
        return len(self.first)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _bytes(name) in self.first

    def __iter__(self) -> Iterator[Definition]:
        """Every definition in source order."""
        for place, name, recipients in self.entries():
            yield Definition(_text(name), tuple(map(_text, split(recipients))), self.mark(place))

    def recipients(self, name: str) -> tuple[str, ...]:
        """All recipients of a name over all its definitions. Raises KeyError for an unknown name."""
        return tuple(map(_text, split(self.whole(_bytes(name)))))

    def entries(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Place, name and list of every definition in source order."""
        firsts = zip(self.places, self.first, self.first.values(), strict=True)
        if not self.later:
            return firsts
        laters = ((place, name, more) for name, lists in self.later.items() for place, more in lists)
        return iter(sorted([*firsts, *laters]))

    def whole(self, name: bytes) -> bytes:
        """The list of a name over all its definitions."""
        if name not in self.later:
            return self.first[name]
        return self.first[name] + b"".join(recipients for _, recipients in self.later[name])

    def mark(self, place: int) -> Mark:
        """The file and line of a place."""
        file, line = divmod(place, 1 << _LINE_BITS)
        return Mark(self.files[file], line)


def place(file: int, line: int) -> int:
    """A place as one number: the file's position among the sources and the line, counted from 1."""
    return file << _LINE_BITS | line


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _text(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
