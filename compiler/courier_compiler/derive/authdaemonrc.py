"""authdaemonrc: which back-ends are asked about an account, and what accounts may do by default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy, said, translate
from courier_compiler.parts.backends import DESCRIBED, module_of
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.table import Table, rows_by_name
from courier_schema.legacy.tables.authdaemon import Authdaemonrc
from courier_schema.site.accounts import AccountOptions

_WEBMAIL: Final = {
    "fixed-from": "wbnochangingfrom",
    "fixed-password": "wbnochangepass",
    "x-sender": "wbusexsender",
    "no-images": "wbnoimages",
    "no-receipts": "wbnodsn",
}


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Everything that the site says about the authentication daemon."""
    auth = resolved.site.auth
    yield from _order(resolved)
    yield from copy(Authdaemonrc, auth, ("auth",), {"workers": "daemons"})
    yield from translate(Authdaemonrc, auth, ("auth",), {"debug": "debug_login"}, str)
    options = resolved.site.account_defaults.options
    if options is not None:
        pairs = account_options(options)
        yield Intent(Authdaemonrc(defaultoptions=pairs), ("account_defaults", "options"), "as account options")
    for name, value in auth.ldap_tls.items():
        yield _ldap_tls(Authdaemonrc, name, value)


def _ldap_tls(table: type[Table], name: str, value: str) -> Intent:
    """One variable of the LDAP library: some of them are settings of the file."""
    row, path = rows_by_name(table).get(name), ("auth", "ldap_tls", name)
    return Intent(table(**{row.attribute: value}), path) if row else Intent(table(), path, variables={name: value})


def _order(resolved: ResolvedSite) -> Iterator[Intent]:
    """The order that is said, or every back-end that the site describes: its own accounts, the system's, the rest."""
    auth = resolved.site.auth
    for field, backends in said(auth, ("order",)):
        assert isinstance(backends, list)
        yield Intent(Authdaemonrc(authmodulelist=tuple(map(module_of, backends))), ("auth", field), "as modules")
        return
    described = (
        *(["userdb"] if resolved.mailboxes else []),
        *(["pam"] if auth.pam else []),
        *(name for name in DESCRIBED if getattr(auth, name) is not None),
    )
    if described:
        modules = tuple(map(module_of, described))
        yield Intent(Authdaemonrc(authmodulelist=modules), ("auth",), "the back-ends that the site describes")


def account_options(options: AccountOptions) -> tuple[tuple[str, str], ...]:
    """Rights of an account as the option pairs that Courier's back-ends carry."""
    return (
        *((f"disable{service}", "1") for service in options.disable),
        *((f"disableinsecure{service}", "1") for service in options.require_tls),
        *(("group", group) for group in options.groups),
        *([("sharedgroup", options.shared_group)] if options.shared_group else []),
        *([("mailhost", options.mailhost)] if options.mailhost else []),
        *((_WEBMAIL[restriction], "1") for restriction in options.webmail),
    )


DERIVATIONS = (Derivation("authdaemonrc", derive),)
