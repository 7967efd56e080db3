"""The account database userdb: its text form, the two tables makeuserdb makes of it, and looking up an account.

Total over bytes. What makes makeuserdb fail is an error, what it stores without effect is a warning. Password
fields reach the shadow table only and no problem cites one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from courier_schema.legacy.formats.citation import cite
from courier_schema.legacy.formats.makedat import Table, compile_table
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

Get = Callable[[bytes], bytes | None]
"""Reads one record of a database; None if there is none. `mapping.get` is one."""

Field = tuple[bytes, bytes]
"""Name and value of a field of an account."""

DEFAULT_BASE: Final = "/etc/courier/userdb"
HASHES: Final = ("md5", "sha1", "sha256")
"""Hash functions for which an account can hold a CRAM secret."""

_PASSWORD: Final = re.compile(rb"[^=]*pw=")
_SOUND_ROW: Final = re.compile(
    rb"(?![0-9]+=\t)\S(?:[^\t]*\S)?\t(?=(?:.*\|)?uid=)(?=(?:.*\|)?gid=)(?=(?:.*\|)?home=)", re.DOTALL
)
"""The line of an account with all that it needs; most lines are such, and nothing is to be said of them."""
_REVERSE: Final = re.compile(rb"[0-9]+=")
_WORD_END: Final = re.compile(rb"[ |=]")
_NUMBER: Final = re.compile(rb"[0-9]{1,10}")
_NAME: Final = re.compile(rb"[^#\t\n\r\0][^\t\n\r\0]*")
_FIELD_NAME: Final = re.compile(rb"[^=|\t\n\r\0]+")
_FIELD_VALUE: Final = re.compile(rb"[^|\n\r\0]*")
_CARRIED_OVER: Final = frozenset({"makedat-duplicate-key", "makedat-dot-line", "makedat-nul-byte"})


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the file system says about a userdb source; the caller looks, and looks at the top level only."""

    is_directory: bool = False
    mode: int | None = 0o600
    """Permission bits of the source; None if it does not exist."""
    symlinks: tuple[str, ...] = ()
    """Those of the source and the two databases that are symbolic links."""


@dataclass(frozen=True, slots=True)
class UserdbTables:
    """The records of `userdb.dat` and `userdbshadow.dat`, and what is wrong with their sources."""

    public: Mapping[bytes, bytes]
    shadow: Mapping[bytes, bytes] = field(repr=False)
    problems: tuple[Problem, ...]
    public_is_refused: bool = False
    """True when makeuserdb would leave the old `userdb.dat` in place."""
    shadow_is_refused: bool = False
    """The same of `userdbshadow.dat`: a failure of one does not keep the other from being replaced."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as authuserdb reports it for one service."""

    name: bytes
    uid: int
    gid: int
    home: bytes
    shell: bytes | None = None
    mail: bytes | None = None
    quota: bytes | None = None
    gecos: bytes | None = None
    options: bytes | None = None
    password: bytes | None = field(default=None, repr=False)
    """The password of the service, or else that of the system, encrypted."""
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Hash function -> HMAC secret for CRAM, that of the service before the general one."""


def select(paths: Iterable[str]) -> tuple[str, ...]:
    """Choose among paths below a source directory: all but those with a name that starts with a dot. Sorted."""
    return tuple(sorted(path for path in paths if not any(name.startswith(".") for name in path.split("/"))))


def compile_userdb(
    sources: Sequence[Source], base: str = DEFAULT_BASE, facts: SourceFacts = SourceFacts()
) -> UserdbTables:
    """Make the two tables as `makeuserdb -f base` does.

    In a directory the names of the sources are paths below it; they become the location field `_`, cut as
    makeuserdb cuts them, at the length of its default path.
    """
    refusals = tuple(_refusals(base, facts))
    if refusals:
        return UserdbTables({}, {}, refusals, True, True)
    split = [_split(source, _location(source, base, facts)) for source in sources]
    public = compile_table([public for public, _ in split])
    shadow = compile_table([shadow for _, shadow in split])
    problems = dict.fromkeys(_carried_over(public, shadow))
    problems.update(dict.fromkeys(problem for source in sources for problem in _line_problems(source)))
    return UserdbTables(public.records, shadow.records, tuple(problems), public.is_refused, shadow.is_refused)


def lookup_userdb(login: str, service: str, get_public: Get, get_shadow: Get) -> Account | None:
    """Find an account as authuserdb does; None if it is missing or lacks a home directory or a numeric uid or gid."""
    name = login.encode(errors="surrogateescape")
    record = get_public(name)
    if record is None:
        return None
    public, shadow = parse_fields(record), parse_fields(get_shadow(name) or b"")
    uid, gid, home = public.get(b"uid", b""), public.get(b"gid", b""), public.get(b"home")
    if home is None or not _NUMBER.fullmatch(uid) or not _NUMBER.fullmatch(gid):
        return None
    optional = {option: public.get(option.encode()) for option in ("shell", "mail", "quota", "gecos", "options")}
    return Account(
        name,
        int(uid),
        int(gid),
        home,
        **optional,
        password=shadow.get(f"{service}pw".encode(), shadow.get(b"systempw")),
        secrets=_secrets(shadow, service),
    )


def parse_fields(value: bytes) -> dict[bytes, bytes]:
    """The fields of a record; the first of a name counts, and a field without `=` is empty."""
    fields: dict[bytes, bytes] = {}
    for part in value.split(b"|"):
        name, _, text = part.partition(b"=")
        fields.setdefault(name, text)
    return fields


def format_account(login: bytes, fields: Iterable[Field]) -> bytes:
    """The line of one account, with its newline.

    Raises ValueError for what the text form cannot hold: a name that is empty, starts like a comment or holds a
    tab, a field whose name is empty, is `_` or comes twice, a bar or an equals sign where it would separate,
    and NUL and line ends anywhere.
    """
    if not _NAME.fullmatch(login):
        raise ValueError(f"{login!r} cannot be the name of an account")
    seen, parts = set[bytes](), list[bytes]()
    for name, text in fields:
        if not _FIELD_NAME.fullmatch(name) or name == b"_" or name in seen:
            raise ValueError(f"{name!r} cannot be a field of {login!r}, or is there twice")
        if not _FIELD_VALUE.fullmatch(text):
            raise ValueError(f"the value of {name!r} of {login!r} holds a bar, a line end or NUL")
        seen.add(name)
        parts.append(b"%b=%b" % (name, text))
    return b"%b\t%b\n" % (login, b"|".join(parts))


def _secrets(shadow: Mapping[bytes, bytes], service: str) -> Mapping[str, bytes]:
    found = {
        name: shadow.get(f"{service}-hmac-{name}pw".encode(), shadow.get(f"hmac-{name}pw".encode())) for name in HASHES
    }
    return MappingProxyType({name: secret for name, secret in found.items() if secret is not None})


def _location(source: Source, base: str, facts: SourceFacts) -> bytes:
    path = f"{base}/{source.name}" if facts.is_directory else base
    below = os.fsencode(path)[len(DEFAULT_BASE) :].removeprefix(b"/").removesuffix(b"/")
    return below + b"/" if below else b""


def _split(source: Source, location: bytes) -> tuple[Source, Source]:
    """The makedat sources of the two tables, line by line as in the original."""
    ending = b"_=" + location
    public, shadow = list[bytes](), list[bytes]()
    for line in source.content.split(b"\n"):
        name, tab, fields = line.partition(b"\t")
        if not tab or line.startswith(b"#"):
            public.append(line)
            shadow.append(line)
            continue
        kept = fields.rstrip(b"|")
        parts = kept.split(b"|") if kept else []
        secrets = [part for part in parts if b"pw=" in part and _PASSWORD.match(part)]
        if secrets:
            parts = [part for part in parts if part not in secrets]
        parts.append(ending)
        public.append(b"%b\t%b" % (name, b"|".join(parts)))
        shadow.append(b"%b\t%b" % (name, b"|".join(secrets)) if secrets else b"")
    return (
        replace(source, content=b"\n".join((*public, b""))),
        replace(source, content=b"\n".join((*shadow, b""))),
    )


def _carried_over(*tables: Table) -> Iterator[Problem]:
    for table in tables:
        for problem in table.problems:
            if problem.id in _CARRIED_OVER:
                yield _discreet(problem)


def _discreet(problem: Problem) -> Problem:
    """A line without a tab is one long name, which may hold a password."""
    if "pw=" not in problem.says:
        return problem
    return replace(problem, says="the line occurs a second time, and makeuserdb stops")


def _refusals(base: str, facts: SourceFacts) -> Iterator[Problem]:
    mark = Mark(base, 1)
    if facts.mode is None:
        yield Problem("userdb-missing", f"`{base}` does not exist", "create it, with mode 0600", mark)
    elif facts.mode & 0o077:
        mode = "0700" if facts.is_directory else "0600"
        yield Problem(
            "userdb-permissions",
            f"group or others have permissions on `{base}` (mode {facts.mode & 0o7777:04o}), and makeuserdb refuses it",
            f"set its mode to {mode}",
            mark,
        )
    for path in facts.symlinks:
        yield Problem(
            "userdb-symlink",
            f"`{path}` is a symbolic link, and makeuserdb refuses it",
            "replace the link by what it leads to",
            Mark(path, 1),
        )


def _line_problems(source: Source) -> Iterator[Problem]:
    before, crlf, after = source.content.partition(b"\r\n")
    if crlf:
        yield _warning(
            "makedat-carriage-return",
            f"{1 + after.count(crlf)} lines end in CR LF; makeuserdb keeps the carriage return in the last field",
            "convert the file to plain LF line ends",
            Mark(source.name, before.count(b"\n") + 1),
        )
    for number, line in enumerate(source.content.split(b"\n"), start=1):
        if line and not _SOUND_ROW.match(line) and not line.startswith(b"#"):
            yield from _row_problems(line, Mark(source.name, number))


def _row_problems(line: bytes, mark: Mark) -> Iterator[Problem]:
    name, tab, fields = line.partition(b"\t")
    if not tab:
        if line != b".":
            yield _no_tab(line, mark)
    elif _REVERSE.fullmatch(name):
        yield _warning(
            "userdb-reverse-record",
            f"makeuserdb adds its location field to the reverse record {cite(name)}, and so nothing finds it",
            "remove the line",
            mark,
        )
    elif name:
        yield from _account_problems(name, b"|" + fields, mark)
    else:
        yield _warning(
            "userdb-missing-name",
            "a line that starts with a tab has no name, and makeuserdb drops it",
            "put the name of the account in front of the tab",
            mark,
        )


def _no_tab(line: bytes, mark: Mark) -> Problem:
    return _warning(
        "userdb-no-tab",
        f"the line of {cite(_WORD_END.split(line)[0])} has no tab, so all of it is taken for a name, in both databases",
        "put one tab between the name and the fields",
        mark,
    )


def _account_problems(name: bytes, fields: bytes, mark: Mark) -> Iterator[Problem]:
    missing = [needed for needed in (b"uid", b"gid", b"home") if b"|" + needed + b"=" not in fields]
    if missing:
        yield _warning(
            "userdb-incomplete-account",
            f"the account {cite(name)} has no {b', '.join(missing).decode()}, and nobody can log in to it",
            "add the field",
            mark,
        )
    if name != name.strip():
        yield _warning(
            "userdb-blank-around-name",
            f"the blanks around {cite(name)} are part of the name",
            "remove the blanks",
            mark,
        )


def _warning(problem: str, says: str, remedy: str, mark: Mark) -> Problem:
    return Problem(problem, says, remedy, mark, severity=Severity.WARNING)
