"""Inputs: the files that a compile opened or looked for, and whether they are still what they were.

The interpreter's audit events name them, so no reader of files has to report what it reads, and none is forgotten:
the site, its includes and patterns, secrets, certificates; also those that were looked for in vain. A file is stamped
before it is opened, so that an edit during the compile is noticed, too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from glob import glob, has_magic
from pathlib import Path
from typing import Final

Stamp = tuple[int, int, int, int, int] | None
"""Device, inode, size and times of a file's last change; None where there is none."""

_CODE: Final = (".py", ".pyc", ".so")
"""Ends of what is opened to be run, not to be read."""
_OF_THE_KERNEL: Final = ("/dev/", "/proc/", "/sys/")
"""Where times of change mean nothing."""
_noted: Inputs | None = None
"""Where the events of the compile that runs now go."""


@dataclass(slots=True)
class Inputs:
    """Every file and pattern that one compile asked for, with the answer that it got."""

    files: dict[str, Stamp] = field(default_factory=dict)
    patterns: dict[str, frozenset[str]] = field(default_factory=dict)

    def changed(self) -> list[str]:
        """Files that are not what they were, and patterns that match others than they did."""
        files = (path for path, stamp in self.files.items() if _stamp(path) != stamp)
        return [*files, *(pattern for pattern, found in self.patterns.items() if _matches(pattern) != found)]

    def directories(self) -> frozenset[str]:
        """The directories in which a change of these shows, and those above them, which tell when one is replaced."""
        found = (path for paths in self.patterns.values() for path in paths)
        folders = {Path(path).parent for path in (*self.files, *map(_fixed_part, self.patterns), *found)}
        here = {_existing(folder) for folder in folders}
        return frozenset(str(folder) for folder in here | {folder.parent for folder in here})


@contextmanager
def noted() -> Iterator[Inputs]:
    """Note what is opened and looked for meanwhile."""
    global _noted
    _listen()
    inputs = _noted = Inputs()
    try:
        yield inputs
    finally:
        _noted = None


@cache
def _listen() -> None:
    """Hear the audit events: once, since nobody can stop listening again."""
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    global _noted
    if _noted is None or event not in ("open", "glob.glob"):
        return
    inputs, _noted = _noted, None  # to look for a pattern is an event as well
    try:
        _note(inputs, event, arguments[0])
    finally:
        _noted = inputs


def _note(inputs: Inputs, event: str, name: object) -> None:
    if not isinstance(name, str | bytes | os.PathLike):
        return  # a descriptor that is open already
    path = str(Path(os.fsdecode(name)).absolute())
    if event == "glob.glob":
        inputs.patterns.setdefault(path, _matches(path))
    elif not path.endswith(_CODE) and not path.startswith(_OF_THE_KERNEL) and path not in inputs.files:
        inputs.files[path] = _stamp(path)


def _stamp(path: str) -> Stamp:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _matches(pattern: str) -> frozenset[str]:
    return frozenset(glob(pattern, recursive=True))  # noqa: PTH207 - as the loader of sites does


def _fixed_part(pattern: str) -> str:
    """A path in the lowest directory of a pattern that has a name."""
    while has_magic(str(Path(pattern).parent)):
        pattern = str(Path(pattern).parent)
    return pattern


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if _is_directory(place))


def _is_directory(place: Path) -> bool:
    try:
        return place.is_dir()
    except OSError:  # one that we may not look into
        return False
