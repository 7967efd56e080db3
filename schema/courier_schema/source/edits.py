"""Edits: single scalars of a YAML text replaced, and a first key added; every other character stays as it was.

Places come from libyaml's own marks, so comments, order, quotes, indentation and line ends are kept without being
understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from _ruamel_yaml import CParser, MappingStartEvent, ScalarEvent, StreamEndEvent

from courier_schema.report import Mark

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """One scalar that is written otherwise. `old` is its text, quotes included; empty where a key is added."""

    mark: Mark
    old: str
    new: str

    def __str__(self) -> str:
        if not self.old:
            return f"{self.mark}: {self.new.strip().removesuffix(',')} is added"
        return f"{self.mark}: {self.old} becomes {self.new}"


@dataclass(frozen=True, slots=True)
class Scalars:
    """Where the scalars of one file stand; its text must be free of syntax errors."""

    text: str
    spans: Mapping[tuple[int, int], tuple[int, int]]
    """Line and column, both counted from 1, to the first character and the one behind the last."""

    @classmethod
    def of(cls, text: str) -> Scalars:
        return cls(text, dict(_spans(text)))

    def at(self, mark: Mark) -> str | None:
        """The text of the scalar that begins at a place; None where none does."""
        span = self.spans.get((mark.line, mark.column))
        return self.text[slice(*span)] if span else None

    def edited(self, edits: Iterable[Edit]) -> str:
        """The text after the edits, all of which belong to this file. KeyError where no scalar begins."""
        text = self.text
        for start, end, new in sorted(((*self._span(edit), edit.new) for edit in edits), reverse=True):
            text = f"{text[:start]}{new}{text[end:]}"
        return text

    def _span(self, edit: Edit) -> tuple[int, int]:
        start, end = self.spans[edit.mark.line, edit.mark.column]
        return (start, end) if edit.old else (start, start)


def first_key(text: str, file: str, entry: str) -> Edit:
    """The edit that adds `entry` in front of the first key of a file's map, on a line of its own if there are lines."""
    flow = False
    for event in _events(text):
        if isinstance(event, MappingStartEvent):
            flow = event.flow_style
        elif isinstance(event, ScalarEvent):
            mark = Mark(file, event.start_mark.line + 1, event.start_mark.column + 1)
            return Edit(mark, "", f"{entry}, " if flow else f"{entry}{_line_end(text)}{' ' * event.start_mark.column}")
    raise ValueError(f"{file} has no key")


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _spans(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    shift = len(text) - len(text.removeprefix(_BOM))
    for event in _events(text):
        if isinstance(event, ScalarEvent):
            start, end = event.start_mark, event.end_mark
            yield (start.line + 1, start.column + 1), (start.index + shift, end.index + shift)


def _events(text: str) -> Iterator[Any]:
    parser = CParser(text.removeprefix(_BOM))
    while not isinstance(event := parser.get_event(), StreamEndEvent):
        yield event
