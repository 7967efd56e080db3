"""The lock of a spool directory: one process owns it, until it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from courier_schema.report import CourierSiteError


class SpoolBusy(CourierSiteError):
    """Another process owns the spool."""


class Lock:
    """Held from the beginning. Raises SpoolBusy, or CourierSiteError when the directory cannot be written."""

    def __init__(self, path: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CourierSiteError(f"the spool cannot be used: {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 20, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise SpoolBusy(f"{Path(path).parent} is in use by the process {holder or 'of another server'}") from error
        except OSError as error:
            os.close(self._descriptor)
            raise CourierSiteError(f"the spool cannot be used: {path}: {error.strerror}") from error

    def release(self) -> None:
        """Let others have the spool."""
        os.close(self._descriptor)
