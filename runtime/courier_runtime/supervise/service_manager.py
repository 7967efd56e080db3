"""The service manager's side of the server: what it is told, the sockets that it brings, and its watchdog.

This is systemd's protocol (sd_notify(3), sd_listen_fds(3)), which others speak as well. Without a service manager
nothing is told to anybody, and no sockets are there.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Final

from courier_runtime.seams import Clock
from courier_runtime.snapshot.model import Snapshot
from courier_schema.report import CourierSiteError

LISTENERS: Final = ("esmtpd", "esmtpd-msa", "esmtpd-ssl")
"""What a socket may be called (`FileDescriptorName=` of its unit)."""

_FIRST: Final = 3
"""Number of the first descriptor that a service manager passes."""


class ServiceManager:
    """Tells how the server does. A manager that does not listen any more is no reason to stop serving."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        own = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        given = environment.get("WATCHDOG_USEC", "")
        self.patience = int(given) / 1e6 if own and given.isdecimal() else 0.0
        """Seconds after which it takes a silent server for dead; 0 for never."""

    def ready(self, status: str) -> None:
        """The server serves, for the first time or again after a reload."""
        self._tell(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The server looks at a changed configuration."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The server finishes what it is doing."""
        self._tell("STOPPING=1\nSTATUS=stopping")

    def is_alive(self) -> None:
        """The event loop turns."""
        self._tell("WATCHDOG=1")

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
            connection.setblocking(False)
            try:
                connection.sendto(text.encode(), address)
            except OSError:
                return


class Watchdog:
    """An actor: says that the server lives, twice as often as has to be."""

    name = "watchdog"

    def __init__(self, manager: ServiceManager, clock: Clock) -> None:
        self._manager = manager
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        """Say so until cancelled."""
        ready()
        while True:
            self._manager.is_alive()
            await self._clock.sleep(self._manager.patience / 2)

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""


def inherited_sockets(environment: MutableMapping[str, str] = os.environ) -> Mapping[str, tuple[socket.socket, ...]]:
    """The listening sockets that the service manager brings, by listener; the environment forgets them.

    Raises CourierSiteError for a socket that no listener can use.
    """
    count, pid, names = (environment.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    if not count.isdecimal() or pid != str(os.getpid()):
        return {}
    found: dict[str, tuple[socket.socket, ...]] = {}
    for number, name in zip(range(_FIRST, _FIRST + int(count)), names.split(":"), strict=False):
        found[name] = (*found.get(name, ()), _socket(number, name))
    return found


def _socket(number: int, name: str) -> socket.socket:
    one = socket.socket(fileno=number)
    one.set_inheritable(False)
    if name not in LISTENERS or one.family not in (socket.AF_INET, socket.AF_INET6):
        raise CourierSiteError(
            f"the service manager brings a socket {name or 'without a name'} that is for nobody:"
            f" FileDescriptorName= has to be one of {', '.join(LISTENERS)}, ListenStream= a port"
        )
    return one
