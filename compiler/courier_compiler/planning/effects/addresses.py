"""Which addresses are accepted, and where their mail goes: aliases, delivery instructions and catch-alls.

An address that loses its alias may still be an account, or be caught by its domain; that is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.sides import Side, Sides, changed_keys, differing
from courier_compiler.planning.spelling import readable, short
from courier_schema.legacy.formats.aliases.records import split
from courier_schema.legacy.formats.hosted import CATCH_ALL
from courier_schema.report import Severity

_PROTOCOL: Final = re.compile(r"aliases-(\w+)\.dat")
_INSTRUCTIONS: Final = re.compile(r"aliasdir/\.[^/-]+-([^/]+)")
_PROGRAM: Final = re.compile(r'"?\.xalias/')


def find(sides: Sides) -> Iterator[Finding]:
    for name in sides.named("aliases.dat"):
        yield from _aliases(sides, name, _of_host(name))
    for name in sorted(sides.changed):
        if protocol := _PROTOCOL.fullmatch(name):
            yield from _aliases(sides, name, f" (mail by {protocol[1]})")
        elif instructions := _INSTRUCTIONS.fullmatch(name):
            yield _instructed(sides, name, instructions[1].replace(":", "."))
    if "userdb.dat" in sides.changed:
        yield from _catch_alls(sides)


def _of_host(name: str) -> str:
    suffix = name.removeprefix("aliases.dat").removeprefix(".")
    return f" (virtual host {suffix})" if suffix else ""


def _aliases(sides: Sides, name: str, where: str) -> Iterator[Finding]:
    before, after = sides.before.aliases(name), sides.after.aliases(name)
    for key in changed_keys(before, after):
        text = key.decode(errors="surrogateescape")
        old, new = fate(sides.before, before, text), fate(sides.after, after, text)
        if _meaning(sides.before, old) != _meaning(sides.after, new):
            says, severity = _told(sides, text, old, new)
            yield Finding(f"{says}{where}", name, text, severity)


def _meaning(side: Side, recipients: tuple[str, ...] | None) -> list[str] | None:
    """Recipients in one spelling: those in a local domain are the same in all of them."""
    if recipients is None:
        return None
    split_up = ((one, *one.rpartition("@")) for one in recipients)
    return sorted(local if at and side.is_local(domain) else one for one, local, at, domain in split_up)


def fate(side: Side, aliases: Mapping[bytes, bytes], address: str) -> tuple[str, ...] | None:
    """Where mail for an address goes: recipients, or in words; None where the files know nothing of it.

    Aliases of all local domains are those of the default domain.
    """
    local, at, domain = address.rpartition("@")
    key = f"{local}@{side.default_domain}" if at and local and side.is_local(domain) else address
    stored = aliases.get(key.encode(errors="surrogateescape"))
    if stored is not None:
        return tuple(map(_recipient, split(stored)))
    account = side.account(address)
    if account is not None:
        return (f"the account {account}",)
    if side.catches(address) or f"@{domain}".encode(errors="surrogateescape") in aliases:
        return (f"what takes the other mail for {domain}",)
    return None


def _recipient(address: bytes) -> str:
    return "a program or mailbox of its own" if _PROGRAM.match(readable(address)) else readable(address)


def _told(sides: Sides, address: str, old: tuple[str, ...] | None, new: tuple[str, ...] | None) -> tuple[str, Severity]:
    who = f"every address of {address[1:]}" if address.startswith("@") else readable(address.encode(errors="replace"))
    if old is None:
        return f"{who} is accepted, and goes to {_listed(new)}", Severity.NOTE
    if new is None:
        known = {*sides.after.modules} <= {"authuserdb"}
        gone = "is no longer accepted" if known else "is no alias any longer"
        return f"{who} {gone}; it went to {_listed(old)}", Severity.WARNING
    gained, lost = differing(old, new)
    if not gained:
        return f"{who} no longer goes to {_listed(lost)}", Severity.NOTE
    if not lost:
        return f"{who} also goes to {_listed(gained)}", Severity.NOTE
    return f"{who} goes to {_listed(gained)}, no longer to {_listed(lost)}", Severity.NOTE


def _listed(recipients: list[str] | tuple[str, ...] | None) -> str:
    return short(", ".join(recipients or ())) or "nobody"


def _instructed(sides: Sides, name: str, address: str) -> Finding:
    who = "every unknown address of the local domains" if address == "default" else address
    if not sides.before.has(name):
        return Finding(f"{who} is accepted, by delivery instructions", name)
    if not sides.after.has(name):
        return Finding(f"{who} has no delivery instructions any longer", name, severity=Severity.WARNING)
    return Finding(f"mail for {who} is delivered by other instructions", name)


def _catch_alls(sides: Sides) -> Iterator[Finding]:
    before, after = sides.before.records("userdb.dat"), sides.after.records("userdb.dat")
    for key in changed_keys(before, after):
        login = key.decode(errors="surrogateescape")
        who = f"every unknown address of {login.rpartition('@')[2]}"
        if not login.startswith(f"{CATCH_ALL}@"):
            continue
        if key not in before:
            yield Finding(f"{who} is accepted", "userdb.dat", login)
        elif key not in after:
            yield Finding(f"{who} is no longer accepted", "userdb.dat", login, Severity.WARNING)


SUBJECT = Subject(2, "addresses", find)
