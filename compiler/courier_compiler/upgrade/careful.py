"""The carrying over that loses nothing: a new template with all that the old file holds besides its own template.

Bytes in, values out. Every setting's fate is told with its reason, and everything that Courier's own tool would lose
is a note. The result is preformatted, and merging it once more gives it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from courier_compiler.upgrade import local, repairs, secrets
from courier_compiler.upgrade.local import Stock, values
from courier_schema.legacy.formats.preformatted import (
    Group,
    Preformatted,
    doubts,
    lines_of,
    marker,
    no_version,
    parse,
    parse_without_version,
    text,
)
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Problem, Report

_LAST: Final = b"MARKER"
"""The group by whose presence the authentication modules know a file to be whole: nothing may follow it."""
_UNMARKED: Final = b"LOCAL"


class Fate(StrEnum):
    """What became of a setting."""

    KEPT = "kept"
    RESET = "reset"
    NEW = "new"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Setting:
    """One group of settings, its fate and why; values are lines of the files, empty where nothing is set."""

    name: str
    fate: Fate
    reason: str
    old: str = field(repr=False)
    new: str = field(repr=False)
    """What the template sets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file made anew; without content, nothing is to be done, or a problem of the template forbids it."""

    content: bytes | None = field(repr=False)
    settings: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Old:
    """The old file, taken apart."""

    outside: tuple[bytes, ...] = ()
    """Lines that stand above the first marker."""
    unmarked: tuple[bytes, ...] = ()
    """All lines of a file that is not preformatted."""
    groups: tuple[Group, ...] = ()

    def owned(self, template: Preformatted, group: Group) -> Sequence[Group]:
        """What it has of a template's group: of several with one name the same in order, and the last all others."""
        alike = [each for each in template.groups if each.name == group.name]
        named = [each for each in self.groups if each.name == group.name]
        at = alike.index(group)
        return named[at:] if group == alike[-1] else named[at : at + 1]


@dataclass(frozen=True, slots=True)
class _Part:
    """One group of the result."""

    lines: tuple[bytes, ...]
    setting: Setting


def merge(template: Source, old: Source | None, *, force: bool = False, base: Source | None = None) -> Outcome:
    """The template with everything of the old file that neither it nor `base`, the old file's template, brought.

    Without `force`, a file of the template's own version is left alone.
    """
    parsed = parse(_with_plain_ends(template))
    if parsed is None:
        return Outcome(None, problems=(no_version(template),))
    doubtful = Report().extend(doubts(parsed))
    if doubtful.is_fatal:
        return Outcome(None, problems=tuple(doubtful))
    before = _marked(_with_plain_ends(old)) if old else None
    if before and before.version and not force and before.version.rstrip() == parsed.version.rstrip():
        return Outcome(None)
    known = parse(_with_plain_ends(base)) if base else None
    stock = Stock.of(parsed, known)
    merged = _merge(parsed, _taken_apart(old, before), stock)
    content = _with_ends_of(template, merged.content)
    problems = (*doubtful, *_problems(parsed, template, old, before, stock, merged))
    return replace(merged, content=content, problems=problems)


def _problems(
    parsed: Preformatted, template: Source, old: Source | None, before: Preformatted | None, stock: Stock, done: Outcome
) -> Iterator[Problem]:
    if old is None:
        return
    yield from repairs.of_text(template, old)
    if before is None:
        yield repairs.unmarked(old)
        return
    defaults = {setting.name for setting in done.settings if setting.fate in (Fate.NEW, Fate.RESET)}
    lines = lines_of(old.content)
    for problem in (*repairs.of_groups(parsed, before, stock), *repairs.overruled(parsed, before, defaults)):
        yield secrets.without_excerpt(problem, lines)


def _marked(old: Source) -> Preformatted | None:
    """An old file by its markers, even where its version line is missing or too far down; None without markers."""
    marked = parse(old) or parse_without_version(old)
    return marked if marked.version or marked.groups else None


def _with_plain_ends(source: Source) -> Source:
    content = source.content.replace(b"\r\n", b"\n")
    return Source(source.name, content if content.endswith(b"\n") or not content else content + b"\n")


def _with_ends_of(template: Source, content: bytes | None) -> bytes | None:
    is_dos = template.content.partition(b"\n")[0].endswith(b"\r")
    return content.replace(b"\n", b"\r\n") if content and is_dos else content


def _taken_apart(old: Source | None, parsed: Preformatted | None) -> _Old:
    if old is None:
        return _Old()
    if parsed is None:
        return _Old(unmarked=tuple(lines_of(_with_plain_ends(old).content)))
    return _Old(outside=(*parsed.header[:-1], *parsed.preamble), groups=parsed.groups)


def _merge(template: Preformatted, old: _Old, stock: Stock) -> Outcome:
    file = template.file.rpartition("/")[2]
    parts = [_carried(group, old.owned(template, group), stock, file) for group in template.groups]
    kept = [*_retired(template, old, file), *_unmarked(template, old, stock)]
    at = len(parts) - (bool(parts) and template.groups[-1].name == _LAST)
    if kept and at:
        parts[at - 1] = _spaced(parts[at - 1])
    parts[at:at] = kept
    lines = (line for part in parts for line in part.lines)
    content = b"".join((*template.header, *_preamble(template, old, stock), *lines))
    return Outcome(content, tuple(part.setting for part in parts))


def _spaced(part: _Part) -> _Part:
    """The part with a blank line at its end, which sets the next one off."""
    return part if local.is_blank(part.lines[-1]) else replace(part, lines=(*part.lines, b"\n"))


def _preamble(template: Preformatted, old: _Old, stock: Stock) -> list[bytes]:
    """The template's preamble and what the old file says above its first marker."""
    outside = old.unmarked if _has_keywords(template) and old.unmarked else old.outside
    own = local.stripped(stock.local_lines(_without_first(outside, values(template.preamble))))
    return [*template.preamble, *local.set_off(own), b"\n"] if own else list(template.preamble)


def _without_first(lines: Sequence[bytes], expected: Sequence[bytes]) -> Sequence[bytes]:
    """The lines without the values that the template sets there, too, if they begin with those."""
    if not expected or values(lines)[: len(expected)] != tuple(expected):
        return lines
    left = list(lines)
    for line in expected:
        left.remove(line)
    return left


def _has_keywords(template: Preformatted) -> bool:
    """True for the files of the authentication modules, in which the first of two equal names counts, not the last."""
    return any(group.name == _LAST for group in template.groups)


def _retired(template: Preformatted, old: _Old, file: str) -> Iterator[_Part]:
    """Groups that the template no longer has."""
    wanted = {group.name for group in template.groups}
    heading = local.kept(f"Not in {file} any more")
    for group in old.groups:
        if group.name not in wanted:
            has_heading = any(local.is_kept_heading(line) for line in group.lines)
            lines = group.lines if has_heading else (heading, *group.lines)
            setting = Setting(
                text(group.name),
                Fate.RETIRED,
                f"{file} no longer has it; it stays in force at the end of the file",
                _shown(values(group.lines)),
                "",
            )
            yield _Part((group.marker, *lines), setting)


def _unmarked(template: Preformatted, old: _Old, stock: Stock) -> Iterator[_Part]:
    """The text of a file without markers, as a group that comes after all defaults."""
    own = local.stripped(stock.local_lines(old.unmarked))
    if not own or _has_keywords(template):
        return
    name = _UNMARKED
    while any(group.name == name for group in template.groups):
        name += b"_"
    reason = "the file had no markers; all of it stays in force at the end of the file"
    heading = local.kept("From the time when this file had no markers")
    yield _Part((marker(name, b"0"), heading, *own), Setting(text(name), Fate.RETIRED, reason, _shown(values(own)), ""))


def _carried(group: Group, owned: Sequence[Group], stock: Stock, file: str) -> _Part:
    """One group of the template with what the old file has of it; a name that it has twice counts as one group."""
    same = [each for each in owned if each.revision == group.revision]
    other = [each for each in owned if each.revision != group.revision]
    if same:
        own = _joined(same, stock)
        added = local.joined(local.only_comments(_joined(other, stock)), _previous(other, stock, own))
        return _kept(group, own, added, file)
    if other:
        return _raised(group, other, stock)
    default = values(group.lines)
    return _Part((group.marker, *group.lines), _setting(group, Fate.NEW, "the old file does not have it", (), default))


def _joined(groups: Sequence[Group], stock: Stock) -> tuple[bytes, ...]:
    """The own lines of all groups; what a backslash at a group's end continues is not in the next one."""
    lines: list[bytes] = []
    for group in groups:
        if lines and lines[-1].endswith(b"\\\n"):
            lines.append(b"\n")
        lines += stock.local_lines(group.lines)
    return stock.local_lines(lines)  # where one group's open quote ends in the next, comments are others than alone


def _previous(groups: Sequence[Group], stock: Stock, own: Sequence[bytes] = ()) -> tuple[bytes, ...]:
    """Comments that show the values of other revisions; none where these are in force anyway."""
    before = values(_joined(groups, stock))
    if not groups or before == values(own):
        return ()
    return local.previous(text(groups[-1].revision), before)


def _kept(group: Group, own: Sequence[bytes], previous: Sequence[bytes], file: str) -> _Part:
    default, value = values(group.lines), values(own)
    setting = _setting(group, Fate.KEPT, "the revision is the same", value, default)
    if value == default:
        lines = local.with_comments(group.lines, local.joined(local.only_comments(own), previous))
        return _Part((group.marker, *lines), replace(setting, reason="it is the default"))
    kept = local.set_off(local.joined(previous, own))
    if not value:
        setting = replace(setting, reason="it was switched off and stays so")
        kept += () if any(map(local.is_blank, own)) else (b"\n",)  # which keeps it off for Courier's own tool, too
    return _Part((group.marker, *local.commented_out(group.lines, file), *kept), setting)


def _raised(group: Group, owned: Sequence[Group], stock: Stock) -> _Part:
    own = _joined(owned, stock)
    default, value = values(group.lines), values(own)
    revisions = f"the revision went from {text(owned[-1].revision) or 'none'} to {text(group.revision) or 'none'}"
    if value == default:
        setting = _setting(group, Fate.KEPT, f"{revisions}, but it is the new default", value, default)
    else:
        setting = _setting(group, Fate.RESET, f"{revisions}; the old value is a comment now", value, default)
    added = local.joined(local.only_comments(own), _previous(owned, stock, group.lines))
    return _Part((group.marker, *local.with_comments(group.lines, added)), setting)


def _setting(group: Group, fate: Fate, reason: str, old: Sequence[bytes], new: Sequence[bytes]) -> Setting:
    return Setting(text(group.name), fate, reason, _shown(old), _shown(new))


def _shown(lines: Sequence[bytes]) -> str:
    return text(b"".join(lines)).rstrip("\n")
