"""The group of listeners follows the configuration: listeners begin, end and move while the others serve on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.log import ListLog
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.seams import Refuses
from courier_runtime.smtp.listener import Listener
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.steward.ports import bind
from courier_runtime.supervise.listeners import Listeners
from courier_runtime.supervise.supervisor import GaveUp, Supervisor
from runtime.trees import snapshot_of

Where = Mapping[str, tuple[tuple[str, int], ...]]


class Door:
    """A listener that notes what happens to it."""

    def __init__(self, name: str, sockets: Sequence[socket.socket], events: list[str], *, breaks: bool = False) -> None:
        self.name = name
        self.events = events
        self.breaks = breaks
        self.addresses = tuple(one.getsockname()[:2] for one in sockets)
        self._sockets = [one.dup() for one in sockets]

    async def run(self, ready: Callable[[], None]) -> None:
        self.events.append(f"{self.name} begins")
        ready()
        if self.breaks:
            raise RuntimeError("broken")
        try:
            await asyncio.Event().wait()
        finally:
            for one in self._sockets:
                one.close()
            self.events.append(f"{self.name} ends")

    def adopt(self, new: Snapshot) -> None:
        self.events.append(f"{self.name} adopts")


class Corridor:
    """A group, and the places that the configuration names at the moment."""

    def __init__(self, scratch: Path, where: Where, given: Sequence[socket.socket] = (), *, breaks: bool = False):
        self.snapshot = snapshot_of(scratch)
        self.where = where
        self.events: list[str] = []
        self.bound: list[tuple[str, int]] = []

        def make(name: str, snapshot: Snapshot, sockets: Sequence[socket.socket]) -> Listener:
            return cast(Listener, Door(name, sockets, self.events, breaks=breaks))

        def note(address: str, port: int) -> socket.socket:
            self.bound.append((address, port))
            return bind(address, port)

        self.group = Listeners(
            self.snapshot,
            places=lambda snapshot: self.where,
            bind=note,
            given=given,
            make=make,
            supervisor=Supervisor(log=ListLog(), metrics=NoMetrics(), clock=SystemClock()),
        )

    async def start(self) -> asyncio.Task[None]:
        ready = asyncio.Event()
        task = asyncio.create_task(self.group.run(ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
        return task

    async def change(self, where: Where) -> None:
        self.where = where
        new = replace(self.snapshot, generation=f"{self.snapshot.generation}+")
        await self.group.prepare(new)
        self.group.adopt(new)
        await asyncio.sleep(0.05)


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


def answers(place: tuple[str, int]) -> bool:
    with socket.socket() as client:
        return client.connect_ex(place) == 0


HERE = ("127.0.0.1", 0)


def test_a_listener_that_stays_adopts_one_that_is_new_begins_and_one_that_is_gone_ends(tmp_path: Path) -> None:
    async def go() -> None:
        made = Corridor(tmp_path, {"esmtpd": (HERE,), "esmtpd-msa": (HERE,)})
        task = await made.start()
        before = made.group.addresses
        assert all(answers(before[name][0]) for name in ("esmtpd", "esmtpd-msa"))
        await made.change({"esmtpd": (HERE,), "esmtpd-ssl": (HERE,)})
        assert made.events[2:] == ["esmtpd adopts", "esmtpd-msa ends", "esmtpd-ssl begins"]
        assert answers(before["esmtpd"][0])
        assert not answers(before["esmtpd-msa"][0])
        await end(task)
        assert made.events.count("esmtpd ends") == 1

    asyncio.run(go())


def test_a_listener_that_moves_keeps_the_sockets_that_stay(tmp_path: Path) -> None:
    async def go() -> None:
        with bind("127.0.0.1", 0) as first, bind("127.0.0.1", 0) as second:
            one, two = first.getsockname(), second.getsockname()
        made = Corridor(tmp_path, {"esmtpd": (one,)})
        task = await made.start()
        await made.change({"esmtpd": (one, two)})
        assert made.bound == [one, two], "the first place was not let go"
        assert answers(one)
        assert answers(two)
        await made.change({"esmtpd": (two,)})
        assert not answers(one)
        assert answers(two)
        await end(task)

    asyncio.run(go())


def test_a_port_may_go_from_one_listener_to_another(tmp_path: Path) -> None:
    async def go() -> None:
        with bind("127.0.0.1", 0) as free:
            place = free.getsockname()
        made = Corridor(tmp_path, {"esmtpd": (place,)})
        task = await made.start()
        await made.change({"esmtpd-msa": (place,)})
        assert made.bound == [place]
        assert made.group.addresses == {"esmtpd-msa": (place,)}
        assert answers(place)
        await end(task)

    asyncio.run(go())


def test_a_place_that_is_taken_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async def go() -> None:
        made = Corridor(tmp_path, {"esmtpd": (HERE,)})
        task = await made.start()
        before = made.group.addresses
        with bind("127.0.0.1", 0) as taken, pytest.raises(Refuses, match=r"esmtpd-msa cannot listen at .* in use$"):
            await made.change({"esmtpd": (HERE,), "esmtpd-msa": (taken.getsockname(),)})
        assert made.group.addresses == before
        assert made.events == ["esmtpd begins"]
        await end(task)

    asyncio.run(go())


def test_a_port_that_this_server_holds_elsewhere_itself_is_told_from_a_strangers(tmp_path: Path) -> None:
    async def go() -> None:
        with bind("127.0.0.1", 0) as free:
            port = free.getsockname()[1]
        made = Corridor(tmp_path, {"esmtpd": (("127.0.0.1", port),)})
        task = await made.start()
        with pytest.raises(Refuses, match="by this server itself, at another address: start it anew for that"):
            await made.change({"esmtpd": (("0", port),)})
        await end(task)

    asyncio.run(go())


def test_two_listeners_cannot_have_one_place(tmp_path: Path) -> None:
    made = Corridor(tmp_path, {"esmtpd": (("127.0.0.1", 2525),), "esmtpd-msa": (("127.0.0.1", 2525),)})
    with pytest.raises(Refuses, match=r"esmtpd and esmtpd-msa cannot both listen at 127\.0\.0\.1:2525"):
        asyncio.run(made.start())


def test_a_given_socket_is_used_and_never_closed(tmp_path: Path) -> None:
    async def go() -> None:
        with bind("127.0.0.1", 0) as given:
            place = given.getsockname()
            made = Corridor(tmp_path, {"esmtpd": (place,)}, [given])
            task = await made.start()
            await made.change({})
            assert made.events[-1] == "esmtpd ends"
            assert answers(place), "clients wait in the queue of the socket that the service manager holds"
            await made.change({"esmtpd": (place,)})
            assert made.bound == []
            await end(task)

    asyncio.run(go())


def test_a_listener_that_keeps_crashing_takes_the_group_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courier_runtime.supervise.supervisor._PAUSE", 0.001)

    async def go() -> None:
        made = Corridor(tmp_path, {"esmtpd": (HERE,)}, breaks=True)
        await (await made.start())

    with pytest.raises(GaveUp, match="esmtpd has crashed 6 times in a row"):
        asyncio.run(go())


def test_a_server_without_listeners_is_ready_too(tmp_path: Path) -> None:
    async def go() -> None:
        made = Corridor(tmp_path, {})
        task = await made.start()
        await made.change({"esmtpd": (HERE,)})
        assert made.events == ["esmtpd begins"]
        await end(task)

    asyncio.run(go())
