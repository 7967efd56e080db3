"""esmtpd: the listener for mail from other servers, and what its two companions begin with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.derive._listeners import endpoints, is_on
from courier_compiler.derive._smtp import SMTP, session
from courier_compiler.derive._tls import server_tls
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.site.policy import DnsList, DnsLists

_BLOCK: Final = "BLOCK"
_LISTS: Final = ("dns_lists", "lists")


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about port 25, and TLS for all SMTP listeners."""
    site = resolved.site
    listener = site.listeners.smtp
    yield Intent(Esmtpd(esmtpdstart=is_on(listener)), SMTP, "a listener that is not named is off")
    yield from server_tls(Esmtpd, site.tls, ("tls",), resolved.profile)
    yield from endpoints(Esmtpd, listener, SMTP)
    yield from session(Esmtpd, listener, SMTP)
    yield from server_tls(Esmtpd, listener.tls if listener else None, (*SMTP, "tls"), resolved.profile)
    yield from dns_lists(site.dns_lists)


def dns_lists(section: DnsLists) -> Iterator[Intent]:
    """The options of couriertcpd that ask DNS lists, in the order of the site."""
    if section.lists:
        options = tuple(map(_option, section.lists))
        unsayable = "write a backslash into a text" if any("\\" in option for option in options) else ""
        plain = tuple(option.replace("\\", "") for option in options)
        yield Intent(Esmtpd(blacklists=plain), _LISTS, "as options of couriertcpd", shortfall=unsayable)
    if "drop" in section.model_fields_set:
        yield Intent(Esmtpd(drop=_drop(section)), ("dns_lists", "drop"), "as an option of couriertcpd")
    yield from copy(Esmtpd, section, ("dns_lists",), {"exclusive": "allow_exclusive"})


def _option(entry: DnsList) -> str:
    """One list. A block list always has a text, because a couriertcpd before 1.1.3 ignores the hit without one."""
    zone = f"{entry.zone}={entry.name}" if entry.name else entry.zone
    answer = f"/{entry.answer}" if entry.answer else ""
    variable = f"{entry.variable or _BLOCK}{answer}"
    if entry.kind == "allow":
        return f"-allow={zone},{variable}" if entry.variable or answer else f"-allow={zone}"
    text = entry.message or f"@ is listed by {entry.name or entry.zone}"
    return re.sub(r"\s+", " ", f"-block={zone},{variable},{text}")


def _drop(section: DnsLists) -> tuple[str, ...]:
    """couriertcpd looks at one variable when it hangs up: the one that all block lists set, else the usual one."""
    variables = {entry.variable or _BLOCK for entry in section.lists if entry.kind == "block"}
    if not section.drop:
        return ()
    return (f"-drop={variables.pop()}",) if len(variables) == 1 and _BLOCK not in variables else ("-drop",)


DERIVATIONS = (Derivation("esmtpd", derive),)
