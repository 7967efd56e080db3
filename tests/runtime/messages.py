"""Messages and helpers that stand in for the rest of the server in tests."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass

from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.reply import Reply
from courier_runtime.seams import Progress, Queued

TEXT = b"From: <alice@example.com>\nSubject: Hello\n\nBody\n"
ACCEPTED = Reply.of(250, "Ok.")


@dataclass(frozen=True)
class Kept:
    """A message's text in memory."""

    data: bytes = TEXT

    @property
    def size(self) -> int:
        return len(self.data)

    def whole(self) -> bytes:
        return self.data

    @property
    def place(self) -> None:
        return None

    def chunks(self) -> Iterable[bytes]:
        return (self.data[at : at + 7] for at in range(0, len(self.data), 7))


class RecordingIntake:
    """Takes everything in, or answers as it is told."""

    def __init__(self, reply: Reply = ACCEPTED) -> None:
        self.reply = reply
        self.taken: list[tuple[Envelope, bytes]] = []
        self.comments: list[str] = []
        self.headers: list[tuple[bytes, ...]] = []

    async def submit(
        self, envelope: Envelope, text: AsyncIterable[bytes], comment: str = "", headers: tuple[bytes, ...] = ()
    ) -> Reply:
        self.taken.append((envelope, b"".join([piece async for piece in text])))
        self.comments.append(comment)
        self.headers.append(headers)
        return self.reply


def queued(*recipients: str, sender: str = "alice@example.com", text: bytes = TEXT, verp: bool = False) -> Queued:
    """A message that has just been taken in."""
    envelope = Envelope(
        sender,
        tuple(Recipient(address) for address in recipients),
        source="smtp",
        origin="dns; cli (mx [::1])",
        verp=verp,
    )
    return Queued(
        id=MessageId(1, 2, 3),
        envelope=envelope,
        arrived=1_800_000_000.0,
        expires=1_800_604_800.0,
        fax_expires=0.0,
        warns=0.0,
        size=len(text),
        progress=tuple(Progress() for _ in recipients),
        text=Kept(text),
    )
