"""uucp, fax, ldap_aliases and socks: mail and look-ups by other ways."""

from typing import ClassVar, Literal

from pydantic import Field

from courier_schema.site.base import Secret, Section
from courier_schema.words import Address, Line, Lines, Network, Positive, Url, UucpPath, Word

Forwarding = Literal["forward", "gateway", "rmail"]


class Neighbour(Section):
    """What is done for a UUCP neighbour."""

    short: ClassVar[str] = "flags"

    flags: list[Forwarding] = Field(default=[])
    """forward: accept longer paths through it; gateway: accept everything behind it and run rmail there; rmail:
    run rmail there."""


class Uucp(Section):
    """UUCP gateway."""

    node: Word | None = None
    """Own node name; first label of the host name when absent."""
    neighbours: dict[UucpPath, Neighbour] = Field(default={})
    """Known nodes or paths."""
    rewrite_headers: bool = False
    """Rewrite header addresses, too."""
    uux_options: Line | None = None
    """Options for uux: -g GRADE, -j, -r."""


class FaxRule(Section):
    """One rule for telephone numbers, applied in order."""

    rewrite: Line | None = None
    """Pattern and replacement."""
    accept: Line | None = None
    """Pattern and source (local, esmtp, uucp, dsn)."""
    reject: Line | None = None
    """Pattern and source."""
    prefix: bool = False
    """The pattern need only match the beginning."""
    repeat: bool = False
    """Rewrite as often as the pattern matches."""


class FaxNotify(Section):
    """Mail about received faxes."""

    recipient: Address | None = None
    """Who gets it."""
    sender: Line | None = None
    """Return address."""
    from_header: Line | None = None
    """From header."""
    to_header: Line | None = None
    """To header."""
    subject: Line | None = None
    """Subject."""
    delete: bool | None = None
    """Delete the fax files afterwards."""


class Fax(Section):
    """Fax gateway."""

    rules: list[FaxRule] = Field(default=[])
    """Rules for numbers; a number that no rule accepts is refused."""
    cover_page: Lines | None = None
    """troff text of the cover page with %FROM%, %TO%, %SUBJECT%, %DATE% and %PAGES%."""
    notify: FaxNotify | None = None
    """Mail about received faxes."""


class LdapAliases(Section):
    """Aliases in a directory, asked after the alias database."""

    uri: list[Url] = Field(min_length=1)
    """Servers."""
    base: Line
    """Base of searches."""
    bind_dn: Line | None = None
    """Name to bind as."""
    bind_password: Secret | None = None
    """Password of that name."""
    mail: Line | None = None
    """Attribute with the alias."""
    maildrop: Line | None = None
    """Attribute with the recipients."""
    virtual_domain: Line | None = None
    """Attribute with the domain of whole-domain aliases."""
    virtual_user: Line | None = None
    """Attribute with the account of whole-domain aliases."""
    processes: Positive | None = None
    """Processes of the look-up daemon."""


class SocksProxy(Section):
    """Proxies for one network of destinations."""

    servers: list[Line] = Field(min_length=1)
    """Proxies in turn: host, host:port, with /ipv4 or /redirect=domain:port."""
    user: Word | None = None
    """Login at the proxy."""
    password: Secret | None = None
    """Password at the proxy."""


class Socks(Section):
    """SOCKS 5 proxies for outgoing connections."""

    proxies: dict[Network, SocksProxy] = Field(default={})
    """Proxies by destination network; the longest prefix wins."""
    direct: list[Network] = Field(default=["127.0.0.0/8"])
    """Networks reached without a proxy."""
    from_environment: bool = False
    """Let the variable SOCKS_PROXY replace the proxies."""
    server: list[Line] = Field(default=[])
    """Statements for the bundled server (port, anonproxy, authproxy, user, group...), verbatim."""
