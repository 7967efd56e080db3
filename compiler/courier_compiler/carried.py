"""Carried: files that a site takes along as they are, by their names relative to the site.

Only regular files are read: a pipe would be waited for, and a device never ends.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Problem, SitePath

MAX_CARRIED: Final = 1 << 26
"""Longest file that a site carries, in bytes."""


def read_carried(resolved: ResolvedSite, name: str) -> bytes:
    """The content of a carried file. OSError, or ValueError for what is not regular or longer than MAX_CARRIED."""
    with os.fdopen(os.open(_path(resolved, name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        content = file.read(MAX_CARRIED + 1)
    if len(content) > MAX_CARRIED:
        raise ValueError(f"it is longer than {MAX_CARRIED} bytes")
    return content


def unreadable(resolved: ResolvedSite, name: str, path: SitePath, error: OSError | ValueError) -> Problem:
    """The problem of a carried file that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    says = f"{_path(resolved, name)} cannot be read: {reason}"
    return Problem("file-unreadable", says, "name a file that can be read", resolved.mark(path), path)


def unreadable_files(resolved: ResolvedSite) -> Iterator[Problem]:
    """Every file that the site is to carry and that a build here and now could not read."""
    for name, file in resolved.site.files.items():
        if file.from_file is not None:
            try:
                read_carried(resolved, file.from_file)
            except (OSError, ValueError) as error:
                yield unreadable(resolved, file.from_file, ("files", name, "from_file"), error)


def _path(resolved: ResolvedSite, name: str) -> Path:
    files = resolved.document.files
    return (Path(files[0]).parent if files else Path()) / name
