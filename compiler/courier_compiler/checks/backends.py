"""Mistakes in the descriptions of back-ends: servers without a place, logins by half, words that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import decided, said_at, value_in_force
from courier_compiler.host import HostView
from courier_compiler.parts.backends import DESCRIBED, SQL_PREFIXES
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity, SitePath
from courier_schema.site.auth import Sql

_LOCAL: Final = ("localhost", "127.", "[::1]")
_ACCOUNTS: Final = "authldaprc"
_STATEMENTS: Final = ("select", "enumerate", "chpass")
_COLUMNS: Final = (
    "where_clause", "login_field", "crypt_pwfield", "clear_pwfield", "uid_field", "gid_field", "home_field",
    "name_field", "maildir_field", "quota_field", "auxoptions_field",
)  # fmt: skip
_VIRTUAL: Final = ("virtual_domain", "virtual_user")
_VIRTUAL_ROWS: Final = ("LDAP_VDOMAIN", "LDAP_VUSER")


def _mysql(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if "authmysqlrc" not in resolved.settings:
        return
    if not any(decided(resolved, "authmysqlrc", place)[0] for place in ("mysql_server", "mysql_socket")):
        yield Finding(
            ("auth", "mysql") if resolved.site.auth.mysql is not None else ("settings", "authmysqlrc"),
            "nothing says where the MySQL server is",
            "add server: with its name, or socket: with the path of its socket",
        )


def _directories(resolved: ResolvedSite) -> Iterator[str]:
    """The settings files of directories that this host asks."""
    return (file for file in (_ACCOUNTS, "ldapaliasrc") if file in resolved.settings)


def _servers(resolved: ResolvedSite, file: str) -> Iterator[tuple[SitePath, str]]:
    """The URIs of a directory, each with its place."""
    servers, path = decided(resolved, file, "ldap_uri")
    is_list = isinstance(said_at(resolved, path), list)
    for position, uri in enumerate(servers or ()):
        yield (*path, position) if is_list else path, str(uri)


def _bind(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file in _directories(resolved):
        (name, named_at), (password, given_at) = (
            decided(resolved, file, row) for row in ("ldap_binddn", "ldap_bindpw")
        )
        if bool(name) is not bool(password):
            yield Finding(
                named_at if name else given_at,
                "the directory is to be asked under a name without a password"
                if name
                else "the directory is to be asked with a password without a name",
                f"add {'bind_password: {from_file: secrets/ldap}' if name else 'bind_dn'}, or remove both to ask it "
                "anonymously",
            )


def _tls_twice(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if not decided(resolved, _ACCOUNTS, "ldap_tls")[0]:
        return
    for path, uri in _servers(resolved, _ACCOUNTS):
        if uri.startswith("ldaps:"):
            yield Finding(
                path,
                f"{uri} begins with TLS, and start_tls asks for it once more",
                "remove start_tls, or write ldap:// instead of ldaps://",
            )


def _ldap_in_clear(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for file in _directories(resolved):
        if value_in_force(resolved, file, "ldap_tls"):
            continue
        for path, uri in _servers(resolved, file):
            scheme, _, place = uri.partition("://")
            if scheme == "ldap" and not place.startswith(_LOCAL):
                yield Finding(
                    path,
                    f"passwords and accounts cross the network to {place.rstrip('/')} in clear text",
                    f"write ldaps://{place}" + (", or start_tls: true" if file == _ACCOUNTS else ""),
                )


def _owner(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    (owner, owned_at), (uid, path) = (decided(resolved, _ACCOUNTS, row) for row in ("ldap_glob_uid", "ldap_uid"))
    if owner and uid:
        yield Finding(
            path,
            f"the attribute {uid} is not looked at, because {owned_at[-1]} gives all mailboxes to {owner}",
            f"keep one of {owned_at[-1]} and {path[-1]}",
        )


def _columns(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    for name, prefix in SQL_PREFIXES.items():
        file = DESCRIBED[name]
        if not all(decided(resolved, file, f"{prefix}_{statement}_clause")[0] for statement in _STATEMENTS):
            continue
        sql: Sql | None = getattr(resolved.site.auth, name)
        unused: list[SitePath] = [("auth", name, "columns")] if sql is not None and sql.columns.model_fields_set else []
        said = (decided(resolved, file, f"{prefix}_{row}")[1] for row in _COLUMNS)
        unused += [path for path in said if path and path[:3] != ("auth", name, "columns")]
        for path in unused[:1]:
            field = path[-1]
            yield Finding(
                path,
                f"{field} is not used, because all three statements are given in full",
                f"remove {field}, or the statements",
            )


def _virtual(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    found = {row: decided(resolved, "ldapaliasrc", row) for row in ("ldap_vdomain", "ldap_vuser")}
    given = [(row, path) for row, (value, path) in found.items() if value]
    if len(given) != 1:
        return
    (row, path), fields = given[0], _VIRTUAL if given[0][1][0] != "settings" else _VIRTUAL_ROWS
    given_as, lacking = fields if row == "ldap_vdomain" else fields[::-1]
    yield Finding(
        path,
        f"{given_as} is used together with {lacking} only, which is missing",
        f"add {lacking}, or remove {given_as}",
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
