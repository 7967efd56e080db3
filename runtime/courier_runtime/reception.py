"""The reception: what takes mail in, composed the same way in every process that serves clients."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from courier_runtime.auth.chain import Chain
from courier_runtime.auth.system import System
from courier_runtime.auth.userdb import Userdb
from courier_runtime.dns.resolver import DnsResolver
from courier_runtime.intake.desk import Desk
from courier_runtime.intake.service import MailIntake
from courier_runtime.routing.router import Router
from courier_runtime.seams import Clock, Counters, Drafts, Log, Suppression
from courier_runtime.smtp.limits import Gate
from courier_runtime.smtp.listener import Listener
from courier_runtime.snapshot.model import Snapshot


class Reception:
    """The parts that sessions share, and listeners made of them."""

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        spool: Drafts,
        suppression: Suppression,
        resolver_servers: Sequence[str],
        alias_owner: tuple[int, int],
        log: Log,
        metrics: Counters,
        clock: Clock,
    ) -> None:
        system = System()
        self.resolver = DnsResolver(resolver_servers)
        self.authenticator = Chain({"authuserdb": Userdb(), "authpwd": system, "authshadow": system, "authpam": system})
        self.router = Router(self.authenticator, alias_owner)
        desk = Desk(spool, self.router, suppression, self.resolver, metrics, clock)
        self.intake = MailIntake(desk, snapshot)
        self._log, self._metrics, self._clock = log, metrics, clock

    def listener(self, name: str, snapshot: Snapshot, sockets: Sequence[socket.socket], gate: Gate) -> Listener:
        """A listener of this name."""
        return Listener(
            name,
            snapshot,
            intake=self.intake,
            resolver=self.resolver,
            authenticator=self.authenticator,
            log=self._log,
            metrics=self._metrics,
            clock=self._clock,
            sockets=sockets,
            gate=gate,
        )
