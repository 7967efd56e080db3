"""Finds the lines of a block in a message or in the log, and shows where they stop agreeing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dialogue.steps import ANY_LINES, Line
from dialogue.transcript import Row


def match_lines(lines: Sequence[Line], text: Sequence[str], known: Mapping[str, str]) -> dict[str, str] | None:
    """The names known after the whole text matched the lines, or None; `...` stands for as few lines as will do."""
    now = dict(known)
    for place, line in enumerate(lines):
        if line.is_any:
            rest = lines[place + 1 :]
            attempts = (match_lines(rest, text[start:], now) for start in range(place, len(text) + 1))
            return next((matched for matched in attempts if matched is not None), None)
        matched = line.pattern.match(text[place], now) if line.pattern and place < len(text) else None
        if matched is None:
            return None
        now = matched
    return now if len(lines) == len(text) else None


def find_lines(lines: Sequence[Line], text: Sequence[str], known: Mapping[str, str]) -> dict[str, str] | None:
    """The names known after all lines were found in the text in their order, others between them, or None."""
    if not lines:
        return dict(known)
    for start, said in enumerate(text):
        matched = lines[0].pattern.match(said, known) if lines[0].pattern else None
        if matched is not None:
            rest = find_lines(lines[1:], text[start + 1 :], matched)
            if rest is not None or matched == known:  # where nothing new was learnt, no later place does better
                return rest
    return None


def missing(lines: Sequence[Line], text: Sequence[str], known: Mapping[str, str]) -> Iterator[Row]:
    """The lines that were found, the first that was not, and the whole text."""
    agreed = next(count for count in range(len(lines), -1, -1) if find_lines(lines[:count], text, known) is not None)
    for place, line in enumerate(lines[: agreed + 1]):
        script = f"| {line.pattern.source if line.pattern else ANY_LINES}"
        yield Row(line.line, script, "(found)" if place < agreed else "(not in the log after these)", place == agreed)
    for said in text:
        yield Row(0, "", said)


def agreement(lines: Sequence[Line], text: Sequence[str], known: Mapping[str, str]) -> int:
    """How many lines of the block, from its first, some beginning of the text matches."""
    tail = [Line(0, None, is_any=True)]
    fitting = (
        count for count in range(len(lines), 0, -1) if match_lines([*lines[:count], *tail], text, known) is not None
    )
    return next(fitting, 0)


def beside(lines: Sequence[Line], text: Sequence[str], agreed: int = 0) -> Iterator[Row]:
    """Two columns; the first row that does not agree is the mismatch."""
    for place in range(max(len(lines), len(text), agreed + 1)):
        line = lines[place] if place < len(lines) else None
        script = "" if line is None else f"| {ANY_LINES if line.pattern is None else line.pattern.source}"
        happened = text[place] if place < len(text) else "(end)"
        yield Row(line.line if line else 0, script, happened, is_mismatch=place == agreed)
