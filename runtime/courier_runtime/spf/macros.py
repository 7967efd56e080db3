"""Macros of policies and explanations (RFC 7208, 7). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import quote

_MACRO: Final = re.compile(r"%(?:\{([A-Za-z])([0-9]*)([rR]?)([.+,/_=-]*)\}|([%_-])|(.?))", re.DOTALL)
_LITERALS: Final = {"%": "%", "_": " ", "-": "%20"}
_LONGEST_NAME: Final = 253


class MalformedMacro(ValueError):
    """A per cent sign that begins nothing known."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a policy: who sends what in whose name."""

    ip: IPv4Address | IPv6Address
    sender: str
    """With a local part, `postmaster` where there is none."""
    helo: str
    receiver: str
    now: float
    client_name: str = ""
    """Verified name of the client."""


def expand(text: str, domain: str, question: Question) -> str:
    """A text with its macros replaced, `domain` being the one whose policy is evaluated. Raises MalformedMacro."""
    values = _values(domain, question)

    def one(found: re.Match[str]) -> str:
        letter, digits, is_reversed, delimiters, literal, _ = found.groups()
        if literal is not None:
            return _LITERALS[literal]
        if letter is None or letter.lower() not in values:
            raise MalformedMacro(found[0])
        value = _transformed(values[letter.lower()], digits, bool(is_reversed), delimiters)
        return quote(value, safe="") if letter.isupper() else value

    return _MACRO.sub(one, text)


def expand_name(text: str, domain: str, question: Question) -> str:
    """A name to be looked up; one that is too long loses labels from its left. Raises MalformedMacro."""
    name = expand(text, domain, question).rstrip(".")
    while len(name) > _LONGEST_NAME and "." in name:
        name = name.partition(".")[2]
    return name


def _values(domain: str, question: Question) -> dict[str, str]:
    local_part, _, sender_domain = question.sender.rpartition("@")
    ip = question.ip
    nibbles = ".".join(ip.exploded.replace(":", "")) if isinstance(ip, IPv6Address) else str(ip)
    return {
        "s": question.sender,
        "l": local_part,
        "o": sender_domain,
        "d": domain,
        "i": nibbles,
        "p": question.client_name or "unknown",
        "v": "ip6" if isinstance(ip, IPv6Address) else "in-addr",
        "h": question.helo,
        "c": str(ip),
        "r": question.receiver,
        "t": str(int(question.now)),
    }


def _transformed(value: str, digits: str, is_reversed: bool, delimiters: str) -> str:
    if not (digits or is_reversed or delimiters):
        return value
    parts = re.split(f"[{re.escape(delimiters or '.')}]", value)
    if is_reversed:
        parts.reverse()
    count = int(digits) if digits else len(parts)
    return ".".join(parts[-count:] if count else parts)
