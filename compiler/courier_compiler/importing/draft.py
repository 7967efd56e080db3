"""Draft: a site while it is being written from an old installation: its tree, comments, secrets, carried files, notes.

Everything that is put into a draft has passed the words of the site language, so that the finished site is read
without a mistake; what does not pass is refused, and whoever tried says it in another way.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from courier_compiler.importing.installation import File, Installation
from courier_compiler.importing.privacy import is_private
from courier_compiler.importing.remarks import Remark
from courier_compiler.importing.shipped import own_comments
from courier_compiler.profile import Permissions, Profile
from courier_schema.report import Mark, Problem, SitePath

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_COMMENT: Final = re.compile(r"^[#\s]+|\s+$")
_ODD: Final = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
COMMENTS: Final = "comments.txt"
"""The file in the directory of secrets with the comments of files that not everybody may read, and with what of these
only a shell could carry out."""
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
    private: frozenset[str] = frozenset()
    """Files, as marks call them, that not everybody may read."""
    concealed: set[SitePath] = field(default_factory=set)
    """Places of the tree whose text comes from such a file and stands among the secrets."""
    restricted: list[str] = field(default_factory=list)
    """Such files whose words stand in the site itself, which only its owner may read therefore."""
    kept: dict[str, list[str]] = field(default_factory=dict, repr=False)
    """Such files, with those of their lines that have no place in a site."""
    placed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often a comment of a file was put above a place."""
    secrets: dict[str, bytes] = field(default_factory=dict, repr=False)
    """Files with one secret each, by their name relative to the site."""
    carried: dict[str, File] = field(default_factory=dict)
    """Files that the site carries as they are, by their name relative to the site."""
    notes: list[Note] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    """Files and directories of the installation that are dealt with."""
    meaningless: set[str] = field(default_factory=set)
    """Tables of aliases that nobody can compare, because makealiases refuses their sources."""
    places: dict[tuple[str, str], SitePath] = field(default_factory=dict)
    """File and name of a setting to the place that says it."""
    last: SitePath = ()
    """The place that was filled last."""

    def say(self, path: SitePath, value: object, remarks: Iterable[Remark] = ()) -> None:
        """Put a value at a place, which is new or replaced."""
        _put(self.tree, path, value)
        self.last = path
        self.remark(path, remarks)

    def say_text_of(self, file: str, path: SitePath, value: object) -> None:
        """Put a text of a file, as marks call it, at a place; if not everybody may read that, among the secrets."""
        self.say(path, value)
        if file in self.private:
            self.concealed.add(path)

    def hide(self, path: SitePath, value: object) -> None:
        """Put a value at a place of the file that only its owner reads."""
        _put(self.hidden, path, value)

    def remark(self, path: SitePath, remarks: Iterable[Remark], prefix: str = "") -> None:
        """Put the old administrator's words above a place; those that Courier ships are left out.

        Words of a file that not everybody may read are no part of a site.
        """
        for remark in remarks:
            text = own_text(remark)
            if text and remark.file not in self.private:
                self.comments.setdefault(path, []).append(f"{prefix}{text}")
                self.placed[remark.file, text] += 1

    def keep(self, file: str, remarks: Iterable[Remark]) -> None:
        """Let the words of a file that not everybody may read stand among the secrets."""
        if lines := [text for remark in remarks if (text := own_text(remark))]:
            self.kept.setdefault(file, []).extend(lines)

    def quoted(self, text: str, *files: str) -> str:
        """A text of a file, or of one of several, as marks call them, for a note; asterisks for what is private."""
        return "***" if self.private.intersection(files) else repr(text)

    def reason(self, error: ValueError, *files: str) -> str:
        """Why a text of such a file is refused, which may quote it."""
        return "it is none of its values" if self.private.intersection(files) else str(error)

    def told(self, problem: Problem) -> str:
        """What is wrong with an old file, for a note; not in detail where not everybody may read the file."""
        is_private = problem.mark is not None and problem.mark.file in self.private
        return "its reader does not take this line" if is_private else problem.says

    def divided(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The tree without what is concealed, and what is concealed."""
        concealed: dict[str, Any] = {}
        for path in self.concealed:
            if has(self.tree, path):
                _put(concealed, path, self.said(path))
        return _without(self.tree, (), self.concealed), concealed

    def comments_on(self, tree: Mapping[str, Any]) -> dict[SitePath, list[str]]:
        """The comments, those whose place is not in a tree above what is left of the way to it."""
        found: dict[SitePath, list[str]] = {}
        for path, lines in self.comments.items():
            place = next((path[:length] for length in range(len(path), -1, -1) if has(tree, path[:length])), ())
            found.setdefault(place, []).extend(lines)
        return found

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

    def is_taken(self, name: str) -> bool:
        """Whether a part of the site speaks for a file, or for the directory that it is in."""
        parts = name.split("/")
        return any("/".join(parts[:length]) in self.taken for length in range(1, len(parts) + 1))

    def relocated(self, path: str, installation: Installation) -> str:
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
        text, private = _as_text(found.content), is_private(installation, name)
        if private and text and text.endswith("\n"):
            entry: dict[str, object] = {"secret": self.secret(name, text[:-1])}
        elif text is not None and len(text) <= _INLINE and not private:
            entry = {"content": text}
        else:
            entry = {"from_file": self.carry_beside(name, found, is_private=private)}
        self.say(("files", name), entry | self._permissions(name, found, is_secret="secret" in entry))

    def carry_beside(self, name: str, file: File, *, is_private: bool) -> str:
        """Put a file beside the site, as it is; its name there."""
        directory = self.secrets_directory if is_private else self.files_directory
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


def own_text(remark: Remark) -> str:
    """The words of a comment, as a site can hold them; none where they are Courier's own."""
    own = own_comments((remark.text,))
    return printable(_COMMENT.sub("", _readable(own[0]))) if own else ""


def has(tree: Mapping[str, Any], path: SitePath) -> bool:
    """Whether something stands at a place of a tree, be it nothing at all."""
    here: Any = tree
    for step in path:
        inner: Any = dict(enumerate(here)) if isinstance(here, list) else here
        if not isinstance(inner, dict) or step not in inner:
            return False
        here = inner[step]
    return True


def _without(tree: Mapping[str, Any], path: SitePath, gone: set[SitePath]) -> dict[str, Any]:
    """A tree without some places, and without the maps that these leave empty."""
    left: dict[str, Any] = {}
    for key, value in tree.items():
        here = (*path, key)
        if here in gone:
            continue
        inner = _without(value, here, gone) if isinstance(value, dict) else value
        if inner or not value:
            left[key] = inner
    return left


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
