"""SMTP for programs on this host: what `sendmail -bs` speaks, on a socket of its own.

The conversation is that of a listener, with a client that may send anywhere and to faxes, and neither logins nor TLS:
who may open the socket is who may send mail.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from courier_runtime.control import SMTP
from courier_runtime.intake.service import MailIntake
from courier_runtime.observe.log import NoLog
from courier_runtime.policy.client import Client
from courier_runtime.policy.conduct import Conduct
from courier_runtime.seams import Authenticator, Clock, Metrics
from courier_runtime.smtp.engine import Connection
from courier_runtime.smtp.session import Host, Session
from courier_runtime.snapshot.model import ListenerSettings, Snapshot
from courier_schema.legacy.tables.esmtpd import Esmtpd

PATIENCE: Final = 20.0
"""Seconds that messages under way have when the server stops."""

_HERE: Final = "127.0.0.1"
"""Spelt as `sendmail` spells it, not in IPv6 form as of clients from outside."""
_RIGHTS: Final = {"RELAYCLIENT": "", "FAXRELAYCLIENT": ""}
_CREDENTIALS: Final = struct.Struct("3i")


def peer_uid(connection: socket.socket) -> int:
    """The user id of whoever is at the other end of a local socket."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


class LocalSmtp:
    """An actor: serves the socket below a directory."""

    name = "smtp"

    def __init__(
        self, directory: Path, *, intake: MailIntake, authenticator: Authenticator, metrics: Metrics, clock: Clock
    ) -> None:
        self._path = directory / SMTP
        self._intake = intake
        settings = ListenerSettings(self.name, Esmtpd(), _RIGHTS)
        self._host = Host(settings, intake, authenticator, NoLog(), metrics, clock)
        self._sessions: dict[asyncio.Task[None], Session] = {}

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        self._path.unlink(missing_ok=True)
        server = await loop.create_unix_server(lambda: Connection(self._serve, loop), self._path)
        self._path.chmod(0o666)
        try:
            ready()
            await loop.create_future()
        finally:
            server.close()
            await self._wind_down()

    async def prepare(self, new: Snapshot) -> None:
        """Any generation will do."""

    def adopt(self, new: Snapshot) -> None:
        """New sessions follow it, through the intake."""
        self._intake.adopt(new)

    async def _serve(self, connection: Connection) -> None:
        task = asyncio.current_task()
        assert task is not None, "connections are served in tasks"
        if connection.wire is None:
            return  # gone before it was served
        client = self._client(peer_uid(connection.wire.get_extra_info("socket")))
        session = self._sessions[task] = Session(connection, client, self._intake.rules, self._host)
        try:
            await session.run()
        finally:
            del self._sessions[task]
            connection.close()

    def _client(self, uid: int) -> Client:
        conduct = Conduct.of(_RIGHTS, self._intake.rules.snapshot.bofh)
        quick = replace(conduct, tarpit=False)
        return Client(_HERE, 0, _HERE, quick, name="localhost", info=f"uid {uid}", owner=uid)

    async def _wind_down(self) -> None:
        """End idle sessions now, busy ones when their message is through, all of them in the end."""
        for task, session in self._sessions.items():
            if not session.is_busy:
                task.cancel()
        if self._sessions:
            _, late = await asyncio.wait(self._sessions, timeout=PATIENCE)
            for task in late:
                task.cancel()
