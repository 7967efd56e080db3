"""A message that is being written: in memory while it is small, in a file of its own once it is not."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, TypeVar

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import SpoolFull, Text
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.texts import GrowingText, HeldText, StoredText

SMALL: Final = 64 * 1024
"""Bytes of text up to which a message lies in the log."""
_BUFFER: Final = 256 * 1024
"""Bytes that are collected before they go to the file: fewer hops into a thread."""

T = TypeVar("T")


class Home(Protocol):
    """What a draft needs of its spool."""

    disk: Disk
    threads: ThreadPoolExecutor

    def text_path(self, name: MessageId) -> str:
        """The path of a file for a long text."""
        ...

    async def accept(
        self,
        first: MessageId,
        envelopes: Sequence[Envelope],
        terms: Terms,
        content: bytes,
        path: str,
        size: int,
        checksum: int,
    ) -> tuple[MessageId, ...]:
        """Make a message safe, its text being `content`, or in the synced file `path` with this CRC-32.

        Raises SpoolFull.
        """
        ...


class FilesystemDraft:
    """One message. It belongs to one coroutine; `abort` may be called at any time."""

    def __init__(self, home: Home, name: MessageId) -> None:
        self._home = home
        self._id = name
        self._parts: list[bytes] = []
        self._buffered = 0
        self._size = 0
        self._checksum = 0
        """Of what is in the file."""
        self._path = ""
        self._descriptor: int | None = None
        self._work: Future[None] | None = None
        self._is_over = False

    @property
    def id(self) -> MessageId:
        return self._id

    async def write(self, data: bytes) -> None:
        self._parts.append(bytes(data))
        self._buffered += len(data)
        self._size += len(data)
        if self._buffered > (_BUFFER if self._path else SMALL):
            await self._in_thread(self._spill)

    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        if self._is_over:
            raise AssertionError("a draft is committed once, and not after it was aborted")
        if self._path:
            await self._in_thread(self._finish_file)
        content = b"" if self._path else b"".join(self._parts)
        self._is_over = True  # from here on the text is the log's, even if this coroutine is cancelled
        try:
            return await self._home.accept(self._id, envelopes, terms, content, self._path, self._size, self._checksum)
        except SpoolFull:
            self._discard()
            raise

    def text(self) -> Text:
        if not self._path:
            return HeldText(b"".join(self._parts))
        return GrowingText(StoredText(self._path, 0, self._size - self._buffered), tuple(self._parts))

    def abort(self) -> None:
        if not self._is_over:
            self._is_over = True
            if self._work is None or self._work.done():
                self._discard()
            else:
                self._work.add_done_callback(lambda done: self._discard())

    async def _in_thread(self, verb: Callable[[], None]) -> None:
        """Work on the file. The thread goes on if the coroutine is cancelled, so what it uses is given up after it."""
        if self._is_over:
            raise AssertionError("a draft that is over takes nothing")
        self._work = self._home.threads.submit(verb)
        try:
            await asyncio.wrap_future(self._work)
        except OSError as error:
            self.abort()
            raise SpoolFull(f"the spool does not take the message: {error.strerror}") from error

    def _spill(self) -> None:
        if not self._path:
            path = self._home.text_path(self._id)
            self._descriptor = self._home.disk.create(path)
            self._path = path
        assert self._descriptor is not None
        self._home.disk.append(self._descriptor, self._parts)
        for part in self._parts:
            self._checksum = zlib.crc32(part, self._checksum)
        self._parts, self._buffered = [], 0

    def _finish_file(self) -> None:
        if self._buffered:
            self._spill()
        assert self._descriptor is not None
        self._home.disk.synchronise(self._descriptor)
        self._home.disk.synchronise_names(self._path.rpartition("/")[0])
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._home.disk.close(descriptor)

    def _discard(self) -> None:
        """Remove the file; where the system refuses, recovery does it."""
        self._parts = []
        self._close()
        if self._path:
            try:
                self._home.disk.unlink(self._path)
            except OSError:
                return
