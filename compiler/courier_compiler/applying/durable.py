"""Disk: the file operations that a crash-safe change consists of; each is on the disk when it says so.

Every step that changes the disk is announced before it is taken, so that tests can let each one fail.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OnStep = Callable[[str, Path], None]
"""Told of every step before it is taken: its verb and the path that it is about."""


@dataclass(frozen=True, slots=True)
class Owner:
    """User and group by number."""

    uid: int
    gid: int


def _unobserved(verb: str, path: Path) -> None:
    del verb, path


class Disk:
    """The file system of this machine. OSError when it does not do what it is told."""

    def __init__(self, on_step: OnStep = _unobserved) -> None:
        self._on_step = on_step

    def write(self, path: Path, content: bytes, mode: int = 0o600, owner: Owner | None = None) -> None:
        """Make a new file. Content and permissions are durable; its name is, once the directory is synchronised.

        Nobody else can read it before it has its final owner and mode.
        """
        self._on_step("create", path)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            self._on_step("write", path)
            file.write(content)
            file.flush()
            self._permit(descriptor, path, mode, owner)
            self._on_step("synchronise", path)
            os.fsync(descriptor)

    def symlink(self, path: Path, target: bytes, owner: Owner | None = None) -> None:
        """Make a symbolic link."""
        self._on_step("create", path)
        path.symlink_to(os.fsdecode(target))
        if owner is not None:
            self._on_step("own", path)
            os.lchown(path, owner.uid, owner.gid)

    def link(self, existing: Path, path: Path) -> None:
        """Give a file a second name. Symbolic links are linked themselves."""
        self._on_step("link", path)
        os.link(existing, path, follow_symlinks=False)

    def rename(self, source: Path, target: Path) -> None:
        """Replace `target` by `source` in one step."""
        self._on_step("rename", target)
        source.replace(target)

    def unlink(self, path: Path) -> None:
        """Remove a file that may be gone already, also where a directory has taken its name."""
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            self._on_step("unlink", path)
            path.unlink(missing_ok=True)

    def mkdir(self, path: Path, mode: int = 0o700, owner: Owner | None = None) -> None:
        """Make a directory that may exist already, with exactly these permissions."""
        if not path.is_dir():
            self._on_step("mkdir", path)
            path.mkdir(0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._permit(descriptor, path, mode, owner)
        finally:
            os.close(descriptor)

    def rmdir(self, path: Path) -> bool:
        """Remove a directory that may be gone already; False when something is in it."""
        if not path.is_dir() or path.is_symlink():
            return True
        self._on_step("rmdir", path)
        try:
            path.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            return False
        return True

    def remove_tree(self, path: Path) -> None:
        """Remove a file, or a directory with all that is in it, that may be gone already."""
        if path.is_dir() and not path.is_symlink():
            for child in sorted(path.iterdir()):
                self.remove_tree(child)
            self.rmdir(path)
        else:
            self.unlink(path)

    def synchronise(self, directory: Path) -> None:
        """Make the names in a directory durable."""
        self._on_step("synchronise", directory)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _permit(self, descriptor: int, path: Path, mode: int, owner: Owner | None) -> None:
        """Set owner and mode, and look whether the file system took them."""
        if owner is not None:
            self._on_step("own", path)
            os.fchown(descriptor, owner.uid, owner.gid)
        self._on_step("permit", path)
        os.fchmod(descriptor, mode)
        status = os.fstat(descriptor)
        if stat.S_IMODE(status.st_mode) != mode or owner not in (None, Owner(status.st_uid, status.st_gid)):
            raise OSError(errno.EPERM, "the file system does not keep owners and permissions", str(path))


def same_mount(one: Path, other: Path) -> bool:
    """Whether a file can be renamed from one directory to another."""
    return _mount(one) == _mount(other)


def _mount(directory: Path) -> tuple[int, str]:
    """Device and mount of a directory: two mounts of one device do not exchange files either."""
    descriptor = os.open(directory, os.O_PATH | os.O_CLOEXEC)
    try:
        facts = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
        mount = next((line for line in facts.splitlines() if line.startswith("mnt_id:")), "")
        return os.fstat(descriptor).st_dev, mount
    except FileNotFoundError:  # a system without /proc
        return os.fstat(descriptor).st_dev, ""
    finally:
        os.close(descriptor)
