"""A source text of a legacy format: its name as the user knows it, and its bytes, already read."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """One file's content under the name by which problems cite it."""

    name: str
    content: bytes = field(repr=False)
