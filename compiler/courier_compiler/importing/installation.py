"""Installation: the files of a configuration directory as values, whether found on disk or just built.

Names are relative to the configuration directory. Files of the authentication library count among them, wherever
that keeps them: before Courier 0.48 they were in the same directory.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from courier_compiler.artefact import Artefact
from courier_compiler.importing.names import is_listed, is_read, virtual_hosts
from courier_compiler.profile import Profile
from courier_schema.legacy.formats.domains import DomainList, Locality, first_line, server_name
from courier_schema.legacy.formats.source import Source
from courier_schema.report import CourierSiteError

_LARGEST: Final = 1 << 28
"""Bytes of a file that are read; what is larger is no configuration."""
_NAMING: Final = ("esmtpd", "esmtpd-msa", "imapd", "imapd-ssl")
"""Settings files that say where an access table is."""
_ACCESS: Final = re.compile(r"(?m)^[^#\n]*ACCESSFILE=[^\n]*?([^\s/\"']+)[\"']?[^\S\n]*$")


@dataclass(frozen=True, slots=True)
class File:
    """One file, or symbolic link where `link` says to what; its content and mode are those of what it leads to."""

    content: bytes = field(repr=False)
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    link: str | None = None

    @property
    def is_private(self) -> bool:
        """Whether the file's permissions keep others from reading it."""
        return not self.mode & 0o004


@dataclass(frozen=True)
class Installation:
    """One configuration directory."""

    files: Mapping[str, File]
    host_name: str
    """What the system calls itself."""
    sysconfdir: str
    """What the files call the directory."""
    place: str
    """How the directory is called in marks."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Files that lie elsewhere, with the names that marks give them."""
    followed: Mapping[str, str] = field(default_factory=dict)
    """Directories that are symbolic links, with what these lead to."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """What could not be read, with the reason."""

    def content(self, name: str) -> bytes | None:
        """Bytes of a file; None if there is none."""
        found = self.files.get(name)
        return None if found is None else found.content

    def where(self, name: str) -> str:
        """The name of a file in marks."""
        return self.places.get(name) or f"{self.place}/{name}"

    def source(self, name: str) -> Source:
        """A file that exists, with its name in marks."""
        return Source(self.where(name), self.files[name].content)

    def one_line(self, name: str) -> str | None:
        """The first line of a control file; None if there is none."""
        content = self.content(name)
        return None if content is None else first_line(content)

    def directly_in(self, directory: str) -> list[str]:
        """Bare names of the files of a directory, without those of its sub-directories, in byte order."""
        return self._children.get(directory, [])

    def below(self, directory: str) -> list[str]:
        """Names below a directory, however deep, relative to it."""
        start = f"{directory}/"
        return sorted(name[len(start) :] for name in self.files if name.startswith(start))

    @cached_property
    def _children(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in self.files:
            directory, slash, bare = name.rpartition("/")
            if slash:
                found.setdefault(directory, []).append(bare)
        return {directory: sorted(names, key=os.fsencode) for directory, names in found.items()}

    @cached_property
    def locality(self) -> Locality:
        """The names of the server."""
        names = ("me", "defaultdomain", "locals", "locallowercase")
        contents = {name: content for name in names if (content := self.content(name)) is not None}
        return Locality.from_files(contents, self.host_name)

    @property
    def me(self) -> str:
        return server_name(self.content("me"), self.host_name)

    def domain_list(self, name: str, default: Iterable[str]) -> DomainList:
        """A text list; without its file, that of the default entries."""
        content = self.content(name)
        if content is None:
            return DomainList.of(default, self.host_name)
        return DomainList.parse(content, self.host_name)

    def inside(self, path: str) -> str | None:
        """The name of a file that the configuration calls by its whole path; None if it lies elsewhere."""
        start = f"{self.sysconfdir.rstrip('/')}/"
        return path[len(start) :] if path.startswith(start) else None


def read_installation(path: Path, authdir: Path | None, host_name: str, sysconfdir: str) -> Installation:
    """A directory on disk. CourierSiteError when it, or a file in it, cannot be read."""
    try:
        main = _Walk.of(path)
        if authdir is None or authdir.resolve() == path.resolve():
            return Installation(main.files, host_name, sysconfdir, str(path), {}, main.followed, main.left_out)
        library = _Walk.of(authdir)
    except OSError as error:
        raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error
    elsewhere = (*library.files, *library.followed, *library.left_out)
    return Installation(
        main.files | library.files,
        host_name,
        sysconfdir,
        str(path),
        {name: f"{authdir}/{name}" for name in elsewhere},
        main.followed | library.followed,
        main.left_out | library.left_out,
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """What is found below a directory. A link to a directory that Courier lists is gone into."""

    tables: Sequence[str]
    """Names of the access tables that settings want read."""
    hosts: Sequence[str]
    """Virtual hosts."""
    files: dict[str, File] = field(default_factory=dict)
    followed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, directory: Path) -> _Walk:
        texts = (path.read_text(errors="replace") for name in _NAMING if (path := directory / name).is_file())
        hosts = virtual_hosts([path.name for path in directory.iterdir() if path.exists()])
        walk = cls([place for text in texts for place in _ACCESS.findall(text)], hosts)
        walk.enter(directory, "", ())
        return walk

    def enter(self, directory: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> None:
        """Read everything below a directory; `above` are the directories that led to it."""
        status = directory.stat()
        here = (*above, (status.st_dev, status.st_ino))
        for path in sorted(directory.iterdir()):
            name = f"{prefix}{path.name}"
            status = path.lstat()
            if stat.S_ISLNK(status.st_mode):
                self._take_link(path, name, here)
            elif stat.S_ISDIR(status.st_mode):
                self.enter(path, f"{name}/", here)
            elif stat.S_ISREG(status.st_mode):
                self._take_file(path, name, status)

    def _take_link(self, path: Path, name: str, here: tuple[tuple[int, int], ...]) -> None:
        target = str(path.readlink())
        if path.is_file():
            self._take_file(path, name, path.stat(), target)
        elif path.is_dir() and is_listed(name, self.tables):
            status = path.stat()
            if (status.st_dev, status.st_ino) in here:
                self.left_out[name] = f"leads to {target}, so back to a directory that it is in"
                return
            self.followed[name] = target
            self.enter(path, f"{name}/", here)
        elif path.exists() or not is_read(name, self.tables, self.hosts):
            self.files[name] = File(b"", 0o777, link=target)
        else:
            remedy = "give the import the target, or remove the link"
            self.left_out[name] = f"leads to {target}, which is not here: {remedy}"

    def _take_file(self, path: Path, name: str, status: os.stat_result, link: str | None = None) -> None:
        if status.st_size > _LARGEST:
            self.left_out[name] = f"has {status.st_size} bytes, which is no configuration"
            return
        mode = stat.S_IMODE(status.st_mode)
        self.files[name] = File(path.read_bytes(), mode, _user(status), _group(status), link)


def _user(status: os.stat_result) -> str:
    try:
        return pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        return str(status.st_uid)


def _group(status: os.stat_result) -> str:
    try:
        return grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        return str(status.st_gid)


def built_installation(artefacts: Iterable[Artefact], profile: Profile, host_name: str) -> Installation:
    """The configuration directory that a build makes, with what it makes elsewhere under whole paths."""
    layout = profile.layout
    roots = (f"{layout.sysconfdir}/".lstrip("/"), f"{layout.authdir}/".lstrip("/"))
    files: dict[str, File] = {}
    for artefact in artefacts:
        root = next((root for root in roots if artefact.path.startswith(root)), None)
        name = artefact.path[len(root) :] if root else f"/{artefact.path}"
        link = os.fsdecode(artefact.content) if artefact.link else None
        content = b"" if artefact.link else artefact.content
        files[name] = File(content, artefact.mode, artefact.owner, artefact.group, link)
    return Installation(files, host_name, layout.sysconfdir, "site")
