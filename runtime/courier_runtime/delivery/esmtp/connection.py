"""A connection to another server: commands and replies, with time limits, and what the server said it can do.

Trouble on the way is a Lost, with the words in which Courier's logs and notices speak of it; refusals are replies.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import os
import ssl
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from courier_runtime.delivery.esmtp.targets import Target
from courier_runtime.mail.reply import Reply
from courier_schema.legacy.formats.routes import Credentials

_LINE_LIMIT: Final = 64 * 1024
_REPLY_LINES: Final = 500
_CLOSED: Final = "Network connection shut down by the remote mail server"
_TIMED_OUT: Final = "Connection timed out"
_MALFORMED: Final = "The remote mail server does not speak SMTP"
_HASHES: Final = {"CRAM-SHA256": "sha256", "CRAM-SHA1": "sha1", "CRAM-MD5": "md5"}
_DRAIN: Final = 256 * 1024


class Lost(Exception):
    """There is no connection, or no more; the text says why."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Time limits, in seconds."""

    connect: float = 60.0
    helo: float = 300.0
    command: float = 600.0
    data: float = 300.0
    quit: float = 10.0


class Connection:
    """One conversation with one server."""

    def __init__(self, target: Target, patience: Patience) -> None:
        self.target = target
        self.patience = patience
        self.extensions: Mapping[str, str] = {}
        """EHLO keywords in capitals, to what follows them; empty after HELO."""
        self.is_encrypted = False
        self.is_used = False
        """Whether a message has been sent over it."""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self, source: str | None, context: ssl.SSLContext | None, host_name: str) -> Reply:
        """Connect, from a source address if there is one, and read the greeting; with a context, TLS comes first.

        Raises Lost.
        """
        target = self.target
        local = (source, 0) if source and (":" in source) == (":" in target.address) else None
        connecting = asyncio.open_connection(
            target.address,
            target.port,
            limit=_LINE_LIMIT,
            local_addr=local,
            ssl=context,
            server_hostname=host_name if context is not None else None,
        )
        try:
            async with asyncio.timeout(self.patience.connect or None):
                self._reader, self._writer = await connecting
        except TimeoutError as error:
            raise Lost(_TIMED_OUT) from error
        except (OSError, ssl.SSLError) as error:
            raise Lost(_reason(error)) from error
        self.is_encrypted = context is not None
        return await self._reply(self.patience.helo)

    async def greet(self, name: str) -> Reply:
        """EHLO, or HELO where that is refused; what the server can do is known afterwards. Raises Lost."""
        reply = await self.command(f"EHLO {name}", self.patience.helo)
        if reply.code == 250:
            words = (line.replace("=", " ", 1).split(" ", 1) for line in reply.lines[1:])
            self.extensions = {first.upper(): rest[0] if rest else "" for first, *rest in words}
            return reply
        self.extensions = {}
        return await self.command(f"HELO {name}", self.patience.helo) if reply.is_permanent else reply

    async def start_tls(self, context: ssl.SSLContext, host_name: str) -> Reply:
        """STARTTLS and the handshake. Raises Lost."""
        reply = await self.command("STARTTLS", self.patience.helo)
        if reply.code != 220:
            return reply
        try:
            async with asyncio.timeout(self.patience.helo):
                await self._writer.start_tls(context, server_hostname=host_name)
        except TimeoutError as error:
            raise Lost(_TIMED_OUT) from error
        except (OSError, ssl.SSLError) as error:
            raise Lost(f"STARTTLS failed: {_reason(error)}") from error
        self.is_encrypted = True
        return reply

    async def log_in(self, credentials: Credentials) -> Reply | None:
        """AUTH by the strongest method that both know; None where there is none. Raises Lost."""
        offered = self.extensions.get("AUTH", "").upper().replace("=", " ").split()
        for mechanism, function in _HASHES.items():
            if mechanism in offered:
                return await self._answer_challenge(mechanism, function, credentials)
        if "PLAIN" in offered:
            text = f"\0{credentials.user}\0{credentials.password}".encode(errors="surrogateescape")
            return await self.command(f"AUTH PLAIN {base64.b64encode(text).decode()}")
        if "LOGIN" in offered:
            reply = await self.command("AUTH LOGIN")
            for answer in (credentials.user, credentials.password):
                if reply.code != 334:
                    return reply
                reply = await self.command(base64.b64encode(answer.encode(errors="surrogateescape")).decode())
            return reply
        return None

    async def command(self, line: str, patience: float | None = None) -> Reply:
        """Say one thing and hear the answer. Raises Lost."""
        (reply,) = await self.commands((line,), patience)
        return reply

    async def commands(self, lines: Sequence[str], patience: float | None = None) -> Sequence[Reply]:
        """Say several things at once where the server can take that, else one after the other. Raises Lost."""
        patience = self.patience.command if patience is None else patience
        if len(lines) > 1 and "PIPELINING" not in self.extensions:
            return [await self.command(line, patience) for line in lines]
        await self._send(b"".join(_encode(line) for line in lines), patience)
        return [await self._reply(patience) for _ in lines]

    async def data(self, text: AsyncIterable[bytes]) -> Reply:
        """The message, after the server has asked for it: line ends as CRLF, dots doubled. Raises Lost."""
        at_start, pending = True, 0
        async for chunk in text:
            wire = chunk.replace(b"\n", b"\r\n").replace(b"\r\n.", b"\r\n..")
            if at_start and wire.startswith(b"."):
                wire = b"." + wire
            self._writer.write(wire)
            pending += len(wire)
            if chunk:
                at_start = chunk.endswith(b"\n")
            if pending >= _DRAIN:
                await self._drain(self.patience.data)
                pending = 0
        await self._send(b".\r\n" if at_start else b"\r\n.\r\n", self.patience.data)
        return await self._reply(self.patience.data)

    async def quit(self) -> None:
        """Say good-bye, without insisting on an answer."""
        with contextlib.suppress(Lost):
            await self.command("QUIT", self.patience.quit)
        self.close()

    def close(self) -> None:
        """Hang up."""
        writer: asyncio.StreamWriter | None = getattr(self, "_writer", None)
        if writer is not None:
            writer.transport.abort()

    @property
    def is_closed(self) -> bool:
        """Whether the other side has hung up."""
        return self._reader.at_eof() or self._writer.is_closing()

    @property
    def local_address(self) -> str:
        """This end's address."""
        address: str = self._writer.get_extra_info("sockname")[0]
        return address

    async def _answer_challenge(self, mechanism: str, function: str, credentials: Credentials) -> Reply:
        reply = await self.command(f"AUTH {mechanism}")
        if reply.code != 334:
            return reply
        challenge = base64.b64decode(reply.lines[-1])
        digest = hmac.new(credentials.password.encode(errors="surrogateescape"), challenge, function).hexdigest()
        answer = f"{credentials.user} {digest}".encode(errors="surrogateescape")
        return await self.command(base64.b64encode(answer).decode())

    async def _send(self, data: bytes, patience: float) -> None:
        try:
            self._writer.write(data)
        except (OSError, RuntimeError) as error:
            raise Lost(_CLOSED) from error
        await self._drain(patience)

    async def _drain(self, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._writer.drain()
        except TimeoutError as error:
            raise Lost(_TIMED_OUT) from error
        except OSError as error:
            raise Lost(_CLOSED) from error

    async def _reply(self, patience: float) -> Reply:
        lines: list[str] = []
        try:
            async with asyncio.timeout(patience):
                while len(lines) < _REPLY_LINES:
                    raw = await self._reader.readline()
                    if not raw.endswith(b"\n"):
                        raise Lost(_CLOSED)
                    line = raw.rstrip(b"\r\n").decode(errors="surrogateescape")
                    if not line[:3].isdecimal() or not line[:3].isascii() or line[3:4] not in ("", " ", "-"):
                        raise Lost(_MALFORMED)
                    lines.append(line[4:])
                    if line[3:4] != "-":
                        return Reply(int(line[:3]), tuple(lines))
        except TimeoutError as error:
            raise Lost(_TIMED_OUT) from error
        except (OSError, ValueError) as error:
            raise Lost(_CLOSED) from error
        raise Lost(_MALFORMED)


def _encode(line: str) -> bytes:
    return line.encode(errors="surrogateescape") + b"\r\n"


def _reason(error: OSError) -> str:
    """Why a connection failed, in the system's words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message or str(error)
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    number = error.errno
    return os.strerror(number) if number is not None and number > 0 else str(error) or _CLOSED
