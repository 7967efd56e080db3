"""Back-ends: what the keyword files of the account library say about databases and directories.

Passwords become secrets. Names that the library has given up are said in today's: the server and port of a
directory as its address, the parts of a PostgreSQL connection as one string. Before Courier 0.43 the column of the
maildir decided about delivery as well, so it is said for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from courier_compiler.importing import conninfo
from courier_compiler.importing.draft import Draft, fits
from courier_compiler.importing.intents import BACKENDS
from courier_compiler.importing.remarks import Remark
from courier_compiler.importing.settings_files import SettingsFile
from courier_schema.report import SitePath
from courier_schema.words import HostName, Line, Path, Port, Positive, Url, Word

_COLUMNS: Final = {
    "LOGIN_FIELD": "id", "CRYPT_PWFIELD": "password", "CLEAR_PWFIELD": "clear_password", "UID_FIELD": "uid",
    "GID_FIELD": "gid", "HOME_FIELD": "home", "NAME_FIELD": "name", "MAILDIR_FIELD": "maildir",
    "QUOTA_FIELD": "quota", "AUXOPTIONS_FIELD": "options",
}  # fmt: skip
_QUERIES: Final = {"SELECT_CLAUSE": "select", "ENUMERATE_CLAUSE": "enumerate", "CHPASS_CLAUSE": "change_password"}
_LDAP: Final = {
    "LDAP_BASEDN": ("base", Line), "LDAP_BINDDN": ("bind_dn", Line), "LDAP_MAIL": ("mail", Line),
    "LDAP_FILTER": ("filter", Line), "LDAP_HOMEDIR": ("home", Line), "LDAP_MAILDIR": ("maildir", Line),
    "LDAP_CRYPTPW": ("crypt_password", Line), "LDAP_CLEARPW": ("clear_password", Line), "LDAP_UID": ("uid", Line),
    "LDAP_GID": ("gid", Line), "LDAP_GLOB_UID": ("owner", Word), "LDAP_GLOB_GID": ("owner_group", Word),
    "LDAP_DOMAIN": ("default_domain", Line),
}  # fmt: skip
_OTHER_SECRETS: Final = {"sslpassword", "oauth_client_secret"}
"""Words of a connection that a site has no place of their own for."""
_DELIVERY_SINCE: Final = "Before Courier 0.43 the maildir of an account was its delivery instruction as well."


def take_backends(draft: Draft, files: Mapping[str, SettingsFile]) -> dict[str, SettingsFile]:
    """Describe every back-end that has a file; the files as they would be today."""
    today = dict(files)
    if "authdaemonrc" in files:
        today["authdaemonrc"] = _with_known_modules(draft, files["authdaemonrc"])
    for file, take in (
        ("authmysqlrc", _mysql),
        ("authpgsqlrc", _postgresql),
        ("authsqliterc", _sqlite),
        ("authldaprc", _ldap),
        ("ldapaliasrc", _ldap_aliases),
    ):
        if file in files and files[file].values:
            values = take(draft, dict(files[file].values), files[file])
            today[file] = replace(files[file], own=values, values=values)
    return today


def _with_known_modules(draft: Draft, old: SettingsFile) -> SettingsFile:
    """The list of back-ends without those that today's library has not: its daemon passes over what is missing."""
    name = "authmodulelist"
    modules = old.values.get(name, "").split()
    known = [module for module in modules if module in BACKENDS]
    if not known or known == modules:
        return old
    gone = ", ".join(draft.quoted(module, old.place) for module in modules if module not in BACKENDS)
    says = f"{name} without {gone}: today's account library has no such module and passes over it"
    draft.note(says, old.marks.get(name))
    values = {name: " ".join(known)}
    return replace(old, own={**old.own, **values}, values={**old.values, **values})


def _mysql(draft: Draft, values: dict[str, str], old: SettingsFile) -> dict[str, str]:
    path = ("auth", "mysql")
    draft.say(path, {})
    for name, field, word in (
        ("MYSQL_SERVER", "server", HostName), ("MYSQL_SOCKET", "socket", Path), ("MYSQL_USERNAME", "user", Line),
        ("MYSQL_DATABASE", "database", Line), ("MYSQL_CHARACTER_SET", "character_set", Word),
    ):  # fmt: skip
        _say(draft, values, name, (*path, field), word)
    if (port := values.get("MYSQL_PORT", "")).isdecimal() and fits(Port, int(port)):
        draft.say((*path, "port"), int(port))
    _secret(draft, values, "MYSQL_PASSWORD", (*path, "password"), "mysql-password")
    return _sql(draft, values, old, "MYSQL", path)


def _postgresql(draft: Draft, values: dict[str, str], old: SettingsFile) -> dict[str, str]:
    path = ("auth", "postgresql")
    if "PGSQL_CONNECTION" not in values and "PGSQL_HOST" in values:
        parts = (
            ("host", "PGSQL_HOST"), ("port", "PGSQL_PORT"), ("dbname", "PGSQL_DATABASE"), ("user", "PGSQL_USERNAME"),
            ("options", "PGSQL_OPT"), ("password", "PGSQL_PASSWORD"),
        )  # fmt: skip
        values["PGSQL_CONNECTION"] = conninfo.write(
            {word: text for word, name in parts if (text := values.pop(name, ""))}
        )
        draft.note(
            "the parts of the PostgreSQL connection are one setting since courier-authlib 0.67",
            old.marks.get("PGSQL_HOST"),
        )
    connection = values.get("PGSQL_CONNECTION", "")
    words = conninfo.parse(connection)
    password = (words or {}).pop("password", "")
    draft.say((*path, "connection"), conninfo.write(words) if words and password else connection)
    if password:
        draft.say((*path, "password"), draft.secret("postgresql-password", password))
    if words is None or _OTHER_SECRETS & words.keys():
        draft.concealed.add((*path, "connection"))
    return _sql(draft, values, old, "PGSQL", path)


def _sqlite(draft: Draft, values: dict[str, str], old: SettingsFile) -> dict[str, str]:
    path = ("auth", "sqlite")
    database = values.get("SQLITE_DATABASE", "")
    draft.say((*path, "database"), database if fits(Path, database) else "/var/lib/courier/users.db")
    return _sql(draft, values, old, "SQLITE", path)


def _sql(draft: Draft, values: dict[str, str], old: SettingsFile, prefix: str, path: SitePath) -> dict[str, str]:
    _say(draft, values, f"{prefix}_USER_TABLE", (*path, "table"), Line)
    _say(draft, values, f"{prefix}_WHERE_CLAUSE", (*path, "where"), Line)
    _say(draft, values, "DEFAULT_DOMAIN", (*path, "default_domain"), Line)
    for name, field in _COLUMNS.items():
        _say(draft, values, f"{prefix}_{name}", (*path, "columns", field), Line)
    for name, field in _QUERIES.items():
        _say(draft, values, f"{prefix}_{name}", (*path, "queries", field), Line)
    delivery = f"{prefix}_DEFAULTDELIVERY" + ("_FIELD" if prefix == "MYSQL" else "")
    maildir = values.get(f"{prefix}_MAILDIR_FIELD")
    if maildir and delivery not in values and f"{prefix}_DEFAULTDELIVERY" not in old.markers:
        values[delivery] = maildir
        draft.say((*path, "columns", "delivery"), maildir, [Remark("", _DELIVERY_SINCE)])
        draft.note(
            f"{prefix}_MAILDIR_FIELD decided about delivery before Courier 0.43, so the site says it for both",
            old.marks.get(f"{prefix}_MAILDIR_FIELD"),
        )
    else:
        _say(draft, values, delivery, (*path, "columns", "delivery"), Line)
    return values


def _ldap(draft: Draft, values: dict[str, str], old: SettingsFile) -> dict[str, str]:
    path = ("auth", "ldap")
    uris = _uris(draft, values, old)
    draft.say(path, {"uri": uris})
    for name, (field, word) in _LDAP.items():
        _say(draft, values, name, (*path, field), word)
    if draft.said((*path, "base")) is None:
        draft.say((*path, "base"), values.get("LDAP_BASEDN", ""))
    for name, field in (("LDAP_AUTHBIND", "bind_to_login"), ("LDAP_TLS", "start_tls")):
        if values.get(name) == "1":
            draft.say((*path, field), True)
    if (timeout := values.get("LDAP_TIMEOUT", "")).isdecimal() and fits(Positive, int(timeout)):
        draft.say((*path, "timeout"), int(timeout))
    _secret(draft, values, "LDAP_BINDPW", (*path, "bind_password"), "ldap-password")
    if "LDAP_MAILDIR" in values and "LDAP_DEFAULTDELIVERY" not in {*values, *old.markers}:
        values["LDAP_DEFAULTDELIVERY"] = values["LDAP_MAILDIR"]
        draft.note(
            "LDAP_MAILDIR decided about delivery before Courier 0.43, so the site says it for both",
            old.marks.get("LDAP_MAILDIR"),
        )
    return values


def _ldap_aliases(draft: Draft, values: dict[str, str], old: SettingsFile) -> dict[str, str]:
    if values.get("LDAP_ALIAS", "0") != "1":
        return values
    path = ("ldap_aliases",)
    draft.say(path, {"uri": _uris(draft, values, old), "base": values.get("LDAP_BASEDN", "")})
    for name, field in (
        ("LDAP_BINDDN", "bind_dn"), ("LDAP_MAIL", "mail"), ("LDAP_MAILDROP", "maildrop"),
        ("LDAP_VDOMAIN", "virtual_domain"), ("LDAP_VUSER", "virtual_user"),
    ):  # fmt: skip
        _say(draft, values, name, (*path, field), Line)
    if (count := values.get("LDAP_NUMPROCS", "")).isdecimal() and fits(Positive, int(count)):
        draft.say((*path, "processes"), int(count))
    _secret(draft, values, "LDAP_BINDPW", (*path, "bind_password"), "ldap-aliases-password")
    return values


def _uris(draft: Draft, values: dict[str, str], old: SettingsFile) -> list[str]:
    """The addresses of directory servers, which were host and port before courier-authlib 0.58."""
    if "LDAP_URI" not in values and "LDAP_SERVER" in values:
        port = values.pop("LDAP_PORT", "389")
        hosts = re.split(r"[,\s]+", values.pop("LDAP_SERVER").strip())
        scheme = "ldaps" if port == "636" else "ldap"
        uris = [f"{scheme}://{host}" + ("" if port in {"389", "636"} else f":{port}") for host in hosts]
        values["LDAP_URI"] = ",".join(uris)
        draft.note(
            "the server and port of the directory are one address since courier-authlib 0.58",
            old.marks.get("LDAP_SERVER"),
        )
    uris = [uri for uri in re.split(r"[,\s]+", values.get("LDAP_URI", "")) if fits(Url, uri)]
    return uris or ["ldap://localhost"]


def _say(draft: Draft, values: Mapping[str, str], name: str, path: SitePath, word: object) -> None:
    text = values.get(name)
    if text and fits(word, text):
        draft.say(path, text)


def _secret(draft: Draft, values: Mapping[str, str], name: str, path: SitePath, file: str) -> None:
    if text := values.get(name):
        draft.say(path, draft.secret(file, text))
