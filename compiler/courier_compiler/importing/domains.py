"""Domains: what an installation does with each domain, from its lists and databases.

A domain that is neither local nor hosted but accepted is a relay domain. The server's own name and its default
domain are local in a site that says nothing of them, so where they were not they are named with another kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from courier_compiler.importing.draft import Draft, fits, has, printable
from courier_compiler.importing.installation import Installation
from courier_compiler.importing.tables import Found, commented_lists, read_table
from courier_schema.legacy.formats.accept import lookup_accept
from courier_schema.legacy.formats.domains import DomainList, itself_and_ends, lower, normal_form
from courier_schema.legacy.formats.hosted import HostedAnswer, Place, lookup_hosted
from courier_schema.legacy.formats.makedat import Kind
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark
from courier_schema.words import Domain, DomainPattern

_LISTS: Final = ("locals", "esmtpacceptmailfor", "esmtppercentrelay")


@dataclass(frozen=True)
class DomainTables:
    """What the programs of an installation look domains up in."""

    locals: DomainList
    accepted: DomainList
    hosted: Found
    accepted_table: Found
    percent: DomainList
    percent_table: Found
    host_name: str

    @classmethod
    def of(cls, installation: Installation) -> DomainTables:
        nothing = Found({}, {})
        return cls(
            installation.locality.locals,
            installation.domain_list("esmtpacceptmailfor", [installation.me]),
            read_table(installation, "hosteddomains", Kind.HOSTEDDOMAINS) or nothing,
            read_table(installation, "esmtpacceptmailfor.dir", Kind.ESMTPACCEPTMAILFOR) or nothing,
            installation.domain_list("esmtppercentrelay", ()),
            read_table(installation, "esmtppercentrelay.dir", Kind.ESMTPPERCENTRELAY) or nothing,
            installation.host_name,
        )

    def names(self) -> list[str]:
        """Every domain and wildcard that is listed somewhere, in the form that is compared, `*` filled in."""
        keys = (
            *self.locals.entries,
            *self.accepted.entries,
            *self.stored(),
        )
        return self._patterns(key for key in keys if not key.startswith("!"))

    def stored(self) -> Iterator[str]:
        """Every key of the two databases of domains."""
        yield from self._keys(self.hosted)
        yield from self._keys(self.accepted_table)

    def sources(self) -> tuple[Source, ...]:
        """The texts that these were made of."""
        return (*self.hosted.sources, *self.accepted_table.sources)

    def exclusions(self) -> list[str]:
        """Every domain and wildcard that a list excludes, likewise."""
        return self._patterns(key[1:] for key in (*self.locals.entries, *self.accepted.entries) if key.startswith("!"))

    def percent_names(self) -> list[str]:
        """Every domain and wildcard that may stand behind a percent sign, likewise."""
        keys = (*self.percent.entries, *self._keys(self.percent_table))
        return self._patterns(key for key in keys if not key.startswith("!"))

    def percent_exclusions(self) -> list[str]:
        """Every domain and wildcard that may not stand there, likewise."""
        return self._patterns(key[1:] for key in self.percent.entries if key.startswith("!"))

    def relays_behind_percent(self, domain: str) -> bool:
        """Whether a domain may stand behind a percent sign."""
        return lookup_accept(domain, self.percent, self.percent_table.records.get, self.host_name).is_accepted

    def _patterns(self, keys: Iterable[str]) -> list[str]:
        return [form for form in dict.fromkeys(map(self.form, keys)) if fits(DomainPattern, form)]

    def _keys(self, table: Found) -> Iterator[str]:
        return (key.decode(errors="surrogateescape") for key in table.records)

    def form(self, entry: str) -> str:
        if entry == "*" or entry.startswith("*."):
            return normal_form(self.host_name + entry[1:])
        return normal_form(entry)

    def place(self, domain: str) -> str:
        """What becomes of mail for an address: the kind of its domain, where its accounts are, whether it is taken."""
        found = self.owner(domain)
        where = f"{found.place.value} {found.domain}" if found.domain else found.place.value
        return f"{where}, {'accepted' if self.takes(domain) else 'not accepted'} by SMTP"

    def owner(self, domain: str) -> HostedAnswer:
        """Whether a domain is local, hosted or somebody else's."""
        return lookup_hosted(domain, self.hosted.records.get, self.host_name, self.locals)

    def takes(self, domain: str) -> bool:
        """Whether SMTP accepts mail for a domain from everybody."""
        return lookup_accept(domain, self.accepted, self.accepted_table.records.get, self.host_name).is_accepted


def take_domains(draft: Draft, installation: Installation) -> None:
    """Say every domain with its kind."""
    draft.taken |= {"locals", "esmtpacceptmailfor", "hosteddomains", "hosteddomains.dat", "esmtpacceptmailfor.dat"}
    draft.taken |= {"esmtpacceptmailfor.dir", "esmtppercentrelay", "esmtppercentrelay.dir", "esmtppercentrelay.dat"}
    tables = DomainTables.of(installation)
    _note_unmatched(draft, installation)
    for key in tables.stored():
        if not fits(DomainPattern, tables.form(key)):
            shown = draft.quoted(printable(key), *(source.name for source in tables.sources()))
            draft.note(f"{shown} of hosteddomains or esmtpacceptmailfor matches no domain, so it is left out")
    for name in tables.names():
        _take(draft, tables, name)
    _take_implied(draft, tables)
    _merge_wildcards(draft)
    for name in tables.exclusions():
        _exclude(draft, tables, name)
    _remark(draft, installation, tables)
    _leave_implied(draft)
    _take_percent(draft, tables)


def _note_unmatched(draft: Draft, installation: Installation) -> None:
    """Tell of entries that match nothing."""
    for file in _LISTS:
        content = installation.content(file) or b""
        for number, line in enumerate(content.decode(errors="replace").split("\n"), start=1):
            entry, mark = line.partition("#")[0].rstrip("\r"), Mark(installation.where(file), number)
            if not entry.strip() or entry.startswith("!"):
                continue
            if entry != entry.strip() or not fits(DomainPattern, normal_form(entry).replace("*", "x")):
                draft.note(f"{draft.quoted(entry, mark.file)} of {file} matches no domain, so it is left out", mark)


def _take(draft: Draft, tables: DomainTables, name: str) -> None:
    probe = _probe(name)
    found = tables.owner(probe)
    said: dict[str, object] = {}
    if found.place is not Place.LOCAL:
        said["kind"] = "hosted" if found.place is Place.HOSTED else "relay"
    if not tables.takes(probe):
        said["accept"] = False
    value = tables.hosted.records.get(name.encode(), b"")
    target = lower(value).decode(errors="replace") if len(value) > 1 else ""
    if said.get("kind") == "hosted" and target and target != name and fits(Domain, target):
        said["alias_of"] = target
        if target.encode() not in tables.hosted.records:
            draft.say(("domains", target), {"kind": "hosted", "accept": False})
            draft.note(f"{target} is named because the accounts of {name} are known under it")
    draft.say(("domains", name), said)


def _probe(name: str) -> str:
    """A domain that stands for a domain or wildcard."""
    return f"probe{name}" if name.startswith(".") else name


def _exclude(draft: Draft, tables: DomainTables, name: str) -> None:
    """Say what an exclusion changes: the wildcard above does not mean the domain, or takes no mail for it."""
    found, taken, is_said = tables.owner(_probe(name)), tables.takes(_probe(name)), draft.said(("domains", name))
    for wildcard in _wildcards_above(draft, name):
        above: dict[str, Any] = draft.tree["domains"][wildcard]
        kind = above.get("kind", "local")
        if is_said is None and found.place.value == kind and not taken and above.get("accept", True):
            shared = {"kind": kind, "alias_of": found.domain} if found.domain else {}
            draft.say(("domains", name), {**shared, "accept": False})
            if found.domain and not fits(Domain, found.domain):
                draft.note(f"{name} takes no mail, but its accounts, those of {found.domain}, do", is_open=True)
        elif (kind == "local" and found.place is not Place.LOCAL) or (
            kind == "relay" and found.place is Place.REMOTE and not taken
        ):
            above.setdefault("excluding", []).append(name)
            if is_said is None and found.place is Place.REMOTE and taken:
                draft.say(("domains", name), {"kind": "relay"})
        else:
            continue
        return


def _excludes(draft: Draft, wildcard: str, name: str) -> bool:
    said = draft.said(("domains", wildcard, "excluding"))
    return isinstance(said, list) and name in said


def _wildcards_above(draft: Draft, name: str) -> Iterator[str]:
    """The entries that cover a domain as one of their sub-domains, the nearest first."""
    domains = draft.tree.get("domains", {})
    for end in [*itself_and_ends(name)][1:]:
        if end in domains:
            yield end
        if domains.get(end[1:], {}).get("subdomains"):
            yield end[1:]


def _take_implied(draft: Draft, tables: DomainTables) -> None:
    """Name the default domain and the server's own name, which would be local otherwise."""
    me, default = normal_form(str(draft.tree["host"]["name"])), normal_form(str(draft.tree["site"]))
    if draft.said(("domains", default)) is None and default != me:
        _take(draft, tables, default)
    if draft.said(("domains", me)) is None:
        _take(draft, tables, me)


def _leave_implied(draft: Draft) -> None:
    """Every site has its own domain and its own name."""
    for name in (draft.tree["site"], draft.tree["host"]["name"]):
        path = ("domains", normal_form(name))
        if draft.said(path) == {} and path not in draft.comments:
            draft.unsay(path)


def _merge_wildcards(draft: Draft) -> None:
    """Say a domain and its sub-domains once, where they are treated alike."""
    domains = draft.tree.get("domains", {})
    for name in [name for name in domains if name.startswith(".")]:
        base, wild = domains.get(name[1:]), domains[name]
        if base is None or base.get("alias_of"):
            continue
        expected = {**base, "alias_of": name[1:]} if base.get("kind") == "hosted" else base
        if wild == expected:
            base["subdomains"] = True
            del domains[name]


def _remark(draft: Draft, installation: Installation, tables: DomainTables) -> None:
    of_tables = (
        (key.decode(errors="replace"), remarks)
        for table in (tables.hosted, tables.accepted_table)
        for key, remarks in table.comments().items()
    )
    for entry, remarks in (*of_tables, *commented_lists(installation, *_LISTS[:2])):
        name = tables.form(entry.removeprefix("!"))
        excluding = [above for above in _wildcards_above(draft, name) if _excludes(draft, above, name)]
        if entry.startswith("!") and excluding:
            draft.remark(("domains", excluding[0], "excluding"), remarks)
        elif place := next((one for one in (name, name.removeprefix(".")) if has(draft.tree, ("domains", one))), None):
            draft.remark(("domains", place), remarks)


def _take_percent(draft: Draft, tables: DomainTables) -> None:
    names = tables.percent_names()
    excluded = [name for name in tables.percent_exclusions() if not tables.relays_behind_percent(_probe(name))]
    excluding = [name for name in excluded if {*itself_and_ends(name)} & {*names}]
    if names:
        draft.say(("percent_relay",), {"domains": names, "excluding": excluding} if excluding else names)
