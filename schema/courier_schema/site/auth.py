"""auth: where logins are looked up."""

from typing import Literal

from pydantic import Field

from courier_schema.site.base import Secret, Section
from courier_schema.words import Count, HostName, Line, Name, Path, Port, Positive, Url, Word

Backend = Literal["userdb", "pam", "pwd", "shadow", "ldap", "mysql", "postgresql", "sqlite", "pipe", "custom"]


class Columns(Section):
    """Columns or SQL expressions that describe an account; Courier's customary names when absent."""

    id: Line | None = None
    """Login name."""
    password: Line | None = None
    """Encrypted password."""
    clear_password: Line | None = None
    """Clear password; CRAM methods need it."""
    uid: Line | None = None
    """Numeric user."""
    gid: Line | None = None
    """Numeric group."""
    home: Line | None = None
    """Home directory."""
    name: Line | None = None
    """Full name."""
    maildir: Line | None = None
    """Maildir relative to the home directory."""
    quota: Line | None = None
    """Quota."""
    options: Line | None = None
    """Account options."""
    delivery: Line | None = None
    """Delivery instructions."""


class Queries(Section):
    """Complete SQL statements that replace the query built from the columns."""

    select: Line | None = None
    """Looks up one account."""
    enumerate: Line | None = None
    """Lists all accounts."""
    change_password: Line | None = None
    """Stores a new password."""


class Sql(Section):
    """What all SQL back-ends have in common."""

    table: Line | None = None
    """Table of accounts."""
    columns: Columns = Columns.unsaid()
    """Columns of the table."""
    where: Line | None = None
    """Further condition of every query."""
    queries: Queries = Queries.unsaid()
    """Complete statements instead."""
    default_domain: Line | None = None
    """Domain added to logins without one."""


class Mysql(Sql):
    """Accounts in MySQL or MariaDB."""

    server: HostName | None = None
    """Server; or `socket`."""
    port: Port | None = None
    """Port of the server."""
    socket: Path | None = None
    """Socket of a server on this machine."""
    user: Line | None = None
    """Database user."""
    password: Secret | None = None
    """Password of the database user."""
    database: Line | None = None
    """Database."""
    character_set: Word | None = None
    """Character set of the connection."""


class Postgresql(Sql):
    """Accounts in PostgreSQL."""

    connection: Line
    """Connection string of libpq, such as host=db dbname=mail user=courier."""
    password: Secret | None = None
    """Password, added to the connection string."""


class Sqlite(Sql):
    """Accounts in an SQLite file."""

    database: Path
    """The file."""


class Ldap(Section):
    """Accounts in a directory."""

    uri: list[Url] = Field(min_length=1)
    """Servers, such as ldaps://ldap.example.org."""
    base: Line
    """Base of searches."""
    bind_dn: Line | None = None
    """Name to bind as; anonymous when absent."""
    bind_password: Secret | None = None
    """Password of that name."""
    bind_to_login: bool = False
    """Check passwords by binding as the user; CRAM methods are impossible then."""
    start_tls: bool = False
    """Use StartTLS; excludes ldaps."""
    mail: Line | None = None
    """Attribute with the login address."""
    filter: Line | None = None
    """Condition that accounts must meet."""
    home: Line | None = None
    """Attribute with the home directory."""
    maildir: Line | None = None
    """Attribute with the maildir."""
    crypt_password: Line | None = None
    """Attribute with the encrypted password."""
    clear_password: Line | None = None
    """Attribute with the clear password; CRAM methods need it."""
    uid: Line | None = None
    """Attribute with the numeric user; or `owner`."""
    gid: Line | None = None
    """Attribute with the numeric group."""
    owner: Word | None = None
    """User that owns all mailboxes."""
    owner_group: Word | None = None
    """Group of all mailboxes."""
    default_domain: Line | None = None
    """Domain added to logins without one."""
    timeout: Positive | None = None
    """Seconds until a search is given up."""


class Pipe(Section):
    """Accounts from a program that speaks the authpipe protocol."""

    program: Path
    """The program; `authProg` becomes a link to it."""


class Auth(Section):
    """The authentication daemon."""

    order: list[Backend] | None = None
    """Back-ends in the order in which they are asked; those that are described below when absent."""
    workers: Positive | None = None
    """Processes that serve look-ups."""
    debug: Count | None = None
    """0, 1 or 2; 2 logs passwords."""
    pam: bool = False
    """Use system accounts through PAM."""
    mysql: Mysql | None = None
    """Accounts in MySQL or MariaDB."""
    postgresql: Postgresql | None = None
    """Accounts in PostgreSQL."""
    sqlite: Sqlite | None = None
    """Accounts in an SQLite file."""
    ldap: Ldap | None = None
    """Accounts in a directory."""
    pipe: Pipe | None = None
    """Accounts from a program."""
    ldap_tls: dict[Name, Line] = Field(default={})
    """Variables for the LDAP client library (LDAPTLS_...)."""
