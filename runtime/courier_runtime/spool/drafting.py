"""Drafting: how messages begin and are composed, in the process that owns the spool as in others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Clock
from courier_runtime.spool.composition import Composed, compose
from courier_runtime.spool.disk import Disk
from courier_runtime.spool.draft import FilesystemDraft
from courier_runtime.spool.names import Names
from courier_runtime.spool.room import Room


class Drafting(ABC):
    """Implements `seams.Drafts`, and what drafts need of their home; who keeps a message is left to the heirs."""

    _names: Names

    def __init__(self, directory: Path, clock: Clock, disk: Disk) -> None:
        self.disk = disk
        self.threads = ThreadPoolExecutor(4, "spool-texts")
        self._clock = clock
        self._text_path = f"{directory}/texts"
        self._room = Room(str(directory), clock)

    def begin(self) -> FilesystemDraft:
        return FilesystemDraft(self, self._names.make(self._clock.now()))

    @property
    def free(self) -> tuple[int, int]:
        return self._room.free

    def text_path(self, name: MessageId) -> str:
        return f"{self._text_path}/{name.serial:016x}"

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
        await self.keep(compose(names, envelopes, terms, self._clock.now(), size, large, checksum), content)
        return tuple(names)

    @abstractmethod
    async def keep(self, composed: Composed, content: bytes) -> None:
        """Make messages safe; `content` is their text, unless that lies in a file. Raises SpoolFull."""
