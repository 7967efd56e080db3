"""SMTP replies: a code and lines of text, and how they are spelt on the wire (RFC 5321, 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

_CODED: Final = re.compile(r"([2-5][0-9]{2})(?:[ -]|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers."""

    code: int
    lines: tuple[str, ...]
    """Text without code and line end; at least one line, which may be empty."""

    @classmethod
    def of(cls, code: int, text: str) -> Self:
        """A reply of this text, a line of the reply for each of its lines."""
        return cls(code, tuple(text.split("\n")))

    @classmethod
    def coded(cls, text: str, default: int) -> Self:
        """Text of an administrator or a filter, which may begin its lines with a code of its own."""
        lines = text.rstrip("\r\n").split("\n")
        found = _CODED.match(lines[0])
        if found is None:
            return cls(default, tuple(lines))
        return cls(int(found[1]), tuple(line[4:] if _CODED.match(line) else line for line in lines))

    @property
    def is_permanent(self) -> bool:
        """5xx: trying again is of no use."""
        return self.code >= 500

    @property
    def is_refusal(self) -> bool:
        """4xx or 5xx."""
        return self.code >= 400

    @property
    def text(self) -> str:
        """All lines with their codes, as logs and notices show them."""
        *others, last = self.lines
        return "\n".join((*(f"{self.code}-{line}" for line in others), f"{self.code} {last}"))

    def encode(self) -> bytes:
        """The bytes for the wire. Undecodable bytes that were read as surrogates go out as they came."""
        return (self.text.replace("\n", "\r\n") + "\r\n").encode(errors="surrogateescape")
