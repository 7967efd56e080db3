"""Settings files: a table and a profile become the complete file, laid out so that upgrades keep its values.

sysconftool carries over, group by group, the first run of lines without a number sign. So every group has its
comments first and its values together, and ends with a blank line, which counts as a value and keeps a setting
unset that the next release would set.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from courier_compiler.profile import FileLayout, GroupLayout, Profile, expand, in_force
from courier_schema.docs import attribute_docs
from courier_schema.legacy.codecs import IncludeCodec
from courier_schema.legacy.formats import module_file, rc, shell
from courier_schema.legacy.table import Row, Table, rows, rows_by_name
from courier_templates import render
from courier_templates.contexts import SettingsFile, SettingsGroup

_WIDTH = 100
_OWN_GROUPS = ("CUSTOM", "MISC", "LOCAL")
"""Groups that releases leave empty for a host's own lines."""


def compose(file: str, values: Table, profile: Profile, source: str, extra: Sequence[tuple[str, str]] = ()) -> bytes:
    """The finished file. `extra` are assignments that the catalogue does not know; `source` names the site's file.

    What `values` does not say is as in a fresh installation. A setting in force as None gets no assignment.
    Raises ValueError for a value that the file's format cannot hold.
    """
    table = values.over(in_force(file, profile))
    if table.format == "module":
        return module_file.dump(
            (row.name, row.codec.encode(value)) for row, value in table.items() if value is not None
        )
    layout = profile.files[file]
    texts = spelt(table)
    groups = [_group(group, table, texts, profile) for group in layout.groups]
    strays = [*_strays(layout, table, texts), *extra]
    if strays:
        at = _home_of_strays(layout, groups)
        lines = tuple(_line(table, name, text) for name, text in strays)
        groups[at] = SettingsGroup(groups[at].marker, groups[at].comments, groups[at].lines + lines)
    return render(SettingsFile(layout.version_line, _banner(source), tuple(groups))).encode()


def spelt(table: Table) -> dict[str, str]:
    """Name to text of every setting that is assigned, with references to the file's own settings filled in."""
    texts = {row.name: row.codec.encode(value) for row, value in table.items() if value is not None}
    referring = {row.name for row in rows(type(table)) if row.default is not None and _refers(row)}
    known = {row.name: texts.get(row.name, "") for row in rows(type(table))}
    return {name: expand(text, known) if name in referring else text for name, text in texts.items()}


def _refers(row: Row) -> bool:
    return "${" in row.codec.encode(row.default)


def _banner(source: str) -> tuple[str, ...]:
    return (
        f"Written by courier-compile from {source}.",
        "Change it there: what is changed here is reported as drift, and the next apply replaces it.",
    )


def _group(group: GroupLayout, table: Table, texts: Mapping[str, str], profile: Profile) -> SettingsGroup:
    known = rows_by_name(type(table))
    settings = [known[name] for name in group.settings]
    comments = tuple(line for row in settings for line in _comment(row, table, profile))
    lines = tuple(_line(table, row.name, texts[row.name]) for row in settings if row.name in texts)
    return SettingsGroup(group.marker, comments, lines)


def _comment(row: Row, table: Table, profile: Profile) -> Iterator[str]:
    sentence = " ".join(attribute_docs(type(table)).get(row.attribute, "").split())
    remarks = [f"{row.name}: {sentence}"]
    if getattr(table, row.attribute) is None and row.absent:
        remarks.append(f"Not set: {row.absent}.")
    if not profile.reads(type(table), row):
        remarks.append("This release does not read it.")
    yield from textwrap.wrap(" ".join(remarks), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _line(table: Table, name: str, text: str) -> str:
    row = rows_by_name(type(table)).get(name)
    if table.format == "rc":
        return rc.entry(name, text)
    if row is not None and isinstance(row.codec, IncludeCodec):
        return text
    return shell.assign(name, text)


def _strays(layout: FileLayout, table: Table, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Settings that were said although the release's file has no group for them."""
    placed = {name for group in layout.groups for name in group.settings}
    return ((name, text) for name, text in texts.items() if name not in placed)


def _home_of_strays(layout: FileLayout, groups: Sequence[SettingsGroup]) -> int:
    """Where further assignments survive an upgrade: a group for them, else the last that was never revised."""
    for at, group in enumerate(layout.groups):
        if group.name in _OWN_GROUPS and not group.settings:
            return at
    assigned = [at for at, group in enumerate(groups) if group.lines]
    unrevised = [at for at in assigned if layout.groups[at].revision == "0"]
    return (unrevised or assigned)[-1]
