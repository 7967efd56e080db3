"""A server that compiles its site leaves no compiler behind, whatever ends it."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest

from runtime.running import Running, eventually


def watchers(site: Path) -> list[int]:
    """The processes that watch this site."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if b"watch" in words and os.fsencode(site) in words:
                    found.append(int(process.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_compiler_ends_with_the_server(tmp_path: Path, number: signal.Signals) -> None:
    server = Running(tmp_path)
    server.start()
    eventually(lambda: "up to date after" in server.log())  # from now on it says nothing, so no pipe breaks
    assert len(watchers(Path(server.served))) == 1
    server.stop(number)
    eventually(lambda: not watchers(Path(server.served)), within=10.0)
    assert "Fatal Python error" not in server.log()
