"""Spelling: what stands in files of any content, as text on one line that any terminal and any program bears."""

from __future__ import annotations

from typing import Final

_LONGEST: Final = 120
"""Characters of a value in a sentence; data for programs hold it whole."""


def readable(data: bytes) -> str:
    """Bytes as UTF-8 where they are that and print, as escapes elsewhere."""
    return printable(data.decode("utf-8", "backslashreplace"))


def printable(text: str) -> str:
    """A text with escapes for what does not print, bytes that are not UTF-8 among that."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte, as surrogateescape carries it
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def short(text: str) -> str:
    """A text of bounded length."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
