"""How envelopes, progress and outcomes are spelt in the heads of records. Both directions; pure.

Only what differs from the default is written, under the names that the dataclasses have.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import NOTHING_SAID, Deferred, Delivered, Dialogue, Failed, Outcome, Relayed
from courier_runtime.seams import Progress, Queued, State, Text
from courier_runtime.spool.records import dumps, loads

_PLAIN: Final = (
    "origin",
    "login",
    "owner",
    "envelope_id",
    "returns",
    "verp",
    "smtputf8",
    "eight_bit",
    "security",
    "virtual_host",
    "is_tracked",
)
"""Fields of an envelope that JSON takes as they are and whose default is false or empty."""
_SQUEEZED_FROM: Final = 1024
"""Bytes from which a state is compressed in memory: a list's deferrals resemble each other."""
_PENDING: Final = Progress()
_STATES: Final = {state.value: state for state in State}


def message_said(message: Queued) -> dict[str, object]:
    """A message as the log accepts it: all but its state and its text."""
    envelope = message.envelope
    said: dict[str, object] = {
        "id": (message.id.serial, message.id.time, message.id.pid),
        "sender": envelope.sender,
        "to": [_recipient_said(one) for one in envelope.recipients],
        "source": envelope.source,
        "arrived": message.arrived,
        "expires": message.expires,
        "fax": message.fax_expires,
        "warns": message.warns,
        "size": message.size,
        "due": message.due,
    }
    for name in _PLAIN:
        if value := getattr(envelope, name):
            said[name] = value
    if envelope.variables:
        said["variables"] = dict(envelope.variables)
    if envelope.delivered_to_alias:
        said["aliases"] = [_recipient_said(one) for one in envelope.delivered_to_alias]
    if envelope.submit_delay is not None:
        said["submit_delay"] = envelope.submit_delay
    return said


def id_of(said: Mapping[str, Any]) -> MessageId:
    """Whose record this is."""
    return MessageId(*said["id"])


def envelope_of(said: Mapping[str, Any]) -> Envelope:
    """The envelope."""
    return Envelope(
        said["sender"],
        tuple(_recipient_of(one) for one in said["to"]),
        source=said["source"],
        variables=said.get("variables", {}),
        delivered_to_alias=tuple(_recipient_of(one) for one in said.get("aliases", ())),
        submit_delay=said.get("submit_delay"),
        **{name: said[name] for name in _PLAIN if name in said},
    )


def message_of(
    said: Mapping[str, Any],
    state: Mapping[str, Any],
    due: float,
    held: bool,
    cancelled: tuple[str, ...],
    text: Text | None,
) -> Queued:
    """A message, from its record, its latest state, and what was changed since."""
    envelope = envelope_of(said)
    return Queued(
        id_of(said),
        envelope,
        said["arrived"],
        said["expires"],
        said["fax"],
        said["warns"],
        said["size"],
        progress_of(state, len(envelope.recipients)),
        state.get("attempts", 0),
        due,
        state.get("warned", False),
        held,
        cancelled,
        text,
    )


# ---- state --------------------------------------------------------------------------------------------------------


def state_said(message: Queued) -> dict[str, object]:
    """A message's state, complete."""
    said: dict[str, object] = {"due": message.due}
    if message.attempts:
        said["attempts"] = message.attempts
    if message.is_warned:
        said["warned"] = True
    progress = {str(number): _progress_said(one) for number, one in enumerate(message.progress) if one != _PENDING}
    if progress:
        said["progress"] = progress
    return said


def some_said(message: Queued, numbers: Iterable[int]) -> dict[str, object]:
    """What became of some recipients."""
    return {"progress": {str(number): _progress_said(message.progress[number]) for number in numbers}}


def merged(state: Mapping[str, Any], some: Mapping[str, Any]) -> dict[str, Any]:
    """A state after some recipients' outcomes."""
    return {**state, "progress": {**state.get("progress", {}), **some["progress"]}}


def progress_of(state: Mapping[str, Any], count: int) -> tuple[Progress, ...]:
    """Every recipient's record."""
    progress = [_PENDING] * count
    for number, said in state.get("progress", {}).items():
        progress[int(number)] = Progress(_STATES[said[0]], None if said[2] is None else outcome_of(said[2]), said[1])
    return tuple(progress)


def mailboxes(message: Queued) -> list[int]:
    """The recipients whose mail was written to this machine's disk: the ones that a power failure may undo."""
    return [number for number, one in enumerate(message.progress) if isinstance(one.last, Delivered)]


def mailboxes_said(state: Mapping[str, Any]) -> set[int]:
    """The same of a state as the log has it."""
    progress = state.get("progress", {})
    return {int(number) for number, said in progress.items() if said[2] is not None and said[2][0] == "delivered"}


def without(state: Mapping[str, Any], numbers: Iterable[int]) -> dict[str, Any]:
    """A state in which these recipients are pending as if they had never been tried."""
    undone = {str(number) for number in numbers}
    return {**state, "progress": {key: said for key, said in state.get("progress", {}).items() if key not in undone}}


def pack(state: Mapping[str, Any]) -> bytes:
    """A state for keeping in memory; empty for a message that was never tried."""
    text = dumps(state) if state else b""
    return zlib.compress(text, 1) if len(text) >= _SQUEEZED_FROM else text


def unpack(packed: bytes) -> Mapping[str, Any]:
    """The reverse."""
    if not packed:
        return {}
    found: Mapping[str, Any] = loads(packed if packed[:1] == b"{" else zlib.decompress(packed))
    return found


# ---- parts --------------------------------------------------------------------------------------------------------


def _recipient_said(one: Recipient) -> tuple[object, ...]:
    if one.notify or one.original:
        return (one.address, one.original, one.notify.value)
    return (one.address,)


def _recipient_of(said: Sequence[Any]) -> Recipient:
    return Recipient(said[0]) if len(said) == 1 else Recipient(said[0], said[1], Notify(said[2]))


def _progress_said(one: Progress) -> tuple[object, ...]:
    return (one.state.value, one.at, None if one.last is None else outcome_said(one.last))


def outcome_said(outcome: Outcome) -> list[object]:
    """Its kind, then what was said, then what the kind has besides."""
    said: list[object] = [_KINDS[type(outcome)], None if outcome.said == NOTHING_SAID else _dialogue_said(outcome.said)]
    match outcome:
        case Relayed(reports=True):
            said.append(True)
        case Failed(is_remembered=False):
            said.append(False)
        case _:
            pass
    return said


def outcome_of(said: Sequence[Any]) -> Outcome:
    """The reverse."""
    dialogue = NOTHING_SAID if said[1] is None else _dialogue_of(said[1])
    match said[0]:
        case "delivered":
            return Delivered(dialogue)
        case "relayed":
            return Relayed(dialogue, *said[2:])
        case "failed":
            return Failed(dialogue, *said[2:])
        case _:
            return Deferred(dialogue)


def _dialogue_said(said: Dialogue) -> tuple[object, ...]:
    return (said.peer, said.network_error, said.sent, said.replies, said.is_smtp)


def _dialogue_of(said: Sequence[Any]) -> Dialogue:
    return Dialogue(said[0], said[1], tuple(said[2]), tuple(said[3]), said[4])


_KINDS: Final[dict[type, str]] = {
    Delivered: "delivered",
    Relayed: "relayed",
    Deferred: "deferred",
    Failed: "failed",
}
