"""A policy and a client become a result (RFC 7208, 4 and 5), with Courier's habits where they differ.

A domain without TXT records has no policy; one that does not exist, or whose TXT records are none, cannot be judged.
Terms that cannot be read are passed over, and twenty questions to the DNS are allowed where the RFC allows ten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from courier_runtime.seams import BadRecords, LookupFailed, NoSuchName, Resolver
from courier_runtime.spf.macros import MalformedMacro, Question, expand, expand_name
from courier_runtime.spf.record import Policy, Result, Term, is_policy, parse_policy

MOST_QUESTIONS: Final = 20
MOST_EXCHANGES: Final = 10
"""Mail servers of a domain that are looked at (RFC 7208, 4.6.4)."""

PATIENCE: Final = 20.0
"""Seconds that one evaluation may take, all its questions together (RFC 7208, 4.6.4, asks for no less)."""

_TOO_MANY: Final = f"Maximum of {MOST_QUESTIONS} nested SPF queries exceeded."


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an evaluation."""

    result: Result
    explanation: str = ""
    """The domain's own words for a failure, or what went wrong; empty for nothing to say."""


class _Ended(Exception):
    """The evaluation ends here, whatever terms follow."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


async def evaluate(domain: str, question: Question, resolver: Resolver, patience: float = PATIENCE) -> Verdict:
    """What the policy of a domain says of a client: `error` if that is not known within `patience` seconds."""
    try:
        async with asyncio.timeout(patience):
            return await _Evaluation(question, resolver).judge(domain, is_top=True)
    except _Ended as end:
        return end.verdict
    except TimeoutError:
        return Verdict("error")


def question_about(name: str, ip: str, *, helo: str, receiver: str, client_name: str, now: float) -> Question:
    """A question about a sender's address, or about the name that a client gave itself."""
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    sender = name if "@" in name else f"postmaster@{name}"
    return Question(address, sender, helo, receiver, now, client_name)


@dataclass(slots=True)
class _Evaluation:
    """One question, across all policies that it leads to."""

    question: Question
    resolver: Resolver
    _asked: int = field(default=0)

    async def judge(self, domain: str, *, is_top: bool) -> Verdict:
        """The verdict of a domain's policy. Raises _Ended."""
        found = await self._policy(domain)
        if isinstance(found, Verdict):
            return found
        for term in found.terms:
            if await self._matches(term, domain):
                explanation = await self._explanation(found, domain) if is_top and term.result == "fail" else ""
                return Verdict(term.result, explanation)
        if not found.redirect:
            return Verdict("neutral")
        self._count()
        verdict = await self.judge(self._name(found.redirect, domain) or domain, is_top=is_top)
        return Verdict("unknown") if verdict.result == "none" else verdict

    async def _policy(self, domain: str) -> Policy | Verdict:
        try:
            texts = await self.resolver.texts(domain)
        except NoSuchName as error:
            return Verdict("unknown" if error.is_absent else "none")
        except (LookupFailed, BadRecords):
            raise _Ended(Verdict("error")) from None
        policies = [text for text in texts if is_policy(text)]
        return parse_policy(policies[0]) if len(policies) == 1 else Verdict("unknown")

    async def _matches(self, term: Term, domain: str) -> bool:
        if term.mechanism == "all":
            return True
        if term.network is not None:
            return self.question.ip in term.network
        self._count()
        name = self._name(term.domain, domain)
        return name is not None and await _MECHANISMS[term.mechanism](self, name, term)

    async def _includes(self, name: str, term: Term) -> bool:
        verdict = await self.judge(name, is_top=False)
        if verdict.result in ("none", "unknown"):
            raise _Ended(Verdict("unknown"))
        return verdict.result == "pass"

    async def _has_address(self, name: str, term: Term) -> bool:
        return self._is_among(await self._addresses(name), term)

    async def _has_exchange(self, name: str, term: Term) -> bool:
        try:
            exchanges = await self.resolver.exchanges(name)
        except (NoSuchName, BadRecords):
            return False
        except LookupFailed:
            raise _Ended(Verdict("error")) from None
        named = [exchange for exchange in exchanges if exchange.preference >= 0][:MOST_EXCHANGES]
        return any(self._is_among(exchange.addresses, term) for exchange in named)

    async def _exists(self, name: str, term: Term) -> bool:
        return bool(await self._addresses(name))

    async def _is_named(self, name: str, term: Term) -> bool:
        found = self.question.client_name.lower()
        wanted = name.lower()
        return found == wanted or found.endswith(f".{wanted}")

    async def _addresses(self, name: str) -> tuple[str, ...]:
        try:
            return await self.resolver.addresses(name)
        except (NoSuchName, BadRecords):
            return ()
        except LookupFailed:
            raise _Ended(Verdict("error")) from None

    async def _explanation(self, policy: Policy, domain: str) -> str:
        """The domain's words, if it has any."""
        name = self._name(policy.explanation, domain) if policy.explanation else None
        if name is None:
            return ""
        try:
            texts = await self.resolver.texts(name)
            return expand(texts[0], domain, self.question) if len(texts) == 1 and texts[0].isascii() else ""
        except (NoSuchName, LookupFailed, BadRecords, MalformedMacro):
            return ""

    def _is_among(self, addresses: Iterable[str], term: Term) -> bool:
        ip = self.question.ip
        bits = term.ipv4_bits if isinstance(ip, IPv4Address) else term.ipv6_bits
        networks = (
            ip_network(f"{address}/{bits}", strict=False)
            for address in map(ip_address, addresses)
            if address.version == ip.version
        )
        return any(ip in network for network in networks)

    def _name(self, spelt: str, domain: str) -> str | None:
        """The name that a term is about; None for one that cannot be made out."""
        try:
            return expand_name(spelt, domain, self.question) if spelt else domain
        except MalformedMacro:
            return None

    def _count(self) -> None:
        self._asked += 1
        if self._asked > MOST_QUESTIONS:
            raise _Ended(Verdict("unknown", _TOO_MANY))


_MECHANISMS: Final[dict[str, Callable[[_Evaluation, str, Term], Awaitable[bool]]]] = {
    "include": _Evaluation._includes,
    "a": _Evaluation._has_address,
    "mx": _Evaluation._has_exchange,
    "ptr": _Evaluation._is_named,
    "exists": _Evaluation._exists,
}
