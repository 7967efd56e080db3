"""BOFHCHECKHELO: whether the name that a client gives itself leads back to it."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from ipaddress import ip_address

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.offer import Offer
from courier_runtime.seams import BadRecords, LookupFailed, NoSuchName, Resolver


def check(offer: Offer) -> Reply | Awaitable[Reply | None] | None:
    """Not asked of clients that may relay, nor of names with a policy that passes; the client's own address passes."""
    client = offer.client
    if not client.conduct.checks_helo or client.relay is not None or offer.has_passing_helo:
        return None
    if client.helo.strip("[]").lower() in (client.ip, client.plain_ip):
        return None
    return _look_up(offer)


async def _look_up(offer: Offer) -> Reply | None:
    client, name = offer.client, offer.client.helo
    code = 417 if client.conduct.checks_helo > 1 else 517
    try:
        found = await _addresses(name, offer.resolver)
    except LookupFailed:
        return Reply.of(417, f"DNS lookup on HELO {name} failed.  Try again later.")
    if not found:
        return Reply.of(code, f"HELO {name} does not exist.")
    if client.plain_ip in found:
        return None
    return Reply.of(code, f"HELO {name} does not match {client.ip}")


async def _addresses(name: str, resolver: Resolver) -> frozenset[str]:
    """Those of the name and of its mail servers. An address is no name, but one in brackets stands for itself."""
    if name.startswith("["):
        return frozenset({name.strip("[]")})
    if _is_address(name):
        return frozenset()
    try:
        exchanges = await resolver.exchanges(name)
    except (NoSuchName, BadRecords):
        exchanges = ()
    found = {address for exchange in exchanges for address in exchange.addresses}
    with suppress(NoSuchName, BadRecords):
        found.update(await resolver.addresses(name))
    return frozenset(found)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
