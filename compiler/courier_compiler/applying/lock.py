"""Lock: one writer at a time on a mail host, and one watcher; the second is told who the first is."""

from __future__ import annotations

import fcntl
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from courier_compiler.applying.installed import Place
from courier_schema.report import CourierSiteError


class BusyError(CourierSiteError):
    """Another process is changing the host."""


@contextmanager
def held(place: Place, purpose: str, wait: bool = False) -> Iterator[None]:
    """Hold the host for oneself. BusyError when somebody else does, unless we may wait.

    The lock ends with the process that holds it, however that ends.
    """
    descriptor = _open(place.state / "lock")
    try:
        _take(descriptor, wait)
        _sign(descriptor, purpose)
        yield
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class Claim:
    """The word of one process that it keeps a host up to date; other changes of the host stay free.

    It is a lock among our records, where only who may change the host can take it. It ends with the process.
    """

    _descriptor: int | None = None

    def renew(self, place: Place) -> None:
        """Claim the host, again where its records were replaced; not yet where nothing was ever applied.

        BusyError when another process has claimed it.
        """
        if not place.state.is_dir():
            return
        descriptor = _open(place.state / "watch")
        if self._descriptor is not None and os.path.samestat(os.fstat(descriptor), os.fstat(self._descriptor)):
            os.close(descriptor)
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"{place.root} is kept up to date by {_holder(descriptor)} already: end that first"
            ) from error
        _sign(descriptor, "courier-compile watch")
        self.release()
        self._descriptor = descriptor

    def release(self) -> None:
        """Leave the host to others."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CourierSiteError(f"cannot lock {path}: {error.strerror}") from error


def _take(descriptor: int, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        raise BusyError(f"the host is being changed by {_holder(descriptor)}: try again when it is done") from error


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"


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
