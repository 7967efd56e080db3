"""One message over one connection: what is said for whom, and what each answer means for each recipient.

An answer to RCPT concerns its recipient; one to MAIL, DATA or the message concerns all that are still open.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from courier_runtime.delivery.esmtp.connection import Connection, Lost
from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Outcome, Relayed
from courier_runtime.mail.recode import to_seven_bits
from courier_runtime.mail.reply import Reply
from courier_runtime.mail.verp import verp
from courier_runtime.seams import Job, Text

KEPT_LINES: Final = 11
"""Lines of a reply that are kept for the notice."""

_EXDATA: Final = 558
_INNER: Final = re.compile(r"([2-5][0-9]{2})([ -])(.*)", re.DOTALL)
_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")
_NO_SMTPUTF8: Final = (
    "553-The recipient's mail server does not support E-mail addresses or",
    "553-headers in UTF-8, and this message has some. It can be delivered",
    "553-only to servers that do, or after somebody has written it without",
    "553 such characters.",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Recipients that go into one transaction, under one sender."""

    sender: str
    numbers: tuple[int, ...]
    is_verp: bool = False


class Transaction:
    """Sends one job's message."""

    def __init__(self, connection: Connection, job: Job) -> None:
        self._connection = connection
        self._job = job
        self._envelope: Envelope = job.message.envelope

    async def send(self) -> dict[int, Outcome]:
        """The outcome of every recipient; what a lost connection leaves open is deferred."""
        refusal = self._impossible()
        if refusal is not None:
            return dict.fromkeys(self._job.recipients, Failed(refusal))
        outcomes: dict[int, Outcome] = {}
        for batch in self._batches():
            try:
                outcomes.update(await self._send(batch))
            except Lost as error:
                self._connection.close()
                lost = Deferred(Dialogue(self._connection.target.peer, network_error=str(error)))
                return {**dict.fromkeys(self._job.recipients, lost), **outcomes}
        return outcomes

    def _impossible(self) -> Dialogue | None:
        """Why this server cannot take the message at all."""
        extensions = self._connection.extensions
        addresses = (self._envelope.sender, *(self._recipient(number).address for number in self._job.recipients))
        if (self._envelope.smtputf8 or not all(map(str.isascii, addresses))) and "SMTPUTF8" not in extensions:
            return Dialogue(self._connection.target.peer, replies=_NO_SMTPUTF8)
        if self._envelope.security == "starttls" and "STARTTLS" not in extensions.get("XSECURITY", "").upper():
            return no_security(self._connection.target.peer)
        return None

    def _batches(self) -> Iterator[Batch]:
        """One transaction for all, but for VERP, and for those who want no notice where the server has no DSN."""
        numbers, sender = self._job.recipients, self._envelope.sender
        extensions = self._connection.extensions
        if self._envelope.verp and sender:
            if "COURIER" in extensions.get("XVERP", "").upper():
                yield Batch(sender, numbers, is_verp=True)
                return
            for number in numbers:
                yield Batch(verp(sender, self._recipient(number).address), (number,))
            return
        silent = () if "DSN" in extensions or not sender else tuple(n for n in numbers if self._is_silent(n))
        loud = tuple(number for number in numbers if number not in silent)
        if loud:
            yield Batch(sender, loud)
        if silent:
            yield Batch("", silent)

    async def _send(self, batch: Batch) -> dict[int, Outcome]:
        connection = self._connection
        must_convert = self._envelope.eight_bit and "8BITMIME" not in connection.extensions
        text = await asyncio.to_thread(_seven_bits, self._text, self._job.snapshot.me) if must_convert else None
        mail = self._mail(batch, text)
        rcpts = [self._rcpt(number) for number in batch.numbers]
        before = ("RSET",) if connection.is_used else ()
        connection.is_used = True
        mailed, *answers = (await connection.commands((*before, mail, *rcpts)))[len(before) :]
        if mailed.code // 100 != 2:
            return dict.fromkeys(batch.numbers, self._refused(mail, mailed))
        outcomes: dict[int, Outcome] = {}
        open_numbers: list[int] = []
        for number, rcpt, answer in zip(batch.numbers, rcpts, answers, strict=True):
            if answer.code // 100 == 2:
                open_numbers.append(number)
            else:
                outcomes[number] = self._refused(rcpt, answer)
        if open_numbers:
            outcomes.update(await self._data(open_numbers, text))
        return outcomes

    async def _data(self, numbers: Sequence[int], text: bytes | None) -> dict[int, Outcome]:
        connection = self._connection
        asked = await connection.command("DATA")
        if asked.code != 354:
            return dict.fromkeys(numbers, self._refused("DATA", asked))
        reply = await connection.data(_pieces(text) if text is not None else _chunks(self._text))
        if reply.code == _EXDATA and "XEXDATA" in connection.extensions:
            inner = list(_inner(reply))
            if len(inner) == len(numbers):
                return {number: self._judged("DATA", one) for number, one in zip(numbers, inner, strict=True)}
        return dict.fromkeys(numbers, self._judged("DATA", reply))

    def _mail(self, batch: Batch, text: bytes | None) -> str:
        """The command MAIL with what the server understands of the envelope, in Courier's order."""
        envelope, extensions = self._envelope, self._connection.extensions
        words = [f"MAIL FROM:<{batch.sender}>"]
        if envelope.smtputf8 and "SMTPUTF8" in extensions:
            words.append("SMTPUTF8")
        if "8BITMIME" in extensions:
            words.append(f"BODY={'8BITMIME' if envelope.eight_bit else '7BIT'}")
        if batch.is_verp:
            words.append("VERP")
        if "DSN" in extensions:
            if envelope.returns:
                words.append(f"RET={'FULL' if envelope.returns == 'full' else 'HDRS'}")
            if envelope.envelope_id:
                words.append(f"ENVID={envelope.envelope_id}")
        if "SIZE" in extensions:
            size = len(text) if text is not None else self._text.size
            words.append(f"SIZE={size // 75 * 77 + 256}")
        if envelope.security == "starttls":
            words.append("SECURITY=STARTTLS")
        return " ".join(words)

    def _rcpt(self, number: int) -> str:
        recipient = self._recipient(number)
        words = [f"RCPT TO:<{recipient.address}>"]
        if "DSN" in self._connection.extensions:
            if recipient.notify:
                words.append(f"NOTIFY={_notify(recipient.notify)}")
            if recipient.original:
                words.append(f"ORCPT=rfc822;{_xtext(recipient.original)}")
        return " ".join(words)

    def _judged(self, command: str, reply: Reply) -> Outcome:
        if reply.code // 100 == 2:
            return Relayed(self._said(command, _lines(reply)), reports="DSN" in self._connection.extensions)
        return self._refused(command, reply)

    def _refused(self, command: str, reply: Reply) -> Outcome:
        said = self._said(command, _lines(reply))
        return Failed(said) if reply.is_permanent else Deferred(said)

    def _said(self, command: str, replies: tuple[str, ...]) -> Dialogue:
        return Dialogue(self._connection.target.peer, "", (command,), replies, is_smtp=True)

    def _recipient(self, number: int) -> Recipient:
        return self._envelope.recipients[number]

    def _is_silent(self, number: int) -> bool:
        return Notify.NEVER in self._recipient(number).notify

    @property
    def _text(self) -> Text:
        text = self._job.message.text
        if text is None:
            raise Lost("the text of the message is not at hand")
        return text


def no_security(peer: str) -> Dialogue:
    """What is said of a message that asks for more security than a server has."""
    asked = "SECURITY=STARTTLS REQUESTED FOR THIS MESSAGE"
    return Dialogue(peer, "", (asked,), ("500 Unable to set minimum security level.",), is_smtp=True)


def _inner(reply: Reply) -> Iterator[Reply]:
    """The replies inside an EXDATA reply, one for each recipient that was accepted."""
    lines: list[str] = []
    for line in reply.lines:
        found = _INNER.fullmatch(line)
        if found is None:
            continue
        lines.append(found[3])
        if found[2] == " ":
            yield Reply(int(found[1]), tuple(lines))
            lines = []


def _lines(reply: Reply) -> tuple[str, ...]:
    return tuple(reply.text.split("\n")[:KEPT_LINES])


def _notify(notify: Notify) -> str:
    if Notify.NEVER in notify:
        return "NEVER"
    words = {"SUCCESS": Notify.SUCCESS, "FAILURE": Notify.FAILURE, "DELAY": Notify.DELAY}
    return ",".join(word for word, flag in words.items() if flag in notify)


def _xtext(text: str) -> str:
    """Text for a parameter (RFC 3461, 4)."""
    return _XTEXT.sub(lambda found: "".join(f"+{byte:02X}" for byte in found[0].encode(errors="surrogateescape")), text)


def _seven_bits(text: Text, me: str) -> bytes:
    return to_seven_bits(b"".join(text.chunks()), me)


async def _pieces(text: bytes) -> AsyncIterator[bytes]:
    yield text


async def _chunks(text: Text) -> AsyncIterator[bytes]:
    whole = text.whole()
    if whole is not None:
        yield whole
        return
    pieces = iter(text.chunks())
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
