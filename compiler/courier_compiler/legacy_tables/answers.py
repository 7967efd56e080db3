"""Answers: what the programs that read a configuration directory's databases and lists would find, and why.

A database that does not exist holds nothing, as for Courier; one that cannot be read is a CourierSiteError here,
where Courier would often go on without it and say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from courier_compiler.legacy_tables.directory import Directory, blamed_on, open_database
from courier_compiler.legacy_tables.sources import KINDS
from courier_schema.legacy.formats.accept import AcceptAnswer, lookup_accept, relay_percent
from courier_schema.legacy.formats.access import lookup_access
from courier_schema.legacy.formats.aliases.lookup import as_submitted, lookup_alias
from courier_schema.legacy.formats.hosted import HostedAnswer, Place, lookup_hosted
from courier_schema.legacy.formats.userdb import Account, lookup_userdb
from courier_schema.legacy.formats.uucp import lookup_path, uucp_name

Get = Callable[[bytes], bytes | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found: `lines` for programs and people, `reasons` for people, `facts` the same for JSON."""

    found: bool
    """True when the query is in the table and not turned away by it."""
    lines: tuple[str, ...]
    reasons: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict)


def alias(directory: Directory, address: str, protocol: str | None = None, database: Path | None = None) -> Answer:
    """The recipients of an alias, as submit finds them for an address that it has already folded.

    With a protocol its own aliases come first, as for mail that arrives through it.
    """
    locality = directory.locality()
    own = directory.file(f"aliases-{protocol}.dat") if protocol else None
    general = database or directory.file("aliases.dat")
    found = lookup_alias(address, _reader(general), locality, protocol_get=_reader(own) if own else None)
    names = {True: own.name if own else "", False: general.name}
    reasons = [
        f"{names[step.is_protocol]}: {step.key}: {'found' if step.found else 'not there'}" for step in found.steps
    ]
    submitted = as_submitted(address, locality)
    if submitted != address:
        reasons.append(f"mail to {address} is looked up as {submitted}: ask for that")
    matched = found.steps[-1].key if found.is_alias else None
    facts = {"recipients": list(found.recipients), **_keys((step.key for step in found.steps), matched)}
    return Answer(found.is_alias, found.recipients, tuple(reasons), facts)


def access(
    directory: Directory, remote: str, local: str | None = None, port: int | None = None, database: Path | None = None
) -> Answer:
    """What couriertcpd does with a connection; with a local address and port it was told `-accesslocal`.

    Raises ValueError for text that is no address.
    """
    source = next(iter(KINDS["smtpaccess"].places(directory).paths), directory.path / "smtpaccess")
    get = _reader(database or source.with_name(f"{source.name}.dat"))
    answer = lookup_access(get, remote, local, port, accesslocal=local is not None)
    variables = {_text(name): _text(value) for name, value in answer.environment.items()}
    action = "deny" if answer.is_denied else "accept"
    return Answer(
        not answer.is_denied,
        (action, *(f"{name}={value}" for name, value in variables.items())),
        (*_tried(get, answer.tried), *(() if answer.key else ("whoever is in no record is accepted",))),
        {"action": action, "environment": variables, **_keys(answer.tried, answer.key)},
    )


def accept(directory: Directory, query: str, database: Path | None = None) -> Answer:
    """Whether mail for an address or domain is taken from strangers."""
    listed = directory.domain_list("esmtpacceptmailfor", [directory.me()])
    get = _reader(database or directory.file("esmtpacceptmailfor.dat"))
    found = lookup_accept(_domain(query), listed, get, directory.host_name)
    return Answer(
        found.is_accepted,
        ("accepted" if found.is_accepted else "refused",),
        _list_reasons(found, get),
        _keys(found.tried, found.found),
    )


def hosted(directory: Directory, query: str, database: Path | None = None) -> Answer:
    """Whether a domain is local, hosted or remote, and for an address which accounts are tried."""
    get = _reader(database or directory.file("hosteddomains.dat"))
    found = lookup_hosted(_domain(query), get, directory.host_name, directory.locality().locals)
    names = _accounts(found, query)
    line = f"hosted {found.domain}" if found.place is Place.HOSTED else found.place.value
    return Answer(
        found.place is not Place.REMOTE,
        (line,),
        (*_hosted_reasons(found, get), *(f"account: {name}" for name in names)),
        {"place": found.place.value, "domain": found.domain, "accounts": names, **_keys(found.tried, found.found)},
    )


def percent(directory: Directory, address: str, database: Path | None = None) -> Answer:
    """The address that counts after the percent relay: another one if the text behind the last `%` is relayed."""
    get = _reader(database or directory.file("esmtppercentrelay.dat"))
    hosted_get = _reader(directory.file("hosteddomains.dat"))
    listed, own = directory.domain_list("esmtppercentrelay", ()), directory.locality().locals
    answer = relay_percent(
        address,
        lambda domain: lookup_hosted(domain, hosted_get, directory.host_name, own).place is not Place.REMOTE,
        lambda domain: lookup_accept(domain, listed, get, directory.host_name),
    )
    inner = answer.inner
    if inner is None:
        reasons = ("there is no percent sign in front of a domain of this server",)
        return Answer(False, (address,), reasons, {"address": address, **_keys((), None)})
    return Answer(
        inner.is_accepted,
        (answer.address,),
        _list_reasons(inner, get),
        {"address": answer.address, **_keys(inner.tried, inner.found)},
    )


def uucp(directory: Directory, path: str, database: Path | None = None) -> Answer:
    """Whether a bang path is accepted. One whose first node is no neighbour is an Internet address instead."""
    get = _reader(database or directory.file("uucpneighbors.dat"))
    own = directory.one_line("uucpme") or uucp_name(directory.me())
    answer = lookup_path(_bytes(path), get, _bytes(own))
    first, bang, rest = path.removeprefix(f"{own}!").partition("!")
    if bang and get(_bytes(first)) is None:
        action, reason = "rewritten", f"{first} is no neighbour, so this is {rest}@{first}"
    elif answer.is_accepted:
        action, reason = "accepted", f"rmail runs at {_text(answer.rmail_at)}" if answer.rmail_at else "rmail runs here"
    else:
        action, reason = "refused", "nothing on the way accepts it"
    last = answer.tried[-1] if answer.is_accepted else None
    return Answer(
        answer.is_accepted,
        (action,),
        (*_tried(get, answer.tried), reason),
        {"action": action, "rmail_at": _text(answer.rmail_at or b"") or None, **_keys(answer.tried, last)},
    )


def account(directory: Directory, login: str, service: str, database: Path | None = None) -> Answer:
    """The account that authuserdb finds for a service. Passwords are not shown, only whether there is one."""
    public = database or directory.file("userdb.dat")
    shadow = public.with_name(f"{public.name.removesuffix('.dat')}shadow.dat")
    get = _reader(public)
    found = lookup_userdb(login, service, get, _reader(shadow))
    if found is None:
        known = get(_bytes(login)) is not None
        reason = "its record lacks a home directory, or a numeric uid or gid" if known else "no such record"
        return Answer(False, (), (f"{public.name}: {login}: {reason}",), {"account": None})
    fields = dict(_account_fields(found))
    secrets = ", ".join(("password",) * (found.password is not None) + tuple(f"hmac-{name}" for name in found.secrets))
    return Answer(
        True,
        tuple(f"{name}={value}" for name, value in fields.items()),
        (f"{public.name}: {login}: found", f"{shadow.name}, {service}: {secrets or 'no password'}"),
        {"account": fields, "has_password": found.password is not None, "secrets": list(found.secrets)},
    )


def _accounts(found: HostedAnswer, query: str) -> list[str]:
    local_part, at, _ = query.rpartition("@")
    if not at or found.place is Place.REMOTE:
        return []
    return [local_part] if found.place is Place.LOCAL else list(found.accounts(local_part))


def _account_fields(found: Account) -> Iterable[tuple[str, object]]:
    yield from (("uid", found.uid), ("gid", found.gid), ("home", _text(found.home)))
    for name in ("shell", "mail", "quota", "gecos", "options"):
        value = getattr(found, name)
        if value is not None:
            yield name, _text(value)


def _list_reasons(found: AcceptAnswer, get: Get) -> tuple[str, ...]:
    if found.is_accepted and not found.tried:
        return (f"the text list has {found.found}",)
    return ("the text list has nothing that matches", *_tried(get, found.tried))


def _hosted_reasons(found: HostedAnswer, get: Get) -> tuple[str, ...]:
    if found.place is Place.LOCAL:
        return (f"locals has {found.found}",)
    return ("locals has nothing that matches", *_tried(get, found.tried))


def _tried(get: Get, keys: Iterable[str | bytes]) -> tuple[str, ...]:
    """What the database has under each key that was looked up."""
    values = ((_shown(key), get(key if isinstance(key, bytes) else _bytes(key))) for key in keys)
    return tuple(f"{key}: {'not there' if value is None else _text(value)}" for key, value in values)


def _keys(tried: Iterable[str | bytes], matched: str | bytes | None) -> dict[str, object]:
    return {"tried": list(map(_shown, tried)), "matched": None if matched is None else _shown(matched)}


def _reader(database: Path) -> Get:
    if not database.exists():
        return lambda key: None
    records = open_database(database)

    def get(key: bytes) -> bytes | None:
        with blamed_on(database):
            return records.get(key)

    return get


def _domain(query: str) -> str:
    return query.rpartition("@")[2]


def _shown(key: str | bytes) -> str:
    return key if isinstance(key, str) else _text(key)


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
