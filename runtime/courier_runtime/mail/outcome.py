"""The fate of one recipient after an attempt. Permanence is a type, not a flag."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said in an attempt, for logs and for the notice to the sender."""

    peer: str = ""
    """The other server as `name [address]`; empty for local delivery."""
    network_error: str = ""
    """Why there was no conversation, or why it ended early."""
    sent: tuple[str, ...] = ()
    """The command that was answered, and only that one."""
    replies: tuple[str, ...] = ()
    """Lines of the answer or of a program's output; at most eleven are kept. One of a converter of faxes has several
    lines itself, which are one in the log."""
    is_smtp: bool = False
    """Whether `replies` are SMTP replies rather than text."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The replies, line by line."""
        return tuple(line for reply in self.replies for line in reply.split("\n"))


NOTHING_SAID = Dialogue()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The message lies in a mailbox, or a program has taken it."""

    said: Dialogue = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Relayed:
    """Another server has taken the message. It will send the receipts itself if it `reports`."""

    said: Dialogue = NOTHING_SAID
    reports: bool = False


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now; another attempt may succeed."""

    said: Dialogue = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Failed:
    """Never. The sender is to be told."""

    said: Dialogue = NOTHING_SAID
    is_remembered: bool = True
    """Whether the address goes to the suppression list (exit code 70 and mail loops do not)."""


Outcome = Delivered | Relayed | Deferred | Failed
