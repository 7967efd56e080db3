"""Mistakes about domains: said twice, hidden behind each other, never reached, or empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import LOCAL, host_names, is_relayed, names
from courier_compiler.checks._site import address, decided, knows_all_accounts
from courier_compiler.host import HostView
from courier_compiler.names import Named, owner, table
from courier_compiler.parts.routes import leads_elsewhere
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.formats.domains import itself_and_ends, normal_form
from courier_schema.legacy.formats.hosted import WILDCARD_DEPTH
from courier_schema.report import Severity, SitePath

_SHORT: Final = 30
"""Characters of a name that are shown; such a name is never too long, in whatever letters it is written."""
_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 253
_LONGEST_LOCAL: Final = 64
_ENCODED: Final = "xn--"
_SHORTEST: Final = 2
"""Characters of the shortest domain that Courier takes for the target of an alias domain."""


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, domain in resolved.site.domains.items():
        form = normal_form(name)
        for key in (form, f".{form}") if domain.subdomains and not form.startswith(".") else (form,):
            first = seen.setdefault(key, name)
            if first != name:
                how = "as a domain with subdomains: true" if key.startswith(".") else "in another spelling"
                yield Finding(
                    ("domains", name),
                    f"{name} is the same domain as {first}, {how}",
                    "merge the two entries into one",
                )
                break


def _hidden(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    local = table(known.local)
    for entry in known.hosted.values():
        above = owner(entry.name, local)
        if above is not None:
            yield Finding(
                entry.path,
                f"the hosted domain {entry.name} is never reached: {above.name} makes it a local domain",
                f"add excluding: [{entry.name}] to {above.name}, or make that a hosted domain as well",
            )


def _excluded_elsewhere(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    yield from _excluded_behind_percent(resolved)
    for entry in _excluding(resolved):
        wildcard = entry.keys[-1]
        for form, why in entry.exclusions.items():
            if not wildcard.startswith("."):
                yield Finding(
                    why.path,
                    f"{entry.name} has no sub-domains here from which {form} could be excluded",
                    "add subdomains: true, or remove the exclusion",
                )
            elif wildcard not in tuple(itself_and_ends(form))[1:]:
                yield Finding(
                    why.path,
                    f"{form} is no sub-domain of {wildcard[1:]}, so nothing is excluded",
                    f"name a domain that ends in {wildcard}, or remove the exclusion",
                )


def _excluded_behind_percent(resolved: ResolvedSite) -> Iterator[Finding]:
    relay = resolved.site.percent_relay
    listed = {normal_form(said) for said in relay.domains} if relay else frozenset[str]()
    for position, said in enumerate(relay.excluding if relay else ()):
        if listed.isdisjoint(tuple(itself_and_ends(normal_form(said)))[1:]):
            yield Finding(
                ("percent_relay", "excluding", position),
                f"{said} is below no domain of percent_relay, so nothing is excluded",
                "name a domain below one with a leading dot, or remove the exclusion",
            )


def _excluded_and_said(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for entry in _excluding(resolved):
        known = host_names(resolved).local if entry.domain.kind == "local" else host_names(resolved).relay
        listed = {key for other in known.values() for key in other.keys}
        for form, why in entry.exclusions.items():
            if form in listed:
                yield Finding(
                    why.path,
                    f"{form} is excluded here and a {entry.domain.kind} domain by an entry of its own, which wins",
                    "remove the one or the other",
                )


def _excluding(resolved: ResolvedSite) -> Iterator[Named]:
    known = host_names(resolved)
    return (entry for entry in (*known.local.values(), *known.relay.values()) if entry.domain.excluding)


def _alias_not_hosted(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, domain in resolved.of_kind("local"):
        if domain.alias_of:
            yield Finding(
                (*resolved.domain_path(name), "alias_of"),
                f"{name} is a local domain, and alias_of has a meaning for hosted domains only",
                "add kind: hosted, or remove alias_of: local domains share their accounts anyway",
            )


def _alias_unknown(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    for name, entry in known.hosted.items():
        target = entry.domain.alias_of
        if target and name not in known.loops and entry.known_as not in known.hosted:
            yield Finding(
                (*entry.path, "alias_of"),
                f"{name} is an alias of {entry.known_as}, which is not a hosted domain",
                f"add {entry.known_as}: {{kind: hosted}} to domains, or name another domain",
            )


def _alias_loop(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    for name, entry in known.hosted.items():
        if name in known.loops:
            yield Finding(
                (*entry.path, "alias_of"),
                f"{name} is an alias of {entry.domain.alias_of}, which leads back to it",
                "name a domain with accounts of its own",
            )


def _short_target(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, domain in resolved.of_kind("hosted"):
        if domain.alias_of and len(domain.alias_of.encode()) < _SHORTEST:
            yield Finding(
                (*resolved.domain_path(name), "alias_of"),
                f"Courier takes {domain.alias_of!r}, which has one character, for no domain at all",
                f"write the whole domain under which the accounts of {name} are known",
            )


def _not_accepted(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, domain in resolved.site.domains.items():
        if not domain.accept and domain.kind != "relay":
            yield Finding(
                ("domains", name, "accept"),
                f"mail for {name} is taken only from clients that may relay",
                "remove accept: false if others are to write to the domain",
            )


def _relay_not_accepted(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    own = {normal_form(resolved.me), normal_form(resolved.default_domain)}  # local, if nothing is said of them
    for name, domain in resolved.of_kind("relay"):
        if not domain.accept and normal_form(name) not in own:
            yield Finding(
                (*resolved.domain_path(name), "accept"),
                f"{name} is to be relayed but not accepted, so the entry says nothing",
                "remove accept: false, or the whole entry",
            )


def _empty(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not knows_all_accounts(resolved):
        return
    known = names(resolved)
    for name, domain in resolved.of_kind("hosted"):
        if not (domain.alias_of or domain.accounts or domain.aliases or domain.catch_all):
            form = normal_form(name)
            if form not in known.catching and not any(key.endswith(f"@{form}") for key in known.entries):
                yield Finding(
                    resolved.domain_path(name),
                    f"the hosted domain {name} has neither accounts nor aliases, so all its mail is refused",
                    "add accounts, aliases, catch_all or alias_of",
                )


def _wide(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, domain in resolved.site.domains.items():
        bare = name.removeprefix(".")
        if "." not in bare and (name.startswith(".") or domain.subdomains):
            yield Finding(
                ("domains", name),
                f"this takes every domain below .{bare} for one of this server's",
                "name the domains that it serves",
            )


def _too_deep(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    wildcards = {key for entry in host_names(resolved).hosted.values() for key in entry.keys if key.startswith(".")}
    if not wildcards:
        return
    known = names(resolved).domains
    for entry in resolved.aliases:
        for text in (entry.name, *entry.to):
            domain = text.rpartition("@")[2] if "@" in text else ""
            if domain.count(".") <= WILDCARD_DEPTH or known.owner(domain) in (None, LOCAL):
                continue
            form = normal_form(domain)
            reached = next(end for end in itself_and_ends(form) if end in known.hosted)
            if form != reached and form.removesuffix(reached).count(".") + 1 > WILDCARD_DEPTH:
                yield Finding(
                    entry.path,
                    f"{domain} lies too deep below {reached}: Courier looks {WILDCARD_DEPTH} labels up",
                    f"add {domain} to domains",
                )


def _server_names(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Every name of a domain or of the server itself, with its place."""
    site = resolved.site
    yield ("site",), site.site
    for attribute in ("me", "defaultdomain", "msgidhost", "esmtphelo"):
        said, path = decided(resolved, "control", attribute)
        if said and path != ("site",):
            yield path, str(said)
    yield from ((("domains", name), name.removeprefix(".")) for name in site.domains)


def _addresses_as_names(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, name in _server_names(resolved):
        if name[-1].isdigit() and address(name) is not None:
            yield Finding(path, f"{name} is an IP address, not a name", "write a name such as mx.example.org")


def _long_names(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, name in _server_names(resolved):
        if len(name) <= _SHORT:
            continue
        labels = [_octets(label) for label in name.split(".")]
        if max(labels) > _LONGEST_LABEL or sum(labels) + len(labels) - 1 > _LONGEST_NAME:
            yield Finding(
                path,
                f"{name[:_SHORT]}... is longer than a name of the DNS can be",
                f"write labels of at most {_LONGEST_LABEL} characters, {_LONGEST_NAME} in all",
            )


def _octets(label: str) -> int:
    """Length of a label in the DNS, where other letters than ASCII are encoded (RFC 5891)."""
    return len(label) if label.isascii() else len(_ENCODED) + len(label.encode("punycode"))


def _long_local_parts(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    accounts = ((mailbox.path, mailbox.user) for mailbox in resolved.mailboxes)
    short = range(1, _LONGEST_LOCAL // 4 + 1)  # so many characters are not too many bytes
    aliases = (
        (entry.path, entry.name)
        for entry in resolved.aliases
        if entry.name.rfind("@") not in short and not entry.is_forward and not entry.is_catch_all
    )
    for path, name in (*accounts, *aliases):
        user = name.rpartition("@")[0] or name
        if len(user.encode()) > _LONGEST_LOCAL:
            yield Finding(
                path,
                f"{user[:_SHORT]}... has {len(user.encode())} bytes before the at sign",
                f"write a name of at most {_LONGEST_LOCAL} bytes",
            )


def _own_name_elsewhere(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    relayed = host_names(resolved).relay
    me = normal_form(resolved.me)
    if me in relayed and not leads_elsewhere(resolved.site, me):
        yield Finding(
            relayed[me].path,
            f"{resolved.me} is this server, and its mail is to be relayed to other servers",
            "remove kind: relay, or name the server in routes or as smarthost",
        )


def _default_elsewhere(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    relayed = host_names(resolved).relay
    default = normal_form(resolved.default_domain)
    if default in relayed and default != normal_form(resolved.me) and not leads_elsewhere(resolved.site, default):
        yield Finding(
            relayed[default].path,
            f"names without a domain are completed with {default}, whose mail is to be relayed to other servers",
            "give the domain another kind, name a local one as host.default_domain, or name the servers in routes",
        )


def _default_unowned(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    default = resolved.default_domain
    if names(resolved).domains.owner(default) is not None or is_relayed(resolved, default):
        return
    yield Finding(
        decided(resolved, "control", "defaultdomain")[1],
        f"names without a domain are completed with {default}, which this server neither keeps nor relays, so their "
        "mail is sent out",
        f"add {default} to domains, or name a domain that is kept here",
    )


def _default_in_ace(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    default = resolved.default_domain
    form = normal_form(default)
    if form != default.lower():
        yield Finding(
            decided(resolved, "control", "defaultdomain")[1],
            f"no alias of a local domain would match: {default} completes names, but is compared as {form}",
            f"write {form}",
        )


def _encoded(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = host_names(resolved)
    for name, entry in (*known.local.items(), *known.hosted.items(), *known.relay.items()):
        said = str(entry.path[-1])
        if entry.path[0] == "domains" and said.lower() != name:
            yield Finding(
                entry.path,
                f"{said} stands in Courier's files as {name}, the form in which Courier compares domains",
                f"write {name}, or leave it: both mean the same",
            )


CHECKS: Final = (
    Check(
        "domain-twice",
        "The same domain in two spellings",
        "Domains are compared in lower case and in their Unicode spelling, so Example.org and example.org, or an "
        "xn-- name and its plain form, are one domain; and subdomains: true covers the same names as an entry with "
        "a leading dot. One of the two would be ignored, or the database could not be built.",
        _twice,
    ),
    Check(
        "domain-encoded",
        "A domain in its xn-- form",
        "Courier compares domains in their Unicode spelling, and that is how this one stands in its files. Both mean "
        "the same; searching a file for the one does not find the other.",
        _encoded,
        Severity.NOTE,
    ),
    Check(
        "domain-hidden",
        "A hosted domain below a local wildcard",
        "Whether a domain is local is asked first, and whether it is hosted only afterwards. A local wildcard "
        "therefore hides every hosted domain below it that it does not exclude, and mail for its accounts is refused "
        "as unknown.",
        _hidden,
    ),
    Check(
        "exclusion-elsewhere",
        "An exclusion from something else",
        "excluding takes sub-domains out of a wildcard, be it an entry with a leading dot or a domain with "
        "subdomains: true. What does not lie below the wildcard was never part of it.",
        _excluded_elsewhere,
    ),
    Check(
        "exclusion-contradicted",
        "A domain excluded and listed",
        "The domain is excluded from a wildcard, and has an entry of its own that makes it what it was not to be. The "
        "entry of its own is the more exact one and wins, so the exclusion says nothing.",
        _excluded_and_said,
        Severity.WARNING,
    ),
    Check(
        "alias-domain-not-hosted",
        "An alias domain that is local",
        "Local domains share their accounts: every name exists in all of them. alias_of says under which hosted "
        "domain the accounts of a hosted domain are known; in a local domain it would be ignored.",
        _alias_not_hosted,
    ),
    Check(
        "alias-domain-unknown",
        "An alias of a domain that is not hosted",
        "alias_of says under which hosted domain the accounts are known. If that domain is not among the hosted ones "
        "it has no accounts, and all mail for the alias domain is refused.",
        _alias_unknown,
    ),
    Check(
        "alias-domain-loop",
        "Alias domains that lead in a circle",
        "Each of the domains is only another name for the next, so none of them has accounts. Courier follows one step "
        "and refuses the mail.",
        _alias_loop,
    ),
    Check(
        "alias-domain-short",
        "An alias domain with a target of one character",
        "In the database of hosted domains a value of one character means that a domain has accounts of its own. A "
        "target of one character is therefore not seen, and the accounts are looked for under the wrong domain.",
        _short_target,
    ),
    Check(
        "domain-not-accepted",
        "A domain that takes no mail from outside",
        "Courier accepts mail from strangers only for the domains it is told to accept, and accept: false keeps a "
        "local or hosted domain out of that list. Others are refused with 513, while logged-in users and trusted "
        "networks can write to it.",
        _not_accepted,
        Severity.NOTE,
    ),
    Check(
        "domain-relay-not-accepted",
        "A relayed domain that is not accepted",
        "A domain of kind relay is one whose mail is accepted from everybody and passed on. With accept: false "
        "nothing of that is left.",
        _relay_not_accepted,
        Severity.WARNING,
    ),
    Check(
        "domain-empty",
        "A hosted domain without a name in it",
        "A hosted domain has names of its own, and this one has none, so every mail to it is refused. Accounts "
        "without a domain do not exist in hosted domains.",
        _empty,
        Severity.WARNING,
    ),
    Check(
        "domain-wide",
        "A wildcard over a whole top-level domain",
        "The wildcard covers every domain of the Internet below one label. Mail for all of them would be kept here "
        "instead of being sent to the servers of those domains.",
        _wide,
    ),
    Check(
        "domain-too-deep",
        "An address too far below a wildcard",
        "For a wildcard of hosted domains Courier cuts off at most five labels from the front of a domain. Domains "
        "that lie deeper are not found and count as somebody else's.",
        _too_deep,
        Severity.WARNING,
    ),
    Check(
        "name-is-address",
        "An IP address in the place of a name",
        "Names of domains and of the server stand in addresses, greetings and headers, where an IP address is not "
        "allowed without brackets. Others refuse such mail, and a domain of that name exists nowhere.",
        _addresses_as_names,
    ),
    Check(
        "name-too-long",
        "A name that the DNS cannot hold",
        "The DNS allows 63 octets between two dots and 253 in a whole name (RFC 1035, section 2.3.4), counted in the "
        "encoded form of other letters than ASCII. Nobody can find a longer name, so no mail comes to it.",
        _long_names,
    ),
    Check(
        "local-part-too-long",
        "A name of more than 64 bytes before the at sign",
        "Mail servers need not take a longer local part than 64 bytes (RFC 5321, section 4.5.3.1.1). Many refuse to "
        "send to such an address, or cut it.",
        _long_local_parts,
        Severity.WARNING,
    ),
    Check(
        "host-name-relayed",
        "A server that relays its own name",
        "Addresses of whole-domain aliases are rewritten to the server's own name, and notices come from it. If mail "
        "for that name is relayed and no route or smarthost leads it to another server, DNS may bring it back, and it "
        "goes round until it is refused. A host that only sends relays its own name and names a smarthost.",
        _own_name_elsewhere,
        Severity.WARNING,
    ),
    Check(
        "default-domain-relayed",
        "A default domain that is relayed",
        "Names without a domain, in aliases as in messages sent on this machine, are completed with the default "
        "domain. If that domain is relayed, none of them can be delivered here. On a host that only sends this is "
        "meant: there a route or the smarthost says who takes them.",
        _default_elsewhere,
        Severity.WARNING,
    ),
    Check(
        "default-domain-elsewhere",
        "A default domain that is somebody else's",
        "Names without a domain, in aliases as in messages sent on this machine, are completed with the default "
        "domain. If that is neither local nor hosted, all of them become addresses of somebody else: mail for the "
        "alias `sales: anna` is sent out to another server.",
        _default_unowned,
    ),
    Check(
        "default-domain-ace",
        "A default domain in its xn-- form",
        "Domains of aliases are stored in their Unicode spelling, but the default domain is put into an address as it "
        "was typed. Written as xn--..., it makes a name that is in no database, so no alias of a local domain is "
        "ever found.",
        _default_in_ace,
    ),
)
