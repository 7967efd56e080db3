"""Differences: what changes inside one file, entry by entry, each with its place in the site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from courier_compiler.planning.forms import TEXT, Form, form_of
from courier_compiler.planning.sides import Content, Sides, changed_keys
from courier_compiler.planning.spelling import readable, short
from courier_schema.report import SitePath

_SAME: Final = "the same in meaning"
_MANY_LINES: Final = 5000
"""Texts of more lines are not compared line by line, which would take time that grows with their square."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that comes, goes or changes. `says` tells it in a few words; secrets are masked everywhere.

    `path` leads to the place in the site that decides it, or would if the site still said it; `rule` is what was made
    of that, or why it is there without a word of the site.
    """

    key: str
    before: str | None
    after: str | None
    says: str
    path: SitePath
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """What two contents of one file differ in; `note` is about the file as a whole.

    `is_same` says that whoever reads the file is told the same, whatever its bytes are.
    """

    noun: str
    plural: str
    differences: tuple[Difference, ...] = ()
    note: str = ""
    is_same: bool = False


def compare_contents(
    sides: Sides, before: Content | None, after: Content | None, secret: bool, link: bool = False
) -> Compared:
    """The entries in which two contents of a file of both sides differ, sorted by key.

    Of a secret file only what its form knows is shown.
    """
    one = after or before
    assert one is not None, "a file is on one side at least"
    form = TEXT if link else form_of(one.name)
    if form is TEXT:
        return _texts(sides, before, after, secret, link)
    trouble = next((content.trouble for content in (before, after) if content and _is_unreadable(content)), "")
    if trouble:
        return Compared(form.noun, form.plural, note=f"one of both cannot be read: {trouble}")
    old = form.entries(before) if before else {}
    new = form.entries(after) if after else {}
    keys = changed_keys(old, new)
    differences = tuple(_difference(sides, one.name, form, key, old.get(key), new.get(key)) for key in keys)
    note = _note(form, before, after, keys)
    return Compared(form.noun, form.plural or f"{form.noun}s", differences, note, note == _SAME)


def _is_unreadable(content: Content) -> bool:
    is_database = content.name.endswith(".dat") or ".dat." in content.name
    return is_database and bool(content.trouble)


def _difference(
    sides: Sides, name: str, form: Form, key: bytes, before: bytes | None, after: bytes | None
) -> Difference:
    text = key.decode(errors="surrogateescape")
    origin = sides.origin(name, text)
    return Difference(
        readable(key),
        form.shown(text, before),
        form.shown(text, after),
        form.says(text, before, after),
        sides.path(name, text),
        origin.rule if origin else "",
    )


def _note(form: Form, before: Content | None, after: Content | None, keys: list[bytes]) -> str:
    if before is None or after is None:
        return ""
    doubt = form.doubt(before)
    if doubt:
        return doubt
    if keys or before.data == after.data:
        return ""
    if form.order(before) != form.order(after):
        return "the same in another order, and the first that matches counts"
    return _SAME


# texts


def _texts(sides: Sides, before: Content | None, after: Content | None, secret: bool, link: bool) -> Compared:
    one = after or before
    assert one is not None, "a file is on one side at least"
    if secret:
        state = "appears" if before is None else "goes" if after is None else "changed"
        return _whole(sides, one.name, "line", f"secret content {state}")
    if link:
        old, new = (readable(content.data) if content else None for content in (before, after))
        says = f"-> {new}" if old is None else f"was -> {old}" if new is None else f"-> {old} becomes -> {new}"
        return _whole(sides, one.name, "target", says)
    old_lines, new_lines = _split(before), _split(after)
    if max(len(old_lines), len(new_lines)) > _MANY_LINES or any(b"\0" in line for line in (*old_lines, *new_lines)):
        sizes = " -> ".join(f"{len(content.data)} bytes" for content in (before, after) if content)
        return _whole(sides, one.name, "line", sizes)
    found = tuple(_line_differences(sides, one.name, old_lines, new_lines))
    note = "" if found or before is None or after is None else "only line ends differ"
    return Compared("line", "lines", found, note)


def _whole(sides: Sides, name: str, noun: str, says: str) -> Compared:
    """A file that changes as a whole."""
    return Compared(noun, f"{noun}s", (Difference("", None, None, says, _file_path(sides, name)),))


def _file_path(sides: Sides, name: str) -> SitePath:
    """Where the site says the first of a file's entries."""
    origins = sides.wanted[name].origins if name in sides.wanted else {}
    return sides.path(name, next(iter(origins), ""))


def _split(content: Content | None) -> list[bytes]:
    return content.data.splitlines() if content else []


def _line_differences(sides: Sides, name: str, before: list[bytes], after: list[bytes]) -> Iterator[Difference]:
    file_path = _file_path(sides, name)
    for tag, low, high, new_low, new_high in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for line in before[low:high]:
            yield Difference(readable(line), readable(line), None, short(f"- {readable(line)}"), file_path)
        for line in after[new_low:new_high]:
            origin = sides.origin(name, line.decode(errors="surrogateescape"))
            path = origin.path if origin is not None else file_path
            yield Difference(readable(line), None, readable(line), short(f"+ {readable(line)}"), path)
