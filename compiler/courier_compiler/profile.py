"""Target profiles: which Courier a tree is compiled for, as data.

A profile says where things lie, who owns them, in which groups each settings file is laid out and where the shipped
values differ from upstream's. Programs of two releases differ here and nowhere else.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from courier_schema.legacy.table import Row, Table, rows
from courier_schema.legacy.tables import table

TlsLibrary = Literal["gnutls", "openssl"]
Database = Literal["gdbm", "berkeley"]

_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")


def expand(text: str, values: Mapping[str, str]) -> str:
    """Text with each `${name}` of `values` replaced, and within the replacement too; other text stays."""
    while known := [match for match in _PLACEHOLDER.finditer(text) if match[1] in values]:
        for match in reversed(known):
            text = text[: match.start()] + values[match[1]] + text[match.end() :]
    return text


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a build of Courier has its parts, and as whom it runs."""

    prefix: str
    exec_prefix: str
    bindir: str
    sbindir: str
    libexecdir: str
    sysconfdir: str
    authdir: str
    localstatedir: str
    piddir: str
    certsdir: str
    cacerts: str
    authdaemonvar: str
    mailuser: str
    mailgroup: str
    shell: str
    shellpath: str
    sendmail: str
    maildrop: str
    procmail: str
    courierlogger: str
    init_locale: str
    allmodules: str

    @classmethod
    def of(cls, formulas: Mapping[str, str]) -> Layout:
        """The layout whose fields may refer to one another as `${field}`."""
        return cls(**{field.name: expand(formulas[field.name], formulas) for field in dataclasses.fields(cls)})

    def values(self) -> dict[str, str]:
        """Field to value, as `expand` takes them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


LAYOUT_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Layout))


@dataclass(frozen=True, slots=True)
class Permissions:
    """Mode in octal digits, owner and group by name."""

    mode: str
    owner: str
    group: str


@dataclass(frozen=True, slots=True)
class GroupLayout:
    """One `##NAME` group of a settings file, and the settings below its marker."""

    name: str
    revision: str
    settings: tuple[str, ...]

    @property
    def marker(self) -> str:
        return f"##NAME: {self.name}:{self.revision}"


@dataclass(frozen=True, slots=True)
class FileLayout:
    """A settings file as the release ships it: its version line, its groups in order, its permissions."""

    version_line: str
    groups: tuple[GroupLayout, ...]
    permissions: Permissions


@dataclass(frozen=True, slots=True)
class Daemon:
    """How a daemon is run: commands of its own, and its systemd unit where the release has one."""

    start: str
    stop: str
    restart: str
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One target, equal only to itself. `formulas` is its layout before its fields were filled into one another."""

    name: str
    title: str
    courier: str
    authlib: str
    tls_library: TlsLibrary
    database: Database
    layout: Layout
    formulas: Mapping[str, str]
    files: Mapping[str, FileLayout]
    stock: Mapping[str, Mapping[str, str | None]]
    modes: Mapping[str, Permissions]
    daemons: Mapping[str, Daemon]

    def permissions(self, path: str) -> Permissions:
        """Shipped mode and owners of a file below the configuration directory; directories end in a slash."""
        if path in self.files:
            return self.files[path].permissions
        return next(found for pattern, found in self.modes.items() if fnmatchcase(path, pattern))

    def reads(self, table: type[Table], row: Row) -> bool:
        """Whether the programs of this target look at a setting at all."""
        release = version(self.authlib if table.directory == "authdir" else self.courier)
        too_old = bool(row.since) and release < version(row.since)
        too_new = bool(row.until) and release >= version(row.until)
        other_library = bool(row.library) and row.library != self.tls_library
        return not (row.unread or too_old or too_new or other_library)


def version(text: str) -> tuple[int, ...]:
    """A release number that compares as releases do."""
    return tuple(map(int, text.split(".")))


def profile_names() -> tuple[str, ...]:
    """Names that `load_profile` knows, sorted."""
    found = (entry.name for entry in _directory().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def load_profile(name: str) -> Profile:
    """The profile of that name; ValueError with the names there are."""
    if name not in profile_names():
        raise ValueError(f"there is no profile {name!r}: write one of {', '.join(profile_names())}")
    data = _read(name)
    return _profile(name, data, data["layout"])


def customised(profile: Profile, changes: Mapping[str, str]) -> Profile:
    """The profile with some of its layout, `database`, `tls_library` or release numbers said otherwise.

    Paths that the profile derives from a changed one follow it. The same profile for the same changes, itself where
    nothing changes. ValueError for a name or a value that is unknown.
    """
    for key, value in changes.items():
        check_change(key, value)
    if all(
        getattr(profile.layout if key in LAYOUT_FIELDS else profile, key) == value for key, value in changes.items()
    ):
        return profile
    return _customised(profile, frozenset(changes.items()))


def check_change(key: str, value: str) -> None:
    """Whether a profile has such a field and can hold the value. ValueError with what to write instead."""
    choices = {"database": ("gdbm", "berkeley"), "tls_library": ("gnutls", "openssl")}
    changeable = (*choices, "courier", "authlib", *LAYOUT_FIELDS)
    if key not in changeable:
        raise ValueError(f"a profile has no {key!r}: write one of {', '.join(changeable)}")
    if value not in choices.get(key, (value,)):
        raise ValueError(f"{key} {value!r} is unknown: write {' or '.join(choices[key])}")
    if key in {"courier", "authlib"} and not re.fullmatch(r"\d+(\.\d+)*", value):
        raise ValueError(f"{value!r} is not a release: write numbers with dots, such as 1.0.16")
    if not value or "${" in value:
        raise ValueError(f"{key} {value!r} cannot be used: write it out, without ${{...}}")


@cache
def _customised(profile: Profile, said: frozenset[tuple[str, str]]) -> Profile:
    changes = dict(said)
    layout = {key: value for key, value in changes.items() if key in LAYOUT_FIELDS}
    others = {key: value for key, value in changes.items() if key not in LAYOUT_FIELDS}
    return _profile(profile.name, _read(profile.name) | others, {**profile.formulas, **layout})


@cache
def in_force(file: str, profile: Profile) -> Table:
    """What a fresh installation has in a file: Courier's defaults with the profile's layout and stock values.

    The table says only what is not the class's default as it stands. Rows that the release's file has no group for
    are said as None. References of a file to its own settings stay, until the file is composed.
    """
    cls = table(file)
    layout, stock = profile.layout.values(), profile.stock.get(file, {})
    shipped = profile.files.get(file)
    names = {name for group in shipped.groups for name in group.settings} if shipped else None
    said: dict[str, object] = {}
    for row in rows(cls):
        if names is not None and row.name not in names:
            said[row.attribute] = None
        elif row.name in stock:
            text = stock[row.name]
            said[row.attribute] = None if text is None else row.codec.decode(expand(text, layout))
        elif row.default is not None and (text := row.codec.encode(row.default)) != (full := expand(text, layout)):
            said[row.attribute] = row.codec.decode(full)
    return cls(**said)


def _directory() -> Path:
    return Path(__file__).with_name("profiles")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(_directory().joinpath(f"{name}.toml").read_text("utf-8"))


def _profile(name: str, data: Mapping[str, Any], formulas: Mapping[str, str]) -> Profile:
    layout = Layout.of(formulas)
    values = layout.values()
    return Profile(
        name=name,
        title=data["title"],
        courier=data["courier"],
        authlib=data["authlib"],
        tls_library=cast(TlsLibrary, data["tls_library"]),
        database=cast(Database, data["database"]),
        layout=layout,
        formulas=MappingProxyType(dict(formulas)),
        files=MappingProxyType({file: _file(entry, values) for file, entry in data["files"].items()}),
        stock=MappingProxyType({file: _stock(entry) for file, entry in data["stock"].items()}),
        modes=MappingProxyType({file: _permissions(entry, values) for file, entry in data["modes"].items()}),
        daemons=MappingProxyType({name: _daemon(entry, values) for name, entry in data["daemons"].items()}),
    )


def _file(entry: Mapping[str, str], values: Mapping[str, str]) -> FileLayout:
    groups = tuple(_group(word) for word in entry["groups"].split())
    return FileLayout(entry["version"], groups, _permissions(entry["permissions"], values))


def _group(word: str) -> GroupLayout:
    """`NAME:0` for a group of one setting of its name, `NAME:0=A,B` for others, `NAME:0=` for none."""
    marker, equals, settings = word.partition("=")
    name, _, revision = marker.rpartition(":")
    return GroupLayout(name, revision, tuple(filter(None, settings.split(","))) if equals else (name,))


def _permissions(text: str, values: Mapping[str, str]) -> Permissions:
    """`0640 root:courier`."""
    mode, _, owners = expand(text, values).partition(" ")
    owner, _, group = owners.partition(":")
    return Permissions(mode, owner, group)


def _stock(entry: Mapping[str, str | bool]) -> Mapping[str, str | None]:
    """Values in Courier's spelling; false where the release leaves a setting unassigned that upstream assigns."""
    return MappingProxyType({name: None if text is False else str(text) for name, text in entry.items()})


def _daemon(entry: Mapping[str, str], values: Mapping[str, str]) -> Daemon:
    return Daemon(**{key: expand(text, values) for key, text in entry.items()})
