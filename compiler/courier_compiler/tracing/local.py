"""Local delivery: the account that an address belongs to, its extension, and instructions in its place.

The account that is found first decides. Homes outside the configuration directory are not in the tree, so an extension
of an ordinary account counts as not wanted there, which is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.tracing.values import Delivery, Kind, Reply, Stage, Why
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.domains import first_line, lower
from courier_schema.legacy.formats.hosted import CATCH_ALL, HostedAnswer, Place
from courier_schema.legacy.formats.userdb import Account

_STAGE = Stage.LOCAL
_SERVICE: Final = "courier"
"""The name by which the account library knows delivery."""
_CUTS: Final = 3
"""Separators, from the right, at which a local part is cut in search of an account."""


def find(walk: Walk, address: str, answer: HostedAnswer, *, by_alias: bool) -> tuple[str, ...] | Reply:
    """Deliver; the addresses that instructions forward to, or the refusal."""
    local_part = _unquoted(address.rpartition("@")[0])
    suffix = f"@{answer.domain}" if answer.place is Place.HOSTED else ""
    unknown = Reply("RCPT", 550, f"User <{address if suffix else local_part}> unknown")
    if local_part.startswith(".") and not by_alias:
        walk.note(_STAGE, "names that begin with a dot exist as results of aliases only")
        return unknown
    for name, extension in _splits(walk, local_part):
        account = _account(walk, name + suffix)
        if account is not None:
            found = _at(walk, name + suffix, account, extension)
            return unknown if found is None else found
    _ask_others(walk, local_part, suffix)
    if suffix:
        login = f"{CATCH_ALL}{suffix}"
        account = _account(walk, login)
        found = _at(walk, login, account, local_part) if account else None
    else:
        found = _in_aliasdir(walk, local_part)
    return found if found is not None else _elsewhere(walk, local_part + suffix, unknown)


def _account(walk: Walk, login: str) -> Account | None:
    return walk.host.account(login, _SERVICE)


def _ask_others(walk: Walk, local_part: str, suffix: str) -> None:
    """Note that other back-ends than userdb, whose accounts are not in the tree, would come first."""
    if walk.host.backends:
        names = ", ".join(dict.fromkeys(name + suffix for name, _ in _splits(walk, local_part)))
        walk.assume(
            _STAGE, f"would ask {', '.join(walk.host.backends)} for {names}: an account there decides", _order(walk)
        )


def _order(walk: Walk) -> Why | None:
    return walk.host.why("authdaemonrc", "authmodulelist")


def _elsewhere(walk: Walk, login: str, unknown: Reply) -> tuple[str, ...] | Reply:
    """What nothing in the tree takes belongs to an account of another back-end, or to nobody."""
    if not walk.host.backends:
        walk.note(_STAGE, f"there is no account {login}, and no instructions for it")
        return unknown
    walk.note(_STAGE, f"nothing else takes it, so {login} has to be an account there", _order(walk))
    walk.deliver(Delivery(Kind.ACCOUNT, login, why=_order(walk)))
    return ()


def _at(walk: Walk, login: str, account: Account, extension: str) -> tuple[str, ...] | None:
    """Deliver to an account; None where it does not want mail for the extension."""
    why = walk.host.why("userdb.dat", login)
    home = account.home.decode(errors="surrogateescape")
    if account.uid == 0:
        walk.note(_STAGE, f"{login} is root, who gets no mail", why)
        return None
    if not extension:
        walk.note(_STAGE, f"account {login}, home {home}", why)
        walk.deliver(Delivery(Kind.ACCOUNT, login, why=why))
        return ()
    root = f"{walk.host.resolved.profile.layout.sysconfdir}/"
    if home.startswith(root):
        return _instructed(walk, home.removeprefix(root), extension)
    names = ", ".join(_candidates(walk, extension))
    walk.assume(
        _STAGE, f"account {login} with the extension {extension}: refused unless {home} has one of {names}", why
    )
    return None


def _in_aliasdir(walk: Walk, local_part: str) -> tuple[str, ...] | None:
    return _instructed(walk, "aliasdir", local_part)


def _instructed(walk: Walk, directory: str, extension: str) -> tuple[str, ...] | None:
    """Follow the first file of instructions for an extension; None without one."""
    for candidate in _candidates(walk, extension):
        name = walk.host.behind_links(f"{directory}/{candidate}")
        if name in walk.host.files:
            why = walk.host.why(name)
            walk.note(_STAGE, f"instructions in {name}", why)
            return tuple(_follow(walk, walk.host.content(name).decode(errors="surrogateescape"), why))
    return None


def _follow(walk: Walk, text: str, why: Why | None) -> Iterator[str]:
    """Deliver to programs and mailboxes; the addresses that are left."""
    for line in map(str.strip, text.splitlines()):
        match line[:1]:
            case "" | "#":
                continue
            case "|":
                walk.deliver(Delivery(Kind.PROGRAM, line.lstrip("|").strip(), why=why))
            case "." | "/":
                walk.deliver(Delivery(Kind.MAILBOX, line, why=why))
            case "&" | "!":
                yield from (word.strip() for word in line[1:].split(",") if word.strip())
            case _:
                yield line


def _candidates(walk: Walk, extension: str) -> Iterator[str]:
    """Names of the files that an extension is looked for under: itself, then `default` at each hyphen."""
    folded = lower(extension) if walk.host.locality.lowercase else extension
    ending = first_line(walk.host.content("dotextension")) or "courier"
    rest = folded.replace(".", ":")
    yield f".{ending}-{rest}"
    while "-" in rest:
        rest = rest.rpartition("-")[0]
        yield f".{ending}-{rest}-default"
    yield f".{ending}-default"


def _splits(walk: Walk, local_part: str) -> Iterator[tuple[str, str]]:
    """Account and extension: the whole local part, then cut at its last separators, one after the other.

    Instruction files spell every separator as a hyphen.
    """
    yield local_part, ""
    separators = walk.host.separators
    hyphens = str.maketrans(dict.fromkeys(separators, "-"))
    at = len(local_part)
    for _ in range(_CUTS):
        at = max(local_part.rfind(separator, 0, at) for separator in separators)
        if at < 0:
            return
        yield local_part[:at], local_part[at + 1 :].translate(hyphens)


def _unquoted(local_part: str) -> str:
    quoted = len(local_part) > 1 and local_part.startswith('"') and local_part.endswith('"')
    return local_part[1:-1] if quoted else local_part
