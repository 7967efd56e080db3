"""Maildir quotas: the file `maildirsize`, which sums up what a maildir holds (maildirquota(7)).

Its first line is the quota, `1000S` bytes, `50C` messages or both; every further line adds bytes and messages. The sum
is made anew from the messages themselves when the file has grown long, when it is negative, or when it says "full" and
is not fresh.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = "maildirsize"
_LONGEST = 5120
_FRESH = 15 * 60
_PART = re.compile(r"([0-9]+)([SC])")
_SIZE = re.compile(r",S=([0-9]+)")
_TRASH = ".Trash"


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits; 0 is none."""

    size: int = 0
    count: int = 0

    @classmethod
    def parse(cls, text: str) -> Quota:
        """Read a quota string; parts that are none do not count."""
        found = {letter: int(number) for number, letter in _PART.findall(text)}
        return cls(found.get("S", 0), found.get("C", 0))

    def __str__(self) -> str:
        parts = [f"{self.size}S"] if self.size else []
        return ",".join(parts + ([f"{self.count}C"] if self.count else []))

    def holds(self, size: int, count: int) -> bool:
        """Whether so much is within the limits."""
        return (not self.size or size <= self.size) and (not self.count or count <= self.count)


def admit(maildir: Path, said: str, size: int) -> bool:
    """Whether a message of this size may come in; if so, it is counted. Without any quota everything may."""
    quota = Quota.parse(said)
    path = maildir / _NAME
    written = _read(path)
    if not quota.size and not quota.count:
        if written is None:
            return True
        quota = written.quota
    if written is None or written.quota != quota or written.is_doubtful:
        written = _count(maildir, quota)
    if not quota.holds(written.size + size, written.count + 1) and not written.is_exact:
        written = _count(maildir, quota)
    if not quota.holds(written.size + size, written.count + 1):
        return False
    with path.open("a") as file:
        file.write(f"{size:12d} {1:12d}\n")
    return True


@dataclass(frozen=True, slots=True)
class _Written:
    quota: Quota
    size: int
    count: int
    is_doubtful: bool
    """Too long, or with a sum that cannot be."""
    is_exact: bool
    """One line of sums, written a short while ago."""


def _read(path: Path) -> _Written | None:
    try:
        text = path.read_text(errors="replace")
        age = time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None
    first, *lines = text.splitlines() or [""]
    sums = [line.split() for line in lines]
    size, count = (sum(int(words[at]) for words in sums if _is_pair(words)) for at in (0, 1))
    is_doubtful = len(text) >= _LONGEST or size < 0 or count < 0
    return _Written(Quota.parse(first), size, count, is_doubtful, len(lines) <= 1 and age < _FRESH)


def _is_pair(words: list[str]) -> bool:
    return len(words) == 2 and all(word.lstrip("-").isdecimal() for word in words)


def _count(maildir: Path, quota: Quota) -> _Written:
    """Add up every message, and write the file anew."""
    sizes = list(_sizes(maildir))
    draft = maildir / "tmp" / f"{time.time_ns()}.{os.getpid()}.{_NAME}"
    draft.write_text(f"{quota}\n{sum(sizes):12d} {len(sizes):12d}\n")
    draft.replace(maildir / _NAME)
    return _Written(quota, sum(sizes), len(sizes), is_doubtful=False, is_exact=True)


def _sizes(maildir: Path) -> Iterator[int]:
    """The sizes of all messages but those in the trash or marked for it."""
    folders = [maildir, *(path for path in maildir.glob(".*") if (path / "maildirfolder").exists())]
    for folder in folders:
        if folder.name == _TRASH:
            continue
        for name in ("new", "cur"):
            for message in (folder / name).glob("*"):
                flags = message.name.rpartition(":2,")[2] if ":2," in message.name else ""
                if "T" in flags or message.name.startswith("."):
                    continue
                said = _SIZE.search(message.name)
                yield int(said[1]) if said else message.stat().st_size
