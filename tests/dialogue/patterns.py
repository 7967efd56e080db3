"""Patterns of one line: literal text with placeholders in braces. Pure; matching never guesses beyond the line.

`{DATE}` is a kind from the table below, `{id:DATE}` also remembers what it matched, `{id}` wants the same again, and a
doubled brace is the brace itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "*": r".*",
        "N": r"[0-9]+",
        "WORD": r"[^ ]+",
        "HEX8": r"[0-9A-F]{8}",
        "HEX16": r"[0-9A-F]{16}",
        "ID": r"[0-9A-F]{16}\.[0-9A-F]{16}\.[0-9A-F]{8}",
        "TIME16": r"[0-9A-F]{16}",
        "PID8": r"[0-9A-F]{8}",
        "DATE": r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}",
        "CTIME": r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} [0-9]{4}",
        "BOUNDARY": r"=_[a-z0-9.]+-[0-9]+-[0-9]+-[0-9]{4}-[0-9]+",
        "TLS": r"TLS1\.[23],[0-9]+bits,[A-Z0-9_]+",
        "BASE64": r"[A-Za-z0-9+/]+={0,2}",
    }
)
"""Kinds of variable text: `*` is anything, ID a message's id, DATE a header's date and CTIME one of the log, TLS a
protocol with its strength and cipher, BOUNDARY what a rewritten multipart message is parted by."""

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*")


class MalformedPattern(ValueError):
    """The text is no pattern; the message says why."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A part of a pattern: a kind, a name, or both."""

    kind: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """A whole line, as literal texts and placeholders in order."""

    source: str
    parts: tuple[str | Placeholder, ...]

    def match(self, line: str, known: Mapping[str, str]) -> dict[str, str] | None:
        """The names known after the line matched, or None if it did not; a name not yet known matches nothing."""
        found = re.fullmatch(self._expression(known), line, re.DOTALL)
        return None if found is None else {**known, **found.groupdict()}

    def _expression(self, known: Mapping[str, str]) -> str:
        return "".join(re.escape(part) if isinstance(part, str) else _group(part, known) for part in self.parts)


def _group(part: Placeholder, known: Mapping[str, str]) -> str:
    if part.kind is None:
        same = known.get(part.name or "")
        return r"(?!)" if same is None else re.escape(same)
    expression = KINDS[part.kind]
    return f"(?P<{part.name}>{expression})" if part.name else f"(?:{expression})"


def literal(text: str) -> Pattern:
    """The pattern that only this text matches."""
    return Pattern(text.replace("{", "{{").replace("}", "}}"), (text,) if text else ())


def parse_pattern(text: str) -> Pattern:
    """Read a pattern.

    Raises MalformedPattern.
    """
    parts: list[str | Placeholder] = []
    end = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[end : token.start()])
        parts.append(_token(token))
        end = token.end()
    parts.append(text[end:])
    pattern = Pattern(text, tuple(part for part in parts if part != ""))
    _refuse_repeated_names(pattern)
    return pattern


def _token(token: re.Match[str]) -> str | Placeholder:
    if token[0] in ("{{", "}}"):
        return token[0][0]
    if token[1] is None:
        raise MalformedPattern(f"a lone {token[0]}: write it twice if it is meant itself")
    first, colon, second = token[1].partition(":")
    if not colon and first in KINDS:
        return Placeholder(first, None)
    if not _NAME.fullmatch(first):
        raise MalformedPattern(f"{{{token[1]}}} is neither a kind ({', '.join(KINDS)}) nor a name in small letters")
    if colon and second not in KINDS:
        raise MalformedPattern(f"{second!r} is not a kind; kinds are {', '.join(KINDS)}")
    return Placeholder(second if colon else None, first)


def _refuse_repeated_names(pattern: Pattern) -> None:
    names = [part.name for part in pattern.parts if isinstance(part, Placeholder) and part.kind and part.name]
    if len(names) != len(set(names)):
        raise MalformedPattern("a name is given twice in one line")
