"""The carrying over that Courier's own sysconftool does, bit for bit, its losses included; bytes in, values out.

What it loses: comments, text before the first marker, what follows a comment inside a value, groups that the template
no longer has, and groups called 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from courier_schema.legacy.formats.preformatted import Group, Preformatted, is_comment

_NEVER_CARRIED: Final = (b"", b"0")
"""Names that the tool takes for no name at all."""


class Fate(StrEnum):
    """What became of a group, in the tool's words."""

    NEW = "new"
    UNCHANGED = "unchanged"
    UPDATED = "UPDATED"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file made anew and the fate of each group, in the template's order."""

    content: bytes = field(repr=False)
    fates: tuple[tuple[bytes, Fate], ...]


@dataclass(frozen=True, slots=True)
class _Carried:
    """One group of the template with what the old file has of it."""

    group: Group
    fate: Fate
    value: bytes


def merge(template: Preformatted, old: Preformatted | None, path: bytes) -> Outcome:
    """The template with the values of the old file; `path` is what the result calls the template."""
    values = _values(old.groups if old else ())
    carried = [_carry(group, *values.get(group.name, (b"", b""))) for group in template.groups]
    content = b"".join((*template.header, *template.preamble, *_lines(carried, path)))
    return Outcome(content, tuple((each.group.name, each.fate) for each in carried))


def _values(groups: Iterable[Group]) -> dict[bytes, tuple[bytes, bytes]]:
    """Revision and value by name: of groups that share one, the last revision and all values."""
    values: dict[bytes, tuple[bytes, bytes]] = {}
    for group in groups:
        _, before = values.get(group.name, (b"", b""))
        values[group.name] = (group.revision, before + b"".join(_value(group)))
    return values


def _value(group: Group) -> Iterator[bytes]:
    """The lines of the value, up to the first comment behind one."""
    begun = False
    for line in group.lines:
        if not is_comment(line):
            begun = True
            yield line
        elif begun:
            return


def _carry(group: Group, revision: bytes, value: bytes) -> _Carried:
    if not value or group.name in _NEVER_CARRIED:
        return _Carried(group, Fate.NEW, b"")
    return _Carried(group, Fate.UNCHANGED if revision == group.revision else Fate.UPDATED, value)


def _lines(carried: Iterable[_Carried], path: bytes) -> Iterator[bytes]:
    previous = b""  # waits for a value line, if need be in a later group
    for each in carried:
        is_kept = each.fate is Fate.UNCHANGED
        if each.fate is Fate.UPDATED:
            previous = _previous(each.value)
        heading = b"#\n# DEFAULT SETTING from %b:\n" % path if is_kept else b""
        yield each.group.marker
        for line in each.group.lines:
            if is_comment(line):
                yield line
            else:
                yield previous + heading + (b"#" if is_kept else b"") + line
                previous = heading = b""
        if is_kept:
            yield each.value
    yield previous


def _previous(value: bytes) -> bytes:
    lines = (b"# %b\n" % line for line in value.rstrip(b"\n").split(b"\n"))
    return b"#\n# Previous setting (inserted by sysconftool):\n#\n" + b"".join(lines) + b"#\n"
