"""Envelope addresses: what may stand between the angle brackets of MAIL and RCPT, in Courier's reading."""

from __future__ import annotations

import re
from typing import Final

from courier_schema.legacy.formats.address import Kind, Token, render, tokenise

_PLAIN: Final = re.compile(r"[A-Za-z0-9_+=%!/-]+(?:\.[A-Za-z0-9_+=%!/-]+)*@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NEEDS_QUOTES: Final = re.compile(rb'["@]')
_AT: Final = Token(Kind.SPECIAL, b"@")
_PERCENT: Final = Token(Kind.SPECIAL, b"%")
"""What becomes of all but the last at sign of an address."""


def is_route(text: str) -> bool:
    """Whether an address begins with a source route, which nobody may use any more."""
    return text.lstrip().startswith("@")


def parse(text: str, *, local_ip: str = "", default_domain: str = "", is_recipient: bool = False) -> str | None:
    """An address with a domain of at least two labels, or None.

    Trailing dots of the domain go, quotes that nothing needs as well, and the server's own address in brackets becomes
    the default domain. Recipients may hold comments and quoted blanks, which then name nobody.
    """
    if _PLAIN.fullmatch(text):
        return text
    if _CONTROL.search(text):
        return None
    tokens = tokenise(text.encode(errors="surrogateescape"))
    if _AT not in tokens or (not is_recipient and any(map(_is_odd, tokens))):
        return None
    at = len(tokens) - 1 - tokens[::-1].index(_AT)
    local_part = _local_part(tokens[:at])
    domain = _domain(tokens[at + 1 :], local_ip, default_domain)
    return f"{local_part}@{domain}" if local_part and domain else None


def _is_odd(token: Token) -> bool:
    return token.kind is Kind.COMMENT or (token.kind is Kind.QUOTED and b" " in token.text)


def _local_part(tokens: list[Token]) -> str:
    if len(tokens) == 1 and tokens[0].kind is Kind.QUOTED and not _NEEDS_QUOTES.search(tokens[0].text):
        return _text(tokens[0].text)
    return _text(render([_PERCENT if token == _AT else token for token in tokens]))


def _domain(tokens: list[Token], local_ip: str, default_domain: str) -> str | None:
    if any(token.kind in (Kind.QUOTED, Kind.COMMENT) for token in tokens):
        return None
    domain = _text(render(tokens))
    if domain.startswith("["):
        is_ours = local_ip and domain[1:-1].lower().removeprefix("ipv6:") in (
            local_ip,
            local_ip.removeprefix("::ffff:"),
        )
        return default_domain if is_ours and domain.endswith("]") else None
    labels = domain.rstrip(".").split(".")
    is_sound = len(labels) > 1 and all(labels) and not any(mark in domain for mark in ' <>@,;:[]()"\\/!%=?')
    return ".".join(labels) if is_sound else None


def _text(printed: bytes) -> str:
    return printed.decode(errors="surrogateescape")
