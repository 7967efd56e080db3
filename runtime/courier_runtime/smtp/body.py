"""The text behind DATA: where it ends, and what it says (RFC 5321, 4.5.2).

Pure and incremental: the answer does not depend on where the stream was cut. Only CRLF, dot, CRLF ends a text, so no
other reading of line ends can smuggle a second message past this server; a bare LF becomes the end of a line when it is
stored, and every other byte, NUL and a lone CR included, is kept.
"""

from __future__ import annotations

from typing import Final

_END: Final = b"\r\n.\r\n"


class Body:
    """Decodes one text. Feed it until `is_done`; what came behind the end is `rest` then."""

    __slots__ = ("_held", "_is_first", "is_done", "rest")

    def __init__(self) -> None:
        # The line before the text ended with CRLF too: so a dot at the very beginning needs no rule of its own.
        self._held = b"\r\n"
        self._is_first = True
        self.is_done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece of the stream; the text that is certain now, line ends as LF."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            self.is_done = True
            self.rest = data[end + len(_END) :]
            self._held = b""
            return self._decode(data[: end + 2])
        keep = _overlap(data)
        self._held = data[len(data) - keep :]
        return self._decode(data[: len(data) - keep])

    def _decode(self, data: bytes) -> bytes:
        text = data.replace(b"\r\n.", b"\r\n").replace(b"\r\n", b"\n")
        if self._is_first and text:
            self._is_first = False
            return text[1:]
        return text


def _overlap(data: bytes) -> int:
    """How many bytes at the end may be the beginning of the end."""
    return next((size for size in range(len(_END) - 1, 0, -1) if data.endswith(_END[:size])), 0)
