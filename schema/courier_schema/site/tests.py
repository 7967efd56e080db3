"""tests: what the author expects of the finished host; `courier-compile test` holds it against the compiled files.

Every entry is named by its subject (an address, a network, a domain), or by a sentence, with the subject in a key of
its own. Nothing here reaches a file of the mail host.
"""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from courier_schema.site.base import Section
from courier_schema.site.routing import Security
from courier_schema.words import (
    Address,
    Bytes,
    Count,
    Domain,
    IpAddress,
    Line,
    LocalPart,
    Name,
    Network,
    Port,
    Relay,
    Word,
)

Service = Literal["smtp", "submission", "smtps"]


class Client(Section):
    """Who brings a message. A stranger without a login, unless said."""

    client: IpAddress | None = None
    """Address that the client connects from; that of a stranger when absent."""
    login: Word | None = None
    """Name that the client logs in with."""
    tls: bool | None = None
    """Whether the session is encrypted; true with a login, false without one."""
    listener: Service | None = None
    """Service that takes the message: submission with a login, smtp without one."""


class MailTest(Client):
    """What becomes of a message. A bare list says whom it reaches."""

    short: ClassVar[str] = "reaches"
    one_of: ClassVar[tuple[str, ...]] = ("reaches", "delivered", "refused")

    to: Line | None = None
    """Recipient, where the entry has a name of another kind."""
    sender: Address | Literal["<>"] | None = None
    """Return address; that of a stranger when absent, <> is the null sender."""
    reaches: Line | list[Line] | None = None
    """Exactly those who get it: accounts, addresses elsewhere, "|command" for programs, and paths of mailboxes."""
    delivered: bool | None = None
    """Whether it is accepted, whoever gets it."""
    refused: int | Line | None = None
    """Code of the SMTP reply that refuses it, or words of it."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        return self._give_one()


class ClientTest(Section):
    """What clients of a network may do. A network is tested at its ends and wherever the table says something else."""

    network: Network | None = None
    """Address or network, where the entry has a name of another kind."""
    listener: Service = "smtp"
    """Service that the clients connect to."""
    denied: bool | None = None
    """Whether the connection is closed."""
    relays: bool | None = None
    """Whether they may send mail anywhere without a login."""
    set: dict[Name, Line | int | bool | None] = Field(default={})
    """Variables of their sessions, under Courier's own names; null for one that is not set."""


class ListenerTest(Section):
    """What a service asks of every client."""

    enabled: bool | None = None
    """Whether it is on."""
    needs_tls: bool | None = None
    """Whether nothing is served before encryption."""
    needs_login: bool | None = None
    """Whether no mail is taken without a login."""
    clear_login: bool | None = None
    """Whether logins are offered without encryption."""


class LoginTest(Section):
    """What somebody who is logged in may do."""

    login: Word | None = None
    """Login name, where the entry has a name of another kind."""
    listener: Service = "submission"
    """Service that the login is used at, over TLS."""
    sends_as: Address | list[Address] = Field(default=[])
    """Return addresses that are taken."""
    not_as: Address | list[Address] = Field(default=[])
    """Return addresses that are refused."""


class RouteTest(Section):
    """How mail leaves for a domain. A bare name is the relay; keys that are not given are not tested."""

    short: ClassVar[str] = "via"

    domain: Domain | None = None
    """Destination, where the entry has a name of another kind."""
    via: Relay | None = None
    """Relay that takes the mail."""
    direct: bool | None = None
    """Whether it goes to the domain's own mail servers."""
    port: Port | None = None
    """Port of the relay."""
    security: Security | Literal["none"] | None = None
    """Encryption that the route asks for."""
    login: Word | Literal[False] | None = None
    """Name of this server at the relay; false for none."""


class NoticeTest(Client):
    """Who is told when a message cannot be delivered. A bare value is the address."""

    short: ClassVar[str] = "told"

    sender: Address | Literal["<>"] | None = None
    """Return address of the message, where the entry has a name of another kind."""
    told: Address | Literal[False]
    """Address that gets the notice; false where nobody does."""


class MailboxTest(Section):
    """What an account is given. A bare value is the quota."""

    short: ClassVar[str] = "quota"

    account: LocalPart | Address | None = None
    """Login of the account, where the entry has a name of another kind."""
    quota: Bytes | Literal[False] | None = None
    """Bytes that the mailbox may hold; false for no limit."""
    messages: Count | Literal[False] | None = None
    """Messages that the mailbox may hold; false for no limit."""


class Tests(Section):
    """Expectations of the finished host."""

    mail: dict[Line, MailTest] = Field(default={})
    """By recipient: who gets mail, or how it is refused."""
    clients: dict[Line, ClientTest] = Field(default={})
    """By address or network: who may relay, who is turned away, what is set."""
    listeners: dict[Literal["smtp", "submission", "smtps", "imap", "imaps", "pop3", "pop3s"], ListenerTest] = Field(
        default={}
    )
    """By service: what it asks of clients."""
    logins: dict[Line, LoginTest] = Field(default={})
    """By login: what it may send as."""
    domains: dict[Domain, Literal["local", "hosted", "backup", "refused"]] = Field(default={})
    """By domain: whose accounts get its mail; backup where it is passed on, refused where strangers cannot send to
    it."""
    routes: dict[Line, RouteTest] = Field(default={})
    """By destination: how mail leaves."""
    notices: dict[Line, NoticeTest] = Field(default={})
    """By sender: who is told of failures."""
    mailboxes: dict[Line, MailboxTest] = Field(default={})
    """By account: its quota."""
