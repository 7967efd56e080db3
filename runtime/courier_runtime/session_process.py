"""A process for sessions: it takes mail in, and leaves the queue to the process that owns it.

The second composition root. It ends when its channel closes, at once: without the queue nothing can be accepted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.log import open_log, report_loop
from courier_runtime.observe.metrics import CountsToPass
from courier_runtime.process import new_runner
from courier_runtime.reception import Reception
from courier_runtime.smtp.limits import Verdict
from courier_runtime.smtp.listener import Listener
from courier_runtime.snapshot.load import Found, load_snapshot
from courier_runtime.snapshot.model import Ground, ListenerSettings, Snapshot
from courier_runtime.snapshot.tree import open_for_reading
from courier_runtime.spool.remote import RemoteSpool
from courier_runtime.steward.remote import Descriptors
from courier_runtime.tracking.memory import MemoryTrack
from courier_runtime.wire.channel import Channel
from courier_runtime.wire.frames import Frame
from courier_schema.report import CourierSiteError

PROGRAM: Final = "courieresmtpd"
CRASHED: Final = 70


class SharedGate:
    """The gate of a listener, kept by the process that owns the queue."""

    def __init__(self, channel: Channel, door: int) -> None:
        self._channel = channel
        self._door = door

    async def enter(self, ip: str, own_limit: int | None) -> Verdict:
        """Ask to be let in."""
        asked = self._channel.ask({"do": "enter", "door": self._door, "ip": ip, "own": own_limit})
        try:
            answer = await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._undo(done, ip))
            raise
        verdict: Verdict = answer.said["verdict"]
        return verdict

    def leave(self, ip: str) -> None:
        """Say that a session has ended."""
        self._channel.tell({"do": "leave", "door": self._door, "ip": ip})

    def follow(self, settings: ListenerSettings) -> None:
        """The limits are not kept here."""

    def _undo(self, answered: asyncio.Future[Frame], ip: str) -> None:
        """Who was let in has gone meanwhile."""
        if not answered.cancelled() and answered.exception() is None and not answered.result().said["verdict"]:
            self.leave(ip)


class SessionServer:
    """All that this process serves."""

    def __init__(self, said: Mapping[str, Any], handover: socket.socket, descriptors: Descriptors | None) -> None:
        """`said` is what the owner of the queue tells in the beginning; listening sockets come by the handover."""
        self.channel = Channel(self._hear)
        self._said = said
        self._handover = handover
        self._descriptors = descriptors
        place = said["place"]
        sysconfdir, state, root = (Path(place[name]) for name in ("sysconfdir", "state", "root"))
        manifest = Path(place["manifest"]) if place["manifest"] else None
        self._found = Found(sysconfdir, place["nominal"], manifest, place["prefix"])
        self._ground = Ground(sysconfdir, state, root, place["nominal"], place["prefix"])
        self._log = open_log(said["log"])
        self._clock = SystemClock()
        self._track = MemoryTrack(self._clock)
        self._read: Snapshot | None = None
        self._current: Snapshot | None = None
        self._reception: Reception | None = None
        self._listeners: dict[int, tuple[Listener, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, end: socket.socket) -> None:
        """Serve until the channel closes."""
        asyncio.get_running_loop().set_exception_handler(report_loop(self._log, PROGRAM))
        await self.channel.open(end)
        await self.channel.ended.wait()
        self._log.flush()
        os._exit(0)  # sessions are not wound down: nothing they take could be kept

    def _hear(self, frame: Frame) -> None:
        """Do what the owner of the queue says, in the order in which it is said."""
        match frame.said["do"]:
            case "load":
                self._spawn(self._load(frame))
            case "adopt":
                self._adopt()
            case "learn":
                for record in frame.said["records"]:
                    self._track.learn(*record)
            case "listen":
                self._listen(frame)
            case "close":
                self._spawn(self._close(frame))
            case verb:
                raise AssertionError(f"nobody says {verb}")

    # ---- generations ----------------------------------------------------------------------------------------------

    async def _load(self, question: Frame) -> None:
        """Read the generation that is there now."""
        try:
            found = await asyncio.to_thread(load_snapshot, self._found, self._ground, opener=self._open)
        except CourierSiteError as error:
            self.channel.answer(question, {"trouble": str(error)})
            return
        self._read = found
        self.channel.answer(question, {"version": found.version})

    def _adopt(self) -> None:
        """Go over to the generation that was read last."""
        assert self._read is not None, "it has said which it has read"
        self._current = self._read
        if self._reception is None:
            self._reception = self._composed(self._current)
        for listener, _ in self._listeners.values():
            if listener.name in self._current.listeners:
                listener.adopt(self._current)

    def _composed(self, snapshot: Snapshot) -> Reception:
        spool = RemoteSpool(
            self.channel,
            snapshot.ground.state / "spool",
            self._said["numbers"],
            clock=self._clock,
            pid=os.getpid(),
        )
        return Reception(
            snapshot,
            spool=spool,
            suppression=self._track,
            resolver_servers=self._said["resolvers"],
            alias_owner=tuple(self._said["alias_owner"]),
            log=self._log,
            metrics=CountsToPass(lambda counts: self.channel.tell({"do": "counts", "counts": counts})),
            clock=self._clock,
        )

    def _open(self, path: Path) -> int:
        """A descriptor to read a file of the tree from: with our own rights, else with the helper's. Raises OSError."""
        try:
            return open_for_reading(path)
        except PermissionError:
            if self._descriptors is None:
                raise
            return self._descriptors.open(path)

    # ---- listeners ------------------------------------------------------------------------------------------------

    def _listen(self, question: Frame) -> None:
        assert self._current is not None
        assert self._reception is not None, "listeners come after a generation"
        number, name = question.said["door"], question.said["name"]
        _, descriptors, _, _ = socket.recv_fds(self._handover, 1, question.said["sockets"])
        sockets = [socket.socket(fileno=one) for one in descriptors]
        listener = self._reception.listener(name, self._current, sockets, SharedGate(self.channel, number))
        task = self._spawn(self._serve(listener, sockets, question))
        self._listeners[number] = listener, task

    async def _serve(self, listener: Listener, sockets: Sequence[socket.socket], question: Frame) -> None:
        try:
            await listener.run(lambda: self.channel.answer(question, {}))
        finally:
            for one in sockets:
                one.close()

    async def _close(self, question: Frame) -> None:
        """Let messages finish, and stop."""
        _, task = self._listeners.pop(question.said["door"])
        task.cancel()
        await asyncio.wait((task,))
        self.channel.answer(question, {})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A defect ends the process, loudly; it is started anew."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            for line in "".join(traceback.format_exception(error)).rstrip().split("\n"):
                self._log.error(PROGRAM, line)
            self._log.flush()
            os._exit(CRASHED)


def serve_sessions(beginning: Mapping[str, Any], sockets: Sequence[socket.socket]) -> NoReturn:
    """The life of such a process.

    `sockets` are the channel, the one by which listening sockets come, and the one on which the helper is asked for
    files, if there is one.
    """
    end, handover, *asker = sockets
    server = SessionServer(beginning, handover, Descriptors(asker[0]) if asker else None)
    try:
        with new_runner() as runner:
            runner.run(server.run(end))
    finally:
        os._exit(CRASHED)
