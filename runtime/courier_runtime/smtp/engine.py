"""Connections: bytes in, lines and texts out. The only door to aiosmtpd.

aiosmtpd's protocol class is the base: its flow control, its end of a connection and its PROXY parser are used as they
are. What it does per connection and per line is replaced, because it was measured to cost four fifths of the time of a
small message: its constructor inspects every member of two objects, each line is a task switch through a StreamReader
with a new timer, each reply a packet, and a message is held whole. Here one coroutine serves a connection, reads from
one buffer, waits in one place with one timer, and writes the replies to pipelined commands together.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, cast

from aiosmtpd.proxy_protocol import get_proxy
from aiosmtpd.smtp import SMTP

LINE_LIMIT: Final = 5120
"""Bytes of a command line that count; what is longer is cut, not refused."""
BUFFER_LIMIT: Final = 65536
"""Bytes that are read ahead before the other side has to wait."""
HANDSHAKE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Proxied:
    """What a PROXY header says: the client behind the proxy, and the address that it had connected to."""

    address: str
    port: int
    local_address: str


class Connection(SMTP):
    """One connection. `serve` is started with it and owns it: a single reader, a single writer."""

    def __init__(
        self, serve: Callable[[Connection], Coroutine[Any, Any, None]], loop: asyncio.AbstractEventLoop
    ) -> None:
        # Not SMTP's own constructor: see above.
        super(SMTP, self).__init__(cast(asyncio.StreamReader, None), loop=loop)
        self.loop = loop
        self.wire: asyncio.Transport | None = None
        """What bytes go out by; None once the connection is gone."""
        self.task: asyncio.Task[None] | None = None
        self._serve = serve
        self._buffer = bytearray()
        self._searched = 0
        self._overlong: bytes | None = None
        self._replies: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._gone: asyncio.Future[None] | None = None
        self._clear: asyncio.Future[None] | None = None
        """Done once replies may be written again; None while they may."""
        self._is_held = False
        self._is_encrypted = False
        self.is_over = False
        """Nothing more will come."""

    # ---- what the event loop tells -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire = cast(asyncio.Transport, transport)
        self.task = self.loop.create_task(self._serve(self))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > BUFFER_LIMIT and self.wire is not None and not self._is_held:
            self._is_held = True
            self.wire.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        self._end_pause()
        return not self._is_encrypted

    def connection_lost(self, error: Exception | None) -> None:
        self.is_over = True
        self.wire = None
        super(SMTP, self).connection_lost(error)
        self.resume_writing()
        self._wake()
        self._end_pause()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _end_pause(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    # ---- reading -----------------------------------------------------------------------------------------------

    def take_line(self) -> bytes | None:
        """The next command line without its end, if all of it is there."""
        buffer = self._buffer
        end = buffer.find(b"\r\n", self._searched)
        if end < 0:
            self._searched = max(len(buffer) - 1, 0)
            if len(buffer) > LINE_LIMIT:
                self._cut()
            return None
        line = bytes(buffer[: min(end, LINE_LIMIT)]) if self._overlong is None else self._overlong
        self._overlong = None
        self._searched = 0
        del buffer[: end + 2]
        return line

    def _cut(self) -> None:
        """Forget the middle of a line that does not end; its last byte may belong to the end."""
        if self._overlong is None:
            self._overlong = bytes(self._buffer[:LINE_LIMIT])
        del self._buffer[:-1]
        self._searched = 0

    def take(self) -> bytes:
        """Everything that is there."""
        data = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        return data

    def give_back(self, data: bytes) -> None:
        """Put back what was taken too much."""
        self._buffer[:0] = data
        self._searched = 0

    async def line(self, seconds: float) -> bytes | None:
        """The next command line, which has so many seconds to come whole; None once none will."""
        patience: float | None = seconds
        while (line := self.take_line()) is None:
            if not await self.more(patience):
                return None
            patience = None
        return line

    async def more(self, seconds: float | None) -> bool:
        """Send what is to be said and wait for input; False once nothing will come.

        Gives up after so many seconds; with None, when the wait before this one would have given up.
        """
        self.flush()
        if seconds is not None:
            self._deadline = self.loop.time() + seconds
        if self._clear is not None:
            before = len(self._buffer)
            await self._drain(self._clear)
            if len(self._buffer) > before:  # it came while nobody waited, so nobody would be woken
                return True
        if self.is_over:
            return False
        self._set_alarm()
        if self._is_held and self.wire is not None:
            self._is_held = False
            self.wire.resume_reading()
        self._waiter = self.loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return True

    def _set_alarm(self) -> None:
        """Make no new timer where one will ring early enough: it looks at the deadline itself."""
        if self._timer is not None and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None or self.is_over:
            return
        if self.loop.time() < self._deadline:
            self._timer = self.loop.call_at(self._deadline, self._ring)
            return
        self.give_up()

    # ---- writing -----------------------------------------------------------------------------------------------

    def say(self, reply: bytes) -> None:
        """Add a reply; it leaves with the others when input is waited for."""
        self._replies.append(reply)

    def flush(self) -> None:
        """Send what was said."""
        if self._replies:
            if self.wire is not None and not self.wire.is_closing():
                self.wire.write(b"".join(self._replies))
            self._replies.clear()

    def pause_writing(self) -> None:
        self._clear = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._clear is not None and not self._clear.done():
            self._clear.set_result(None)
        self._clear = None

    async def _drain(self, clear: asyncio.Future[None]) -> None:
        """Wait until a client that does not read its replies does so."""
        try:
            async with asyncio.timeout_at(self._deadline):
                await clear
        except (TimeoutError, ConnectionResetError):
            self.give_up()

    async def pause(self, seconds: float) -> None:
        """Let so many seconds pass, fewer if the client goes away."""
        self.flush()
        if not self.is_over:
            self._gone = self.loop.create_future()
            await asyncio.wait((self._gone,), timeout=seconds)
            self._gone = None

    def give_up(self) -> None:
        """End without a word: whatever was not read will not be."""
        self.is_over = True
        self._buffer.clear()
        if self.wire is not None:
            self.wire.abort()
        self._wake()

    def close(self) -> None:
        """Say what is left to be said, and end."""
        self.flush()
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.wire is not None:
            self.wire.close()

    # ---- TLS and proxies ---------------------------------------------------------------------------------------

    async def start_tls(self, context: ssl.SSLContext) -> ssl.SSLObject:
        """Go over to TLS. What came in before the handshake is thrown away (RFC 3207, 6). Raises OSError."""
        self.flush()
        self._buffer.clear()
        self._searched = 0
        if self.wire is None:
            raise ConnectionResetError("the client has gone")
        made = await self.loop.start_tls(
            self.wire, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
        )
        if made is None:
            raise ConnectionResetError("the client has gone")
        self.wire = made
        self._is_encrypted = True
        self._is_held = False
        return cast(ssl.SSLObject, made.get_extra_info("ssl_object"))

    async def read_proxy(self, seconds: float) -> Proxied | None:
        """The PROXY header that a load balancer sends first; None if what came is none."""
        self._deadline = self.loop.time() + seconds
        try:
            found = await get_proxy(self)
        except asyncio.IncompleteReadError:
            return None
        if not found or not found.valid or found.src_addr is None or found.src_port is None:
            return None
        return Proxied(str(found.src_addr), int(found.src_port), str(found.dst_addr))

    async def read(self, n: int = -1) -> bytes:
        """For the PROXY parser: at most `n` bytes, at least one. Raises IncompleteReadError."""
        while not self._buffer:
            if not await self.more(None):
                raise asyncio.IncompleteReadError(b"", n)
        data = bytes(self._buffer[: n if n >= 0 else None])
        del self._buffer[: len(data)]
        return data

    async def readexactly(self, n: int) -> bytes:
        """For the PROXY parser. Raises IncompleteReadError."""
        while len(self._buffer) < n:
            if not await self.more(None):
                raise asyncio.IncompleteReadError(bytes(self._buffer), n)
        return await self.read(n) if n else b""

    async def readuntil(self, separator: bytes = b"\n") -> bytes:
        """For the PROXY parser. Raises IncompleteReadError."""
        while (at := self._buffer.find(separator)) < 0:
            if len(self._buffer) > LINE_LIMIT or not await self.more(None):
                raise asyncio.IncompleteReadError(bytes(self._buffer), None)
        return await self.read(at + len(separator))
