"""accounts: mailboxes and their owners, kept in Courier's userdb."""

from typing import ClassVar, Literal

from pydantic import Field

from courier_schema.site.base import Secret, Section
from courier_schema.words import (
    Address,
    Bytes,
    Count,
    Hash,
    HostName,
    Identifier,
    Line,
    LocalPart,
    Path,
    RelativePath,
    Uid,
)

Service = Literal["smtp", "imap", "pop3", "webmail", "calendar"]


class Password(Secret):
    """A password: a hash that may stand in the site, or a secret.

    A revealed secret that is a hash itself ($6$..., {SSHA}...) is used as it is; anything else is a clear
    password and is hashed.
    """

    short: ClassVar[str] = "hash"
    one_of: ClassVar[tuple[str, ...]] = ("hash", *Secret.one_of)

    hash: Hash | None = None
    """Hash of the password, in any form that Courier knows."""


class Quota(Section):
    """Limits of a maildir."""

    short: ClassVar[str] = "size"

    size: Bytes | None = None
    """Total size in bytes, or with K, M, G."""
    messages: Count | None = None
    """Number of messages."""


class AccountOptions(Section):
    """Rights of an account."""

    disable: list[Literal["imap", "pop3", "webmail", "shared"]] = Field(default=[])
    """Services refused to the account; `shared` hides shared folders."""
    require_tls: list[Literal["imap", "pop3"]] = Field(default=[])
    """Services refused to the account unless TLS is on."""
    groups: list[Identifier] = Field(default=[])
    """Groups that folder access rights may name."""
    shared_group: Identifier | None = None
    """Suffix of the index of shared folders that the account sees."""
    mailhost: HostName | None = None
    """Server that holds the mailbox, for the IMAP and POP3 proxies."""
    webmail: list[Literal["fixed-from", "fixed-password", "x-sender", "no-images", "no-receipts"]] = Field(default=[])
    """Restrictions in webmail."""


class Account(Section):
    """One mailbox with its login."""

    home: Path | None = None
    """Home directory; made from `account_defaults.home` when absent."""
    maildir: RelativePath | None = None
    """Maildir, relative to the home directory; the service's default (Maildir) when absent."""
    uid: Uid | None = None
    """Numeric owner of the mailbox."""
    gid: Uid | None = None
    """Numeric group of the mailbox."""
    name: Line | None = None
    """Full name."""
    shell: Path | None = None
    """Login shell; informative."""
    password: Password | None = None
    """Password for all services."""
    passwords: dict[Service, Password] = Field(default={})
    """Passwords that replace `password` for single services."""
    cram: bool = False
    """Also store the secrets that CRAM methods need; takes clear passwords."""
    quota: Quota | None = None
    """Limits of the mailbox."""
    options: AccountOptions | None = None
    """Rights of the account."""
    forward: list[Address] | None = None
    """Send the mail on to these addresses instead of keeping it (an alias of the same name)."""


class AccountDefaults(Section):
    """What accounts get that do not say otherwise."""

    home: Path = "/srv/mail/{domain}/{user}"
    """Home directory; {user}, {domain} and {address} are replaced."""
    uid: Uid | None = None
    """Numeric owner of mailboxes."""
    gid: Uid | None = None
    """Numeric group of mailboxes."""
    maildir: RelativePath | None = None
    """Maildir, relative to the home directory."""
    quota: Quota | None = None
    """Limits of each mailbox."""
    options: AccountOptions | None = None
    """Rights of accounts that do not set the same right themselves (DEFAULTOPTIONS)."""


Accounts = dict[LocalPart, Account]
