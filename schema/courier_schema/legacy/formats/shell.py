"""Settings files that a shell reads: literal assignments, both directions.

We write values that mean themselves to every reader: bare words, else double quotes, else single quotes. What we
read is that literal subset with both kinds of quotes and includes; expansions, substitutions and commands are
refused, because only a shell could say what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NoReturn

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_BARE: Final = re.compile(r"[\w./:@%+,=-]+", re.ASCII)
_LIVE_IN_DOUBLE_QUOTES: Final = re.compile(r"[$`\"\\]")
_INCLUDE: Final = re.compile(r"\.[ \t]+(/[\w./-]+)[ \t]*(?=\n|\Z)", re.ASCII)
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)
_BLANKS: Final = re.compile(r"[ \t\n]*(?:#[^\n]*)?")
_REST: Final = re.compile(r"[ \t]*(?:[ \t]#[^\n]*)?(?=\n|\Z)")


@dataclass(frozen=True, slots=True)
class ShellFile:
    """What a settings file assigns, the last assignment of each name, and the files that it reads in."""

    assignments: Mapping[str, str]
    includes: tuple[str, ...]
    marks: Mapping[str, Mark] = field(repr=False)
    """Where each name is assigned."""
    problems: tuple[Problem, ...]


def assign(name: str, value: str) -> str:
    """One assignment, without a line end, that gives the value to every shell and to authdaemond's own reader.

    Raises ValueError where no shell could hold it: for a name that is none, and for a NUL.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a shell variable")
    if "\0" in value:
        raise ValueError("a shell variable holds no NUL")
    return f"{name}={_quoted(value)}"


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    if not _LIVE_IN_DOUBLE_QUOTES.search(value):
        return f'"{value}"'
    return "'" + value.replace("'", "'\\''") + "'"


def parse(source: Source) -> ShellFile:
    """Every assignment of the literal subset; a line outside of it is a Problem and is passed over."""
    text = source.content.decode("utf-8", "surrogateescape")
    assignments: dict[str, str] = {}
    marks: dict[str, Mark] = {}
    includes: list[str] = []
    problems: list[Problem] = []
    at = _next(text, 0)
    while at < len(text):
        try:
            if include := _INCLUDE.match(text, at):
                includes.append(include[1])
                at = include.end()
            else:
                name, value, end = _assignment(text, at)
                assignments[name], marks[name] = value, _mark(source, text, at)
                at = end
        except _NotLiteralError as refused:
            problems.append(refused.problem(_mark(source, text, refused.at)))
            at = _line_end(text, refused.at)
        at = _next(text, at)
    return ShellFile(MappingProxyType(assignments), tuple(includes), MappingProxyType(marks), tuple(problems))


class _NotLiteralError(Exception):
    """Text outside the literal subset, by its place."""

    def __init__(self, at: int, kind: str, says: str, remedy: str) -> None:
        super().__init__(says)
        self.at, self.kind, self.says, self.remedy = at, kind, says, remedy

    def problem(self, mark: Mark) -> Problem:
        return Problem(f"shell-{self.kind}", self.says, self.remedy, mark)


def _next(text: str, at: int) -> int:
    """The next character that is neither blank nor comment."""
    while (end := _end(_BLANKS, text, at)) > at:
        at = end
    return at


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _mark(source: Source, text: str, at: int) -> Mark:
    return Mark(source.name, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _assignment(text: str, at: int) -> tuple[str, str, int]:
    """Name, value and end of the assignment at this place."""
    head = _ASSIGNMENT.match(text, at)
    if not head:
        raise _NotLiteralError(
            at, "command", "this line is not an assignment", "write NAME=value, without blanks around ="
        )
    value, end = _word(text, head.end())
    rest = _REST.match(text, end)
    if not rest:
        raise _NotLiteralError(end, "command", "something follows the value", "put a value with blanks in quotes")
    return head[1], value, rest.end()


def _word(text: str, at: int) -> tuple[str, int]:
    """The value from here on, which pieces of any quoting make up, and its end."""
    parts: list[str] = []
    while at < len(text) and text[at] not in " \t\n":
        if text[at] == "'":
            part, at = _single(text, at)
        elif text[at] == '"':
            part, at = _double(text, at)
        elif text[at] == "\\":
            part, at = text[at + 1 : at + 2].replace("\n", ""), at + 2
        elif text[at] in "$`":
            _refuse_expansion(text, at)
        elif text[at] in ";&|<>()" or (text[at] == "~" and text[at - 1] in "=:"):
            raise _NotLiteralError(
                at, "command", f"{text[at]} has a meaning to the shell here", "put the value in quotes"
            )
        else:
            part, at = text[at], at + 1
        parts.append(part)
    return "".join(parts), at


def _single(text: str, start: int) -> tuple[str, int]:
    end = text.find("'", start + 1)
    if end < 0:
        _refuse_open_quote(start)
    return text[start + 1 : end], end + 1


def _double(text: str, start: int) -> tuple[str, int]:
    parts: list[str] = []
    at = start + 1
    while at < len(text) and text[at] != '"':
        if text[at] in "$`":
            _refuse_expansion(text, at)
        if text[at] == "\\" and text[at + 1 : at + 2] in {"$", "`", '"', "\\", "\n"}:
            at += 1
        parts.append("" if text[at - 1 : at + 1] == "\\\n" else text[at])
        at += 1
    if at >= len(text):
        _refuse_open_quote(start)
    return "".join(parts), at + 1


def _refuse_expansion(text: str, at: int) -> NoReturn:
    says = f"{text[at]} begins an expansion, which only a shell could carry out"
    raise _NotLiteralError(at, "expansion", says, "write the value out, or put it in single quotes")


def _refuse_open_quote(at: int) -> NoReturn:
    raise _NotLiteralError(at, "quote", "this quote is never closed", "close it")
