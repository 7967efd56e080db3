"""How a script went: what it says beside what happened, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from dialogue.steps import Step


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the script beside what happened; `line` is 0 for what the script does not mention."""

    line: int
    script: str
    happened: str
    is_mismatch: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """How a script went: all rows, the last one a mismatch if it went wrong; and the answers to its unknown lines."""

    rows: tuple[Row, ...]
    recorded: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def mismatch(self) -> Row | None:
        """Where the conversation differs from the script."""
        return next((row for row in self.rows if row.is_mismatch), None)


class DiffersError(Exception):
    """Carries the rows at which script and conversation part."""

    def __init__(self, *rows: Row) -> None:
        super().__init__(rows[0].happened)
        self.rows = rows

    @classmethod
    def at(cls, step: Step, script: str, happened: str) -> Self:
        """The mismatch of one step."""
        return cls(Row(step.line, script, happened, is_mismatch=True))


def side_by_side(title: str, played: Played, width: int = 62) -> str:
    """The conversation as two columns, script and server, with an arrow at the mismatch."""
    lines = [title, f"    line  {'script':{width}}  server"]
    for row in played.rows:
        mark, number = (">" if row.is_mismatch else " "), (str(row.line) if row.line else "")
        lines.append(
            f"  {mark} {number:>4}  {shortened(row.script, width):{width}}  {shortened(row.happened, 200)}".rstrip()
        )
    return "\n".join(lines)


def shortened(text: str, width: int = 100) -> str:
    """The text, cut in the middle if it is long."""
    return text if len(text) <= width else f"{text[: width // 2]} ... {text[-width // 2 :]}"
