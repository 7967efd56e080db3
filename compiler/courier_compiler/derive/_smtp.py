"""Intents that the three SMTP listeners have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Intent, copy, translate
from courier_compiler.derive._listeners import not_inherited, with_passwords, withheld
from courier_compiler.profile import in_force
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables.esmtpd import Esmtpd
from courier_schema.report import SitePath
from courier_schema.site.listeners import SmtpListener

SMTP: Final[SitePath] = ("listeners", "smtp")

_PLACE: Final = frozenset({"address", "port", "esmtpdstart"})
_FIELDS: Final = {
    "max_connections": "maxdaemons",
    "max_per_address": "maxperip",
    "max_per_network": "maxperc",
    "require_tls": "esmtp_tls_required",
    "require_auth": "auth_required",
    "auth": "esmtpauth",
    "auth_tls": "esmtpauth_tls",
    "check_sender_domain": "bofhcheckdns",
    "tarpit": "tarpit",
    "log_dialog": "esmtp_log_dialog",
}
_NEGATED: Final = {"vrfy": "bofhnovrfy", "expn": "bofhnoexpn", "add_message_id": "noaddmsgid", "add_date": "noadddate"}


def session(table: type[Esmtpd], listener: SmtpListener | None, path: SitePath) -> Iterator[Intent]:
    """What a listener says about its sessions."""
    yield from copy(table, listener, path, _FIELDS)
    yield from withheld(table, listener, path)
    yield from translate(table, listener, path, _NEGATED, lambda value: not value, "the setting says the contrary")


def submission(table: type[Esmtpd], listener: SmtpListener | None, path: SitePath) -> Iterator[Intent]:
    """A listener for the host's own users: logins are needed, and passwords are asked for under TLS only."""
    methods = with_passwords(listener.auth or () if listener else ())
    yield Intent(table(auth_required=True), path, "mail is taken from users only")
    yield Intent(table(esmtpauth=()), path, "no login in clear text")
    yield Intent(table(esmtpauth_tls=methods), path, "logins under TLS")
    yield Intent(table(blacklists=(), drop=()), path, "users are not looked up in DNS lists")
    yield from session(table, listener, path)


def own_session(
    table: type[Esmtpd], resolved: ResolvedSite, own: list[Intent], path: SitePath, base: Iterator[Intent]
) -> Iterator[Intent]:
    """The intents of a file that is read after `esmtpd`, without what that says of the listener `smtp` only."""
    shipped = in_force("esmtpd", resolved.profile)
    assigned = {row.attribute for row, value in in_force(table.file, resolved.profile).items() if value is not None}
    yield from not_inherited(table, base, own, shipped, path, SMTP, _PLACE | assigned)
    yield from own
