"""Draft: a site while it is being written from an old installation: its tree, comments, secrets, carried files, notes.

Everything that is put into a draft has passed the words of the site language, so that the finished site is read
without a mistake; what does not pass is refused, and whoever tried says it in another way.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from courier_compiler.importing.installation import File, Installation
from courier_compiler.importing.shipped import own_comments
from courier_compiler.profile import Permissions, Profile
from courier_schema.report import Mark, SitePath

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_COMMENT: Final = re.compile(r"^[#\s]+|\s+$")
_ODD: Final = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_INLINE: Final = 20_000
"""Characters of a carried file that still stand in the site itself."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something about the old installation that its reader should know. An open one is a loss that needs a hand."""

    says: str
    mark: Mark | None = None
    is_open: bool = False


@dataclass(slots=True)
class Draft:
    """One site in the making."""

    profile: Profile
    secrets_directory: str = "secrets"
    files_directory: str = "files"
    tree: dict[str, Any] = field(default_factory=dict)
    hidden: dict[str, Any] = field(default_factory=dict)
    """The part of the tree with password hashes, which stands in a file of its own."""
    comments: dict[SitePath, list[str]] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Files with one secret each, by their name relative to the site."""
    carried: dict[str, File] = field(default_factory=dict)
    """Files that the site carries as they are, by their name relative to the site."""
    notes: list[Note] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Files and directories of the installation that are dealt with."""
    places: dict[tuple[str, str], SitePath] = field(default_factory=dict)
    """File and name of a setting to the place that says it."""
    last: SitePath = ()
    """The place that was filled last."""

    def say(self, path: SitePath, value: object, comments: Iterable[str] = ()) -> None:
        """Put a value at a place, which is new or replaced."""
        _put(self.tree, path, value)
        self.last = path
        self.remark(path, comments)

    def hide(self, path: SitePath, value: object) -> None:
        """Put a value at a place of the file that only its owner reads."""
        _put(self.hidden, path, value)

    def remark(self, path: SitePath, comments: Iterable[str], prefix: str = "") -> None:
        """Put the old administrator's words above a place; those that Courier ships are left out."""
        own = own_comments(tuple(comments))
        lines = [cleaned for line in own if (cleaned := printable(_COMMENT.sub("", _readable(line))))]
        if lines:
            self.comments.setdefault(path, []).extend(f"{prefix}{line}" for line in lines)

    def said(self, path: SitePath) -> object:
        """What stands at a place; None where nothing does."""
        here: Any = self.tree
        for step in path:
            here = here.get(step) if isinstance(here, dict) else None
        return here

    def unsay(self, path: SitePath) -> None:
        """Take a value away, with the maps that it leaves empty."""
        above = self.said(path[:-1])
        if isinstance(above, dict):
            above.pop(path[-1], None)
            if not above and len(path) > 1:
                self.unsay(path[:-1])

    def note(self, says: str, mark: Mark | None = None, *, is_open: bool = False) -> None:
        """Tell the reader something, once."""
        if (found := Note(says, mark, is_open)) not in self.notes:
            self.notes.append(found)

    def placed(self, path: str, installation: Installation) -> str:
        """A path that may lie in the configuration directory, where the target has that."""
        name = installation.inside(path)
        return path if name is None else f"{self.profile.layout.sysconfdir}/{name}"

    def secret(self, name: str, text: str) -> dict[str, str]:
        """A reference to a secret that gets a file of its own."""
        base = f"{self.secrets_directory}/{_file_name(name)}"
        file, number = base, 2
        content = text.encode(errors="surrogateescape") + b"\n"
        while self.secrets.get(file, content) != content:
            file, number = f"{base}-{number}", number + 1
        self.secrets[file] = content
        return {"from_file": file}

    def carry(self, installation: Installation, name: str) -> None:
        """Let the site carry a file of the installation as it is, with its permissions."""
        found = installation.files[name]
        if found.link is not None:
            self.say(("files", name), {"link": self._target(name, found.link)})
            return
        text = _as_text(found.content)
        if found.is_private and text and text.endswith("\n"):
            entry: dict[str, object] = {"secret": self.secret(name, text[:-1])}
        elif text is not None and len(text) <= _INLINE and not found.is_private:
            entry = {"content": text}
        else:
            entry = {"from_file": self.carry_beside(name, found)}
        self.say(("files", name), entry | self._permissions(name, found, is_secret="secret" in entry))

    def carry_beside(self, name: str, file: File) -> str:
        """Put a file beside the site, as it is; its name there."""
        directory = self.secrets_directory if file.is_private else self.files_directory
        place = f"{directory}/{name}"
        self.carried[place] = file
        return place

    def _target(self, name: str, link: str) -> str:
        """What a link leads to, as a whole path."""
        return posixpath.normpath(posixpath.join(self.profile.layout.sysconfdir, posixpath.dirname(name), link))

    def _permissions(self, name: str, found: File, *, is_secret: bool) -> dict[str, object]:
        """Those permissions that a file would not get anyhow."""
        secret = Permissions("0640", "root", self.profile.layout.mailgroup)
        usual = secret if is_secret else self.profile.permissions(name)
        wanted = {"mode": f"{found.mode:04o}", "owner": found.owner, "group": found.group}
        return {key: value for key, value in wanted.items() if value != getattr(usual, key)}


def _put(tree: dict[str, Any], path: SitePath, value: object) -> None:
    here: Any = tree
    for step in path[:-1]:
        inner = here.setdefault(step, {})
        if not isinstance(inner, dict):
            inner = here[step] = {}
        here = inner
    here[path[-1]] = value


def _file_name(text: str) -> str:
    return _UNSAFE.sub("-", text).strip("-.") or "secret"


def _as_text(content: bytes) -> str | None:
    """The text of a file that a site can hold; None for other bytes."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if _ODD.search(text) else text


def _readable(comment: str) -> str:
    """A comment whose bytes are not UTF-8, as they are read in the encoding that was usual before."""
    return comment.encode(errors="surrogateescape").decode("latin-1") if not is_printable(comment) else comment


def printable(text: str) -> str:
    """A text without what a site file refuses: control characters and bytes that are no text."""
    return _ODD.sub("", text)


def is_printable(text: str) -> bool:
    """Whether a site file can hold a text."""
    return _ODD.search(text) is None


@cache
def _adapter(word: Any) -> TypeAdapter[Any]:
    return TypeAdapter(word)


def fits(word: Any, value: object) -> bool:
    """Whether a value is one of the words of the site language."""
    try:
        _adapter(word).validate_python(value, strict=True)
    except ValidationError:
        return False
    return all(is_printable(part) for part in (value if isinstance(value, list) else [value]) if isinstance(part, str))
