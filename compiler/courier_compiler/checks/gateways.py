"""Mistakes in the fax and UUCP gateways and in SOCKS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import value_in_force
from courier_compiler.host import HostView
from courier_compiler.parts.gateways import wrong_fax_rule
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity

_SOURCES: Final = ("local", "esmtp", "uucp", "dsn")


def _accepts_nothing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    fax = resolved.site.fax
    if fax is not None and all(rule.accept is None for rule in fax.rules):
        yield Finding(
            ("fax", "rules") if fax.rules else ("fax",),
            "no rule accepts a number, so every fax is refused",
            "add rules: [{accept: 'nnn... local'}] with the numbers that may be dialled",
        )


def _unknown_source(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    fax = resolved.site.fax
    for position, rule in enumerate(fax.rules if fax is not None else ()):
        for field, text in (("accept", rule.accept), ("reject", rule.reject)):
            source = text.split()[-1] if text and text.split() else ""
            if text and len(text.split()) > 1 and source not in _SOURCES:
                yield Finding(
                    ("fax", "rules", position, field),
                    f"mail does not come from {source!r}, so the rule never holds",
                    f"write one of {', '.join(_SOURCES)} behind the pattern",
                )


def _repeat(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    fax = resolved.site.fax
    for position, rule in enumerate(fax.rules if fax is not None else ()):
        if rule.repeat and rule.rewrite is None:
            yield Finding(
                ("fax", "rules", position, "repeat"),
                "only rewriting can be repeated",
                "remove repeat",
            )


def _wrong_rules(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    fax = resolved.site.fax
    for position, rule in enumerate(fax.rules if fax is not None else ()):
        if wrong := wrong_fax_rule(rule):
            yield Finding(("fax", "rules", position), *wrong)


def _half_login(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    socks = resolved.site.socks
    for name, proxy in socks.proxies.items() if socks is not None else ():
        if (proxy.user is None) != (proxy.password is None):
            yield Finding(("socks", "proxies", name), "a proxy needs both user and password, or neither", "give both")


def _flags(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    uucp = resolved.site.uucp
    for name, neighbour in uucp.neighbours.items() if uucp is not None else ():
        if "gateway" in neighbour.flags and len(set(neighbour.flags)) > 1:
            others = ", ".join(flag for flag in neighbour.flags if flag != "gateway")
            yield Finding(
                ("uucp", "neighbours", name),
                f"gateway already accepts everything behind {name} and runs rmail there; {others} adds nothing",
                "write gateway alone",
            )


def _own_node(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    uucp = resolved.site.uucp
    if uucp is None:
        return
    own = value_in_force(resolved, "control", "uucpme") or resolved.me.partition(".")[0]
    for name in uucp.neighbours:
        if name.partition("!")[0] == own:
            yield Finding(
                ("uucp", "neighbours", name),
                f"{own} is this node itself, and is taken off a path before neighbours are looked for",
                "name the neighbour as it calls itself",
            )


CHECKS: Final = (
    Check(
        "fax-accepts-nothing",
        "A fax gateway that accepts no number",
        "A number is dialled only if a rule accepts it. Without such a rule every fax is refused as an invalid number, "
        "which is how the gateway is shipped.",
        _accepts_nothing,
        Severity.WARNING,
    ),
    Check(
        "fax-source-unknown",
        "A fax rule for mail that does not exist",
        "The last word of a rule says where the mail comes from. An unknown word fits no mail, so a rule that was to "
        "refuse expensive numbers refuses nothing.",
        _unknown_source,
        Severity.WARNING,
    ),
    Check(
        "fax-repeat",
        "Repetition without rewriting",
        "repeat applies a rewriting rule as often as its pattern is found. Accepting and refusing happen once.",
        _repeat,
        Severity.WARNING,
    ),
    Check(
        "fax-rule",
        "A fax rule that cannot be written",
        "A rule does one thing, and consists of a pattern and a second word. A number sign would end it.",
        _wrong_rules,
    ),
    Check(
        "socks-login",
        "Half of a login at a proxy",
        "A proxy wants user and password, or neither. With one of them alone nobody is logged in.",
        _half_login,
    ),
    Check(
        "uucp-flags",
        "Flags that another flag contains",
        "gateway accepts every path behind the neighbour and leaves the rest to it. forward and rmail are parts of "
        "that, and the combination reads as if it meant something more.",
        _flags,
        Severity.NOTE,
    ),
    Check(
        "uucp-own-node",
        "This node among its neighbours",
        "Courier removes its own name from the front of a path and then looks for a neighbour. An entry of its own "
        "name is never found.",
        _own_node,
        Severity.WARNING,
    ),
)
