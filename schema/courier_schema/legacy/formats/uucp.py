"""The uucpneighbors database: through which neighbours a bang path may lead, and where rmail runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final

from courier_schema.legacy.formats.citation import cite
from courier_schema.report import Problem, Severity

Get = Callable[[bytes], bytes | None]
"""Reads one record of a database; None if there is none. `mapping.get` is one."""


class Rights(Flag):
    """What a neighbour does for mail that goes through it."""

    NONE = 0
    FORWARD = auto()
    """Paths that lead on from here are accepted."""
    RMAIL = auto()
    """rmail is run there and gets the rest of the path."""
    GATEWAY = auto()
    """Whatever stands behind it is accepted unseen."""


_LETTERS: Final = {Rights.FORWARD: b"F", Rights.RMAIL: b"R", Rights.GATEWAY: b"G"}


@dataclass(frozen=True, slots=True)
class UucpAnswer:
    """Whether a bang path is accepted, and why."""

    is_accepted: bool
    rmail_at: bytes | None
    """The path of the node that runs rmail; None if no node on the way is marked for it."""
    tried: tuple[bytes, ...]
    """The keys that were looked up, in order; the last one decided."""


def parse_value(value: bytes) -> Rights:
    """Read the value of a record: letters anywhere in it, others do not count. The default `1` gives no rights."""
    rights = Rights.NONE
    for right, letter in _LETTERS.items():
        if letter in value:
            rights |= right
    return rights


def format_value(rights: Rights) -> bytes:
    """The value that parse_value reads as these rights: their letters, or the default value if there are none."""
    return b"".join(letter for right, letter in _LETTERS.items() if right in rights) or b"1"


def uucp_name(me: str) -> str:
    """The node name of a server without `uucpme`: the first label of its name."""
    return me.partition(".")[0]


def lookup_path(path: bytes, get: Get, uucpme: bytes) -> UucpAnswer:
    """Walk a bang path from the left, as submit does for local addresses with a `!`.

    A path that nothing on the way accepts is refused with `550 Unknown UUCP bang path.` Paths without `!` are
    not this function's business and are refused as well.
    """
    nodes = path.removeprefix(uucpme + b"!").split(b"!")
    rmail_at: bytes | None = None
    tried: list[bytes] = []
    for count in range(1, len(nodes)):
        key = b"!".join(nodes[:count])
        tried.append(key)
        value = get(key)
        if value is None:
            break
        rights = parse_value(value)
        if Rights.RMAIL in rights and rmail_at is None:
            rmail_at = key
        if rights & (Rights.GATEWAY | Rights.FORWARD) or count == len(nodes) - 1:
            return UucpAnswer(True, rmail_at, tuple(tried))
    return UucpAnswer(False, None, tuple(tried))


def inspect(rows: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, Problem]]:
    """What is wrong with the rows of a uucpneighbors source: unknown flags, paths that no walk reaches."""
    for key, value in rows.items():
        yield from ((key, problem) for problem in _flag_problems(key, value))
        nodes = key.split(b"!")
        if not all(nodes):
            yield (
                key,
                _warning(
                    "uucp-empty-node",
                    f"the path {cite(key)} has an empty node, so no bang path leads there",
                    "remove the superfluous exclamation mark",
                ),
            )
        elif missing := next((start for start in _starts(nodes) if start not in rows), None):
            yield (
                key,
                _warning(
                    "uucp-unreachable-path",
                    f"{cite(key)} is never looked up, because the walk stops at {cite(missing)}, which is no neighbour",
                    f"add a line for {cite(missing)}",
                ),
            )


def _starts(nodes: list[bytes]) -> Iterator[bytes]:
    return (b"!".join(nodes[:count]) for count in range(1, len(nodes)))


def _flag_problems(key: bytes, value: bytes) -> Iterator[Problem]:
    unknown = value.rstrip(b"\r").translate(None, b"FRG")
    if unknown and value != b"1":
        yield _warning(
            "uucp-unknown-flag",
            f"{cite(unknown)} in the flags of {cite(key)} means nothing; the flags are F, R and G, in upper case",
            "write the flags without anything else",
        )


def _warning(problem: str, says: str, remedy: str) -> Problem:
    return Problem(problem, says, remedy, severity=Severity.WARNING)
