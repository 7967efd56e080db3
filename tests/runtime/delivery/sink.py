"""A mail server that answers as it is told, for tests of the client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Sink:
    """What it offers, what it answers to a command that begins so, and what it has been told."""

    extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "DSN", "SIZE")
    answers: Mapping[str, str] = field(default_factory=dict)
    """Beginning of a command to the reply; `DOT` for the end of the message, `GREETING` for the first line."""
    context: ssl.SSLContext | None = None
    port: int = 0
    commands: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    connections: int = 0

    def answer(self, command: str, default: str) -> bytes:
        found = next((text for begin, text in self.answers.items() if command.upper().startswith(begin)), default)
        return found.replace("\n", "\r\n").encode() + b"\r\n"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(self.answer("GREETING", "220 sink ESMTP"))
        while line := await reader.readline():
            command = line.decode(errors="surrogateescape").rstrip("\r\n")
            self.commands.append(command)
            verb = command.split(" ")[0].split(":")[0].upper()
            if verb == "EHLO":
                lines = ("sink", *self.extensions)
                text = "\n".join(f"250{' ' if at == len(lines) - 1 else '-'}{word}" for at, word in enumerate(lines))
                writer.write(self.answer(command, text))
            elif verb == "DATA":
                reply = self.answer(command, "354 go on")
                writer.write(reply)
                if reply.startswith(b"354"):
                    self.messages.append(await _message(reader))
                    writer.write(self.answer("DOT", "250 taken"))
            elif verb == "STARTTLS":
                writer.write(self.answer(command, "220 go on"))
                if self.context is not None:
                    await writer.start_tls(self.context)
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                reply = self.answer(command, "250 fine")
                if reply == b"CLOSE\r\n":
                    break
                writer.write(reply)
        writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    lines: list[bytes] = []
    while (line := await reader.readline()) not in (b".\r\n", b""):
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)


@asynccontextmanager
async def serving(sink: Sink, host: str = "127.0.0.1") -> AsyncIterator[Sink]:
    """A sink that listens."""
    server = await asyncio.start_server(sink.talk, host, sink.port)
    sink.port = server.sockets[0].getsockname()[1]
    async with server:
        yield sink
