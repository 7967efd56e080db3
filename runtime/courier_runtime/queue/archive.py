"""The archive: a finished message as Courier's ARCHIVEDIR keeps it, text and queue file, in one directory for each day.

Both files are there whole or not at all, the text first, and on the disk before the queue may forget the message. The
queue keeps the last word about each recipient, so earlier attempts do not show.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from courier_runtime.mail.envelope import Envelope, Recipient
from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome, Relayed
from courier_runtime.seams import Queued
from courier_runtime.spool.disk import Disk

_RETURNS: Final[Mapping[str, str]] = {"": "", "full": "F", "headers": "H"}
_OF_ALIAS: Final = Relayed(Dialogue(replies=("250 Ok - delivered to alias.",)))
_DAY_MODE: Final = 0o700
_FILE_MODE: Final = 0o660


def day_of(directory: Path, now: float) -> Path:
    """The directory for what is finished now; days begin and end in this host's time zone."""
    return directory / time.strftime("%Y.%m.%d", time.localtime(now))


def store(day: Path, message: Queued, now: float) -> None:
    """Put a message there. The directory of days has to exist. Waits for the disk, so call it in a thread.

    Raises OSError.
    """
    assert message.text is not None, "what is finished was leased, with its text"
    if not day.is_dir():
        day.mkdir(_DAY_MODE, exist_ok=True)
        Disk().synchronise_names(str(day.parent))
    number = message.id.serial
    _write(day / f"D{number}", message.text.chunks(), message.arrived)
    _write(day / f"C{number}", (queue_file(message, now),), now)
    Disk().synchronise_names(str(day))


def queue_file(message: Queued, now: float) -> bytes:
    """The control file that Courier would have for a message that is finished now."""
    lines = (*_head(message), *_envelope(message), *_end(message, now))
    return "".join(f"{_one_line(line)}\n" for line in lines).encode(errors="surrogateescape")


def _head(message: Queued) -> Iterator[str]:
    envelope = message.envelope
    yield f"s{envelope.sender}"
    yield f"f{envelope.origin}"
    yield f"e{envelope.envelope_id}"
    yield f"t{_RETURNS[envelope.returns]}"
    yield f"M{message.id}"
    if envelope.submit_delay is not None:
        yield f"L{int(envelope.submit_delay)}"
    for recipient in envelope.recipients:
        yield from _recipient(recipient)
    for number, alias in enumerate(envelope.delivered_to_alias, len(envelope.recipients)):
        yield from _recipient(alias)
        yield from _outcome(number, _OF_ALIAS, message.arrived)


def _recipient(recipient: Recipient) -> tuple[str, str, str]:
    return f"r{recipient.address}", f"R{recipient.original}", f"N{recipient.notify.letters}"


def _envelope(message: Queued) -> Iterator[str]:
    envelope = message.envelope
    yield from _traits(envelope, is_warned=message.is_warned or not message.warns)
    yield from (f"O{name}={value}" for name, value in envelope.variables.items())
    yield f"u{envelope.source}"
    yield f"E{int(message.expires)}"
    yield f"p{int(message.fax_expires)}"
    yield f"W{int(message.warns or message.arrived)}"
    if envelope.is_tracked:
        yield "T"
    yield f"A{int(message.arrived + (envelope.submit_delay or 0.0))}"


def _traits(envelope: Envelope, *, is_warned: bool) -> Iterator[str]:
    if envelope.smtputf8:
        yield "m"
    if envelope.eight_bit:
        yield "8"
    if envelope.virtual_host:
        yield f"v{envelope.virtual_host}"
    if envelope.security:
        yield f"U{envelope.security.upper()}"
    if envelope.verp:
        yield "V"
    if is_warned:
        yield "w"
    if envelope.login:
        yield f"i{envelope.login}"


def _end(message: Queued, now: float) -> Iterator[str]:
    """The outcomes in the order of their coming; who failed because the message was cancelled stands behind the
    reasons."""
    known = [(one.at, number, one.last) for number, one in enumerate(message.progress) if one.last is not None]
    given_up = [one for one in known if message.cancelled and one[0] == now]
    for at, number, outcome in sorted((one for one in known if one not in given_up), key=lambda one: one[:2]):
        yield from _outcome(number, outcome, at)
    yield from (f"X{line}" for line in message.cancelled)
    for at, number, outcome in given_up:
        yield from _outcome(number, outcome, at)
    yield f"C{int(now)}"


def _outcome(number: int, outcome: Outcome, at: float) -> Iterator[str]:
    said = outcome.said
    if said.peer:
        yield f"I{number} P {said.peer}"
    if said.network_error:
        yield f"I{number} C {said.network_error}"
    yield from (f"I{number} S {line}" for line in said.sent)
    if said.is_smtp:
        yield f"I{number} T smtp"
    yield from (f"I{number} R {line}" for line in said.replies)
    match outcome:
        case Delivered():
            yield f"S{number} {int(at)} l"
        case Relayed(reports=True):
            yield f"S{number} {int(at)}"
        case Relayed():
            yield f"S{number} {int(at)} r"
        case Failed():
            yield f"F{number} {int(at)}"
        case Deferred():
            yield f"D{number} {int(at)}"


def _one_line(text: str) -> str:
    """What others have said cannot begin a record of its own."""
    return text.replace("\n", " ")


def _write(path: Path, parts: Iterable[bytes], changed: float) -> None:
    """A file that has its name once it is whole and on the disk. Remains of a crash are overwritten."""
    draft = path.with_name(f".{path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fchmod(file.fileno(), _FILE_MODE)
        os.utime(file.fileno(), (changed, changed))
        os.fsync(file.fileno())
    draft.rename(path)
