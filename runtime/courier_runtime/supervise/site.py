"""The keeper of the site: has it compiled at every edit and whenever somebody says so, and knows why an edit is not in
force.

A compiler is a process of the helper's and has the helper's rights, for a site of root's may read secrets and run
programs as root. The server can begin it and end it, no more. What it says goes to the log; what counts is how its
rounds end.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
from collections.abc import Callable, Sequence
from typing import Final

from courier_runtime.seams import Log
from courier_runtime.snapshot.model import Snapshot

PROGRAM: Final = "courier-compile"

RETRY: Final = 10.0
"""Seconds after which a compiler that has ended by itself is begun again."""

_PATIENCE: Final = 5.0
"""Seconds that a compiler has to finish its round when the server stops. It finishes it without us as well."""
_PAUSES: Final = (0.01, 0.05, 0.2, 1.0)
"""Seconds between tries to begin one."""
_READ: Final = 65536
_MOST: Final = 40
"""Lines of a report that are passed on."""

_ROUND: Final = re.compile(r"\d\d:\d\d:\d\d (?:(up to date after)|(the last good tree stays in force after))?")
"""Lines that tell that a round begins, or how it ends."""


class SiteKeeper:
    """An actor."""

    name = "site"

    def __init__(
        self, start: Callable[[], tuple[int, int]], alarm: Callable[[], None], log: Log, *, is_watching: bool
    ) -> None:
        """`start` begins a compiler and returns two descriptors: what it says, and what ends it once it is closed.

        It raises OSError. Without `is_watching` the site is compiled only when somebody says so. The `alarm` is raised
        whenever it was compiled unasked.
        """
        self._start, self._is_watching, self._alarm, self._log = start, is_watching, alarm, log
        self._enough = asyncio.Event()
        """The compiler that runs has done what it was to do."""
        self._asking: list[asyncio.Future[None]] = []
        """Who wants a compiler that begins from now on."""
        self._asked: list[asyncio.Future[None]] = []
        """Who waits for the one that runs."""
        self._said: list[str] = []
        self.trouble = ""
        """Why the site as it is now is not in force; empty if it is."""

    async def run(self, ready: Callable[[], None]) -> None:
        """Have the site compiled."""
        ready()
        try:
            while True:
                self._enough.clear()
                self._asked, self._asking = self._asking, []
                if self._asked or self._is_watching:
                    await self._compile()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY if self._is_watching else None):
                        await self._enough.wait()
        finally:
            self._asked += self._asking
            self._answer()

    async def renew(self) -> None:
        """Have the site compiled from now on, and wait for what comes of that."""
        done = asyncio.get_running_loop().create_future()
        self._asking.append(done)
        self._enough.set()
        await done

    async def prepare(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    def adopt(self, new: Snapshot) -> None:
        """Nothing here depends on the configuration."""

    async def _compile(self) -> None:
        """Let one compiler work until it has done enough."""
        self._said = []
        try:
            said, life = await self._begun()
        except OSError as error:
            self._judge(f"the site cannot be compiled: {error.strerror}")
            return
        hearing = asyncio.create_task(self._hear(said))
        enough = asyncio.create_task(self._enough.wait())
        with os.fdopen(life, "wb") as held:
            try:
                await asyncio.wait((hearing, enough), return_when=asyncio.FIRST_COMPLETED)
                held.close()
                await hearing
                if not self._enough.is_set():
                    self._judge("\n".join(("the compiler has ended:", *_shortened(self._said))))
            finally:
                held.close()
                enough.cancel()
                await asyncio.wait((hearing,), timeout=_PATIENCE)
                hearing.cancel()

    async def _begun(self) -> tuple[int, int]:
        """A new compiler, once the one before, which has said its last, has ended as well. Raises OSError."""
        for pause in _PAUSES:
            try:
                return await asyncio.to_thread(self._start)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
            await asyncio.sleep(pause)
        return await asyncio.to_thread(self._start)

    async def _hear(self, said: int) -> None:
        """Take what a compiler says, to the end."""
        loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(said, "rb", 0)
        )
        rest = b""
        with contextlib.closing(transport):
            while data := await reader.read(_READ):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._take(line.decode(errors="backslashreplace"))

    def _take(self, line: str) -> None:
        end = _ROUND.match(line)
        if end is None:
            self._said += filter(None, (line,))
            return
        said, self._said = self._said, []
        is_good, is_kept = end.groups()
        for one in (*said, line) if is_good else (line,):
            self._log.info(PROGRAM, one)
        if is_good or is_kept:
            self._judge("" if is_good else "\n".join(_shortened(said)) or line)

    def _judge(self, trouble: str) -> None:
        """A round has ended. Who asked for it looks at the tree himself; trouble that is known already is no news."""
        is_news = not trouble or trouble != self.trouble
        self.trouble = trouble
        if not self._is_watching:
            self._enough.set()
        if self._asked:
            self._answer()
        elif is_news:
            self._alarm()

    def _answer(self) -> None:
        asked, self._asked = self._asked, []
        for one in asked:
            if not one.done():
                one.set_result(None)


def _shortened(lines: Sequence[str]) -> Sequence[str]:
    """A long report without its middle: causes stand at its beginning, its sum at the end."""
    return lines if len(lines) <= _MOST else (*lines[: _MOST - 2], "...", lines[-1])
