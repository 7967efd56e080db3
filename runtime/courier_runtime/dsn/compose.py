"""The text of a notice: a multipart/report of the administrator's words, the facts for machines, and the message.

Everything but the returned message is composed at once; the message itself is passed through piece by piece.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from courier_runtime.dsn.decide import Action, Fate, Notice
from courier_runtime.mail.outcome import Dialogue
from courier_runtime.mail.xtext import shown
from courier_runtime.seams import Queued
from courier_runtime.snapshot.model import Snapshot

_BOUNDARY: Final = b"=_courier_"
_USED: Final = re.compile(re.escape(_BOUNDARY) + rb"([0-9]+)")
_OVERLAP: Final = 64
_STATUS: Final[dict[Action, str]] = {"delivered": "2.0.0", "relayed": "2.0.0", "failed": "5.0.0", "delayed": "4.0.0"}
_ORDER: Final[tuple[Action, ...]] = ("delivered", "relayed", "failed", "delayed")
_PREAMBLE: Final = (
    "This is a MIME message. If you can read these words, your mail program does\n"
    "not know MIME, and what comes next is for one that does.\n"
)
"""As long as Courier's own, so that notices are of the same size."""


@dataclass(frozen=True, slots=True)
class Encodings:
    """Which parts of a notice hold nothing but ASCII."""

    is_words_ascii: bool
    is_facts_ascii: bool
    is_returned_ascii: bool

    @property
    def whole(self) -> str:
        """The transfer encoding of all of it."""
        return _encoding(self.is_words_ascii and self.is_facts_ascii and self.is_returned_ascii)


@dataclass(frozen=True, slots=True)
class Composer:
    """What the texts of a notice depend on besides the notice."""

    snapshot: Snapshot
    message: Queued
    notice: Notice

    async def text(self) -> AsyncIterator[bytes]:
        """The whole message, line ends as LF, without the headers that the intake adds to any message."""
        returned = [piece async for piece in self._returned()] if not self.notice.returns_whole else None
        boundary = await self._boundary(returned)
        encodings = Encodings(self._words().isascii(), self._facts().isascii(), self._is_ascii(returned))
        yield self._headers(boundary, encodings).encode(errors="surrogateescape")
        yield self._parts(boundary, encodings).encode(errors="surrogateescape")
        if returned is not None:
            for piece in returned:
                yield piece
        else:
            async for piece in self._whole():
                yield piece
        yield f"\n--{boundary}--\n".encode()

    def _headers(self, boundary: str, encodings: Encodings) -> str:
        notices, control = self.snapshot.notices, self.snapshot.control
        name = self.snapshot.me.replace(".", "=2E")
        sender = control.dsnfrom or f"Courier mail server at =?utf-8?Q?{name}?= <@>"
        is_warning = any(fate.action == "delayed" for fate in self.notice.fates)
        return (
            f"From: {sender}\nTo: {self.notice.to}\n"
            f"Subject: {notices.subject_warning if is_warning else notices.subject_notice}\n"
            "Mime-Version: 1.0\n"
            f'Content-Type: multipart/report; report-type=delivery-status;\n    boundary="{boundary}"\n'
            f"Content-Transfer-Encoding: {encodings.whole}\n\n"
            f"{_PREAMBLE}\n"
        )

    def _parts(self, boundary: str, encodings: Encodings) -> str:
        is_global = any(not _shown(fate).isascii() for fate in self.notice.fates)
        status = "message/global-delivery-status" if is_global else "message/delivery-status"
        returned = 'text/rfc822-headers; charset="utf-8"'
        if self.notice.returns_whole:
            returned = "message/rfc822" if encodings.is_returned_ascii else "message/global"
        words, facts, text = map(
            _encoding, (encodings.is_words_ascii, encodings.is_facts_ascii, encodings.is_returned_ascii)
        )
        return (
            f"--{boundary}\nContent-Transfer-Encoding: {words}\n{self._words()}\n\n"
            f"--{boundary}\nContent-Type: {status}\nContent-Transfer-Encoding: {facts}\n\n{self._facts()}\n"
            f"--{boundary}\nContent-Type: {returned}\nContent-Transfer-Encoding: {text}\n\n"
        )

    def _facts(self) -> str:
        return "\n".join((self._message_facts(), *map(self._recipient_facts, self.notice.fates)))

    def _words(self) -> str:
        """The administrator's texts, with what was said about each recipient."""
        notices = self.snapshot.notices
        sections = {
            "delivered": notices.delivered,
            "relayed": notices.relayed,
            "failed": notices.failed,
            "delayed": notices.delayed,
        }
        values = {
            "[#ME#]": self.snapshot.me,
            "[#FROMTIME#]": formatdate(self.message.arrived, localtime=True),
            "[#FROMMTA#]": self.message.envelope.origin.partition("; ")[2] or "localhost",
        }
        header = notices.header
        for placeholder, value in values.items():
            header = header.replace(placeholder, value)
        body = [header]
        for action in _ORDER:
            told = [fate for fate in self.notice.fates if fate.action == action]
            if told:
                body += [sections[action], *map(_story, told)]
        return "".join((*body, notices.footer))

    def _message_facts(self) -> str:
        envelope = self.message.envelope
        lines = [
            f"Reporting-MTA: dns; {self.snapshot.me}",
            f"Arrival-Date: {formatdate(self.message.arrived, localtime=True)}",
        ]
        if envelope.envelope_id:
            lines.append(f"Original-Envelope-Id: {shown(envelope.envelope_id)}")
        if envelope.origin:
            lines.append(f"Received-From-MTA: {envelope.origin}")
        return "\n".join(lines) + "\n"

    def _recipient_facts(self, fate: Fate) -> str:
        recipient, said = fate.recipient, fate.said
        lines = [f"Final-Recipient: {_typed(recipient.address)}", f"Action: {fate.action}"]
        if recipient.original and recipient.original != recipient.address:
            lines.append(f"Original-Recipient: {_typed(recipient.original)}")
        lines.append(f"Status: {_STATUS[fate.action]}")
        if fate.action == "delayed":
            lines.append(f"Will-Retry-Until: {formatdate(self.message.expires, localtime=True)}")
        if said.peer and fate.action != "delayed":
            lines.append(f"Remote-MTA: dns; {said.peer}")
        if said.network_error:
            lines.append(f"X-Network-Error: {said.network_error}")
        if said.replies and fate.action != "delayed":
            kind = "smtp" if said.is_smtp and said.peer else "unknown"
            lines.append(f"Diagnostic-Code: {kind}; " + "\n        ".join(said.lines))
        return "\n".join(lines) + "\n"

    async def _returned(self) -> AsyncIterator[bytes]:
        """The headers of the message, to the empty line that ends them."""
        kept = b""
        async for piece in self._whole():
            kept += piece
            end = kept.find(b"\n\n")
            if end >= 0:
                yield kept[: end + 1]
                return
        yield kept

    async def _whole(self) -> AsyncIterator[bytes]:
        text = self.message.text
        pieces: Iterator[bytes] = iter(text.chunks()) if text is not None else iter(())
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    async def _boundary(self, returned: Iterable[bytes] | None) -> str:
        """The first of Courier's boundaries that the returned text does not contain."""
        used: set[int] = set()
        if returned is not None:
            used.update(int(number) for piece in returned for number in _USED.findall(piece))
        else:
            tail = b""
            async for piece in self._whole():
                tail = tail[-_OVERLAP:] + piece
                used.update(int(number) for number in _USED.findall(tail))
        return f"{_BOUNDARY.decode()}{next(number for number in range(len(used) + 1) if number not in used)}"

    def _is_ascii(self, returned: list[bytes] | None) -> bool:
        """Whether what comes back of the message is."""
        if returned is None:
            return not self.message.envelope.eight_bit
        return all(piece.isascii() for piece in returned)


def _encoding(is_ascii: bool) -> str:
    return "7bit" if is_ascii else "8bit"


def _story(fate: Fate) -> str:
    """What was said about one recipient, for people."""
    return f"\n<{_shown(fate)}>:\n" + "".join(f"{line}\n" for line in _told(fate.said))


def _told(said: Dialogue) -> Iterator[str]:
    if said.peer:
        yield f"     {said.peer}:"
    if said.network_error:
        yield f" *** {said.network_error}"
    yield from (f" >>> {line}" for line in said.sent)
    yield from (f" <<< {line}" for line in said.lines)


def _shown(fate: Fate) -> str:
    return fate.recipient.original or fate.recipient.address


def _typed(address: str) -> str:
    return f"rfc822; {address}" if address.isascii() else f"utf-8; {address}"
