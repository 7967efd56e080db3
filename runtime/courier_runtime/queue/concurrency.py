"""Whose turn it is: jobs wait here until their module and their host have room.

A module does MAXDELS deliveries at a time, MAXHOST of them for one host. Among hosts with room the one that was served
least recently comes first, so that one host's thousand messages do not keep another's single one waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush
from typing import Generic, TypeVar

from courier_runtime.snapshot.model import ModuleLimits

T = TypeVar("T")


class Turns(Generic[T]):
    """Every operation takes logarithmic time at most."""

    def __init__(self, limits: Mapping[str, ModuleLimits]) -> None:
        self._modules: dict[str, _Module[T]] = {}
        self._served = 0
        self.running = 0
        """Deliveries under way."""
        self.adopt(limits)

    def adopt(self, limits: Mapping[str, ModuleLimits]) -> None:
        """Go over to other limits; what runs above them goes on."""
        for name, one in limits.items():
            self._module(name).limits = one
        self._sort()

    def put(self, module: str, host: str, job: T) -> None:
        """Let a job wait for its turn."""
        waits = self._module(module)
        here = waits.hosts.get(host)
        if here is None:
            here = waits.hosts[host] = _Host(host)
        here.waiting.append(job)
        waits.offer(here)

    def take(self) -> T | None:
        """The job whose turn it is; it runs from now on. None if none may start."""
        for module in self._modules.values():
            if module.ready and module.running < module.limits.max_deliveries:
                self._served += 1
                self.running += 1
                return module.start(self._served)
        return None

    def leave(self, module: str, host: str) -> None:
        """A job of this module and host has ended."""
        self.running -= 1
        self._modules[module].end(host)

    def clear(self) -> None:
        """Forget all jobs that wait."""
        for module in self._modules.values():
            module.clear()

    def _module(self, name: str) -> _Module[T]:
        found = self._modules.get(name)
        if found is None:
            found = self._modules[name] = _Module(ModuleLimits(name))
            self._sort()
        return found

    def _sort(self) -> None:
        """By PRIORITY, the largest first."""
        ordered = sorted(self._modules.items(), key=lambda item: -item[1].limits.priority)
        self._modules = dict(ordered)


class _Host(Generic[T]):
    """Jobs for one host."""

    __slots__ = ("is_ready", "name", "running", "served", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[T] = deque()
        self.running = 0
        self.served = 0
        self.is_ready = False


class _Module(Generic[T]):
    """Jobs of one module."""

    def __init__(self, limits: ModuleLimits) -> None:
        self.limits = limits
        self.running = 0
        self.hosts: dict[str, _Host[T]] = {}
        self.ready: list[tuple[int, str]] = []
        """Hosts that have jobs waiting and room, by when they were last served."""

    def offer(self, host: _Host[T]) -> None:
        """Let a host have a turn if it may."""
        if host.waiting and not host.is_ready and host.running < max(self.limits.max_per_host, 1):
            host.is_ready = True
            heappush(self.ready, (host.served, host.name))

    def start(self, served: int) -> T:
        """The next job of the host whose turn it is."""
        host = self.hosts[heappop(self.ready)[1]]
        job = host.waiting.popleft()
        host.is_ready = False
        host.served = served
        host.running += 1
        self.running += 1
        self.offer(host)
        return job

    def end(self, name: str) -> None:
        """Make room."""
        host = self.hosts[name]
        self.running -= 1
        host.running -= 1
        if host.waiting:
            self.offer(host)
        elif not host.running:
            del self.hosts[name]

    def clear(self) -> None:
        """Forget what waits."""
        self.ready.clear()
        for host in self.hosts.values():
            host.waiting.clear()
            host.is_ready = False
        self.hosts = {name: host for name, host in self.hosts.items() if host.running}
