"""Mistakes in virtual hosts: addresses nobody connects to, files that know no suffix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._names import names
from courier_compiler.checks._site import address, several, smtp_listeners
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
_EVERYWHERE: Final = frozenset({"*", "::", "0.0.0.0"})
"""Addresses of services that can be reached at every address of the host."""


def _twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in resolved.site.virtual_hosts:
        first = seen.setdefault(suffix(name), name)
        if first != name:
            yield Finding(("virtual_hosts", name), f"{name} is {first} in another spelling", "join the two")


def _unreached(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    places = [place for _, listener in smtp_listeners(resolved) for place in listener.on or ("*:",)]
    bound = {suffix(place.rpartition(":")[0].strip("[]") or "*") for place in places}
    if not bound or _EVERYWHERE & bound:
        return
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
        "virtual-host-file",
        "A file that knows no virtual hosts",
        "Courier looks for some of its files with the name of the virtual host behind theirs. Others have one version "
        "for everybody, because the program that reads them serves no single client.",
        _unsuffixed,
        Severity.WARNING,
    ),
)
