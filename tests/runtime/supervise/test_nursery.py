"""The nursery outlives whatever the system refuses it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable

import pytest

from courier_runtime.nursery import Nursery
from courier_runtime.supervise.sessions import NurseryProcess, SessionsEnded


def _refused(pid: int = 0, flags: int = 0) -> int:
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _without_fork(orders: socket.socket, handover: socket.socket) -> None:
    os.fork = _refused
    Nursery(orders, handover).serve()


def _without_watch(orders: socket.socket, handover: socket.socket) -> None:
    os.pidfd_open = _refused
    Nursery(orders, handover).serve()


@pytest.mark.parametrize("life", [_without_fork, _without_watch])
def test_a_process_that_the_system_does_not_give_is_asked_for_again(
    life: Callable[[socket.socket, socket.socket], None],
) -> None:
    nursery = NurseryProcess(life)

    async def ask() -> None:
        await nursery.open()
        for _ in range(3):
            with pytest.raises(SessionsEnded, match="no process could be started: Resource temporarily unavailable"):
                await nursery.start({}, socket.socketpair())
        nursery.hang_up()

    asyncio.run(ask())
    nursery.close()
