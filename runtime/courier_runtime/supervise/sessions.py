"""Processes for sessions, seen from the process that owns the queue: started, kept running, told of every change.

They accept clients from the same listening sockets, so the kernel gives each client to one that is free, and a process
that ends takes no client with it that waits to be accepted. What has to be one is asked for here: the limits of a
listener, the queue, and the instant of responsibility.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from courier_runtime.observe.metrics import PrometheusMetrics
from courier_runtime.seams import Log, Refuses
from courier_runtime.smtp.limits import Gate, Verdict
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.spool.filesystem import FilesystemSpool
from courier_runtime.spool.remote import NUMBERS, keep
from courier_runtime.supervise.supervisor import Bearable
from courier_runtime.tracking.memory import Kind, MemoryTrack
from courier_runtime.wire.channel import Channel, ChannelClosed
from courier_runtime.wire.frames import Frame

PROGRAM: Final = "courierd"

_AGAIN: Final = 1.0
"""Seconds until a process that could not read the generation in force tries again."""
_PATIENCE: Final = 5.0
"""Seconds that a process has to end by itself."""


class NurseryProcess:
    """The nursery, and our ends of its sockets."""

    def __init__(self, run: Callable[[socket.socket, socket.socket], None]) -> None:
        """Fork it; `run` is its life. The process may have no threads yet, and still has the rights that it needs."""
        self._orders, orders = socket.socketpair()
        self._handover, handover = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            _close_all_but(0, 1, 2, orders.fileno(), handover.fileno())
            try:
                run(orders, handover)
            finally:
                os._exit(0)
        orders.close()
        handover.close()
        self._channel = Channel(self._hear)
        self._statuses: dict[int, asyncio.Future[int]] = {}
        self.ended = self._channel.ended
        """Set once it is gone, and with it whoever could start more."""

    async def open(self) -> None:
        """Begin to speak with it."""
        await self._channel.open(self._orders)

    async def start(self, beginning: Mapping[str, Any], sockets: Sequence[socket.socket]) -> int:
        """Start a process for sessions; its id. Raises ChannelClosed, and SessionsEnded if the system has none."""
        socket.send_fds(self._handover, [b"\0"], [one.fileno() for one in sockets])
        answer = await self._channel.ask({"do": "fork", "beginning": beginning, "sockets": len(sockets)})
        if "trouble" in answer.said:
            raise SessionsEnded(f"no process could be started: {answer.said['trouble']}")
        pid: int = answer.said["pid"]
        return pid

    async def end(self, pid: int) -> int | None:
        """Wait for a process that was told to end, and end it if it does not; its status, None if nobody knows."""
        status = self._status(pid)
        gone = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait((status, gone), timeout=_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not status.done():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.wait((status, gone), return_when=asyncio.FIRST_COMPLETED)
            return status.result() if status.done() else None
        finally:
            gone.cancel()
            del self._statuses[pid]

    def hang_up(self) -> None:
        """Speak with it no more."""
        self._channel.close()

    def close(self) -> None:
        """End it."""
        for ours in (self._orders, self._handover):
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            ours.close()
        os.waitpid(self.pid, 0)

    def _hear(self, frame: Frame) -> None:
        self._status(frame.said["pid"]).set_result(frame.said["status"])

    def _status(self, pid: int) -> asyncio.Future[int]:
        return self._statuses.setdefault(pid, asyncio.get_running_loop().create_future())


@dataclass(frozen=True, slots=True)
class Door:
    """A listener that the processes serve together."""

    number: int
    name: str
    sockets: Sequence[socket.socket]
    gate: Gate


class Crew:
    """All processes for sessions; an actor of the reload, and the maker of listeners that they serve."""

    name = "crew"

    def __init__(
        self,
        size: int,
        *,
        nursery: NurseryProcess | None,
        beginning: Mapping[str, Any],
        askers: Sequence[socket.socket],
        current: Callable[[], Snapshot],
        spool: FilesystemSpool,
        track: MemoryTrack,
        metrics: PrometheusMetrics,
        log: Log,
    ) -> None:
        """There are none where there is no nursery.

        `beginning` is what each is told when it starts; by `askers` they ask the helper for files.
        """
        self.beginning, self.current, self.spool, self.metrics, self.log = beginning, current, spool, metrics, log
        self.track = track
        self.doors: dict[int, Door] = {}
        self.standing: list[SessionProcess] = []
        """Those that serve the generation in force."""
        self.processes: list[SessionProcess] = []
        if nursery is not None:
            self.processes += [SessionProcess(one, self, nursery, askers[one : one + 1]) for one in range(size)]
        self._numbers = count(1)
        track.on_news = self._pass_on

    @property
    def pids(self) -> list[int]:
        """Process ids of those that serve."""
        return [one.pid for one in self.standing]

    async def prepare(self, new: Snapshot) -> None:
        """Have every process read the new generation. Raises Refuses if one of them finds another."""
        await asyncio.gather(*(one.prepare_for(new) for one in self.standing))

    def adopt(self, new: Snapshot) -> None:
        """Have them go over to it."""
        for one in self.standing:
            one.channel.tell({"do": "adopt"})

    async def open(self, name: str, sockets: Sequence[socket.socket], gate: Gate) -> Door:
        """Have every process serve a listener, those too that are started later."""
        door = Door(next(self._numbers), name, sockets, gate)
        self.doors[door.number] = door
        await asyncio.gather(*(one.listen(door) for one in self.standing))
        return door

    async def close(self, door: Door) -> None:
        """Have them let messages finish, and stop."""
        del self.doors[door.number]
        await asyncio.gather(*(one.close(door) for one in self.standing))

    def _pass_on(self, at: float, kind: Kind, address: str) -> None:
        for one in self.standing:
            one.channel.tell({"do": "learn", "records": ((at, kind, address),)})


class SessionProcess:
    """An actor: one process. It ends when its channel closes, and is started again when it ends by itself."""

    def __init__(self, number: int, crew: Crew, nursery: NurseryProcess, asker: Sequence[socket.socket]) -> None:
        self.name = f"sessions-{number + 1}"
        self.channel = Channel()
        self.pid = 0
        self._crew = crew
        self._nursery = nursery
        self._asker = asker
        self._gates: dict[int, Gate] = {}
        """Of the doors that it serves, those among them that are closing."""
        self._inside: Counter[tuple[int, str]] = Counter()
        """Doors and addresses of the clients that it has."""
        self._entering: set[asyncio.Task[None]] = set()
        self._keeping: set[asyncio.Task[None]] = set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Have it serve until cancelled. Raises SessionsEnded if it does not."""
        first = self._crew.spool.reserve(NUMBERS)
        ours, self._handover = await self._start(first)
        try:
            await self.channel.open(ours)
            with contextlib.suppress(ChannelClosed):
                await self._begin()
                ready()
                await self.channel.ended.wait()
        finally:
            self._leave()
            status = await self._nursery.end(self.pid)
        await self._sweep(range(first, first + NUMBERS))
        raise SessionsEnded(f"process {self.pid} has ended with {status}")

    async def prepare(self, new: Snapshot) -> None:
        """The crew sees to it."""

    def adopt(self, new: Snapshot) -> None:
        """The crew sees to it."""

    async def prepare_for(self, new: Snapshot) -> None:
        """Have it read the new generation. Raises Refuses if it finds another."""
        with contextlib.suppress(ChannelClosed):  # it is started anew, and reads what is in force then
            trouble = _trouble(await self.channel.ask({"do": "load"}), new)
            if trouble:
                raise Refuses(trouble)

    async def listen(self, door: Door) -> None:
        """Have it serve a listener."""
        with contextlib.suppress(ChannelClosed):
            await self._told_to_listen(door)

    async def close(self, door: Door) -> None:
        """Have it let a listener's messages finish, and stop serving it."""
        with contextlib.suppress(ChannelClosed):
            await self.channel.ask({"do": "close", "door": door.number})
            del self._gates[door.number]

    # ---- its life -------------------------------------------------------------------------------------------------

    async def _start(self, first: int) -> tuple[socket.socket, socket.socket]:
        """Our ends of the channel of a new process, and of the way by which listening sockets go to it."""
        self.channel = Channel(self._hear)
        ours, theirs = socket.socketpair()
        handover, taking = socket.socketpair()
        said = {**self._crew.beginning, "numbers": first}
        with theirs, taking, contextlib.ExitStack() as on_failure:
            on_failure.enter_context(ours)
            on_failure.enter_context(handover)
            self.pid = await self._nursery.start(said, [theirs, taking, *self._asker])
            on_failure.pop_all()
        return ours, handover

    async def _sweep(self, numbers: range) -> None:
        """Clear away the texts that it was writing. What it had said is done first: some may be kept by now."""
        while self._keeping:
            await asyncio.wait(self._keeping)
        await self._crew.spool.sweep(numbers)

    async def _begin(self) -> None:
        crew = self._crew
        answer = await self.channel.ask({"do": "load"})
        told = ""
        while trouble := _trouble(answer, crew.current()):
            # A tree that was refused lies there, or one that is not yet in force: then the others serve without it.
            if trouble != told:
                crew.log.error(PROGRAM, f"{self.name} waits for the generation in force: {trouble}")
                told = trouble
            await asyncio.sleep(_AGAIN)
            answer = await self.channel.ask({"do": "load"})
        self.channel.tell({"do": "adopt"})
        self.channel.tell({"do": "learn", "records": tuple(crew.track.records)})
        crew.standing.append(self)
        await asyncio.gather(*(self._told_to_listen(door) for door in crew.doors.values()))

    def _told_to_listen(self, door: Door) -> asyncio.Future[Frame]:
        self._gates[door.number] = door.gate
        socket.send_fds(self._handover, [b"\0"], [one.fileno() for one in door.sockets])
        said = {"do": "listen", "door": door.number, "name": door.name, "sockets": len(door.sockets)}
        return self.channel.ask(said)

    def _leave(self) -> None:
        """It serves no more: nobody is inside, and nobody waits."""
        if self in self._crew.standing:
            self._crew.standing.remove(self)
        self.channel.close()
        self._handover.close()
        for task in self._entering:
            task.cancel()
        for (door, ip), times in self._inside.items():
            for _ in range(times):
                self._gates[door].leave(ip)
        self._inside.clear()
        self._gates.clear()

    # ---- what it asks ---------------------------------------------------------------------------------------------

    def _hear(self, frame: Frame) -> None:
        match frame.said["do"]:
            case "keep":
                self._spawn(self._keeping, self._keep(frame, self.channel))
            case "enter":
                self._enter(frame, frame.said["door"], frame.said["ip"])
            case "leave":
                self._count_out(frame.said["door"], frame.said["ip"])
            case "counts":
                self._crew.metrics.add(frame.said["counts"])
            case verb:
                raise AssertionError(f"nobody says {verb}")

    async def _keep(self, question: Frame, channel: Channel) -> None:
        channel.answer(question, await keep(self._crew.spool, question))

    def _enter(self, question: Frame, door: int, ip: str) -> None:
        entered = self._gates[door].enter(ip, question.said["own"])
        if isinstance(entered, str):
            self._count_in(question, door, ip, entered)
            return

        async def later() -> None:
            self._count_in(question, door, ip, await entered)

        self._spawn(self._entering, later())

    def _count_in(self, question: Frame, door: int, ip: str, verdict: Verdict) -> None:
        if not verdict:
            self._inside[door, ip] += 1
        self.channel.answer(question, {"verdict": verdict})

    def _count_out(self, door: int, ip: str) -> None:
        self._inside[door, ip] -= 1
        if not self._inside[door, ip]:
            del self._inside[door, ip]
        self._gates[door].leave(ip)

    def _spawn(self, tasks: set[asyncio.Task[None]], work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)


class SharedListener:
    """An actor: a listener whose sessions the crew serves."""

    def __init__(self, name: str, crew: Crew, sockets: Sequence[socket.socket], gate: Gate) -> None:
        self.name = name
        self._crew = crew
        self._sockets = sockets
        self._gate = gate
        self.addresses: tuple[tuple[str, int], ...] = ()
        """Where it listens, once it does."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled."""
        sockets = [one.dup() for one in self._sockets]
        door = await self._crew.open(self.name, sockets, self._gate)
        try:
            self.addresses = tuple(one.getsockname()[:2] for one in sockets)
            ready()
            await asyncio.get_running_loop().create_future()
        finally:
            for one in sockets:
                one.close()
            await self._crew.close(door)

    async def prepare(self, new: Snapshot) -> None:
        """Any generation that has this listener will do; where it listens is up to whoever gave the sockets."""

    def adopt(self, new: Snapshot) -> None:
        """New connections are counted by the new generation's limits."""
        self._gate.follow(new.listeners[self.name])


class SessionsEnded(Bearable):
    """A process for sessions has ended by itself, or could not be started again. The others serve meanwhile."""


def _close_all_but(*kept: int) -> None:
    """Leave to the parent what is its: who holds an end of a socket keeps the other end from hearing of the end."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _trouble(answer: Frame, wanted: Snapshot) -> str:
    """Why a process cannot go over to a generation; empty if it has read that one."""
    if "trouble" in answer.said:
        return str(answer.said["trouble"])
    return "" if answer.said["version"] == wanted.version else "the configuration has changed again meanwhile"
