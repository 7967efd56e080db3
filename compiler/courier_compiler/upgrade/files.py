"""Files of an upgrade: whole reads, and replacement with a backup such that the old name never lacks a file.

A new file is written and synchronised beside the old one before anything is renamed; a failure leaves the old file
whole. All functions raise OSError.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from courier_compiler.applying.durable import Disk

TEMPLATE_SUFFIX: Final = ".dist"

_CHUNK: Final = 1 << 20
_CANNOT_LINK: Final = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Access:
    """To whom a file belongs, and its permission bits."""

    owner: int
    group: int
    mode: int


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was read."""

    content: bytes = field(repr=False)
    access: Access


def read(path: str) -> File:
    """A file, links followed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        chunks = list(iter(lambda: os.read(descriptor, _CHUNK), b""))
    finally:
        os.close(descriptor)
    return File(b"".join(chunks), Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))


def write(path: str, content: bytes, access: Access, *, through_link: bool = False) -> None:
    """A new file under this name, on the disk when this returns; what cannot be written whole is removed again.

    Without root's rights the owner stays who wrote it. `through_link` writes to what the name links to, if it is a
    link; otherwise whatever has the name is replaced.
    """
    descriptor = _create(path, through_link)
    try:
        try:
            with suppress(PermissionError):
                os.fchown(descriptor, access.owner, access.group)
            os.fchmod(descriptor, access.mode)
            _write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        remove(path)
        raise


def back_up(path: str, backup: str) -> None:
    """Give a file, if there is one, this second name as well, in place of what had it before.

    Where the file system or the system's protection of links refuses a second name, the file is renamed.
    """
    beside = Path(backup).parent / f".{os.getpid()}.bak"
    try:
        os.link(path, beside, follow_symlinks=False)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        Path(path).rename(backup)
        return
    try:
        beside.rename(backup)
    finally:
        remove(beside)  # still there after an error, and where both names were one file already


def put(new: str, path: str) -> None:
    """Rename a finished file to its final name, and have the disk know."""
    Path(new).rename(path)
    Disk().synchronise(Path(path).parent)


def remove(path: str | Path) -> None:
    """Remove a file if it is there."""
    Path(path).unlink(missing_ok=True)


def named(arguments: Sequence[str]) -> list[str]:
    """The files meant by the user: a directory without a template of its own stands for all its templates."""
    return [path for argument in arguments for path in (_templates(argument) or [without_suffix(argument)])]


def without_suffix(path: str) -> str:
    """The settings file that a template, or the file itself, stands for."""
    return path.removesuffix(TEMPLATE_SUFFIX)


def _templates(argument: str) -> list[str]:
    if not argument or not Path(argument).is_dir() or os.path.lexists(f"{without_suffix(argument)}{TEMPLATE_SUFFIX}"):
        return []
    return sorted(without_suffix(str(path)) for path in Path(argument).glob(f"*{TEMPLATE_SUFFIX}"))


def _create(path: str, through_link: bool) -> int:
    if through_link:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    remove(path)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
