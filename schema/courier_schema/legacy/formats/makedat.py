"""Makedat sources: the common text form of Courier's smaller databases, read as makedat reads it, and written.

Total over bytes: every text gives records and problems, never an exception. What makes the real makedat fail
is an error, what it drops or stores without effect is a warning, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final, Self

from courier_schema.legacy.formats import accept, access, hosted, uucp
from courier_schema.legacy.formats.citation import cite
from courier_schema.legacy.formats.netblocks import NetblockError, expand
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark, Problem, Severity

Release = tuple[int, ...]
"""A release of Courier, `(1, 0, 16)`."""

DEBIAN_12: Final[Release] = (1, 0, 16)
NEWLINE_ADDED: Final[Release] = (1, 1, 2)
"""From here on makedat ends the last line of each file itself."""
LEFTOVERS_REFUSED: Final[Release] = (1, 6, 0)
"""From here on makedat does not work on a directory in which a package manager left files."""

DEFAULT_VALUE: Final = b"1"
"""What a line without a value stores."""

MANY_KEYS: Final = 1000
"""A netblock that makes more keys than this is reported."""

_BLOCK: Final = rb"[0-9a-fA-F:.]++[-/][0-9a-fA-F:.]++"
_BLOCK_ROW: Final = re.compile(rb"^(%b)(?:[ \t\r\f\v]++([^\n\0]*+)|$)" % _BLOCK, re.MULTILINE)
_NO_BLOCK: Final = rb"(?!%b(?:[ \t\r\f\v]|$))" % _BLOCK
_KEY: Final = re.compile(rb"[^#\t\n\0][^\t\n\0]*")
_VALUE: Final = re.compile(rb"[^\n\0]+")
_BLOCK_KEY: Final = re.compile(_BLOCK)

_DOT_LINE: Final = re.compile(rb"^\.(?:\n|\0[^\n]*+)", re.MULTILINE)
_NUL: Final = re.compile(rb"^[^\n\0]*\0", re.MULTILINE)
_CARRIAGE_RETURN: Final = re.compile(rb"^[^\n\0]*\r$", re.MULTILINE)
_MISSING_KEY: Final = re.compile(rb"^\t[^\n]*+", re.MULTILINE)

_DPKG_LEFTOVER: Final = re.compile(r".*\.dpkg-[a-z]*", re.DOTALL)
_LEFTOVERS: Final = ("*.rpmnew", "*.rpmsave", "*.rpmorig", "*.dist", "*.bak", "*.orig", "*.old", "*.sw[a-p]", "#*#")


@dataclass(frozen=True, slots=True)
class _RowPatterns:
    """Rows of key and value, and what can be wrong with their blanks."""

    row: re.Pattern[bytes]
    blank_in_key: re.Pattern[bytes]
    blank_before_value: re.Pattern[bytes]

    @classmethod
    def of(cls, start: bytes) -> Self:
        """The patterns of lines that begin as `start` allows."""
        return cls(
            re.compile(rb"^%b([^#\t\n\0][^\t\n\0]*+)(?:\t([^\n\0]*+))?" % start, re.MULTILINE),
            re.compile(rb"^%b(?!#)[^\t\n\0 ]*+ [^\t\n\0]*+" % start, re.MULTILINE),
            re.compile(rb"^%b[^#\t\n\0][^\t\n\0]*+\t[ \t][^\n\0]*+" % start, re.MULTILINE),
        )


_ANY_ROW: Final = _RowPatterns.of(b"")
_ROW_BESIDE_BLOCKS: Final = _RowPatterns.of(_NO_BLOCK)


class Kind(StrEnum):
    """The databases that makedat builds, by the name of the file, without `.dat`."""

    HOSTEDDOMAINS = "hosteddomains"
    ESMTPACCEPTMAILFOR = "esmtpacceptmailfor"
    ESMTPPERCENTRELAY = "esmtppercentrelay"
    UUCPNEIGHBORS = "uucpneighbors"
    SMTPACCESS = "smtpaccess"
    IMAPACCESS = "imapaccess"

    @property
    def has_netblocks(self) -> bool:
        """True for the tables that Courier compiles with `-cidr`."""
        return self in (Kind.SMTPACCESS, Kind.IMAPACCESS)


@dataclass(frozen=True, slots=True)
class Table:
    """What the sources of one database amount to."""

    records: Mapping[bytes, bytes]
    """What is stored. Where keys collide, which is an error, the first line stands."""
    problems: tuple[Problem, ...]
    rows: Mapping[bytes, bytes]
    """What was written: a key or a netblock, and its value. The same as the records if there are no netblocks."""
    sources: tuple[Source, ...] = field(repr=False)
    netblocks: bool = False

    @property
    def is_refused(self) -> bool:
        """True when the real makedat would leave the old database in place."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def where(self, key: bytes) -> Mark | None:
        """The line a stored key comes from; None for a key that is not stored. Reads all sources."""
        if key not in self.records:
            return None
        if key in self.rows:
            return self.marks([key]).get(key)
        made_by = (row for row in self.rows if _BLOCK_KEY.fullmatch(row) and key in expand(row))
        row = next(made_by)
        return self.marks([row])[row]

    def marks(self, rows: Collection[bytes]) -> dict[bytes, Mark]:
        """The first lines of these rows, found in one pass over the sources."""
        wanted, found = frozenset(rows), dict[bytes, Mark]()
        if wanted:
            for row, _, mark in _placed_rows(self.sources, self.netblocks):
                if row in wanted:
                    found.setdefault(row, mark)
        return found


Finding = tuple[bytes, Problem]
"""A row, as its line has it, and what is wrong with it; the Problem has no mark yet."""

_INSPECTIONS: Final[Mapping[Kind, Callable[[Mapping[bytes, bytes]], Iterable[Finding]]]] = MappingProxyType(
    {
        Kind.HOSTEDDOMAINS: hosted.inspect,
        Kind.ESMTPACCEPTMAILFOR: accept.inspect,
        Kind.ESMTPPERCENTRELAY: accept.inspect,
        Kind.UUCPNEIGHBORS: uucp.inspect,
        Kind.SMTPACCESS: access.inspect,
        Kind.IMAPACCESS: access.inspect,
    }
)


def compile_database(kind: Kind, sources: Sequence[Source], release: Release = DEBIAN_12) -> Table:
    """The table of one kind of database, with what is wrong with its keys and values in the eyes of its reader."""
    table = compile_table(sources, netblocks=kind.has_netblocks, release=release)
    findings = list(_INSPECTIONS[kind](table.rows))
    marks = table.marks([row for row, _ in findings])
    placed = [replace(problem, mark=marks.get(row)) for row, problem in findings]
    return replace(table, problems=(*table.problems, *placed))


def compile_table(sources: Sequence[Source], *, netblocks: bool = False, release: Release = DEBIAN_12) -> Table:
    """Read sources as one text, in this order, as `makedat` does, or `makedat -cidr` if there are netblocks."""
    problems: list[Problem] = []
    ended = sources if release < NEWLINE_ADDED else [_with_final_newline(source) for source in sources]
    texts = tuple(_up_to_dot_line(ended, problems))
    problems.extend(problem for source in texts for problem in _final_newline(source))
    patterns = _ROW_BESIDE_BLOCKS if netblocks else _ANY_ROW
    problems.extend(problem for source in texts for problem in _line_problems(source, patterns))
    blocks = _pairs(_BLOCK_ROW, texts) if netblocks else []
    # a line is one or the other: where all are netblocks nothing is left to look for
    plain = _pairs(patterns.row, texts) if len(blocks) < _lines(texts) else []
    rows = {key: value or DEFAULT_VALUE for key, value in plain}
    records, expected = rows, len(plain)
    if netblocks:
        expansion = _expand_rows(rows, blocks)
        records = expansion.records
        problems.extend(_block_problems(expansion, texts))
        expected += expansion.count
    if expected != len(records):
        records, collisions = _first_come(texts, netblocks)
        problems.extend(collisions)
    return Table(MappingProxyType(records), tuple(problems), MappingProxyType(rows), texts, netblocks)


def dump_table(rows: Iterable[tuple[bytes, bytes]], *, netblocks: bool = False) -> bytes:
    """The source text that makedat turns into exactly these records, in this order.

    A key with the default value stands alone on its line. Raises ValueError for what the text form cannot hold
    or makedat would read otherwise: a key that is empty, starts like a comment, repeats, or holds a tab, NUL or
    line end; a value that is empty or holds NUL or a line end; and, with netblocks, a key that is one.
    """
    lines, seen = list[bytes](), set[bytes]()
    for key, value in rows:
        if not _KEY.fullmatch(key) or (netblocks and _BLOCK_ROW.match(key)):
            raise ValueError(f"{key!r} cannot be a key of a makedat source")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"{value!r} cannot be the value of {key!r} in a makedat source")
        if key in seen:
            raise ValueError(f"{key!r} is there twice")
        seen.add(key)
        bare = value == DEFAULT_VALUE and key != b"."
        lines.append(key if bare else b"%b\t%b" % (key, value))
    return b"".join(line + b"\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of a source directory are read, and what is wrong with its names."""

    names: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def select(names: Iterable[str], release: Release = DEBIAN_12) -> Selection:
    """Choose among the names of the regular files directly inside a source directory.

    Hidden files are read. The result is sorted, makedat's own order is that of the directory; the difference
    shows only with a line of one dot.
    """
    read, problems = list[str](), list[Problem]()
    present = frozenset(names)
    for name in sorted(present):
        if release >= LEFTOVERS_REFUSED and _is_refused(name, present):
            problems.append(_refused_leftover(name))
        elif not _is_skipped(name, release):
            read.append(name)
            problems.extend(_read_leftover(name))
    return Selection(tuple(read), tuple(problems))


def _is_skipped(name: str, release: Release) -> bool:
    if name.endswith("~"):
        return True
    if release >= LEFTOVERS_REFUSED:
        return name.endswith(".dist")
    return _DPKG_LEFTOVER.fullmatch(name) is not None


def _is_refused(name: str, present: Collection[str]) -> bool:
    if name.endswith(".dist"):
        return name.removesuffix(".dist") not in present
    return name.endswith((".rpmsave", ".rpmnew")) or _DPKG_LEFTOVER.fullmatch(name) is not None


def _refused_leftover(name: str) -> Problem:
    return Problem(
        id="makedat-leftover-file",
        says=f"the file `{name}`, left over from a package upgrade, keeps makedat from working on its directory",
        remedy="merge what it holds into the file it belongs to and remove it",
        mark=Mark(name, 1),
    )


def _read_leftover(name: str) -> Iterator[Problem]:
    if any(fnmatchcase(name, pattern) for pattern in _LEFTOVERS):
        yield Problem(
            id="makedat-backup-is-read",
            says=f"the file `{name}` looks like a copy left behind, and makedat reads it like any other",
            remedy="move it out of the directory",
            mark=Mark(name, 1),
            severity=Severity.WARNING,
        )


def _with_final_newline(source: Source) -> Source:
    whole = not source.content or source.content.endswith(b"\n")
    return source if whole else replace(source, content=source.content + b"\n")


def _final_newline(source: Source) -> Iterator[Problem]:
    if source.content and not source.content.endswith(b"\n"):
        yield Problem(
            id="makedat-final-newline",
            says="the last line has no newline; makedat glues what it reads next to it and fails without a word",
            remedy="end the last line with a newline",
            mark=_mark_at(source, len(source.content)),
        )


def _up_to_dot_line(sources: Iterable[Source], problems: list[Problem]) -> Iterator[Source]:
    for source in sources:
        has_dots = b"\n." in source.content or source.content.startswith(b".")
        dot = _DOT_LINE.search(source.content) if has_dots else None
        if dot is None:
            yield source
            continue
        problems.append(
            _warning(
                "makedat-dot-line",
                "a line of one dot ends the input: makedat reads nothing behind it, in later files neither",
                "remove the line",
                _mark_at(source, dot.start()),
            )
        )
        yield replace(source, content=source.content[: dot.start()])
        return


def _pairs(row: re.Pattern[bytes], sources: Iterable[Source]) -> list[tuple[bytes, bytes]]:
    """Key and value of all rows of a kind."""
    return [pair for source in sources for pair in row.findall(source.content)]


def _lines(sources: Iterable[Source]) -> int:
    return sum(source.content.count(b"\n") + (not source.content.endswith(b"\n")) for source in sources)


@dataclass(slots=True)
class _Expansion:
    """What netblocks come to: all records, and how many they would be apart."""

    records: dict[bytes, bytes]
    count: int = 0
    refused: dict[bytes, str] = field(default_factory=dict)
    large: dict[bytes, int] = field(default_factory=dict)


def _expand_rows(rows: dict[bytes, bytes], blocks: Iterable[tuple[bytes, bytes]]) -> _Expansion:
    """Add these netblocks to the rows, and their records to those of the rows that are there."""
    records = dict(rows)
    done = _Expansion(records)
    one: dict[bytes, bytes] = {}
    for block, value in blocks:
        try:
            keys = expand(block)
        except NetblockError as error:
            done.refused[block] = str(error)
            continue
        rows[block] = stored = one.setdefault(value, value) or DEFAULT_VALUE
        done.count += len(keys)
        for key in keys:
            records[key] = stored
        if len(keys) > MANY_KEYS:
            done.large[block] = len(keys)
    return done


def _block_problems(expansion: _Expansion, sources: Sequence[Source]) -> Iterator[Problem]:
    if not expansion.refused and not expansion.large:
        return
    for row, _, mark in _placed_rows(sources, netblocks=True):
        if row in expansion.refused:
            yield Problem(
                id="makedat-bad-netblock",
                says=f"{expansion.refused[row]}, and makedat stores nothing",
                remedy="write ADDRESS/LENGTH or FIRST-LAST, without blanks",
                mark=mark,
            )
        elif row in expansion.large:
            yield _warning(
                "makedat-many-keys",
                f"the netblock {cite(row)} becomes {expansion.large[row]} keys, because keys end at whole groups",
                "write it as blocks whose length is a multiple of 8 (IPv4) or 16 (IPv6)",
                mark,
            )


def _first_come(sources: Sequence[Source], netblocks: bool) -> tuple[dict[bytes, bytes], list[Problem]]:
    """The records when keys collide, the first line standing, and an error for each line that comes too late."""
    records, owners, problems = dict[bytes, bytes](), dict[bytes, tuple[bytes, Mark]](), list[Problem]()
    for row, value, mark in _placed_rows(sources, netblocks):
        is_block = netblocks and _BLOCK_KEY.fullmatch(row) is not None
        keys = _try_expand(row) if is_block else [row]
        taken = [key for key in keys if key in owners]
        if taken:
            problems.append(_collision(row, taken[0], owners[taken[0]], mark))
        for key in keys:
            if key not in owners:
                records[key], owners[key] = value, (row, mark)
    return records, problems


def _collision(row: bytes, key: bytes, owner: tuple[bytes, Mark], mark: Mark) -> Problem:
    other, place = owner
    shared = "" if row == key == other else f"; both store the key {cite(key)}"
    return Problem(
        id="makedat-duplicate-key",
        says=f"{cite(row)} collides with {cite(other)} ({place.file}:{place.line}){shared}",
        remedy="keep one of the two lines, or split the larger netblock around the smaller one",
        mark=mark,
    )


def _placed_rows(sources: Iterable[Source], netblocks: bool) -> Iterator[tuple[bytes, bytes, Mark]]:
    """Every row of the sources with its value and its line, in the order of reading."""
    for source in sources:
        for number, line in enumerate(source.content.split(b"\n"), start=1):
            row = (netblocks and _BLOCK_ROW.match(line)) or _ANY_ROW.row.match(line)
            if row:
                yield row[1], row[2] or DEFAULT_VALUE, Mark(source.name, number)


def _try_expand(block: bytes) -> list[bytes]:
    try:
        return expand(block)
    except NetblockError:
        return []


def _line_problems(source: Source, patterns: _RowPatterns) -> Iterator[Problem]:
    yield from _carriage_returns(source)
    yield from _nul_bytes(source)
    yield from _missing_keys(source)
    if b" " in source.content:
        for mark, key in _found(patterns.blank_in_key, source):
            yield _blank_key(key, mark)
    if b"\t " in source.content or b"\t\t" in source.content:
        yield from _blanks_before_values(source, patterns)


def _blanks_before_values(source: Source, patterns: _RowPatterns) -> Iterator[Problem]:
    for mark, line in _found(patterns.blank_before_value, source):
        yield _warning(
            "makedat-blank-before-value",
            f"the value of {cite(line.rstrip())} starts with blanks or tabs, and makedat stores them",
            "put exactly one tab between key and value",
            mark,
        )


def _carriage_returns(source: Source) -> Iterator[Problem]:
    if b"\r" not in source.content:
        return
    marks = [mark for mark, _ in _found(_CARRIAGE_RETURN, source)]
    if marks:
        yield _warning(
            "makedat-carriage-return",
            f"{len(marks)} lines end in CR LF; makedat keeps the carriage return in the value or the key",
            "convert the file to plain LF line ends",
            marks[0],
        )


def _nul_bytes(source: Source) -> Iterator[Problem]:
    if b"\0" not in source.content:
        return
    for mark, _ in _found(_NUL, source):
        yield _warning("makedat-nul-byte", "makedat drops the line from its NUL byte on", "remove the byte", mark)


def _missing_keys(source: Source) -> Iterator[Problem]:
    if b"\n\t" not in source.content and not source.content.startswith(b"\t"):
        return
    for mark, line in _found(_MISSING_KEY, source):
        yield _warning(
            "makedat-missing-key",
            f"a line that starts with a tab has no key, and makedat drops it: {cite(line.strip())}",
            "remove the tab at the start of the line",
            mark,
        )


def _blank_key(key: bytes, mark: Mark) -> Problem:
    if b" #" in key:
        return _warning(
            "makedat-comment-behind-key",
            f"only a number sign at the very start of a line makes a comment; here it is part of the key {cite(key)}",
            "put the comment on a line of its own, its number sign first",
            mark,
        )
    if b" " in key.strip(b" "):
        return _warning(
            "makedat-blank-for-tab",
            f"blanks separate nothing: the whole of {cite(key)} is the key, and nothing looks it up",
            "put one tab between key and value",
            mark,
        )
    return _warning(
        "makedat-blank-around-key",
        f"the blanks around {cite(key)} are part of the key, and nothing looks it up",
        "remove the blanks",
        mark,
    )


def _found(pattern: re.Pattern[bytes], source: Source) -> Iterator[tuple[Mark, bytes]]:
    """The matches of a pattern that starts at line starts, with their lines, in one pass."""
    line, counted = 1, 0
    for match in pattern.finditer(source.content):
        line += source.content.count(b"\n", counted, match.start())
        counted = match.start()
        yield Mark(source.name, line), match[0]


def _mark_at(source: Source, position: int) -> Mark:
    before = source.content[:position]
    return Mark(source.name, before.count(b"\n") + 1, position - (before.rfind(b"\n") + 1) + 1)


def _warning(problem: str, says: str, remedy: str, mark: Mark) -> Problem:
    return Problem(problem, says, remedy, mark, severity=Severity.WARNING)
