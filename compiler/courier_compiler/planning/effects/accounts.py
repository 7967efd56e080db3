"""Accounts: who can log in, with which password, and where their mail lies; and the back-ends that know accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from courier_compiler.planning.effects import Finding, Subject
from courier_compiler.planning.sides import Side, Sides, changed_keys, differing
from courier_compiler.planning.spelling import readable
from courier_schema.legacy.formats.hosted import CATCH_ALL
from courier_schema.legacy.formats.userdb import parse_fields
from courier_schema.report import Severity

PUBLIC, _SHADOW = "userdb.dat", "userdbshadow.dat"
_FIELDS: Final = {
    b"home": "has the home {new}, no longer {old}",
    b"mail": "has the maildir {new}, no longer {old}",
    b"quota": "has the quota {new}, no longer {old}",
    b"options": "has the options {new}, no longer {old}",
}
"""Fields that decide what becomes of an account's mail."""
_MOVES: Final = frozenset({b"home", b"mail"})
"""Fields that leave mail behind when they change."""
_PASSWORD: Final = re.compile(rb"[^=]*pw")


def find(sides: Sides) -> Iterator[Finding]:
    if sides.changed & {PUBLIC, _SHADOW}:
        yield from _accounts(sides)
    if sides.changed & {"authdaemonrc", PUBLIC}:
        yield from _backends(sides)


def accounts(side: Side) -> frozenset[bytes]:
    """The logins that the account database lists, catch-alls left out."""
    return frozenset(key for key in side.records(PUBLIC) if not key.startswith(f"{CATCH_ALL}@".encode()))


def _accounts(sides: Sides) -> Iterator[Finding]:
    before, after = accounts(sides.before), accounts(sides.after)
    for login in sorted(after - before):
        yield Finding(f"there is an account {_name(login)}", PUBLIC, _key(login))
    for login in sorted(before - after):
        yield Finding(f"there is no account {_name(login)} any longer", PUBLIC, _key(login), Severity.WARNING)
    for login in changed_keys(sides.before.records(PUBLIC), sides.after.records(PUBLIC)):
        if login in before and login in after:
            yield from _changed(sides, login)
    for login in changed_keys(sides.before.records(_SHADOW), sides.after.records(_SHADOW)):
        if login in before and login in after:
            yield _password(sides, login)


def _changed(sides: Sides, login: bytes) -> Iterator[Finding]:
    before = parse_fields(sides.before.records(PUBLIC)[login])
    after = parse_fields(sides.after.records(PUBLIC)[login])
    for field, sentence in _FIELDS.items():
        if before.get(field) != after.get(field):
            told = sentence.format(old=_shown(before, field), new=_shown(after, field))
            severity = Severity.WARNING if field in _MOVES else Severity.NOTE
            yield Finding(f"the account {_name(login)} {told}", PUBLIC, _key(login), severity)


def _shown(fields: Mapping[bytes, bytes], field: bytes) -> str:
    return readable(fields.get(field, b"")) or "none"


def _password(sides: Sides, login: bytes) -> Finding:
    had = _has_password(sides.before, login)
    has = _has_password(sides.after, login)
    if has and not had:
        return Finding(f"the account {_name(login)} has a password now", _SHADOW, _key(login))
    if had and not has:
        says = f"the account {_name(login)} has no password any longer, and nobody can log in to it"
        return Finding(says, _SHADOW, _key(login), Severity.WARNING)
    return Finding(f"the account {_name(login)} has another password", _SHADOW, _key(login))


def _has_password(side: Side, login: bytes) -> bool:
    return any(_PASSWORD.fullmatch(name) for name in parse_fields(side.records(_SHADOW).get(login, b"")))


def _backends(sides: Sides) -> Iterator[Finding]:
    gained, lost = differing(sides.before.modules, sides.after.modules)
    for module in gained:
        yield Finding(f"accounts of {module} can log in and get mail", "authdaemonrc", "authmodulelist")
    for module in lost:
        says = f"accounts of {module} can no longer log in or get mail"
        yield Finding(says, "authdaemonrc", "authmodulelist", Severity.WARNING)


def _name(login: bytes) -> str:
    return readable(login)


def _key(login: bytes) -> str:
    return login.decode(errors="surrogateescape")


SUBJECT = Subject(3, "accounts", find)
