"""authmysqlrc, authpgsqlrc, authsqliterc: accounts in SQL tables, which the three say alike under their prefixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import Concealed, ResolvedSite
from courier_schema.legacy.table import Table
from courier_schema.legacy.tables.authsql import Authmysqlrc, Authpgsqlrc, Authsqliterc
from courier_schema.report import SitePath
from courier_schema.site.auth import Mysql, Postgresql, Sql

_COMMON: Final = {"table": "user_table", "where": "where_clause"}
_COLUMNS: Final = {
    "id": "login_field",
    "password": "crypt_pwfield",
    "clear_password": "clear_pwfield",
    "uid": "uid_field",
    "gid": "gid_field",
    "home": "home_field",
    "name": "name_field",
    "maildir": "maildir_field",
    "quota": "quota_field",
    "options": "auxoptions_field",
}
_DELIVERY: Final = {"delivery": "defaultdelivery"}
_QUERIES: Final = {"select": "select_clause", "enumerate": "enumerate_clause", "change_password": "chpass_clause"}
_MYSQL: Final = {
    "server": "mysql_server",
    "port": "mysql_port",
    "socket": "mysql_socket",
    "user": "mysql_username",
    "database": "mysql_database",
    "character_set": "mysql_character_set",
}


def _mysql(resolved: ResolvedSite) -> Iterator[Intent]:
    section, path = resolved.site.auth.mysql, ("auth", "mysql")
    if section is None:
        return
    yield Intent(Authmysqlrc(mysql_server=None, mysql_password=None), path, "no shipped example")
    if section.user is None:
        yield Intent(Authmysqlrc(mysql_username=""), (*path, "user"), "no shipped example")
    yield from copy(Authmysqlrc, section, path, _MYSQL)
    yield from _sql(Authmysqlrc, section, path, "mysql")
    yield from _mysql_delivery(section, path)
    if section.password is not None:
        secret = {"mysql_password": Concealed(section.password)}
        yield Intent(Authmysqlrc(), (*path, "password"), concealed=secret)


def _mysql_delivery(section: Mysql, path: SitePath) -> Iterator[Intent]:
    """The name that the module reads differs from the one that its file shows."""
    if section.columns.delivery is not None:
        variables = {"MYSQL_DEFAULTDELIVERY_FIELD": section.columns.delivery}
        yield Intent(Authmysqlrc(), (*path, "columns", "delivery"), variables=variables)


def _postgresql(resolved: ResolvedSite) -> Iterator[Intent]:
    section, path = resolved.site.auth.postgresql, ("auth", "postgresql")
    if section is None:
        return
    yield from copy(Authpgsqlrc, section, path, {"connection": "pgsql_connection"})
    yield from _sql(Authpgsqlrc, section, path, "pgsql")
    yield from copy(Authpgsqlrc, section.columns, (*path, "columns"), _prefixed(_DELIVERY, "pgsql"))
    yield from _postgresql_password(section, path)


def _postgresql_password(section: Postgresql, path: SitePath) -> Iterator[Intent]:
    """The password as a word of the connection string, quoted as libpq wants it."""

    def connection(password: str) -> str:
        escaped = re.sub(r"(['\\])", r"\\\1", password)
        return f"{section.connection} password='{escaped}'"

    if section.password is not None:
        secret = {"pgsql_connection": Concealed(section.password, connection)}
        yield Intent(Authpgsqlrc(), (*path, "password"), "in the connection string", concealed=secret)


def _sqlite(resolved: ResolvedSite) -> Iterator[Intent]:
    section, path = resolved.site.auth.sqlite, ("auth", "sqlite")
    if section is None:
        return
    yield from copy(Authsqliterc, section, path, {"database": "sqlite_database"})
    yield from _sql(Authsqliterc, section, path, "sqlite")
    yield from copy(Authsqliterc, section.columns, (*path, "columns"), _prefixed(_DELIVERY, "sqlite"))


def _sql(table: type[Table], section: Sql, path: SitePath, prefix: str) -> Iterator[Intent]:
    columns = section.columns
    yield from copy(table, section, path, {**_prefixed(_COMMON, prefix), "default_domain": "default_domain"})
    if columns.clear_password is not None and columns.password is None:
        unset = table(**{f"{prefix}_crypt_pwfield": None})
        yield Intent(unset, (*path, "columns", "clear_password"), "there is no column of hashes")
    yield from copy(table, columns, (*path, "columns"), _prefixed(_COLUMNS, prefix))
    yield from copy(table, section.queries, (*path, "queries"), _prefixed(_QUERIES, prefix))


def _prefixed(fields: dict[str, str], prefix: str) -> dict[str, str]:
    return {field: f"{prefix}_{row}" for field, row in fields.items()}


DERIVATIONS = (
    Derivation("authmysqlrc", _mysql, lambda resolved: resolved.site.auth.mysql is not None),
    Derivation("authpgsqlrc", _postgresql, lambda resolved: resolved.site.auth.postgresql is not None),
    Derivation("authsqliterc", _sqlite, lambda resolved: resolved.site.auth.sqlite is not None),
)
