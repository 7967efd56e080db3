"""The suppression memory on disk: `track/HOUR`, one record a line, `TIME` and a letter before the address or host.

The files are Courier's own form, read when the server starts and appended to while it runs; those older than the window
are removed. A record that cannot be written is only forgotten sooner.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from courier_runtime.seams import Clock, Log
from courier_runtime.tracking.memory import TLS_WINDOW, Kind, MemoryTrack

_LINE: Final = re.compile(r"([0-9]+) ([FDAS])(.+)")
_HOUR: Final = 3600
_KINDS: Final[dict[str, Kind]] = {"F": "F", "D": "D", "A": "A"}


class FileTrack(MemoryTrack):
    """Remembers across restarts."""

    def __init__(self, directory: Path, clock: Clock, log: Log) -> None:
        super().__init__(clock)
        self._directory = directory
        self._log = log
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(directory.glob("[0-9]*"), key=lambda path: path.name):
            self._read(path)
        self._purge()

    def record_broken_tls(self, host: str) -> None:
        """Remember that STARTTLS failed there."""
        super().record_broken_tls(host)
        self._append(self._clock.now(), f"S{host}")

    def _put(self, at: float, kind: Kind, address: str) -> None:
        super()._put(at, kind, address)
        self._append(at, f"{kind}{address}")

    def _append(self, at: float, text: str) -> None:
        path = self._directory / str(int(at) // _HOUR)
        is_new = not path.exists()
        try:
            with path.open("a", encoding="utf-8", errors="surrogateescape") as file:
                file.write(f"{int(at)} {text}\n")
        except OSError as error:
            self._log.error("courierd", f"{path}: {error.strerror}")
        if is_new:
            self._purge()

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            found = _LINE.fullmatch(line)
            if found is None:
                continue
            at, letter, name = float(found[1]), found[2], found[3]
            if letter == "S":
                self._broken[name] = at
            else:
                self.learn(at, _KINDS[letter], name)

    def _purge(self) -> None:
        """Forget what no longer counts, in memory and on disk."""
        oldest = self._clock.now() - TLS_WINDOW
        for path in self._directory.glob("[0-9]*"):
            if path.name.isdecimal() and (int(path.name) + 1) * _HOUR < oldest:
                path.unlink(missing_ok=True)
        self._addresses = {name: record for name, record in self._addresses.items() if record[0] >= oldest}
        self._broken = {name: at for name, at in self._broken.items() if at >= oldest}
