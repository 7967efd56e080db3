"""A configuration directory as Courier's own programs see it: control files, settings, and sources of databases.

Everything is read when it is asked for. What the world refuses is a CourierSiteError; a missing control file is an
answer, not an error.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from courier_schema.legacy.formats import berkeley, gdbm, shell
from courier_schema.legacy.formats.domains import DomainList, Locality, first_line, server_name
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError, Problem

SYSCONFDIR: Final = "/etc/courier"
"""Where the files of a configuration directory usually say they are."""

_NAMES: Final = ("me", "defaultdomain", "locals", "locallowercase")
_BEGINNING: Final = 16
_SYSCONFDIR_VARIABLE: Final = re.compile(rb"\$(?:\{sysconfdir\}|sysconfdir\b)")


@dataclass(frozen=True, slots=True)
class Setting:
    """The value of a shell variable; None with the reasons where only a shell could tell it."""

    value: str | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """A configuration directory at `path`, whose files call it `sysconfdir`, of a machine called `host_name`."""

    path: Path
    host_name: str
    sysconfdir: str = SYSCONFDIR
    virtual_host: str = ""
    """The virtual host as which it is read: an address, or the domain of a login."""

    def file(self, name: str) -> Path:
        """Where a file of this name is: that of the virtual host, if there is one, takes its place as a whole."""
        own = self.path / f"{name}.{self.virtual_host}"
        return own if self.virtual_host and own.exists() else self.path / name

    def read(self, name: str) -> bytes | None:
        """The content of a control file; None if there is none."""
        path = self.file(name)
        return read(path) if path.is_file() else None

    def one_line(self, name: str) -> str | None:
        """The value of a control file of one line; None if there is none."""
        content = self.read(name)
        return None if content is None else first_line(content)

    def locality(self) -> Locality:
        """The names of the server, from `me`, `defaultdomain`, `locals` and `locallowercase`."""
        contents = {name: content for name in _NAMES if (content := self.read(name)) is not None}
        return Locality.from_files(contents, self.host_name)

    def me(self) -> str:
        """The name of the server."""
        return server_name(self.read("me"), self.host_name)

    def domain_list(self, name: str, default: Sequence[str]) -> DomainList:
        """A text list; without its file, the list of the default entries."""
        content = self.read(name)
        if content is None:
            return DomainList.of(default, self.host_name)
        return DomainList.parse(content, self.host_name)

    def place(self, configured: str) -> Path:
        """Where the file is that the configuration calls by this path: this directory stands for `sysconfdir`."""
        below = configured.removeprefix(f"{self.sysconfdir.rstrip('/')}/")
        return self.path / below

    def setting(self, files: Sequence[str], name: str) -> Setting:
        """A shell variable after those of the settings files that exist were sourced in this order."""
        found = Setting(None)
        for file in files:
            content = self.read(file)
            if content is not None:
                found = self._assigned(file, content, name) or found
        return found

    def _assigned(self, file: str, content: bytes, name: str) -> Setting | None:
        located = _SYSCONFDIR_VARIABLE.sub(self.sysconfdir.encode(), content)
        parsed = shell.parse(Source(str(self.path / file), located))
        if name in parsed.assignments:
            return Setting(parsed.assignments[name])
        lines = located.split(b"\n")
        unclear = [
            problem
            for problem in parsed.problems
            if problem.mark and lines[problem.mark.line - 1].lstrip().startswith(b"%b=" % name.encode())
        ]
        return Setting(None, tuple(unclear)) if unclear else None


def open_database(path: Path) -> gdbm.Reader | dict[bytes, bytes]:
    """A database file, mapped into memory, in Berkeley's format read whole.

    CourierSiteError when it is none or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise CourierSiteError(f"{path} is empty, not a database") from error
    except OSError as error:
        raise unreadable(path, error) from error
    with blamed_on(path):
        return berkeley.loads(content[:]) if berkeley.is_database(content[:_BEGINNING]) else gdbm.Reader(content)


@contextmanager
def blamed_on(path: Path) -> Iterator[None]:
    """Trouble with what a database holds, which can show at any record that is read, told with the name of the file."""
    try:
        yield
    except CourierSiteError as error:
        raise CourierSiteError(f"{path}: {error}") from error


def is_berkeley(path: Path) -> bool:
    """Whether there is a database in Berkeley's format."""
    try:
        with path.open("rb") as file:
            return berkeley.is_database(file.read(_BEGINNING))
    except OSError:
        return False  # what is in the way shows when the database is replaced


def read(path: Path) -> bytes:
    """A whole file. CourierSiteError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> CourierSiteError:
    """What to say of a file that the world keeps from us."""
    return CourierSiteError(f"cannot read {path}: {error.strerror}")


def regular_files(directory: Path) -> list[str]:
    """The names of the regular files, and links to such, directly inside a directory; in byte order."""
    try:
        return sorted((path.name for path in directory.iterdir() if path.is_file()), key=os.fsencode)
    except OSError as error:
        raise unreadable(directory, error) from error


def files_below(directory: Path) -> Iterator[str]:
    """The paths, from this directory on, of everything below it that is not a directory itself; links followed."""

    def refuse(error: OSError) -> None:
        raise unreadable(directory, error) from error

    for place, _, names in os.walk(directory, onerror=refuse, followlinks=True):
        below = os.path.relpath(place, directory)
        yield from (name if below == "." else f"{below}/{name}" for name in names)


def mode_of(path: Path) -> int | None:
    """The permission bits of a file, links followed; None if it does not exist."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
