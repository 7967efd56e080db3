"""The spool of another process: messages begin here, and are kept there.

A short text goes over with its envelopes. A long one is written, and synced, into the spool's own directory, and only
its name goes over. What a commit promises is what the owner of the spool promises; when that is gone, nothing is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Clock, SpoolFull
from courier_runtime.spool.composition import compose, read
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.draft import FilesystemDraft
from courier_runtime.spool.filesystem import FilesystemSpool
from courier_runtime.spool.names import Names
from courier_runtime.spool.room import Room
from courier_runtime.wire.channel import Channel, ChannelClosed
from courier_runtime.wire.frames import Frame

NUMBERS: Final = 1 << 40
"""Message numbers that a process gets when it starts: more than it will ever use."""


class RemoteSpool:
    """Implements `seams.Drafts`, in a process that does not own the spool."""

    def __init__(self, channel: Channel, directory: Path, first: int, *, clock: Clock, pid: int) -> None:
        """`first` is the first of NUMBERS numbers that the owner has reserved."""
        self.disk = Disk()
        self.threads = ThreadPoolExecutor(4, "spool-texts")
        self._channel, self._directory, self._clock = channel, directory, clock
        self._names = Names(pid, first)
        self._room = Room(str(directory), clock)

    def begin(self) -> FilesystemDraft:
        return FilesystemDraft(self, self._names.make(self._clock.now()))

    @property
    def free(self) -> tuple[int, int]:
        return self._room.free

    def text_path(self, name: MessageId) -> str:
        return f"{self._directory}/texts/{name.serial:016x}"

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
        names = self._names.pieces(first, len(envelopes))
        large = Path(path).name if path else ""
        composed = compose(names, envelopes, terms, self._clock.now(), size, large, checksum)
        try:
            answer = await self._channel.ask(
                {"do": "keep", "head": len(composed.head)}, b"".join((composed.head, content))
            )
        except ChannelClosed as error:
            raise SpoolFull("the queue's process has ended") from error
        if "full" in answer.said:
            raise SpoolFull(answer.said["full"])
        return tuple(names)


async def keep(spool: FilesystemSpool, question: Frame) -> dict[str, str]:
    """What the owner of the spool answers to `keep`."""
    end = question.said["head"]
    try:
        await spool.keep(read(question.data[:end]), question.data[end:])
    except SpoolFull as error:
        return {"full": str(error)}
    return {}
