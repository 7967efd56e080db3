"""policy: who is refused by name, by DNS or by SPF; dns_lists."""

from typing import ClassVar, Literal

from pydantic import Field

from courier_schema.site.base import Section
from courier_schema.words import Domain, IpAddress, Line, Name, Octets, Positive, Recipient, SenderPattern

SpfResult = Literal[
    "off", "none", "neutral", "pass", "fail", "softfail", "error", "unknown", "all", "allowok", "mailfromok"
]


class MaxRecipients(Section):
    """Recipients of one message."""

    short: ClassVar[str] = "count"

    count: Positive
    """How many are accepted."""
    hard: bool = False
    """Refuse further ones for good instead of for the time being."""


class Spf(Section):
    """Sender Policy Framework: the results that are accepted for each identity."""

    helo: list[SpfResult] | None = None
    """For the HELO name."""
    mail_from: list[SpfResult] | None = None
    """For the return address."""
    header_from: list[SpfResult] | None = None
    """For the From header; mailfromok skips the check when the return address passed."""
    hard_errors: list[SpfResult] | None = None
    """Results that are refused for good; others are refused for the time being."""
    trust_relay_clients: bool | None = None
    """Do not check clients that may relay."""
    quiet: bool | None = None
    """Refuse with a fixed text instead of the domain owner's explanation."""


class Policy(Section):
    """Restrictions that every message passes (the `bofh` file)."""

    deny_senders: list[SenderPattern] = Field(default=[])
    """Return addresses refused: user@domain, @domain, @.domain, user@.domain."""
    deny_mx: list[IpAddress] = Field(default=[])
    """Mail servers whose domains are refused as senders; needs check_sender_domain."""
    freemail: dict[Domain, list[Domain]] = Field(default={})
    """Domains whose mail must come from hosts of that domain or of the listed ones."""
    spam_traps: list[Recipient] = Field(default=[])
    """Recipients that spoil a message for all others."""
    max_recipients: MaxRecipients | None = None
    """Recipients of one message."""
    check_helo: Literal["off", "strict", "soft"] | None = None
    """Check that the HELO name belongs to the client; soft lets failing look-ups pass."""
    max_header_size: Octets | None = None
    """Largest message header, in bytes."""
    spf: Spf | None = None
    """Sender Policy Framework."""


class DnsList(Section):
    """A DNS list of client addresses. A bare name is the zone."""

    short: ClassVar[str] = "zone"

    zone: Domain
    """Zone that is asked."""
    kind: Literal["block", "allow"] = "block"
    """block: refuse listed clients; allow: exempt them from the lists that follow."""
    name: Line | None = None
    """Name shown instead of the zone."""
    variable: Name | None = None
    """Variable that is set; BLOCK, which refuses, when absent."""
    answer: IpAddress | None = None
    """Only this answer counts as a hit."""
    message: Line | None = None
    """Text of the refusal, in which the first @ becomes the client's address; '*' fetches the list's own text."""


class DnsLists(Section):
    """DNS lists, asked in order."""

    short: ClassVar[str] = "lists"

    lists: list[DnsList] = Field(default=[])
    """The lists."""
    drop: bool = False
    """Close the connection of listed clients at once."""
    exclusive: bool | None = None
    """Rename other servers' results about allow lists (ALLOW_EXCLUSIVE)."""
