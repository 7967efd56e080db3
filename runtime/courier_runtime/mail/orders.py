"""Orders to the steward, and its answers: what is to be done in a recipient's name.

Standard library only: the process that keeps root's rights imports this and little else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose rights a delivery takes place with."""

    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class Letter:
    """An order to put one message into a mailbox: a maildir where the path is a directory, else an mbox file."""

    who: Identity
    mailbox: str
    envelope_line: bytes
    """What an mbox has before the message: `From SENDER DATE`, with its line end."""
    head: bytes
    """Header lines that delivery adds."""
    text: bytes = field(repr=False, default=b"")
    """The message, unless it is in `source`."""
    source: str = ""
    """File that holds the message from `offset` on, `size` bytes of it."""
    offset: int = 0
    size: int = 0
    quota: str = ""
    """The account's, as maildirsize spells it; empty for the maildir's own."""
    unless: str = ""
    """Instruction file that goes before: if it has any bytes, nothing is stored and they are the answer."""
    is_made: bool = False
    """Whether a missing maildir is made, rather than an mbox file as Courier does."""


@dataclass(frozen=True, slots=True)
class Instructions:
    """What a delivery instruction file says."""

    path: str
    content: bytes
    mode: int
    """Permission bits."""


Stored = str | Instructions | OSError
"""The file that a letter became, the instructions that came first, or why there is neither (EDQUOT: over quota)."""


@dataclass(frozen=True, slots=True)
class Command:
    """An order to run a program."""

    who: Identity
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: str
    stdin: tuple[bytes, ...] = ()
    source: str = ""
    offset: int = 0
    size: int = 0
    timeout: float = 900.0


@dataclass(frozen=True, slots=True)
class Exit:
    """How a program ended: its status, or the negative number of a signal; and what it printed, at most 8191 bytes."""

    status: int
    output: bytes = b""
