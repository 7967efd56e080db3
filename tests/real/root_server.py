"""A server that root starts, for tests that look at the whole: in a private corner, with everything below /srv."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from real import namespace
from runtime.running import Running, eventually

ROOM = Path("/srv")
TREE = ROOM / "host"
USER = 5000
"""Whom all mailboxes belong to."""


class RootServer(Running):
    """Serves a tree that was applied to a host below /srv. The caller has entered the corner."""

    def __init__(self, site: str, users: Sequence[str], options: Sequence[str] = ()) -> None:
        super().__init__(ROOM, site, options)
        self.homes = ROOM / "home"
        compiler = (sys.executable, "-m", "courier_compiler.cli")
        subprocess.run([*compiler, "apply", str(self.site), "--root", str(TREE)], check=True, capture_output=True)
        for user in users:
            self.make_mailbox(user)
        self.served = TREE

    @property
    def manner(self) -> Sequence[str]:
        return ()

    def make_mailbox(self, user: str) -> None:
        """A home with a mailbox."""
        home = self.homes / user
        for name in ("new", "tmp", "cur"):
            (home / "Maildir" / name).mkdir(parents=True)
        subprocess.run(["chown", "-R", f"{USER}:{USER}", str(home)], check=True)

    def put(self, user: str, name: str, text: str) -> None:
        """A file in somebody's home."""
        path = self.homes / user / name
        path.write_text(text)
        os.chown(path, USER, USER)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it, and wait until all of its processes are gone; the exit code."""
        children = self.descendants
        code = super().stop(number)
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))
        return code

    def kill(self) -> None:
        """Kill the process that owns the queue, and wait for nobody else."""
        super().stop(signal.SIGKILL)

    @property
    def descendants(self) -> list[int]:
        """The server's processes besides the first."""
        found = [self.pid]
        for pid in found:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # programs of recipients come and go
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found[1:]


@contextmanager
def room() -> Iterator[None]:
    """An empty /srv, and nothing of it in the end."""
    namespace.empty(ROOM)
    try:
        yield
    finally:
        namespace.release(ROOM)
