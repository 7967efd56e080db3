"""The steward of a server that was started as root: orders go to the helper, as many at a time as there are."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.steward.order import command_order, outcome_of, read_order, store_order, stored_of
from courier_runtime.wire.channel import Channel, ChannelClosed
from courier_runtime.wire.frames import Frame


class Descriptors:
    """Asks the helper for descriptors, one at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening socket. Raises OSError as the system says it."""
        (descriptor,) = self._ask({"address": address, "port": port})
        return socket.socket(fileno=descriptor)

    def open(self, path: Path) -> int:
        """A descriptor to read a file of the configuration from. Raises OSError."""
        (descriptor,) = self._ask({"path": str(path)})
        return descriptor

    def compiler(self) -> tuple[int, int]:
        """A compiler that has begun: what it says, and what ends it once it is closed. Raises OSError."""
        said, life = self._ask({"compiler": True})
        return said, life

    def _ask(self, said: Mapping[str, str | int]) -> Sequence[int]:
        with self._lock:
            self._end.sendall(json.dumps(said).encode())
            data, descriptors, _, _ = socket.recv_fds(self._end, 4096, 2)
        if not data:
            raise OSError(errno.EPIPE, "the helper has ended")
        answer = json.loads(data)
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        return descriptors


class HelperProcess:
    """The helper, and our ends of its sockets. One for a server of root's has to be started with root's rights."""

    def __init__(
        self, configuration: Path, spool: Path, *, is_own: bool = False, askers: int = 0, compiler: Sequence[str] = ()
    ) -> None:
        """Start it. It will open files below these directories and no others.

        With `is_own` all that it does is done as this process's user. `askers` is the number of processes besides this
        one that will ask it for descriptors. `compiler` is the command that it starts when it is asked to.
        """
        pairs = [socket.socketpair() for _ in range(2 + askers)]
        (self.orders, _), (ours, _), *_ = pairs
        self.descriptors = Descriptors(ours)
        self.for_others = tuple(mine for mine, _ in pairs[2:])
        """Sockets for the `Descriptors` of other processes."""
        self._ends = tuple(mine for mine, _ in pairs)
        theirs = [one.fileno() for _, one in pairs]
        name = "oneself" if is_own else "recipients"
        said = (str(configuration), str(spool), name, json.dumps(compiler), *map(str, theirs))
        command = (sys.executable, "-P", "-m", "courier_runtime.steward.helper", *said)
        self._process = subprocess.Popen(command, pass_fds=theirs)
        for _, one in pairs:
            one.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def close(self) -> None:
        """End the helper: it ends by itself once nobody can give it orders."""
        for ours in self._ends:
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)  # heard even where the event loop still holds the socket
            ours.close()
        self._process.wait()


class RemoteSteward:
    """Acts through the helper. When that has ended, every act fails, so nothing is lost and nothing gets done."""

    def __init__(self, orders: socket.socket) -> None:
        self._socket = orders
        self._channel = Channel()
        self.ended = self._channel.ended
        """Set once the helper is gone."""

    async def open(self) -> None:
        """Begin to give orders."""
        await self._channel.open(self._socket)

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        """The first of these files that exists."""
        outcome = await self._outcome(read_order(who, paths))
        return outcome if isinstance(outcome, Instructions) else None

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        """Put letters into mailboxes."""
        try:
            return stored_of(await self._ask(store_order(letters)))
        except ChannelClosed:
            return [_gone() for _ in letters]

    async def run(self, command: Command) -> Exit:
        """Run a program."""
        outcome = await self._outcome(command_order(command))
        assert isinstance(outcome, Exit), "a program that was started ends"
        return outcome

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _ask(self, order: Frame) -> asyncio.Future[Frame]:
        return self._channel.ask(order.said, order.data)

    async def _outcome(self, order: Frame) -> Instructions | Exit | None:
        try:
            outcome = outcome_of(await self._ask(order))
        except ChannelClosed:
            outcome = _gone()
        if isinstance(outcome, OSError):
            raise outcome
        return outcome


def _gone() -> OSError:
    return OSError(errno.EPIPE, os.strerror(errno.EPIPE))
