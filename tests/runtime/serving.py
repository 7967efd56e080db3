"""A whole SMTP server in this process, for tests: real sockets, a small tree, a spool that keeps all it gets."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from courier_runtime.auth.userdb import Userdb
from courier_runtime.dns.scripted import ScriptedResolver
from courier_runtime.intake.desk import Desk
from courier_runtime.intake.service import MailIntake
from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.observe.clock import FrozenClock
from courier_runtime.observe.log import ListLog
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.queue.journal import Journal
from courier_runtime.routing.router import Router
from courier_runtime.seams import Authenticator, Filter, Log, Resolver, SpoolFull
from courier_runtime.smtp.limits import Limits
from courier_runtime.smtp.listener import Listener
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.tracking.memory import MemoryTrack
from runtime.messages import Kept
from runtime.trees import Table, account, snapshot_of

ACCOUNTS: Final[Mapping[str, str]] = {
    "alice": account("/home/alice"),
    "bob": account("/home/bob", systempw="{PLAIN}ignored"),
    "carol@shop.example": account("/home/carol"),
}
ALIASES: Final[Mapping[str, str]] = {
    "info@example.com": "alice@example.com\n",
    "team@example.com": "alice@example.com\nbob@example.com\n",
    "postmaster@example.com": "alice@example.com\n",
}
TABLES: Final[Mapping[str, Table]] = {
    "userdb.dat": ACCOUNTS,
    "userdbshadow.dat": {"bob": "esmtppw=secret"},
    "aliases.dat": ALIASES,
    "hosteddomains.dat": {"shop.example": "1"},
}
FILES: Final[Mapping[str, str]] = {
    "authdaemonrc": 'authmodulelist="authuserdb"\n',
    "esmtpacceptmailfor": "example.com\nmx.example.com\nshop.example\n",
}


@dataclass
class Stored:
    """One message of the spool."""

    envelopes: tuple[Envelope, ...]
    text: bytes
    ids: tuple[MessageId, ...]
    terms: Terms


@dataclass
class Shelf:
    """A spool that only takes in, and a queue that says so."""

    stored: list[Stored] = field(default_factory=list)
    free: tuple[int, int] = (1 << 40, 1 << 30)
    is_full: bool = False
    longest_write: int = 0
    serial: int = 0
    aborted: int = 0
    log: Log = field(default_factory=ListLog)

    def begin(self) -> Sheet:
        self.serial += 1
        return Sheet(self, MessageId(self.serial, 0x6B06435B, 0x4BBB))


class Sheet:
    """A draft of it."""

    def __init__(self, shelf: Shelf, name: MessageId) -> None:
        self._shelf = shelf
        self._parts: list[bytes] = []
        self._is_done = False
        self.id = name

    async def write(self, data: bytes) -> None:
        if self._shelf.is_full:
            raise SpoolFull("no room")
        self._shelf.longest_write = max(self._shelf.longest_write, len(data))
        self._parts.append(data)

    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        if self._shelf.is_full:
            raise SpoolFull("no room")
        self._is_done = True
        ids = tuple(MessageId(self.id.serial + number, self.id.time, self.id.pid) for number in range(len(envelopes)))
        self._shelf.stored.append(Stored(tuple(envelopes), b"".join(self._parts), ids, terms))
        for name, envelope in zip(ids, envelopes, strict=True):
            Journal(self._shelf.log).arrived(name, envelope)
        return ids

    def text(self) -> Kept:
        return Kept(b"".join(self._parts))

    def abort(self) -> None:
        self._shelf.aborted += not self._is_done
        self._is_done = True


@dataclass
class Lines:
    """A log that remembers."""

    lines: list[str] = field(default_factory=list)

    def info(self, program: str, text: str) -> None:
        self.lines.append(f"{program}: {text}")

    def error(self, program: str, text: str) -> None:
        self.lines.append(f"{program}: {text}")


class Client:
    """The other end of a session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def reply(self) -> str:
        """The next whole reply, lines joined by LF."""
        lines: list[str] = []
        while True:
            line = (await asyncio.wait_for(self.reader.readline(), 10)).decode(errors="surrogateescape")
            lines.append(line.removesuffix("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str | bytes) -> str:
        """Send a line, or bytes as they are; the reply."""
        self.send(line)
        return await self.reply()

    def send(self, line: str | bytes) -> None:
        self.writer.write(line if isinstance(line, bytes) else line.encode(errors="surrogateescape") + b"\r\n")

    async def closes(self) -> bytes:
        """Everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def mail(self, text: bytes, *recipients: str, sender: str = "ann@remote.example") -> str:
        """A whole transaction; the final reply. The text is as it goes over the wire, without the final dot."""
        assert (await self.say(f"MAIL FROM:<{sender}>")) == "250 Ok."
        for recipient in recipients or ("alice@example.com",):
            assert (await self.say(f"RCPT TO:<{recipient}>")) == "250 Ok.", recipient
        assert (await self.say("DATA")) == "354 Ok."
        return await self.say(text + b".\r\n")


class Server:
    """A listener that serves, and what it works with."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        name: str = "esmtpd",
        resolver: Resolver | None = None,
        filters: Iterable[Filter] = (),
        authenticator: Authenticator | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.log = Lines()
        self.shelf = Shelf(log=self.log)
        self.track = MemoryTrack(FrozenClock())
        self.resolver = resolver or ScriptedResolver()
        accounts = Userdb()
        self.desk = Desk(
            spool=self.shelf,
            router=Router(accounts, (1, 1)),
            suppression=self.track,
            resolver=self.resolver,
            metrics=NoMetrics(),
            clock=FrozenClock(),
            filters=tuple(filters),
        )
        self.intake = MailIntake(self.desk, snapshot)
        self.gate = Limits.of(
            snapshot.listeners[name],
            clock=FrozenClock(),
            warn=lambda text: self.log.info("courieresmtpd", text),
        )
        self.listener = Listener(
            name,
            snapshot,
            intake=self.intake,
            resolver=self.resolver,
            authenticator=authenticator or accounts,
            log=self.log,
            metrics=NoMetrics(),
            clock=FrozenClock(),
            sockets=[listening()],
            gate=self.gate,
        )

    @property
    def stored(self) -> Stored:
        """The only message."""
        (one,) = self.shelf.stored
        return one

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        """While it serves."""
        ready = asyncio.Event()
        task = asyncio.create_task(self.listener.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        assert ready.is_set(), task
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def connect(self, source: str = "127.0.0.1", *, is_greeted: bool = True) -> Client:
        """A client that has read the greeting."""
        reader, writer = await asyncio.open_connection(*self.listener.addresses[0], local_addr=(source, 0))
        client = Client(reader, writer)
        if is_greeted:
            await client.reply()
        return client

    async def greeted(self, source: str = "127.0.0.1", name: str = "cli.example") -> Client:
        """A client that has said EHLO."""
        client = await self.connect(source)
        await client.say(f"EHLO {name}")
        return client


def listening() -> socket.socket:
    """A socket on a free port."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    one.bind(("127.0.0.1", 0))
    return one


def esmtpd(**variables: str) -> str:
    """A settings file esmtpd with these variables over those that make it complete."""
    said = {
        "ESMTPDSTART": "YES",
        "PORT": "smtp",
        "MAXDAEMONS": "40",
        "MAXPERC": "40",
        "MAXPERIP": "40",
        "ACCESSFILE": "/etc/courier/smtpaccess",
        "TCPDOPTS": "-nodnslookup",
        **variables,
    }
    return "".join(f"{name}='{value}'\n" for name, value in said.items())


def site(
    directory: Path, files: Mapping[str, str] = {}, tables: Mapping[str, Table] = {}, /, **variables: str
) -> Snapshot:
    """A snapshot of the usual small server, with these differences."""
    return snapshot_of(directory, {**FILES, "esmtpd": esmtpd(**variables), **files}, {**TABLES, **tables})


def serve(server: Server, talk: Callable[[Server], Coroutine[Any, Any, None]]) -> None:
    """Run a conversation against a server."""

    async def whole() -> None:
        async with server.running():
            await talk(server)

    asyncio.run(whole())


def general(reply: str) -> str:
    """A reply without what differs from message to message."""
    return re.sub(r"[0-9A-F]{16}\.[0-9A-F]{8}", "ID", reply)
