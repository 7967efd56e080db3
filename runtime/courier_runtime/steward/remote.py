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
from typing import Final

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.steward.order import Decoder, Frame, command_order, letter_order, outcome_of

_READ: Final = 1024 * 1024


class HelperProcess:
    """The helper, started while this process still has root's rights, and the ends of its sockets."""

    def __init__(self, configuration: Path, spool: Path) -> None:
        """Start it; it will open files below these directories and no others."""
        self.orders, theirs = socket.socketpair()
        self._descriptors, their_end = socket.socketpair()
        self._lock = threading.Lock()
        with theirs, their_end:
            numbers = (theirs.fileno(), their_end.fileno())
            directories = (str(configuration), str(spool))
            command = (sys.executable, "-P", "-m", "courier_runtime.steward.helper", *map(str, numbers), *directories)
            self._process = subprocess.Popen(command, pass_fds=numbers)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def listen(self, address: str, port: int) -> socket.socket:
        """A listening socket. Raises OSError as the system says it."""
        return socket.socket(fileno=self._ask({"address": address, "port": port}))

    def open(self, path: Path) -> int:
        """A descriptor to read a file of the configuration from. Raises OSError."""
        return self._ask({"path": str(path)})

    def _ask(self, said: Mapping[str, str | int]) -> int:
        with self._lock:
            self._descriptors.sendall(json.dumps(said).encode())
            data, descriptors, _, _ = socket.recv_fds(self._descriptors, 4096, 1)
        if not data:
            raise OSError(errno.EPIPE, "the helper has ended")
        answer = json.loads(data)
        if "errno" in answer:
            raise OSError(answer["errno"], os.strerror(answer["errno"]))
        return descriptors[0]

    def close(self) -> None:
        """End the helper: it ends by itself once nobody can give it orders."""
        for ours in (self.orders, self._descriptors):
            with contextlib.suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)  # heard even where the event loop still holds the socket
            ours.close()
        self._process.wait()


class RemoteSteward:
    """Acts through the helper. When that has ended, every act fails, so nothing is lost and nothing gets done."""

    def __init__(self, orders: socket.socket) -> None:
        self._socket = orders
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()
        """Set once the helper is gone."""

    async def open(self) -> None:
        """Begin to listen for answers."""
        reader, self._writer = await asyncio.open_connection(sock=self._socket)
        self._reading = asyncio.create_task(self._take_answers(reader), name="steward")

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        """The first of these files that exists."""
        said = {"do": "read", "n": self._number(), "who": [who.uid, who.gid, who.home], "paths": list(paths)}
        outcome = outcome_of(await self._ask(Frame(said)))
        if isinstance(outcome, OSError):
            raise outcome
        return outcome if isinstance(outcome, Instructions) else None

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        """Put letters into mailboxes."""
        frames = await asyncio.gather(*(self._ask(letter_order(self._number(), letter)) for letter in letters))
        return [_stored(outcome_of(frame)) for frame in frames]

    async def run(self, command: Command) -> Exit:
        """Run a program."""
        outcome = outcome_of(await self._ask(command_order(self._number(), command)))
        if isinstance(outcome, Exit):
            return outcome
        raise outcome if isinstance(outcome, OSError) else OSError(errno.EIO, os.strerror(errno.EIO))

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    def abandon(self) -> None:
        """The helper ends what runs by itself, once this process is gone."""

    def _number(self) -> int:
        self._last += 1
        return self._last

    async def _ask(self, order: Frame) -> Frame:
        number = order.said["n"]
        if self._writer is None or self.ended.is_set():
            return _gone(number)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._writer.write(order.encode())
        return await answer

    async def _take_answers(self, reader: asyncio.StreamReader) -> None:
        decoder = Decoder()
        try:
            while data := await reader.read(_READ):
                for frame in decoder.feed(data):
                    waiting = self._waiting.pop(frame.said["n"], None)
                    if waiting is not None and not waiting.done():
                        waiting.set_result(frame)
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            for number, waiting in self._waiting.items():
                if not waiting.done():
                    waiting.set_result(_gone(number))


def _gone(number: int) -> Frame:
    return Frame({"n": number, "errno": errno.EPIPE, "path": ""})


def _stored(outcome: Stored | Exit | None) -> Stored:
    if outcome is None or isinstance(outcome, Exit):
        return OSError(errno.EIO, os.strerror(errno.EIO))
    return outcome
