"""The order in which checks are asked. The first that refuses decides; None is silence.

A check answers at once where it can, and returns an awaitable only where it must wait: a session without lookups never
suspends here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy import dns, helo, recipient, relay, sender, spamtrap, spf
from courier_runtime.policy.offer import Offer

Answer = Reply | None
Check = Callable[[Offer], Answer | Awaitable[Answer]]
Checks = tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The checks of each phase, in order."""

    mail: Checks
    """At MAIL."""
    recipient: Checks
    """At RCPT, before aliases are looked up."""
    message: Checks
    """When the message has been received."""


STANDARD: Final = Pipeline(
    mail=(spf.check, helo.check, sender.parse, sender.check_bad, sender.check_freemail, dns.check),
    recipient=(recipient.count, recipient.parse, relay.check, recipient.check_room, recipient.check_block),
    message=(spamtrap.check,),
)


def judge(checks: Checks, offer: Offer) -> Answer | Awaitable[Answer]:
    """Ask until one refuses."""
    for number, check in enumerate(checks):
        answer = check(offer)
        if answer is None:
            continue
        if isinstance(answer, Reply):
            return answer
        return _judge_later(answer, checks[number + 1 :], offer)
    return None


async def _judge_later(first: Awaitable[Answer], rest: Checks, offer: Offer) -> Answer:
    found = await first
    if found is not None:
        return found
    answer = judge(rest, offer)
    return answer if answer is None or isinstance(answer, Reply) else await answer
