"""The worker: takes leased messages, has their recipients routed and served, and sees to what follows.

One task serves a message for one recipient from routing to the last word about it. Nothing that a router, a transport
or a notifier throws is lost: their crash defers what they were working on and is logged. What is not served within its
time, or cancelled, fails; what failed is reported; a message goes when every recipient is served and whoever must be
told has been told.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from inspect import isawaitable
from typing import Any, Final

from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome
from courier_runtime.mail.reply import Reply
from courier_runtime.queue.archive import day_of, store
from courier_runtime.queue.attempt import Attempt
from courier_runtime.queue.concurrency import Turns
from courier_runtime.queue.journal import Journal
from courier_runtime.queue.timetable import Step, Timetable, expired, local_timeout
from courier_runtime.seams import (
    Clock,
    Hop,
    Job,
    Metrics,
    Notifier,
    Occasion,
    Queued,
    Spool,
    Suppression,
    Transport,
    Unavailable,
)
from courier_runtime.snapshot.model import Snapshot

Route = Callable[[str, Snapshot], "Hop | Reply | Awaitable[Hop | Reply]"]
"""Where an address goes next, or why nowhere. Raises Unavailable when that cannot be said now."""

_CRASHED: Final = Deferred(Dialogue(network_error="Internal error, see the server's log."))
_STUCK: Final = Deferred(Dialogue(network_error="The delivery took too long."))
_UNAVAILABLE: Final = Deferred(Dialogue(network_error="The account database is not available."))
_NO_MODULE: Final = Deferred(Dialogue(network_error="The module is not available."))
_SILENT: Final = Deferred()
_LAST_WORDS: Final = 1.0
"""Seconds in which deliveries that are ended may record what they have done; a disk that takes nothing has no more."""
_UNREMEMBERED: Final = frozenset({"uucp", "fax"})
"""Modules whose failures say nothing about an address."""


class Worker:
    """Everything that is in hand. Runs in one event loop."""

    def __init__(
        self,
        *,
        spool: Spool,
        route: Route,
        transports: Mapping[str, Transport],
        notifier: Notifier,
        suppression: Suppression,
        snapshot: Snapshot,
        journal: Journal,
        metrics: Metrics,
        clock: Clock,
        on_change: Callable[[], None],
    ) -> None:
        self._spool, self._route, self._transports = spool, route, transports
        self._notifier, self._suppression = notifier, suppression
        self._journal, self._metrics, self._clock = journal, metrics, clock
        self._on_change = on_change
        self._turns: Turns[tuple[Attempt, Job]] = Turns(snapshot.modules)
        self._in_hand: dict[MessageId, Attempt] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._delivering: dict[asyncio.Task[None], float] = {}
        """Local deliveries under way, and since when."""
        self._stuck: set[asyncio.Task[None]] = set()
        self._is_stopping = False
        self.adopt(snapshot)

    def __len__(self) -> int:
        return len(self._in_hand)

    @property
    def running(self) -> int:
        """Deliveries under way."""
        return self._turns.running

    def adopt(self, snapshot: Snapshot) -> None:
        """Attempts that begin from now on live by this snapshot."""
        self._snapshot = snapshot
        self._timetable = Timetable.of(snapshot.control)
        self._local_timeout = local_timeout(snapshot.control)
        self._turns.adopt(snapshot.modules)

    def begin(self, message: Queued) -> None:
        """Take a leased message in hand."""
        virtual = message.envelope.virtual_host
        attempt = Attempt(message, self._snapshot.for_host(virtual) if virtual else self._snapshot)
        self._in_hand[message.id] = attempt
        self._spawn(attempt, self._serve(attempt))

    def cancel(self, name: MessageId, reasons: tuple[str, ...]) -> None:
        """Let a message that is in hand end with the deliveries that are under way."""
        attempt = self._in_hand.get(name)
        if attempt is not None:
            attempt.cancelled = reasons

    def watch(self) -> None:
        """End local deliveries that take too long."""
        now = self._clock.monotonic()
        for task, since in tuple(self._delivering.items()):
            if now - since > self._local_timeout:
                self._stuck.add(task)
                task.cancel()

    async def stop(self, grace: float) -> None:
        """Start nothing more, let what runs go on for so many seconds at most, and give all leases back."""
        self._is_stopping = True
        self._turns.clear()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=grace)
        finally:
            running = tuple(self._tasks)
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running, timeout=_LAST_WORDS)
            for attempt in self._in_hand.values():
                self._spool.release(attempt.message)
            self._in_hand.clear()

    # ---- an attempt -----------------------------------------------------------------------------------------------

    async def _serve(self, attempt: Attempt) -> None:
        """Route a message and start its deliveries; the first that may start is made in this task."""
        hops = {} if attempt.cancelled else await self._routed(attempt)
        first: tuple[Attempt, Job] | None = None
        for job in attempt.jobs(hops):
            self._turns.put(job.hop.module, job.hop.host, (attempt, job))
            if first is None and not self._is_stopping:
                first = self._turns.take()
            else:
                self._start_waiting()
        if not attempt.jobs_left:
            await self._conclude(attempt)
            return
        if first is not None:
            await self._run(*first)

    def _start_waiting(self) -> None:
        """Start every job whose turn it is."""
        while not self._is_stopping and (turn := self._turns.take()) is not None:
            self._spawn(turn[0], self._run(*turn))

    async def _routed(self, attempt: Attempt) -> dict[int, Hop]:
        """Where the pending recipients go; those that cannot go anywhere have their outcome already."""
        hops: dict[int, Hop] = {}
        for number in attempt.pending:
            found = await self._hop(attempt.message.envelope.recipients[number].address, attempt)
            if isinstance(found, Hop):
                hops[number] = self._backed_up(found, attempt.message)
            else:
                self._note(attempt, number, found, "")
        return hops

    async def _hop(self, address: str, attempt: Attempt) -> Hop | Outcome:
        try:
            found = self._route(address, attempt.snapshot)
            answer = await found if isawaitable(found) else found
        except Unavailable:
            return _UNAVAILABLE
        except Exception:
            self._crashed(f"id={attempt.message.id}: routing <{address}>")
            return _CRASHED
        if isinstance(answer, Reply):
            said = Dialogue(replies=tuple(answer.text.split("\n")), is_smtp=True)
            return Failed(said) if answer.is_permanent else Deferred(said)
        return answer

    def _backed_up(self, hop: Hop, message: Queued) -> Hop:
        """The backup relay's hop for mail that is late."""
        table = self._timetable
        if message.is_warned and table.backup_host and hop.module == table.backup_module:
            return Hop(hop.module, table.backup_host, hop.address)
        return hop

    async def _run(self, attempt: Attempt, job: Job) -> None:
        """Make a delivery whose turn it is."""
        module, host = job.hop.module, job.hop.host
        outcomes: Mapping[int, Outcome] | None = None
        try:
            if not attempt.cancelled:
                self._journal.started(job)
                self._on_change()
                outcomes = await self._delivered(job)
        finally:
            self._turns.leave(module, host)
            self._start_waiting()
        if outcomes is not None:
            for number in job.recipients:
                self._note(attempt, number, outcomes.get(number, _SILENT), module)
        attempt.jobs_left -= 1
        if not attempt.jobs_left:
            await self._conclude(attempt)
        elif outcomes is not None:
            await self._record(attempt, job.recipients)

    async def _record(self, attempt: Attempt, numbers: tuple[int, ...]) -> None:
        """Record outcomes, unless the message's last word, which holds them too, is said in this turn of the loop.

        Deliveries into several mailboxes come back together, so mostly it is: one record for all instead of one each.
        """
        attempt.unrecorded += numbers
        if attempt.unrecorded != list(numbers):
            return  # another delivery of this turn sees to them
        try:
            await asyncio.sleep(0)
        finally:
            numbers, attempt.unrecorded = tuple(attempt.unrecorded), []
            if attempt.jobs_left:
                await self._spool.record(attempt.so_far(), numbers)

    async def _delivered(self, job: Job) -> Mapping[int, Outcome]:
        """What the transport says; a crash or a stuck delivery defers all."""
        transport = self._transports.get(job.hop.module)
        if transport is None:
            return dict.fromkeys(job.recipients, _NO_MODULE)
        task = asyncio.current_task() if job.hop.module == "local" else None
        if task is not None:
            self._delivering[task] = self._clock.monotonic()
        try:
            return await transport.deliver(job)
        except asyncio.CancelledError:
            if task is None or task not in self._stuck:
                raise
            task.uncancel()
            self._journal.trouble(f"Error: stuck delivery, id={job.message.id}, giving up")
            return dict.fromkeys(job.recipients, _STUCK)
        except Exception:
            self._crashed(f"id={job.message.id}: the module {job.hop.module}")
            return dict.fromkeys(job.recipients, _CRASHED)
        finally:
            if task is not None:
                self._delivering.pop(task, None)
                self._stuck.discard(task)

    def _note(self, attempt: Attempt, number: int, outcome: Outcome, module: str) -> None:
        attempt.note(number, outcome, self._clock.now())
        message = attempt.message
        self._journal.outcome(message, number, outcome, module)
        self._metrics.count("deliveries", 1.0, module=module or "queue", outcome=type(outcome).__name__.lower())
        is_telling = module and module not in _UNREMEMBERED
        if message.envelope.is_tracked and is_telling and (not isinstance(outcome, Failed) or outcome.is_remembered):
            self._suppression.record(message.envelope.recipients[number].address, outcome)

    # ---- what follows ---------------------------------------------------------------------------------------------

    async def _conclude(self, attempt: Attempt) -> None:
        """The attempt has ended: the message goes, or is told when to come again."""
        message, now = attempt.message, self._clock.now()
        self._journal.completed(message)
        self._give_up(attempt, now)
        attempts = message.attempts + 1
        if attempt.pending:
            settled = await self._after(attempt, attempts, now)
        else:
            settled = attempt.now(attempts, now + self._timetable.gap(attempts), message.is_warned)
            if await self._is_told(settled, is_delay=False):
                await self._archive(settled, now)
                await self._let_go(message, self._spool.remove(settled))
                return
        await self._let_go(message, self._spool.settle(settled))

    async def _archive(self, finished: Queued, now: float) -> None:
        """Keep a copy where ARCHIVEDIR says. A crash behind the record archives once more, and delivers nothing again.

        What cannot be archived is complained of, and goes: so does Courier, and a queue has no room for an archive.
        """
        directory = self._snapshot.courierd.archivedir
        if directory is None:
            return
        await self._spool.record(finished, range(len(finished.progress)))
        day = day_of(self._snapshot.ground.place(str(directory)), now)
        try:
            await asyncio.to_thread(store, day, finished, now)
        except OSError as error:
            name = f"D{finished.id.serial}"
            self._journal.trouble(f"Unable to move {name} to {day / name}: {error.strerror or error}")

    async def _let_go(self, message: Queued, done: Awaitable[None]) -> None:
        """Hand a message back to the spool, which goes through with it even if this task is cancelled meanwhile."""
        try:
            await done
        except asyncio.CancelledError:
            del self._in_hand[message.id]
            raise
        del self._in_hand[message.id]
        self._on_change()

    def _give_up(self, attempt: Attempt, now: float) -> None:
        """Fail who is pending, if the message was cancelled or has been here for long enough."""
        pending = attempt.pending
        if not pending:
            return
        if attempt.cancelled:
            reasons = tuple(line for line in attempt.cancelled if line) or ("Cancelled by system.",)
            failed = attempt.give_up(pending, Failed(Dialogue(replies=reasons), is_remembered=False), now)
        else:
            failed = attempt.give_up(expired(attempt.message, pending, attempt.fax, now), None, now)
        for number, outcome in failed:
            self._journal.outcome(attempt.message, number, outcome)

    async def _after(self, attempt: Attempt, attempts: int, now: float) -> Queued:
        """The message as it waits for its next attempt, its sender warned if that was due."""
        table, message = self._timetable, attempt.message
        is_warned = message.is_warned
        match table.step(message, now):
            case Step.BACK_UP:
                return attempt.now(attempts, now, is_warned=True)
            case Step.WARN:
                late = attempt.now(attempts, now, is_warned=False)
                if self._notifier.addressee(late, "delay") is None:
                    is_warned = True
                elif await self._is_told(late, is_delay=True):
                    is_warned = True
                    attempts += 1  # so does Courier: making the notice counts as an attempt
            case Step.WAIT:
                pass
        return attempt.now(attempts, now + table.gap(attempts), is_warned)

    async def _is_told(self, message: Queued, is_delay: bool) -> bool:
        """Whether nobody needs to be told, or a notice is safely on its way."""
        occasion: Occasion = "delay" if is_delay else "final"
        try:
            addressee = self._notifier.addressee(message, occasion)
            if addressee is None:
                return True
            self._journal.notifying(message, addressee, is_delay)
            is_told = await self._notifier.report(message, occasion)
        except Exception:
            self._crashed(f"id={message.id}: the notice")
            return False
        self._journal.completed(message)
        return is_told

    # ---- tasks ----------------------------------------------------------------------------------------------------

    def _spawn(self, attempt: Attempt, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._guarded(attempt, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, attempt: Attempt, work: Coroutine[Any, Any, None]) -> None:
        """A defect of ours costs the message a pause, not its place in the queue."""
        try:
            await work
        except Exception:
            message = attempt.message
            self._crashed(f"id={message.id}: the queue")
            if self._in_hand.pop(message.id, None) is not None:
                self._spool.release(message)
                await self._spool.change(message.id, due=self._clock.now() + self._timetable.gap(message.attempts + 1))

    def _crashed(self, what: str) -> None:
        self._journal.trouble(f"{what} crashed: {traceback.format_exc().rstrip()}")
