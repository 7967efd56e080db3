"""Sender Policy Framework at the door: the name in HELO, the sender, and the author in the From header (mta.md 2.9)."""

from __future__ import annotations

import re
from collections.abc import Awaitable
from typing import Final

from courier_runtime.mail.reply import Reply
from courier_runtime.policy.conduct import SpfRules
from courier_runtime.policy.offer import Offer
from courier_runtime.spf.evaluate import Verdict, evaluate, question_about

_PASSES: Final = "Address passes the Sender Policy Framework"
_FAILS: Final = "Address does not pass the Sender Policy Framework"
_QUIET: Final = "Rejected by the Sender Policy Framework."
_UNPRINTABLE: Final = re.compile(r"[^ -~]")


def check(offer: Offer) -> Awaitable[Reply | None] | None:
    """HELO and the sender. An empty sender has no policy, nor has a name in HELO that is the client's own address."""
    rules = _rules(offer)
    return None if rules is None else _check(offer, rules)


def renames(offer: Offer) -> bool:
    """Whether results that a message brings along have to make way for our own."""
    return offer.has_asked_spf or wants_author(offer)


def wants_author(offer: Offer) -> bool:
    """Whether the author in the From header is to be judged."""
    rules = _rules(offer)
    if rules is None or not rules.header_from:
        return False
    return not ("mailfromok" in rules.header_from and offer.spf_of_sender in ("pass", "error"))


async def judge_author(offer: Offer, author: str) -> Reply | bytes:
    """The refusal that the author of a message brings about, or the header with the result."""
    rules = offer.client.conduct.spf
    assert rules is not None, "wants_author() comes first"
    verdict, header = await _ask(offer, "FROM", author)
    return _refusal(offer, rules, rules.header_from, author, verdict) or header


def _rules(offer: Offer) -> SpfRules | None:
    rules = offer.client.conduct.spf
    return None if rules is None or (rules.trusts_relays and offer.client.relay is not None) else rules


async def _check(offer: Offer, rules: SpfRules) -> Reply | None:
    sender = offer.sender
    if rules.helo:
        fault = await _check_helo(offer, rules)
        if fault is not None:
            return fault
    if not rules.mail_from or "@" not in sender:
        return None
    verdict, header = await _ask(offer, "MAILFROM", sender)
    offer.headers.append(header)
    offer.spf_of_sender = verdict.result
    return _refusal(offer, rules, rules.mail_from, sender, verdict)


async def _check_helo(offer: Offer, rules: SpfRules) -> Reply | None:
    client = offer.client
    if client.helo.lower() in (client.ip, client.plain_ip):
        offer.has_passing_helo = True
        return None
    verdict, header = await _ask(offer, "HELO", client.helo)
    offer.headers.append(header)
    offer.has_passing_helo = verdict.result == "pass"
    return _refusal(offer, rules, rules.helo, client.helo, verdict)


async def _ask(offer: Offer, identity: str, name: str) -> tuple[Verdict, bytes]:
    """What the policy of a name says of the client, and the header that tells of it."""
    client, snapshot = offer.client, offer.rules.snapshot
    offer.has_asked_spf = True
    said = snapshot.control.esmtphelo
    receiver = said if said and said != "*" else snapshot.me
    question = question_about(
        name, client.ip, helo=client.helo, receiver=receiver, client_name=client.verified_name, now=offer.now
    )
    verdict = await evaluate(name.rpartition("@")[2].lower(), question, offer.resolver)
    said_of_it = (
        f"{verdict.result} ({_explanation(verdict)})",
        f"SPF={identity}",
        f"sender={name}",
        f"remoteip={client.ip}",
        f"remotehost={client.verified_name}",
        f"helo={client.helo}",
        f"receiver={receiver}",
    )
    first, *others = map(_printable, said_of_it)
    lines = (first, *(f"  {line};" for line in others))
    return verdict, ("Received-SPF: " + "\n".join(lines) + "\n").encode()


def _refusal(offer: Offer, rules: SpfRules, accepted: frozenset[str], name: str, verdict: Verdict) -> Reply | None:
    if verdict.result in accepted or "all" in accepted:
        return None
    if "allowok" in accepted and offer.client.recommendations:
        return None
    text = _QUIET if rules.is_quiet else _explanation(verdict)
    return Reply.of(517 if verdict.result in rules.hard else 417, _printable(f"SPF {verdict.result} {name}: {text}"))


def _explanation(verdict: Verdict) -> str:
    return verdict.explanation or (_PASSES if verdict.result == "pass" else _FAILS)


def _printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text.replace(";", " "))
