"""The nursery: a process from which those for sessions are forked.

It is forked itself before the server reads anything and before it gives up root's rights, because root's Python may lie
where others cannot look. By then it has imported all that a session takes, so its children begin at once and share its
memory. It has neither threads nor an event loop, which a fork could catch in the middle of something, and ends when its
channel closes.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
from collections.abc import Sequence
from functools import partial
from typing import Final, NoReturn

from courier_runtime.process import become, raise_limits
from courier_runtime.session_process import CRASHED, serve_sessions
from courier_runtime.wire.frames import Decoder, Frame

_READ: Final = 65536


class Nursery:
    """Forks when it is asked to, and tells how its children end."""

    def __init__(self, orders: socket.socket, handover: socket.socket) -> None:
        self._orders = orders
        self._handover = handover
        self._decoder = Decoder()
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Work until nobody asks any more."""
        self._selector.register(self._orders, selectors.EVENT_READ, self._take_orders)
        while all(key.data() for key, _ in self._selector.select()):
            pass

    def _take_orders(self) -> bool:
        data = self._orders.recv(_READ)
        for frame in self._decoder.feed(data):
            self._fork(frame)
        return bool(data)

    def _fork(self, order: Frame) -> None:
        _, descriptors, _, _ = socket.recv_fds(self._handover, 1, order.said["sockets"])
        try:
            child, watch = self._born(order, descriptors)
        except OSError as error:
            self._tell({"n": order.said["n"], "trouble": error.strerror})
            return
        finally:
            for one in descriptors:
                os.close(one)
        self._selector.register(watch, selectors.EVENT_READ, partial(self._tell_end, child, watch))
        self._tell({"n": order.said["n"], "pid": child})

    def _born(self, order: Frame, descriptors: Sequence[int]) -> tuple[int, int]:
        """A child's id, and a descriptor that tells of its end. Raises OSError."""
        child = os.fork()
        if child == 0:
            try:
                self._live(order, descriptors)
            finally:
                os._exit(CRASHED)  # whatever happens, a child never goes on as a second nursery
        try:
            return child, os.pidfd_open(child)
        except OSError:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise

    def _live(self, order: Frame, descriptors: Sequence[int]) -> NoReturn:
        """The child's part."""
        self._selector.close()
        self._orders.close()
        self._handover.close()
        serve_sessions(order.said["beginning"], [socket.socket(fileno=one) for one in descriptors])

    def _tell_end(self, child: int, watch: int) -> bool:
        _, status = os.waitpid(child, 0)
        self._selector.unregister(watch)
        os.close(watch)
        self._tell({"do": "ended", "pid": child, "status": os.waitstatus_to_exitcode(status)})
        return True

    def _tell(self, said: dict[str, object]) -> None:
        self._orders.sendall(Frame(said).encode())


def run(orders: socket.socket, handover: socket.socket, owner: tuple[int, int] | None) -> None:
    """Be the nursery, as the owner if there is one. Signals are for the server, which says when sessions end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise_limits()
    if owner is not None:
        become(owner)
    gc.freeze()  # what is shared with the children is not to be copied because a collector counts it
    Nursery(orders, handover).serve()
