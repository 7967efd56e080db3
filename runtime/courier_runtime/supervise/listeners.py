"""The listeners: a group that grows, shrinks and moves with the configuration, without losing a session.

A socket belongs to a place, not to a listener: a listener that moves is a new one, and the old one lets its messages
finish. The sockets of new places are bound while the group is asked whether it can go over, so that a place that cannot
be had leaves everything as it was. That is why the group has to be asked last.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from courier_runtime.seams import Actor, Refuses
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.supervise.supervisor import Supervisor

Place = tuple[str, int]
"""Address and port; port 0 for any that is free."""

Places = Callable[[Snapshot], Mapping[str, tuple[Place, ...]]]
"""Where each listener of a generation is to listen."""

Bind = Callable[[str, int], socket.socket]
"""Gives a listening socket. Raises OSError. Called in a thread."""


class Serving(Actor, Protocol):
    """A listener, whoever serves its sessions."""

    @property
    def addresses(self) -> tuple[Place, ...]:
        """Where it listens, once it does."""
        ...


Make = Callable[[str, Snapshot, Sequence[socket.socket]], Serving]

_Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class _Served:
    """A listener that runs."""

    listener: Serving
    places: tuple[Place, ...]
    task: asyncio.Task[None]
    serving: asyncio.Event


class Listeners:
    """An actor: all listeners of a server."""

    name = "listeners"

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        places: Places,
        bind: Bind,
        given: Sequence[socket.socket] = (),
        make: Make,
        supervisor: Supervisor,
    ) -> None:
        self._snapshot = snapshot
        self._places = places
        self._bind = bind
        self._make = make
        self._supervisor = supervisor
        self._given = {_key("", one.getsockname()[:2]): one for one in given}
        self._sockets = dict(self._given)
        self._served: dict[str, _Served] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None

    @property
    def addresses(self) -> Mapping[str, tuple[Place, ...]]:
        """Where each listener really listens."""
        return {name: one.listener.addresses for name, one in self._served.items()}

    async def run(self, ready: Callable[[], None]) -> None:
        """Keep them running until cancelled. Raises Refuses for a place that cannot be had, and GaveUp."""
        await self.prepare(self._snapshot)
        self._failed = failed = asyncio.get_running_loop().create_future()
        try:
            self._go_over(self._snapshot)
            for one in tuple(self._served.values()):
                waiting = asyncio.create_task(one.serving.wait())
                await asyncio.wait((waiting, failed), return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if failed.done():
                    break
            else:
                ready()
            await failed
        finally:
            self._failed = None
            await self._stop()

    async def prepare(self, new: Snapshot) -> None:
        """Bind the places that are new. Raises Refuses for one that cannot be had."""
        opened: dict[_Key, socket.socket] = {}
        try:
            for name, place, key in _wanted(self._places(new)):
                if key not in self._sockets:
                    opened[key] = await asyncio.to_thread(self._open, name, place)
        except Refuses:
            for one in opened.values():
                one.close()
            raise
        self._sockets |= opened

    def adopt(self, new: Snapshot) -> None:
        """Go over to it: listeners that stay where they are change their settings, others end or begin."""
        self._snapshot = new
        if self._failed is not None:
            self._go_over(new)

    def _open(self, name: str, place: Place) -> socket.socket:
        address, port = place
        try:
            return self._bind(address, port)
        except OSError as error:
            said = f"{name} cannot listen at {address}:{port}: {error.strerror or error}"
            if any(port and key[1] == port for key in self._sockets):
                said += " by this server itself, at another address: start it anew for that"
            raise Refuses(said) from error

    def _go_over(self, new: Snapshot) -> None:
        wanted = self._places(new)
        for name, one in tuple(self._served.items()):
            if wanted.get(name) == one.places:
                one.listener.adopt(new)
            else:
                self._dismiss(name, one)
        for name, places in wanted.items():
            if name not in self._served:
                self._begin(name, places, new)
        needed = {key for _, _, key in _wanted(wanted)} | self._given.keys()
        for key in self._sockets.keys() - needed:
            self._sockets.pop(key).close()

    def _begin(self, name: str, places: tuple[Place, ...], snapshot: Snapshot) -> None:
        listener = self._make(name, snapshot, [self._sockets[_key(name, place)] for place in places])
        serving = asyncio.Event()
        task = asyncio.create_task(self._supervisor.keep(listener, serving), name=name)
        task.add_done_callback(self._ended)
        self._served[name] = _Served(listener, places, task, serving)

    def _dismiss(self, name: str, one: _Served) -> None:
        del self._served[name]
        self._leaving.add(one.task)
        one.task.add_done_callback(self._leaving.discard)
        one.task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """One that ended by itself takes the group with it."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def _stop(self) -> None:
        for name, one in tuple(self._served.items()):
            self._dismiss(name, one)
        if self._leaving:
            await asyncio.wait(set(self._leaving))


def _wanted(places: Mapping[str, tuple[Place, ...]]) -> list[tuple[str, Place, _Key]]:
    """Every place of every listener. Raises Refuses if two want the same."""
    found: dict[_Key, tuple[str, Place, _Key]] = {}
    for name, some in places.items():
        for place in some:
            key = _key(name, place)
            if key in found:
                raise Refuses(f"{found[key][0]} and {name} cannot both listen at {place[0]}:{place[1]}")
            found[key] = (name, place, key)
    return list(found.values())


def _key(name: str, place: Place) -> _Key:
    """What a socket is known by: free ports are each listener's own."""
    return (*place, "" if place[1] else name)
