"""Tree: a build's files as a directory, replaced as a whole or not at all.

Everything is written beside the target first and exchanged with it in one step, so that a full disk, a read-only
file system or a kill leaves the old tree as it was. Files that stay as they are keep their time.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from courier_compiler.artefact import Artefact
from courier_schema.legacy.manifest import NAME, MalformedManifest, Manifest, load_manifest
from courier_schema.report import CourierSiteError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # renameat2(2), Linux 3.15
_NAMED = 3
"""Files of somebody else that a message names."""
_STAGE = re.compile(r"\.(?P<target>.+)\.building-(?P<pid>\d+)")


def write_tree(target: Path, artefacts: Iterable[Artefact], manifest: Manifest) -> None:
    """Make `target` exactly these files and their manifest. CourierSiteError when the world does not let us."""
    stage = target.parent / f".{target.name}.building-{os.getpid()}"
    try:
        _refuse_foreign(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        stage.mkdir()
        for artefact in artefacts:
            _place(stage / artefact.path, artefact, target / artefact.path)
        (stage / NAME).write_bytes(manifest.dump())
        _replace(stage, target)
    except OSError as error:
        raise CourierSiteError(f"cannot write {error.filename or target}: {error.strerror}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _refuse_foreign(target: Path) -> None:
    """Only a tree of ours without any file more, an empty directory or nothing may be replaced."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise CourierSiteError(f"{target} is not a directory: name another output directory")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not (target / NAME).exists():
        raise CourierSiteError(
            f"{target} holds files but no {NAME}: name an empty directory, or one that was built before"
        )
    foreign = sorted(set(_files_below(target)) - {NAME, *_own(target)})
    if foreign:
        more = f" and {len(foreign) - _NAMED} more" if len(foreign) > _NAMED else ""
        raise CourierSiteError(
            f"{target} holds files that no build made ({', '.join(map(repr, foreign[:_NAMED]))}{more}): "
            "move them away, or name another output directory"
        )


def _own(target: Path) -> Iterable[str]:
    """Files that the manifest of an earlier build lists."""
    try:
        return load_manifest((target / NAME).read_bytes()).files
    except MalformedManifest as error:
        raise CourierSiteError(
            f"{target / NAME} is not the manifest of a build: name an empty directory, or one that was built before"
        ) from error


def _files_below(target: Path) -> Iterator[str]:
    """Everything but directories, relative to the target."""

    def fail(error: OSError) -> None:
        raise error

    for folder, directories, names in os.walk(target, onerror=fail):
        links = (name for name in directories if (Path(folder) / name).is_symlink())
        yield from (str((Path(folder) / name).relative_to(target)) for name in (*names, *links))


def _sweep(target: Path) -> None:
    """Remove what a killed build left beside the target."""
    for path in target.parent.glob(f".{target.name}.building-*"):
        match = _STAGE.fullmatch(path.name)
        if match and not Path(f"/proc/{match['pid']}").exists():
            shutil.rmtree(path, ignore_errors=True)


def _place(path: Path, artefact: Artefact, old: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if artefact.link:
        path.symlink_to(os.fsdecode(artefact.content))
    elif not _is_kept(path, artefact, old):
        _write(path, artefact)


def _is_kept(path: Path, artefact: Artefact, old: Path) -> bool:
    """Link to the file of the old tree if it is the same, and say whether it was.

    Making and deleting a thousand anew was measured to take a third of a build that follows another one closely.
    """
    try:
        status = old.lstat()
        alike = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == artefact.mode
        if not alike or status.st_uid != os.geteuid() or status.st_size != len(artefact.content):
            return False
        if old.read_bytes() != artefact.content:
            return False
        os.link(old, path)
    except OSError:
        return False  # nothing to keep, or no way to: what is really in the way shows when the file is written
    return True


def _write(path: Path, artefact: Artefact) -> None:
    # opened with its final permissions: a secret is never readable by others, not even for a moment
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, artefact.mode & 0o700)
    with os.fdopen(descriptor, "wb") as file:
        file.write(artefact.content)
        os.fchmod(descriptor, artefact.mode)


def _replace(stage: Path, target: Path) -> None:
    if not target.exists():
        stage.rename(target)
    elif not _exchange(stage, target):
        # a file system without exchange: the target is missing for the moment between two renames
        old = stage.with_name(f"{stage.name}.old")
        target.rename(old)
        stage.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two directories change names in one step; False where the system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL):
        return False
    raise OSError(code, os.strerror(code), str(other))
