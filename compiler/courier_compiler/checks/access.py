"""Mistakes about what clients may do by their address: open relays, rules that miss or contradict each other."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from courier_compiler.checks import Check, Finding, per_site
from courier_compiler.checks._names import names
from courier_compiler.checks._site import decided, listeners, several, shown, value_in_force
from courier_compiler.host import HostView
from courier_compiler.parts.gateways import socks_networks
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.codecs import Codec, FlagCodec
from courier_schema.legacy.formats.netblocks import why_no_network
from courier_schema.legacy.table import rows
from courier_schema.legacy.tables import table
from courier_schema.legacy.tables.environment import ENVIRONMENT
from courier_schema.report import Severity, SitePath
from courier_schema.site.relay import Access, AccessRule
from courier_schema.suggest import suggest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_EVERYBODY: Final = "*"
_OPEN: Final = {4: 8, 6: 16}
"""Prefix lengths below which a network is as good as everybody."""
_WIDE: Final = {4: 16, 6: 32}
"""Prefix lengths below which a public network is larger than most sites own."""
_NO_LIMIT: Final = {4: 0, 6: 0}
_MANY: Final = 4096
"""Rows of one network from which on it is worth a warning."""
_SMTP_FILES: Final = ("esmtpd", "esmtpd-msa", "esmtpd-ssl")
_READERS: Final = {
    "smtp": ("esmtpd", "accessfile", "access"),
    "submission": ("esmtpd-msa", "accessfile", "access"),
    "smtps": ("esmtpd-ssl", "accessfile", "access"),
    "imap": ("imapd", "imapaccessfile", "mailbox_access"),
    "imaps": ("imapd-ssl", "imapaccessfile", "mailbox_access"),
}
"""Listener to the setting that names its table, and the section behind that."""
_OWN: Final = {"smtp": "access", "submission": "submission_access", "smtps": "access"}
"""The same where the submission service has a table of its own."""
_WRITTEN: Final = {"access": "smtpaccess", "submission_access": "smtpaccess-msa", "mailbox_access": "imapaccess"}
_RELAYING: Final = {"RELAYCLIENT": "send mail anywhere", "FAXRELAYCLIENT": "send faxes"}
"""What access rules let single clients do by these variables."""
_OF_ONE_SESSION: Final = frozenset({"BLOCK", "BLOCK2", "DSNENVID"})
"""Variables that say something about one client or one message."""
_LONGEST_BLOCK: Final = 480
"""Bytes of a refusal that leave room for its code and line end in a reply of 512 (RFC 5321, section 4.5.3.1.5)."""
_LOOPBACK: Final = (ipaddress.ip_network("127.0.0.1"), ipaddress.ip_network("::1"))
_PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15",
        "::1/128", "fc00::/7", "fe80::/10", "2001:db8::/32",
    )
)  # fmt: skip
"""Networks from which nobody on the Internet comes: private, of one link, for documentation (RFC 6890)."""


@dataclass(frozen=True, slots=True)
class _Rule:
    path: SitePath
    text: str
    rule: AccessRule
    networks: tuple[Network, ...]
    """Empty for everybody, and for what is no network."""

    @property
    def relays(self) -> bool:
        return self.rule.action == "relay" or "RELAYCLIENT" in self.rule.set

    @property
    def is_public(self) -> bool:
        """Whether clients from the Internet are among them."""
        return any(not _is_private(network) for network in self.networks)

    def contains(self, other: Network) -> bool:
        return any(network.version == other.version and _inside(other, network) for network in self.networks)


def _inside(inner: Network, outer: Network) -> bool:
    first, last = int(outer.network_address), int(outer.broadcast_address)
    return first <= int(inner.network_address) and int(inner.broadcast_address) <= last


def _is_private(network: Network) -> bool:
    return any(network.version == private.version and _inside(network, private) for private in _PRIVATE)


def _is_open(network: Network) -> bool:
    """Whether so many addresses of the Internet are as good as all of them."""
    return network.prefixlen < _OPEN[network.version] and not _is_private(network)


@per_site
def _tables(resolved: ResolvedSite) -> Mapping[str, tuple[_Rule, ...]]:
    site = resolved.site
    said = {"access": site.access, "submission_access": site.submission_access, "mailbox_access": site.mailbox_access}
    return {section: tuple(_rules(section, access)) for section, access in said.items() if access}


def _rules(section: str, access: Access) -> Iterator[_Rule]:
    for text, rule in access.items():
        yield _Rule((section, text), text, rule, tuple(_networks(text)))


def _networks(text: str) -> Iterator[Network]:
    """The networks of a rule; mapped IPv4 addresses are IPv4. Texts that are no network give none."""
    if text == _EVERYBODY:
        return
    first, dash, last = text.partition("-")
    try:
        if not dash:
            yield _unmapped(ipaddress.ip_network(text, strict=False))
        elif ":" in text:
            yield from ipaddress.summarize_address_range(ipaddress.IPv6Address(first), ipaddress.IPv6Address(last))
        else:
            yield from ipaddress.summarize_address_range(ipaddress.IPv4Address(first), ipaddress.IPv4Address(last))
    except ValueError:
        return


def _unmapped(network: Network) -> Network:
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    return ipaddress.ip_network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network


def _invalid(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        for rule in rules:
            if not rule.networks and rule.text != _EVERYBODY:
                yield Finding(
                    rule.path,
                    f"{rule.text} is not a network: {why_no_network(rule.text)}",
                    "write an address, ADDRESS/LENGTH, FIRST-LAST, or '*' for everybody else",
                )
    for path, text in _socks(resolved):
        if not socks_networks(text):
            yield Finding(path, f"{text} is not a network with a prefix length", "write 192.0.2.0/24")


def _socks(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str]]:
    """Networks of destinations with their places."""
    socks = resolved.site.socks
    if socks is not None:
        yield from ((("socks", "proxies", text), text) for text in socks.proxies)
        yield from ((("socks", "direct", position), text) for position, text in enumerate(socks.direct))


def _many_keys(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        for rule in rules:
            count = sum(map(_keys, rule.networks))
            if count > _MANY:
                yield Finding(
                    rule.path,
                    f"{rule.text} becomes {count} rows, because rows end at whole octets or groups",
                    "write it as networks whose length is a multiple of 8 (IPv4) or 16 (IPv6)",
                )


def _keys(network: Network) -> int:
    """Whole octets or groups that a network consists of."""
    step = 8 if network.version == 4 else 16
    whole = max(step, -(-network.prefixlen // step) * step)
    return 1 << (whole - network.prefixlen)


def _texts(resolved: ResolvedSite) -> Iterator[_Rule]:
    """Rules that say more than a word."""
    for rules in _tables(resolved).values():
        yield from (rule for rule in rules if rule.rule.set or rule.rule.block or rule.rule.relay_suffix)


def _variable_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rule in _texts(resolved):
        seen: set[bytes] = set()
        for (name, _), field in _variables_of(rule):
            if name in seen:
                yield Finding(
                    (*rule.path, *field),
                    f"{name.decode()} is already set by another key of this rule",
                    "say it once",
                )
            seen.add(name)


def _variables_of(rule: _Rule) -> Iterator[tuple[tuple[bytes, bytes], tuple[str, ...]]]:
    from courier_compiler.parts.access_table import variables  # with the format's patterns, for few sites

    return variables(rule.rule, mailbox=rule.path[0] == "mailbox_access")


def _values(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rule in _texts(resolved):
        names_ = [name for (name, _), _ in _variables_of(rule)]
        if len(set(names_)) < len(names_):
            continue  # that is mentioned by itself
        from courier_compiler.parts.access_table import rule_value  # as above

        try:
            rule_value(rule.rule, mailbox=rule.path[0] == "mailbox_access")
        except ValueError as error:
            yield Finding(rule.path, f"the access table cannot say this: {error}", "change the text")


def _relaying(resolved: ResolvedSite) -> Iterator[_Rule]:
    """Rules of SMTP tables that let clients relay without a login."""
    for section in ("access", "submission_access"):
        if section == "submission_access" and _needs_login(resolved):
            continue
        yield from (rule for rule in _tables(resolved).get(section, ()) if rule.relays and not rule.rule.require_auth)


def _needs_login(resolved: ResolvedSite) -> bool:
    return bool(value_in_force(resolved, "esmtpd-msa", "auth_required", True))


def _open_relay(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    yield from _relaying_by_environment(resolved)
    yield from _too_many(resolved, _OPEN, _NO_LIMIT)
    for rule in _relaying(resolved):
        if rule.text == _EVERYBODY or any(map(_is_open, rule.networks)):
            yield Finding(
                rule.path,
                f"{_named(rule)} may send mail anywhere through this server without a login",
                "name the networks whose clients may relay, and let all others log in at submission",
            )


def _relaying_by_environment(resolved: ResolvedSite) -> Iterator[Finding]:
    """Variables that are for single clients, given to all of a service."""
    for file, variables in resolved.site.environment.items():
        for name in sorted(variables.keys() & _RELAYING.keys()) if file in _SMTP_FILES else ():
            yield Finding(
                ("environment", file, name),
                f"{name} lets every client of {file} {_RELAYING[name]} without a login",
                "remove it, and name the networks whose clients may do so in access",
            )


def _too_many(resolved: ResolvedSite, above: Mapping[int, int], up_to: Mapping[int, int]) -> Iterator[Finding]:
    """Tables whose relaying networks are together larger than one network of a length may be."""
    for section, networks in _public_relaying(resolved).items():
        for version, length in above.items():
            limit = _size(version, length)
            own = [network for network in networks if network.version == version]
            if any(network.num_addresses > limit for network in own):
                continue  # that network is mentioned by itself
            count = _addresses(own)
            if limit < count <= _size(version, up_to[version]):
                yield Finding(
                    (section,),
                    f"the networks of {section} that may relay are {count} addresses of the Internet together",
                    "name the networks that are yours, and let all others log in at submission",
                )


def _public_relaying(resolved: ResolvedSite) -> Mapping[str, list[Network]]:
    found: dict[str, list[Network]] = {}
    for rule in _relaying(resolved):
        public = (network for network in rule.networks if not _is_private(network))
        found.setdefault(str(rule.path[0]), []).extend(public)
    return found


def _size(version: int, length: int) -> int:
    """Addresses in a network of a prefix length."""
    return 1 << ((32 if version == 4 else 128) - length)


def _addresses(networks: list[Network]) -> int:
    """Addresses in networks of one kind that may lie in each other."""
    count, end = 0, -1
    for first, last in sorted((int(n.network_address), int(n.broadcast_address)) for n in networks):
        count += max(0, last - max(first, end + 1) + 1)
        end = max(end, last)
    return count


def _named(rule: _Rule) -> str:
    return "everybody" if rule.text == _EVERYBODY else f"every client in {rule.text}"


def _wide_relay(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    yield from _too_many(resolved, _WIDE, _OPEN)
    for rule in _relaying(resolved):
        wide = [n for n in rule.networks if n.prefixlen < _WIDE[n.version] and not _is_open(n) and not _is_private(n)]
        if wide:
            yield Finding(
                rule.path,
                f"{rule.text} may relay, and that is {wide[0].num_addresses} addresses of the Internet",
                "name the networks that are yours, and let all others log in at submission",
            )


def _relay_without_login(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if {"submission", "smtps"} & listeners(resolved).keys():
        return
    for rule in _relaying(resolved):
        if rule.is_public and not any(map(_is_open, rule.networks)):
            yield Finding(
                rule.path,
                f"clients in {rule.text} relay by their address alone, and there is no service to log in at",
                "add submission: {} to listeners, and let people send with their login over TLS",
            )


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        seen: dict[tuple[Network, ...], _Rule] = {}
        for rule in rules:
            first = seen.setdefault(rule.networks, rule)
            if rule.networks and first is not rule:
                yield Finding(
                    rule.path,
                    f"{rule.text} is the same network as {first.text}",
                    "keep one of the two rules",
                )


def _overlaps(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        broader = _Index(rules)
        for rule in rules:
            outer = next((found for found in broader.around(rule) if found.rule.action != rule.rule.action), None)
            if outer is not None:
                yield Finding(
                    rule.path,
                    f"{rule.text} ({rule.rule.action}) lies in {outer.text} ({outer.rule.action}); for its clients "
                    "only the narrower rule counts",
                    "nothing, if that is meant: rules do not add up, so repeat what is to hold there as well",
                )


class _Index:
    """Rules by their networks, so that those around another are found without comparing all of them."""

    def __init__(self, rules: tuple[_Rule, ...]) -> None:
        self._rules: dict[Network, _Rule] = {network: rule for rule in rules for network in rule.networks}
        self._lengths = {
            version: sorted({n.prefixlen for n in self._rules if n.version == version}, reverse=True)
            for version in (4, 6)
        }

    def around(self, rule: _Rule) -> Iterator[_Rule]:
        """The rules whose networks hold the first network of a rule, the narrowest first."""
        if not rule.networks:
            return
        network = rule.networks[0]
        for length in self._lengths[network.version]:
            if length < network.prefixlen:
                found = self._rules.get(network.supernet(new_prefix=length))
                if found is not None and found is not rule:
                    yield found


def _host_bits(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        for rule in rules:
            base, slash, _ = rule.text.partition("/")
            if slash and rule.networks and ipaddress.ip_address(base) != rule.networks[0].network_address:
                mapped = rule.networks[0].version == 4 and ":" in base
                if not mapped:
                    yield Finding(
                        rule.path,
                        f"{rule.text} means all of {rule.networks[0]}, not {base} alone",
                        f"write {rule.networks[0]} for the network, or {base} for the one address",
                    )


def _mapped(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        for rule in rules:
            if ":" in rule.text and rule.networks and rule.networks[0].version == 4:
                yield Finding(
                    rule.path,
                    f"{rule.text} is an IPv4 network written as IPv6, and its clients are looked up as IPv4",
                    f"write {rule.networks[0]}",
                )


def _loopback_denied(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rule in _tables(resolved).get("access", ()):
        if rule.rule.action == "deny" and any(rule.contains(own) for own in _LOOPBACK):
            yield Finding(
                rule.path,
                f"{rule.text} shuts out programs on this machine, which connect from its loopback address",
                "deny a network that does not hold 127.0.0.1 or ::1, or add a rule of their own for them",
            )


def _unused(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    needs = {"submission_access": ("submission",), "mailbox_access": ("imap", "imaps")}
    for section, names_ in needs.items():
        if section in _tables(resolved) and not set(names_) & listeners(resolved).keys():
            yield Finding(
                (section,),
                f"{section} is for {several(names_)}, which this server does not offer",
                f"add {names_[0]}: {{}} to listeners, or remove {section}",
            )


def _unread(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """Tables that are written to one place and read from another."""
    tables = _tables(resolved)
    seen: set[SitePath] = set()
    for name, (file, attribute, section) in _READERS.items():
        if name not in listeners(resolved):
            continue
        own = section if section == "mailbox_access" or resolved.site.submission_access is None else _OWN[name]
        written = f"{resolved.profile.layout.sysconfdir}/{_WRITTEN[own]}"
        read, path = decided(resolved, file, attribute)
        if own in tables and path and read != written and path not in seen:
            seen.add(path)
            yield Finding(
                path,
                f"{name} asks {read or 'no table at all'}, and the rules of {own} are written to {written}",
                f"remove {shown(path)}, so that the rules are read",
            )


def _wrong_values(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for section, rules in _tables(resolved).items():
        for rule in rules:
            for name, value in rule.rule.set.items():
                codec = _codecs(section).get(name)
                trouble = _misread(codec, value) if codec is not None and value is not None else ""
                if trouble:
                    yield Finding(
                        (*rule.path, "set", name), f"{name} of the clients in {rule.text} cannot be {value!r}", trouble
                    )


def _misread(codec: Codec[Any], value: str | int | bool) -> str:
    """Why a program would not read what a person means by a value; empty where it does.

    Programs read a switch as a number: `yes` switches nothing on.
    """
    text = str(value)
    try:
        if isinstance(value, bool) or (isinstance(codec, FlagCodec) and text not in (codec.on, codec.off, "")):
            codec.accept(value)
        elif not isinstance(codec, FlagCodec):
            codec.decode(text)
    except ValueError as error:
        return str(error)
    return ""


def _unknown_variables(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for section, rules in _tables(resolved).items():
        for rule in rules:
            for name in rule.rule.set:
                known = _codecs(section)
                if name not in known:
                    near = suggest(name, known)
                    yield Finding(
                        (*rule.path, "set", name),
                        f"no program reads the variable {name}",
                        f"did you mean {near}?" if near else "write a setting of esmtpd or bofh under Courier's name",
                    )


def _for_all_clients(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file, variables in resolved.site.environment.items():
        for name in sorted(variables.keys() & _OF_ONE_SESSION) if file in _SMTP_FILES else ():
            yield Finding(
                ("environment", file, name),
                f"{name} is for some clients, and here every client of {file} gets it",
                "write it as set: of the rules in access for which it is meant",
            )


def _block_too_long(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for rules in _tables(resolved).values():
        for rule in rules:
            said = (("block",), rule.rule.block), (("set", "BLOCK"), rule.rule.set.get("BLOCK"))
            for where, text in said:
                if text is not None and len(str(text).encode()) > _LONGEST_BLOCK:
                    yield Finding(
                        (*rule.path, *where),
                        f"the text for {rule.text} has {len(str(text).encode())} bytes, more than fit into one reply",
                        f"write at most {_LONGEST_BLOCK} bytes, perhaps with the address of a page that says more",
                    )


@cache
def _codecs(section: str) -> Mapping[str, Codec[Any]]:
    """Names that have a meaning in an access table, with how their values are spelt."""
    files = ("imapd", "imapd-ssl") if section == "mailbox_access" else ("bofh", "esmtpd")
    variables = {variable.name: variable.codec for variable in ENVIRONMENT if files[-1] in variable.files}
    return variables | {row.name: row.codec for file in files for row in rows(table(file))}


def _percent_relay(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    relay = resolved.site.percent_relay
    if relay is None:
        return
    own = names(resolved).domains
    for position, domain in enumerate(relay.domains):
        ours = own.owner(domain) is not None or f".{domain.lower()}".endswith(f".{resolved.site.site.lower()}")
        if not ours:
            inner = f"any{domain}" if domain.startswith(".") else domain
            yield Finding(
                ("percent_relay", "domains", position),
                f"everybody can send mail to {inner} through this server, as user%{inner}@{resolved.site.site}",
                "list domains behind this server only, or use kind: relay in domains for a backup MX",
            )


CHECKS: Final = (
    Check(
        "network",
        "A text that is no network",
        "A number of the address is too large, the length does not fit the kind of address, or a range runs backwards. "
        "Courier's own tool would refuse the table, or store a line that matches nobody.",
        _invalid,
    ),
    Check(
        "open-relay",
        "An open relay",
        "A client that may relay can send mail to anybody without a login. Where that is everybody, or a network of "
        "millions of addresses, the server is found within hours, sends spam for others, and is soon refused by most "
        "of the Internet.",
        _open_relay,
    ),
    Check(
        "relay-wide",
        "Relaying for a very large network",
        "All addresses of the network may send mail anywhere without a login, and it is larger than what most sites "
        "own. Every infected machine in it can use this server.",
        _wide_relay,
        Severity.WARNING,
    ),
    Check(
        "relay-without-login",
        "Public clients that relay by address, and no service to log in at",
        "Trusting addresses of the Internet is the weaker way of letting people send: an address says nothing about "
        "who sits behind it, and the mail travels in clear text. With a submission service people log in over TLS "
        "from wherever they are, and bounces can be sent to the login.",
        _relay_without_login,
        Severity.NOTE,
    ),
    Check(
        "access-twice",
        "Two rules for one network",
        "Both rules mean the same addresses in another spelling. Only one record can stand in the database, so one "
        "of the rules would be lost, and Courier's own tool refuses to build it.",
        _twice,
    ),
    Check(
        "access-overlap",
        "A rule within a rule of another kind",
        "For a client the rule of the narrowest network counts, and that one alone: nothing is inherited from the "
        "network around it. A rule that only wants to set a limit also takes relaying away, or undoes a refusal, "
        "unless it says so again.",
        _overlaps,
        Severity.NOTE,
    ),
    Check(
        "access-host-bits",
        "A network written with the address of a host",
        "The length behind the slash says how much of the address counts; what lies beyond is ignored. A rule for "
        "10.0.0.1/8 is a rule for all of 10.0.0.0/8, which is rarely what was meant.",
        _host_bits,
        Severity.WARNING,
    ),
    Check(
        "access-mapped-address",
        "An IPv4 network in its IPv6 spelling",
        "Clients that connect by IPv4 are looked up under their IPv4 address, even on a socket that serves both. The "
        "rule is therefore compiled as the IPv4 network that it means.",
        _mapped,
        Severity.NOTE,
    ),
    Check(
        "access-loopback-denied",
        "A rule that shuts out the server itself",
        "Programs on the mail host, such as webmail, list managers and monitoring, connect from its loopback "
        "address. With this rule they are turned away without a word.",
        _loopback_denied,
        Severity.WARNING,
    ),
    Check(
        "access-unused",
        "Rules for a service that is off",
        "The table belongs to a service that this server does not start, so its rules have no effect. Often the "
        "service has been forgotten under listeners.",
        _unused,
        Severity.WARNING,
    ),
    Check(
        "access-unread",
        "Rules in a table that no service asks",
        "ACCESSFILE and IMAPACCESSFILE name the table in which a service looks its clients up, and the rules of the "
        "site are written to the usual place. With another file in the setting none of the rules holds: clients that "
        "are refused get in, and those that may relay cannot.",
        _unread,
    ),
    Check(
        "access-variable-value",
        "A variable with a value that its program misreads",
        "Variables of an access rule reach the server as text. A switch is on where the text is 1; `yes` is read as "
        "the number 0, so the restriction that it was to bring does not exist. A word in the place of a number, or a "
        "number below its least, is misread in the same way.",
        _wrong_values,
    ),
    Check(
        "network-many-keys",
        "A network that becomes thousands of rows",
        "Courier looks clients up by whole octets (IPv4) or groups of four digits (IPv6). A network whose "
        "length lies in between is written as all of its parts.",
        _many_keys,
        Severity.WARNING,
    ),
    Check(
        "access-value",
        "A rule that cannot be written",
        "Variables of a rule stand in one line with commas between them, and some texts have no spelling there. A "
        "blank at the end would be lost.",
        _values,
    ),
    Check(
        "access-variable-twice",
        "A variable that a rule sets twice",
        "Two keys of one rule set the same variable, and only the last would count. Which of them was meant cannot be "
        "told.",
        _variable_twice,
    ),
    Check(
        "access-variable-unknown",
        "A variable that nothing reads",
        "Variables of an access rule reach the server as its environment, and any name is accepted. A misspelt one "
        "is ignored without a word, and with it the restriction that it was to bring.",
        _unknown_variables,
        Severity.WARNING,
    ),
    Check(
        "environment-for-all",
        "A variable for single clients, given to all",
        "Access rules set variables such as BLOCK for the clients of one network. Assigned in a service's environment "
        "they hold for everybody: BLOCK refuses all mail of the server, or takes all of it out of the block lists.",
        _for_all_clients,
        Severity.WARNING,
    ),
    Check(
        "access-text-too-long",
        "A refusal that is longer than a reply",
        "The text is sent as one line of an SMTP reply, which may have 512 bytes with its code (RFC 5321, section "
        "4.5.3.1.5). Other servers cut a longer one, or take it for a fault and try the mail again.",
        _block_too_long,
        Severity.WARNING,
    ),
    Check(
        "percent-relay-foreign",
        "Percent relaying to somebody else's domain",
        "Mail for user%domain at one of this server's domains is accepted from everybody and sent on to user at that "
        "domain. For a domain that is not yours this lets strangers hide behind your server, and spam lists have "
        "looked for it for decades.",
        _percent_relay,
        Severity.WARNING,
    ),
)
