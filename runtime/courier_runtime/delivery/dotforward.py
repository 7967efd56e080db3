"""`.forward` files of the old kind, turned into delivery instructions as the program dotforward does it.

Pure: files are read by whoever may. There are no comments in such files, and a list may name programs and mailboxes in
quotes beside addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

DEEPEST: Final = 10
"""Files that may include one another."""

_INCLUDE: Final = re.compile(r":include:\s*(.+)", re.IGNORECASE)
_ITEM: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,"]+))\s*(?:,|$)')

Read = Callable[[str], str | None]
"""The text of a file, None if it cannot be read."""


class Unreadable(Exception):
    """A file that is included cannot be read, or too many include one another (exit status 67)."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What a `.forward` file comes to."""

    instructions: str
    """Delivery instructions, a line each."""
    delivers_here_too: bool
    """Whether the account's own address was in it, so that what follows is done as well (exit status 0, not 99)."""


def translate(text: str, read: Read, own: str, seen: Iterable[str]) -> Forwarded:
    """The instructions in a `.forward` file of the account `own`; addresses in `seen` have had the message already.

    Raises Unreadable.
    """
    known = {address.lower() for address in seen}
    lines: list[str] = []
    keeps = False
    for line in _lines(text, read, 0):
        if line.startswith(("|", "/", ".")):
            lines.append(line)
            continue
        addresses: list[str] = []
        for item, is_quoted in _items(line):
            if is_quoted and item.startswith(("|", "/", "./")):
                lines.append(item.removeprefix("./"))
            elif item.lower() == own.lower() or item.lower() == own.partition("@")[0].lower():
                keeps = True
            elif item.lower() not in known:
                addresses.append(item)
        if addresses:
            lines.append("!" + ", ".join(addresses))
    return Forwarded("".join(f"{line}\n" for line in lines), keeps)


def _lines(text: str, read: Read, depth: int) -> Iterator[str]:
    for raw in text.split("\n"):
        line = raw.strip()
        included = _INCLUDE.fullmatch(line)
        if included is None:
            if line:
                yield line
            continue
        found = read(included[1].strip()) if depth < DEEPEST else None
        if found is None:
            raise Unreadable(included[1])
        yield from _lines(found, read, depth + 1)


def _items(line: str) -> Iterator[tuple[str, bool]]:
    for quoted, bare in _ITEM.findall(line):
        text = (quoted or bare).strip()
        if text:
            yield text.removeprefix("\\"), bool(quoted)
