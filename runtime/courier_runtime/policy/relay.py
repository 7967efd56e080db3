"""The relay decision: whose mail for whom is taken at all."""

from __future__ import annotations

from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.offer import Offer

DENIED: Final = Reply.of(513, "Relaying denied.")


def check(offer: Offer) -> Reply | None:
    """Relay clients may send anywhere; others to accepted domains, and through the percent relay."""
    if offer.client.relay is not None:
        return None
    taken = offer.rules.takes(offer.recipient)
    if taken is None:
        return DENIED
    offer.recipient = taken
    return None
