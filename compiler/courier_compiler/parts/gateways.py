"""Gateways: how rules for faxes and networks behind SOCKS proxies are spelt."""

from __future__ import annotations

from ipaddress import ip_network

from courier_schema.site.gateways import FaxRule


def wrong_fax_rule(rule: FaxRule) -> tuple[str, str] | None:
    """Why a rule has no line in faxrc, and what to do; None for one that has."""
    given = _said(rule)
    if len(given) != 1:
        return "a fax rule does one thing", "give exactly one of rewrite, accept and reject"
    [(word, text)] = given
    if len(text.split()) != 2 or "#" in text:
        second = "its replacement" if word == "rw" else "a source (local, esmtp, uucp, dsn)"
        return f"{text!r} is not a pattern and {second}", "write two words, without '#'"
    return None


def fax_line(rule: FaxRule) -> str:
    """The line of a sound rule, without its end."""
    [(word, text)] = _said(rule)
    pattern, second = text.split()
    flags = ("^" if rule.prefix else "") + ("*" if rule.repeat else "")
    return f"{word}{flags}\t{pattern}\t{second}"


def _said(rule: FaxRule) -> list[tuple[str, str]]:
    words = {"rw": rule.rewrite, "accept": rule.accept, "reject": rule.reject}
    return [(word, text) for word, text in words.items() if text is not None]


def socks_networks(said: str) -> list[str]:
    """A network of destinations as socksrc spells it; none for a range, which that cannot say."""
    if said == "*":
        return ["0.0.0.0/0", "::/0"]
    try:
        return [str(ip_network(said, strict=False))]
    except ValueError:
        return []
