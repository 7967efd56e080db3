"""Control files of one value: the first line, as it stands, and at most 255 bytes of it."""

from __future__ import annotations

from courier_schema.legacy.formats.domains import ONE_LINE_LIMIT, first_line
from courier_schema.legacy.formats.source import Source


def dump(value: str) -> bytes:
    """The whole file. Raises ValueError for a value that the reader would cut."""
    line = value.encode()
    if b"\n" in line or b"\0" in line or len(line) > ONE_LINE_LIMIT:
        raise ValueError(f"a control file holds one line of {ONE_LINE_LIMIT} bytes at most")
    return line + b"\n"


def parse(source: Source) -> str:
    """The value: blanks and a carriage return at its end belong to it."""
    return first_line(source.content)
