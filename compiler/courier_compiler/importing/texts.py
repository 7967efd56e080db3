"""Texts and small tables: bounces, maildrop, fax, UUCP, webmail, filters and instruction files in a site's words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from courier_compiler.artefacts import dsn
from courier_compiler.importing.draft import Draft, fits, is_printable
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.settings import rebuilt_installation
from courier_compiler.importing.shipped import is_shipped
from courier_compiler.importing.tables import read_table
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.uucp import Rights, parse_value
from courier_schema.report import SitePath
from courier_schema.words import Domain, HostName, Identifier, Line, Path, Port, UucpPath, Word

_DSN: Final = {
    **{f"dsn{name}.txt": name for name in ("header", "footer", "delayed", "delivered", "failed", "relayed")},
    "dsnsubjectwarn.txt": "subject_warning",
    "dsnsubjectnotice.txt": "subject_notice",
}
SUBJECTS: Final = {name: field for name, field in _DSN.items() if field.startswith("subject")}
"""Texts of which the first line counts, with what a site calls them."""
_WHOLE: Final[dict[str, SitePath]] = {
    "maildroprc": ("delivery", "maildrop_rules"),
    "quotawarnmsg": ("delivery", "quota_warning"),
    "shared/index": ("delivery", "shared_index"),
    "faxcoverpage.tr": ("fax", "cover_page"),
}
_FILTERS: Final = ("perlfilter", "dupfilter", "ratefilter", "verifyfilter")
_FAX: Final = re.compile(r"(rw|accept|reject)([\^*]*)\s+(\S+)\s+(\S+)")
_RIGHTS: Final = {Rights.FORWARD: "forward", Rights.GATEWAY: "gateway", Rights.RMAIL: "rmail"}


def take_texts(draft: Draft, installation: Installation) -> None:
    """Say everything of this kind that is there."""
    for name, field in _DSN.items():
        if name in installation.files:
            _take_notice(draft, installation, name, field)
    for name, path in _WHOLE.items():
        if name == "shared/index" and _webmail_shares_nothing(installation):
            continue
        if name in installation.files and not is_shipped(installation.files[name].content):
            _take_whole(draft, installation, name, path)
    for name in installation.directly_in("maildroprcs"):
        if fits(Identifier, name):
            _take_whole(draft, installation, f"maildroprcs/{name}", ("delivery", "maildrop_includes", name))
    for take in _TAKERS:
        take(draft, installation)


def _webmail_shares_nothing(installation: Installation) -> bool:
    """Whether webmail has been kept from the index, which a site names to IMAP and webmail alike."""
    return b"SQWEBMAIL_SHAREDINDEXFILE" not in (installation.content("sqwebmaild") or b"SQWEBMAIL_SHAREDINDEXFILE")


def leave_our_own_texts(draft: Draft, installation: Installation) -> None:
    """Notices that every site has anyhow need not be said."""
    said = draft.said(("bounces", "texts"))
    if not isinstance(said, dict):
        return
    bare = {**draft.tree, "bounces": {key: value for key, value in draft.tree["bounces"].items() if key != "texts"}}
    ours = rebuilt_installation(replace(draft, tree=bare), (dsn.build,))
    for name, field in _DSN.items():
        if field in said and ours.content(name) == installation.content(name):
            draft.unsay(("bounces", "texts", field))


def _take_notice(draft: Draft, installation: Installation, name: str, field: str) -> None:
    draft.taken.add(name)
    if is_shipped(installation.files[name].content):
        return
    text = _text(installation, name)
    if field.startswith("subject"):
        text = text.split("\n")[0].strip()
    if is_printable(text):
        draft.say_text_of(installation.where(name), ("bounces", "texts", field), text)
    else:
        draft.note(f"{name} is not in UTF-8, and its wording is not in the site", is_open=True)


def _take_whole(draft: Draft, installation: Installation, name: str, path: SitePath) -> None:
    text = _text(installation, name)
    if not is_printable(text):
        return
    draft.taken.add(name)
    draft.say_text_of(installation.where(name), path, text)


def _text(installation: Installation, name: str) -> str:
    return installation.files[name].content.decode(errors="surrogateescape")


def _lines(installation: Installation, name: str) -> list[str]:
    """Lines of a file that are neither empty nor comments."""
    if name not in installation.files:
        return []
    return [line for line in _text(installation, name).splitlines() if line.strip() and not line.startswith("#")]


def _take_shared_folders(draft: Draft, installation: Installation) -> None:
    words = [line.partition("#")[0].split() for line in _lines(installation, "maildirshared")]
    pairs = [pair for pair in words if len(pair) == 2]
    if pairs and all(fits(Identifier, name) and fits(Path, path) for name, path in pairs):
        draft.taken.add("maildirshared")
        for name, path in pairs:
            draft.say(("delivery", "shared_folders", name), path)


def _take_fax(draft: Draft, installation: Installation) -> None:
    draft.taken.add("faxrc")
    lines = [line.partition("#")[0].strip() for line in _lines(installation, "faxrc")]
    rules = {line: _fax_rule(line) for line in lines if line}
    for line, rule in rules.items():
        if rule is None:
            shown = draft.quoted(line, installation.where("faxrc"))
            draft.note(f"{shown} of faxrc is no rule for fax numbers", is_open=True)
    if any(rules.values()):
        draft.say(("fax", "rules"), [rule for rule in map(rules.get, lines) if rule])


def _fax_rule(line: str) -> dict[str, Any] | None:
    found = _FAX.fullmatch(line)
    if found is None:
        return None
    word, flags, first, second = found.groups()
    rule: dict[str, Any] = {"rewrite" if word == "rw" else word: f"{first} {second}"}
    if "^" in flags:
        rule["prefix"] = True
    if "*" in flags:
        rule["repeat"] = True
    return rule


def _take_uucp(draft: Draft, installation: Installation) -> None:
    found = read_table(installation, "uucpneighbors", Kind.UUCPNEIGHBORS)
    draft.taken |= {"uucpneighbors", "uucpneighbors.dat"}
    if found is None or not found.records:
        return
    comments = found.comments()
    for key, value in found.records.items():
        node = key.decode(errors="replace")
        if not fits(UucpPath, node):
            shown = draft.quoted(node, *(source.name for source in found.sources))
            draft.note(f"{shown} of uucpneighbors is no path, so it is left out")
            continue
        flags = [word for right, word in _RIGHTS.items() if right in parse_value(value)]
        draft.say(("uucp", "neighbours", node), flags, comments.get(key, ()))


def _take_filters(draft: Draft, installation: Installation) -> None:
    for name in installation.directly_in("filters/active"):
        link = installation.files[f"filters/active/{name}"].link
        if link and fits(Identifier, name) and fits(Path, link):
            draft.taken.add(f"filters/active/{name}")
            draft.say(("filters", "active", name), link)
    if "filters" in draft.tree and "enablefiltering" not in installation.files:
        draft.say(("filters", "apply_to"), [])


def _take_pipe(draft: Draft, installation: Installation) -> None:
    found = installation.files.get("authProg")
    if found is not None and found.link and fits(Path, found.link):
        draft.taken.add("authProg")
        draft.say(("auth", "pipe", "program"), found.link)


def _take_login_domains(draft: Draft, installation: Installation) -> None:
    entries = [_login_domain(line) for line in _lines(installation, "logindomainlist") if line[:1] not in " \t"]
    if entries and None not in entries:
        draft.taken.add("logindomainlist")
        draft.say(("webmail", "login_domains"), entries)


def _login_domain(line: str) -> dict[str, str] | None:
    domain, access, modifier = (*line.rstrip().split(":"), "", "")[:3]
    if (domain not in {"", "*"} and not fits(Domain, domain)) or not fits(Line, access):
        return None
    entry = {"domain": domain}
    if access:
        entry["access"] = access
    if modifier:
        if not fits(Word, modifier):
            return None
        entry["modifier"] = modifier
    return entry


def _take_address_books(draft: Draft, installation: Installation) -> None:
    books = [
        (*line.split("\t"), "", "", "", "", "")[:5] for line in _lines(installation, "ldapaddressbook") if "\t" in line
    ]
    sound = all(
        fits(Line, name) and fits(HostName, host) and port.isdecimal() and fits(Port, int(port))
        for name, host, port, _, _ in books
    )
    if "ldapaddressbook" in installation.files and (sound or not books):
        draft.taken.add("ldapaddressbook")
        for name, host, port, base, bind in books:
            entry: dict[str, Any] = {"host": host, "base": base}
            if port != "389":
                entry["port"] = int(port)
            if bind:
                shown = draft.quoted(name, installation.where("ldapaddressbook"))
                draft.note(f"webmail does not use the name to bind with of the address book {shown}, so it is left out")
            draft.say(("webmail", "address_books", name), entry)


def _take_instructions(draft: Draft, installation: Installation) -> None:
    """Files of delivery instructions by address; the others are carried as they are."""
    extension = installation.one_line("dotextension") or "courier"
    start = f".{extension}-"
    for name in installation.directly_in("aliasdir"):
        address = name.removeprefix(start).replace(":", ".")
        text = _text(installation, f"aliasdir/{name}")
        plain = name.startswith(start) and fits(Identifier, address) and is_printable(text) and text.strip()
        folds = not installation.locality.lowercase or address == address.lower()
        if plain and folds and installation.files[f"aliasdir/{name}"].link is None:
            draft.taken.add(f"aliasdir/{name}")
            path, said = ("delivery", "dotfiles", address), text if text.count("\n") > 1 else text.strip("\n")
            draft.say_text_of(installation.where(f"aliasdir/{name}"), path, said)


def _take_filter_modes(draft: Draft, installation: Installation) -> None:
    """Modes of filters that are not `all` say nothing."""
    for name in _FILTERS:
        file = f"filters/{name}-mode"
        if file in installation.files and installation.one_line(file) != "all":
            draft.taken.add(file)


_TAKERS: Final[tuple[Callable[[Draft, Installation], None], ...]] = (
    _take_shared_folders,
    _take_fax,
    _take_uucp,
    _take_filters,
    _take_pipe,
    _take_login_domains,
    _take_address_books,
    _take_instructions,
    _take_filter_modes,
)
