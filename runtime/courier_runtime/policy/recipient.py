"""Recipients before anything is looked up: their number, their syntax, room for them, and blocks."""

from __future__ import annotations

import re
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy import addresses, spamtrap
from courier_runtime.policy.offer import Offer
from courier_runtime.routing.fax import is_fax, route_fax

INVALID: Final = Reply.of(500, "Invalid address")
SYNTAX_ERROR: Final = Reply.of(513, "Syntax error.")
FULL: Final = Reply.of(431, "Mail system full.")
TOO_MANY: Final = "Too many recipients."

_CODE: Final = re.compile(r"([45][0-9]{2})")

_MODULE: Final = "esmtp"
"""The source that rules for faxes know clients by."""

LEAST_BYTES: Final = 1 << 20
"""Room that has to be left on the queue's disk for a message to be taken."""
LEAST_FILES: Final = 100


def count(offer: Offer) -> Reply | None:
    """Refused recipients count as well."""
    offer.attempts += 1
    if offer.attempts <= offer.rules.max_recipients:
        return None
    return Reply.of(531 if offer.rules.snapshot.bofh.is_hard else 431, TOO_MANY)


def parse(offer: Offer) -> Reply | None:
    """Read the address, RELAYCLIENT's text appended."""
    client, text = offer.client, offer.recipient + (offer.client.relay or "")
    if not offer.recipient or addresses.is_route(offer.recipient):
        return INVALID
    if client.may_fax and is_fax(text):
        offer.recipient = offer.spelt = text
        fax = route_fax(text, offer.rules.snapshot, _MODULE)
        return fax if isinstance(fax, Reply) else None
    locality = offer.rules.snapshot.locality
    address = addresses.parse(text, local_ip=client.local_ip, default_domain=locality.default_domain, is_recipient=True)
    if address is None:
        return SYNTAX_ERROR
    offer.spelt = address
    offer.recipient = offer.rules.canonical(address)
    return None


def check_room(offer: Offer) -> Reply | None:
    """Whether the queue can take another message."""
    return None if check_space(offer.spool.free) else FULL


def check_space(free: tuple[int, int]) -> bool:
    """Whether so many bytes and files are enough to take another message."""
    return free[0] >= LEAST_BYTES and free[1] >= LEAST_FILES


def check_block(offer: Offer) -> Reply | None:
    """BLOCK: a text for everybody; it may bring a code of its own."""
    spamtrap.notice(offer, offer.recipient)
    if not offer.client.block:
        return None
    return _block_reply(offer.client.block)


def _block_reply(text: str) -> Reply:
    """Courier takes the code from the digits alone, and shows them again where no blank sets them apart."""
    found = _CODE.match(text)
    if found is None:
        return Reply.of(511, text)
    return Reply.of(int(found[1]), text[4:] if text[3:4] in ("", " ") else text)
