"""The service manager hears how the server does, in its own words, and its sockets find their listeners."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_runtime.observe.clock import FrozenClock
from courier_runtime.supervise.lifeline import Lifeline
from courier_runtime.supervise.service_manager import ServiceManager, Watchdog
from courier_runtime.supervise.supervisor import GaveUp


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.setblocking(False)
        yield one


def test_it_is_told_in_the_words_of_sd_notify(ear: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": ear.getsockname()})
    manager.ready("generation 1 is in force")
    manager.reloading()
    manager.stopping()
    assert ear.recv(1000) == b"READY=1\nSTATUS=generation 1 is in force"
    assert ear.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert ear.recv(1000).startswith(b"STOPPING=1\n")


def test_one_that_is_not_there_or_does_not_listen_disturbs_nobody(tmp_path: Path) -> None:
    ServiceManager({}).ready("well")
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("well")


@pytest.mark.parametrize(
    ("environment", "patience"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, 0.0),
    ],
)
def test_its_watchdog_is_ours_if_it_names_this_process(environment: dict[str, str], patience: float) -> None:
    assert ServiceManager(environment).patience == patience


def test_the_watchdog_hears_from_the_event_loop_twice_as_often_as_it_must(ear: socket.socket) -> None:
    clock = FrozenClock(0.0)
    manager = ServiceManager({"NOTIFY_SOCKET": ear.getsockname(), "WATCHDOG_USEC": "10000000"})

    async def go() -> None:
        task = asyncio.create_task(Watchdog(manager, clock).run(lambda: None))
        while clock.at < 15:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(go())
    assert [ear.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3


_SHOW = """
import os, sys
from courier_runtime.supervise.service_manager import inherited_sockets
os.environ["LISTEN_PID"] = str(os.getpid())
for name, sockets in inherited_sockets().items():
    print(name, *(one.getsockname()[1] for one in sockets), *(one.get_inheritable() for one in sockets))
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
"""


def activated(names: str, *sockets: socket.socket) -> subprocess.CompletedProcess[str]:
    """A process that gets sockets as systemd passes them, and says what it makes of them."""

    def pass_on() -> None:
        for number, one in enumerate(sockets, 3):
            os.dup2(one.fileno(), number, inheritable=True)

    environment = {**os.environ, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": names}
    return subprocess.run(
        [sys.executable, "-c", _SHOW],
        env=environment, preexec_fn=pass_on, close_fds=False, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_sockets_are_told_apart_by_their_names_and_the_environment_forgets_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        said = activated("esmtpd:esmtpd-msa", one, two).stdout
        assert said == (f"esmtpd {one.getsockname()[1]} False\nesmtpd-msa {two.getsockname()[1]} False\n[]\n"), (
            "nothing that the server starts inherits them"
        )


def test_a_socket_that_is_for_nobody_is_refused_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        said = activated("courier-run.socket", one).stderr
    assert "a socket courier-run.socket that is for nobody: FileDescriptorName= has to be one of esmtpd" in said


def test_a_lifeline_ends_the_server_when_what_it_hangs_on_has_ended() -> None:
    async def go() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, ended.set)
        await Lifeline(ended, "the helper").run(lambda: None)

    with pytest.raises(GaveUp, match="the helper has ended"):
        asyncio.run(go())
