"""A channel to another process of the server: questions with their answers, and news that want none.

All that is said in one turn of the event loop leaves in one write. When the other side ends, every question that waits
is answered by `ChannelClosed`, and so is every later one: nobody waits for a process that is gone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from courier_runtime.wire.frames import Decoder, Frame

_NUMBER: Final = "n"
_VERB: Final = "do"

Heard = Callable[[Frame], None]
"""Takes what the other side says of its own accord. A frame with a number is a question, to be `answer`ed."""


class ChannelClosed(ConnectionError):
    """The process at the other end is gone."""


class Channel(asyncio.Protocol):
    """One end of a socket pair. Used from one event loop."""

    def __init__(self, heard: Heard | None = None) -> None:
        self._heard = heard
        self._decoder = Decoder()
        self._waiting: dict[int, asyncio.Future[Frame]] = {}
        self._last = 0
        self._leaving: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.ended = asyncio.Event()
        """Set once the other side is gone, or this one has hung up."""

    async def open(self, end: socket.socket) -> None:
        """Begin to speak and to hear."""
        end.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=end)

    def ask(self, said: Mapping[str, Any], data: bytes = b"") -> asyncio.Future[Frame]:
        """Ask something, `said["do"]`; the answer raises ChannelClosed if none will come."""
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        if self._transport is None:
            answer.set_exception(ChannelClosed("the other process has ended"))
            return answer
        self._last += 1
        self._waiting[self._last] = answer
        self._send(Frame({**said, _NUMBER: self._last}, data))
        return answer

    def tell(self, said: Mapping[str, Any], data: bytes = b"") -> None:
        """Say something that needs no answer; after the end, nobody hears it."""
        if self._transport is not None:
            self._send(Frame(said, data))

    def answer(self, question: Frame, said: Mapping[str, Any], data: bytes = b"") -> None:
        """Answer what the other side asked."""
        self.tell({**said, _NUMBER: question.said[_NUMBER]}, data)

    def close(self) -> None:
        """Hang up, when all that was said has left."""
        if self._transport is not None:
            self._flush()
            self._transport.close()

    # ---- what the event loop tells --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if _VERB in frame.said:
                assert self._heard is not None, "only who listens is spoken to"
                self._heard(frame)
                continue
            waiting = self._waiting.pop(frame.said[_NUMBER], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ChannelClosed("the other process has ended"))
        self._waiting.clear()
        self.ended.set()

    def _send(self, frame: Frame) -> None:
        self._leaving.append(frame.encode())
        if len(self._leaving) == 1:
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        leaving, self._leaving = self._leaving, []
        if leaving and self._transport is not None:
            self._transport.write(b"".join(leaving))
