"""Orders to the helper and its answers, as frames. Both directions; pure.

The channel gives every order a number, which its answer bears, so that many can be under way.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.wire.frames import Frame


def store_order(letters: Sequence[Letter]) -> Frame:
    """An order to store letters, one after the other. Those of one message share its text."""
    texts: dict[int, tuple[int, bytes]] = {}
    parts: list[bytes] = []
    said: list[tuple[object, ...]] = []
    for one in letters:
        place, _ = texts.setdefault(id(one.text), (len(texts), one.text))
        parts += one.envelope_line, one.head
        who = one.who
        mailbox = who.uid, who.gid, who.home, one.mailbox, len(one.envelope_line), len(one.head), place
        said.append((*mailbox, one.source, one.offset, one.size, one.quota, one.unless, one.is_made))
    parts += [text for _, text in texts.values()]
    lengths = [len(text) for _, text in texts.values()]
    return Frame({"do": "store", "letters": said, "texts": lengths}, b"".join(parts))


def letters_of(frame: Frame) -> list[Letter]:
    """The other direction."""
    pieces = _Pieces(frame.data)
    heads = [(pieces.take(one[4]), pieces.take(one[5])) for one in frame.said["letters"]]
    texts = [pieces.take(length) for length in frame.said["texts"]]
    return [
        Letter(Identity(uid, gid, home), mailbox, *head, texts[place], *rest)
        for (uid, gid, home, mailbox, _, _, place, *rest), head in zip(frame.said["letters"], heads, strict=True)
    ]


class _Pieces:
    """Bytes that are taken from the front."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]


def read_order(who: Identity, paths: Sequence[str]) -> Frame:
    """An order to read the first of these files that exists."""
    return Frame({"do": "read", "who": (who.uid, who.gid, who.home), "paths": tuple(paths)})


def command_order(command: Command) -> Frame:
    """An order to run a program."""
    said = {
        "do": "run",
        "who": [command.who.uid, command.who.gid, command.who.home],
        "arguments": command.arguments,
        "environment": dict(command.environment),
        "directory": command.directory,
        "source": [command.source, command.offset, command.size],
        "timeout": command.timeout,
    }
    return Frame(said, b"".join(command.stdin))


def command_of(frame: Frame) -> Command:
    """The other direction."""
    said = frame.said
    return Command(
        who=Identity(*said["who"]),
        arguments=tuple(said["arguments"]),
        environment=said["environment"],
        directory=said["directory"],
        stdin=(frame.data,),
        source=said["source"][0],
        offset=said["source"][1],
        size=said["source"][2],
        timeout=said["timeout"],
    )


def stored_answer(number: int, stored: Sequence[Stored]) -> Frame:
    """What became of the letters of an order, each in its turn."""
    content = b"".join(one.content for one in stored if isinstance(one, Instructions))
    return Frame({"n": number, "stored": [_stored_said(one) for one in stored]}, content)


def stored_of(frame: Frame) -> list[Stored]:
    """The other direction."""
    pieces = _Pieces(frame.data)
    return [_stored_of(said, pieces) for said in frame.said["stored"]]


def _stored_said(stored: Stored) -> object:
    """A file is its name, instructions are two things, an error is three."""
    if isinstance(stored, OSError):
        return _error_said(stored)
    if isinstance(stored, Instructions):
        return (stored.path, stored.mode), len(stored.content)
    return stored


def _stored_of(said: Any, pieces: _Pieces) -> Stored:
    match said:
        case str(file):
            return file
        case [[path, mode], length]:
            return Instructions(path, pieces.take(length), mode)
        case _:
            return OSError(*said)


def _error_said(error: OSError) -> tuple[int, str, str]:
    number = error.errno or errno.EIO
    return number, error.strerror or os.strerror(number), str(error.filename or "")


def answer_of(number: int, outcome: Instructions | Exit | OSError | None) -> Frame:
    """What the helper says to an order to read or to run."""
    if isinstance(outcome, OSError):
        return Frame({"n": number, "error": _error_said(outcome)})
    if isinstance(outcome, Instructions):
        return Frame({"n": number, "instructions": [outcome.path, outcome.mode]}, outcome.content)
    if isinstance(outcome, Exit):
        return Frame({"n": number, "status": outcome.status}, outcome.output)
    return Frame({"n": number})


def outcome_of(frame: Frame) -> Instructions | Exit | OSError | None:
    """The other direction. An error is returned, not raised."""
    said = frame.said
    if "error" in said:
        return OSError(*said["error"])
    if "instructions" in said:
        path, mode = said["instructions"]
        return Instructions(path, frame.data, mode)
    return Exit(said["status"], frame.data) if "status" in said else None
