"""Shipped: which comments and whole files of an installation are Courier's own and not its administrator's.

Known by their hashes alone, because the texts themselves belong to Courier: those of Courier 1.0.16 as Debian ships
it. A line or file that is not known counts as the administrator's.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import Final

_DIGITS: Final = 8
_MARKS: Final = re.compile(r"^[#\s]+|\s+$")


def line_hash(line: str) -> str:
    """The hash of a comment, however it is indented and spaced."""
    return hashlib.sha256(" ".join(_MARKS.sub("", line).split()).encode(errors="replace")).hexdigest()[:_DIGITS]


def file_hash(content: bytes) -> str:
    """The hash of a whole file, however it ends."""
    return hashlib.sha256(content.rstrip(b"\n")).hexdigest()[: 2 * _DIGITS]


@cache
def _known() -> frozenset[str]:
    return frozenset(files("courier_compiler.importing").joinpath("shipped.txt").read_text("ascii").split())


def is_shipped(content: bytes) -> bool:
    """Whether a file is as Courier ships it."""
    return file_hash(content) in _known()


def own_comments(lines: tuple[str, ...]) -> list[str]:
    """The comments that Courier does not ship, with rulers and commented-out copyright lines left out."""
    return [line for line in lines if _MARKS.sub("", line) and line_hash(line) not in _known()]
