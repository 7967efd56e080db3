"""The composition root: the only module that names implementations. A few values go in, a running server comes out."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from courier_runtime.control.local_smtp import LocalSmtp
from courier_runtime.control.page import Page
from courier_runtime.control.server import Command, ControlServer, is_for, make_directory
from courier_runtime.delivery.esmtp.own import own_addresses
from courier_runtime.delivery.esmtp.transport import EsmtpTransport
from courier_runtime.delivery.fax import FaxTransport
from courier_runtime.delivery.local import LocalTransport
from courier_runtime.delivery.uucp import UucpTransport
from courier_runtime.dsn.notifier import ReportingNotifier
from courier_runtime.mail.ids import MessageId
from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.log import report_loop
from courier_runtime.observe.metrics import PrometheusMetrics
from courier_runtime.queue.scheduler import Queue
from courier_runtime.reception import Reception
from courier_runtime.routing.aliases import expand
from courier_runtime.seams import Actor, Log, Queued, Steward
from courier_runtime.smtp.limits import Limits
from courier_runtime.smtp.listener import Listener
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.spool.filesystem import FilesystemSpool
from courier_runtime.supervise.listeners import Bind, Listeners, Places
from courier_runtime.supervise.reload import Reloader
from courier_runtime.supervise.resources import Resources, open_descriptors
from courier_runtime.supervise.service_manager import ServiceManager, Watchdog
from courier_runtime.supervise.sessions import Crew, NurseryProcess, SharedListener
from courier_runtime.supervise.site import SiteKeeper
from courier_runtime.supervise.supervisor import Supervisor
from courier_runtime.supervise.watch import Watcher
from courier_runtime.tracking.files import FileTrack

PROGRAM: Final = "courierd"

STOPPED: Final = 0
ABORTED: Final = 3
"""Exit codes: of a server that was told to stop, and of one that was told so twice."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What the server is made of besides its configuration."""

    snapshot: Snapshot
    load: Callable[[], Snapshot]
    """Reads the tree again."""
    steward: Steward
    places: Places
    bind: Bind
    given: Sequence[socket.socket]
    """Sockets of the service manager."""
    watched: Sequence[Path]
    """Directories whose changes may be changes of the configuration."""
    log: Log
    manager: ServiceManager
    alias_owner: tuple[int, int]
    lifelines: Sequence[Actor] = ()
    """What ends the server when it ends."""
    page: tuple[str, int] | None = None
    """Address and port of the page of metrics."""
    resolver_servers: Sequence[str] = ()
    nursery: NurseryProcess | None = None
    """What processes for sessions come from; without it this one serves them itself."""
    sessions: int = 0
    """So many of them."""
    beginning: Mapping[str, Any] = field(default_factory=dict)
    """What such processes have to know of this one."""
    askers: Sequence[socket.socket] = ()
    """For each of them a socket on which it asks the helper for files."""
    compiler: Callable[[], tuple[int, int]] | None = None
    """Begins to compile the site of the tree, if that has one; as `SiteKeeper` has it."""
    is_watching_site: bool = True
    """Compile it at every edit, and not only for a reload."""
    on_ready: Callable[[Server], Awaitable[None]] | None = None
    on_abort: Callable[[], None] = field(default=lambda: None)
    """Ends what would outlive a process that stops at once."""


class Server:
    """A mail server, from its parts."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        snapshot, log, clock = setting.snapshot, setting.log, SystemClock()
        self._metrics = metrics = PrometheusMetrics()
        state = snapshot.ground.state
        self._stopping = asyncio.Event()
        self._track = FileTrack(state / "track", clock, log)
        self._spool = FilesystemSpool(state / "spool", clock=clock, log=log)
        reception = Reception(
            snapshot,
            spool=self._spool,
            suppression=self._track,
            resolver_servers=setting.resolver_servers,
            alias_owner=setting.alias_owner,
            log=log,
            metrics=metrics,
            clock=clock,
        )
        intake, resolver = reception.intake, reception.resolver
        self._relay = EsmtpTransport(
            resolver=resolver, suppression=self._track, clock=clock, own_addresses=own_addresses
        )
        self.queue = Queue(
            spool=self._spool,
            route=reception.router.route,
            transports={
                "local": LocalTransport(steward=setting.steward, intake=intake),
                "esmtp": self._relay,
                "uucp": UucpTransport(steward=setting.steward),
                "fax": FaxTransport(steward=setting.steward, log=log),
            },
            notifier=ReportingNotifier(intake=intake, snapshot=lambda: self.current, log=log),
            suppression=self._track,
            snapshot=snapshot,
            log=log,
            metrics=metrics,
            clock=clock,
        )

        self._crew = crew = Crew(
            setting.sessions,
            nursery=setting.nursery,
            beginning=setting.beginning,
            askers=setting.askers,
            current=lambda: self.current,
            spool=self._spool,
            track=self._track,
            metrics=metrics,
            log=log,
        )

        def make(name: str, snapshot: Snapshot, sockets: Sequence[socket.socket]) -> Listener | SharedListener:
            gate = Limits.of(snapshot.listeners[name], clock=clock, warn=lambda text: log.info("courieresmtpd", text))
            if crew.processes:
                return SharedListener(name, crew, sockets, gate)
            return reception.listener(name, snapshot, sockets, gate)

        self._supervisor = Supervisor(log=log, metrics=metrics, clock=clock)
        self._listeners = Listeners(
            snapshot,
            places=setting.places,
            bind=setting.bind,
            given=setting.given,
            make=make,
            supervisor=self._supervisor,
        )
        directory = make_directory(state / "run")
        pipe = LocalSmtp(directory, intake=intake, authenticator=reception.authenticator, metrics=metrics, clock=clock)
        control = ControlServer(directory, commands=self._commands(), intake=intake, snapshot=lambda: self.current)
        keeper = None
        if setting.compiler is not None:
            keeper = SiteKeeper(setting.compiler, self._alarm, log, is_watching=setting.is_watching_site)
        self.reloader = Reloader(
            snapshot=snapshot,
            load=setting.load,
            followers=(self.queue, pipe, crew, self._listeners),
            log=log,
            metrics=metrics,
            clock=clock,
            on_begin=setting.manager.reloading,
            on_end=self._tell_manager,
            source=keeper,
        )
        self._resources = Resources(
            room=lambda: self._spool.free,
            descriptors=lambda: open_descriptors(crew.pids),
            shortages=lambda: metrics.counted("descriptor_shortages"),
            log=log,
            metrics=metrics,
            clock=clock,
        )
        self._actors: list[Actor] = [
            self.queue,
            *crew.processes,
            self._listeners,
            pipe,
            control,
            self.reloader,
            self._resources,
        ]
        self._actors += setting.lifelines
        if setting.watched:
            self._actors.append(Watcher(setting.watched, self.reloader.alarm))
        if keeper is not None:
            self._actors.append(keeper)
        if setting.page is not None:
            self._actors.append(Page(*setting.page, metrics=self._page, health=self._health))
        if setting.manager.patience:
            self._actors.append(Watchdog(setting.manager, clock))

    @property
    def current(self) -> Snapshot:
        """The generation in force."""
        return self.reloader.current

    @property
    def addresses(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """Where each listener listens."""
        return self._listeners.addresses

    async def run(self) -> int:
        """Serve until a signal or a command says stop; the exit code.

        Raises what keeps an actor from ever serving, or GaveUp. A second signal ends the process there and then: the
        spool outlives that as it outlives a crash.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_or_abort)
        loop.add_signal_handler(signal.SIGHUP, self.reloader.tell)
        loop.set_exception_handler(report_loop(self._setting.log, PROGRAM))
        ready = asyncio.Event()
        running = asyncio.create_task(self._supervisor.run(self._actors, ready), name="supervisor")
        announcing = asyncio.create_task(self._announce(ready))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((running, stopping, announcing), return_when=asyncio.FIRST_COMPLETED)
            if announcing.done():
                await announcing
                await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
        finally:
            self._setting.manager.stopping()
            self._setting.log.info(PROGRAM, "SHUTDOWN: Stopping...")
            for task in (announcing, stopping, running):
                task.cancel()
            await asyncio.gather(announcing, stopping, running, return_exceptions=True)
            await self._relay.close()
            await self._spool.close()
        return STOPPED

    def _stop_or_abort(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            return
        self._setting.log.error(PROGRAM, "SHUTDOWN: at once; what was under way comes again")
        self._setting.on_abort()
        os._exit(ABORTED)

    async def _announce(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._tell_manager()
        if self._setting.on_ready is not None:
            await self._setting.on_ready(self)

    def _tell_manager(self) -> None:
        standing = self.reloader.standing
        trouble = f"; a later one is not: {standing.trouble.splitlines()[0]}" if standing.trouble else ""
        self._setting.manager.ready(f"generation {standing.generation} is in force{trouble}")

    def _alarm(self) -> None:
        self.reloader.alarm()

    def _page(self) -> bytes:
        self._resources.look()
        return self._metrics.text()

    def _health(self) -> str:
        """What an operator should look at; empty if all is well."""
        troubles = (self._supervisor.trouble, self._resources.trouble, self.reloader.standing.trouble)
        return "\n".join(filter(None, troubles))

    # ---- commands of the control socket ---------------------------------------------------------------------------

    def _commands(self) -> Mapping[str, Command]:
        return {
            "status": self._status,
            "reload": self._reload,
            "stop": self._stop,
            "queue": self._list,
            "alias": self._alias,
            "flush": self._flush,
            "hold": self._hold,
            "release": self._release,
            "cancel": self._cancel,
            "show": self._show,
            "clear": self._clear,
        }

    async def _status(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        standing, counts = self.reloader.standing, self.queue.counts()
        return {
            "pid": os.getpid(),
            "sessions": self._crew.pids,
            "host": self.current.me,
            "generation": standing.generation,
            "since": standing.since,
            "trouble": standing.trouble,
            "scarce": self._resources.trouble,
            "unsteady": self._supervisor.trouble,
            "doubts": list(self.current.doubts),
            "listeners": {
                name: [f"{address}:{port}" for address, port in places] for name, places in self.addresses.items()
            },
            "queue": {"messages": len(self._spool), "in_hand": counts.in_hand, "running": counts.running},
        }

    async def _reload(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        standing = await self.reloader.reload()
        return {"generation": standing.generation, "trouble": standing.trouble}

    async def _stop(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        self._stopping.set()
        return {}

    async def _list(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"messages": [_shown(message) for message in self.queue.list() if is_for(said, message.envelope)]}

    async def _alias(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        snapshot = self.current
        return {"targets": expand(str(said.get("address", "")), str(said.get("module", "")), snapshot) or ()}

    async def _flush(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _name(said)
        return {"done": (name is not None or "id" not in said) and await self.queue.flush(name)}

    async def _hold(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _name(said)
        return {"done": name is not None and await self.queue.hold(name)}

    async def _release(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _name(said)
        return {"done": name is not None and await self.queue.release(name)}

    async def _cancel(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        name = _name(said)
        reasons = tuple(map(str, said.get("reasons", ()))) or ("Message cancelled.",)
        found = None if name is None else self.queue.find(name)
        if found is None or found.cancelled or not is_for(said, found.envelope):
            return {"done": False}
        return {"done": await self.queue.cancel(found.id, reasons)}

    async def _show(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"addresses": self._track.listed()}

    async def _clear(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        address = said.get("address")
        return {"cleared": self._track.clear(None if address is None else str(address))}


def _name(said: Mapping[str, Any]) -> MessageId | None:
    """The message that a request is about; None if it names none, or none that could be."""
    try:
        return MessageId.parse(str(said["id"]))
    except (KeyError, ValueError):
        return None


def _shown(message: Queued) -> Mapping[str, Any]:
    """A message in the answer to `queue`."""
    return {
        "id": str(message.id),
        "size": message.size,
        "arrived": message.arrived,
        "due": message.due,
        "held": message.is_held,
        "sender": message.envelope.sender,
        "source": message.envelope.source,
        "owner": message.envelope.owner or os.getuid(),
        "recipients": [
            {
                "address": recipient.address,
                "state": progress.state.value,
                "said": list(progress.last.said.lines or (progress.last.said.network_error,))
                if progress.last is not None
                else [],
            }
            for recipient, progress in zip(message.envelope.recipients, message.progress, strict=True)
        ],
    }
