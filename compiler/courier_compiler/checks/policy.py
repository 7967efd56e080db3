"""Mistakes in what is refused by name, by DNS list and by SPF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._names import names
from courier_compiler.checks._site import FILES, decided, listeners, said_at, several, value_in_force
from courier_compiler.host import HostView
from courier_compiler.profile import version
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath

_USER_IN_SUBDOMAIN: Final = "1.1.5"
"""First release that takes the pattern user@.domain."""
_SPF_HEADER: Final = "bofhspffrom"
_SPF: Final = ("bofhspfhelo", "bofhspfmailfrom", _SPF_HEADER)
_BLOCK: Final = "BLOCK"
"""The variable that a hit sets unless the list says another one."""


class _DnsList(NamedTuple):
    """One DNS list in force, and the place that says so."""

    zone: str
    is_allow: bool
    variable: str
    answer: str
    path: SitePath


@per_site
def _dns_lists(resolved: ResolvedSite) -> tuple[_DnsList, ...]:
    """The DNS lists that port 25 asks, in their order."""
    options, path = decided(resolved, "esmtpd", "blacklists")
    if path[:1] != ("settings",):
        return tuple(
            _DnsList(entry.zone, entry.kind == "allow", entry.variable or _BLOCK, entry.answer or "", (*path, at))
            for at, entry in enumerate(resolved.site.dns_lists.lists)
        )
    is_list = isinstance(said_at(resolved, path), list)
    return tuple(_dns_list(str(option), (*path, at) if is_list else path) for at, option in enumerate(options or ()))


def _dns_list(option: str, path: SitePath) -> _DnsList:
    """An option of couriertcpd: -block=zone[=name][,variable[/answer][,text]], or -allow=."""
    word, _, rest = option.partition("=")
    zone, variable, *_ = (*rest.split(",", 2), "", "")
    name, _, answer = variable.partition("/")
    return _DnsList(zone.partition("=")[0], word == "-allow", name or _BLOCK, answer, path)


def _lists_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[tuple[str, str, str], int] = {}
    for position, entry in enumerate(_dns_lists(resolved)):
        key = (entry.zone.lower().rstrip("."), entry.variable, entry.answer)
        first = seen.setdefault(key, position)
        if first != position:
            yield Finding(
                entry.path,
                f"{entry.zone} is already asked as the {_ordinal(first)} list",
                "remove one of the two, or ask for another answer",
            )


def _ordinal(position: int) -> str:
    words = ("first", "second", "third", "fourth", "fifth")
    return words[position] if position < len(words) else f"{position + 1}th"


def _allow_too_late(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    lists = _dns_lists(resolved)
    for position, entry in enumerate(lists):
        later = lists[position + 1 :]
        if entry.is_allow and not any(not other.is_allow and other.variable == entry.variable for other in later):
            yield Finding(
                entry.path,
                f"the allow list {entry.zone} exempts from nothing, because no block list follows it",
                "move it before the block lists",
            )


def _drop_misses(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    drop, path = decided(resolved, "esmtpd", "drop")
    looked_at = {str(option).partition("=")[2] or _BLOCK for option in drop or ()}
    blocking = [entry for entry in _dns_lists(resolved) if not entry.is_allow]
    missed = [entry.zone for entry in blocking if entry.variable not in looked_at]
    if drop and missed:
        yield Finding(
            path,
            f"connections are dropped for lists that set {several(sorted(looked_at))} only, not for "
            f"{', '.join(missed)}",
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
    for attribute in _SPF:
        results, path = decided(resolved, "bofh", attribute)
        said = list(map(str, results or ()))
        for word, meaning in (("off", "switches the check off"), ("all", "accepts every result")):
            if word in said and len(said) > 1:
                others = ", ".join(other for other in said if other != word)
                yield Finding(
                    path,
                    f"{word} {meaning}, whatever stands beside it: {others}",
                    f"remove {word}, or everything else",
                )
        if "mailfromok" in said and attribute != _SPF_HEADER:
            yield Finding(
                path,
                "mailfromok has a meaning for the From header only",
                "move it to header_from",
            )


def _spf_without_pass(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for attribute in _SPF:
        said, path = decided(resolved, "bofh", attribute)
        if said and not {"off", "all", "pass"} & set(said):
            yield Finding(
                path,
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
