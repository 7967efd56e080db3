"""Return addresses: their syntax, those that are refused, and those that only certain hosts may use."""

from __future__ import annotations

from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy import addresses
from courier_runtime.policy.client import TEMPORARY_NAME
from courier_runtime.policy.offer import Offer

SYNTAX_ERROR: Final = Reply.of(517, "Syntax error.")


def parse(offer: Offer) -> Reply | None:
    """Read the address; an empty one is fine."""
    if not offer.sender:
        return None
    address = None if addresses.is_route(offer.sender) else addresses.parse(offer.sender)
    if address is None:
        return SYNTAX_ERROR
    offer.spelt_sender = address
    offer.sender = offer.rules.canonical(address)
    return None


def check_bad(offer: Offer) -> Reply | None:
    """`badfrom`, of which relay clients are not exempt."""
    if offer.sender in offer.rules.bad_senders:
        return Reply.of(517, f"Sender rejected: {offer.spelt_sender}")
    return None


def check_freemail(offer: Offer) -> Reply | None:
    """`freemail`: mail from such a domain comes from hosts of it."""
    if not offer.rules.freemail or offer.client.relay is not None:
        return None
    domains = offer.rules.freemail.get(offer.sender.rpartition("@")[2])
    if domains is None or offer.client.name == TEMPORARY_NAME or _is_in(offer.client.name.lower(), domains):
        return None
    text = f"Sender rejected: {offer.spelt_sender} can be accepted only from\n{domains[0]}'s mail relays."
    return Reply.of(517, text)


def _is_in(name: str, domains: tuple[str, ...]) -> bool:
    return any(name == domain.lower() or name.endswith(f".{domain.lower()}") for domain in domains)
