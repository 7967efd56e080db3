"""Loader: a site from disk, the only module that opens the files of a site.

Marks carry names as the user typed them, or relative to the working directory where they lie below it. Only what ends
is read: regular files, and a pipe as the file that includes the others, which is how shells hand over `<(command)`.
"""

from __future__ import annotations

import posixpath
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from courier_schema.report import Mark
from courier_schema.source.includes import UnreadableFileError, read_with_includes
from courier_schema.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from courier_schema.source.document import Document

SITE_FILE = "site.yaml"
"""The file meant by a directory."""
STDIN = "<stdin>"
"""Name of standard input in marks, which `-` stands for on the command line."""


def load(path: Path) -> Document:
    """The site in a file, in a directory's `site.yaml`, or for `-` on standard input, with all that it includes.

    Files that are missing, unreadable or not UTF-8 are Problems of the Document.
    """
    name = STDIN if str(path) == "-" else _shown(path / SITE_FILE if _is_directory(path) else path)
    return read_with_includes(name, _Files(name).open, _glob)


def read_texts(document: Document) -> dict[str, str]:
    """The text of every file of a document, by name. UnreadableFileError for one that is gone since."""
    files = _Files(next(iter(document.files), SITE_FILE))
    return {name: files.open(name) for name in document.files}


def load_texts(main: str, texts: Mapping[str, str]) -> Document:
    """The site that these texts would be, each standing for the file of its name; `main` includes the others."""
    files = _Files(main)
    return read_with_includes(main, lambda name: texts[name] if name in texts else files.open(name), _glob)


def _shown(path: Path) -> str:
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


@dataclass(slots=True)
class _Files:
    """The files of one site: the one that includes the others, and all that were opened so far."""

    main: str
    opened: set[str] = field(default_factory=set)

    def open(self, name: str) -> str:
        """The text of a file. Raises UnreadableFileError."""
        self.opened.add(name)
        return _decoded(sys.stdin.buffer.read() if name == STDIN else self._content(name), name)

    def _content(self, name: str) -> bytes:
        try:
            if self._is_endless(name):
                says = f"{name} is a pipe or a device, and no file"
                raise UnreadableFileError("file-unreadable", says, "name a regular file")
            return Path(name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(name) from None
        except PermissionError:
            remedy = f"allow it with chmod or chown, or run as a user who may read {name}"
            raise UnreadableFileError("file-unreadable", f"{name} may not be read", remedy) from None
        except OSError as error:
            says = f"{name} cannot be read: {error.strerror}"
            raise UnreadableFileError("file-unreadable", says, "name a file that can be read") from None

    def _is_endless(self, name: str) -> bool:
        """Whether reading might not come to an end. A pipe that the user named does, when its writer is done."""
        mode = Path(name).stat().st_mode
        is_pipe = stat.S_ISFIFO(mode) and name != posixpath.normpath(self.main)
        return is_pipe or stat.S_ISCHR(mode) or stat.S_ISBLK(mode)

    def _missing(self, name: str) -> UnreadableFileError:
        """Why there is no such file. One that is part of the site already is not what was meant."""
        path = Path(name)
        if path.is_symlink():
            return UnreadableFileError(
                "file-missing", f"{name} is a link to a missing file", "correct the link, or remove it"
            )
        siblings: list[str] = []
        with suppress(OSError):
            siblings = [sibling.name for sibling in path.parent.iterdir() if sibling.as_posix() not in self.opened]
        meant = suggest(path.name, siblings)
        remedy = f"did you mean {path.with_name(meant)}?" if meant else "correct the name, or create the file"
        return UnreadableFileError("file-missing", f"there is no file {name}", remedy)


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line_start = before.rfind(b"\n") + 1
        mark = Mark(name, before.count(b"\n") + 1, len(before[line_start:].decode()) + 1)
        says = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise UnreadableFileError("not-utf-8", says, "save the file in UTF-8, or convert it with iconv", mark) from None


def _glob(pattern: str) -> list[str]:
    names = glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob finds hidden files, such as editors' locks
    return [name for name in names if not _is_directory(Path(name))]


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # what it is will be seen when it is opened
        return False
