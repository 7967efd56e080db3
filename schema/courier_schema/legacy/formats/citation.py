"""Bytes of a source as a sentence cites them: in backquotes, readable, on one line, of bounded length."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 80
"""Characters of a citation; what is longer ends in three dots."""


def cite(text: bytes) -> str:
    """The text in backquotes. Bytes that are not UTF-8 and characters that do not print become escapes."""
    readable = text.decode("utf-8", "backslashreplace")
    if not readable.isprintable():
        readable = "".join(map(_printable, readable))
    return f"`{readable[: LONGEST - 3]}...`" if len(readable) > LONGEST else f"`{readable}`"


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
