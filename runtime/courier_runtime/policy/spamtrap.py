"""`spamtrap`: a message to such an address is refused for all of its recipients, after its text."""

from __future__ import annotations

from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.offer import Offer

REFUSED: Final = Reply.of(550, "Spam refused.")


def notice(offer: Offer, address: str) -> None:
    """Remember a trap among the recipients, or behind one of their aliases."""
    if address in offer.rules.traps:
        offer.has_hit_trap = True


def check(offer: Offer) -> Reply | None:
    """The refusal."""
    return REFUSED if offer.has_hit_trap else None
