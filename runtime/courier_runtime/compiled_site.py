"""A site that is compiled into a tree by processes of their own: the compiler is never imported here."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from courier_schema.report import CourierSiteError

_UMASK: Final = 0o022
"""Whom a file of a tree is kept from its own mode says; the directories above the tree are for all to pass."""

_NAMES: Final = ("site.yaml", "site.yml")


class CompiledSite:
    """A site and its tree, which is made before the server begins."""

    def __init__(self, path: Path, file: Path, tree: Path, host: str = "", *, has_owners: bool = False) -> None:
        """With `has_owners` files get the owners that the target wants, which only root can give."""
        self.path, self.file = path, file
        self._tree, self._host, self._has_owners = tree, host, has_owners
        self._child: subprocess.Popen[str] | None = None

    @property
    def watch(self) -> tuple[str, ...]:
        """The command of a compiler that brings the tree up to date, and again at every edit, until its input ends."""
        return self._command("watch", str(self.path), "--apply", str(self._tree), "--until-eof")

    def begin(self) -> None:
        """Begin to make the tree."""
        command, pipe = self._command("apply", str(self.path), "--root", str(self._tree)), subprocess.PIPE
        self._child = subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, umask=_UMASK)

    def wait(self) -> None:
        """Wait for it. Raises CourierSiteError after the compiler has said why the tree cannot be made."""
        assert self._child is not None, "begin() comes first"
        said, _ = self._child.communicate()
        code, self._child = self._child.returncode, None
        if code:
            sys.stderr.write(said)
            raise CourierSiteError(f"{self.path} cannot be served as it is")

    def close(self) -> None:
        """Make it no longer."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait()

    def _command(self, *words: str) -> tuple[str, ...]:
        host = ("--host", self._host) if self._host else ()
        owners = () if self._has_owners else ("--no-owners",)
        habits = (*owners, "--overwrite-drift", "--loss", "100", *host)
        return (sys.executable, "-P", "-m", "courier_compiler.cli", *words, *habits)


def site_file(path: Path) -> Path | None:
    """The file of the site at a path, or in a directory; None where there is a tree."""
    return next((file for file in (path, *(path / name for name in _NAMES)) if file.is_file()), None)


def not_roots(path: Path) -> Path | None:
    """What of the way to a file others than root can write, so that they could put another one there; None if nothing.

    A site names secrets to read and programs to run, so who can write it has the rights of its compiler.
    """
    return next((one for one in _way(path) if not _is_roots(one)), None)


def _way(path: Path) -> Iterator[Path]:
    for whole in (path.absolute(), path.resolve()):
        yield whole
        yield from whole.parents


def _is_roots(path: Path) -> bool:
    """Whether root owns it and nobody else can write it; in a sticky directory nobody can replace what is root's."""
    facts = path.lstat()
    is_shared = facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not facts.st_mode & stat.S_ISVTX
    return facts.st_uid == 0 and (stat.S_ISLNK(facts.st_mode) or not is_shared)
