"""Mail servers that are measured: started alone or in a private corner, and what they use of the machine meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

USERS: Final = tuple(f"b{number}" for number in range(1, 6))
ADDRESSES: Final = tuple(f"{user}@example.com" for user in USERS)
PORT: Final = 2925
CORNER: Final = Path(__file__).with_name("mail_corner.py")
LOAD: Final = Path(__file__).with_name("smtp_load.py")
COURIER: Final = Path("/usr/sbin/courier")
BIN: Final = Path(sys.executable).parent

SITE: Final = """\
site: example.com
host: {name: mx.example.com, postmaster: b1, max_message_size: 100M}
listeners:
  smtp: {max_per_address: 20000, max_connections: 20000, max_per_network: 20000}
account_defaults: {home: "/srv/{user}", uid: 5000, gid: 5000}
accounts: {b1: {}, b2: {}, b3: {}, b4: {}, b5: {}}
domains:
  example.com: {}
settings:
  esmtpd:
    BOFHCHECKDNS: false
    TARPIT: false
    TCPDOPTS: "-stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup"
"""
"""Five accounts, no limits that a load from one address would meet, and no questions to the DNS."""


class Cgroup:
    """Counts the processor time of a server with all its processes, those that have ended among them. Needs root."""

    def __init__(self, name: str) -> None:
        top = Path("/sys/fs/cgroup/cpuacct")
        self._is_first_version = top.is_dir()
        self._top = top if self._is_first_version else Path("/sys/fs/cgroup")
        self._path = self._top / f"courier-bench-{os.getpid()}-{name}"
        self._path.mkdir()

    def enter(self) -> None:
        """Put the calling process there."""
        (self._path / "cgroup.procs").write_text(str(os.getpid()))

    def cpu(self) -> float:
        """Seconds so far."""
        if self._is_first_version:
            return int((self._path / "cpuacct.usage").read_text()) / 1e9
        said = dict(line.split() for line in (self._path / "cpu.stat").read_text().splitlines())
        return int(said["usage_usec"]) / 1e6

    def processes(self) -> list[int]:
        return [int(line) for line in (self._path / "cgroup.procs").read_text().split()]

    def close(self) -> None:
        """End what is left there, and the group itself."""
        for _ in range(100):
            left = self.processes()
            if not left:
                break
            for process in left:
                os.kill(process, 9)
            time.sleep(0.1)
        self._path.rmdir()


class Alone:
    """The same for a server of one process, where this is not root."""

    def __init__(self, process: int) -> None:
        self._process = process

    def cpu(self) -> float:
        """Seconds so far."""
        words = Path(f"/proc/{self._process}/stat").read_text().rpartition(") ")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def processes(self) -> list[int]:
        return [self._process]


@dataclass
class Server:
    """One that runs."""

    name: str
    target: str
    homes: Path
    usage: Cgroup | Alone
    process: int
    """The first of its processes."""
    prefix: tuple[str, ...] = ()
    """What makes a command one of the server's network."""
    state: Path = field(default_factory=Path)
    tree: Path = field(default_factory=Path)

    def resident(self) -> float:
        """MiB, shared pages counted for each process that has them."""
        pages = 0
        for process in self.usage.processes():
            try:
                pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def delivered(self, mailbox: str = "Maildir") -> int:
        """Messages in all inboxes."""
        return sum(len(os.listdir(path)) for path in self.homes.glob(f"*/{mailbox}/new"))  # noqa: PTH208 - only counted

    def start_load(self, *words: str | float, to: Sequence[str] = ADDRESSES[:1]) -> subprocess.Popen[str]:
        """A load in a process of its own; its result is the line that it prints."""
        recipients = [word for address in to for word in ("--to", address)]
        command = [*self.prefix, sys.executable, str(LOAD), self.target, *map(str, words), *recipients]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


class Peak:
    """The most memory that a server was seen to use, looked at so often."""

    def __init__(self, server: Server, every: float = 0.1) -> None:
        self._server, self._every = server, every
        self._over = threading.Event()
        self.first = self.most = server.resident()

    def __enter__(self) -> Peak:
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.most = max(self.most, self._server.resident())


def build(directory: Path) -> Path:
    """The tree that all serve."""
    directory.mkdir(parents=True)
    (directory / "site.yaml").write_text(SITE)
    tree = directory / "tree"
    command = [str(BIN / "courier-compile"), "build", str(directory), "-o", str(tree)]
    subprocess.run(command, check=True, capture_output=True)
    return tree


@contextmanager
def corner(kind: str, name: str, scratch: Path) -> Iterator[Server]:
    """A server in a private corner: `courier`, `postfix` or `ours`. SystemExit when it does not start."""
    place = scratch / kind
    tree = build(place)
    usage = Cgroup(kind)
    command = [sys.executable, str(CORNER), kind, str(tree), str(place)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=usage.enter
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            sys.exit(f"{name} does not start")
        prefix = ("nsenter", f"--mount=/proc/{process.pid}/ns/mnt", f"--net=/proc/{process.pid}/ns/net")
        yield Server(
            name, "127.0.0.1:25", place / "homes", usage, process.pid, prefix, state=place / "state", tree=tree
        )
    finally:
        process.communicate()
        usage.close()


@contextmanager
def embedded(name: str, scratch: Path, *options: str, state: Path | None = None) -> Iterator[Server]:
    """Ours, as somebody without root starts it: one process does everything."""
    place = scratch / name.replace(" ", "-")
    tree = build(place)
    state = state or place / "state"
    address = f"127.0.0.1:{PORT}"
    command = [str(BIN / "courier-run"), str(tree), "--embedded", "--no-watch", "--state", str(state)]
    usage = Cgroup("embedded") if os.geteuid() == 0 else None
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--port", f"esmtpd={address}", *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=usage.enter if usage is not None else None,
        )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "ready\n":
            sys.exit(f"{name} does not start: {(place / 'log').read_text()}")
        homes = state / "root/srv"
        yield Server(name, address, homes, usage or Alone(process.pid), process.pid, state=state, tree=tree)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()
        if usage is not None:
            usage.close()


def peers(scratch: Path) -> Iterator[tuple[str, str]]:
    """Kind and name of everything that can be measured here in a corner: as root, where Courier is installed."""
    if os.geteuid() == 0 and COURIER.exists():
        yield "ours", "courier-run as root"
        yield "courier", "Courier 1.0.16"
        if subprocess.run(["apt-cache", "show", "postfix"], capture_output=True, check=False).returncode == 0:
            yield "postfix", "Postfix 3.7"
