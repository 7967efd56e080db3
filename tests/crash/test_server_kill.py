"""A whole server under mixed load, killed again and again: accepted is delivered, queued or returned, at every moment.

What may happen twice is what was under way when the process died: a copy that was in the mailbox, or at the other
server, while the queue had not yet written that down. Nothing else may.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from pathlib import Path

from crash.kills import kill_again_and_again, kill_sessions_again_and_again, nothing_is_lost
from crash.traffic import ROBOT, SITE, Auditor, Customers, Promises, Sink, sinking
from runtime.running import Running, eventually

ROUNDS = 20
LONG_ROUNDS = 200


def test_kills_at_any_instant_lose_nothing_and_repeat_only_what_was_under_way(tmp_path: Path, is_soak: bool) -> None:
    with sinking() as sink:
        lives, longest = (LONG_ROUNDS, 2.0) if is_soak else (ROUNDS, 0.6)
        kill_again_and_again(_server(tmp_path, sink), sink, tmp_path, lives, longest)


def test_kills_of_processes_for_sessions_lose_nothing_and_repeat_nothing(tmp_path: Path, is_soak: bool) -> None:
    with sinking() as sink:
        server = _server(tmp_path, sink, ("--sessions", "2"))
        kill_sessions_again_and_again(server, sink, tmp_path, 30 if is_soak else 3)


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
            nothing_is_lost(promises, now)
            assert not [key for key in now.pending if now.delivered[key]], "delivered, and not written down"
            assert not now.untold & now.told.keys(), "told of, and not written down"
            assert set(now.delivered.values()) <= {1}


def _server(scratch: Path, sink: Sink, options: Sequence[str] = ()) -> Running:
    """A server that has compiled its site, and from then on starts from the tree."""
    server = Running(scratch, SITE.replace("SINK", str(sink.port)), options)
    server.start()
    home = server.state / "root/home/robot"
    for name in ("tmp", "new", "cur"):
        (home / "Maildir" / name).mkdir(parents=True)
    (home / ".courier").write_text(ROBOT)
    server.stop()
    server.served = server.state / "tree"
    return server
