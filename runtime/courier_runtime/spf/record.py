"""The text of a policy as terms, in order. Pure and total: what cannot be read is passed over, as Courier does.

RFC 7208 makes such a policy a permanent error, so that its other terms, which still say something, say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Literal

Result = Literal["none", "neutral", "pass", "fail", "softfail", "error", "unknown"]
"""Courier's words; `error` is RFC 7208's temperror, `unknown` its permerror."""

_VERSION: Final = re.compile(r"v=spf1(?: |$)", re.IGNORECASE)
_MODIFIER: Final = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_DIRECTIVE: Final = re.compile(
    r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?::([^/]+(?:/[^/0-9][^/]*)*))?((?:/[0-9]{1,3})?(?://[0-9]{1,3})?)",
    re.IGNORECASE,
)
_QUALIFIERS: Final[dict[str, Result]] = {"": "pass", "+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_NAMED: Final = frozenset({"include", "exists"})
_NETWORKS: Final = frozenset({"ip4", "ip6"})

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism, and what it means that it matches."""

    result: Result
    mechanism: str
    domain: str = ""
    """Where it says so, macros unexpanded; empty for the domain whose policy it is."""
    ipv4_bits: int = 32
    ipv6_bits: int = 128
    network: Network | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All terms of a record."""

    terms: tuple[Term, ...]
    redirect: str = ""
    explanation: str = ""
    """Name of the text that explains a failure, macros unexpanded."""


def is_policy(text: str) -> bool:
    """Whether a TXT record is a policy at all."""
    return _VERSION.match(text) is not None


def parse_policy(text: str) -> Policy:
    """Read a record."""
    words = text.split()[1:]
    modifiers: dict[str, str] = {}
    for word in words:
        if found := _MODIFIER.fullmatch(word):
            modifiers.setdefault(found[1].lower(), found[2])
    return Policy(tuple(_terms(words)), modifiers.get("redirect", ""), modifiers.get("exp", ""))


def _terms(words: Iterable[str]) -> Iterable[Term]:
    for word in words:
        term = (
            _network_term(word) if ":" in word and word.lstrip("+?~-")[:4].lower() in ("ip4:", "ip6:") else _term(word)
        )
        if term is not None:
            yield term


def _term(word: str) -> Term | None:
    found = _DIRECTIVE.fullmatch(word)
    if found is None:
        return None
    mechanism, domain = found[2].lower(), found[3] or ""
    if mechanism in _NETWORKS or (mechanism in _NAMED and not domain):
        return None
    four, _, six = (
        found[4].removeprefix("/").partition("//") if not found[4].startswith("//") else ("", "", found[4][2:])
    )
    ipv4_bits, ipv6_bits = int(four or 32), int(six or 128)
    if ipv4_bits > 32 or ipv6_bits > 128:
        return None
    return Term(_QUALIFIERS[found[1]], mechanism, domain, ipv4_bits, ipv6_bits)


def _network_term(word: str) -> Term | None:
    name, _, value = word.partition(":")
    mark = name[0] if name[0] in "+?~-" else ""
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return None
    mechanism = name.removeprefix(mark).lower()
    if network.version != int(mechanism[2]):
        return None
    return Term(_QUALIFIERS[mark], mechanism, network=network)
