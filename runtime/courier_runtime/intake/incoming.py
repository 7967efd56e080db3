"""The text of a message on its way into the spool: limits, header work, and at most a header block in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from courier_runtime.intake import trace
from courier_runtime.intake.headers import Habits, complete, count_fields, rework
from courier_runtime.mail.reply import Reply
from courier_runtime.policy import headers as header_limits
from courier_runtime.policy.headers import LineMeter
from courier_runtime.policy.recipient import FULL
from courier_runtime.seams import Draft, SpoolFull

Judge = Callable[[str], Awaitable[Reply | bytes]]
"""Says what is wrong with the author of a message, or gives the header that tells of nothing being wrong."""


Recode = Callable[[bytes], bytes]
"""Makes another text of a whole message."""


@dataclass(frozen=True, slots=True)
class Passport:
    """What the headers of a message will say of its way here."""

    origin: str
    """What follows `from` in the trace header."""
    comment: str
    protocol: str
    me: str
    id_host: str
    habits: Habits
    above: bytes = b""
    """Header lines above the trace header."""
    below: bytes = b""
    """Header lines below it."""


MOST_RECODED: Final = 32 * 1024 * 1024
"""Bytes of a message that is recoded, for it is held whole; a larger one stays as it is."""


class Incoming:
    """Takes the text piece by piece. A limit that is exceeded is told at the end, as SMTP wants it."""

    __slots__ = (
        "_draft",
        "_excess",
        "_failure",
        "_head",
        "_header_limit",
        "_judge",
        "_lines",
        "_now",
        "_passport",
        "_recode",
        "_size_limit",
        "_wants_recipients",
        "_whole",
        "has_eight_bit_headers",
        "is_eight_bit",
        "recipients",
        "size",
    )

    def __init__(
        self,
        draft: Draft,
        passport: Passport,
        now: float,
        *,
        size_limit: int,
        header_limit: int,
        wants_recipients: bool = False,
        judge: Judge | None = None,
        recode: Recode | None = None,
    ) -> None:
        self._draft = draft
        self._passport = passport
        self._now = now
        self._size_limit = size_limit
        self._header_limit = header_limit
        self._wants_recipients = wants_recipients
        self._judge = judge
        self._recode = recode
        self._whole = bytearray()
        self._lines = LineMeter()
        self._head: bytearray | None = bytearray()
        self._failure: Reply | None = None
        self._excess = 0
        self.size = 0
        """Bytes, added headers included."""
        self.is_eight_bit = False
        self.has_eight_bit_headers = False
        self.recipients: list[bytes] = []
        """Those that the headers name, when they were asked for."""

    async def write(self, text: bytes) -> None:
        """Take some more; line ends are LF."""
        self._lines.take(text)
        if self._head is None:
            await self._keep(text)
            return
        self._head += text
        is_bare = self._head.startswith(b"\n")
        end = 0 if is_bare else self._head.find(b"\n\n") + 1
        if end or is_bare:
            await self._open(bytes(self._head), end)
        elif len(self._head) > self._header_limit:
            await self._open(bytes(self._head), len(self._head))

    async def finish(self) -> Reply | None:
        """Take the end; what was wrong with the message, if anything."""
        if self._head is not None:
            await self._open(bytes(self._head), len(self._head))
        if self._failure is None and self._lines.has_overlong:
            self._fail(header_limits.TOO_LARGE)
        if self._recode is not None and self._failure is None:
            recode, self._recode = self._recode, None
            await self._keep(await asyncio.to_thread(recode, bytes(self._whole)))
        if self._failure is None and self._size_limit and self.size > self._size_limit:
            return header_limits.message_too_long(self._excess or self.size, self._size_limit)
        return self._failure

    async def _open(self, text: bytes, end: int) -> None:
        """The header block is complete: write it, and what has come behind it."""
        self._head = None
        block = text[:end]
        fault = header_limits.check_size(end, count_fields(block), self._header_limit)
        if fault is not None:
            self._fail(fault)
            return
        passport = self._passport
        found = rework(block, passport.habits, self._wants_recipients)
        fault = header_limits.check_hops(found.received)
        if fault is not None:
            self._fail(fault)
            return
        if found.author and self._judge is not None:
            judged = await self._judge(found.author.decode(errors="surrogateescape"))
            if isinstance(judged, Reply):
                self._fail(judged)
                return
            found.text += judged
        self.recipients = found.recipients
        self.has_eight_bit_headers = not block.isascii()
        name = self._draft.id
        message_id = f"courier.{name.public}@{passport.id_host}"
        await self._keep(
            b"".join(
                (
                    passport.above,
                    trace.received(passport.origin, passport.comment, passport.me, passport.protocol, name, self._now),
                    passport.below,
                    complete(found, passport.habits, message_id, trace.date(int(self._now))),
                    text[end:],
                )
            )
        )

    async def _keep(self, text: bytes) -> None:
        if self._recode is not None:
            await self._hold(text)
            return
        before = self.size
        self.size += len(text)
        if self._failure is not None:
            return
        if self._size_limit and self.size > self._size_limit:
            self._draft.abort()
            self._note_excess(text, before)
            return
        if not self.is_eight_bit and not text.isascii():
            self.is_eight_bit = True
        try:
            await self._draft.write(text)
        except SpoolFull:
            self._fail(FULL)

    async def _hold(self, text: bytes) -> None:
        """Keep a message together that is to be recoded, unless it is too large for that, or refused anyway."""
        if self._failure is not None:
            return
        self._whole += text
        if len(self._whole) > min(self._size_limit or MOST_RECODED, MOST_RECODED):
            self._recode = None
            whole, self._whole = bytes(self._whole), bytearray()
            await self._keep(whole)

    def _note_excess(self, text: bytes, before: int) -> None:
        """Courier stops counting behind the line that is too much; the reply tells of so many bytes."""
        if not self._excess:
            end = text.find(b"\n", max(self._size_limit - before + 1, 0))
            self._excess = before + end if end >= 0 else 0

    def _fail(self, reply: Reply) -> None:
        self._failure = reply
        self._draft.abort()
