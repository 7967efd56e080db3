"""Domains as Courier compares them: the normal form, the text lists, and the names of one server.

Everything here is pure and total: any bytes have a normal form, any text is a list. Text that is not UTF-8
travels through `str` as surrogate escapes and comes out unchanged.
"""

from __future__ import annotations

import re
import stringprep
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from encodings import idna
from types import MappingProxyType
from typing import Final, Self, TypeVar

Text = TypeVar("Text", str, bytes)

ONE_LINE_LIMIT: Final = 255
"""Bytes of a one-line control file (`me`, `defaultdomain`) that count."""

_PLAIN: Final = re.compile(rb"(?:(?!xn--)[a-z0-9_+-]+\.?)*\Z")
_FULL_STOPS: Final = str.maketrans("\u3002\uff0e\uff61", "...")
_ACE_PREFIX: Final = "xn--"


def lower(text: Text) -> Text:
    """Lower-case character by character, without context: Courier's mapping for local parts and domains.

    Text that is not UTF-8 is returned unchanged, its ASCII letters included.
    """
    if isinstance(text, str):
        return _decode(_lower(_encode(text)))
    return _lower(text)


def normal_form(domain: Text) -> Text:
    """The form in which Courier 1.0 compares domains: UTF-8, ACE labels decoded, lower case.

    ACE labels follow IDNA2003 (RFC 3490) over Unicode 3.2; one that does not survive the round trip stays as
    it is. Labels already in UTF-8 are only lower-cased, never normalised or folded.
    """
    if isinstance(domain, str):
        return _decode(_normal_form(_encode(domain)))
    return _normal_form(domain)


def first_line(content: bytes) -> str:
    """The value of a one-line control file: its first line as typed, blanks and carriage returns included."""
    return _decode(re.split(rb"[\n\0]", content, maxsplit=1)[0][:ONE_LINE_LIMIT])


def server_name(content: bytes | None, host_name: str) -> str:
    """The value of `me`: the host name if there is no file, which also stands for `*` in front of a dot."""
    if content is None:
        return host_name
    name = first_line(content)
    return host_name + name[1:] if name.startswith("*.") else name


@dataclass(frozen=True, slots=True)
class DomainList:
    """A compiled text list (`locals`, `esmtpacceptmailfor`, `esmtppercentrelay`).

    Entries are tried in order and the first match decides; looking up costs one probe per label, however long
    the list is.
    """

    entries: tuple[str, ...]
    """What was written, in order, comments and line ends removed."""
    host_name: str
    _ranks: Mapping[str, int] = field(repr=False, compare=False)
    """Normal form of what an entry matches -> position of the first entry with that form."""

    @classmethod
    def of(cls, entries: Iterable[str], host_name: str) -> Self:
        """The list of these entries, each a `domain`, `.domain`, `*`, `*.rest` or one of these behind `!`."""
        written = tuple(entry for entry in entries if entry.removeprefix("!"))
        ranks: dict[str, int] = {}
        for rank, entry in enumerate(written):
            ranks.setdefault(normal_form(entry.removeprefix("!")), rank)
        return cls(written, host_name, MappingProxyType(ranks))

    @classmethod
    def parse(cls, text: bytes, host_name: str) -> Self:
        """Read the text of a list file: a number sign starts a comment anywhere, CR and LF end lines.

        The text ends at a NUL byte. Blanks are part of an entry, which therefore matches nothing.
        """
        lines = re.split(rb"[\r\n]+", text.partition(b"\0")[0])
        return cls.of((_decode(line.partition(b"#")[0]) for line in lines), host_name)

    def match(self, domain: str) -> str | None:
        """The entry that puts a domain into the list; None if none does or an exclusion comes first.

        A domain under the host name is tried with `*` in its place first, so that `*` overrules an exclusion
        of the host name itself, wherever the two stand.
        """
        form = normal_form(domain)
        starred = under_host_name(form, self.host_name)
        return (self._match(starred) if starred else None) or self._match(form)

    def __contains__(self, domain: object) -> bool:
        return isinstance(domain, str) and self.match(domain) is not None

    def _match(self, form: str) -> str | None:
        rank = min((self._ranks[known] for known in itself_and_ends(form) if known in self._ranks), default=None)
        if rank is None or self.entries[rank].startswith("!"):
            return None
        return self.entries[rank]


def itself_and_ends(form: str) -> Iterator[str]:
    """What may be listed to match a domain in normal form: itself, and each of its ends from a dot on."""
    yield form
    at = form.find(".", 1)
    while at >= 0:
        yield form[at:]
        at = form.find(".", at + 1)


def under_host_name(domain: str, host_name: str) -> str | None:
    """A domain with the host name it equals or starts with replaced by `*`; None for other domains."""
    if domain == host_name or domain.startswith(f"{host_name}."):
        return "*" + domain[len(host_name) :]
    return None


@dataclass(frozen=True, slots=True)
class Locality:
    """What addresses depend on besides their own text: the names of the server and how it treats case."""

    host_name: str
    me: str
    default_domain: str
    """As typed: Courier appends it so, and normalises it only inside an address."""
    locals: DomainList
    lowercase: bool = False
    """True when `locallowercase` exists: local parts of local addresses lose their case."""

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], host_name: str) -> Self:
        """Build it from the contents of `me`, `defaultdomain`, `locals` and `locallowercase`.

        A missing key is a missing file and has Courier's default; an empty file is an empty value.
        """
        me = server_name(files.get("me"), host_name)
        default_domain, local = files.get("defaultdomain"), files.get("locals")
        return cls(
            host_name=host_name,
            me=me,
            default_domain=me if default_domain is None else first_line(default_domain),
            locals=DomainList.of([me], host_name) if local is None else DomainList.parse(local, host_name),
            lowercase="locallowercase" in files,
        )


def _normal_form(domain: bytes) -> bytes:
    if _PLAIN.match(domain):
        return domain
    try:
        text = domain.decode()
    except UnicodeDecodeError:
        return domain
    labels = text.translate(_FULL_STOPS).split(".")
    return "".join(map(_lower_character, ".".join(map(_decode_label, labels)))).encode()


def _decode_label(label: str) -> str:
    if label[:4].lower() != _ACE_PREFIX or not label.isascii():
        return label
    try:
        decoded = idna.ToUnicode(label.lower())  # which knows the prefix in lower case only
    except UnicodeError:
        return label
    return label if any(map(stringprep.in_table_a1, decoded)) else decoded


def _lower(text: bytes) -> bytes:
    if text.isascii():
        return text.lower()
    try:
        return "".join(map(_lower_character, text.decode())).encode()
    except UnicodeDecodeError:
        return text


def _lower_character(character: str) -> str:
    return "i" if character == "\u0130" else character.lower()


def _encode(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _decode(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
