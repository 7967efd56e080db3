"""Orders to the helper and its answers on the wire: a length, JSON for what is said, and the bytes that go with it.

A frame is two 32-bit lengths, big-endian, then the JSON and the bytes. Every order has a number, which its answer
bears, so that many can be under way.
"""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored

HEADER: Final = struct.Struct(">II")
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a frame; a longer one is a defect, and ends the conversation."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One order or answer."""

    said: Mapping[str, Any]
    data: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire."""
        text = json.dumps(self.said, separators=(",", ":")).encode()
        return HEADER.pack(len(text), len(self.data)) + text + self.data


class Decoder:
    """Frames from bytes that arrive in pieces. Raises ValueError for what is no frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Every frame that is complete now."""
        self._buffer += data
        while len(self._buffer) >= HEADER.size:
            text, rest = HEADER.unpack_from(self._buffer)
            if text + rest > LARGEST:
                raise ValueError(f"a frame of {text + rest} bytes")
            end = HEADER.size + text + rest
            if len(self._buffer) < end:
                return
            said = json.loads(self._buffer[HEADER.size : HEADER.size + text])
            frame = Frame(said, bytes(self._buffer[HEADER.size + text : end]))
            del self._buffer[:end]
            yield frame


def letter_order(number: int, letter: Letter) -> Frame:
    """An order to store."""
    said = {
        "do": "store",
        "n": number,
        "who": [letter.who.uid, letter.who.gid, letter.who.home],
        "mailbox": letter.mailbox,
        "lengths": [len(letter.envelope_line), len(letter.head)],
        "source": [letter.source, letter.offset, letter.size],
        "quota": letter.quota,
        "unless": letter.unless,
    }
    return Frame(said, letter.envelope_line + letter.head + letter.text)


def letter_of(frame: Frame) -> Letter:
    """The other direction."""
    said = frame.said
    line, head = said["lengths"]
    return Letter(
        who=Identity(*said["who"]),
        mailbox=said["mailbox"],
        envelope_line=frame.data[:line],
        head=frame.data[line : line + head],
        text=frame.data[line + head :],
        source=said["source"][0],
        offset=said["source"][1],
        size=said["source"][2],
        quota=said["quota"],
        unless=said["unless"],
    )


def command_order(number: int, command: Command) -> Frame:
    """An order to run a program."""
    said = {
        "do": "run",
        "n": number,
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


def answer_of(number: int, outcome: Stored | Exit | None) -> Frame:
    """What the helper says to an order."""
    if isinstance(outcome, OSError):
        return Frame({"n": number, "errno": outcome.errno or errno.EIO, "path": str(outcome.filename or "")})
    if isinstance(outcome, Instructions):
        return Frame({"n": number, "instructions": [outcome.path, outcome.mode]}, outcome.content)
    if isinstance(outcome, Exit):
        return Frame({"n": number, "status": outcome.status}, outcome.output)
    return Frame({"n": number, "file": outcome})


def outcome_of(frame: Frame) -> Stored | Exit | None:
    """The other direction. An error is returned, not raised."""
    said = frame.said
    if "errno" in said:
        return OSError(said["errno"], os.strerror(said["errno"]), said["path"])
    if "instructions" in said:
        path, mode = said["instructions"]
        return Instructions(path, frame.data, mode)
    if "status" in said:
        return Exit(said["status"], frame.data)
    found: str | None = said["file"]
    return found
