"""Mistakes in the descriptions of back-ends: servers without a place, logins by half, words that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath
from courier_schema.site.auth import Ldap, Sql
from courier_schema.site.gateways import LdapAliases

_LOCAL: Final = ("localhost", "127.", "[::1]")
_QUERIES: Final = ("select", "enumerate", "change_password")


def _mysql(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    mysql = resolved.site.auth.mysql
    if mysql is None:
        return
    if mysql.server is None and mysql.socket is None:
        yield Finding(
            ("auth", "mysql"),
            "nothing says where the MySQL server is",
            "add server: with its name, or socket: with the path of its socket",
        )


def _directories(resolved: ResolvedSite) -> Iterator[tuple[SitePath, Ldap | LdapAliases]]:
    if resolved.site.auth.ldap is not None:
        yield ("auth", "ldap"), resolved.site.auth.ldap
    if resolved.site.ldap_aliases is not None:
        yield ("ldap_aliases",), resolved.site.ldap_aliases


def _bind(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, directory in _directories(resolved):
        name, password = directory.bind_dn is not None, directory.bind_password is not None
        if name is not password:
            yield Finding(
                (*path, "bind_dn" if name else "bind_password"),
                "the directory is to be asked under a name without a password"
                if name
                else "the directory is to be asked with a password without a name",
                f"add {'bind_password: {from_file: secrets/ldap}' if name else 'bind_dn'}, or remove both to ask it "
                "anonymously",
            )


def _tls_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    ldap = resolved.site.auth.ldap
    for position, uri in enumerate(ldap.uri if ldap is not None and ldap.start_tls else ()):
        if uri.startswith("ldaps:"):
            yield Finding(
                ("auth", "ldap", "uri", position),
                f"{uri} begins with TLS, and start_tls asks for it once more",
                "remove start_tls, or write ldap:// instead of ldaps://",
            )


def _ldap_in_clear(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for path, directory in _directories(resolved):
        if isinstance(directory, Ldap) and directory.start_tls:
            continue
        for position, uri in enumerate(directory.uri):
            scheme, _, place = uri.partition("://")
            if scheme == "ldap" and not place.startswith(_LOCAL):
                yield Finding(
                    (*path, "uri", position),
                    f"passwords and accounts cross the network to {place.rstrip('/')} in clear text",
                    f"write ldaps://{place}" + (", or start_tls: true" if isinstance(directory, Ldap) else ""),
                )


def _owner(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    ldap = resolved.site.auth.ldap
    if ldap is not None and ldap.owner is not None and ldap.uid is not None:
        yield Finding(
            ("auth", "ldap", "uid"),
            f"the attribute {ldap.uid} is not looked at, because owner gives all mailboxes to {ldap.owner}",
            "keep one of owner and uid",
        )


def _columns(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name in ("mysql", "postgresql", "sqlite"):
        sql: Sql | None = getattr(resolved.site.auth, name)
        if sql is None or any(getattr(sql.queries, query) is None for query in _QUERIES):
            continue
        if sql.columns.model_fields_set or sql.where is not None:
            field = "columns" if sql.columns.model_fields_set else "where"
            yield Finding(
                ("auth", name, field),
                f"{field} is not used, because all three statements are given in full",
                f"remove {field}, or the statements",
            )


def _virtual(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    aliases = resolved.site.ldap_aliases
    if aliases is None or (aliases.virtual_domain is None) is (aliases.virtual_user is None):
        return
    fields = ("virtual_domain", "virtual_user")
    given, lacking = fields if aliases.virtual_domain is not None else fields[::-1]
    yield Finding(
        ("ldap_aliases", given),
        f"{given} is used together with {lacking} only, which is missing",
        f"add {lacking}, or remove {given}",
    )


CHECKS: Final = (
    Check(
        "mysql-nowhere",
        "A MySQL server without a place",
        "The module needs a server's name or the path of a socket. Without either each look-up fails for the time "
        "being, and nobody can log in or get mail.",
        _mysql,
    ),
    Check(
        "ldap-bind-incomplete",
        "Half of a directory login",
        "A directory is asked anonymously, or under a name with its password. With one of the two Courier does not "
        "bind at all, or is refused, and every look-up fails for the time being.",
        _bind,
    ),
    Check(
        "ldap-tls-twice",
        "TLS within TLS",
        "ldaps:// begins with TLS, and start_tls turns a clear-text connection to TLS. A server that already speaks "
        "TLS refuses to begin it again, so both together work with no server.",
        _tls_twice,
    ),
    Check(
        "ldap-in-clear",
        "A directory that is asked in clear text",
        "Every login sends the person's password, or its hash, between this server and the directory. Without TLS "
        "whoever is on the way can read it, or answer in the directory's place.",
        _ldap_in_clear,
        Severity.NOTE,
    ),
    Check(
        "ldap-owner-twice",
        "Two ways to say who owns mailboxes",
        "owner gives all mailboxes to one user of the system, uid reads the owner from each account. Courier looks at "
        "owner first and never at the other.",
        _owner,
        Severity.WARNING,
    ),
    Check(
        "sql-columns-unused",
        "Columns beside complete statements",
        "A statement replaces the query that would be made of the columns. With all three statements given, columns "
        "and where have no effect, and changing them changes nothing.",
        _columns,
        Severity.WARNING,
    ),
    Check(
        "ldap-aliases-half",
        "Half of a whole-domain alias in a directory",
        "Aliases for whole domains need two attributes: the domain, and the account that gets its mail. One of them "
        "alone is ignored.",
        _virtual,
        Severity.WARNING,
    ),
)
