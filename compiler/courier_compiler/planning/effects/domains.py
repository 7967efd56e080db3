"""Which domains the host answers for: accepted from everybody, local, hosted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.sides import Side, Sides
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
    return frozenset((*side.entries(_LIST), *(key.decode(errors="surrogateescape") for key in keys)))


def _accepted(sides: Sides) -> Iterator[Finding]:
    if not sides.changed & {*ACCEPTING}:
        return
    before, after = accepted(sides.before), accepted(sides.after)
    listed = {*sides.after.entries(_LIST), *sides.before.entries(_LIST)}
    for domain in sorted(before ^ after):
        file = _LIST if domain in listed else _DATABASE
        if domain in after:
            yield Finding(f"mail for {domain_words(domain)} is accepted", file, domain)
        else:
            says = f"mail for {domain_words(domain)} is no longer accepted"
            yield Finding(says, file, domain, Severity.WARNING)


def _places(sides: Sides) -> Iterator[Finding]:
    before, after = dict(_place(sides.before)), dict(_place(sides.after))
    for domain in sorted(before.keys() | after.keys()):
        old, new = before.get(domain), after.get(domain)
        if old != new:
            file = "hosteddomains.dat" if "hosted" in (new or old or "") else "locals"
            verb = "are" if domain.startswith(".") else "is"
            told = f"{verb} {new}" if new else f"{verb} no longer {old}"
            severity = Severity.NOTE if new else Severity.WARNING
            yield Finding(f"{domain_words(domain)} {told}", file, domain, severity)


def _place(side: Side) -> Iterator[tuple[str, str]]:
    for key, value in side.records("hosteddomains.dat").items():
        domain = key.decode(errors="surrogateescape")
        yield domain, f"hosted as {value.decode(errors='replace')}" if len(value) > 1 else "hosted"
    for domain in side.entries("locals"):
        yield domain, "local"


def domain_words(domain: str) -> str:
    """A domain, or the sub-domains of one, in words."""
    return f"sub-domains of {domain[1:]}" if domain.startswith(".") else domain


SUBJECT = Subject(1, "domains", find)
