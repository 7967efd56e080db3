"""The headers of a message that is taken in: read once, completed, corrected.

Pure. A header block is bytes with LF line ends, without the empty line that may follow it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from courier_runtime.mail.address_lines import AS_IT_IS, Style, addresses, reprint

_FIELD: Final = re.compile(
    rb"^(?:(?P<address>from|to|cc|reply-to|sender)|(?P<id>message-id)|(?P<date>date)|(?P<return>return-path)"
    rb"|(?P<received>received)|(?P<spf>received-spf)|(?P<results>authentication-results)|(?P<signature>dkim-signature)|(?P<bcc>bcc)):",
    re.IGNORECASE | re.MULTILINE,
)
"""The fields that anything is done about. A blank before the colon makes it another field, as for the real server."""
_END: Final = re.compile(rb"\n(?![ \t])")

_ADDRESSEES: Final = frozenset({b"to", b"cc"})

UNDISCLOSED: Final = b"To: undisclosed-recipients: ;\n"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is done to the headers of one source's mail."""

    rewriting: int = 0
    """0 addresses are printed anew, 1 they are left alone, 2 they are below a DKIM signature."""
    style: Style = AS_IT_IS
    """How addresses are printed."""
    adds_date: bool = True
    adds_id: bool = True
    renames_results: bool = False
    """Whether Authentication-Results that came along are put aside."""
    renames_spf: bool = False
    """Whether results of the Sender Policy Framework that came along are put aside."""
    wants_author: bool = False
    """Whether the first address in From is looked for."""
    removes_bcc: bool = False
    is_blind: bool = False
    """Whether Bcc alone names recipients, when they are asked for."""


@dataclass(slots=True)
class Headers:
    """What became of a header block."""

    text: bytes = b""
    received: int = 0
    has_id: bool = False
    has_date: bool = False
    has_addressee: bool = False
    author: bytes = b""
    """The first address in From, when it was asked for."""
    recipients: list[bytes] = field(default_factory=list)
    """The addresses in To, Cc and Bcc, when they were asked for."""


def rework(block: bytes, habits: Habits, wants_recipients: bool = False) -> Headers:
    """Read a header block and correct it; what is missing is added by `complete`."""
    found = Headers()
    work = _Rework(block, habits, found, wants_recipients)
    for match in _FIELD.finditer(block):
        work.take(match)
    found.text = work.whole()
    return found


class _Rework:
    """A block on its way through: slices of the original, and what stands in place of others."""

    __slots__ = ("_block", "_copied", "_found", "_habits", "_is_signed", "_kept", "_wants_recipients")

    def __init__(self, block: bytes, habits: Habits, found: Headers, wants_recipients: bool) -> None:
        self._block = block
        self._habits = habits
        self._found = found
        self._wants_recipients = wants_recipients
        self._kept: list[bytes] = []
        self._copied = 0
        self._is_signed = False

    def whole(self) -> bytes:
        """The block as it is now."""
        return b"".join((*self._kept, self._block[self._copied :])) if self._kept else self._block

    def take(self, match: re.Match[bytes]) -> None:
        """Look at a field."""
        match match.lastgroup:
            case "address":
                self._address(match)
            case "id":
                self._found.has_id = True
            case "date":
                self._found.has_date = True
            case "received":
                self._found.received += 1
            case "signature":
                self._is_signed = True
            case "bcc":
                self._blind(match)
            case "return":
                self._replace(match.start(), match.start(), b"Old-")
            case "spf" if self._habits.renames_spf:
                self._replace(match.start(), match.start(), b"Old-")
            case "results" if self._habits.renames_results:
                self._replace(match.start(), match.start(), b"Old-")
            case _:
                pass

    def _address(self, match: re.Match[bytes]) -> None:
        start, end = match.end(), _end(self._block, match.end())
        value = self._block[start:end]
        if self._habits.wants_author and not self._found.author and match[0][:-1].lower() == b"from":
            self._found.author = next(iter(addresses(value, AS_IT_IS)), b"")
        if match[0][:-1].lower() in _ADDRESSEES:
            self._found.has_addressee = True
            if not self._habits.is_blind:
                self._note_recipients(value)
        if not self._habits.rewriting or (self._habits.rewriting > 1 and not self._is_signed):
            printed = reprint(value, self._habits.style)
            if printed is not value:
                self._replace(start, end, printed)

    def _blind(self, match: re.Match[bytes]) -> None:
        end = _end(self._block, match.end())
        self._note_recipients(self._block[match.end() : end])
        if self._habits.removes_bcc:
            self._replace(match.start(), end, b"")

    def _note_recipients(self, value: bytes) -> None:
        if self._wants_recipients:
            self._found.recipients += addresses(value, self._habits.style)

    def _replace(self, start: int, end: int, text: bytes) -> None:
        self._kept += (self._block[self._copied : start], text)
        self._copied = end


def complete(found: Headers, habits: Habits, message_id: str, date: str) -> bytes:
    """The headers with those added at their end that nobody may miss."""
    added = b""
    if habits.adds_id and not found.has_id:
        added += f"Message-ID: <{message_id}>\n".encode(errors="surrogateescape")
    if habits.adds_date and not found.has_date:
        added += f"Date: {date}\n".encode()
    if not found.has_addressee:
        added += UNDISCLOSED
    return found.text + added


def count_fields(block: bytes) -> int:
    """Header lines; those that continue another do not count."""
    return block.count(b"\n") - block.count(b"\n ") - block.count(b"\n\t")


def _end(block: bytes, start: int) -> int:
    """Where a field ends, its continuation lines included."""
    found = _END.search(block, start)
    return found.end() if found else len(block)
