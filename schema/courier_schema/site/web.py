"""webmail and webadmin: the pages in a browser."""

from typing import Literal

from pydantic import Field

from courier_schema.site.base import Secret, Section
from courier_schema.words import (
    Bytes,
    Count,
    Domain,
    HostName,
    IpAddress,
    Line,
    Path,
    Port,
    Positive,
    RelativePath,
    Word,
)


class LoginDomain(Section):
    """One entry of the domain field on the login page."""

    domain: Domain | Literal["*", ""]
    """Mail domain."""
    access: Line = ""
    """Host name or address in the URL that selects this entry."""
    modifier: Word | None = None
    """'@' fixed domain, '-' editable field, anything else the name of a group."""


class AddressBook(Section):
    """An LDAP address book."""

    host: HostName
    """Server."""
    port: Port = 389
    """Port."""
    base: Line
    """Base of searches."""


class Autoreplies(Section):
    """Limits of stored autoreplies."""

    count: Count | None = None
    """How many."""
    size: Bytes | None = None
    """Total bytes."""


class Webmail(Section):
    """Webmail."""

    enabled: bool = True
    """Write its settings."""
    processes: Positive | None = None
    """Idle processes kept ready."""
    calendar: Literal["off", "local", "net"] = "off"
    """Calendars: of each account, or shared."""
    login_domains: list[LoginDomain] = Field(default=[])
    """Domain field of the login page."""
    address_books: dict[Line, AddressBook] = Field(default={})
    """LDAP address books by name."""
    filter_file: RelativePath | None = None
    """maildrop file that the filter screens write, relative to the maildir."""
    filter_maildir: RelativePath | None = None
    """Maildir as that file names it."""
    autoreplies: Autoreplies | None = None
    """Limits of stored autoreplies."""
    name_charset: Word | None = None
    """Character set of full names in the account database (`authcharset`)."""
    host_name: HostName | None = None
    """Host name of a webmail installation without the mail server."""
    idle_timeout: Positive | None = None
    """Seconds after which an idle session ends."""
    session_timeout: Positive | None = None
    """Longest session in seconds."""
    max_message_size: Bytes | None = None
    """Largest message."""
    max_attachment_size: Bytes | None = None
    """Largest attachment."""
    banner_program: Path | None = None
    """Program that prints a banner."""
    dictionary: Word | None = None
    """Spelling dictionary (`ispelldict`)."""


class Webadmin(Section):
    """Web administration."""

    password: Secret | None = None
    """Password of the pages."""
    plain_http: bool | list[IpAddress] = False
    """Allow access without HTTPS: from everywhere, or from these addresses."""
    restart_command: Line | None = None
    """Command that applies changes."""
    auth_restart_command: Line | None = None
    """Command that applies changes of authentication."""
