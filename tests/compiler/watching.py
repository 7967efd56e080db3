"""A `courier-compile watch` as it runs in a terminal: the real command beside the test, its words and its tree."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

COMPILER: Final = str(Path(sys.executable).with_name("courier-compile"))
GENEROUS: Final = 20.0
"""Seconds to wait for what takes a tenth of one on a machine that is not busy."""

SITE: Final = """\
site: example.org
host: {name: mx.example.org, postmaster: anna@example.net}
account_defaults: {uid: 1000, gid: 1000}
include: [domains/*.yaml, ../shared/more.yaml]
accounts: {anna: {password: {from_file: ../secrets/anna}}}
"""
DOMAIN: Final = """\
domains:
  example.org:
    aliases: {sales: anna, info: anna}
"""
MORE: Final = "queue: {warn_after: 4h}\n"


class Watch:
    """The running command. Its lines are read as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return "".join(self.lines)

    def await_text(self, wanted: str, times: int = 1) -> float:
        """Wait until it has said so; the seconds that took."""
        return until(lambda: self.text.count(wanted) >= times, lambda: f"no {wanted!r} in {self.text}")

    def settle(self, times: int) -> None:
        """Wait until so many rounds are over."""
        until(lambda: self.rounds >= times, lambda: f"no {times} rounds in {self.text}")

    @property
    def rounds(self) -> int:
        return sum(self.text.count(end) for end in ("up to date after", "stays in force after", "once more after"))

    @property
    def memory(self) -> int:
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Press Ctrl-C, or what the signal is; the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(GENEROUS)
        self._reader.join(GENEROUS)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)


class Place:
    """A site of several files, and the root of the host that is kept up to date."""

    def __init__(self, base: Path) -> None:
        self.site, self.secret, self.more = base / "site", base / "secrets/anna", base / "shared/more.yaml"
        self.root = base / "root"
        for path, text in (
            (self.site / "site.yaml", SITE),
            (self.site / "domains/org.yaml", DOMAIN),
            (self.more, MORE),
            (self.secret, "first\n"),
        ):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.secret.chmod(0o600)

    @property
    def domain(self) -> Path:
        return self.site / "domains/org.yaml"

    def file(self, name: str) -> str:
        """A file of the applied tree, empty where there is none."""
        path = self.root / "etc/courier" / name
        return path.read_text() if path.exists() else ""

    def await_file(self, name: str, wanted: str) -> float:
        """Wait until a file of the applied tree holds a text; the seconds that took."""
        return until(lambda: wanted in self.file(name), lambda: f"no {wanted!r} in {self.file(name)}")

    def command(self, *options: str) -> list[str]:
        return [COMPILER, "watch", str(self.site), "--apply", str(self.root), "--no-owners", *options]


def until(is_so: Callable[[], bool], otherwise: Callable[[], str]) -> float:
    """Seconds until something is so. AssertionError when that takes too long."""
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < GENEROUS, otherwise()
        time.sleep(0.01)
    return time.monotonic() - started


def replace(path: Path, text: str) -> None:
    """Save as careful editors do: a new file takes the name of the old one."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    shutil.copymode(path, beside)
    beside.rename(path)


@contextmanager
def watching(place: Place, *options: str) -> Iterator[Watch]:
    """The command, after its first round."""
    process = subprocess.Popen(
        place.command(*options), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    watch = Watch(process)
    try:
        if "--format" not in options:
            watch.settle(1)
        yield watch
    finally:
        process.kill()
        process.wait()
