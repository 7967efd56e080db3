"""One attempt at a message: whom it still has to reach, in which jobs, and what came of them so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from courier_runtime.mail.outcome import Deferred, Failed, Outcome
from courier_runtime.seams import Hop, Job, Progress, Queued, State
from courier_runtime.snapshot.model import Snapshot


class Attempt:
    """Belongs to the worker. The snapshot is the one that was in force when it began."""

    __slots__ = ("cancelled", "jobs_left", "message", "modules", "progress", "snapshot", "unrecorded")

    def __init__(self, message: Queued, snapshot: Snapshot) -> None:
        self.message = message
        self.snapshot = snapshot
        self.progress = list(message.progress)
        self.modules: dict[int, str] = {}
        """Which module each recipient went to."""
        self.jobs_left = 0
        self.unrecorded: list[int] = []
        """Recipients whose outcomes are about to be recorded."""
        self.cancelled = message.cancelled

    @property
    def pending(self) -> list[int]:
        """Recipients that are still to be served."""
        return [number for number, one in enumerate(self.progress) if one.state is State.PENDING]

    @property
    def fax(self) -> frozenset[int]:
        """Recipients that are faxes."""
        return frozenset(number for number, module in self.modules.items() if module == "fax")

    def note(self, number: int, outcome: Outcome, now: float) -> None:
        """Remember what became of a recipient."""
        state = State.FAILED if isinstance(outcome, Failed) else State.DONE
        self.progress[number] = Progress(State.PENDING if isinstance(outcome, Deferred) else state, outcome, now)

    def jobs(self, hops: Mapping[int, Hop]) -> list[Job]:
        """The recipients in groups of one module, one host, and MAXRCPT of them at most, in their order."""
        groups: dict[tuple[str, str], list[int]] = {}
        for number, hop in hops.items():
            self.modules[number] = hop.module
            groups.setdefault((hop.module, hop.host), []).append(number)
        limits = self.snapshot.modules
        jobs = []
        for (module, _), numbers in groups.items():
            most = max(limits[module].max_recipients, 1) if module in limits else 1
            for at in range(0, len(numbers), most):
                some = tuple(numbers[at : at + most])
                addresses = tuple(hops[number].address for number in some)
                jobs.append(Job(self.message, hops[some[0]], some, addresses, self.snapshot))
        self.jobs_left = len(jobs)
        return jobs

    def now(self, attempts: int, due: float, is_warned: bool) -> Queued:
        """The message as it stands."""
        old = self.message
        return Queued(
            old.id,
            old.envelope,
            old.arrived,
            old.expires,
            old.fax_expires,
            old.warns,
            old.size,
            tuple(self.progress),
            attempts,
            due,
            is_warned,
            old.is_held,
            self.cancelled,
            old.text,
        )

    def so_far(self) -> Queued:
        """The message while the attempt goes on."""
        return self.now(self.message.attempts, self.message.due, self.message.is_warned)

    def give_up(self, numbers: Iterable[int], outcome: Failed | None, now: float) -> list[tuple[int, Failed]]:
        """Fail these recipients: with this outcome, or with what was said last."""
        failed = []
        for number in numbers:
            last = self.progress[number].last
            one = outcome or (Failed() if last is None else Failed(last.said))
            self.note(number, one, now)
            failed.append((number, one))
        return failed
