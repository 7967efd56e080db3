"""What several checks ask of a site: its listeners, its back-ends, what is in force, and how to speak of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from courier_compiler.checks import per_site
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import rows_by_attribute
from courier_schema.report import SitePath
from courier_schema.site.accounts import Password
from courier_schema.site.listeners import Listener, MailboxListener, SmtpListener
from courier_schema.site.tls import Tls

PORTS: Final = {
    "smtp": 25, "submission": 587, "smtps": 465, "imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995,
}  # fmt: skip
SMTP: Final = ("smtp", "submission", "smtps")
TLS_FROM_START: Final = ("smtps", "imaps", "pop3s")
FILES: Final = {
    "smtp": "esmtpd", "submission": "esmtpd-msa", "smtps": "esmtpd-ssl",
    "imap": "imapd", "imaps": "imapd-ssl", "pop3": "pop3d", "pop3s": "pop3d-ssl",
}  # fmt: skip
"""Listener to the settings file that says where it listens."""
TLS_FILES: Final = {**FILES, "imap": "imapd-ssl", "pop3": "pop3d-ssl"}
"""Listener to the settings file with its TLS."""
SHOWN: Final = 3
"""Names listed in a sentence before the rest is only counted."""


@per_site
def listeners(resolved: ResolvedSite) -> Mapping[str, Listener]:
    """The listeners that are switched on, by name."""
    said = ((name, getattr(resolved.site.listeners, name)) for name in PORTS)
    return {name: listener for name, listener in said if listener is not None and listener.enabled}


def smtp_listeners(resolved: ResolvedSite) -> Iterator[tuple[str, SmtpListener]]:
    """Those that take mail."""
    for name, listener in listeners(resolved).items():
        if isinstance(listener, SmtpListener):
            yield name, listener


def mailbox_listeners(resolved: ResolvedSite) -> Iterator[tuple[str, MailboxListener]]:
    """Those that let people read theirs."""
    for name, listener in listeners(resolved).items():
        if isinstance(listener, MailboxListener):
            yield name, listener


def tls_of(resolved: ResolvedSite, listener: Listener, field: str) -> object:
    """One field of `tls` as it holds for a listener."""
    own = getattr(listener.tls or Tls(), field)
    return own if own is not None else getattr(resolved.site.tls, field)


def tls_path(listener: Listener, name: str, field: str) -> SitePath:
    """Where that field is said."""
    own = listener.tls is not None and getattr(listener.tls, field) is not None
    return ("listeners", name, "tls", field) if own else ("tls", field)


@per_site
def backends(resolved: ResolvedSite) -> tuple[str, ...]:
    """Where logins are looked up: as ordered, else all that are described."""
    auth = resolved.site.auth
    if auth.order is not None:
        return tuple(auth.order)
    described = {
        "userdb": bool(resolved.mailboxes),
        "pam": auth.pam,
        **{name: getattr(auth, name) is not None for name in ("ldap", "mysql", "postgresql", "sqlite", "pipe")},
    }
    return tuple(name for name, there in described.items() if there)


def knows_all_accounts(resolved: ResolvedSite) -> bool:
    """Whether the site names every account: there is no back-end that could know more, nor an alias directory."""
    return backends(resolved) == ("userdb",) and resolved.site.ldap_aliases is None


def in_force(resolved: ResolvedSite, file: str, attribute: str) -> tuple[object, SitePath] | None:
    """A setting's value and the place in the site that decides it, if any.

    None where this host has no such file, or the file no such setting.
    """
    settings = resolved.settings.get(file)
    if settings is None:
        return None
    kind = type(settings.table)
    own = attribute in settings.table.said() or attribute in vars(kind)
    if not own and kind.overlays is not None and attribute in rows_by_attribute(kind.overlays):
        row = rows_by_attribute(kind.overlays)[attribute]
        anew = settings.variables.get(row.name)
        if anew is not None:
            return row.codec.decode(anew.value), anew.origin.path
        below = in_force(resolved, kind.overlays.file, attribute)
        if below is not None:
            return below
    if attribute not in rows_by_attribute(kind):
        return None
    return getattr(settings.table, attribute), settings.origin(attribute).path


def value_in_force(resolved: ResolvedSite, file: str, attribute: str, otherwise: object = None) -> object:
    """A setting's value; `otherwise` for a file this host has not."""
    found = in_force(resolved, file, attribute)
    return otherwise if found is None else found[0]


def passwords(resolved: ResolvedSite) -> Iterator[tuple[SitePath, Password]]:
    """Every password of every account, with its place."""
    for mailbox in resolved.mailboxes:
        if mailbox.account.password is not None:
            yield (*mailbox.path, "password"), mailbox.account.password
        for service, password in mailbox.account.passwords.items():
            yield (*mailbox.path, "passwords", service), password


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a text is, if it is one."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def several(names: Iterable[str]) -> str:
    """Names as a part of a sentence: the first few, and how many more there are."""
    listed = list(names)
    if len(listed) <= SHOWN:
        return " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))
    return f"{', '.join(listed[:SHOWN])} and {len(listed) - SHOWN} more"


def dotted(path: SitePath) -> str:
    """A path as people say it."""
    return ".".join(map(str, path))


def said_at(resolved: ResolvedSite, path: SitePath) -> object:
    """The plain value that stands at a path of the site's text; None where nothing does."""
    here: object = resolved.document.tree
    for step in path:
        match here, step:
            case dict(), str():
                here = here.get(step)
            case list(), int() if step < len(here):
                here = here[step]
            case _:
                return None
    return here
