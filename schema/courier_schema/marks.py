"""Marks: where every value of a site stands, kept as eight bytes a place and looked up by path.

A file's places are one flat array in the order of its text. A mapping entry takes a slot for its key and then its
value's slots, a list element its value's slots; a scalar takes one slot, a container two: its place with the
`CONTAINER` bit, and the number of slots of its children, which follow. Keys are not repeated: the tree that was read
along with the places knows them, so a tree with marks is read only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from courier_schema.report import Mark

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator

    from courier_schema.report import SitePath

LINE_SHIFT = 32
"""A slot is `line << LINE_SHIFT | column`, both counted from 0."""
CONTAINER = 1 << 63
"""The bit of a slot that says: the next slot counts the slots of my children."""

_COLUMN_BITS = (1 << LINE_SHIFT) - 1
_WALKED = 16
"""Containers of up to so many children are walked at every lookup, larger ones get an index."""


class FileMarks:
    """The places of one file, and indexes of its large containers, each made at the first lookup in it."""

    __slots__ = ("_indexes", "file", "slots")

    def __init__(self, file: str, slots: array[int]) -> None:
        self.file = file
        self.slots = slots
        self._indexes: dict[int, dict[str, int] | list[int]] = {}

    def mark(self, slot: int) -> Mark:
        place = self.slots[slot] & ~CONTAINER
        return Mark(self.file, (place >> LINE_SHIFT) + 1, (place & _COLUMN_BITS) + 1)

    def children(self, slot: int, count: int, width: int) -> Iterator[int]:
        """Slots of the values of `count` children of the container at `slot`; `width` is 1 where keys precede."""
        slots = self.slots
        at = slot + 2 + width
        for _ in range(count):
            yield at
            at += width + (1 if slots[at] < CONTAINER else 2 + slots[at + 1])

    def entry(self, slot: int, mapping: dict[str, object], key: str) -> int:
        """Slot of the value under `key`, which `mapping`, standing at `slot`, must have."""
        values = self.children(slot, len(mapping), 1)
        if len(mapping) <= _WALKED:
            return next(value for name, value in zip(mapping, values, strict=True) if name == key)
        index = self._indexes.get(slot)
        if not isinstance(index, dict):
            index = self._indexes[slot] = dict(zip(mapping, values, strict=True))
        return index[key]

    def element(self, slot: int, length: int, position: int) -> int:
        """Slot of the element at `position` of the list of `length` elements standing at `slot`."""
        if self.slots[slot + 1] == length:  # nothing but scalars
            return slot + 2 + position
        values = self.children(slot, length, 0)
        if length <= _WALKED:
            return next(value for index, value in enumerate(values) if index == position)
        elements = self._indexes.get(slot)
        if not isinstance(elements, list):
            elements = self._indexes[slot] = list(values)
        return elements[position]


class _Cursor(NamedTuple):
    """One value of one file."""

    marks: FileMarks
    slot: int
    value: object

    def child(self, step: str | int) -> _Cursor | None:
        marks, slot, value = self
        if isinstance(value, dict):
            if isinstance(step, str) and step in value:
                return _Cursor(marks, marks.entry(slot, value, step), value[step])
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            return _Cursor(marks, marks.element(slot, len(value), step), value[step])
        return None


class _Place:
    """One value of the whole site: where files meet in a mapping, several cursors, first things first."""

    __slots__ = ("_shared", "cursors", "is_entry")

    def __init__(self, cursors: tuple[_Cursor, ...], is_entry: bool = False) -> None:
        self.cursors = cursors
        self.is_entry = is_entry
        self._shared: dict[str, _Place] | None = None

    def child(self, step: str | int) -> _Place | None:
        if len(self.cursors) == 1:
            only = self.cursors[0]
            found = only.child(step)
            return found and _Place((found,), isinstance(only.value, dict))
        if self._shared is None:
            self._shared = dict(_shared_entries(self.cursors))
        return self._shared.get(step) if isinstance(step, str) else None

    @property
    def mark(self) -> Mark:
        marks, slot, _ = self.cursors[0]
        return marks.mark(slot - self.is_entry)

    @property
    def value_mark(self) -> Mark:
        marks, slot, _ = self.cursors[0]
        return marks.mark(slot)


def _shared_entries(mappings: tuple[_Cursor, ...]) -> Iterator[tuple[str, _Place]]:
    """Entries of mappings that act as one. The first to have a key decides; mappings under one key join.

    What is no mapping has no entries: a host that says nothing of its own, a file that should be a map and is a list.
    """
    entries: dict[str, list[_Cursor]] = {}
    for marks, slot, mapping in mappings:
        if not isinstance(mapping, dict):
            continue
        values = marks.children(slot, len(mapping), 1)
        for (key, value), at in zip(mapping.items(), values, strict=True):
            cursors = entries.setdefault(key, [])
            if not cursors or (isinstance(value, dict) and isinstance(cursors[0].value, dict)):
                cursors.append(_Cursor(marks, at, value))
    for key, cursors in entries.items():
        yield key, _Place(tuple(cursors), is_entry=True)


class MarkMap:
    """From a path to the mark of its key or value, over one or several files. Never changes."""

    __slots__ = ("_root",)

    def __init__(self, root: _Place | None = None) -> None:
        self._root = root

    @classmethod
    def of_file(cls, marks: FileMarks, tree: object) -> Self:
        """Marks of the tree read from one file; `tree` must stay as it was read."""
        return cls(_Place((_Cursor(marks, 0, tree),)))

    def mark(self, path: SitePath) -> Mark | None:
        """The place people look for: the key of a mapping entry, the element of a list, else the nearest ancestor's.

        None only in a map without files.
        """
        place = self._nearest(path)
        return place.mark if place else None

    def value_mark(self, path: SitePath) -> Mark | None:
        """The place where the value at `path`, or at its nearest ancestor, begins."""
        place = self._nearest(path)
        return place.value_mark if place else None

    def under(self, path: SitePath) -> MarkMap:
        """Marks of the subtree at `path`; a map without files where the site has no such path."""
        place = self._root
        for step in path:
            place = place and place.child(step)
        return MarkMap(place and _Place(place.cursors))

    @classmethod
    def stacked(cls, *maps: MarkMap) -> Self:
        """Marks of mappings merged into one: what several have stands where the first of them has it."""
        roots = [marks._root for marks in maps if marks._root]
        cursors = tuple(cursor for root in roots for cursor in root.cursors)
        return cls(_Place(cursors) if cursors else None)

    def _nearest(self, path: SitePath) -> _Place | None:
        place = self._root
        for step in path:
            child = place and place.child(step)
            if child is None:
                return place
            place = child
        return place
