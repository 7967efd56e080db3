"""Collect the facts of installed settings files: version lines, groups, revisions, names, and the values assigned.

    python tests/upstream/collect.py /etc/courier > tests/upstream/debian-12.names

A name stands in a group when the group has a line for it, assigned or behind a number sign; a group without such a
line is about the setting of its own name. A line that reads another file in is called after its group. No text is
copied.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

Fact = tuple[str, str, str, str, str]
"""File, group, revision, name, and what is assigned, as it stands there; empty where nothing is.

The name is `-` for a group without settings. The group is `-` for a version line.
"""

RC_FILES = {"authldaprc", "authmysqlrc", "authpgsqlrc", "authsqliterc", "ldapaliasrc"}

_MARKER = re.compile(r"##NAME:[ \t]*(.+):(.*)")
_ASSIGNMENT = re.compile(r"(?=[a-z]|#{0,2}[ \t]*[A-Z])#{0,2}[ \t]*(\w+)=.*")
_KEYWORD = re.compile(r"#{0,2} ?([A-Z]+_[A-Z_]+)(?:(?:\t|  )[ \t]*\S.*)?|([A-Z_]+)[ \t]*.*")
_INCLUDE = re.compile(r"\.[ \t]+/.*")
_BARE_GROUPS = {"CUSTOM", "MISC", "MARKER", "faxrc", "ldapaddressbook", "template"}


def collect(directory: Path) -> Iterator[Fact]:
    """The facts of every file in a directory that has groups, by file name."""
    for path in sorted(directory.iterdir()):
        if path.is_file():
            text = path.read_text("utf-8", "replace")
            if "##NAME:" in text:
                yield from _facts(path.name, text.splitlines())


def _facts(file: str, lines: list[str]) -> Iterator[Fact]:
    yield file, "-", "-", next(line for line in lines if line.startswith("##VERSION:")), ""
    starts = [number for number, line in enumerate(lines) if _MARKER.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = _MARKER.match(lines[start])
        assert found is not None
        group, revision = (re.sub(r"[ \t]", "", part) for part in found.groups())
        body = joined(lines[start + 1 : end])
        for name in names(file, group, body) or ["-"]:
            yield file, group, revision, name, assigned(file, name, body)


def joined(body: list[str]) -> list[str]:
    """Lines with the lines that a backslash continues them by."""
    return re.sub(r"[ \t]*\\\n[ \t]*", " ", "\n".join(body)).split("\n")


def names(file: str, group: str, body: list[str]) -> list[str]:
    """The settings of one group, in the order in which they stand there."""
    pattern = _KEYWORD if file in RC_FILES else _ASSIGNMENT
    included = [f"{group}_LINE" for line in body if _INCLUDE.fullmatch(line)]
    matches = (pattern.fullmatch(line) for line in body)
    found = dict.fromkeys([*included, *(match[match.lastindex or 0] for match in matches if match)])
    return list(found) or ([] if group in _BARE_GROUPS else [group])


def assigned(file: str, name: str, body: list[str]) -> str:
    """What the group's active line gives to a setting; `""` for an empty text."""
    if name.endswith("_LINE"):
        return next((line for line in body if _INCLUDE.fullmatch(line)), "")
    value = r"(?:[ \t]+(.*))?" if file in RC_FILES else "=(.*)"
    found = [match[1] or "" for line in body if (match := re.fullmatch(f"{name}{value}", line))]
    return (found[0].strip() or '""') if found else ""


def read(names_file: Path) -> list[Fact]:
    """The facts on record; lines leave empty ends out."""
    lines = names_file.read_text("utf-8").splitlines()
    rows = ([*line.split("\t"), ""] for line in lines)
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


if __name__ == "__main__":
    for fact in collect(Path(sys.argv[1])):
        print("\t".join(fact).rstrip("\t"))
