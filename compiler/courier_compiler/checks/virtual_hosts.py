"""Mistakes in virtual hosts: addresses nobody connects to, files that know no suffix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import domains_of, host_names, is_relayed, names
from courier_compiler.checks._site import address, several, smtp_listeners, sockets_of
from courier_compiler.host import HostView
from courier_compiler.parts.virtual_hosts import suffix
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity

_SUFFIXED: Final = frozenset(
    {
        "aliases.dat", "aliasfilteracct", "backuprelay", "batchsize", "bofh", "defaultdomain", "defaultsep",
        "dotextension", "dsnfrom", "dsnlimit", "enablefiltering", "esmtpacceptmailfor", "esmtpacceptmailfor.dat",
        "esmtpauthclient", "esmtpdelay", "esmtpgreeting", "esmtphelo", "esmtppercentrelay",
        "esmtppercentrelay.dat", "esmtproutes", "esmtproutes.dat", "esmtptimeout", "esmtptimeoutconnect",
        "esmtptimeoutdata", "esmtptimeouthelo", "esmtptimeoutkeepalive", "esmtptimeoutkeepaliveping",
        "esmtptimeoutquit", "faxqueuetime", "faxrc", "hosteddomains.dat", "ip6out", "ipout", "locallowercase",
        "locals", "localtimeout", "maildrop", "maildropfilter", "me", "msgidhost", "queuetime", "sizelimit",
        "uucpme", "uucprewriteheaders", "warntime",
    }
)  # fmt: skip
"""Files that Courier looks for with the suffix of a virtual host while it handles a message."""


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in resolved.site.virtual_hosts:
        first = seen.setdefault(suffix(name), name)
        if first != name:
            yield Finding(("virtual_hosts", name), f"{name} is {first} in another spelling", "join the two")


def _unreached(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    sockets = [socket for name, _ in smtp_listeners(resolved) for socket in sockets_of(resolved, name)]
    if not sockets or any(socket.is_everywhere for socket in sockets):
        return
    bound = {suffix(socket.address) for socket in sockets}
    for name in resolved.site.virtual_hosts:
        if address(name) is not None and suffix(name) not in bound:
            yield Finding(
                ("virtual_hosts", name),
                f"no SMTP service listens on {name}, so nobody comes to this virtual host",
                f"add {name} to a listener; they listen on {several(sorted(bound))}",
            )


def _foreign_domain(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    known = names(resolved).domains
    for name in resolved.site.virtual_hosts:
        is_domain = ":" not in name and not name.replace(".", "").isdecimal()
        if is_domain and known.owner(name) is None:
            yield Finding(
                ("virtual_hosts", name),
                f"{name} is no domain of this server, so nobody logs in with an address in it",
                f"add {name} to domains, or correct the name",
            )


def _default_elsewhere(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, virtual in resolved.site.virtual_hosts.items():
        default = virtual.default_domain
        if default is None or is_relayed(resolved, default):
            continue
        if domains_of(resolved, virtual).owner(default) is None:
            yield Finding(
                ("virtual_hosts", name, "default_domain"),
                f"names without a domain are completed with {default}, which {name} does not keep, so their mail is "
                "sent out",
                f"add {default} to local_domains of {name}, or to domains",
            )


def _passed_on(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    """Domains whose mail a virtual host takes from everybody, and which are neither kept nor meant to be relayed.

    Those named by a domain serve people who are logged in and may write to anybody.
    """
    by_address = ((name, virtual) for name, virtual in resolved.site.virtual_hosts.items() if address(name) is not None)
    for name, virtual in by_address:
        own = domains_of(resolved, virtual)
        field, accepted = ("accept", virtual.accept) if virtual.accept is not None else ("local_domains", None)
        if accepted is None:
            accepted = _accepted(resolved) if virtual.local_domains is not None else []
        foreign = [said for said in accepted if own.owner(said) is None and not is_relayed(resolved, said)]
        if foreign:
            yield Finding(
                ("virtual_hosts", name, field),
                f"{name} takes mail for {several(foreign)} from everybody, and sends it on to other servers",
                f"correct {field}"
                + (
                    ", or add the domains to domains with kind: relay"
                    if field == "accept"
                    else ", or give the virtual host accept: with the domains that it takes mail for"
                ),
            )


def _accepted(resolved: ResolvedSite) -> list[str]:
    """The domains that this host keeps, and for which it takes mail."""
    known = host_names(resolved)
    return [entry.name for entry in (*known.local.values(), *known.hosted.values()) if entry.domain.accept]


def _unsuffixed(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, virtual in resolved.site.virtual_hosts.items():
        for file in virtual.files:
            if file not in _SUFFIXED:
                yield Finding(
                    ("virtual_hosts", name, "files", file),
                    f"Courier never looks for {file}.{name}: {file} is the same for all virtual hosts",
                    "remove it, or write it once under files",
                )


CHECKS: Final = (
    Check(
        "virtual-host-twice",
        "A virtual host in two spellings",
        "Courier writes the address of a connection in one form, and an IPv4 connection to an IPv6 socket counts as "
        "one to the IPv4 address. Two spellings of one address are therefore one virtual host, and so are two of one "
        "domain.",
        _twice,
    ),
    Check(
        "virtual-host-unreached",
        "A virtual host at an address without a service",
        "Which virtual host serves a client is decided by the address that the client connects to. No SMTP service "
        "listens on this one.",
        _unreached,
        Severity.WARNING,
    ),
    Check(
        "virtual-host-foreign",
        "A virtual host for somebody else's domain",
        "A virtual host named by a domain is for people who log in with an address in that domain. Nobody has such an "
        "address here.",
        _foreign_domain,
        Severity.WARNING,
    ),
    Check(
        "virtual-host-default",
        "A virtual host with somebody else's default domain",
        "Names without a domain are completed with the default domain, in what people write and in the alias table "
        "that the virtual host has for it. If its default domain is neither among its local domains nor hosted, all of "
        "them become addresses of somebody else, and their mail is sent out to another server.",
        _default_elsewhere,
        Severity.WARNING,
    ),
    Check(
        "virtual-host-passes-on",
        "A virtual host that takes mail and sends it on",
        "A virtual host takes mail from everybody for the domains that it accepts, and keeps what is in its local "
        "domains or hosted. The rest is sent to other servers: strangers write to somebody else's domain through this "
        "server, and mail for a domain of the site comes back to it, or bounces.",
        _passed_on,
        Severity.WARNING,
    ),
    Check(
        "virtual-host-file",
        "A file that knows no virtual hosts",
        "Courier looks for some of its files with the name of the virtual host behind theirs. Others have one version "
        "for everybody, because the program that reads them serves no single client.",
        _unsuffixed,
        Severity.WARNING,
    ),
)
