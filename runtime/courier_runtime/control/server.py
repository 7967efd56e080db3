"""The control sockets: commands of the server's owner, and mail from programs on this host."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from courier_runtime.control import CONTROL, SUBMIT
from courier_runtime.control.local_smtp import peer_uid
from courier_runtime.control.submission import END, unpacked
from courier_runtime.delivery.uucp import ACCOUNT, incoming
from courier_runtime.mail.envelope import ByHeaders, Envelope, Notify, Recipient
from courier_runtime.mail.reply import Reply
from courier_runtime.seams import Intake
from courier_runtime.snapshot.model import Snapshot

Fields = Mapping[str, Sequence[str]]
Command = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Answers one request, in which `caller` is the user id of somebody who may see no more than what is his own."""

FOR_EVERYBODY: Final = frozenset({"queue", "cancel", "alias"})
"""Verbs that any user may say of his own messages. All others are those of root and of the server's own user."""

_LINE: Final = 1024 * 1024
_CHUNK: Final = 64 * 1024

PATIENCE: Final = 20.0
"""Seconds that messages under way have when the server stops."""
SILENCE: Final = 60.0
"""Seconds that somebody who connects has to say what is wanted."""
NO_ENVELOPE: Final = Reply.of(550, "There is no envelope.")
CUT_SHORT: Final = Reply.of(451, "The message was cut short.")
NOT_YOURS: Final = "only root and the user of the mail system may say this"
NOT_UUCP: Final = Reply.of(550, "Only the user uucp brings mail from UUCP.")


class ControlServer:
    """An actor: serves both sockets below a directory."""

    name = "control"

    def __init__(
        self, directory: Path, *, commands: Mapping[str, Command], intake: Intake, snapshot: Callable[[], Snapshot]
    ) -> None:
        self._directory = directory
        self._commands = commands
        self._intake = intake
        self._snapshot = snapshot
        self._taking: set[asyncio.Task[Any]] = set()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled."""
        control = await self._listen(CONTROL, self._obey, 0o666)
        submit = await self._listen(SUBMIT, self._take, 0o666)
        async with control, submit:
            ready()
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                if self._taking:
                    await asyncio.wait(self._taking, timeout=PATIENCE)

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    async def _listen(
        self, name: str, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], mode: int
    ) -> asyncio.Server:
        path = self._directory / name
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(serve, path, limit=_LINE)
        path.chmod(mode)
        return server

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command."""
        said = await _heard(reader)
        command = self._commands.get(str(said.get("do"))) if said is not None else None
        if said is None or command is None:
            await _answer(writer, {"error": "this server knows no such command"})
            return
        caller = peer_uid(writer.get_extra_info("socket"))
        if caller in (0, os.getuid()):
            await _answer(writer, await command({**said, "caller": None}))
        elif said["do"] in FOR_EVERYBODY:
            await _answer(writer, await command({**said, "caller": caller}))
        else:
            await _answer(writer, {"error": NOT_YOURS})

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One message."""
        task = asyncio.current_task()
        assert task is not None, "connections are served in tasks"
        self._taking.add(task)
        try:
            reply = await self._taken(reader, peer_uid(writer.get_extra_info("socket")))
            while await reader.read(_CHUNK):
                pass  # a hang-up with text unread would take the answer with it
            await _write(writer, reply.text.encode(errors="surrogateescape"))
        finally:
            self._taking.discard(task)

    async def _taken(self, reader: asyncio.StreamReader, uid: int) -> Reply:
        heard = await _fields(reader)
        if heard is None:
            return NO_ENVELOPE
        said, size = heard
        try:
            if "uucp" not in said:
                envelope = replace(_envelope(said), owner=uid)
                return await self._intake.submit(envelope, _text(reader, size), f"uid {uid}")
            if uid not in _who_brings_uucp():
                return NOT_UUCP
            return await self._intake.submit(self._uucp_envelope(said, uid), _text(reader, size))
        except asyncio.IncompleteReadError:
            return CUT_SHORT

    def _uucp_envelope(self, said: Fields, uid: int) -> Envelope:
        """That of rmail: addresses are paths, the neighbour is named in `uucp`."""
        snapshot, envelope = self._snapshot(), _envelope(said)
        return replace(
            envelope,
            sender=incoming(envelope.sender, snapshot),
            recipients=tuple(replace(one, address=_for_here(one.address, snapshot)) for one in envelope.recipients),
            source="uucp",
            origin=f"unknown; uucp ({said['uucp'][0]})",
            owner=uid,
        )


def is_for(said: Mapping[str, Any], envelope: Envelope) -> bool:
    """Whether the message with this envelope exists for whoever says a command."""
    return said["caller"] in (None, envelope.owner)


async def _heard(reader: asyncio.StreamReader) -> Mapping[str, Any] | None:
    try:
        async with asyncio.timeout(SILENCE):
            said = json.loads(await reader.readline())
    except (ValueError, TimeoutError):
        return None
    return said if isinstance(said, dict) else None


async def _fields(reader: asyncio.StreamReader) -> tuple[Fields, int] | None:
    """An envelope and the size of its text."""
    try:
        async with asyncio.timeout(SILENCE):
            said = unpacked(await reader.readuntil(END))
        return said, int(_one(said, "size"))
    except (ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None


async def _answer(writer: asyncio.StreamWriter, said: Mapping[str, Any]) -> None:
    await _write(writer, json.dumps(said).encode())


async def _write(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line + b"\n")
    try:
        await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


async def _text(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    """The text in pieces. Raises asyncio.IncompleteReadError if it ends early."""
    while size > 0:
        piece = await reader.readexactly(min(size, _CHUNK))
        size -= len(piece)
        yield piece


def _one(said: Fields, name: str) -> str:
    return said.get(name, ("",))[0]


def _envelope(said: Fields) -> Envelope:
    notify = Notify.of_letters("".join(word[:1] for word in _one(said, "notify").split(",")))
    returns = _one(said, "returns")[:1].upper()
    return Envelope(
        sender=_one(said, "sender"),
        recipients=tuple(Recipient(address, notify=notify) for address in said.get("recipient", ())),
        source="local",
        envelope_id=_one(said, "envelope_id"),
        returns="full" if returns == "F" else "headers" if returns == "H" else "",
        verp=bool(_one(said, "verp")),
        security="starttls" if _one(said, "security") == "STARTTLS" else "",
        by_headers=ByHeaders(notify, bool(_one(said, "bcc_only"))),
    )


def _for_here(path: str, snapshot: Snapshot) -> str:
    """A recipient from a neighbour: a path through this node, whose next node may be a domain."""
    rest = path.removeprefix(f"{snapshot.uucp_name}!")
    return incoming(rest, snapshot) if "." in rest.partition("!")[0] else rest


def _who_brings_uucp() -> frozenset[int]:
    """Users who may say that a message came by UUCP: root, uucp, and whoever the server runs as."""
    try:
        return frozenset((0, os.getuid(), pwd.getpwnam(ACCOUNT).pw_uid))
    except KeyError:
        return frozenset((0, os.getuid()))


def make_directory(path: Path) -> Path:
    """The directory of the sockets: everybody may pass, nobody may look around."""
    path.mkdir(mode=0o711, parents=True, exist_ok=True)
    os.chmod(path, 0o711)  # noqa: PTH101 - mkdir's mode is cut by the umask
    return path
