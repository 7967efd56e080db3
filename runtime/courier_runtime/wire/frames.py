"""Frames: what the processes of a server say to each other, in JSON, and the bytes that go with it.

A frame is two 32-bit lengths, big-endian, then the JSON and the bytes. Standard library only, and nothing is ever
executed or unpickled: the process that keeps root's rights reads these.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

HEADER: Final = struct.Struct(">II")
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a frame; a longer one is a defect, and ends the conversation."""

_spell: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that is said."""

    said: Mapping[str, Any]
    data: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the wire."""
        text = _spell(self.said).encode()
        return b"".join((HEADER.pack(len(text), len(self.data)), text, self.data))


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
