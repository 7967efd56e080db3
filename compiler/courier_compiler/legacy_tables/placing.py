"""Putting finished files in place: all are written and synchronised beside their targets, then renamed over them.

Readers see the old file or the new one, never a half. Files that are already right are left alone. What the world
refuses is a CourierSiteError, and before the first rename nothing has changed.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from courier_compiler.applying.durable import Disk
from courier_compiler.legacy_tables.outcome import Database, Programs
from courier_schema.report import CourierSiteError

_PROGRAM_MODE: Final = 0o664
_PROGRAM_DIRECTORY_MODE: Final = 0o775


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    content: bytes
    mode: int


def put_in_place(databases: Iterable[Database], programs: Sequence[Programs]) -> None:
    """Replace databases, then program files; program files that are no longer wanted go last."""
    files = [_File(database.path, database.content, database.mode) for database in databases]
    with _speaking_of_files():
        for wanted in programs:
            files += _program_files(wanted)
        _replace([file for file in files if not _is_in_place(file)])
        for wanted in programs:
            _remove_others(wanted)


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file exclusively, as makeuserdb does; the file stays."""
    with _speaking_of_files():
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _speaking_of_files() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CourierSiteError(f"cannot write {error.filename}: {error.strerror}") from error


def _program_files(wanted: Programs) -> list[_File]:
    if wanted.files and not wanted.directory.exists():
        wanted.directory.mkdir()
        wanted.directory.chmod(_PROGRAM_DIRECTORY_MODE)
    return [_File(wanted.directory / name, content, _PROGRAM_MODE) for name, content in wanted.files.items()]


def _remove_others(wanted: Programs) -> None:
    if not wanted.directory.is_dir():
        return
    for path in wanted.directory.iterdir():
        if path.is_file() and path.name not in wanted.files and not path.name.startswith("."):
            path.unlink()
    with suppress(OSError):  # still holds something
        wanted.directory.rmdir()


def _is_in_place(file: _File) -> bool:
    try:
        status = file.path.lstat()
    except FileNotFoundError:
        return False
    alike = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == file.mode
    return alike and status.st_size == len(file.content) and file.path.read_bytes() == file.content


def _replace(files: Sequence[_File]) -> None:
    staged: dict[Path, Path] = {}
    try:
        for number, file in enumerate(files):
            beside = file.path.with_name(f".{os.getpid()}-{number}.tmp")
            staged[beside] = file.path
            _write(beside, file)
        for beside, path in staged.items():
            beside.replace(path)
    finally:
        for beside in staged:
            beside.unlink(missing_ok=True)
    for directory in {path.parent for path in staged.values()}:
        Disk().synchronise(directory)


def _write(path: Path, file: _File) -> None:
    # opened with its final permissions: what is secret is never readable by others, not even for a moment
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file.mode & 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(file.content)
        opened.flush()
        os.fchmod(descriptor, file.mode)
        os.fsync(descriptor)
