"""Envelope, Step, Delivery and Trace: what is asked, what happened on the way, and what came of it. Immutable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from courier_compiler.tracing.strangers import STRANGER
from courier_schema.report import Mark, SitePath

Service = Literal["smtp", "submission", "smtps"]


class Stage(StrEnum):
    """The parts of the way, in their order."""

    CONNECTION = "connection"
    SESSION = "session"
    SENDER = "sender"
    RECIPIENT = "recipient"
    ALIAS = "alias"
    LOCAL = "local"
    ROUTE = "route"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One recipient of one message, as a client brings it. Addresses are those of the SMTP dialogue, without <>."""

    sender: str
    """Empty for the null sender of bounces."""
    recipient: str
    client: str = STRANGER
    """IP address."""
    login: str | None = None
    """Name that the client authenticates as, with the right password."""
    tls: bool = False
    """Whether the session is encrypted before the first command that matters."""
    service: Service = "smtp"


@dataclass(frozen=True, slots=True)
class Why:
    """What decided a step: a line of the site, or the rule, package or default behind it."""

    says: str
    """`aliases.sales`, or a few words where no line of the site decided."""
    path: SitePath = ()
    mark: Mark | None = None

    def __str__(self) -> str:
        return f"{self.mark}: {self.says}" if self.mark else self.says


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a program of Courier finds or does."""

    stage: Stage
    says: str
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client sees last: the command that is answered, and the reply.

    `code` is 0 where the connection is closed or nobody listens, without a reply.
    """

    command: Literal["connect", "AUTH", "MAIL", "RCPT"]
    code: int
    text: str

    @property
    def is_positive(self) -> bool:
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code else self.text


class Kind(StrEnum):
    """The ends of the way."""

    ACCOUNT = "account"
    PROGRAM = "program"
    MAILBOX = "mailbox"
    RELAY = "relay"
    UUCP = "uucp"
    FAX = "fax"
    BOUNCE = "bounce"


@dataclass(frozen=True, slots=True)
class Hop:
    """How mail leaves for a domain."""

    domain: str
    relay: str
    """Host name, or `[address]`; empty for the domain's own mail servers."""
    port: int = 25
    security: str = ""
    """starttls, required, smtps; empty where clear text will do."""
    login: str = ""
    """Name at the relay; empty without credentials."""
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One end: an account's login, a command, the path of a mailbox, or an address elsewhere."""

    kind: Kind
    target: str
    hop: Hop | None = None
    why: Why | None = None

    def __str__(self) -> str:
        return f"|{self.target}" if self.kind is Kind.PROGRAM else self.target


@dataclass(frozen=True, slots=True)
class Notice:
    """Who is told where the message cannot be delivered, unless that notice is dropped as backscatter."""

    address: str
    dropped: bool
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Trace:
    """The whole way of an envelope."""

    envelope: Envelope
    steps: tuple[Step, ...]
    reply: Reply
    deliveries: tuple[Delivery, ...] = ()
    notice: Notice | None = None
    assumed: tuple[str, ...] = ()
    """What a real server would look up or find on the host, taken for favourable here."""

    @property
    def is_accepted(self) -> bool:
        return self.reply.is_positive

    @property
    def decided_by(self) -> Why | None:
        """What decided last."""
        reasons = [step.why for step in self.steps if step.why is not None and step.stage is not Stage.NOTICE]
        return reasons[-1] if reasons else None

    def decisions(self, *stages: Stage) -> Iterator[Why]:
        """The lines of the site that decided anything in these stages, each once."""
        found = dict.fromkeys(step.why for step in self.steps if step.stage in stages)
        return (why for why in found if why is not None and why.mark is not None)
