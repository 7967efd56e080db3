"""Limits of a header block: its bytes, its lines, and the hosts that it has passed."""

from __future__ import annotations

from typing import Final

from courier_runtime.mail.reply import Reply

MAX_FIELDS: Final = 499
MAX_RECEIVED: Final = 100
LONGEST_LINE: Final = 5000
"""Bytes of a line, of the headers or not, without its end."""

TOO_LARGE: Final = Reply.of(534, "Message header size exceeds policy limit.")
LOOP: Final = Reply.of(546, "Routing loop detected -- too many Received: headers.")


class LineMeter:
    """Watches whether any line of a text is too long, whatever the pieces in which it comes."""

    __slots__ = ("_open", "has_overlong")

    def __init__(self) -> None:
        self._open = 0
        """Bytes of the line that has not ended yet."""
        self.has_overlong = False

    def take(self, text: bytes) -> None:
        """Look at some more of it."""
        at, before = 0, self._open
        while before + len(text) - at > LONGEST_LINE:
            end = text.rfind(b"\n", at, at + LONGEST_LINE - before + 1)
            if end < 0:
                self.has_overlong = True
                return
            at, before = end + 1, 0
        end = text.rfind(b"\n", at)
        self._open = before + len(text) - at if end < 0 else len(text) - end - 1


def check_size(size: int, fields: int, limit: int) -> Reply | None:
    """Whether a header block, or as much of it as there is, exceeds the limits."""
    return TOO_LARGE if size > limit or fields > MAX_FIELDS else None


def check_hops(received: int) -> Reply | None:
    """Whether a message goes round in circles."""
    return LOOP if received > MAX_RECEIVED else None


def message_too_long(size: int, limit: int) -> Reply:
    """The answer to a message that is larger than it may be."""
    return Reply.of(523, f"Message length ({size} bytes) exceeds administrative limit({limit}).")
