"""Names of delivery instruction files: `.courier`, `.courier-EXT` and the `-default` files that stand in for them.

Pure: which of them exist is for the caller to find out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from courier_schema.legacy.formats.domains import lower


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may hold the instructions, and the part of the extension that its `default` stands for."""

    name: str
    default: str = ""
    is_default: bool = False


def candidates(extension: str, ending: str = "courier", *, lowercase: bool = False) -> Iterator[Candidate]:
    """The files for an extension in the order in which they are looked for; without one there is just the main file.

    `ending` is the control file `dotextension`. A dot in the extension is a colon in the name, so that no name leads
    out of the directory; a slash, which could too, becomes one as well.
    """
    stem = f".{ending}"
    if not extension:
        yield Candidate(stem)
        return
    folded = lower(extension) if lowercase else extension
    named = folded.replace(".", ":").replace("/", ":")
    yield Candidate(f"{stem}-{named}")
    at = len(named)
    while (at := named.rfind("-", 0, at)) >= 0:
        yield Candidate(f"{stem}-{named[:at]}-default", extension[at + 1 :], is_default=True)
    yield Candidate(f"{stem}-default", extension, is_default=True)
