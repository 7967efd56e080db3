"""Lock: one writer at a time on a mail host; the second is told who the first is."""

from __future__ import annotations

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from courier_compiler.applying.installed import Place
from courier_schema.report import CourierSiteError


class BusyError(CourierSiteError):
    """Another process is changing the host."""


@contextmanager
def held(place: Place, purpose: str, wait: bool = False) -> Iterator[None]:
    """Hold the host for oneself. BusyError when somebody else does, unless we may wait.

    The lock ends with the process that holds it, however that ends.
    """
    path = place.state / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CourierSiteError(f"cannot lock {path}: {error.strerror}") from error
    try:
        _take(descriptor, wait)
        _sign(descriptor, purpose)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
        raise BusyError(f"the host is being changed by {holder}: try again when it is done") from error


def _sign(descriptor: int, purpose: str) -> None:
    """Leave word of who holds the lock. A full disk may keep us from that, but not from going on."""
    since = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    text = f"{purpose} (process {os.getpid()} of {_user()}, since {since})\n"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError:
        return


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
