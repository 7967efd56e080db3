"""Aliases: what stands in the place of an address, hop by hop, until accounts and other servers are reached.

The database holds nested aliases resolved; what follows by hops are the forwards of delivery instructions.
"""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.tracing import local, route
from courier_compiler.tracing.values import Delivery, Kind, Reply, Stage, Why
from courier_compiler.tracing.walk import Walk
from courier_schema.legacy.formats.aliases.lookup import as_submitted, lookup_alias
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.hosted import Place

_STAGE = Stage.ALIAS


def canonical(walk: Walk, address: str) -> str:
    """An address as submit looks it up: its domain in normal form, its local part in the case that counts."""
    local_part, at, domain = address.rpartition("@")
    if at:
        address = f"{local_part}@{normal_form(domain)}"
    elif "!" not in address:
        address = f"{address}@{normal_form(walk.host.locality.default_domain)}"
    return as_submitted(address, walk.host.locality)


def targets(walk: Walk, address: str, protocol: str) -> tuple[str, ...]:
    """The recipients of an alias; none where the address is none."""
    own = f"aliases-{protocol}.dat"
    protocol_get = walk.host.get(own) if own in walk.host.files else None
    found = lookup_alias(address, walk.host.get("aliases.dat"), walk.host.locality, protocol_get=protocol_get)
    if not found.recipients:
        return ()
    matched = found.steps[-1]
    name = own if matched.is_protocol else "aliases.dat"
    why = walk.host.why(name, matched.key)
    walk.note(_STAGE, f"{name}: {matched.key} leads to {', '.join(found.recipients)}", why)
    for key, on_the_way in _nested(walk, why, {matched.key}):
        walk.note(_STAGE, f"on the way: {key}", on_the_way)
    return found.recipients


def _nested(walk: Walk, why: Why | None, seen: set[str]) -> Iterator[tuple[str, Why]]:
    """The aliases that were resolved when the table was made, each once, in the order of the site."""
    entry = walk.host.alias_entries.get(why.path) if why else None
    for target in entry.to if entry else ():
        key = _key(walk, target)
        inner = walk.host.why("aliases.dat", key)
        if inner is not None and key not in seen:
            seen.add(key)
            yield key, inner
            yield from _nested(walk, inner, seen)


def _key(walk: Walk, address: str) -> str:
    """The key of an address in the alias tables, where one domain stands for all local ones."""
    local_part, at, domain = canonical(walk, address).rpartition("@")
    is_local = bool(at) and domain in walk.host.locality.locals
    return f"{local_part}@{normal_form(walk.host.locality.default_domain)}" if is_local else f"{local_part}{at}{domain}"


def resolve(walk: Walk, address: str, protocol: str = "esmtp", hops: frozenset[str] = frozenset()) -> Reply | None:
    """Follow an address to its ends; the refusal where it leads nowhere.

    The recipients of an alias with several are on their own: what leads nowhere there comes back as a bounce.
    """
    address = canonical(walk, address)
    if address in hops:
        walk.note(_STAGE, f"{address} leads back to itself: the message is bounced as a loop")
        walk.deliver(Delivery(Kind.BOUNCE, address))
        return None
    found = targets(walk, address, protocol)
    if not found:
        return _end(walk, address, hops, by_alias=False)
    refusals = [_end(walk, canonical(walk, target), hops | {address}, by_alias=True) for target in found]
    if len(found) == 1:
        return refusals[0]
    for target, refusal in zip(found, refusals, strict=True):
        if refusal is not None:
            walk.note(_STAGE, f"{target} gets nothing: {refusal}; the sender gets a bounce")
            walk.deliver(Delivery(Kind.BOUNCE, target))
    return None


def _end(walk: Walk, address: str, hops: frozenset[str], *, by_alias: bool) -> Reply | None:
    """Where mail for an address that is no alias goes: the modules are asked in Courier's order."""
    if "!" in address and (path := route.uucp(walk, address)) is not None:
        return path.refusal
    if route.fax(walk, address):
        return None
    answer = walk.host.place(address.rpartition("@")[2])
    if answer.place is Place.REMOTE:
        route.leave(walk, address)
        return None
    name, key = ("locals", answer.found) if answer.place is Place.LOCAL else ("hosteddomains.dat", answer.found)
    where = "local" if answer.place is Place.LOCAL else f"hosted, with the accounts of {answer.domain}"
    why = walk.host.why(name, key or "") or Why("no list of local domains")
    walk.note(Stage.LOCAL, f"{address.rpartition('@')[2]} is {where}", why)
    found = local.find(walk, address, answer, by_alias=by_alias)
    if isinstance(found, Reply):
        return found
    for forward in found:
        resolve(walk, forward, "local", hops | {address})
    return None
