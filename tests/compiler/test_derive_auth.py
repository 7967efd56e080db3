"""From auth, account_defaults and the accounts to authdaemonrc and the files of its back-ends."""

from __future__ import annotations

import pytest

from compiler.resolving import UNSET, decided, files, in_force, said_of
from courier_schema.source.secrets import MASK

LDAP = "auth: {ldap: {uri: ['ldaps://a.example.org', 'ldaps://b.example.org'], base: 'dc=example,dc=org'%s}}"
MYSQL = "auth: {mysql: {server: db.example.org%s}}"
POSTGRESQL = "auth: {postgresql: {connection: host=db dbname=mail%s}}"
SQLITE = "auth: {sqlite: {database: /srv/users.db%s}}"


@pytest.mark.parametrize(
    ("text", "modules"),
    [
        ("auth: {}", None),
        ("accounts: {anna: {}}", "authuserdb"),
        ("auth: {pam: true}", "authpam"),
        ("accounts: {anna: {}}\nauth: {pam: true}", "authuserdb authpam"),
        ("domains: {a.example: {kind: hosted, accounts: {anna: {}}}}", "authuserdb"),
        (LDAP % "", "authldap"),
        (MYSQL % "", "authmysql"),
        (POSTGRESQL % "", "authpgsql"),
        (SQLITE % "", "authsqlite"),
        ("auth: {pipe: {program: /opt/auth}}", "authpipe"),
        ("accounts: {anna: {}}\n" + SQLITE % "", "authuserdb authsqlite"),
        ("auth: {order: [postgresql, userdb, shadow, custom]}", "authpgsql authuserdb authshadow authcustom"),
        ("accounts: {anna: {}}\nauth: {order: [pam]}", "authpam"),
    ],
)
def test_back_ends_are_asked_as_ordered_or_all_that_are_described(text: str, modules: str | None) -> None:
    assert said_of(text, "authdaemonrc", "authmodulelist") == {"authmodulelist": modules}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("auth: {workers: 9}", "daemons", "9"),
        ("auth: {debug: 1}", "DEBUG_LOGIN", "1"),
        ("auth: {ldap_tls: {LDAPTLS_CACERT: /ca.pem}}", "LDAPTLS_CACERT", "/ca.pem"),
        ("auth: {ldap_tls: {LDAPTLS_CIPHER_SUITE: NORMAL}}", "LDAPTLS_CIPHER_SUITE", "NORMAL"),
        (
            "account_defaults: {options: {disable: [imap, shared], require_tls: [pop3], groups: [staff, admin], "
            "shared_group: x, mailhost: one.example.org, webmail: [fixed-from, no-receipts]}}",
            "DEFAULTOPTIONS",
            "disableimap=1,disableshared=1,disableinsecurepop3=1,group=staff,group=admin,sharedgroup=x,"
            "mailhost=one.example.org,wbnochangingfrom=1,wbnodsn=1",
        ),
    ],
)
def test_the_authentication_daemon(text: str, name: str, value: str) -> None:
    assert said_of(text, "authdaemonrc", name) == {name: value}


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("", {"LDAP_URI": "ldaps://a.example.org,ldaps://b.example.org", "LDAP_BASEDN": "dc=example,dc=org"}),
        ("", {"LDAP_INITBIND": "0", "LDAP_BINDDN": UNSET, "LDAP_BINDPW": UNSET}),
        (", bind_dn: 'cn=reader,dc=example'", {"LDAP_INITBIND": "1", "LDAP_BINDDN": "cn=reader,dc=example"}),
        (", bind_to_login: true", {"LDAP_AUTHBIND": "1"}),
        (", start_tls: true", {"LDAP_TLS": "1"}),
        (", mail: address", {"LDAP_MAIL": "address"}),
        (", filter: (objectClass=person)", {"LDAP_FILTER": "(objectClass=person)"}),
        (", home: home", {"LDAP_HOMEDIR": "home"}),
        (", maildir: box", {"LDAP_MAILDIR": "box"}),
        (", crypt_password: pw", {"LDAP_CRYPTPW": "pw"}),
        (", clear_password: clear", {"LDAP_CLEARPW": "clear"}),
        (", uid: uidNumber, gid: gidNumber", {"LDAP_UID": "uidNumber", "LDAP_GID": "gidNumber"}),
        (", owner: vmail, owner_group: vmail", {"LDAP_GLOB_UID": "vmail", "LDAP_GLOB_GID": "vmail"}),
        (", default_domain: example.org", {"LDAP_DOMAIN": "example.org"}),
        (", timeout: 9", {"LDAP_TIMEOUT": "9"}),
    ],
)
def test_a_directory_of_accounts(said: str, settings: dict[str, str]) -> None:
    assert said_of(LDAP % said, "authldaprc", *settings) == settings


@pytest.mark.parametrize(
    ("text", "file", "prefix", "delivery"),
    [
        (MYSQL, "authmysqlrc", "MYSQL", "MYSQL_DEFAULTDELIVERY_FIELD"),
        (POSTGRESQL, "authpgsqlrc", "PGSQL", "PGSQL_DEFAULTDELIVERY"),
        (SQLITE, "authsqliterc", "SQLITE", "SQLITE_DEFAULTDELIVERY"),
    ],
)
def test_the_three_kinds_of_sql_say_the_same_under_their_prefixes(
    text: str, file: str, prefix: str, delivery: str
) -> None:
    columns = (
        "id: a, password: b, clear_password: c, uid: d, gid: e, home: f, name: g, maildir: h, quota: i, options: j"
    )
    queries = "select: SELECT 1, enumerate: SELECT 2, change_password: UPDATE 3"
    said = f", table: t, where: x=1, default_domain: example.org, columns: {{{columns}, delivery: k}}"
    expected = {
        "USER_TABLE": "t", "WHERE_CLAUSE": "x=1", "LOGIN_FIELD": "a", "CRYPT_PWFIELD": "b", "CLEAR_PWFIELD": "c",
        "UID_FIELD": "d", "GID_FIELD": "e", "HOME_FIELD": "f", "NAME_FIELD": "g", "MAILDIR_FIELD": "h",
        "QUOTA_FIELD": "i", "AUXOPTIONS_FIELD": "j", "SELECT_CLAUSE": "SELECT 1", "ENUMERATE_CLAUSE": "SELECT 2",
        "CHPASS_CLAUSE": "UPDATE 3",
    }  # fmt: skip
    settings = {f"{prefix}_{name}": value for name, value in expected.items()}
    settings |= {"DEFAULT_DOMAIN": "example.org", delivery: "k"}
    assert said_of(text % f"{said}, queries: {{{queries}}}", file, *settings) == settings


@pytest.mark.parametrize(
    ("said", "settings"),
    [
        ("", {"MYSQL_SERVER": "db.example.org", "MYSQL_PASSWORD": UNSET}),
        (", port: 3307", {"MYSQL_PORT": "3307"}),
        (", user: mail", {"MYSQL_USERNAME": "mail"}),
        (", database: mail", {"MYSQL_DATABASE": "mail"}),
        (", character_set: utf8mb4", {"MYSQL_CHARACTER_SET": "utf8mb4"}),
    ],
)
def test_a_mysql_server(said: str, settings: dict[str, str]) -> None:
    assert said_of(MYSQL % said, "authmysqlrc", *settings) == settings


def test_a_mysql_socket_needs_no_server() -> None:
    found = said_of("auth: {mysql: {socket: /run/mysql.sock}}", "authmysqlrc", "MYSQL_SERVER", "MYSQL_SOCKET")
    assert found == {"MYSQL_SERVER": UNSET, "MYSQL_SOCKET": "/run/mysql.sock"}


def test_the_customary_column_of_hashes_is_not_asked_for_where_passwords_are_clear() -> None:
    found = said_of(SQLITE % ", columns: {clear_password: pw}", "authsqliterc", "SQLITE_CRYPT_PWFIELD")
    assert found == {"SQLITE_CRYPT_PWFIELD": UNSET}


@pytest.mark.parametrize(
    ("text", "file", "name", "line"),
    [
        (MYSQL % ", password: se cret#1", "authmysqlrc", "MYSQL_PASSWORD", "MYSQL_PASSWORD\tse cret#1"),
        (
            POSTGRESQL % r", password: 'it''s  \n'",
            "authpgsqlrc",
            "PGSQL_CONNECTION",
            r"PGSQL_CONNECTION" + "\thost=db dbname=mail password='it\\'s  \\\\n'",
        ),
        (
            LDAP % ", bind_dn: 'cn=a', bind_password: {from_file: x}",
            "authldaprc",
            "LDAP_BINDPW",
            "LDAP_BINDPW\tfrom the file",
        ),
    ],
)
def test_a_password_is_a_mask_until_the_file_is_built(text: str, file: str, name: str, line: str) -> None:
    assert decided(in_force(text), file)[name] == MASK
    lines = files(text, {"x": "from the file"})[file].splitlines()
    assert line in lines
    assert MASK not in "".join(lines)


def test_examples_of_the_shipped_files_do_not_reach_a_host() -> None:
    text = MYSQL % "" + "\n" + "ldap_aliases: {uri: ['ldap://a.example.org'], base: 'dc=example'}"
    told = "".join(files(text)[file] for file in ("authmysqlrc", "ldapaliasrc"))
    assert not {"admin", "penguin", "administrator"} & set(told.replace("=", "\t").replace(",", "\t").split())
