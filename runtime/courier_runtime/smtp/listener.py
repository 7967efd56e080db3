"""A listener: the door at which clients are counted, judged by the access table, and handed to a session.

Sessions live on the snapshot under which they began. A listener that stops lets messages that are under way finish.
"""

from __future__ import annotations

import asyncio
import os
import socket
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from courier_runtime.intake.service import MailIntake
from courier_runtime.observe.descriptors import are_scarce
from courier_runtime.policy.client import TEMPORARY_NAME, Client
from courier_runtime.policy.conduct import Conduct
from courier_runtime.policy.rules import Rules
from courier_runtime.seams import Authenticator, Clock, Counters, Log, LookupFailed, Resolver
from courier_runtime.smtp.dns_lists import ask_lists
from courier_runtime.smtp.engine import Connection, Proxied
from courier_runtime.smtp.limits import Gate
from courier_runtime.smtp.options import DEFAULT_VARIABLE, Options
from courier_runtime.smtp.session import Host, Session
from courier_runtime.smtp.sockets import mapped
from courier_runtime.snapshot.model import ListenerSettings, Snapshot
from courier_schema.legacy.formats.access import Allow, Variable, lookup_access

BACKLOG: Final = 1024
PATIENCE: Final = 20.0
"""Seconds that messages under way have when the listener stops."""
REMEMBERED: Final = 4096
"""Clients whose access record is remembered."""


@dataclass(frozen=True, slots=True)
class Doorstep:
    """What a listener makes of one generation."""

    snapshot: Snapshot
    settings: ListenerSettings
    rules: Rules
    options: Options
    host: Host
    conducts: dict[tuple[str, str, str], Conduct | None]
    """By client address, server address where it counts, and virtual host; None for those who are turned away."""
    shared: dict[tuple[str, tuple[Variable, ...]], Conduct]
    """By virtual host and access record: there are few of these, however many clients there are."""


class Listener:
    """One of esmtpd, esmtpd-msa and esmtpd-ssl (seams.Actor)."""

    def __init__(
        self,
        name: str,
        snapshot: Snapshot,
        *,
        intake: MailIntake,
        resolver: Resolver,
        authenticator: Authenticator,
        log: Log,
        metrics: Counters,
        clock: Clock,
        sockets: Sequence[socket.socket],
        gate: Gate,
    ) -> None:
        self.name = name
        self._intake = intake
        self._resolver = resolver
        self._authenticator = authenticator
        self._log = log
        self._metrics = metrics
        self._clock = clock
        self._sockets = tuple(sockets)
        self._door = self._doorstep(snapshot)
        self._gate = gate
        self._sessions: dict[asyncio.Task[None], Session | None] = {}
        self.addresses: tuple[tuple[str, int], ...] = ()
        """Where it listens, once it does."""

    # ---- the actor ---------------------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until cancelled."""
        loop = asyncio.get_running_loop()
        listening = [one.dup() for one in self._sockets]
        servers: list[asyncio.Server] = []
        try:
            for one in listening:
                # Accepted sockets inherit it, and a reply of several writes must not wait for the client's delayed ACK.
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                one.setblocking(False)
                servers.append(
                    await loop.create_server(lambda: Connection(self._serve, loop), sock=one, backlog=BACKLOG)
                )
            self.addresses = tuple(one.getsockname()[:2] for one in listening)
            ready()
            await loop.create_future()
        finally:
            for server in servers:
                server.close()
            for one in listening[len(servers) :]:
                one.close()
            await self._wind_down()

    async def prepare(self, new: Snapshot) -> None:
        """Any generation that has this listener will do; where it listens is up to whoever gave the sockets."""

    def adopt(self, new: Snapshot) -> None:
        """New connections follow the new generation."""
        self._door = self._doorstep(new)
        self._gate.follow(self._door.settings)

    def _doorstep(self, snapshot: Snapshot) -> Doorstep:
        self._intake.adopt(snapshot)
        settings = snapshot.listeners[self.name]
        host = Host(settings, self._intake, self._authenticator, self._log, self._metrics, self._clock)
        return Doorstep(snapshot, settings, self._intake.rules, Options.of(settings.settings), host, {}, {})

    async def _wind_down(self) -> None:
        """End idle sessions now, busy ones when their message is through, all of them in the end."""
        for task, session in self._sessions.items():
            if session is None or not session.is_busy:
                task.cancel()
        if self._sessions:
            _, late = await asyncio.wait(self._sessions, timeout=PATIENCE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    # ---- one connection ----------------------------------------------------------------------------------------

    async def _serve(self, connection: Connection) -> None:
        task = asyncio.current_task()
        assert task is not None, "connections are served in tasks"
        task.add_done_callback(self._note_defect)
        self._sessions[task] = None
        try:
            await self._receive(connection, task)
        finally:
            del self._sessions[task]
            connection.close()

    def _note_defect(self, task: asyncio.Task[None]) -> None:
        """Nobody waits for the tasks of sessions, so what one of them throws is told here."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._log.error("courieresmtpd", f"a session crashed: {''.join(traceback.format_exception(error))}")

    def _note_shortage(self) -> None:
        """The event loop turns clients away in silence when it has no descriptor for them; it may be over at once."""
        if are_scarce():
            self._metrics.count("descriptor_shortages")

    async def _receive(self, connection: Connection, task: asyncio.Task[None]) -> None:
        """Let a client in, or not."""
        door = self._door
        self._metrics.count("smtp_connections", listener=self.name)
        self._note_shortage()
        client = await self._identify(connection, door)
        if client is None:
            return
        entered = self._gate.enter(client.ip, client.conduct.max_per_address)
        verdict = entered if isinstance(entered, str) else await entered
        if verdict:
            if verdict == "address":
                self._log.error("courieresmtpd", f"Maximum connection limit reached for {client.ip}")
            elif verdict == "crowd":
                connection.give_up()
            return
        try:
            if await self._may_stay(client, door):
                await self._converse(connection, client, door, task)
        finally:
            self._gate.leave(client.ip)

    async def _identify(self, connection: Connection, door: Doorstep) -> Client | None:
        """Who is there, and how they are treated; None for those who are turned away."""
        wire = connection.wire
        peer = None if wire is None else wire.get_extra_info("peername")
        if wire is None or peer is None:  # a client that has gone before it was let in has no address any more
            return None
        ip, port = peer[:2]
        local_ip = wire.get_extra_info("sockname")[0]
        info = ""
        if door.options.proxy_seconds is not None:
            proxied = await connection.read_proxy(door.options.proxy_seconds)
            if proxied is None:
                return None
            ip, port, local_ip, info = _behind(proxied, ip, port)
        ip, local_ip = mapped(ip), mapped(local_ip)
        local = (local_ip, wire.get_extra_info("sockname")[1])
        conduct = self._conduct(ip, local, door, _rules_at(local_ip, door))
        if conduct is None:
            if door.options.denial:
                connection.say(door.options.denial.encode(errors="surrogateescape") + b"\r\n")
            return None
        return Client(ip, port, local_ip, conduct, info=info)

    def _conduct(self, ip: str, local: tuple[str, int], door: Doorstep, rules: Rules) -> Conduct | None:
        """What the access table says of a client. Remembered, because many come often and the table stays the same."""
        asks_local_side = door.options.asks_local_side
        key = (ip, local[0] if asks_local_side else "", rules.name)
        if key in door.conducts:
            return door.conducts[key]
        if len(door.conducts) >= REMEMBERED:
            door.conducts.clear()
        action = lookup_access(door.settings.access, ip, *local, asks_local_side).action
        conduct = self._shared_conduct(action.variables, door, rules) if isinstance(action, Allow) else None
        door.conducts[key] = conduct
        return conduct

    def _shared_conduct(self, said: tuple[Variable, ...], door: Doorstep, rules: Rules) -> Conduct:
        key = (rules.name, said)
        if key not in door.shared:
            variables = {os.fsdecode(name): os.fsdecode(value) for name, value in said}
            door.shared[key] = rules.conduct(door.settings, variables)
        return door.shared[key]

    async def _may_stay(self, client: Client, door: Doorstep) -> bool:
        """Ask the DNS about a client, where that is wanted."""
        options = door.options
        if options.looks_up_names:
            try:
                client.name = await self._resolver.name_of(client.plain_ip) or ""
            except LookupFailed:
                client.name = TEMPORARY_NAME
                self._note_shortage()
        if options.lists:
            await ask_lists(client, options.lists, self._resolver)
        blocked = client.block if options.drops == DEFAULT_VARIABLE else client.variables.get(options.drops)
        if options.drops and blocked:
            self._log.info("courieresmtpd", f"dropped blocked connection from {client.ip}")
            return False
        return True

    async def _converse(self, connection: Connection, client: Client, door: Doorstep, task: asyncio.Task[None]) -> None:
        self._log.info(client.conduct.program, f"started,ip=[{client.ip}],port=[{client.port}]")
        session = Session(connection, client, _rules_at(client.local_ip, door), door.host)
        if door.settings.is_tls_from_start:
            if door.settings.tls is None:
                return
            client.is_tls_from_start = True
            await session.start_tls(door.settings.tls)
        self._sessions[task] = session
        await session.run()


def _rules_at(local_ip: str, door: Doorstep) -> Rules:
    """Those of the virtual host of an address, or the general ones."""
    return door.rules.for_host(local_ip.removeprefix("::ffff:"))


def _behind(proxied: Proxied, ip: str, port: int) -> tuple[str, int, str, str]:
    """The client behind a proxy, and what is to be told of the proxy."""
    return proxied.address, proxied.port, proxied.local_address, f"proxy via {mapped(ip)}, port {port}"
