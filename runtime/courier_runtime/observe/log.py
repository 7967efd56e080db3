"""Log lines in Courier's shapes, `PROGRAM: TEXT`, to a stream, to syslog, or as JSON, a line each.

Lines that are written in one turn of the event loop leave together. A line that cannot be written is lost: mail matters
more than talk of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from courier_runtime.seams import Log

Format = Literal["plain", "dated", "json"]
"""`plain` for a supervisor that dates lines itself, `dated` for a terminal or a file."""

Form = Literal["plain", "dated", "json", "syslog", "auto"]
"""What a server can be asked for: a format, the system's log, or what suits best."""

LoopHandler = Callable[[asyncio.AbstractEventLoop, Mapping[str, Any]], None]

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
                data = data[os.write(self._descriptor, data[: _whole_lines(data)]) :]
        except OSError:
            return

    def _write(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()


def _whole_lines(data: bytes) -> int:
    """How much to write at once: no more than a pipe takes in one piece, for other processes write there, too."""
    if len(data) <= select.PIPE_BUF:
        return len(data)
    return data.rfind(b"\n", 0, select.PIPE_BUF) + 1 or data.find(b"\n") + 1 or len(data)


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


def report_loop(log: Log, program: str) -> LoopHandler:
    """An event loop's handler of trouble: no descriptors left to accept a client with, and defects."""

    def report(loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        error = context.get("exception")
        trace = traceback.format_exception(error) if error is not None and not isinstance(error, OSError) else ()
        text = f"{context.get('message')}: {error}" if error is not None else str(context.get("message"))
        for line in (text, *"".join(trace).rstrip().split("\n")):
            if line:
                log.error(program, line)

    return report


def _plain(level: str, program: str, text: str) -> str:
    return f"{program}: {text}\n"


def _dated(level: str, program: str, text: str) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M:%S')} {program}: {text}\n"


def _json(level: str, program: str, text: str) -> str:
    return json.dumps({"time": time.time(), "level": level, "program": program, "message": text}) + "\n"


_FORMATS: Final[dict[str, Callable[[str, str, str], str]]] = {"plain": _plain, "dated": _dated, "json": _json}
