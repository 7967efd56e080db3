"""Unplaced: comments of lists, tables and control files that no part of a site has taken.

They stand above the section that their file became; those of files that not everybody may read, among the secrets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_compiler.importing.access import access_places
from courier_compiler.importing.draft import COMMENTS, Draft, has, own_text
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.remarks import (
    Grammar,
    anywhere,
    at_the_start,
    at_the_start_or_indented,
    behind_a_login,
    behind_the_first,
    everything,
    lines_of,
)
from courier_compiler.importing.settings_files import SettingsFile
from courier_compiler.importing.texts import SUBJECTS
from courier_compiler.legacy_tables.sources import PROTOCOLS
from courier_schema.legacy.codecs import PresenceCodec
from courier_schema.legacy.table import Row, rows_by_name
from courier_schema.legacy.tables.control import Control
from courier_schema.report import SitePath


@dataclass(frozen=True, slots=True)
class _Home:
    """A file, or a directory of files, its grammar, and the section that it became."""

    name: str
    grammar: Grammar
    section: SitePath
    is_alone: bool = True
    """Whether the section comes from no other file, so that its comments need not name theirs."""


_HOMES: Final = (
    _Home("locals", anywhere, ("domains",), is_alone=False),
    _Home("esmtpacceptmailfor", anywhere, ("domains",), is_alone=False),
    _Home("hosteddomains", at_the_start, ("domains",), is_alone=False),
    _Home("esmtpacceptmailfor.dir", at_the_start, ("domains",), is_alone=False),
    _Home("esmtppercentrelay", anywhere, ("percent_relay",)),
    _Home("esmtppercentrelay.dir", at_the_start, ("percent_relay",)),
    _Home("aliases", anywhere, ("aliases",)),
    *(_Home(f"aliases-{name}", anywhere, ("protocol_aliases", name)) for name in PROTOCOLS),
    _Home("userdb", at_the_start, ("accounts",)),
    _Home("esmtproutes", anywhere, ("routes",)),
    _Home("esmtpauthclient", behind_a_login, ("credentials",)),
    _Home("bofh", anywhere, ("policy",)),
    _Home("uucpneighbors", at_the_start, ("uucp", "neighbours")),
    _Home("faxrc", anywhere, ("fax", "rules")),
    _Home("maildirshared", anywhere, ("delivery", "shared_folders")),
    _Home("logindomainlist", at_the_start_or_indented, ("webmail", "login_domains")),
    _Home("ldapaddressbook", at_the_start, ("webmail", "address_books")),
    *(_Home(name, behind_the_first, ("bounces", "texts", field)) for name, field in SUBJECTS.items()),
)
_IDENTITY: Final[Mapping[str, SitePath]] = {
    "me": ("host", "name"), "defaultdomain": ("site",), "locallowercase": ("host", "fold_case"),
    "enablefiltering": ("filters", "apply_to"),
}  # fmt: skip
_WHOLE: Final = ("esmtpgreeting", "maildirfilterconfig")
"""Control files of several lines."""


def take_unplaced(draft: Draft, installation: Installation, files: Mapping[str, SettingsFile]) -> None:
    """Put every comment somewhere that has no place yet."""
    for home in _homes(draft, installation, files):
        for name in _files_of(installation, home.name):
            if not _is_carried(draft, installation, name):
                _take(draft, installation, home, name)
    for place, lines in draft.kept.items():
        count = "1 comment line" if len(lines) == 1 else f"{len(lines)} comment lines"
        stands = "stands" if len(lines) == 1 else "stand"
        where = f"{draft.secrets_directory}/{COMMENTS}"
        draft.note(f"{count} of {place} {stands} in {where}, because not everybody may read that file")


def _homes(draft: Draft, installation: Installation, files: Mapping[str, SettingsFile]) -> Iterator[_Home]:
    yield from _HOMES
    places = access_places(installation, files)
    yield from (_Home(place, at_the_start, (section,)) for section, place in places.items())
    unread = dict.fromkeys(("smtpaccess", "imapaccess"))
    yield from (_Home(name, at_the_start, (), is_alone=False) for name in unread if name not in places.values())
    for name, row in rows_by_name(Control).items():
        if name not in _WHOLE:
            yield _Home(name, _grammar(row), _IDENTITY.get(name) or draft.places.get((name, ""), ()), is_alone=False)
    for name in installation.directly_in("filters"):
        yield _Home(f"filters/{name}", behind_the_first, ("filters", name.partition("-")[0]))
    for declaration in [name for name in installation.files if name.startswith("vhost.")]:
        host = declaration.removeprefix("vhost.")
        section = ("virtual_hosts", host)
        yield _Home(declaration, everything, section)
        yield _Home(f"sizelimit.{host}", behind_the_first, (*section, "max_message_size"))
        yield _Home(f"locals.{host}", anywhere, (*section, "local_domains"))


def _grammar(row: Row) -> Grammar:
    return everything if isinstance(row.codec, PresenceCodec) else behind_the_first


def _files_of(installation: Installation, name: str) -> list[str]:
    return [name] if name in installation.files else [f"{name}/{inner}" for inner in installation.below(name)]


def _is_carried(draft: Draft, installation: Installation, name: str) -> bool:
    """Whether the site has the whole file, comments and all."""
    base = name.partition("/")[0]
    return any(has(draft.tree, ("files", one)) for one in (name, base)) or not draft.is_taken(name)


def _take(draft: Draft, installation: Installation, home: _Home, name: str) -> None:
    source = installation.source(name)
    remarks = lines_of(source, home.grammar)
    if source.name in draft.private:
        draft.keep(source.name, remarks)
        return
    placed = Counter({text: draft.placed[source.name, text] for text in map(own_text, remarks)})
    prefix = "" if home.is_alone and has(draft.tree, home.section) else f"{name}: "
    for remark in remarks:
        text = own_text(remark)
        if placed[text]:
            placed[text] -= 1
        else:
            draft.remark(home.section, [remark], prefix)
