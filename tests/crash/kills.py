"""How a server under load is killed, and what has to hold then, however it was started."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from crash.traffic import SENDER, Auditor, Books, Customers, Key, Promises, Sink, is_hopeless
from runtime.running import Running, eventually

UNDER_WAY = 10 + 40 + 40
"""Recipients that can be under way at a time: local and remote deliveries, and notices that are being written."""


def kill_again_and_again(server: Running, sink: Sink, scratch: Path, lives: int, longest: float) -> Promises:
    """Kill the server `lives` times, look at everything while it is dead, and let what is left come to its end."""
    chance = Random(1)
    promises = Promises()
    auditor = Auditor(server, sink, scratch)
    before, repeatable = Books(), Counter[Key]()
    for life in range(lives):
        known = promises.offered.keys() | before.notices
        server.start()
        customers = Customers(server, promises, life)
        time.sleep(0.2 + chance.random() * longest)
        server.stop(signal.SIGKILL)
        customers.end()
        eventually(lambda: not sink.talking)
        assert not sink.strange
        now = auditor.look()
        nothing_is_lost(promises, now)
        only_what_was_open_went_on(known, before, now)
        under_way = [key for key in now.pending if now.delivered[key]] + list(now.untold & now.told.keys())
        assert len(under_way) <= UNDER_WAY
        repeatable.update(now.open)
        before = now
    server.start()
    come_to_an_end(server, sink)
    everything_has_ended(promises, auditor.look(), repeatable, auditor.robot())
    return promises


def kill_sessions_again_and_again(server: Running, sink: Sink, scratch: Path, lives: int) -> None:
    """Kill one process for sessions, then all, and so on, while customers come again and again.

    The queue goes on, so nothing may happen twice.
    """
    chance = Random(2)
    promises = Promises()
    auditor = Auditor(server, sink, scratch)
    for life in range(lives):
        server.start()
        with _patient(Customers(server, promises, life, are_patient=True)):
            for are_all in (False, True) * 2:
                time.sleep(0.1 + chance.random() * 0.6)
                pids = server.processes[1:]
                for pid in pids if are_all else pids[:1]:
                    os.kill(pid, signal.SIGKILL)
        come_to_an_end(server, sink)
    assert server.log().count("has ended with -9") > 2 * lives
    everything_has_ended(promises, auditor.look(), Counter(), auditor.robot())
    server.start()  # which deletes the long texts that nobody was promised
    come_to_an_end(server, sink)
    assert not list((server.state / "spool/texts").iterdir())


@contextmanager
def _patient(customers: Customers) -> Iterator[None]:
    try:
        yield
    finally:
        customers.end()


def come_to_an_end(server: Running, sink: Sink) -> None:
    """Wait until the queue is empty, and stop the server in order."""
    eventually(lambda: server.ask("status")["queue"]["messages"] == 0, within=120)
    assert server.stop() == 0
    assert not sink.strange


def nothing_is_lost(promises: Promises, now: Books) -> None:
    """Accepted is delivered, returned, or in the queue."""
    for mark in promises.accepted:
        for address in promises.offered[mark]:
            key = (mark, address)
            assert now.delivered[key] or key in now.told or key in now.open, f"{key} is lost"


def only_what_was_open_went_on(known: set[str], before: Books, now: Books) -> None:
    """What was delivered, or told of, in the life that has just ended."""
    for key, copies in (now.delivered - before.delivered).items():
        assert copies == 1, f"{key} was delivered twice in one life"
        assert key[0] not in known or key in before.pending, f"{key} had been recorded, and was delivered again"
    for key, notices in now.told.items():
        more = notices - before.told.get(key, set())
        assert len(more) <= 1, f"the sender was told of {key} twice in one life"
        assert not more or key[0] not in known or key in before.open, f"{key} was told of, and is told of again"


def everything_has_ended(promises: Promises, end: Books, repeatable: Counter[Key], robot: Counter[str]) -> None:
    """Accepted is delivered or returned, once each, or once more for each time that it was `repeatable`."""
    assert not end.open
    promised = {(mark, address) for mark in promises.accepted for address in promises.offered[mark]}
    assert len(promised) > 100, "that was no load"
    assert {key for key in promised if is_hopeless(key[1])} == promised & end.told.keys()
    assert {key for key in promised if not is_hopeless(key[1])} == promised & end.delivered.keys()
    assert not end.delivered.keys() & end.told.keys(), "delivered, and told of as failed"
    assert {(name, SENDER) for name in end.notices} <= end.delivered.keys()
    for key, copies in end.delivered.items():
        assert copies <= 1 + repeatable[key], f"{key} was repeated more often than the server died with it in hand"
    for key, notices in end.told.items():
        assert len(notices) <= 1 + repeatable[key], f"{key} was told of more often than the server died telling it"
    for mark, runs in robot.items():
        assert runs <= 1 + repeatable[mark, "robot@example.com"]
    assert {mark for mark, address in promised if address == "robot@example.com"} <= robot.keys()
