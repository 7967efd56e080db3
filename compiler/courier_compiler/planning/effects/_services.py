"""The services that a host can offer: the files that their listeners read, and the settings that open them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from courier_compiler.artefact import Daemon
from courier_compiler.planning.sides import Side, Sides

_EXPANDED: Final = frozenset(
    {"ADDRESS", "PORT", "SSLADDRESS", "SSLPORT", "MAXDAEMONS", "MAXPERIP", "MAXPERC", "IMAPDSTARTTLS"}
)
"""Settings that start scripts put into the words of couriertcpd, before its environment is made."""


@dataclass(frozen=True, slots=True)
class Service:
    """One listener. Its environment comes from `files`, read one after the other: the last word counts.

    What the start script expands it takes from the daemon's own file first (/usr/sbin/imapd reads imapd-ssl, then
    imapd, and makes the environment in the other order).
    """

    name: str
    daemon: Daemon
    files: tuple[str, ...]
    start: str
    port: str
    address: str
    auth: str = ""
    auth_tls: str = ""
    tls_required: str = ""
    starttls: str = ""
    is_implicit_tls: bool = False
    marker: str = ""
    """What words of the lists of methods begin with, where other words stand among them."""

    @property
    def own(self) -> str:
        """The file that is its own; it alone says whether the listener is started."""
        return str(self.daemon)

    def settings(self, side: Side) -> Mapping[str, str]:
        own = side.settings(self.own)
        return {**side.settings(*self.files), **{name: own[name] for name in _EXPANDED & own.keys()}}

    def is_open(self, side: Side) -> bool:
        """Whether it is started. The files are not there where the service is not installed."""
        return side.settings(self.own).get(self.start, "").upper() in {"YES", "1", "Y"}

    def file(self, sides: Sides, setting: str) -> str:
        """The file that decides a setting, after the change or before; where none says it, that which would."""
        asked = (self.own, *self.files) if setting in _EXPANDED else self.files[::-1]
        for side in (sides.after, sides.before):
            for name in asked:
                if setting in side.settings(name):
                    return name
        return asked[0]


SERVICES: Final = (
    Service(
        "smtp", Daemon.ESMTPD, ("esmtpd",), "ESMTPDSTART", "PORT", "ADDRESS",
        "ESMTPAUTH", "ESMTPAUTH_TLS", "ESMTP_TLS_REQUIRED",
    ),
    Service(
        "submission", Daemon.ESMTPD_MSA, ("esmtpd", "esmtpd-msa"), "ESMTPDSTART", "PORT", "ADDRESS",
        "ESMTPAUTH", "ESMTPAUTH_TLS", "ESMTP_TLS_REQUIRED",
    ),
    Service(
        "smtps", Daemon.ESMTPD_SSL, ("esmtpd", "esmtpd-ssl"), "ESMTPDSSLSTART", "SSLPORT", "SSLADDRESS",
        "ESMTPAUTH", "ESMTPAUTH_TLS", is_implicit_tls=True,
    ),
    Service(
        "imap", Daemon.IMAPD, ("imapd", "imapd-ssl"), "IMAPDSTART", "PORT", "ADDRESS",
        "IMAP_CAPABILITY", "IMAP_CAPABILITY_TLS", "IMAP_TLS_REQUIRED", "IMAPDSTARTTLS", marker="AUTH=",
    ),
    Service(
        "imaps", Daemon.IMAPD_SSL, ("imapd", "imapd-ssl"), "IMAPDSSLSTART", "SSLPORT", "SSLADDRESS",
        "IMAP_CAPABILITY", "IMAP_CAPABILITY_TLS", is_implicit_tls=True, marker="AUTH=",
    ),
    Service(
        "pop3", Daemon.POP3D, ("pop3d", "pop3d-ssl"), "POP3DSTART", "PORT", "ADDRESS",
        "POP3AUTH", "POP3AUTH_TLS", "POP3_TLS_REQUIRED", "POP3_STARTTLS",
    ),
    Service(
        "pop3s", Daemon.POP3D_SSL, ("pop3d", "pop3d-ssl"), "POP3DSSLSTART", "SSLPORT", "SSLADDRESS",
        "POP3AUTH", "POP3AUTH_TLS", is_implicit_tls=True,
    ),
)  # fmt: skip

SUBMISSION: Final = ("submission", "smtps")
"""Services by which users hand in mail."""


def is_set(settings: Mapping[str, str], name: str) -> bool:
    """Whether a flag is on."""
    return settings.get(name, "").upper() in {"1", "YES", "Y"}


def changed_services(sides: Sides) -> tuple[Service, ...]:
    """The services of which a file differs."""
    return tuple(service for service in SERVICES if sides.changed & {*service.files})
