"""Mistakes in aliases: circles, names that reach nobody, and names that hide or miss each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import LOCAL, Names, host_names, names, protocol_names
from courier_compiler.checks._site import dotted, knows_all_accounts, said_at, several
from courier_compiler.host import HostView
from courier_compiler.names import Named, owner, table
from courier_compiler.parts.included import included_file
from courier_compiler.resolved import AliasEntry, ResolvedSite
from courier_schema.legacy.formats.domains import DomainList, Locality, normal_form
from courier_schema.report import Severity, SitePath
from courier_schema.site.domains import MailDomain

_POSTMASTER: Final = "postmaster@"
_PLAIN: Final = re.compile(r"[\w+-]++(?:\.[\w+-]++)*+(?:@[\w-]++(?:\.[\w-]++)*+)?+", re.ASCII)
"""Addresses that need no closer look."""
_ALL_PLAIN: Final = re.compile(rf"(?:{_PLAIN.pattern}(?:\n|\Z))*+", re.ASCII)
_SEVERAL: Final = 3
"""Local domains from which on it matters that names are shared: the server's own name and its domain are two."""


def _loops(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for aliases, known in _tables(resolved):
        for cycle in _cycles(_edges(aliases, known)):
            entry = known.entries[cycle[0]]
            circle = " → ".join(known.entries[name].name for name in (*cycle, cycle[0]))
            yield Finding(
                entry.path,
                f"aliases lead in a circle: {circle}",
                f"let one of them end at an account; an alias that is to keep its own copy lists itself, as in "
                f"{entry.name}: [{entry.name}, ...]",
            )


def _tables(resolved: ResolvedSite) -> Iterator[tuple[Sequence[AliasEntry], Names]]:
    """Every alias table with what its aliases can lead to: that of all mail, and those of single protocols."""
    yield resolved.aliases, names(resolved)
    yield from protocol_names(resolved).values()


def _edges(aliases: Sequence[AliasEntry], known: Names) -> dict[str, tuple[str, ...]]:
    """Alias to those of its recipients that are aliases, itself aside."""
    edges: dict[str, tuple[str, ...]] = {}
    entries = known.entries
    recipients = chain.from_iterable([entry.to for entry in aliases])
    ends = [target or said for target, said in zip(known.targets, recipients, strict=True)]
    if entries.keys().isdisjoint(ends):
        return {}  # as in many a large site; asked of all at once it takes half the time
    following = iter(ends)
    for entry in aliases:
        for reached in islice(following, len(entry.to)):
            if reached in entries and entry.name[0] != "@":
                name = known.canonical(entry.name)
                edges[name] = edges.get(name, ()) + ((reached,) if reached != name else ())
    return edges


def _cycles(edges: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    """One circle for each tangle of names, found by a walk in depth without recursion."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        trail: dict[str, Iterator[str]] = {start: iter(edges[start])}
        while trail:
            here = next(reversed(trail))
            following = next(trail[here], None)
            if following is None:
                trail.popitem()
                done.add(here)
            elif following in trail:
                walked = list(trail)
                circle = walked[walked.index(following) :]
                done.update(walked)
                trail.clear()
                yield circle
            elif following not in done and following in edges:
                trail[following] = iter(edges[following])


def _dead_ends(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not knows_all_accounts(resolved):
        return
    for aliases, known in _tables(resolved):
        entries, accounts, further = known.entries, known.accounts, known.further
        for entry, targets in known.routes(aliases):
            for position, target in enumerate(targets):
                if target is None or target in accounts or "!" in target or "%" in target:
                    continue
                if target in entries and entries[target] is not entry and target not in further:
                    continue
                if _is_dead_end(known, entry, target):
                    yield _dead_end(resolved, entry, position, known)


def _is_dead_end(known: Names, entry: AliasEntry, target: str) -> bool:
    """Whether one recipient of an alias gets no mail.

    Catch-alls, postmaster and whole domains with another target than one account have checks of their own.
    """
    if entry.is_catch_all:
        return False
    if entry.name[0] == "@":
        if len(entry.to) != 1 or "@" in entry.to[0]:
            return False
        user, _, owner = target.rpartition("@")
        return not (known.has_mailbox(target) or target in known.entries or known.has_mailbox(f"{user}-x@{owner}"))
    name = known.canonical(entry.name)
    if name == _POSTMASTER:
        return False
    return not known.has_mailbox(target) if target == name else not known.is_known(target)


def _dead_end(resolved: ResolvedSite, entry: AliasEntry, position: int, known: Names) -> Finding:
    recipient = entry.to[position]
    target = known.canonical(recipient)
    says = f"{entry.name} leads to {recipient}, which is neither an account nor an alias"
    remedy = f"correct the name, or add the account {recipient}"
    if target == known.canonical(entry.name):
        says = f"{entry.name} leads to itself, and there is no account of that name"
    elif names(resolved).is_known(target):  # by the table of all mail, which is not asked for it
        section = dotted(entry.path[:-1])
        says = f"{entry.name} leads to {recipient}, which is no account, and no alias of {section}"
        remedy = f"name the accounts behind {recipient}, or repeat it under {section}"
    return Finding(recipient_path(resolved, entry, position), says, remedy)


def _catch_all_dead_ends(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not knows_all_accounts(resolved):
        return
    known = names(resolved)
    for entry in resolved.aliases:
        if not entry.is_catch_all:
            continue
        owner, targets = known.caught_by(entry)
        for position, target in enumerate(targets):
            if not known.reaches(target, owner):
                yield Finding(
                    recipient_path(resolved, entry, position),
                    f"the catch-all leads to {entry.to[position]}, whom no mail reaches but by the catch-all itself",
                    "name an account or an alias that exists, or an outside address",
                )


def recipient_path(resolved: ResolvedSite, entry: AliasEntry, position: int) -> SitePath:
    """The place of one recipient in the text of an alias."""
    said = said_at(resolved, entry.path)
    path = (*entry.path, "to") if isinstance(said, dict) else entry.path
    return (*path, position) if isinstance(said_at(resolved, path), list) else path


def _shadows(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for name in known.accounts.keys() & known.entries.keys():
        for entry in known.aliases(name):
            own = any(known.domains.canonical(recipient) == name for recipient in entry.to)
            forwards = any(other.is_forward for other in known.aliases(name))
            if not forwards and not own:
                yield Finding(
                    entry.path,
                    f"the alias {entry.name} hides the account of the same name, which gets no mail any more",
                    f"add {entry.name} to the alias's recipients, or remove one of the two",
                )


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for name, further in known.further.items():
        first = known.entries[name]
        for entry in further:
            if not _differs(first, entry) and not _overrides(known, first, entry):
                yield Finding(
                    entry.path,
                    f"{_subject(entry)} is the same alias as {_where(first)}",
                    "keep one of the two, with all recipients",
                )


def _differing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for name, further in known.further.items():
        first = known.entries[name]
        for entry in further:
            if _differs(first, entry) and not _overrides(known, first, entry):
                yield Finding(
                    entry.path,
                    f"local domains share their names: {entry.name} is {_where(first)} as well, with other recipients",
                    f"make {_domain_of(entry)} a hosted domain (kind: hosted), or give both aliases the same "
                    "recipients",
                )


def _differs(one: AliasEntry, other: AliasEntry) -> bool:
    """Two aliases that their author meant for different local domains."""
    domains = (_domain_of(one), _domain_of(other))
    return all(domains) and domains[0] != domains[1] and one.to != other.to


def _overrides(known: Names, one: AliasEntry, other: AliasEntry) -> bool:
    """Whether one of two aliases is that of an alias domain, which is to differ from the domain that it follows."""
    domains = {normal_form(entry.name.rpartition("@")[2]) for entry in (one, other) if "@" in entry.name}
    return len(domains) == 2 and all(known.domains.owner(domain) for domain in domains)


def _domain_of(entry: AliasEntry) -> str:
    return str(entry.path[1]) if entry.path[0] == "domains" else ""


def _subject(entry: AliasEntry) -> str:
    return f"the forward of {entry.name}" if entry.is_forward else entry.name


def _where(entry: AliasEntry) -> str:
    if entry.is_forward:
        return _subject(entry)
    return f"{entry.name} of {_domain_of(entry) or entry.path[0]}"


def _in_every_local_domain(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    if sum(entry is not None for entry in known.domains.local.values()) < _SEVERAL:
        return
    for entry in resolved.aliases:
        user, at, domain = entry.name.rpartition("@")
        if at and user and entry.path[0] != "domains" and known.domains.owner(domain) == LOCAL:
            yield Finding(
                entry.path,
                f"the alias {entry.name} holds in every local domain, not in {domain} alone",
                f"write {user} to say so, or make {domain} a hosted domain (kind: hosted)",
            )


def _whole_domains(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for entry in _all_aliases(resolved):
        if entry.name[0] != "@" or entry.is_catch_all:
            continue
        if entry.programs or entry.mailboxes or entry.include or len(entry.to) != 1:
            yield Finding(
                entry.path,
                f"the whole-domain alias {entry.name} needs exactly one account",
                "name one account, and let an alias or the account's instructions do the rest",
            )
        elif "@" in entry.to[0]:
            yield Finding(
                entry.path,
                f"the whole-domain alias {entry.name} leads to the address {entry.to[0]}, where Courier expects an "
                "account's name",
                f"name a local account; mail for {entry.name} then goes to ACCOUNT-name",
            )


def _whole_domains_sent_away(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if names(resolved).domains.owner(resolved.me) == LOCAL:
        return
    for entry in _all_aliases(resolved):
        if entry.name[0] != "@" or entry.is_catch_all:
            continue
        if not any(target.endswith("!") for target in entry.to):
            yield Finding(
                entry.path,
                f"mail for {entry.name} is rewritten to an address at {resolved.me}, which is not a local domain",
                f"add {resolved.me}: {{}} to domains",
            )


def _catch_all_hides(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved)
    for entry in resolved.aliases:
        if entry.name[0] != "@" or entry.is_catch_all:
            continue
        owner = known.domains.owner(entry.name[1:])
        hidden = [] if owner is None else [login for login in known.accounts if login.rpartition("@")[2] == owner]
        if hidden:
            yield Finding(
                entry.path,
                f"{entry.name} takes all mail of the domain, that of its accounts "
                f"{several(login.removesuffix('@') for login in hidden)} included",
                "use the domain's catch_all, which leaves existing names alone",
            )


def _all_aliases(resolved: ResolvedSite) -> Iterator[AliasEntry]:
    """Those of all tables, catch-alls among them."""
    yield from resolved.aliases
    for aliases, _ in protocol_names(resolved).values():
        yield from aliases


def _foreign(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """Domains of aliases that nobody may write to from outside, each at its first alias."""
    found: dict[str, list[AliasEntry]] = {}
    own = names(resolved).domains
    for entry in resolved.aliases:
        at = entry.name.rfind("@") + 1
        if at and own.owner(entry.name[at:]) is None:
            found.setdefault(normal_form(entry.name[at:]), []).append(entry)
    accepted = _accepted_elsewhere(resolved) if found else {}
    for domain, entries in found.items():
        if owner(domain, accepted) is None and not domain.startswith("."):
            yield Finding(
                entries[0].path,
                f"only clients that may relay can write to {several(entry.name for entry in entries)}: {domain} is no "
                "domain of this site",
                f"add {domain}: {{kind: hosted}} to domains, or correct the name",
            )


def _accepted_elsewhere(resolved: ResolvedSite) -> Mapping[str, Named | None]:
    """Domains that are not kept here and whose mail is taken: relayed ones, and those of virtual hosts."""
    relayed = host_names(resolved).relay
    taken = table({name: entry for name, entry in relayed.items() if entry.domain.accept})
    for name, virtual in resolved.site.virtual_hosts.items():
        for said in virtual.accept or ():
            form = normal_form(said)
            taken.setdefault(form, Named(form, ("virtual_hosts", name, "accept"), MailDomain.unsaid(), form))
    return taken


def _refused_addresses(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    entries = list(_all_aliases(resolved))
    if _ALL_PLAIN.fullmatch("\n".join([text for entry in entries for text in (entry.name, *entry.to)])):
        return  # as in nearly all sites; one match over everything takes a fraction of one for each address
    refusal = _Refusal(resolved)
    for entry in entries:
        if entry.name[0] == "@":
            continue  # names and targets of whole domains are no addresses
        for text in (entry.name, *entry.to):
            if not _PLAIN.fullmatch(text) and "@." not in text and (reason := refusal.of(text)):
                says = f"{text} is no address for Courier, because {reason} there"
                yield Finding(entry.path, says, "correct the address")


class _Refusal:
    """Why Courier's alias compiler refuses an address."""

    def __init__(self, resolved: ResolvedSite) -> None:
        self._locality = Locality("*", resolved.me, resolved.default_domain, DomainList.of((), "*"))

    def of(self, text: str) -> str:
        """The reason; nothing for an address that it takes."""
        from courier_schema.legacy.formats.address import AddressError, Rewriter, tokenise  # for odd addresses only

        try:
            Rewriter(self._locality).rewrite(tokenise(text.encode()))
        except AddressError as error:
            return error.reason
        return ""


def _wildcards(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for entry in _all_aliases(resolved):
        if "@." in entry.name and not entry.is_catch_all:
            yield Finding(
                entry.path,
                f"{entry.name} is no address: an alias belongs to one domain, not to all sub-domains of one",
                "list the sub-domain itself in domains, with its aliases",
            )


def _includes(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for entry in _all_aliases(resolved):
        if entry.include and not entry.is_catch_all and included_file(resolved, entry.include) is None:
            yield Finding(
                entry.path,
                f"{entry.include} is read on the mail host only, so the compiled database lacks what it holds",
                "list the addresses in the site, carry the file in files, or run makealiases there after every change",
            )


def _include_missing(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not host.strict:
        return
    for entry in _all_aliases(resolved):
        if entry.include is None or included_file(resolved, entry.include) is not None:
            continue
        if host.file(entry.include) is None:
            yield Finding(
                (*entry.path, "include"),
                f"{entry.include}, which the alias {entry.name} includes, does not exist",
                "create the file, or remove the include; without it no alias is built",
            )


CHECKS: Final = (
    Check(
        "alias-loop",
        "Aliases that lead in a circle",
        "Aliases are followed when the database is built, so aliases that only lead to each other are left without "
        "any recipient, and mail for them bounces. In larger tangles Courier's own tool can lose a recipient, "
        "depending on the order in which it meets the names. An alias that names itself is no circle: that is how "
        "an account keeps a copy.",
        _loops,
    ),
    Check(
        "alias-dead-end",
        "An alias to a name that does not exist",
        "The recipient has no domain, or one of this server's, but no account, alias or instruction file has that "
        "name. Mail for the alias bounces, or is refused where this is its only recipient. An alias of one way in "
        "(protocol_aliases) leads to accounts and to aliases of the same table only. The check is made only where all "
        "accounts are in the site: a directory, an SQL server or the system may know more.",
        _dead_ends,
        Severity.WARNING,
    ),
    Check(
        "catch-all-dead-end",
        "A catch-all that leads to nobody",
        "The recipient is itself a name that does not exist, so mail for it is again a matter of the catch-all. "
        "Courier accepts every address of the domain, sends the mail round until it notices, and returns it to "
        "senders that are mostly forged. The check is made only where all accounts are in the site.",
        _catch_all_dead_ends,
    ),
    Check(
        "alias-hides-account",
        "An alias with the name of an account",
        "Aliases come before accounts. Once an alias has the name of an account, the mailbox gets nothing any more, "
        "although its owner can still log in. To forward and keep a copy, the alias lists the account itself.",
        _shadows,
        Severity.WARNING,
    ),
    Check(
        "alias-twice",
        "One alias in two places",
        "Two entries give the same name: under another spelling, with and without the default domain, or as an "
        "account's forward and as an alias. Courier would merge them, so that mail goes to the recipients of both, and "
        "removing a recipient from one of them may change nothing.",
        _twice,
    ),
    Check(
        "alias-differs-between-domains",
        "Local domains that want different aliases",
        "All local domains share one set of names: Courier removes a local domain before it looks a name up. The "
        "same alias in two of them is one alias with the recipients of both, so mail for one domain also reaches the "
        "people of the other. Hosted domains have names of their own.",
        _differing,
    ),
    Check(
        "alias-of-local-domain",
        "An alias with one local domain in its name",
        "Courier puts the default domain in the place of every local domain before it looks an alias up. An alias "
        "of one local domain is therefore an alias of all of them; names of their own are a matter of hosted "
        "domains.",
        _in_every_local_domain,
        Severity.NOTE,
    ),
    Check(
        "alias-whole-domain-target",
        "A whole-domain alias without a single account behind it",
        "An alias for @example.org leads to one account, which receives every address of the domain as an extension "
        "of its name: ann@example.org becomes ACCOUNT-ann at this server. With an address, a program or several "
        "entries the rewritten address is not one that exists.",
        _whole_domains,
    ),
    Check(
        "alias-whole-domain-sent-away",
        "A whole-domain alias on a server whose own name is not local",
        "Mail for a whole-domain alias is rewritten to an address at the server's own name. Where that name is not "
        "among the local domains, the rewritten mail is sent out to other servers, and comes back or bounces.",
        _whole_domains_sent_away,
        Severity.WARNING,
    ),
    Check(
        "alias-hides-domain",
        "A whole-domain alias over a domain with accounts",
        "Aliases come before accounts, and an alias for a whole domain matches every name in it that has no alias "
        "of its own. Accounts of that domain get no mail.",
        _catch_all_hides,
        Severity.WARNING,
    ),
    Check(
        "alias-address",
        "An address that Courier refuses",
        "Courier's alias compiler stops at an address that it cannot read, such as one with two dots in a row before "
        "the at sign, and builds no alias at all. Other servers may take such addresses, so that they are in use.",
        _refused_addresses,
    ),
    Check(
        "alias-domain-not-accepted",
        "An alias in a domain that the site does not answer for",
        "Mail from strangers is taken for the domains of the site. An alias in another domain works for clients that "
        "may relay, and for mail sent on the host: everybody else is told that relaying is denied. Often the domain is "
        "missing under domains.",
        _foreign,
        Severity.NOTE,
    ),
    Check(
        "alias-wildcard",
        "An alias for all sub-domains",
        "Aliases are looked up by the whole address. A domain with a leading dot is in no address, so the alias never "
        "matches.",
        _wildcards,
    ),
    Check(
        "alias-include",
        "An alias whose recipients are elsewhere",
        "The included file is read on the mail host, when makealiases runs there. The database that is compiled here "
        "does not have what it holds, unless the site carries the file below the configuration directory.",
        _includes,
        Severity.WARNING,
    ),
    Check(
        "alias-include-missing",
        "An alias that includes a file which is not there",
        "The included file is read when the alias database is built on the mail host. If it cannot be opened, no "
        "alias is built at all and the old database stays.",
        _include_missing,
    ),
)
