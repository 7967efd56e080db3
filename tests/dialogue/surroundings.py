"""What a script can see beside its connections: mailboxes, the log, the remote server, from the script's beginning on.

A message is found once: a later block looks for another.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from dialogue.finding import agreement, beside, find_lines, match_lines, missing
from dialogue.recording import generalised
from dialogue.servers import Remote, Server
from dialogue.steps import Block, Script
from dialogue.transcript import DiffersError, Row
from dialogue.wire import PATIENCE, text_lines

_NOTHING: Final = 1.0
"""Seconds in which nothing came, if nothing is to come."""
_LOG_SETTLES: Final = 0.5
"""Seconds after which the log of what was done is complete, for a recording."""

Texts = Sequence[tuple[str, Sequence[str]]]
"""Messages, or the log as the only text, by name."""


class Surroundings:
    """Finds and records blocks for one play of one script."""

    def __init__(self, script: Script, server: Server, remote: Remote, patience: float = PATIENCE) -> None:
        self._server, self._remote, self._patience = server, remote, patience
        self._log_start = len(server.log())
        self._found: dict[str, set[str]] = {}
        for block in script.steps:
            if isinstance(block, Block) and block.where != "LOG":
                self._take(block, *(name for name, _ in self._texts(block)))

    def find(self, block: Block, known: Mapping[str, str]) -> dict[str, str]:
        """Wait until the block's lines are there; the names known then.

        Raises DiffersError.
        """
        if block.is_empty:
            self._find_nothing(block)
            return dict(known)
        search = find_lines if block.where == "LOG" else match_lines
        texts: Texts = ()
        for _ in _until(self._patience):
            texts = self._texts(block)
            for name, text in texts:
                if (now := search(block.lines, text, known)) is not None:
                    self._take(block, name)
                    return now
        raise DiffersError(Row(block.line, block.head, "" if texts else "(nothing)"), *_closest(block, texts, known))

    def record(self, block: Block) -> dict[int, tuple[str, ...]]:
        """The oldest message not found yet, or the log, as the block's lines by their numbers; a body after `...`.

        Raises DiffersError.
        """
        if block.where == "LOG":
            time.sleep(_LOG_SETTLES)
        texts = next(filter(None, (self._texts(block) for _ in _until(self._patience))), ())
        if not texts:
            raise DiffersError.at(block, f"{block.head}, to be recorded", "(nothing)")
        name, text = texts[0]
        self._take(block, name)
        if block.lines[0].is_any:
            text = text[text.index("") :]
        first, *others = (line.line for line in block.lines if not line.is_any)
        said = tuple(f"| {generalised(line)}" if line else "|" for line in text)
        return {**dict.fromkeys(others, ()), first: said}

    def _find_nothing(self, block: Block) -> None:
        time.sleep(_NOTHING)
        if texts := self._texts(block):
            raise DiffersError(Row(block.line, f"{block.head} nothing", ""), *beside((), texts[-1][1]))

    def _texts(self, block: Block) -> Texts:
        if block.where == "LOG":
            return [("log", self._server.log()[self._log_start :])]
        taken = self._found.get(block.head, set())
        if block.where == "SINK":
            return [(name, text) for name, text in self._remote.transactions().items() if name not in taken]
        inbox = self._server.mailbox(block.account)
        return [(name, text_lines(text)) for name, text in inbox.items() if name not in taken]

    def _take(self, block: Block, *names: str) -> None:
        self._found.setdefault(block.head, set()).update(names)


def _closest(block: Block, texts: Texts, known: Mapping[str, str]) -> Iterable[Row]:
    """The log, or the one of several messages that goes along with the block for longest, beside it."""
    if block.where == "LOG":
        return missing(block.lines, texts[0][1], known)
    best: Sequence[str] = max(
        (text for _, text in texts), key=lambda text: agreement(block.lines, text, known), default=()
    )
    return beside(block.lines, best, agreement(block.lines, best, known))


def _until(seconds: float) -> Iterator[None]:
    """Again and again, once more at the end of the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.02)
    yield
