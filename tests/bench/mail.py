"""The runtime beside Courier and Postfix: the same load on each in turn, and what else a server has to bear.

All deliver durably to maildirs on the file system of the scratch directory. Files are not deleted between the runs: a
file system that is still busy with deletions would slow down whoever comes next.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.mail_servers import ADDRESSES, BIN, COURIER, Peak, Server, corner, embedded, peers
from courier_runtime.control import CONTROL
from courier_runtime.control.wire import ask
from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.outcome import Deferred, Dialogue
from courier_runtime.mail.terms import Terms
from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.log import ListLog
from courier_runtime.seams import Progress, Queued
from courier_runtime.spool.filesystem import FilesystemSpool

ROUNDS: Final = 3
"""Of each server in turn; medians are told."""
SESSIONS: Final = 10
EXTENSIONS: Final = tuple(f"b1-test-{number}@example.com" for number in range(1, 6))
PATIENCE: Final = 240.0
"""Seconds that a load may take."""
AN_HOUR: Final = 3600.0
RELOAD_RATE: Final = 400
"""Messages a second while the configuration changes: few enough that there are some to the end."""


# -- throughput -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A load, and what is hoped for."""

    name: str
    messages: int
    recipients: Sequence[str]
    keeps: bool
    goal: str


SCENARIOS: Final = (
    Scenario("a connection each, one recipient", 2000, ADDRESSES[:1], False, "8 x Courier, 1.5 x Postfix, 3.1 ms"),
    Scenario("a connection each, five recipients", 1000, ADDRESSES, False, "10 x Courier, 2 x Postfix"),
    Scenario("connections kept, one recipient", 2000, ADDRESSES[:1], True, "8 x Courier, 1.5 x Postfix"),
    Scenario("connections kept, five recipients", 1000, ADDRESSES, True, "10 x Courier, 2 x Postfix"),
)


@dataclass
class Loads:
    """The same load on one server, several times."""

    what: str
    server: str
    goal: str
    accepted: list[float] = field(default_factory=list)
    """Messages a second that were answered with 250."""
    delivered: list[float] = field(default_factory=list)
    """Messages a second until every copy stood in `new/`."""
    cpu_ms: list[float] = field(default_factory=list)
    """Of all processes of the server, for each message."""
    p50: list[float] = field(default_factory=list)
    """Milliseconds from the last byte to the final reply."""
    p99: list[float] = field(default_factory=list)
    peak_mib: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        median = statistics.median
        rates = f"{median(self.accepted):.0f} | {median(self.delivered):.0f} ({_range(self.delivered)})"
        replies = f"{median(self.p50):.1f} | {median(self.p99):.1f}"
        return (
            f"| {self.what} | {self.server} | {rates} | {median(self.cpu_ms):.2f} | {replies} "
            f"| {max(self.peak_mib):.0f} | {self.goal} |"
        )


LOADS_HEAD: Final = (
    "| load | server | accepted/s | delivered/s (min-max) | CPU ms/message | reply p50 ms | p99 ms | MiB | goal |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def load_rows(scratch: Path) -> Iterator[Loads]:
    """Every server in every scenario, in turn; those that run meanwhile are idle."""
    with ExitStack() as stack:
        servers = [stack.enter_context(corner(kind, name, scratch)) for kind, name in peers(scratch)]
        servers.insert(0, stack.enter_context(embedded("courier-run", scratch)))
        for server in servers:
            _measure(server, Scenario("warm-up", 200, ADDRESSES, False, ""), Loads("", "", ""))
        for scenario in SCENARIOS:
            rows = [Loads(scenario.name, server.name, scenario.goal) for server in servers]
            for _ in range(ROUNDS):
                for server, row in zip(servers, rows, strict=True):
                    _measure(server, scenario, row)
            yield from rows


def _measure(server: Server, scenario: Scenario, row: Loads) -> None:
    words: list[str | int] = [
        "--messages",
        scenario.messages,
        "--sessions",
        SESSIONS,
        *(["--keep"] if scenario.keeps else []),
    ]
    before, cpu = server.delivered(), server.usage.cpu()
    with Peak(server) as peak:
        started = time.perf_counter()
        said = finished(server.start_load(*words, to=scenario.recipients))
        await_delivered(server, before + scenario.messages * len(scenario.recipients))
        seconds = time.perf_counter() - started
    time.sleep(0.5)  # what is tidied up afterwards belongs to it
    row.accepted.append(scenario.messages / said["seconds"])
    row.delivered.append(scenario.messages / seconds)
    row.cpu_ms.append((server.usage.cpu() - cpu) / scenario.messages * 1e3)
    row.p50.append(said["p50"])
    row.p99.append(said["p99"])
    row.peak_mib.append(peak.most)


def finished(load: subprocess.Popen[str]) -> dict[str, Any]:
    """The result of a load. SystemExit when a message was refused."""
    said: dict[str, Any] = json.loads(load.communicate(timeout=PATIENCE)[0])
    if said["refused"]:
        sys.exit(f"{said['refused']} messages were refused: {said['why']}")
    return said


def await_delivered(server: Server, wanted: int, mailbox: str = "Maildir") -> None:
    """Until so many messages stand in the inboxes. SystemExit when they never do."""
    deadline = time.monotonic() + PATIENCE
    while (found := server.delivered(mailbox)) < wanted:
        if time.monotonic() > deadline:
            sys.exit(f"{server.name} has delivered {found} of {wanted}")
        time.sleep(0.05)


def _range(numbers: Sequence[float]) -> str:
    return f"{min(numbers):.0f}-{max(numbers):.0f}"


# -- what else a server has to bear ---------------------------------------------------------------------------


@dataclass
class Fact:
    """One thing that was measured."""

    what: str
    server: str
    found: str
    goal: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.server} | {self.found} | {self.goal} |"


FACTS_HEAD: Final = "| what | server | found | goal |\n|---|---|---|---|"

INJECT: Final = """\
set -e; n=0; while [ $n -lt {count} ]; do env -i {environment} {sendmail} -f bench@example.net {recipients} <<EOF
From: perftest1@example.com
To: perftest1@example.com
Subject: test
Mime-Version: 1.0
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit

test $n
EOF
n=$((n+1)); done
"""
"""Courier's own load test perftest1: a shell that starts one `sendmail` after the other, for five extensions of one
account."""


def perftest_rows(scratch: Path) -> Iterator[Fact]:
    """perftest1 by `sendmail`, and the same messages over SMTP."""
    with embedded("perftest", scratch) as server:
        server.name = "courier-run"
        subprocess.run([BIN / "courier-run", "commands", scratch / "bin"], check=True, capture_output=True)
        environment = f"COURIER_RUN_STATE={server.state}"
        yield from _perftest(server, str(scratch / "bin/sendmail"), environment)
    if os.geteuid() == 0 and COURIER.exists():
        with corner("courier", "Courier 1.0.16", scratch) as server:
            yield from _perftest(server, "/usr/sbin/sendmail", "")


def _perftest(server: Server, sendmail: str, environment: str) -> Iterator[Fact]:
    home = server.homes / "b1"
    for name in ("tmp", "new", "cur"):
        (home / "test" / name).mkdir(parents=True)
    (home / ".courier-test-default").write_text("./test\n")
    (home / ".courier-test-default").chmod(0o600)
    owner = home.stat()
    for path in (home / ".courier-test-default", home / "test", *(home / "test").iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    script = INJECT.format(count=1000, environment=environment, sendmail=sendmail, recipients=" ".join(EXTENSIONS))
    for way, goal in (("sendmail", "under 25 ms for each"), ("SMTP", "")):
        before, cpu, started = server.delivered("test"), server.usage.cpu(), time.perf_counter()
        if way == "sendmail":
            subprocess.run([*server.prefix, "/bin/sh", "-c", script], check=True)
        else:
            finished(server.start_load("--messages", 1000, "--size", 300, to=EXTENSIONS))
        injected = time.perf_counter() - started
        await_delivered(server, before + 5000, "test")
        seconds, used = time.perf_counter() - started, server.usage.cpu() - cpu
        found = f"{injected:.1f} ms a message, {5000 / seconds:.0f} deliveries/s, {used:.2f} ms CPU of the server"
        yield Fact(f"perftest1 by {way}", server.name, found, goal)


def idle_rows(scratch: Path) -> Iterator[Fact]:
    """Ten thousand clients that have said EHLO and no more."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    wanted = min(10_000, most - 500)
    with embedded("idle", scratch) as server:
        before = server.resident()
        connections: list[socket.socket] = []
        host, port = server.target.split(":")
        for number in range(wanted):
            one = socket.socket()
            one.bind((f"127.0.1.{1 + number % 200}", 0))
            one.connect((host, int(port)))
            connections.append(one)
            _hear(one)
            one.sendall(b"EHLO bench.example.net\r\n")
        for one in connections:
            _hear(one)
        after = server.resident()
        held = sum(_answers(one) for one in connections[:: wanted // 100])
        for one in connections:
            one.close()
    found = f"{after:.0f} MiB, {(after - before) * 1024 / wanted:.1f} KiB each; {held} of 100 looked at still answer"
    yield Fact(f"{wanted:,} idle connections", "courier-run", found, "under 250 MiB")


def _hear(connection: socket.socket) -> bytes:
    """A whole reply."""
    said = b""
    while not said.endswith(b"\r\n") or said.split(b"\r\n")[-2][3:4] == b"-":
        said += connection.recv(4096)
    return said


def _answers(connection: socket.socket) -> bool:
    connection.sendall(b"NOOP\r\n")
    return _hear(connection).startswith(b"250")


def large_rows(scratch: Path) -> Iterator[Fact]:
    """A message of 50 MiB while others come in at a steady rate."""
    with embedded("large", scratch) as server:
        finished(server.start_load("--messages", 300, to=ADDRESSES))
        alone = finished(server.start_load("--messages", 500, "--rate", 50))
        with Peak(server, 0.02) as peak:
            others = server.start_load("--messages", 500, "--rate", 50)
            time.sleep(1)
            large = finished(server.start_load("--messages", 1, "--size", 50 * 2**20, to=ADDRESSES[1:2]))
            beside = finished(others)
            await_delivered(server, 300 * 5 + 1001)
    found = (
        f"{peak.most - peak.first:.1f} MiB more at the most, taken in {large['seconds']:.1f} s; p99 of others "
        f"{beside['p99']:.1f} ms instead of {alone['p99']:.1f} ms"
    )
    yield Fact("a message of 50 MiB", "courier-run", found, "under 8 MiB and 50 ms more")


def deferred_rows(scratch: Path, messages: int = 100_000) -> Iterator[Fact]:
    """A hundred thousand messages that wait for their next attempt: start, memory, and what new mail notices."""
    place = scratch / "full"
    place.mkdir(parents=True)
    asyncio.run(_fill(place / "spool", messages))
    for what, state in (("an empty queue", None), (f"{messages:,} deferred messages", place)):
        started = time.perf_counter()
        with embedded(f"queue of {what}", scratch, state=state) as server:
            ready = time.perf_counter() - started
            resident = server.resident()
            finished(server.start_load("--messages", 200))
            row = Loads(what, "courier-run", "")
            for _ in range(ROUNDS):
                _measure(server, SCENARIOS[0], row)
            flushed = time.perf_counter()
            ask(f"{server.state}/run/{CONTROL}", {"do": "flush"})
            flushed = time.perf_counter() - flushed
        found = (
            f"serves after {ready:.1f} s with {resident:.0f} MiB; then {statistics.median(row.delivered):.0f} "
            f"delivered/s, {statistics.median(row.cpu_ms):.2f} ms CPU; "
            f"`flush` takes {flushed * 1000:.0f} ms"
        )
        yield Fact(what, "courier-run", found, "under 10 s" if state else "")


async def _fill(directory: Path, messages: int) -> None:
    """A spool of messages that have been tried once, and are due in an hour."""
    spool = FilesystemSpool(directory, clock=SystemClock(), log=ListLog())
    shown: list[Queued] = []

    def take(message: Queued) -> bool:
        shown.append(message)
        return True

    spool.attend(take)
    outcome = Deferred(Dialogue("mx.far.example [192.0.2.1]", "Connection refused"))
    due = time.time() + AN_HOUR
    text = b"From: a@example.net\nTo: b@far.example\nSubject: waiting\n\n" + b"Some text of a message.\n" * 160
    for start in range(0, messages, 500):
        await asyncio.gather(*(_submit(spool, number, text) for number in range(start, start + 500)))
        await asyncio.gather(*(spool.settle(_tried(message, outcome, due)) for message in shown))
        shown.clear()
    await spool.close()


async def _submit(spool: FilesystemSpool, number: int, text: bytes) -> None:
    draft = spool.begin()
    await draft.write(text)
    await draft.commit((Envelope("a@example.net", (Recipient(f"user{number}@far{number % 1000}.example"),)),), Terms())


def _tried(old: Queued, outcome: Deferred, due: float) -> Queued:
    progress = tuple(Progress(one.state, outcome, old.arrived) for one in old.progress)
    return Queued(
        old.id, old.envelope, old.arrived, old.expires, old.fax_expires, old.warns, old.size, progress, 1, due,
        text=old.text,
    )  # fmt: skip


def reload_rows(scratch: Path, messages: int = 20_000, edits: int = 1000) -> Iterator[Fact]:
    """Edits of the tree, each put in force at once, while messages come in over new connections and old ones."""
    with embedded("reload", scratch) as server:
        finished(server.start_load("--messages", 500, to=ADDRESSES))
        control = f"{server.state}/run/{CONTROL}"
        half = ("--messages", messages // 2, "--rate", RELOAD_RATE / 2)
        loads = [server.start_load(*half, *way) for way in ((), ("--keep",))]
        resident, taken = [server.resident()], []
        file = server.tree / "etc/courier/sizelimit"
        for number in range(edits):
            file.write_text(f"{100_000_000 + number}\n")
            started = time.perf_counter()
            answer = ask(control, {"do": "reload"})
            taken.append(time.perf_counter() - started)
            if answer["trouble"]:
                sys.exit(answer["trouble"])
            resident.append(server.resident())
        is_under_load = any(load.poll() is None for load in loads)
        for load in loads:
            finished(load)
        await_delivered(server, 500 * 5 + messages)
    found = (
        f"all accepted and delivered, no connection lost; {statistics.median(taken) * 1e3:.0f} ms a reload, "
        f"{resident[edits // 10]:.0f} MiB after a tenth of them, {resident[-1]:.0f} MiB after all"
        f"{'' if is_under_load else ' (the messages were through before the edits)'}"
    )
    yield Fact(f"{edits:,} reloads during {messages:,} messages", "courier-run", found, "none lost, memory flat")
