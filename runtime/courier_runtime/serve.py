"""From a command line to a running server: finds or compiles the tree, gives up root's rights, serves.

What is slow is done side by side: while the compiler works in its process, this one loads the server's parts.
"""

from __future__ import annotations

import asyncio
import codecs
import errno
import grp
import importlib
import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from courier_runtime.compiled_site import CompiledSite, not_roots, site_file
from courier_schema.report import CourierSiteError

if TYPE_CHECKING:
    from courier_runtime.app import Server
    from courier_runtime.observe.log import Form, StreamLog, SyslogLog
    from courier_runtime.snapshot.model import Snapshot
    from courier_runtime.steward.remote import RemoteSteward
    from courier_runtime.supervise.listeners import Place

PROGRAM: Final = "courierd"

_HIGH: Final = {25: 2525, 587: 2587, 465: 2465}
"""Ports that a server without root takes in place of those that only root may have."""

GAVE_UP: Final = 70
"""Exit code of a server that a part of its own has brought down."""

MOST_SESSIONS: Final = 4
"""Processes for sessions that are started unasked."""

_NEEDED: Final = ("app", "steward.ports", "steward.remote", "supervise.lifeline", "nursery")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    path: Path
    state: Path
    host: str = ""
    """Which host of a site that describes several."""
    ports: Mapping[str, str] = field(default_factory=dict)
    """Listener to `ADDRESS:PORT`, in place of what the tree says."""
    log: Form = "auto"
    page: tuple[str, int] | None = None
    resolvers: Sequence[str] = ()
    is_watching: bool = True
    is_embedded: bool = True
    """Keep everything below the state directory, on high ports, under one's own user id."""
    sessions: int | None = None
    """Processes for sessions; None for as many as suit the machine."""
    is_quiet: bool = False
    """Do not say how to send a first mail."""


def serve(wish: Wish) -> int:
    """Serve until told to stop; the exit code.

    Raises CourierSiteError or OSError for what keeps the server from starting.
    """
    wish.state.mkdir(mode=0o750, parents=True, exist_ok=True)
    site = _site_of(wish)
    if site is None:
        return _Start(wish, None, _load_parts()).run()
    if not wish.is_embedded:
        _keep_from_others(wish.state)
    site.begin()
    try:
        runner = _load_parts()
        site.wait()
        return _Start(wish, site, runner).run()
    finally:
        site.close()


_CODECS: Final = ("idna", "punycode", "raw_unicode_escape")
"""Those of the standard library that names and texts beyond ASCII take, which are modules of their own."""


def _load_parts() -> asyncio.Runner:
    """Import what serving takes, while all may be read: root's Python may lie where others cannot look."""
    for name in _NEEDED:
        importlib.import_module(f"courier_runtime.{name}")
    for name in _CODECS:
        codecs.lookup(name)
    from courier_runtime.process import new_runner

    return new_runner()


class _Start:
    """One start of a server, from its tree."""

    def __init__(self, wish: Wish, site: CompiledSite | None, runner: asyncio.Runner) -> None:
        from courier_runtime.nursery import run
        from courier_runtime.process import become
        from courier_runtime.snapshot.load import find_tree, read_manifest
        from courier_runtime.snapshot.model import Ground
        from courier_runtime.steward.remote import HelperProcess
        from courier_runtime.supervise.service_manager import ServiceManager, inherited_sockets
        from courier_runtime.supervise.sessions import NurseryProcess

        self.wish = wish
        self.site = site
        self.runner = runner
        self.manager = ServiceManager()
        self.given = inherited_sockets()
        self.found = find_tree(wish.state / "tree" if site is not None else wish.path)
        root = wish.state / "root" if wish.is_embedded else Path("/")
        self.ground = Ground(self.found.sysconfdir, wish.state, root, self.found.nominal, self.found.prefix)
        self.layout = read_manifest(self.found.manifest).layout if self.found.manifest is not None else {}
        self.owner = (os.getuid(), os.getgid()) if wish.is_embedded else _owner(self.layout)
        self.sessions = _sessions() if wish.sessions is None else wish.sessions
        askers = 0 if wish.is_embedded else self.sessions
        self.objection = "" if site is None or wish.is_embedded else _objection(site.file)
        self.helper = HelperProcess(
            self.found.sysconfdir,
            wish.state / "spool",
            is_own=wish.is_embedded,
            askers=askers,
            compiler=() if site is None or self.objection else site.watch,
        )
        owner = None if wish.is_embedded else self.owner
        self.nursery = NurseryProcess(partial(run, owner=owner)) if self.sessions else None
        if not wish.is_embedded:
            # Everybody who sends mail passes through to the socket; the rest is closed below. The mail user makes here
            # what it needs, but cannot put another tree in place of the one that root writes.
            os.chown(wish.state, 0, self.owner[1])
            wish.state.chmod(0o1771)
            become(self.owner)

    def run(self) -> int:
        """Serve; the exit code. Raises CourierSiteError or OSError before the server is ready."""
        from courier_runtime.process import raise_limits
        from courier_runtime.seams import Refuses
        from courier_runtime.supervise.supervisor import GaveUp

        raise_limits()
        try:
            with self.runner as runner:
                return runner.run(self._serve())
        except Refuses as error:
            raise CourierSiteError(str(error)) from error
        except GaveUp as error:
            print(f"courier-run: {error}", file=sys.stderr)
            return GAVE_UP
        finally:
            if self.nursery is not None:
                self.nursery.close()
            self.helper.close()

    async def _serve(self) -> int:
        from courier_runtime.observe.log import open_log
        from courier_runtime.steward.remote import RemoteSteward

        steward = RemoteSteward(self.helper.orders)
        log = open_log(self.wish.log)
        try:
            await steward.open()
            if self.nursery is not None:
                await self.nursery.open()
            return await self._server(steward, log).run()
        finally:
            log.flush()
            steward.close()
            if self.nursery is not None:
                self.nursery.hang_up()

    def _server(self, steward: RemoteSteward, log: StreamLog | SyslogLog) -> Server:
        from courier_runtime.app import Server, Setting
        from courier_runtime.steward.ports import bind
        from courier_runtime.supervise.lifeline import Lifeline

        wish = self.wish
        lifelines = [Lifeline(steward.ended, "the helper")]
        if self.nursery is not None:
            lifelines.append(Lifeline(self.nursery.ended, "the nursery"))

        return Server(
            Setting(
                snapshot=self._load(),
                load=self._load,
                steward=steward,
                places=self._places,
                bind=bind if wish.is_embedded else self.helper.descriptors.listen,
                given=tuple(one for some in self.given.values() for one in some),
                watched=(self.found.sysconfdir,) if wish.is_watching else (),
                log=log,
                manager=self.manager,
                alias_owner=self.owner,
                lifelines=lifelines,
                page=wish.page,
                resolver_servers=wish.resolvers,
                nursery=self.nursery,
                sessions=self.sessions,
                beginning=self._beginning(),
                askers=self.helper.for_others,
                compiler=self._compile if self.site is not None else None,
                is_watching_site=wish.is_watching and not self.objection,
                on_ready=partial(self._begin, log),
                on_abort=log.flush,
            )
        )

    def _beginning(self) -> Mapping[str, object]:
        """What a process for sessions has to know."""
        found, ground = self.found, self.ground
        return {
            "place": {
                "sysconfdir": str(found.sysconfdir),
                "nominal": found.nominal,
                "manifest": str(found.manifest) if found.manifest is not None else "",
                "prefix": found.prefix,
                "state": str(ground.state),
                "root": str(ground.root),
            },
            "log": self.wish.log,
            "resolvers": list(self.wish.resolvers),
            "alias_owner": self.owner,
        }

    async def _begin(self, log: StreamLog | SyslogLog, server: Server) -> None:
        """The server serves: say so, and what follows from that."""
        print("ready", flush=True)
        if self.objection:
            log.error(PROGRAM, self.objection)
        if self.wish.is_embedded and not self.wish.is_quiet:
            from courier_runtime.welcome import welcome

            places = {name: some[0] for name, some in server.addresses.items()}
            print(await welcome(server.current, places), file=sys.stderr, flush=True)

    def _compile(self) -> tuple[int, int]:
        """Begin to compile the site. Raises OSError."""
        if self.objection:
            raise PermissionError(errno.EPERM, self.objection)
        return self.helper.descriptors.compiler()

    def _load(self) -> Snapshot:
        """The tree as it is now. Raises CourierSiteError for one that this server cannot go over to as it runs."""
        from courier_runtime.snapshot.load import load_snapshot, read_manifest

        snapshot = load_snapshot(self.found, self.ground, opener=self._open)
        if self.found.manifest is not None and read_manifest(self.found.manifest, self._open).layout != self.layout:
            raise CourierSiteError("the layout or the mail system's user has changed: start the server anew for that")
        return snapshot

    def _open(self, path: Path) -> int:
        """A descriptor to read a file of the tree from: with our own rights, else with the helper's. Raises OSError."""
        from courier_runtime.snapshot.tree import open_for_reading

        try:
            return open_for_reading(path)
        except PermissionError:
            if self.wish.is_embedded:
                raise
            return self.helper.descriptors.open(path)

    def _places(self, snapshot: Snapshot) -> Mapping[str, tuple[Place, ...]]:
        """Where listeners listen: the service manager's word counts, then the command line's, then the tree's."""
        from courier_runtime.smtp.sockets import places

        found: dict[str, tuple[Place, ...]] = {}
        for name, listener in snapshot.listeners.items():
            if name in self.given:
                found[name] = tuple(one.getsockname()[:2] for one in self.given[name])
            elif name in self.wish.ports:
                found[name] = (_place(self.wish.ports[name]),)
            else:
                said = places(listener.settings)
                found[name] = tuple(map(_high, said)) if self.wish.is_embedded else said
        return found


def _sessions() -> int:
    """A process for each core but one, where there are several; more than four would wait for the queue's."""
    return min(len(os.sched_getaffinity(0)) - 1, MOST_SESSIONS)


def _place(text: str) -> Place:
    address, _, port = text.rpartition(":")
    return address.strip("[]") or "0", int(port)


def _high(place: Place) -> Place:
    """The same place, or one that needs no root."""
    address, port = place
    return address, _HIGH.get(port, port if port >= 1024 else 10_000 + port)


def _site_of(wish: Wish) -> CompiledSite | None:
    """The site at the path, if it is one and no tree."""
    file = site_file(wish.path)
    if file is None:
        return None
    return CompiledSite(wish.path, file, wish.state / "tree", wish.host, has_owners=not wish.is_embedded)


def _objection(file: Path) -> str:
    """Why edits of a site must not be compiled with root's rights; empty if they may."""
    found = not_roots(file)
    return f"others than root can write {found}, so edits of the site count at a new start only" if found else ""


def _keep_from_others(state: Path) -> None:
    """Make the state directory root's, and see that the tree below is. Raises CourierSiteError.

    The compiler writes there as root, so nobody else may have a say in where that is.
    """
    os.chown(state, 0, 0)
    state.chmod(0o711)
    tree = state / "tree"
    if os.path.lexists(tree) and (tree.is_symlink() or tree.stat().st_uid != 0):
        raise CourierSiteError(f"{tree} is not root's own directory: remove it")


def _owner(layout: Mapping[str, str]) -> tuple[int, int]:
    """The mail system's user and group."""
    names = {"mailuser": "courier", "mailgroup": "courier", **layout}
    try:
        return pwd.getpwnam(names["mailuser"]).pw_uid, grp.getgrnam(names["mailgroup"]).gr_gid
    except KeyError as error:
        raise CourierSiteError(f"this system has no user or group {error.args[0]}: install one for the mail") from error
