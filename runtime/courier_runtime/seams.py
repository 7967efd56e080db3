"""Every seam of the runtime on one page: what its rooms may ask of each other, and who may stand in for whom.

Each seam has an implementation in memory, which the tests of its neighbours use, and one contract suite that runs over
all implementations. Only `app` names implementations.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal, Protocol

from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.mail.outcome import Outcome
from courier_runtime.mail.reply import Reply
from courier_runtime.mail.terms import Terms
from courier_runtime.snapshot.model import Snapshot


class Clock(Protocol):
    """Time, so that tests can stand still."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for measuring."""
        ...

    async def sleep(self, seconds: float) -> None: ...


# ---- the spool: where a message is safe ---------------------------------------------------------------------------


class Draft(Protocol):
    """A message that is being written. Nothing of it survives a crash before `commit` has returned."""

    @property
    def id(self) -> MessageId:
        """What `commit` will call the first of the messages; its trace header says so, and stands above the text."""
        ...

    async def write(self, data: bytes) -> None:
        """Append text of the message, line ends as LF. Memory stays bounded however much is written.

        Raises SpoolFull.
        """
        ...

    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        """Make the message safe, once for each of the envelopes that share its text, under these terms.

        When this returns, the message survives a crash and a power failure: the instant of responsibility. The messages
        are leased to the caller's queue at once. Raises SpoolFull; then nothing was kept.
        """
        ...

    def text(self) -> Text:
        """What has been written so far, for filters that judge a message before it is accepted."""
        ...

    def abort(self) -> None:
        """Forget the message; after `commit`, nothing."""
        ...


class Text(Protocol):
    """The text of a queued message: headers and body, line ends as LF."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def whole(self) -> bytes | None:
        """All of it where that is in memory already, else None."""
        ...

    @property
    def place(self) -> tuple[str, int] | None:
        """File and offset where all of it lies in one piece, so that others can copy it; None if it does not."""
        ...

    def chunks(self) -> Iterable[bytes]:
        """All of it, in order, at most 64 KiB at a time; reads a file if need be, so call it in a thread."""
        ...


class State(Enum):
    """What has become of a recipient."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """One recipient's record."""

    state: State = State.PENDING
    last: Outcome | None = None
    """The latest attempt's outcome; None before the first."""
    at: float = 0.0
    """When that was."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One message in the queue: its envelope, and what has happened so far."""

    id: MessageId
    envelope: Envelope
    arrived: float
    expires: float
    fax_expires: float
    warns: float
    """When the sender is to be told of the delay; 0 for never."""
    size: int
    progress: tuple[Progress, ...]
    """One for each recipient of the envelope, in its order."""
    attempts: int = 0
    due: float = 0.0
    """Next attempt."""
    is_warned: bool = False
    """The delay notice was made, or the backup relay took its place."""
    is_held: bool = False
    cancelled: tuple[str, ...] = ()
    """Reason lines of a cancellation; empty if there is none."""
    text: Text | None = field(default=None, compare=False)

    @property
    def pending(self) -> tuple[int, ...]:
        """The numbers of the recipients that are still to be served."""
        return tuple(number for number, one in enumerate(self.progress) if one.state is State.PENDING)


class Drafts(Protocol):
    """Where messages begin: all that those who take mail in know of a spool, which another process may own."""

    def begin(self) -> Draft:
        """Start a message."""
        ...

    @property
    def free(self) -> tuple[int, int]:
        """Bytes and inodes that are left for mail."""
        ...


class Spool(Drafts, Protocol):
    """Keeps messages safe and remembers what was done with each. Lease and settle are all that it promises."""

    def attend(self, taker: Callable[[Queued], bool] | None) -> None:
        """Show every message to this taker as soon as it is safe: True takes it, leased, and spares reading it again.

        What the taker leaves, and all that comes while there is none, waits for `lease`.
        """
        ...

    async def lease(self, limit: int, now: float) -> Sequence[Queued]:
        """Messages that are due and that nobody holds; nobody else gets them until `settle` or a restart."""
        ...

    async def record(self, message: Queued, numbers: Sequence[int]) -> None:
        """Record the outcomes of some recipients while others are still being served; the lease stays.

        The same promise as that of `settle`.
        """
        ...

    def release(self, message: Queued) -> None:
        """Give the lease back without an attempt; what `record` was told stays."""
        ...

    async def settle(self, message: Queued) -> None:
        """Record an attempt: the message as it stands now, and give the lease back.

        Once this returns, no crash of this process makes an outcome in it undone: nothing recorded as delivered is
        delivered again. After a power failure a delivery of the last moments may be repeated, never lost.
        """
        ...

    async def remove(self, message: Queued) -> None:
        """Forget a message whose every recipient is served and reported, and give the lease back."""
        ...

    async def change(
        self, name: MessageId, *, due: float | None = None, held: bool | None = None, cancelled: tuple[str, ...] = ()
    ) -> bool:
        """Flush, hold, release or cancel a message, leased or not; False if there is none of this name."""
        ...

    async def flush(self, due: float) -> None:
        """Let no message wait for longer than until then; those that are held stay held."""
        ...

    def scan(self) -> Iterable[Queued]:
        """Every message, for `mailq`; a moment's view."""
        ...

    def find(self, name: MessageId) -> Queued | None:
        """The message of this name; a moment's view."""
        ...

    def next_due(self) -> float | None:
        """When the next unleased, unheld message is due; None for an empty queue."""
        ...

    def __len__(self) -> int:
        """Messages that are kept, whatever their state."""
        ...


# ---- routing and delivery -----------------------------------------------------------------------------------------

Module = Literal["local", "esmtp", "uucp", "fax", "dsn"]


@dataclass(frozen=True, slots=True)
class Hop:
    """Where an address goes next: the module, what it counts as one host, and the address in the module's form."""

    module: Module
    host: str
    """local: `account!ext!uid!gid!home!maildir!quota`; esmtp: the domain; uucp: the path to the neighbour."""
    address: str


@dataclass(frozen=True, slots=True)
class Account:
    """A mailbox owner, whichever back-end knows it."""

    name: str
    """The full login, `user@domain` for hosted accounts."""
    uid: int
    gid: int
    home: str
    maildir: str = ""
    """Where the back-end says that mail goes; empty for the default delivery."""
    quota: str = ""
    full_name: str = ""
    options: str = ""


class Rejected(Exception):
    """Wrong password, or no such account."""


class Unavailable(Exception):
    """A back-end cannot say at the moment."""


@dataclass(frozen=True, slots=True)
class Login:
    """A password in the clear, or the answer to a challenge."""

    user: str
    password: bytes = field(repr=False, default=b"")
    challenge: bytes = b""
    response: bytes = field(repr=False, default=b"")
    """Hexadecimal digest of a CRAM answer; with it, `mechanism` names the hash."""
    mechanism: str = "PLAIN"


class Authenticator(Protocol):
    """Knows the accounts of a snapshot. Temporary trouble is not a wrong password."""

    async def find(self, name: str, service: str, snapshot: Snapshot) -> Account | None:
        """The account of this name, without any password. Raises Unavailable."""
        ...

    async def verify(self, login: Login, service: str, snapshot: Snapshot) -> Account:
        """The account that the login proves. Raises Rejected or Unavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery: one message, one module, one host, and some of its recipients."""

    message: Queued
    hop: Hop
    recipients: tuple[int, ...]
    """Numbers in the envelope, at most the module's MAXRCPT of them."""
    addresses: tuple[str, ...]
    """The module's form of each, in the same order."""
    snapshot: Snapshot

    def recipient(self, number: int) -> Recipient:
        """The envelope's recipient of this number."""
        return self.message.envelope.recipients[number]


class Transport(Protocol):
    """Delivers. A recipient that the answer leaves out counts as deferred, so nobody is lost."""

    async def deliver(self, job: Job) -> Mapping[int, Outcome]: ...


Occasion = Literal["final", "delay"]
"""`final`: every recipient is served or given up. `delay`: those that are pending have been so for long."""


class Intake(Protocol):
    """Takes in a finished message from inside: forwarded mail, notices, `sendmail`."""

    async def submit(
        self, envelope: Envelope, text: AsyncIterable[bytes], comment: str = "", headers: tuple[bytes, ...] = ()
    ) -> Reply:
        """Expand, check and queue as for any source. 2xx once it is safe; the reply says what is wrong otherwise.

        `comment` goes into the trace header's parenthesis, `headers` below that header.
        """
        ...


class Notifier(Protocol):
    """Tells senders what became of their messages (RFC 3464)."""

    def addressee(self, message: Queued, occasion: Occasion) -> str | None:
        """Whom a notice would go to now; None if the message owes none on this occasion. Cheap: asked for all mail."""
        ...

    async def report(self, message: Queued, occasion: Occasion) -> bool:
        """Queue the notice. True once it is safe, or if none was due; False if it must be tried again later."""
        ...


# ---- judgement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refusal:
    """A check's or filter's no."""

    reply: Reply
    recipients: frozenset[int] = frozenset()
    """Numbers in the envelope of those whom it is about; empty for everybody."""


class FilterSource(Protocol):
    """What a filter gets to see of a message before it is accepted."""

    @property
    def envelope(self) -> Envelope: ...

    @property
    def text(self) -> Text: ...


class Filter(Protocol):
    """Judges whole messages; None is consent."""

    async def inspect(self, message: FilterSource) -> Refusal | None: ...


class Suppression(Protocol):
    """The memory of addresses and hosts that fail (Courier's `track` directory)."""

    def verdict(self, address: str) -> Literal["", "failed", "deferred"]:
        """What the newest record within two hours says of an address."""
        ...

    def record(self, address: str, outcome: Outcome) -> None:
        """Remember a failure or deferral; forget an address that works again."""
        ...

    def has_broken_tls(self, host: str) -> bool:
        """Whether STARTTLS failed there within the last two to three hours."""
        ...

    def record_broken_tls(self, host: str) -> None: ...

    def clear(self, address: str | None = None) -> int:
        """Forget one address, or all; the number of addresses forgotten."""
        ...

    def listed(self) -> tuple[str, ...]:
        """The addresses that would be refused now, sorted."""
        ...


# ---- the world ----------------------------------------------------------------------------------------------------


class NoSuchName(Exception):
    """The name does not exist, or has no record of the kind asked for."""

    @property
    def is_absent(self) -> bool:
        """Whether there is no such name at all."""
        return self.args[1:] == (ABSENT,)


ABSENT: Final = "nxdomain"
"""What NoSuchName says of a name that does not exist, behind the name."""


class LookupFailed(Exception):
    """No answer: a time-out, SERVFAIL, or no server."""


class BadRecords(Exception):
    """The answer violates RFC 1035: an address literal where a name belongs, or a circle of CNAMEs."""


class CircularNames(BadRecords):
    """The circle of CNAMEs, where that is what is wrong."""


@dataclass(frozen=True, slots=True, order=True)
class Exchange:
    """A mail exchanger and its addresses."""

    preference: int
    """-1 when the domain's own address records stand in for missing MX records."""
    host: str
    addresses: tuple[str, ...] = ()


class Resolver(Protocol):
    """DNS. Raises NoSuchName, LookupFailed or BadRecords where the methods do not say otherwise."""

    async def addresses(self, name: str, *, prefer_ipv6: bool = False) -> tuple[str, ...]:
        """AAAA and A records."""
        ...

    async def exchanges(self, domain: str, *, prefer_ipv6: bool = False) -> tuple[Exchange, ...]:
        """Mail servers by preference, addresses looked up; one of preference -1 if there is no MX.

        A null MX (RFC 7505) is one exchange with the host `` (empty).
        """
        ...

    async def texts(self, name: str) -> tuple[str, ...]:
        """TXT records, each joined."""
        ...

    async def name_of(self, address: str) -> str | None:
        """The verified host name of an address: its PTR name, if that has the address. None if there is none.

        Raises LookupFailed.
        """
        ...


class Steward(Protocol):
    """Acts in the recipient's name: the only one with the power to."""

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        """The first of these files that exists; None if none does. Raises OSError as the system says it."""
        ...

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        """Put letters into mailboxes, as many as are at hand in one go; an answer for each."""
        ...

    async def run(self, command: Command) -> Exit:
        """Run a program to its end, or to its time limit. Raises OSError if it cannot be started."""
        ...


# ---- what the rooms report ----------------------------------------------------------------------------------------


class Log(Protocol):
    """Lines for people and analysers, in Courier's shapes or as JSON."""

    def info(self, program: str, text: str) -> None: ...

    def error(self, program: str, text: str) -> None: ...


class Counters(Protocol):
    """Counters, by name and labels."""

    def count(self, name: str, value: float = 1.0, **labels: str) -> None: ...


class Metrics(Counters, Protocol):
    """Counters and gauges."""

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def forget(self, name: str, **labels: str) -> None:
        """Show no more the gauge of what is no more, so that they do not gather."""


class Follower(Protocol):
    """Who goes from one generation to the next with all others, or not at all."""

    def prepare(self, new: Snapshot) -> Awaitable[None]:
        """Look whether it could live with a new snapshot, without side effects. Raises Refuses."""
        ...

    def adopt(self, new: Snapshot) -> None:
        """Go over to it. Sessions that are under way stay with the old one."""
        ...


class Actor(Follower, Protocol):
    """A part of the server with a life of its own."""

    name: str

    async def run(self, ready: Callable[[], None]) -> None:
        """Work until cancelled; call `ready` once serving. An exception is a crash: the supervisor restarts it."""
        ...


class Refuses(Exception):
    """Why an actor cannot go over to a new snapshot without a restart."""


class SpoolFull(Exception):
    """No room, or no right, to keep a message now (RFC 5321: 4xx)."""
