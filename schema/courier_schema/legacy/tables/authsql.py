"""The files authmysqlrc, authpgsqlrc and authsqliterc: accounts in an SQL table, one keyword and its value a line.

The three say the same things under three prefixes. A Python attribute has one name only, so the rows stand three
times; the meaning of one is the meaning of all.
"""

from typing import Annotated

from courier_schema.legacy.codecs import Count, NumberCodec, Path, Statement, TextCodec
from courier_schema.legacy.table import Absent, Secret, Since, Table, Unread, Until
from courier_schema.legacy.tables.account import HostName
from courier_schema.legacy.tables.authldap import Domain, Keyword

SqlName = Annotated[str, TextCodec(r"\S+", "write a name without blanks", noun="a name in the database")]
Port = Annotated[int, NumberCodec(most=65535)]
Charset = Annotated[str, TextCodec(r"[A-Za-z][\w-]*", "write its name, such as utf8mb4", noun="a character set")]


class DefaultDomain(Table):
    """The domain of login names without one."""

    default_domain: Annotated[Domain, Absent("nothing is appended")] | None = None
    """Domain that completes a login name without one, and that stands for $(domain) then."""


class Authmysqlrc(DefaultDomain, file="authmysqlrc", format="rc", directory="authdir"):
    """The module authmysql. Columns may be any SQL expression."""

    mysql_server: Annotated[HostName, Absent("MYSQL_SOCKET is needed")] | None = "mysql.example.com"
    """Host of the database server."""
    mysql_username: Keyword = "admin"
    """Name under which the module logs in to the database."""
    mysql_password: Annotated[Keyword, Absent("no password"), Secret()] | None = "admin"
    """Password that goes with MYSQL_USERNAME."""
    mysql_ssl_key: Annotated[Path, Absent("no certificate is shown")] | None = None
    """File of the private key that belongs to MYSQL_SSL_CERT."""
    mysql_ssl_cert: Annotated[Path, Absent("no certificate is shown")] | None = None
    """File of the certificate that is shown to the database server."""
    mysql_ssl_cacert: Annotated[Path, Absent("no authority is trusted")] | None = None
    """File of the authorities that the server's certificate is checked against."""
    mysql_ssl_capath: Annotated[Path, Absent("no authority is trusted")] | None = None
    """Directory of such authorities."""
    mysql_ssl_ciphers: Annotated[Keyword, Unread("MYSQL_SSL_CIPHER")] | None = None
    """Meant as the cipher list of the connection, but the module reads the name without the last letter."""
    mysql_socket: Annotated[Path, Absent("a network connection")] | None = None
    """Socket of a database server on this host."""
    mysql_port: Port = 0
    """Port of the database server; 0 for the usual one."""
    mysql_opt: Count = 0
    """Flags for the database library, as a sum."""
    mysql_database: SqlName = "mysql"
    """Database that holds the accounts."""
    mysql_character_set: Annotated[Charset, Absent("the server's default"), Since("0.60.1")] | None = None
    """Character set of the connection."""
    mysql_user_table: SqlName = "passwd"
    """Table of the accounts."""
    mysql_crypt_pwfield: Annotated[Statement, Absent("none")] | None = "crypt"
    """Column with the hashed password; either this one or the clear one is needed."""
    mysql_clear_pwfield: Annotated[Statement, Absent("none")] | None = None
    """Column with the password in clear text, which the CRAM mechanisms need."""
    mysql_uid_field: Annotated[Statement, Absent("uid")] | None = "uid"
    """Column with the numeric user id."""
    mysql_gid_field: Annotated[Statement, Absent("gid")] | None = "gid"
    """Column with the numeric group id."""
    mysql_login_field: Annotated[Statement, Absent("id")] | None = "id"
    """Column that the login name is compared with."""
    mysql_home_field: Annotated[Statement, Absent("home")] | None = "home"
    """Column with the home directory."""
    mysql_name_field: Annotated[Statement, Absent("none")] | None = "name"
    """Column with the person's name."""
    mysql_maildir_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the maildir."""
    mysql_defaultdelivery: Annotated[Statement, Unread("MYSQL_DEFAULTDELIVERY_FIELD")] | None = None
    """Meant as the column with default delivery instructions, but the module reads a name that ends in _FIELD."""
    mysql_quota_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the quota."""
    mysql_auxoptions_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the account options, as option=value with commas between."""
    mysql_where_clause: Annotated[Statement, Absent("every row qualifies")] | None = None
    """Condition that an account's row has to meet as well."""
    mysql_select_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query for one account in place of the one over the columns; $(local_part), $(domain) and $(service) stand for
    the login."""
    mysql_enumerate_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query that lists every account."""
    mysql_chpass_clause: Annotated[Statement, Absent("a statement over the columns")] | None = None
    """Statement that changes a password; $(newpass) and $(newpass_crypt) stand for the new one."""


class Authpgsqlrc(DefaultDomain, file="authpgsqlrc", format="rc", directory="authdir"):
    """The module authpgsql. Columns may be any SQL expression."""

    pgsql_connection: Annotated[Statement, Secret()] = (
        "host=pgsql.example.com port=5400 dbname=template1 user=admin password=admin"
    )
    """Connection string as libpq takes it; it may hold the password."""
    pgsql_database: Annotated[SqlName, Unread("PGSQL_CONNECTION"), Until("0.71.6", "PGSQL_CONNECTION")] | None = None
    """Meant as the database's name, which the connection string gives."""
    pgsql_character_set: Annotated[Charset, Absent("the server's default")] | None = None
    """Character set of the connection."""
    pgsql_user_table: SqlName = "passwd"
    """Table of the accounts."""
    pgsql_crypt_pwfield: Annotated[Statement, Absent("none")] | None = "crypt"
    """Column with the hashed password; either this one or the clear one is needed."""
    pgsql_clear_pwfield: Annotated[Statement, Absent("none")] | None = None
    """Column with the password in clear text, which the CRAM mechanisms need."""
    pgsql_uid_field: Annotated[Statement, Absent("uid")] | None = "uid"
    """Column with the numeric user id."""
    pgsql_gid_field: Annotated[Statement, Absent("gid")] | None = "gid"
    """Column with the numeric group id."""
    pgsql_login_field: Annotated[Statement, Absent("id")] | None = "id"
    """Column that the login name is compared with."""
    pgsql_home_field: Annotated[Statement, Absent("home")] | None = "home"
    """Column with the home directory."""
    pgsql_name_field: Annotated[Statement, Absent("none")] | None = "name"
    """Column with the person's name."""
    pgsql_maildir_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the maildir."""
    pgsql_defaultdelivery: Annotated[Statement, Absent("none")] | None = None
    """Column with the account's own default delivery instructions."""
    pgsql_quota_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the quota."""
    pgsql_auxoptions_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the account options, as option=value with commas between."""
    pgsql_where_clause: Annotated[Statement, Absent("every row qualifies")] | None = None
    """Condition that an account's row has to meet as well."""
    pgsql_select_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query for one account in place of the one over the columns; $(local_part), $(domain) and $(service) stand for
    the login."""
    pgsql_enumerate_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query that lists every account."""
    pgsql_chpass_clause: Annotated[Statement, Absent("a statement over the columns")] | None = None
    """Statement that changes a password; $(newpass) and $(newpass_crypt) stand for the new one."""


class Authsqliterc(DefaultDomain, file="authsqliterc", format="rc", directory="authdir"):
    """The module authsqlite. Columns may be any SQL expression."""

    sqlite_database: Annotated[Path, Since("0.65.0")] = "/var/users.db"
    """File that is the database."""
    sqlite_user_table: SqlName = "passwd"
    """Table of the accounts."""
    sqlite_crypt_pwfield: Annotated[Statement, Absent("none")] | None = "crypt"
    """Column with the hashed password; either this one or the clear one is needed."""
    sqlite_clear_pwfield: Annotated[Statement, Absent("none")] | None = None
    """Column with the password in clear text, which the CRAM mechanisms need."""
    sqlite_uid_field: Annotated[Statement, Absent("uid")] | None = "uid"
    """Column with the numeric user id."""
    sqlite_gid_field: Annotated[Statement, Absent("gid")] | None = "gid"
    """Column with the numeric group id."""
    sqlite_login_field: Annotated[Statement, Absent("id")] | None = "id"
    """Column that the login name is compared with."""
    sqlite_home_field: Annotated[Statement, Absent("home")] | None = "home"
    """Column with the home directory."""
    sqlite_name_field: Annotated[Statement, Absent("none")] | None = "name"
    """Column with the person's name."""
    sqlite_maildir_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the maildir."""
    sqlite_defaultdelivery: Annotated[Statement, Absent("none")] | None = None
    """Column with the account's own default delivery instructions."""
    sqlite_quota_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the quota."""
    sqlite_auxoptions_field: Annotated[Statement, Absent("none")] | None = None
    """Column with the account options, as option=value with commas between."""
    sqlite_where_clause: Annotated[Statement, Absent("every row qualifies")] | None = None
    """Condition that an account's row has to meet as well."""
    sqlite_select_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query for one account in place of the one over the columns; $(local_part), $(domain) and $(service) stand for
    the login."""
    sqlite_enumerate_clause: Annotated[Statement, Absent("a query over the columns")] | None = None
    """Query that lists every account."""
    sqlite_chpass_clause: Annotated[Statement, Absent("a statement over the columns")] | None = None
    """Statement that changes a password; $(newpass) and $(newpass_crypt) stand for the new one."""
