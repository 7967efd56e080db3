"""Whether a message owes its sender a notice, about whom, and how much of it comes back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.outcome import Delivered, Dialogue, Relayed
from courier_runtime.seams import Occasion, Queued, State
from courier_runtime.snapshot.model import Snapshot

DOUBLE_BOUNCE: Final = "#@[]"
"""Return address of a notice about a notice; nothing is ever sent about mail that bears it."""

POSTMASTER: Final = "postmaster"

Action = Literal["delivered", "relayed", "failed", "delayed"]

_TO_ALIAS: Final = Dialogue(replies=("250 Ok - delivered to alias.",), is_smtp=True)


@dataclass(frozen=True, slots=True)
class Fate:
    """What a notice says of one recipient."""

    recipient: Recipient
    action: Action
    said: Dialogue


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is to be written."""

    to: str
    sender: str
    """Its return address: empty, or DOUBLE_BOUNCE for a notice to the postmaster about a notice."""
    fates: tuple[Fate, ...]
    returns_whole: bool
    """Whether the message comes back whole, or only its headers."""


def decide(message: Queued, occasion: Occasion, snapshot: Snapshot) -> Notice | None:
    """The notice that is due; None if nobody wants or may get one."""
    envelope = message.envelope
    to = addressee(envelope, snapshot)
    if to is None:
        return None
    fates = tuple(_delayed(message) if occasion == "delay" else _final(message))
    if not envelope.sender:
        fates = tuple(fate for fate in fates if fate.action == "failed")
    if not fates:
        return None
    is_double = not envelope.sender
    has_failed = any(fate.action == "failed" for fate in fates)
    limit = snapshot.control.dsnlimit or 0
    whole = is_double or (has_failed and message.size < limit and envelope.returns != "headers")
    return Notice(to, DOUBLE_BOUNCE if is_double else "", fates, whole)


def addressee(envelope: Envelope, snapshot: Snapshot) -> str | None:
    """Whom notices about a message go to; None for nobody.

    With DSNTOAUTHADDR, which is on unless the file says otherwise, that is whoever logged in with an address.
    """
    if envelope.sender == DOUBLE_BOUNCE:
        return None
    if not envelope.sender:
        return POSTMASTER
    if snapshot.courierd.dsntoauthaddr is not False and "@" in envelope.login:
        return envelope.login
    return envelope.sender


def _final(message: Queued) -> Iterator[Fate]:
    envelope = message.envelope
    for recipient, progress in zip(envelope.recipients, message.progress, strict=True):
        said = progress.last.said if progress.last is not None else Dialogue()
        if progress.state is State.FAILED:
            if _wants(recipient, Notify.FAILURE):
                yield Fate(recipient, "failed", said)
        elif Notify.SUCCESS in recipient.notify:
            if isinstance(progress.last, Delivered):
                yield Fate(recipient, "delivered", said)
            elif isinstance(progress.last, Relayed) and not progress.last.reports:
                yield Fate(recipient, "relayed", said)
    for alias in envelope.delivered_to_alias:
        if Notify.SUCCESS in alias.notify:
            yield Fate(alias, "relayed", _TO_ALIAS)


def _delayed(message: Queued) -> Iterator[Fate]:
    for number in message.pending:
        recipient, last = message.envelope.recipients[number], message.progress[number].last
        if _wants(recipient, Notify.DELAY):
            yield Fate(recipient, "delayed", last.said if last is not None else Dialogue())


def _wants(recipient: Recipient, what: Notify) -> bool:
    """Failures and delays are told unless the sender asked for something else."""
    return not recipient.notify or bool(recipient.notify & what)
