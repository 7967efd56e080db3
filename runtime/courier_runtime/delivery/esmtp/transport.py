"""The module `esmtp`: finds a server that takes the message, over a connection that is still open or a new one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from courier_runtime.delivery.esmtp.connection import Connection, Lost, Patience
from courier_runtime.delivery.esmtp.targets import Nowhere, find_targets
from courier_runtime.delivery.esmtp.transaction import Transaction, no_security
from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome, Relayed
from courier_runtime.mail.reply import Reply
from courier_runtime.routing.addresses import place
from courier_runtime.seams import Clock, Job, LookupFailed, Resolver, Suppression
from courier_runtime.snapshot.model import Snapshot
from courier_schema.legacy.codecs import seconds
from courier_schema.legacy.formats.domains import normal_form
from courier_schema.legacy.formats.hosted import Place
from courier_schema.legacy.formats.routes import Credentials, Route, lookup_route

_DROPPED: Final = Relayed(
    Dialogue("backscatter bounce dropped", replies=("250 Backscatter bounce dropped.",), is_smtp=True), reports=True
)
"""The log names this in place of a server."""
_NO_METHOD: Final = "Compatible SASL authentication not available."
_NO_TLS: Final = "/SECURITY set, but TLS is not available"
_NO_REQUIRED_TLS: Final = "/SECURITY=REQUIRED set, but TLS is not available"


class _Next(Exception):
    """This server will not do; another may. `outcome` is what counts if there is none."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Final(Exception):
    """The attempt ends here, whatever other servers there are."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Wish:
    """How a connection is to be made."""

    snapshot: Snapshot
    route: Route | None
    credentials: Credentials | None
    is_secured: bool
    """Whether the channel has to be verified and secure all the way (the SECURITY extension)."""
    is_asked_for: bool
    """Whether the message itself wants that, and not only its route."""

    @property
    def flags(self) -> frozenset[str]:
        return self.route.flags if self.route is not None else frozenset()


@dataclass(slots=True)
class _Idle:
    """A connection that waits for the next message."""

    connection: Connection
    ending: asyncio.Task[None]


class EsmtpTransport:
    """Relays mail. Keeps connections for a while, and lets hosts rest that could not be reached."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        suppression: Suppression,
        clock: Clock,
        own_addresses: Callable[[], frozenset[str]],
    ) -> None:
        self._resolver = resolver
        self._suppression = suppression
        self._clock = clock
        self._own_addresses = own_addresses
        self._idle: dict[tuple[str, str, bool], list[_Idle]] = {}
        self._resting: dict[str, tuple[float, Outcome]] = {}

    async def deliver(self, job: Job) -> Mapping[int, Outcome]:
        """Relay to the job's recipients, all of one domain."""
        envelope = job.message.envelope
        snapshot = job.snapshot.for_host(envelope.virtual_host)
        if envelope.source in (job.snapshot.courierd.esmtp_blockbackscatter or ()):
            return dict.fromkeys(job.recipients, _DROPPED)
        domain = job.hop.host
        route = lookup_route(domain, snapshot.routes, snapshot.routes_database)
        asks = envelope.security == "starttls"
        is_secured = asks or (route is not None and "SECURITY=STARTTLS" in route.flags)
        wish = _Wish(snapshot, route, _credentials(domain, route, snapshot), is_secured, asks)
        key = (route.spelling if route is not None and route.relay else domain, snapshot.generation, wish.is_secured)
        try:
            connection = self._take(key) or await self._connect(domain, wish)
        except (Nowhere, _Next, _Final) as end:
            return dict.fromkeys(job.recipients, end.outcome)
        try:
            outcomes = await Transaction(connection, job).send()
        except BaseException:
            connection.close()
            raise
        self._keep(key, connection, snapshot)
        return outcomes

    async def close(self) -> None:
        """Say good-bye to all servers."""
        idle = [one for many in self._idle.values() for one in many]
        self._idle.clear()
        for one in idle:
            one.ending.cancel()
        await asyncio.gather(*(one.connection.quit() for one in idle), return_exceptions=True)

    async def _connect(self, domain: str, wish: _Wish) -> Connection:
        """A connection to the first server that will do. Raises Nowhere, _Next or _Final."""
        until, outcome = self._resting.get(domain, (0.0, None))
        if outcome is not None and self._clock.monotonic() < until:
            raise _Next(outcome)
        prefer = bool(wish.snapshot.courierd.esmtp_prefer_ipv6_mx)
        own = self._own_addresses()

        def is_own(name: str) -> bool:
            return name in own or place(normal_form(name), wish.snapshot).place is Place.LOCAL

        targets = await find_targets(domain, wish.route, self._resolver, is_own, prefer_ipv6=prefer)
        trouble: Outcome = Deferred()
        was_reached = False
        for target in targets:
            connection = Connection(target, _patience(wish.snapshot))
            try:
                reply = await self._open(connection, wish)
                was_reached = True
                await self._introduce(connection, wish, reply)
            except Lost as error:
                connection.close()
                trouble = Deferred(Dialogue(target.peer, network_error=str(error)))
                continue
            except _Next as other:
                was_reached = True
                await connection.quit()
                trouble = other.outcome
                continue
            except _Final:
                await connection.quit()
                raise
            self._resting.pop(domain, None)
            return connection
        delay = float(seconds(wish.snapshot.control.esmtpdelay or "0"))
        if not was_reached and delay:
            self._resting[domain] = (self._clock.monotonic() + delay, trouble)
        raise _Next(trouble)

    async def _open(self, connection: Connection, wish: _Wish) -> Reply:
        snapshot, target = wish.snapshot, connection.target
        context = None
        if "SECURITY=SMTPS" in wish.flags:
            context = self._context(wish)
            if context is None:
                raise _Next(Deferred(Dialogue(target.peer, network_error=_NO_TLS)))
        source = snapshot.control.ip6out if ":" in target.address else snapshot.control.ipout
        fallback = snapshot.courierd.source_address_ipv6 if ":" in target.address else snapshot.courierd.source_address
        chosen = source if source is not None else fallback
        return await connection.open(None if chosen in (None, "0") else chosen, context, target.host.strip("[]"))

    async def _introduce(self, connection: Connection, wish: _Wish, greeting: Reply) -> None:
        """Greeting, EHLO, STARTTLS and AUTH. Raises Lost, _Next or _Final."""
        peer = connection.target.peer
        if greeting.code // 100 != 2:
            raise _Final(_refused(peer, "", greeting))
        name = await self._own_name(connection, wish.snapshot)
        reply = await connection.greet(name)
        if reply.code // 100 != 2:
            raise _Final(_refused(peer, f"EHLO {name}", reply))
        await self._encrypt(connection, wish, name)
        if wish.credentials is not None:
            answer = await connection.log_in(wish.credentials)
            if answer is None:
                raise _Next(Failed(Dialogue(peer, replies=(f"500 {_NO_METHOD}",), is_smtp=True)))
            if answer.code // 100 != 2:
                raise _Next(_refused(peer, "AUTH", answer))

    async def _encrypt(self, connection: Connection, wish: _Wish, name: str) -> None:
        target, offered = connection.target, connection.extensions
        if connection.is_encrypted:
            return
        must = wish.is_secured or "SECURITY=REQUIRED" in wish.flags
        if wish.is_secured and "STARTTLS" not in offered.get("XSECURITY", "").upper():
            trouble = Dialogue(target.peer, network_error=_NO_TLS)
            raise _Final(Failed(no_security(target.peer) if wish.is_asked_for else trouble))
        context = self._context(wish)
        can = "STARTTLS" in offered and context is not None
        if not must and (not can or self._suppression.has_broken_tls(target.host)):
            return
        if context is None or not can:
            raise _Next(Deferred(Dialogue(target.peer, network_error=_NO_REQUIRED_TLS)))
        try:
            reply = await connection.start_tls(context, target.host.strip("[]"))
            if reply.code == 220:
                again = await connection.greet(name)
                if again.code // 100 != 2:
                    raise _Final(_refused(target.peer, f"EHLO {name}", again))
                return
        except Lost as error:
            self._suppression.record_broken_tls(target.host)
            if wish.is_secured:
                raise _Final(Failed(Dialogue(target.peer, network_error=str(error)))) from error
            raise
        self._suppression.record_broken_tls(target.host)
        said = Dialogue(target.peer, sent=("STARTTLS",), replies=tuple(reply.text.split("\n")), is_smtp=True)
        raise _Next(Deferred(said))

    def _context(self, wish: _Wish) -> ssl.SSLContext | None:
        snapshot = wish.snapshot
        if wish.is_secured:
            return snapshot.client_tls_security
        if snapshot.courierd.esmtp_tls_verify_domain:
            return snapshot.client_tls_verified
        return snapshot.client_tls

    async def _own_name(self, connection: Connection, snapshot: Snapshot) -> str:
        said = snapshot.control.esmtphelo
        if said != "*":
            return said or snapshot.me
        try:
            return await self._resolver.name_of(connection.local_address) or snapshot.me
        except LookupFailed:
            return snapshot.me

    def _take(self, key: tuple[str, str, bool]) -> Connection | None:
        """A connection that waits and is still open."""
        waiting = self._idle.get(key, [])
        while waiting:
            idle = waiting.pop()
            idle.ending.cancel()
            if not idle.connection.is_closed:
                return idle.connection
            idle.connection.close()
        return None

    def _keep(self, key: tuple[str, str, bool], connection: Connection, snapshot: Snapshot) -> None:
        keep = float(seconds(snapshot.control.esmtptimeoutkeepalive or "0"))
        ping = float(seconds(snapshot.control.esmtptimeoutkeepaliveping or "0"))
        if connection.is_closed:
            connection.close()
            return
        idle = _Idle(connection, asyncio.create_task(self._wait_and_end(key, connection, keep, ping)))
        self._idle.setdefault(key, []).append(idle)

    async def _wait_and_end(self, key: tuple[str, str, bool], connection: Connection, keep: float, ping: float) -> None:
        """Keep a connection alive for a while, then end it."""
        left = keep
        while ping and left > ping:
            await self._clock.sleep(ping)
            left -= ping
            try:
                await connection.command("RSET")
            except Lost:
                left = 0.0
        await self._clock.sleep(left)
        waiting = self._idle.get(key, [])
        waiting[:] = [one for one in waiting if one.connection is not connection]
        if not waiting:
            self._idle.pop(key, None)
        await connection.quit()


def _refused(peer: str, command: str, reply: Reply) -> Outcome:
    said = Dialogue(peer, "", (command,) if command else (), tuple(reply.text.split("\n")), is_smtp=True)
    return Failed(said) if reply.is_permanent else Deferred(said)


def _credentials(domain: str, route: Route | None, snapshot: Snapshot) -> Credentials | None:
    wanted = route.spelling if route is not None and route.relay else domain.lower()
    return next((one for one in snapshot.credentials if one.relay == wanted), None)


def _patience(snapshot: Snapshot) -> Patience:
    control = snapshot.control

    def limit(text: str | None, default: str) -> float:
        return float(seconds(text or default))

    return Patience(
        connect=limit(control.esmtptimeoutconnect, "60s"),
        helo=limit(control.esmtptimeouthelo, "5m"),
        command=limit(control.esmtptimeout, "10m"),
        data=limit(control.esmtptimeoutdata, "5m"),
        quit=limit(control.esmtptimeoutquit, "10s"),
    )
