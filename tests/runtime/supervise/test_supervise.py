"""Actors are started in order, started again when they crash, and carried over to a new configuration or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from courier_runtime.observe.clock import FrozenClock
from courier_runtime.observe.log import ListLog
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.seams import Actor, Refuses
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.supervise.reload import Reloader, Source, Standing
from courier_runtime.supervise.supervisor import Bearable, GaveUp, Supervisor
from courier_runtime.supervise.watch import Watcher, readable
from courier_schema.report import CourierSiteError
from runtime.trees import snapshot_of


class Scripted:
    """An actor that crashes as often as it is told, and notes what happens to it."""

    def __init__(self, name: str, events: list[str], crashes: int = 0, refuses: str = "") -> None:
        self.name = name
        self.events = events
        self.crashes = crashes
        self.refuses = refuses

    async def run(self, ready: Callable[[], None]) -> None:
        self.events.append(f"{self.name} starts")
        ready()
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError(f"{self.name} is broken")
        try:
            await asyncio.Event().wait()
        finally:
            self.events.append(f"{self.name} stops")

    async def prepare(self, new: Snapshot) -> None:
        self.events.append(f"{self.name} is asked")
        if self.refuses:
            raise Refuses(self.refuses)

    def adopt(self, new: Snapshot) -> None:
        self.events.append(f"{self.name} adopts")


class Mortal(Scripted):
    """An actor that dies as often as it is told, and without which the server can live."""

    async def run(self, ready: Callable[[], None]) -> None:
        ready()
        if self.crashes:
            self.crashes -= 1
            raise Bearable("killed")
        await asyncio.Event().wait()


class Stillborn(Scripted):
    """An actor that never serves."""

    async def run(self, ready: Callable[[], None]) -> None:
        raise OSError("the port is taken")


def supervise(*actors: Actor, log: ListLog | None = None) -> None:
    """Run until all serve, then stop."""

    async def go() -> None:
        ready = asyncio.Event()
        supervisor = Supervisor(log=log or ListLog(), metrics=NoMetrics(), clock=FrozenClock())
        running = asyncio.create_task(supervisor.run(actors, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        for _ in range(50):
            await asyncio.sleep(0)
        waiting.cancel()
        if running.done():
            await running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(go())


def test_actors_start_in_order_and_stop_in_reverse() -> None:
    events: list[str] = []
    supervise(Scripted("a", events), Scripted("b", events))
    assert events == ["a starts", "b starts", "b stops", "a stops"]


def test_an_actor_that_crashes_is_started_again_and_its_traceback_is_logged() -> None:
    events: list[str] = []
    log = ListLog()
    supervise(Scripted("a", events, crashes=3), log=log)
    assert events.count("a starts") == 4
    assert sum("RuntimeError: a is broken" in line for line in log.lines) == 3


def test_an_actor_that_keeps_crashing_takes_the_server_down() -> None:
    with pytest.raises(GaveUp, match="a has crashed 6 times in a row: a is broken"):
        supervise(Scripted("a", [], crashes=100))


class PatientClock(FrozenClock):
    """Notes for how long somebody sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


async def outlived(deaths: int, clock: FrozenClock, log: ListLog) -> Supervisor:
    """The supervisor of an actor that has died so many times in a row and works now."""
    actor = Mortal("a", [], crashes=deaths)
    supervisor = Supervisor(log=log, metrics=NoMetrics(), clock=clock)
    task = asyncio.create_task(supervisor.keep(actor, asyncio.Event()))
    for _ in range(3 * deaths + 3):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    return supervisor


def test_an_actor_whose_end_can_be_borne_is_started_again_for_ever_after_longer_and_longer_pauses() -> None:
    clock, log = PatientClock(), ListLog()
    asyncio.run(outlived(2000, clock, log))
    assert clock.slept[:9] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2]
    assert set(clock.slept[9:]) == {51.2}
    assert len(clock.slept) == 2000


def test_an_actor_that_keeps_ending_is_trouble_until_it_has_worked_for_a_minute() -> None:
    clock, log = PatientClock(), ListLog()
    supervisor = asyncio.run(outlived(6, clock, log))
    said = "a has ended 6 times in a row and begins again after 6 s: killed"
    assert [line for line in log.lines if "in a row" in line] == [f"courierd: {said}"]
    assert supervisor.trouble == said
    clock.at += 60
    assert supervisor.trouble == said
    clock.at += 1
    assert supervisor.trouble == ""


def test_a_few_deaths_in_a_row_are_no_trouble() -> None:
    assert asyncio.run(outlived(5, FrozenClock(), ListLog())).trouble == ""


def test_an_actor_that_never_served_ends_the_start_and_stops_the_others() -> None:
    events: list[str] = []
    with pytest.raises(OSError, match="the port is taken"):
        supervise(Scripted("a", events), Stillborn("b", events))
    assert events == ["a starts", "a stops"]


def reloader(
    snapshot: Snapshot,
    load: Callable[[], Snapshot],
    *actors: Actor,
    log: ListLog | None = None,
    source: Source | None = None,
) -> Reloader:
    return Reloader(
        snapshot=snapshot,
        load=load,
        followers=actors,
        log=log or ListLog(),
        metrics=NoMetrics(),
        clock=FrozenClock(),
        source=source,
    )


class Site:
    """What a tree is compiled from; whenever that is done, the next trouble is what there is."""

    def __init__(self, *troubles: str) -> None:
        self._troubles = list(troubles)
        self.trouble = ""

    async def renew(self) -> None:
        self.trouble = self._troubles.pop(0)


def test_everybody_is_asked_before_anybody_goes_over(tmp_path: Path) -> None:
    events: list[str] = []
    old = snapshot_of(tmp_path)
    new = replace(old, generation="new")
    made = reloader(old, lambda: new, Scripted("a", events), Scripted("b", events))
    standing = asyncio.run(made.reload())
    assert events == ["a is asked", "b is asked", "a adopts", "b adopts"]
    assert (standing.generation, standing.trouble, made.current) == ("new", "", new)


def test_one_refusal_leaves_the_old_generation_in_force_for_all(tmp_path: Path) -> None:
    events: list[str] = []
    old = snapshot_of(tmp_path)
    log = ListLog()
    actors = Scripted("a", events), Scripted("b", events, refuses="b listens elsewhere")
    made = reloader(old, lambda: replace(old, generation="new"), *actors, log=log)
    standing = asyncio.run(made.reload())
    assert "a adopts" not in events
    assert (standing.generation, standing.trouble) == (old.generation, "b listens elsewhere")
    assert made.current is old
    assert f"generation {old.generation} stays in force: b listens elsewhere" in log.lines[-1]


def test_a_tree_that_cannot_be_loaded_changes_nothing_and_the_next_good_one_clears_the_trouble(tmp_path: Path) -> None:
    old = snapshot_of(tmp_path)
    broken = [True]

    def load() -> Snapshot:
        if broken[0]:
            raise CourierSiteError("esmtpd:2: no")
        return old

    made = reloader(old, load)
    assert asyncio.run(made.reload()).trouble == "esmtpd:2: no"
    broken[0] = False
    assert asyncio.run(made.reload()).trouble == ""


def test_a_reload_compiles_the_site_first_and_fails_with_it(tmp_path: Path) -> None:
    old, log, site = snapshot_of(tmp_path), ListLog(), Site("site.yaml:2:1: no\n1 error", "")
    new = replace(old, generation="new")
    made = reloader(old, lambda: old if site.trouble else new, log=log, source=site)
    assert asyncio.run(made.reload()).trouble == "site.yaml:2:1: no\n1 error"
    assert log.lines[-2:] == [
        f"courierd: generation {old.generation} stays in force: site.yaml:2:1: no",
        "courierd: 1 error",
    ]
    assert asyncio.run(made.reload()) == Standing("new", made.standing.since)


def test_a_broken_site_is_told_of_once_however_often_the_tree_changes(tmp_path: Path) -> None:
    old, log, site = snapshot_of(tmp_path), ListLog(), Site()
    site.trouble = "site.yaml:2:1: no"
    made = reloader(old, lambda: old, log=log, source=site)

    async def go() -> None:
        task = asyncio.create_task(made.run(lambda: None))
        for _ in range(3):
            made.alarm()
            await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait((task,))

    asyncio.run(go())
    assert made.standing.trouble == "site.yaml:2:1: no"
    assert sum("stays in force" in line for line in log.lines) == 1


def test_a_hangup_is_a_reload_and_an_alarm_is_only_a_look(tmp_path: Path) -> None:
    old, site = snapshot_of(tmp_path), Site("site.yaml:2:1: no")
    made = reloader(old, lambda: old, source=site)

    async def go() -> None:
        task = asyncio.create_task(made.run(lambda: None))
        made.alarm()
        await asyncio.sleep(0.05)
        assert made.standing.trouble == ""
        made.tell()
        while not made.standing.trouble:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait((task,))

    asyncio.run(asyncio.wait_for(go(), 5))


def test_the_same_generation_disturbs_nobody(tmp_path: Path) -> None:
    events: list[str] = []
    old = snapshot_of(tmp_path)
    asyncio.run(reloader(old, lambda: old, Scripted("a", events)).reload())
    assert events == []


async def changed(alarms: list[int], than: int) -> bool:
    """Whether more alarms come within five seconds."""
    for _ in range(100):
        if len(alarms) > than:
            return True
        await asyncio.sleep(0.05)
    return False


def test_the_watcher_raises_an_alarm_at_the_start_when_it_is_set_up_and_at_every_change(tmp_path: Path) -> None:
    async def go() -> None:
        alarms: list[int] = []
        watching = asyncio.create_task(Watcher((tmp_path,), lambda: alarms.append(1)).run(lambda: None))
        assert await changed(alarms, 1), "one at the start, one when the watch is there"
        assert len(alarms) == 2
        draft = tmp_path / "draft"
        draft.write_text("x")
        draft.replace(tmp_path / "me")
        assert await changed(alarms, 2)
        before = len(alarms)
        await asyncio.sleep(1.5)
        assert len(alarms) == before, "no change, no alarm"
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(go())


def test_a_refused_change_is_looked_at_again_for_the_reason_may_have_been_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("courier_runtime.supervise.reload.RETRY", 0.01)
    old = snapshot_of(tmp_path)
    log, looked = ListLog(), 0

    def load() -> Snapshot:
        nonlocal looked
        looked += 1
        if looked < 4:
            raise CourierSiteError("smtpaccess.dat cannot be read: Too many open files")
        return replace(old, generation="new")

    async def go() -> Reloader:
        made = reloader(old, load, log=log)
        task = asyncio.create_task(made.run(lambda: None))
        made.alarm()
        while made.current is old:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait((task,))
        return made

    assert asyncio.run(go()).standing.trouble == ""
    assert sum("Too many open files" in line for line in log.lines) == 1, "it is not said over and over"


def test_the_watcher_leaves_the_records_of_applies_alone_and_those_that_it_may_not_read(tmp_path: Path) -> None:
    for name in ("aliasdir", ".courier-site/generations/1", ".courier-site/stage"):
        (tmp_path / name).mkdir(parents=True)
    found = [path for path, _ in readable((tmp_path,))]
    assert found == [str(tmp_path / name) for name in (".", ".courier-site", "aliasdir")]


def test_the_watcher_survives_a_directory_that_comes_and_goes(tmp_path: Path) -> None:
    (tmp_path / "hosteddomains").mkdir()

    async def go() -> None:
        alarms: list[int] = []
        watching = asyncio.create_task(Watcher((tmp_path,), lambda: alarms.append(1)).run(lambda: None))
        for number in range(10):
            await asyncio.sleep(0.1)
            (tmp_path / "hosteddomains").rename(tmp_path / str(number))
            (tmp_path / "hosteddomains").mkdir()
            (tmp_path / str(number)).rmdir()
        await asyncio.sleep(1.5)
        before = len(alarms)
        (tmp_path / "hosteddomains/site").write_text("x")
        assert await changed(alarms, before)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    asyncio.run(go())
