"""A queue for tests: transports, a notifier and a suppression memory that do as they are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome
from courier_runtime.mail.reply import Reply
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.queue.scheduler import Queue
from courier_runtime.seams import Hop, Job, Occasion, Queued, Spool, State
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.spool.memory import MemorySpool
from runtime.spools import DELIVERED, Lines, StandingClock, text_of
from runtime.trees import snapshot_of

MODULES = {
    "module.local": "PROG=./courierlocal\nPRIORITY=10\nMAXDELS=10\nMAXHOST=4\nMAXRCPT=1\n",
    "module.esmtp": "PROG=./courieresmtp\nPRIORITY=50\nMAXDELS=40\nMAXHOST=4\nMAXRCPT=3\n",
    "module.dsn": "PROG=./courierdsn\nPRIORITY=99\nMAXDELS=4\nMAXHOST=1\nMAXRCPT=1\n",
}
SAID = Dialogue(replies=("451 try later",))
LATER = Deferred(SAID)
NEVER = Failed(Dialogue(replies=("550 no such user",), is_smtp=True))


def snapshot(path: Path, **control: str) -> Snapshot:
    """A configuration with the modules as shipped, and these control files."""
    return snapshot_of(path, {**MODULES, **{name: f"{value}\n" for name, value in control.items()}})


def route(address: str, snapshot: Snapshot) -> Hop | Reply:
    """By the domain: `here` is local, `nowhere` refused, `busy` refused for now; the rest leaves."""
    account, _, domain = address.partition("@")
    match domain:
        case "here":
            return Hop("local", f"{account}!!1!1!/home/{account}!!", account)
        case "nowhere":
            return Reply.of(511, "Unknown user.")
        case "busy":
            return Reply.of(450, "Not now.")
        case _:
            return Hop("esmtp", domain, address)


@dataclass
class Script:
    """A transport whose recipients each have a list of outcomes, and then are delivered."""

    outcomes: dict[str, list[Outcome]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    """Addresses, each time that they got something."""
    before: Callable[[Job], Awaitable[None]] | None = None

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        self.jobs.append(job)
        if self.before is not None:
            await self.before(job)
        return {number: self._next(job.recipient(number).address) for number in job.recipients}

    def _next(self, address: str) -> Outcome:
        script = self.outcomes.get(address)
        outcome = script.pop(0) if script else DELIVERED
        if not isinstance(outcome, Deferred | Failed):
            self.delivered.append(address)
        return outcome


@dataclass
class Notices:
    """A notifier that tells everybody of failures and delays, if it works."""

    sent: list[tuple[Occasion, tuple[str, ...], tuple[tuple[str, ...], ...]]] = field(default_factory=list)
    failures: int = 0
    """How often it fails before it works."""
    is_crashing: bool = False

    def addressee(self, message: Queued, occasion: Occasion) -> str | None:
        return message.envelope.sender if self._about(message, occasion) else None

    async def report(self, message: Queued, occasion: Occasion) -> bool:
        if self.is_crashing:
            raise ZeroDivisionError
        if self.failures:
            self.failures -= 1
            return False
        numbers = self._about(message, occasion)
        said = tuple(last.said.replies if (last := message.progress[n].last) else () for n in numbers)
        addresses = tuple(message.envelope.recipients[n].address for n in numbers)
        self.sent.append((occasion, addresses, said))
        assert message.text is not None
        assert len(text_of(message)) == message.size
        return True

    def _about(self, message: Queued, occasion: Occasion) -> list[int]:
        state = State.FAILED if occasion == "final" else State.PENDING
        return [number for number, one in enumerate(message.progress) if one.state is state]


@dataclass
class Memory:
    """A suppression memory that only writes down."""

    recorded: list[tuple[str, str]] = field(default_factory=list)

    def verdict(self, address: str) -> Literal["", "failed", "deferred"]:
        return ""

    def record(self, address: str, outcome: Outcome) -> None:
        self.recorded.append((address, type(outcome).__name__))

    def has_broken_tls(self, host: str) -> bool:
        return False

    def record_broken_tls(self, host: str) -> None:
        return

    def clear(self, address: str | None = None) -> int:
        return 0

    def listed(self) -> tuple[str, ...]:
        return ()


@dataclass
class Scene:
    """A queue and all its neighbours."""

    snapshot: Snapshot
    clock: StandingClock = field(default_factory=StandingClock)
    lines: Lines = field(default_factory=Lines)
    local: Script = field(default_factory=Script)
    esmtp: Script = field(default_factory=Script)
    notices: Notices = field(default_factory=Notices)
    memory: Memory = field(default_factory=Memory)
    spool: Spool = field(init=False)

    def __post_init__(self) -> None:
        self.spool = MemorySpool(self.clock)

    def queue(self, grace: float = 1.0) -> Queue:
        """A queue that has not begun."""
        return Queue(
            spool=self.spool,
            route=route,
            transports={"local": self.local, "esmtp": self.esmtp},
            notifier=self.notices,
            suppression=self.memory,
            snapshot=self.snapshot,
            log=self.lines,
            metrics=NoMetrics(),
            clock=self.clock,
            grace=grace,
        )

    @asynccontextmanager
    async def running(self, grace: float = 1.0) -> AsyncIterator[Queue]:
        """The queue at work."""
        queue = self.queue(grace)
        ready = asyncio.Event()
        task = asyncio.create_task(queue.run(ready.set))
        await ready.wait()
        try:
            yield queue
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def calm(self, queue: Queue) -> None:
        """Until nothing happens any more."""
        quiet = 0
        while quiet < 5:
            await asyncio.sleep(0.001)
            due = self.spool.next_due()
            is_busy = queue.counts().in_hand > 0 or (due is not None and due <= self.clock.time)
            quiet = 0 if is_busy else quiet + 1

    async def later(self, queue: Queue, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.clock.time += seconds
        queue.wake()
        await self.calm(queue)
