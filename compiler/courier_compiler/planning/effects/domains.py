"""Which domains the host answers for: accepted from everybody, local, hosted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.sides import Side, Sides
from courier_schema.legacy.formats.accept import lookup_accept
from courier_schema.legacy.formats.domains import DomainList
from courier_schema.report import Severity

ACCEPTING: Final = ("esmtpacceptmailfor", "esmtpacceptmailfor.dat")
"""The list and the database of the domains for which mail is accepted from everybody."""
_LIST, _DATABASE = ACCEPTING


def find(sides: Sides) -> Iterator[Finding]:
    yield from _accepted(sides)
    if sides.changed & {"locals", "hosteddomains.dat"}:
        yield from _places(sides)


def accepted(side: Side) -> frozenset[str]:
    """Every domain from which the list or the database takes mail from everybody; with a dot its sub-domains."""
    keys = side.records(_DATABASE).keys()
    listed = (entry for entry in side.entries(_LIST) if not entry.startswith("!"))
    return frozenset((*listed, *(key.decode(errors="surrogateescape") for key in keys)))


def _excluded(side: Side, name: str) -> frozenset[str]:
    return frozenset(entry[1:] for entry in side.entries(name) if entry.startswith("!"))


def _taken(side: Side, domains: Iterable[str]) -> frozenset[str]:
    """Those domains and wildcards for which mail is taken, by whatever entry."""
    listed, get = DomainList.of(side.entries(_LIST), side.value("me") or ""), side.records(_DATABASE).get
    return frozenset(domain for domain in domains if lookup_accept(domain, listed, get, listed.host_name).is_accepted)


def _accepted(sides: Sides) -> Iterator[Finding]:
    if not sides.changed & {*ACCEPTING}:
        return
    excluded = _excluded(sides.after, _LIST)
    doubtful = _excluded(sides.before, _LIST) ^ excluded
    named = (accepted(sides.before) ^ accepted(sides.after)) | doubtful
    before, after = _taken(sides.before, named), _taken(sides.after, named)
    listed = {*sides.after.entries(_LIST), *sides.before.entries(_LIST), *doubtful}
    for domain in sorted(before ^ after):
        file = _LIST if domain in listed else _DATABASE
        key = f"!{domain}" if domain in excluded else domain
        if domain in after:
            yield Finding(f"mail for {domain_words(domain)} is accepted", file, key)
        else:
            says = f"mail for {domain_words(domain)} is no longer accepted"
            yield Finding(says, file, key, Severity.WARNING)


def _places(sides: Sides) -> Iterator[Finding]:
    excluded = _excluded(sides.after, "locals")
    doubtful = _excluded(sides.before, "locals") ^ excluded
    before, after = (
        {**{domain: "local" for domain in doubtful if domain in side.locals}, **dict(_place(side))}
        for side in (sides.before, sides.after)
    )
    for domain in sorted(before.keys() | after.keys()):
        old, new = before.get(domain), after.get(domain)
        if old != new:
            file = "hosteddomains.dat" if "hosted" in (new or old or "") else "locals"
            key = f"!{domain}" if file == "locals" and domain in excluded else domain
            verb = "are" if domain.startswith(".") else "is"
            told = f"{verb} {', '.join(filter(None, (new, old and f'no longer {old}')))}"
            severity = Severity.WARNING if old else Severity.NOTE
            yield Finding(f"{domain_words(domain)} {told}", file, key, severity)


def _place(side: Side) -> Iterator[tuple[str, str]]:
    for key, value in side.records("hosteddomains.dat").items():
        domain = key.decode(errors="surrogateescape")
        yield domain, f"hosted as {value.decode(errors='replace')}" if len(value) > 1 else "hosted"
    for domain in side.entries("locals"):
        if not domain.startswith("!"):
            yield domain, "local"


def domain_words(domain: str) -> str:
    """A domain, or the sub-domains of one, in words."""
    return f"sub-domains of {domain[1:]}" if domain.startswith(".") else domain


SUBJECT = Subject(1, "domains", find)
