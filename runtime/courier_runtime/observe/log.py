"""Log lines in Courier's shapes, `PROGRAM: TEXT`, to a stream, to syslog, or as JSON, a line each.

Lines that are written in one turn of the event loop leave together. A line that cannot be written is lost: mail matters
more than talk of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

Format = Literal["plain", "dated", "json"]
"""`plain` for a supervisor that dates lines itself, `dated` for a terminal or a file."""

Form = Literal["plain", "dated", "json", "syslog", "auto"]
"""What a server can be asked for: a format, the system's log, or what suits best."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LIMIT: Final = 128
_FACILITY_MAIL: Final = 2 << 3
_INFO, _ERROR = 6, 3
_SYSLOG: Final = Path("/dev/log")


def value(text: str) -> str:
    """A value from outside as it may stand in a line: line feeds are `/`, other control characters `.`, and it is cut
    after 128 characters."""
    shown = _CONTROL.sub(lambda found: "/" if found[0] == "\n" else ".", text)
    return f"{shown[:_LIMIT]}..." if len(shown) > _LIMIT else shown


class StreamLog:
    """Lines on a file descriptor."""

    def __init__(self, descriptor: int = 2, form: Format = "plain") -> None:
        self._descriptor = descriptor
        self._format = _FORMATS[form]
        self._waiting: list[str] = []

    def info(self, program: str, text: str) -> None:
        """What happened."""
        self._write(self._format("info", program, text))

    def error(self, program: str, text: str) -> None:
        """What went wrong."""
        self._write(self._format("error", program, text))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        data = "".join(waiting).encode(errors="backslashreplace")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            return

    def _write(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()


class SyslogLog:
    """Lines to the system's log, facility mail, under the program's own name as Courier's daemons write them."""

    def __init__(self, path: Path = _SYSLOG) -> None:
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def info(self, program: str, text: str) -> None:
        """What happened."""
        self._send(_INFO, program, text)

    def error(self, program: str, text: str) -> None:
        """What went wrong."""
        self._send(_ERROR, program, text)

    def flush(self) -> None:
        """Nothing waits."""

    def _send(self, level: int, program: str, text: str) -> None:
        line = f"<{_FACILITY_MAIL | level}>{program}: {text}".encode(errors="backslashreplace")
        try:
            self._socket.sendto(line, self._path)
        except OSError:
            return


class ListLog:
    """Lines kept in memory, for tests."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, program: str, text: str) -> None:
        """What happened."""
        self.lines.append(f"{program}: {text}")

    def error(self, program: str, text: str) -> None:
        """What went wrong."""
        self.lines.append(f"{program}: {text}")


class NoLog:
    """Lines that nobody wants."""

    def info(self, program: str, text: str) -> None:
        """Nothing."""

    def error(self, program: str, text: str) -> None:
        """Nothing."""


def open_log(form: Form = "auto") -> StreamLog | SyslogLog:
    """The log that suits: with `auto`, dated lines on a terminal and plain ones under a supervisor."""
    if form == "syslog":
        return SyslogLog()
    if form == "auto":
        return StreamLog(2, "dated" if sys.stderr.isatty() else "plain")
    return StreamLog(2, form)


def _plain(level: str, program: str, text: str) -> str:
    return f"{program}: {text}\n"


def _dated(level: str, program: str, text: str) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')} {program}: {text}\n"


def _json(level: str, program: str, text: str) -> str:
    return json.dumps({"time": time.time(), "level": level, "program": program, "message": text}) + "\n"


_FORMATS: Final[dict[str, Callable[[str, str, str], str]]] = {"plain": _plain, "dated": _dated, "json": _json}
