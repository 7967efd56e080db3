"""Mistakes in what is refused by name, by DNS list and by SPF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import names
from courier_compiler.checks._site import FILES, listeners, value_in_force
from courier_compiler.host import HostView
from courier_compiler.profile import version
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity

_USER_IN_SUBDOMAIN: Final = "1.1.5"
"""First release that takes the pattern user@.domain."""
_SPF: Final = ("helo", "mail_from", "header_from")


def _lists_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[tuple[str, str | None, str | None], int] = {}
    for position, entry in enumerate(resolved.site.dns_lists.lists):
        key = (entry.zone.lower().rstrip("."), entry.variable, entry.answer)
        first = seen.setdefault(key, position)
        if first != position:
            yield Finding(
                ("dns_lists", "lists", position),
                f"{entry.zone} is already asked as the {_ordinal(first)} list",
                "remove one of the two, or ask for another answer",
            )


def _ordinal(position: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth")
    return words[position] if position < len(words) else f"{position + 1}th"


def _allow_too_late(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    lists = resolved.site.dns_lists.lists
    for position, entry in enumerate(lists):
        later = lists[position + 1 :]
        if entry.kind == "allow" and not any(
            other.kind == "block" and other.variable == entry.variable for other in later
        ):
            yield Finding(
                ("dns_lists", "lists", position),
                f"the allow list {entry.zone} exempts from nothing, because no block list follows it",
                "move it before the block lists",
            )


def _drop_misses(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    section = resolved.site.dns_lists
    variables = {entry.variable or "BLOCK" for entry in section.lists if entry.kind == "block"}
    if section.drop and len(variables) > 1:
        others = (entry for entry in section.lists if entry.kind == "block" and entry.variable is not None)
        missed = [entry.zone for entry in others if entry.variable != "BLOCK"]
        yield Finding(
            ("dns_lists", "drop"),
            f"connections are dropped for lists that set BLOCK only, not for {', '.join(missed)}",
            "remove variable from these lists, or drop",
        )


def _bad_mx(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not resolved.site.policy.deny_mx:
        return
    unchecked = [
        name
        for name in ("smtp", "submission", "smtps")
        if name in listeners(resolved) and not value_in_force(resolved, FILES[name], "bofhcheckdns")
    ]
    if unchecked:
        yield Finding(
            ("policy", "deny_mx"),
            f"{unchecked[0]} does not look at the mail servers of a sender's domain, so none is denied",
            f"add check_sender_domain: true to listeners.{unchecked[0]}",
        )


def _spf_words(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    spf = resolved.site.policy.spf
    for field in _SPF if spf is not None else ():
        said: list[str] = list(getattr(spf, field) or ())
        for word, meaning in (("off", "switches the check off"), ("all", "accepts every result")):
            if word in said and len(said) > 1:
                others = ", ".join(other for other in said if other != word)
                yield Finding(
                    ("policy", "spf", field),
                    f"{word} {meaning}, whatever stands beside it: {others}",
                    f"remove {word}, or everything else",
                )
        if "mailfromok" in said and field != "header_from":
            yield Finding(
                ("policy", "spf", field),
                "mailfromok has a meaning for the From header only",
                "move it to header_from",
            )


def _spf_without_pass(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    spf = resolved.site.policy.spf
    for field in _SPF if spf is not None else ():
        said = list(getattr(spf, field) or ())
        if said and not {"off", "all", "pass"} & set(said):
            yield Finding(
                ("policy", "spf", field),
                "mail that passes SPF would be refused, because pass is not among the accepted results",
                "add pass, and none for domains that publish nothing",
            )


def _trap_is_account(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for position, trap in enumerate(resolved.site.policy.spam_traps):
        if known.canonical(trap) in known.accounts:
            yield Finding(
                ("policy", "spam_traps", position),
                f"{trap} is an account, and every message to it would be refused for all its recipients",
                "use an address that nobody has ever used",
            )


def _patterns_overlooked(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    profile = resolved.profile
    if version(profile.courier) >= version(_USER_IN_SUBDOMAIN):
        return
    for position, pattern in enumerate(resolved.site.policy.deny_senders):
        user, _, domain = pattern.partition("@")
        if user and domain.startswith("."):
            yield Finding(
                ("policy", "deny_senders", position),
                f"{pattern} refuses nobody: {profile.title} has Courier {profile.courier}",
                f"name the whole domain @{domain}, or upgrade to Courier {_USER_IN_SUBDOMAIN}",
            )


CHECKS: Final = (
    Check(
        "sender-pattern-not-in-target",
        "A sender pattern that the target overlooks",
        "A pattern for one user in all sub-domains, user@.domain, is understood since release 1.1.5. Before, it "
        "matches nobody.",
        _patterns_overlooked,
        Severity.WARNING,
    ),
    Check(
        "dns-list-twice",
        "A DNS list that is asked twice",
        "Each list costs a question to the DNS for every connection. The second answer is the same as the first.",
        _lists_twice,
        Severity.WARNING,
    ),
    Check(
        "dns-list-allow-late",
        "An allow list behind the block lists",
        "Lists are asked in order, and an allow list exempts a client from the block lists that follow it. Behind all "
        "of them it changes nothing: the client is refused already.",
        _allow_too_late,
        Severity.WARNING,
    ),
    Check(
        "dns-list-not-dropped",
        "Lists whose clients are not dropped",
        "drop looks at one variable, and lists may set others. Clients on those lists are served on, and refused or "
        "not by whatever reads the variable.",
        _drop_misses,
        Severity.WARNING,
    ),
    Check(
        "deny-mx-unchecked",
        "Denied mail servers that are never compared",
        "deny_mx is compared with the mail servers of the sender's domain, and these are looked up only where the "
        "domain is checked at all. Without check_sender_domain the list has no effect.",
        _bad_mx,
        Severity.WARNING,
    ),
    Check(
        "spf-word-alone",
        "An SPF word that makes the others void",
        "off means that nothing is checked, and all that every result is accepted. Beside other results they win, "
        "and the list only looks as if it were strict.",
        _spf_words,
        Severity.WARNING,
    ),
    Check(
        "spf-refuses-pass",
        "An SPF list without pass",
        "The list names the results that are accepted, not those that are refused. Without pass exactly the mail of "
        "those who do everything right is refused.",
        _spf_without_pass,
        Severity.WARNING,
    ),
    Check(
        "spam-trap-is-account",
        "A spam trap that is somebody's mailbox",
        "A message with a spam trap among its recipients is refused for all of them. A trap that people write to "
        "makes their mail vanish.",
        _trap_is_account,
        Severity.WARNING,
    ),
)
