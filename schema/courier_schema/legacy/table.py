"""The row machinery: a class whose body is the table of one Courier file's settings.

A row is a name, a type that says how the value is spelt, upstream's default and a sentence:

    class Esmtpd(Tcpd, Tls, file="esmtpd"):
        maxperip: Positive = 5
        \"\"\"Sessions that one address may hold at a time.\"\"\"

An instance is partial: it holds only the rows that were said, and reads as the default everywhere else. So one
notation serves for the catalogue, for what an intent derives and for what a person said. None means that the
setting is not assigned at all, which the programs often treat differently from its default.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from inspect import get_annotations
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

from courier_schema.legacy.codecs import Codec, choice_of

FileFormat = Literal["shell", "rc", "module", "bofh", "one-value"]
Directory = Literal["sysconfdir", "authdir"]


@dataclass(frozen=True, slots=True)
class Named:
    """Courier's own spelling of a row whose name is not simply the attribute in capitals."""

    name: str


@dataclass(frozen=True, slots=True)
class Absent:
    """What the programs do when the setting is not assigned."""

    means: str


@dataclass(frozen=True, slots=True)
class Since:
    """First release that reads the setting: of Courier, or of courier-authlib for the files of `authdir`."""

    version: str


@dataclass(frozen=True, slots=True)
class Until:
    """First release that no longer reads the setting, counted as for `Since`, and what replaced it."""

    version: str
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """The setting stands in Courier's files but no program reads it; `instead` is the name that is read, if any."""

    instead: str = ""


@dataclass(frozen=True, slots=True)
class Unserved:
    """`courier-run` does not obey the setting, and why it does not."""

    because: str


@dataclass(frozen=True, slots=True)
class Library:
    """Only builds with this TLS library read the setting; the other library ignores it without a word."""

    name: Literal["gnutls", "openssl"]


@dataclass(frozen=True, slots=True)
class Secret:
    """The value is a password: shown nowhere, and its file is not readable by others."""


@dataclass(frozen=True, slots=True)
class Internal:
    """A constant of the build or a list for the web administration; never meant to be edited."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting, as the catalogue knows it."""

    attribute: str
    name: str
    codec: Codec[Any]
    default: object
    optional: bool = False
    """Whether it may be left unassigned: where False, a program fails without it."""
    absent: str = ""
    since: str = ""
    until: str = ""
    successor: str = ""
    library: str = ""
    unread: bool = False
    unserved: str = ""
    """Why `courier-run` does not obey it; empty where it does, and for what is no business of a mail server."""
    secret: bool = False
    internal: bool = False


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Table:
    """The settings of one file. Instances are immutable; equality is equality of what was said."""

    file: ClassVar[str] = ""
    format: ClassVar[FileFormat] = "shell"
    directory: ClassVar[Directory] = "sysconfdir"
    overlays: ClassVar[type[Table] | None] = None
    """The table that Courier reads first: only what differs from it need be said."""

    def __init_subclass__(
        cls,
        file: str = "",
        format: FileFormat = "shell",  # noqa: A002 - Courier files have formats; no better word exists
        directory: Directory = "sysconfdir",
        overlays: type[Table] | None = None,
    ) -> None:
        cls.file, cls.format, cls.directory, cls.overlays = file, format, directory, overlays

    def __init__(self, **said: object) -> None:
        unknown = said.keys() - rows_by_attribute(type(self)).keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no row {', '.join(sorted(unknown))}")
        self.__dict__.update(said)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), frozenset(self.__dict__.items())))

    def __repr__(self) -> str:
        secret = {row.attribute for row in rows(type(self)) if row.secret}
        shown = (f"{key}={'***' if key in secret else repr(value)}" for key, value in self.said().items())
        return f"{type(self).__name__}({', '.join(shown)})"

    def said(self) -> Mapping[str, object]:
        """Attribute to value, for the rows that this instance was given."""
        return types.MappingProxyType(self.__dict__)

    def over(self, lower: Self) -> Self:
        """Both together; where both speak, this one wins."""
        return type(self)(**{**lower.__dict__, **self.__dict__})

    def items(self) -> Iterator[tuple[Row, object]]:
        """Every row with the value in force, in the order of the table."""
        return ((row, getattr(self, row.attribute)) for row in rows(type(self)))


_ROWS: dict[type[Table], tuple[Row, ...]] = {}


def rows(table: type[Table]) -> tuple[Row, ...]:
    """The rows of a table in the order of its class body, mixins first."""
    if table not in _ROWS:
        _ROWS[table] = _read_rows(table)
    return _ROWS[table]


def _read_rows(table: type[Table]) -> tuple[Row, ...]:
    hints: dict[str, list[object]] = {}
    for base in reversed(table.__mro__[: -len(Table.__mro__)]):
        for name, hint in get_annotations(base, eval_str=True).items():
            origin: object = get_origin(hint)
            if origin is not ClassVar:
                hints.setdefault(name, []).insert(0, hint)
    return tuple(_row(table, name, said) for name, said in hints.items())


def rows_by_attribute(table: type[Table]) -> Mapping[str, Row]:
    return {row.attribute: row for row in rows(table)}


def rows_by_name(table: type[Table]) -> Mapping[str, Row]:
    """Rows by Courier's own spelling."""
    return {row.name: row for row in rows(table)}


def _row(table: type[Table], attribute: str, hints: list[object]) -> Row:
    """One row of all its annotations, the most derived first: what that one leaves unsaid comes from the bases."""
    metadata = [meta for hint in reversed(hints) for meta in _metadata(hint)]
    codecs = [meta for meta in metadata if isinstance(meta, Codec)]
    if not codecs:
        raise TypeError(f"row {attribute} has no codec in its type")
    facts: dict[str, Any] = {"name": attribute if table.format == "one-value" else attribute.upper()}
    facts["optional"] = type(None) in get_args(hints[0])
    for meta in metadata:
        facts.update(_facts(meta))
    if table.overlays and attribute in rows_by_attribute(table.overlays):
        facts["absent"] = f"the value of {table.overlays.file} applies"
    return Row(attribute=attribute, codec=codecs[-1], default=getattr(table, attribute), **facts)


def _facts(meta: object) -> dict[str, Any]:
    match meta:
        case Named(name):
            return {"name": name}
        case Absent(means):
            return {"absent": means}
        case Since(version):
            return {"since": version}
        case Until(version, successor):
            return {"until": version, "successor": successor}
        case Unread(instead):
            return {"unread": True, "successor": instead}
        case Unserved(because):
            return {"unserved": because}
        case Library(name):
            return {"library": name}
        case Secret():
            return {"secret": True}
        case Internal():
            return {"internal": True}
        case _:
            return {}


def _metadata(hint: object) -> Iterator[object]:
    """Codecs and facts in a type, however `Annotated` and `| None` are nested; a Literal is its own codec."""
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *metadata = get_args(hint)
        yield from metadata
        yield from _metadata(inner)
    elif origin in (Union, types.UnionType):
        for part in get_args(hint):
            yield from _metadata(part)
    elif origin is Literal:
        yield choice_of(hint)
