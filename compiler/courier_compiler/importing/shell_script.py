"""Shell scripts that old installations have for settings files: what they assign, evaluated without running them.

Quotes, comments, continuation lines, `export`, `unset`, several assignments on a line and expansions of variables
that are known, with a plain word as their default, are understood. Whatever only a shell could carry out (commands,
command substitution, conditions, files that are read in) is opaque: it is kept with its place and the names that it
may assign, and never run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_WORDS: Final = re.compile(r"(export|readonly|unset)\b[ \t]*")
_INCLUDE: Final = re.compile(r"(?:\.|source)[ \t]+(\S+)[ \t]*(?=#|;|\n|\Z)")
_EXPANSION: Final = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_DEFAULT: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:?)([-+])([^\s\"'`$\\{}]*)\}")
_OPENING: Final = re.compile(r"(?:^|[;&|]|\b(?:then|do|else)\b)[ \t]*(?:if|case|for|while|until)\b|\{[ \t]*$|\([ \t]*$")
_CLOSING: Final = re.compile(r"(?:^|[;&|])[ \t]*(?:fi|esac|done)\b|^[ \t]*[})]")
_ASSIGNED_IN: Final = re.compile(
    r"(?:^|[;&|(){]|\b(?:then|do|else|export)\b)[ \t]*([A-Za-z_][A-Za-z0-9_]*)=", re.MULTILINE
)
_MARKER: Final = re.compile(r"##(?:NAME|VERSION):")


@dataclass(frozen=True, slots=True)
class Opaque:
    """Text that only a shell could carry out."""

    text: str
    reason: str
    mark: Mark
    names: frozenset[str]
    """Variables whose values it may decide."""


@dataclass(frozen=True, slots=True)
class Script:
    """What a settings file does."""

    values: Mapping[str, str]
    """Name to the value that the last assignment gives it."""
    marks: Mapping[str, Mark]
    comments: Mapping[str, tuple[str, ...]]
    """Comment lines before, or behind, the assignment of a name; those under "" belong to no assignment."""
    includes: tuple[tuple[str, Mark], ...]
    opaque: tuple[Opaque, ...]
    markers: frozenset[str]
    """Names of the groups that a preformatted file has; none in files from before 0.30."""

    @property
    def uncertain(self) -> frozenset[str]:
        """Variables whose values cannot be told."""
        return frozenset(name for part in self.opaque for name in part.names) - self.values.keys()


class _Refused(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Reader:
    source: Source
    text: str
    known: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    comments: dict[str, list[str]] = field(default_factory=dict)
    includes: list[tuple[str, Mark]] = field(default_factory=list)
    opaque: list[Opaque] = field(default_factory=list)
    markers: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)

    def read(self) -> Script:
        at = 0
        while at < len(self.text):
            at = self._statement(at)
        self._settle("")
        return Script(
            self.values,
            self.marks,
            {name: tuple(lines) for name, lines in self.comments.items()},
            tuple(self.includes),
            tuple(self.opaque),
            frozenset(self.markers),
        )

    def _statement(self, at: int) -> int:
        character = self.text[at]
        if character in " \t;\n\r":
            return at + 1
        if character == "#":
            return self._comment(at)
        if include := _INCLUDE.match(self.text, at):
            self.includes.append((include[1], self._mark(at)))
            return include.end()
        return self._assignments(at)

    def _comment(self, at: int) -> int:
        end = self._line_end(at)
        line = self.text[at:end].rstrip("\r")
        if _MARKER.match(line):
            self._settle("")
            name = line.partition(":")[2].strip().partition(":")[0]
            if line.startswith("##NAME:"):
                self.markers.add(name)
        else:
            self.waiting.append(line)
        return end

    def _assignments(self, at: int) -> int:
        """One or several assignments up to the end of the line; what is no assignment is opaque."""
        start, named = at, list[str]()
        verb = _WORDS.match(self.text, at)
        at = verb.end() if verb else at
        try:
            while at < len(self.text) and self.text[at] not in "\n;#":
                name, at = self._one(at, verb[1] if verb else "")
                named.append(name)
                at = self._blanks(at)
        except _Refused as refused:
            return self._refuse(start, refused.reason)
        if named:
            at = self._comment(at) if self.text[at : at + 1] == "#" else at
            self._settle(named[0])
        return at

    def _one(self, at: int, verb: str) -> tuple[str, int]:
        head = _ASSIGNMENT.match(self.text, at)
        if head and verb != "unset":
            value, end = self._word(head.end())
            self.values[head[1]], self.marks[head[1]] = value, self._mark(at)
            return head[1], end
        bare = _NAME.match(self.text, at)
        if not verb or not bare:
            raise _Refused("a command, which is not run")
        if verb == "unset":
            self.values.pop(bare[0], None)
        return bare[0], bare.end()

    def _blanks(self, at: int) -> int:
        while self.text[at : at + 1] in (" ", "\t", "\r"):
            at += 1
        return at

    def _word(self, at: int) -> tuple[str, int]:
        parts: list[str] = []
        while at < len(self.text) and self.text[at] not in " \t\n;\r":
            character = self.text[at]
            if character == "'":
                end = self.text.find("'", at + 1)
                if end < 0:
                    raise _Refused("a quote that is never closed")
                parts.append(self.text[at + 1 : end])
                at = end + 1
            elif character == '"':
                part, at = self._double(at + 1)
                parts.append(part)
            elif character == "\\":
                parts.append(self.text[at + 1 : at + 2].replace("\n", ""))
                at += 2
            elif character in "$`":
                part, at = self._expansion(at)
                parts.append(part)
            elif character in "&|<>()":
                raise _Refused(f"{character}, which is not carried out")
            else:
                parts.append(character)
                at += 1
        return "".join(parts), at

    def _double(self, at: int) -> tuple[str, int]:
        parts: list[str] = []
        while at < len(self.text) and self.text[at] != '"':
            character, following = self.text[at], self.text[at + 1 : at + 2]
            if character in "$`":
                part, at = self._expansion(at)
                parts.append(part)
                continue
            if character == "\\" and following and following in '$`"\\\n':
                parts.append("" if following == "\n" else following)
                at += 2
                continue
            parts.append(character)
            at += 1
        if at >= len(self.text):
            raise _Refused("a quote that is never closed")
        return "".join(parts), at + 1

    def _expansion(self, at: int) -> tuple[str, int]:
        if self.text[at] == "`" or self.text.startswith("$(", at):
            raise _Refused("a command whose output would be the value; it is not run")
        found = _EXPANSION.match(self.text, at)
        if not found and (choice := _DEFAULT.match(self.text, at)):
            return self._choice(choice), choice.end()
        if not found:
            if self.text[at + 1 : at + 2] in ("", " ", '"', "\n"):
                return "$", at + 1
            raise _Refused("an expansion that only a shell could carry out")
        return self._value(found[1] or found[2]), found.end()

    def _value(self, name: str) -> str:
        if name in self.values:
            return self.values[name]
        if name in self.known:
            return self.known[name]
        raise _Refused(f"${name}, which neither this file nor the scripts that read it set")

    def _choice(self, found: re.Match[str]) -> str:
        """A plain word in place of a value, or only where there is none. Whether a name is set counts in this file."""
        name, colon, sign, word = found.groups()
        if not colon and name not in self.values:
            raise _Refused("an expansion that only a shell could carry out")
        value = self._value(name)
        is_there = bool(value) or not colon
        return (word if is_there else "") if sign == "+" else (value if is_there else word)

    def _refuse(self, start: int, reason: str) -> int:
        """Keep a statement, or a whole block, as it is; the place after it."""
        end = self._line_end(start)
        depth = 0
        while True:
            line = self.text[self.text.rfind("\n", 0, end) + 1 if end else 0 : end]
            depth += len(_OPENING.findall(line)) - len(_CLOSING.findall(line))
            if (depth <= 0 and not line.endswith("\\")) or end >= len(self.text):
                break
            end = self._line_end(end + 1)
        text = self.text[start:end]
        names = frozenset(_ASSIGNED_IN.findall(text))
        for name in names:
            self.values.pop(name, None)
        self.opaque.append(Opaque(text, reason, self._mark(start), names))
        self._settle("")
        return end

    def _settle(self, name: str) -> None:
        """The comments before a statement, and the one behind it on its line, are about it."""
        lines, self.waiting = self.waiting, []
        if any(line.strip("# \t") for line in lines):
            self.comments.setdefault(name, []).extend(lines)

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def _mark(self, at: int) -> Mark:
        return Mark(self.source.name, self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at))


def read_script(source: Source, known: Mapping[str, str]) -> Script:
    """What a settings file does where `known` are the variables that its callers have set."""
    return _Reader(source, source.content.decode("utf-8", "surrogateescape"), known).read()
