"""A running server with all around it, on which scripts are judged, with the differences that are accepted of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dialogue.differences import Difference, applied, reworded
from dialogue.player import play
from dialogue.servers import Remote, Server
from dialogue.steps import Listener, Script
from dialogue.transcript import Played, side_by_side
from dialogue.wire import PATIENCE

_LITTLE_PATIENCE: Final = 2.0
"""Seconds to wait for what is not expected to come."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A server that runs; `differences` are those of all scripts, `words` the lines that it says in its own words."""

    server: Server
    ports: Mapping[Listener, int]
    remote: Remote
    differences: Sequence[Difference] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    def play(self, script: Script, patience: float = PATIENCE) -> Played:
        """Play a script as it stands, but for the words."""
        return play(reworded(script, self.words), self.server, self.ports, self.remote, patience)

    def trouble(self, name: str, script: Script) -> str | None:
        """What is wrong with the server, or with its differences, in words; None if nothing is."""
        listed = [difference for difference in self.differences if difference.script == name]
        played = self.play(applied(script, listed))
        if played.mismatch or script.has_unknowns:
            return side_by_side(f"tests/dialogue/{name}.smtp: {script.title}", played)
        return next(filter(None, (self._needless(script, listed, one) for one in listed)), None)

    def _needless(self, script: Script, listed: Iterable[Difference], one: Difference) -> str | None:
        """What to say of a difference without which the script goes as well."""
        others = applied(script, [other for other in listed if other != one])
        mismatch = self.play(others, _LITTLE_PATIENCE).mismatch
        if mismatch is None:
            return f"{one.script}:{one.line} no longer differs; take it out of dialogue/differences.py"
        return None
