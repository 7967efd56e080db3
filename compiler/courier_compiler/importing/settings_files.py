"""Settings files of an installation as programs read them: own assignments, and those in force with the file before.

A file that is read after another one inherits what that assigns. Values are compared as their readers understand
them, not as they are spelt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from courier_compiler.importing import conninfo
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.remarks import anywhere, lines_of
from courier_compiler.importing.shell_script import Opaque, read_script
from courier_compiler.profile import Profile, customised, in_force, load_profile
from courier_compiler.settings_file import spelt
from courier_schema.legacy.formats import module_file, rc
from courier_schema.legacy.table import Row, Table, rows, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.report import Mark

LOCALE_LINE: Final = "SYSLOCALE_LINE"
PREFIXES: Final = ("/usr/lib/courier", "/usr/local/courier", "/usr/local", "/usr", "/opt/courier")
"""Where builds from source have put Courier."""

SERVICES: Final = {"smtp": "25", "smtps": "465", "ssmtp": "465", "submission": "587", "imap": "143", "imaps": "993",
                   "pop3": "110", "pop3s": "995"}  # fmt: skip
"""Ports by the names under which a system knows them."""
EMPTY_IS_ABSENT: Final = frozenset(
    ("ESMTPAUTH", "ESMTPAUTH_TLS", "POP3AUTH", "POP3AUTH_TLS", "DEFAULTOPTIONS", "MYSQL_SOCKET", "TLS_PRIORITY")
)
"""Settings whose readers make no difference between an empty value and none."""

_OF_THE_BUILD: Final = frozenset(("prefix", "exec_prefix", "MAILUSER", "MAILGROUP"))
"""Settings that a build fills in and nobody changes."""
_ROOTS: Final = ("/share/rootcerts", "/share/courier/rootcerts")
"""Where old builds had the authorities they shipped."""
_MARKER: Final = re.compile(r"^##NAME:[ \t]*([^:\s]+):", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """One file. `values` are in force after it was read; `own` are those that it assigns itself."""

    file: str
    own: Mapping[str, str]
    values: Mapping[str, str]
    marks: Mapping[str, Mark]
    comments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    opaque: tuple[Opaque, ...] = ()
    markers: frozenset[str] = frozenset()
    place: str = ""
    """What marks call the file."""

    @property
    def uncertain(self) -> frozenset[str]:
        """Names whose values only a shell could tell."""
        return frozenset(name for part in self.opaque for name in part.names) - self.own.keys()

    @property
    def is_marked(self) -> bool:
        """Whether the file is of the preformatted kind that came with Courier 0.30."""
        return bool(self.markers)


def settings_names() -> Iterator[str]:
    """Files of variables and keywords, those first that others are read after."""
    return (file for file in FILES if table(file).format in {"shell", "rc", "module"})


def read_settings(installation: Installation, profile: Profile) -> dict[str, SettingsFile]:
    """Every settings file that an installation has."""
    found: dict[str, SettingsFile] = {}
    for file in settings_names():
        if installation.content(file) is not None:
            base = table(file).overlays
            found[file] = _read(installation, file, profile, found.get(base.file) if base else None)
    return found


def _read(installation: Installation, file: str, profile: Profile, base: SettingsFile | None) -> SettingsFile:
    source = installation.source(file)
    match table(file).format:
        case "rc":
            parsed = rc.parse(source)
            text = source.content.decode("utf-8", "surrogateescape")
            remarks = _remarks(text)
            markers = frozenset(_MARKER.findall(text))
            return SettingsFile(
                file, parsed.entries, parsed.entries, parsed.marks, remarks, markers=markers, place=source.name
            )
        case "module":
            values = module_file.parse(source).values
            remarks = {"": tuple(remark.text for remark in lines_of(source, anywhere))}
            return SettingsFile(file, values, values, {}, remarks, place=source.name)
        case _:
            return _read_shell(installation, file, profile, base)


def _read_shell(installation: Installation, file: str, profile: Profile, base: SettingsFile | None) -> SettingsFile:
    inherited = dict(base.values) if base else {}
    known = {row.name: "" for row in _rows_of(file)}
    known |= {**profile.layout.values(), "sysconfdir": installation.sysconfdir} | inherited
    script = read_script(installation.source(file), known)
    own, opaque = dict(script.values), list(script.opaque)
    for path, mark in script.includes:
        if file == "courierd" and LOCALE_LINE not in own:
            own[LOCALE_LINE] = f". {path}"
        else:
            opaque.append(Opaque(f". {path}", "another file, which is not read", mark, frozenset()))
    values = {name: value for name, value in inherited.items() if name not in script.uncertain} | own
    all_opaque = (*opaque, *(base.opaque if base else ()))
    place = installation.where(file)
    return SettingsFile(file, own, values, script.marks, script.comments, all_opaque, script.markers, place)


def _remarks(text: str) -> dict[str, tuple[str, ...]]:
    """Comment lines of a keyword file by the keyword that follows them; under "" those that none follows."""
    found: dict[str, tuple[str, ...]] = {}
    waiting: list[str] = []
    for line in text.split("\n"):
        if line.startswith(("##NAME:", "##VERSION:")):
            found[""] = (*found.get("", ()), *waiting)
            waiting = []
        elif line.lstrip().startswith("#"):
            waiting.append(line)
        elif line.strip():
            name = line.split()[0]
            found[name] = (*found.get(name, ()), *waiting)
            waiting = []
    return {**found, "": (*found.get("", ()), *waiting)}


def _rows_of(file: str) -> Iterator[Row]:
    cls = table(file)
    if cls.overlays:
        yield from rows(cls.overlays)
    yield from rows(cls)


@cache
def row_of(file: str, name: str) -> tuple[type[Table], Row] | None:
    """The row of a name in a file's table, or in that of the file before it."""
    cls = table(file)
    for candidate in (cls, cls.overlays):
        if candidate is not None and name in rows_by_name(candidate):
            return candidate, rows_by_name(candidate)[name]
    return None


def meaning(file: str, name: str, text: str | None) -> object:
    """What a program makes of a value; the text itself where the catalogue knows no better."""
    found = row_of(file, name)
    if found is not None and found[1].codec.kind == "address":
        return (text or "").strip() or "0"
    if text is None or found is None:
        return text
    if name == "PGSQL_CONNECTION":
        return conninfo.parse(text) or text
    try:
        value = found[1].codec.decode(text)
    except ValueError:
        return " ".join(text.split())
    if found[1].codec.kind == "ports":
        value = tuple(_port(word) for word in value)
    elif found[1].codec.kind == "pairs":
        value = tuple(sorted(value))
    is_nothing = value in ((), "") and (found[1].codec.kind == "options" or name in EMPTY_IS_ABSENT)
    return None if is_nothing else value


def _port(word: str) -> str:
    address, dot, port = word.rpartition(".")
    return f"{address}{dot}{SERVICES.get(port, port)}"


def is_same(file: str, name: str, one: str | None, other: str | None) -> bool:
    """Whether two values, or the absence of one, come to the same for the programs."""
    return one == other or meaning(file, name, one) == meaning(file, name, other)


def group_of(file: str, name: str, profile: Profile) -> str | None:
    """The group of the target's file in which a setting stands."""
    layout = profile.files.get(file)
    groups = layout.groups if layout else ()
    return next((group.name for group in groups if name in group.settings), None)


@cache
def _builds(prefix: str) -> tuple[Profile, ...]:
    source = load_profile("upstream-2.0")
    if not prefix:
        return (source, load_profile("debian-12"))
    made = customised(source, {"prefix": prefix})
    return (
        made,
        customised(made, {"certsdir": f"{prefix}/etc"}),
        customised(made, {"certsdir": f"{prefix}/share/courier"}),
    )


@cache
def shipped_values(file: str, prefix: str) -> Mapping[str, frozenset[str]]:
    """What builds with a prefix ship for settings that name places of the build; without one, for known builds."""
    cls = table(file)
    found: dict[str, set[str]] = {}
    placed = {row.name for row in rows(cls) if row.default is not None and "${" in row.codec.encode(row.default)}
    for profile in _builds(prefix):
        for name, text in spelt(in_force(file, profile)).items():
            if name in placed and "/" in text:
                found.setdefault(name, set()).add(text)
    return {name: frozenset(texts) for name, texts in found.items()}


def is_of_the_build(file: str, name: str, text: str, prefixes: tuple[str, ...]) -> bool:
    """Whether a value is the place of a program or directory that some build of Courier has by default."""
    found = row_of(file, name)
    if name in _OF_THE_BUILD:
        return True
    if found is None or found[0].format == "module":
        return False
    roots = {f"{prefix}{end}" for prefix in prefixes for end in _ROOTS}
    if found[1].internal or (name == "TLS_TRUSTCERTS" and text in roots):
        return True
    owners = (file,) if found[0].file == file else (file, found[0].file)
    return any(text in shipped_values(owner, prefix).get(name, ()) for owner in owners for prefix in ("", *prefixes))
