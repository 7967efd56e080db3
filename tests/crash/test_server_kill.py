"""A whole server under mixed load, killed again and again: accepted is delivered, queued or returned, at every moment.

What may happen twice is what was under way when the process died: a copy that was in the mailbox, or at the other
server, while the queue had not yet written that down. Nothing else may.
"""

from __future__ import annotations

import signal
import time
from collections import Counter
from pathlib import Path
from random import Random

from crash.traffic import ROBOT, SENDER, SITE, Auditor, Books, Customers, Key, Promises, Sink, is_hopeless, sinking
from runtime.running import Running, eventually

ROUNDS = 20
LONG_ROUNDS = 200
UNDER_WAY = 10 + 40 + 40
"""Recipients that can be under way at a time: local and remote deliveries, and notices that are being written."""


def test_kills_at_any_instant_lose_nothing_and_repeat_only_what_was_under_way(tmp_path: Path, is_soak: bool) -> None:
    chance = Random(1)
    promises = Promises()
    with sinking() as sink:
        server = _server(tmp_path, sink)
        auditor = Auditor(server, sink, tmp_path)
        before, repeatable = Books(), Counter[Key]()
        for life in range(LONG_ROUNDS if is_soak else ROUNDS):
            known = promises.offered.keys() | before.notices
            server.start()
            customers = Customers(server, promises, life)
            time.sleep(0.2 + chance.random() * (2.0 if is_soak else 0.6))
            server.stop(signal.SIGKILL)
            customers.end()
            eventually(lambda: not sink.talking)
            assert not sink.strange
            now = auditor.look()
            _nothing_is_lost(promises, now)
            _only_what_was_open_went_on(known, before, now)
            under_way = [key for key in now.pending if now.delivered[key]] + list(now.untold & now.told.keys())
            assert len(under_way) <= UNDER_WAY
            repeatable.update(now.open)
            before = now
        server.start()
        eventually(lambda: server.ask("status")["queue"]["messages"] == 0, within=120)
        assert server.stop() == 0
        assert not sink.strange
        _everything_has_ended(promises, auditor.look(), repeatable, auditor.robot())


def test_orderly_ends_at_any_instant_leave_nothing_under_way(tmp_path: Path, is_soak: bool) -> None:
    promises = Promises()
    with sinking() as sink:
        server = _server(tmp_path, sink)
        auditor = Auditor(server, sink, tmp_path)
        for life in range(20 if is_soak else 4):
            server.start()
            customers = Customers(server, promises, life)
            time.sleep(0.4)
            assert server.stop(signal.SIGTERM) == 0
            customers.end()
            eventually(lambda: not sink.talking)
            now = auditor.look()
            _nothing_is_lost(promises, now)
            assert not [key for key in now.pending if now.delivered[key]], "delivered, and not written down"
            assert not now.untold & now.told.keys(), "told of, and not written down"
            assert set(now.delivered.values()) <= {1}


def _server(scratch: Path, sink: Sink) -> Running:
    """A server that has compiled its site, and from then on starts from the tree."""
    server = Running(scratch, SITE.replace("SINK", str(sink.port)))
    server.start()
    home = server.state / "root/home/robot"
    for name in ("tmp", "new", "cur"):
        (home / "Maildir" / name).mkdir(parents=True)
    (home / ".courier").write_text(ROBOT)
    server.stop()
    server.served = server.state / "tree"
    return server


def _nothing_is_lost(promises: Promises, now: Books) -> None:
    for mark in promises.accepted:
        for address in promises.offered[mark]:
            key = (mark, address)
            assert now.delivered[key] or key in now.told or key in now.open, f"{key} is lost"


def _only_what_was_open_went_on(known: set[str], before: Books, now: Books) -> None:
    """What was delivered, or told of, in the life that has just ended."""
    for key, copies in (now.delivered - before.delivered).items():
        assert copies == 1, f"{key} was delivered twice in one life"
        assert key[0] not in known or key in before.pending, f"{key} had been recorded, and was delivered again"
    for key, notices in now.told.items():
        more = notices - before.told.get(key, set())
        assert len(more) <= 1, f"the sender was told of {key} twice in one life"
        assert not more or key[0] not in known or key in before.open, f"{key} was told of, and is told of again"


def _everything_has_ended(promises: Promises, end: Books, repeatable: Counter[Key], robot: Counter[str]) -> None:
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
