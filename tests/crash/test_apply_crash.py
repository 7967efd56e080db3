"""Whatever happens while a host is changed, it has the old generation or the new one, and the next apply succeeds."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from compiler.applied_hosts import FREE, manifest
from courier_compiler.applying.apply import InterruptedApplyError, apply, recover, rollback
from courier_compiler.applying.durable import Disk
from courier_compiler.applying.generations import kept
from courier_compiler.applying.installed import Place
from courier_compiler.applying.journal import is_pending, stage_path
from courier_compiler.applying.lock import BusyError, held
from courier_schema.report import CourierSiteError
from crash.hosts import NEW, OLD, FailsAt, Host, Killed, KilledAt, host_with_both, seen


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kill leaves does not depend on synchronisation; test_power_failure is about that."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where the system has one: thousands of hosts are changed below."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else tmp_path
    with TemporaryDirectory(dir=parent) as directory:
        yield Path(directory)


@pytest.fixture
def host(fast_path: Path) -> Host:
    return host_with_both(fast_path)


def _steps(fast_path: Path) -> int:
    """How many steps an apply of NEW over OLD takes."""
    disk = KilledAt()
    host_with_both(fast_path / "count").put(NEW, disk)
    assert disk.steps > 60, "the host changes in every way"
    return disk.steps


def _put_back(host: Host) -> None:
    host.put(OLD)
    assert host.now == "old"


def _is_whole_or_pending(host: Host) -> bool:
    """Before the journal nothing has changed; after it a careful reader loads one generation, or refuses."""
    if is_pending(host.place):
        assert host.seen in ("old", "new", None)
        return True
    assert host.now in ("old", "new")
    assert host.seen == host.now
    return False


def test_an_apply_makes_the_new_tree_and_leaves_nothing_staged(host: Host) -> None:
    host.put(NEW)
    assert (host.now, host.seen) == ("new", "new")
    assert not stage_path(host.place).exists()
    assert not is_pending(host.place)


def test_a_kill_at_every_step_leaves_old_or_new_and_the_next_apply_succeeds(fast_path: Path, host: Host) -> None:
    ends = []
    for step in range(_steps(fast_path)):
        with pytest.raises(Killed):
            host.put(NEW, KilledAt(step))
        decided = _is_whole_or_pending(host)
        recover(host.place)
        ends.append(host.now)
        assert host.now == ("new" if decided else ends[-1])
        host.put(NEW)
        assert (host.now, host.seen) == ("new", "new")
        _put_back(host)
    assert ends == sorted(ends, key=lambda end: end == "new"), "before one step always old, from it on always new"
    assert set(ends) == {"old", "new"}


def test_a_kill_at_every_step_of_a_recovery_is_recovered_from(fast_path: Path, host: Host) -> None:
    recoveries = 0
    for step in range(_steps(fast_path)):
        with pytest.raises(Killed):
            host.put(NEW, KilledAt(step))
        if is_pending(host.place):
            recoveries += _recovers_from_every_second_kill(host, fast_path / "half")
        recover(host.place)
        host.put(OLD)
    assert recoveries > 500


def _recovers_from_every_second_kill(host: Host, half: Path) -> int:
    """Let a half-done change be recovered and killed at each step of that, from the same beginning; the kills."""
    shutil.copytree(host.place.root, half, symlinks=True)
    beginning = Host(Place(half), host.trees)
    again = 0
    while True:
        shutil.rmtree(host.place.root)
        shutil.copytree(beginning.place.root, host.place.root, symlinks=True)
        try:
            recover(host.place, KilledAt(again))
        except Killed:
            _is_whole_or_pending(host)
            recover(host.place)
            assert (host.now, host.seen) == ("new", "new")
            again += 1
        else:
            shutil.rmtree(half)
            return again


def test_a_recovery_that_is_killed_again_and_again_ends_all_the_same(fast_path: Path, host: Host) -> None:
    for step in range(_steps(fast_path)):
        with pytest.raises(Killed):
            host.put(NEW, KilledAt(step))
        if is_pending(host.place):
            break
    kills = 0
    while is_pending(host.place):
        try:
            recover(host.place, KilledAt(kills))
        except Killed:
            kills += 1
    assert kills > 3
    assert host.now == "new"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
def test_a_refusal_at_every_step_is_told_truthfully(fast_path: Path, host: Host, code: int, lasts: bool) -> None:
    told = set()
    for step in range(_steps(fast_path)):
        told.add(_end(host, FailsAt(step, code, lasts), os.strerror(code)))
        host.put(NEW)
        assert (host.now, host.seen) == ("new", "new")
        _put_back(host)
    assert told == {"nothing has changed", "half done", "done"}


def _end(host: Host, disk: Disk, reason: str) -> str:
    """What an apply on that disk says in the end, after it was held against what it left."""
    try:
        host.put(NEW, disk)
    except CourierSiteError as error:
        said = str(error)
        interrupted = isinstance(error, InterruptedApplyError)
    else:
        assert (host.now, host.seen) == ("new", "new")
        return "done"
    assert reason in said
    assert interrupted == is_pending(host.place)
    if not interrupted:
        assert (host.now, host.seen) == ("old", "old")
    end = "half done" if interrupted else "nothing has changed"
    assert end in said
    return end


def test_a_kill_at_every_step_of_a_rollback_leaves_old_or_new(host: Host) -> None:
    host.put(NEW)
    back = str(kept(host.place)[-2].number)
    counting = KilledAt()
    keeping = replace(FREE, keep=1000)
    rollback(host.place, back, keeping, counting)
    assert host.now == "old"
    for step in range(counting.steps):
        apply(NEW, manifest(*NEW), host.place, keeping)
        with pytest.raises(Killed):
            rollback(host.place, back, keeping, KilledAt(step))
        _is_whole_or_pending(host)
        rollback(host.place, back, keeping)
        assert (host.now, host.seen) == ("old", "old")


def test_a_process_that_exits_at_every_step_is_recovered_from(fast_path: Path, host: Host) -> None:
    for step in range(0, _steps(fast_path), 3):
        child = os.fork()
        if child == 0:
            _exit_at(host, step)
        assert os.waitpid(child, 0)[1] == 9 << 8
        _is_whole_or_pending(host)
        host.put(NEW)
        assert host.now == "new"
        _put_back(host)


def _exit_at(host: Host, step: int) -> None:
    """In a child process: nothing of Python's own tidying happens."""
    taken = 0

    def count(verb: str, path: Path) -> None:
        nonlocal taken
        if taken == step:
            os._exit(9)
        taken += 1

    host.put(NEW, Disk(count))
    os._exit(0)


def test_generations_that_a_crash_left_behind_are_whole(fast_path: Path, host: Host) -> None:
    for step in range(_steps(fast_path)):
        with pytest.raises(Killed):
            host.put(NEW, KilledAt(step))
        for generation in kept(host.place):
            rollback(host.place, str(generation.number), replace(FREE, keep=1000))
        assert host.now is not None
        host.put(OLD)


# two at once


def test_of_two_applies_the_second_says_who_the_first_is(host: Host) -> None:
    with held(host.place, "courier-compile apply"):
        refused = subprocess.run(
            [*_APPLYING, str(host.place.root), "once"], capture_output=True, text=True, check=False
        )
        assert refused.returncode != 0
        assert f"being changed by courier-compile apply (process {os.getpid()} of " in refused.stderr
        assert host.now == "old"
        with pytest.raises(BusyError, match="try again when it is done"):
            host.put(NEW)
    host.put(NEW)
    assert host.now == "new"


def test_a_lock_ends_with_its_holder(host: Host) -> None:
    with pytest.raises(Killed):
        host.put(NEW, KilledAt(5))
    host.put(NEW)
    assert host.now == "new"


# real processes, real kills, a reader beside them


_SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from courier_compiler.applying.apply import apply
from courier_compiler.applying.installed import Place
from crash.hosts import NEW, OLD
from compiler.applied_hosts import FREE, manifest
place = Place(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for build in (NEW, OLD):
        apply(build, manifest(*build), place, FREE)
        print("applied", flush=True)
    if sys.argv[2] == "once":
        break
"""
_APPLYING = [sys.executable, "-c", _SCRIPT.format(tests=str(Path(__file__).parents[1]))]


def test_a_reader_beside_endless_applies_never_loads_a_mixture(host: Host) -> None:
    loaded = {"old": 0, "new": 0}
    with subprocess.Popen([*_APPLYING, str(host.place.root), "forever"], stdout=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + 20
            while min(loaded.values()) < 5 and time.monotonic() < end:
                name = seen(host.place)
                if name is not None:
                    loaded[name] += 1
        finally:
            process.kill()
    assert min(loaded.values()) >= 5


def test_a_kill_at_any_moment_leaves_old_or_new(host: Host) -> None:
    for attempt in range(10):
        with subprocess.Popen([*_APPLYING, str(host.place.root), "forever"], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.013 * attempt)
            process.send_signal(signal.SIGKILL)
        _is_whole_or_pending(host)
        recover(host.place)
        assert host.now in ("old", "new")
        assert host.seen == host.now
    host.put(NEW)
    assert host.now == "new"
    assert not stage_path(host.place).exists()


def test_an_interrupt_waits_until_what_is_decided_is_done(host: Host) -> None:
    def interrupt(verb: str, path: Path) -> None:
        if is_pending(host.place) and not sent:
            sent.append(verb)
            os.kill(os.getpid(), signal.SIGINT)

    sent: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        host.put(NEW, Disk(interrupt))
    assert sent
    assert not is_pending(host.place)
    assert host.now == "new"


def test_a_place_without_an_apply_has_nothing_to_recover(fast_path: Path) -> None:
    with pytest.raises(CourierSiteError, match="nothing was ever applied"):
        recover(Place(fast_path))
    with pytest.raises(CourierSiteError, match="nothing was ever applied"):
        rollback(Place(fast_path), None, FREE)
    assert list(fast_path.iterdir()) == []


def test_the_manifests_of_both_builds_differ() -> None:
    assert manifest(*OLD).generation != manifest(*NEW).generation
