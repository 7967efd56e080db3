"""What a script consists of: the steps of a conversation, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from dialogue.patterns import Pattern

Listener = Literal["smtp", "submission", "smtps"]
LISTENERS: Final[tuple[Listener, ...]] = get_args(Listener)

STRANGER: Final = "198.51.100.7"
"""Where a connection comes from when the script does not say."""
SERVER: Final = "192.0.2.25"
"""Where it goes to."""

ANY_LINES: Final = "..."


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done or expected; `line` is its place in the script, from 1."""

    line: int


@dataclass(frozen=True, slots=True)
class Open(Step):
    """Open a connection, or go back to the one of that name."""

    name: str
    source: str = STRANGER
    target: str = SERVER
    listener: Listener = "smtp"
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """An answer to an AUTH challenge."""

    kind: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Say(Step):
    """Send a line, ended by CRLF."""

    parts: tuple[str | Computed, ...]


@dataclass(frozen=True, slots=True)
class SayBytes(Step):
    """Send bytes as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hear(Step):
    """One line of a reply; `seconds` bounds how long it takes to come."""

    pattern: Pattern | None
    seconds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class HearSet(Step):
    """A whole reply, its lines in any order."""

    code: str
    patterns: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class HearAny(Step):
    """A whole reply of which only the code matters."""

    code: str


@dataclass(frozen=True, slots=True)
class Do(Step):
    """TLS, CLOSE or CLOSED."""

    verb: Literal["TLS", "CLOSE", "CLOSED"]


@dataclass(frozen=True, slots=True)
class Pause(Step):
    """Let time pass, and hear nothing if it is to be silent."""

    seconds: float
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a block: a pattern, None for the unknown, or the mark of any lines."""

    line: int
    pattern: Pattern | None
    is_any: bool = False


@dataclass(frozen=True, slots=True)
class Block(Step):
    """What is to be found in a mailbox, the log or the remote server; `is_empty` if nothing may be there."""

    where: Literal["MAILBOX", "LOG", "SINK"]
    account: str
    lines: tuple[Line, ...]
    is_empty: bool = False

    @property
    def head(self) -> str:
        """The block's first line."""
        return f"{self.where} {self.account}".rstrip()

    @property
    def has_unknowns(self) -> bool:
        """Whether one of its lines is yet to be recorded."""
        return any(line.pattern is None and not line.is_any for line in self.lines)


@dataclass(frozen=True, slots=True)
class Script:
    """A title and its steps."""

    title: str
    steps: tuple[Step, ...]

    @property
    def least_seconds(self) -> float:
        """How long the script takes because it says so."""
        waits = (step.seconds[0] for step in self.steps if isinstance(step, Hear) and step.seconds)
        return sum(waits) + sum(step.seconds for step in self.steps if isinstance(step, Pause))

    @property
    def has_unknowns(self) -> bool:
        """Whether an answer is yet to be recorded."""
        return any(
            (isinstance(step, Hear) and step.pattern is None) or (isinstance(step, Block) and step.has_unknowns)
            for step in self.steps
        )
