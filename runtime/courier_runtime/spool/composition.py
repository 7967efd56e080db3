"""Composition: the head of a message's record, from its envelopes, and the messages, from the head. Both ways; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, Queued, Text
from courier_runtime.spool.records import dumps, loads
from courier_runtime.spool.state import message_of, message_said

_PENDING: Final = Progress()


@dataclass(frozen=True, slots=True)
class Composed:
    """What is to be kept: one message, or several that share a text."""

    messages: Sequence[Queued]
    """Without the text."""
    head: bytes
    """Of the record that says so."""
    large: str = ""
    """The file of a long text, synced; a short one lies behind the head."""


def accepted(name: MessageId, envelope: Envelope, terms: Terms, arrived: float, size: int, text: Text | None) -> Queued:
    """A message as it is in the instant of its acceptance."""
    delay = terms.delay if envelope.submit_delay is None else envelope.submit_delay
    return Queued(
        name,
        envelope,
        arrived,
        arrived + terms.queue,
        arrived + terms.fax_queue,
        arrived + terms.warning if terms.warning else 0.0,
        size,
        (_PENDING,) * len(envelope.recipients),
        0,
        arrived + delay,
        False,
        False,
        (),
        text,
    )


def compose(
    names: Sequence[MessageId],
    envelopes: Sequence[Envelope],
    terms: Terms,
    arrived: float,
    size: int,
    large: str = "",
    checksum: int = 0,
) -> Composed:
    """Messages as they are in the instant of their acceptance; `checksum` is that of a long text (CRC-32)."""
    messages = [
        accepted(name, envelope, terms, arrived, size, None) for name, envelope in zip(names, envelopes, strict=True)
    ]
    said: dict[str, object] = {"pieces": [message_said(message) for message in messages]}
    if large:
        said["large"], said["sum"] = large, checksum
    return Composed(messages, dumps(said), large)


def read(head: bytes) -> Composed:
    """The same, composed by another process."""
    said: dict[str, Any] = loads(head)
    messages = [message_of(one, {}, one["due"], False, (), None) for one in said["pieces"]]
    return Composed(messages, head, said.get("large", ""))
