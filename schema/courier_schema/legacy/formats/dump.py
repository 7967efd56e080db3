r"""Databases as text that people and `diff` can read: one record per line, sorted by the bytes of the key.

A line is key, tab, value. Backslash, tab, newline and carriage return are written `\\`, `\t`, `\n` and
`\r`, every other byte that is not printable ASCII `\xHH` with lower-case digits. Nothing is lost:
`parse` reads back the lines that `dump` yields, joined by newlines, with or without one at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from courier_schema.legacy.formats.records import Records, unique

_NAMED = {ord("\\"): "\\\\", ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}
_ESCAPES = {byte: f"\\x{byte:02x}" for byte in range(256) if not 0x20 <= byte <= 0x7E} | _NAMED
_BYTES = {escape: chr(byte) for byte, escape in _ESCAPES.items()}
_ESCAPE = re.compile(r"\\(?:x..|.)")
_FIELD = r"((?:[ -\[\]-~]|\\[\\tnr]|\\x[0-9a-f]{2})*)"
_LINE = re.compile(rf"{_FIELD}\t{_FIELD}")


def escape(data: bytes) -> str:
    """Bytes as one line of printable ASCII."""
    return data.decode("latin-1").translate(_ESCAPES)


def dump(records: Records) -> Iterator[str]:
    """The records as lines without their newlines. Raises ValueError for a key that occurs twice."""
    for key, value in sorted(unique(records).items()):
        yield f"{escape(key)}\t{escape(value)}"


def parse(text: str) -> dict[bytes, bytes]:
    """The records of a dump. Raises ValueError, naming the line, for text that `dump` cannot have written."""
    records: dict[bytes, bytes] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"line {number} of the dump is not a key, a tab and a value: {line!r}")
        key, value = map(_unescape, match.groups())
        if key in records:
            raise ValueError(f"line {number} of the dump repeats the key {escape(key)!r}")
        records[key] = value
    return records


def _unescape(field: str) -> bytes:
    return _ESCAPE.sub(lambda escape: _BYTES[escape[0]], field).encode("latin-1")
