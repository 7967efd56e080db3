"""Notices: who is told when a message cannot be delivered, and which notices are dropped as backscatter."""

from __future__ import annotations

from courier_compiler.tracing.alias import canonical
from courier_compiler.tracing.host import Value, Variables
from courier_compiler.tracing.recipient import source_of
from courier_compiler.tracing.values import Notice, Stage, Why
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.aliases.lookup import lookup_alias
from courier_schema.legacy.formats.hosted import Place

_STAGE = Stage.NOTICE
_TO_LOGIN = "DSNTOAUTHADDR"
_DROPPED = "ESMTP_BLOCKBACKSCATTER"


def notice(walk: Walk, variables: Variables) -> Notice:
    """Where a notice about this message would go."""
    settings = walk.host.settings("courierd")
    address, why = _addressee(walk, settings)
    walk.note(_STAGE, f"if it cannot be delivered, {address} is told", why)
    dropped, source = settings.get(_DROPPED, Value("")), f"{source_of(variables)}/dsn"
    if source in dropped.text.split(",") and _leaves(walk, address):
        walk.note(_STAGE, f"but notices to other servers about mail from {source} are dropped", dropped.why)
        return Notice(address, True, dropped.why)
    return Notice(address, False, why)


def _addressee(walk: Walk, settings: Variables) -> tuple[str, Why | None]:
    """The login address where the site wants that, else the sender; postmaster for messages without one."""
    login, to_login = walk.envelope.login or "", settings.get(_TO_LOGIN, Value("", Why("Courier's default")))
    if "@" in login and not to_login.text.startswith("0"):
        return login, to_login.why
    if walk.envelope.sender:
        return walk.envelope.sender, None
    return f"postmaster@{walk.host.locality.default_domain}", None


def _leaves(walk: Walk, address: str) -> bool:
    """Whether mail for an address goes to another server; an alias of that name keeps it here for the moment."""
    found = lookup_alias(canonical(walk, address), walk.host.get("aliases.dat"), walk.host.locality)
    ends = found.recipients or (address,)
    return all(walk.host.place(end.rpartition("@")[2]).place is Place.REMOTE for end in ends)
