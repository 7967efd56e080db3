"""What several checks ask of a site: its listeners, its back-ends, what is in force, and how to speak of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from courier_compiler.checks import per_site
from courier_compiler.parts.backends import OWN, ordered_backends
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import rows_by_attribute
from courier_schema.report import SitePath
from courier_schema.site.accounts import Password
from courier_schema.site.listeners import Listener, MailboxListener, SmtpListener

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
_STARTS: Final = {
    "smtp": "esmtpdstart", "submission": "esmtpdstart", "smtps": "esmtpdsslstart",
    "imap": "imapdstart", "imaps": "imapdsslstart", "pop3": "pop3dstart", "pop3s": "pop3dsslstart",
}  # fmt: skip
"""Listener to the setting that switches it on."""
_TLS_ROWS: Final = {
    "certificate": "tls_certfile", "key": "tls_private_keyfile", "dh_parameters": "tls_dhparams",
    "trust": "tls_trustcerts", "login_field": "tls_external", "verify_clients": "tls_verifypeer",
}  # fmt: skip
"""Field of `tls` to the setting that it becomes."""
_EVERYWHERE: Final = ("", "0", "0.0.0.0", "::")
_SERVICES: Final = {
    "smtp": "25", "submission": "587", "smtps": "465", "submissions": "465",
    "imap": "143", "imap2": "143", "imaps": "993", "pop3": "110", "pop3s": "995",
}  # fmt: skip
SHOWN: Final = 3
"""Names listed in a sentence before the rest is only counted."""


@per_site
def listeners(resolved: ResolvedSite) -> Mapping[str, Listener]:
    """The listeners that are switched on, by name; those that only a setting switches on as an empty section."""
    on = (name for name in PORTS if value_in_force(resolved, FILES[name], _STARTS[name]))
    return {name: getattr(resolved.site.listeners, name) or _kind(name).unsaid() for name in on}


def _kind(name: str) -> type[SmtpListener] | type[MailboxListener]:
    return SmtpListener if name in SMTP else MailboxListener


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


def tls_of(resolved: ResolvedSite, name: str, field: str) -> tuple[str | None, SitePath]:
    """What is in force for one field of a listener's `tls`, in Courier's spelling, and the place that decides it.

    None where the site leaves that to the package.
    """
    value, path = decided(resolved, TLS_FILES[name], _TLS_ROWS[field])
    if is_put_back(path):
        path = ("tls", field) if getattr(resolved.site.tls, field) is not None else ()
    return (str(value) if value and path else None), path


def is_put_back(path: SitePath) -> bool:
    """Whether a setting of a listener is as it would be without the section of another listener."""
    return path[:1] == ("listeners",) and len(path) == 2


class Socket(NamedTuple):
    """One address and port that a listener opens, and the place that says so."""

    address: str
    port: str
    listener: str
    path: SitePath

    def clashes(self, other: Socket) -> bool:
        everywhere = self.is_everywhere or other.is_everywhere
        return self.port == other.port and (everywhere or self.address == other.address)

    @property
    def is_everywhere(self) -> bool:
        return self.address in _EVERYWHERE

    @property
    def shown(self) -> str:
        return f"port {self.port}" if self.is_everywhere else f"{self.address} port {self.port}"


def sockets_of(resolved: ResolvedSite, name: str) -> Iterator[Socket]:
    """The sockets of a listener, as its settings file says."""
    prefix = "ssl" if name in TLS_FROM_START else ""
    ports = in_force(resolved, FILES[name], f"{prefix}port")
    if ports is None or not isinstance(ports[0], tuple):
        return
    common = value_in_force(resolved, FILES[name], f"{prefix}address")
    path = ports[1] or ("listeners", name)
    for text in ports[0]:
        at, _, port = str(text).rpartition(".")
        yield Socket(at or str(common or ""), _SERVICES.get(port, port), name, path)


@per_site
def backends(resolved: ResolvedSite) -> tuple[str, ...]:
    """Where logins are looked up: as ordered, else all that are described."""
    return ordered_backends(resolved)[0]


def knows_all_accounts(resolved: ResolvedSite) -> bool:
    """Whether the site names every account: there is no back-end that could know more, nor an alias directory."""
    return backends(resolved) == (OWN,) and not value_in_force(resolved, "ldapaliasrc", "ldap_alias")


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


def decided(resolved: ResolvedSite, file: str, attribute: str) -> tuple[Any, SitePath]:
    """A setting that the site decides, by a section or under Courier's own name: its value and the place of that.

    None and no place where the site leaves it to the package, or this host has no such file.
    """
    found = in_force(resolved, file, attribute)
    return found if found is not None and found[1] else (None, ())


def greetings(resolved: ResolvedSite) -> Iterator[tuple[SitePath, str | None]]:
    """The banners of the server and of its virtual hosts, with their places."""
    greeting, path = decided(resolved, "control", "esmtpgreeting")
    yield path, greeting
    for name, virtual in resolved.site.virtual_hosts.items():
        yield ("virtual_hosts", name, "greeting"), virtual.greeting


def shown(path: SitePath) -> str:
    """How to call what stands at a place: `queue.warn_after`, or under `settings` Courier's name with its file."""
    return f"{path[2]} of {path[1]}" if path[0] == "settings" and len(path) == 3 else dotted(path)


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
