"""BOFHCHECKDNS: whether mail to the return address could ever arrive, and `badmx`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.offer import Offer
from courier_runtime.seams import BadRecords, CircularNames, Exchange, LookupFailed, NoSuchName

_CLOSING: Final = "Invalid domain, see <URL:https://www.ietf.org/rfc/rfc1035.txt>"


def check(offer: Offer) -> Reply | Awaitable[Reply | None] | None:
    """Not asked for empty return addresses, nor where every recipient will be refused anyway."""
    if not offer.client.conduct.checks_dns or not offer.sender or offer.client.block:
        return None
    return _look_up(offer, offer.sender.rpartition("@")[2])


async def _look_up(offer: Offer, domain: str) -> Reply | None:
    try:
        exchanges = await offer.resolver.exchanges(domain)
    except NoSuchName:
        return _invalid(f"Domain does not exist: {domain}.")
    except CircularNames:
        return _invalid(f"RFC 1035 violation: recursive CNAME records for {domain}.")
    except BadRecords:
        return _invalid(f"MX records for {domain} violate section 3.3.9 of RFC 1035.")
    except LookupFailed:
        return Reply.of(417, f"DNS lookup failure: {domain}.  Try again later.")
    if not any(exchange.host or exchange.addresses for exchange in exchanges):
        return _invalid(f"Domain does not exist: {domain}.")
    return _bad_exchange(offer, exchanges)


def _bad_exchange(offer: Offer, exchanges: tuple[Exchange, ...]) -> Reply | None:
    bad = offer.rules.bad_exchanges
    for exchange in exchanges if bad else ():
        for address in exchange.addresses:
            mapped = f"::ffff:{address}" if ":" not in address else address
            if address in bad or mapped in bad:
                return Reply.of(517, f"Mail server at {mapped} is blocked.")
    return None


def _invalid(text: str) -> Reply:
    return Reply.of(517, f"{text}\n{_CLOSING}")
