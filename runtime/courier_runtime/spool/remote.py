"""The spool of another process: messages begin here, and are kept there.

A short text goes over with its envelopes. A long one is written, and synced, into the spool's own directory, and only
its name goes over. What a commit promises is what the owner of the spool promises; when that is gone, nothing is taken.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from courier_runtime.seams import Clock, SpoolFull
from courier_runtime.spool.composition import Composed, read
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.drafting import Drafting
from courier_runtime.spool.filesystem import FilesystemSpool
from courier_runtime.spool.names import Names
from courier_runtime.wire.channel import Channel, ChannelClosed
from courier_runtime.wire.frames import Frame

NUMBERS: Final = 1 << 40
"""Message numbers that a process gets when it starts: more than it will ever use."""


class RemoteSpool(Drafting):
    """Implements `seams.Drafts`, in a process that does not own the spool."""

    def __init__(self, channel: Channel, directory: Path, first: int, *, clock: Clock, pid: int) -> None:
        """`first` is the first of NUMBERS numbers that the owner has reserved."""
        super().__init__(directory, clock, Disk())
        self._channel = channel
        self._names = Names(pid, first)

    async def keep(self, composed: Composed, content: bytes) -> None:
        """Have the owner make messages safe. Raises SpoolFull."""
        asked = self._channel.ask({"do": "keep", "head": len(composed.head)}, composed.head + content)
        try:
            answer = await asked
        except ChannelClosed as error:
            raise SpoolFull("the queue's process has ended") from error
        if "full" in answer.said:
            raise SpoolFull(answer.said["full"])


async def keep(spool: FilesystemSpool, question: Frame) -> dict[str, str]:
    """What the owner of the spool answers to `keep`."""
    end = question.said["head"]
    try:
        await spool.keep(read(question.data[:end]), question.data[end:])
    except SpoolFull as error:
        return {"full": str(error)}
    return {}
