"""The notifier: writes the notice that a message owes its sender, and queues it like any other mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from courier_runtime.dsn.compose import Composer
from courier_runtime.dsn.decide import decide
from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.seams import Intake, Log, Occasion, Queued
from courier_runtime.snapshot.model import Snapshot

PROGRAM: Final = "courierdsn"

STANDARD: Final = "ftp://ftp.isi.edu/in-notes/rfc1894.txt"
"""What the trace header of a notice has in its parenthesis, as Courier's does."""


class ReportingNotifier:
    """Makes notices from the texts of the snapshot that is in force when they are due."""

    def __init__(self, *, intake: Intake, snapshot: Callable[[], Snapshot], log: Log) -> None:
        self._intake = intake
        self._snapshot = snapshot
        self._log = log

    def addressee(self, message: Queued, occasion: Occasion) -> str | None:
        """Whom a notice would go to now."""
        notice = decide(message, occasion, self._at(message))
        return None if notice is None else notice.to

    async def report(self, message: Queued, occasion: Occasion) -> bool:
        """Queue the notice that is due, if one is."""
        snapshot = self._at(message)
        notice = decide(message, occasion, snapshot)
        if notice is None:
            return True
        original = message.envelope
        envelope = Envelope(
            sender=notice.sender,
            recipients=(Recipient(notice.to),),
            source=f"{original.source}/dsn",
            origin="dns; localhost (localhost [127.0.0.1])",
            security=original.security,
            virtual_host=original.virtual_host,
            submit_delay=0.0,
        )
        reply = await self._intake.submit(envelope, Composer(snapshot, message, notice).text(), STANDARD)
        if reply.is_refusal:
            self._log.error(PROGRAM, f"id={message.id},from=<{notice.sender}>,addr=<{notice.to}>: {reply.text}")
        return not reply.is_refusal or reply.is_permanent

    def _at(self, message: Queued) -> Snapshot:
        return self._snapshot().for_host(message.envelope.virtual_host)
