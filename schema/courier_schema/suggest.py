"""Suggestions: the known word that a mistyped one was meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE = 0.65
"""Share of letters two words must have in common; below it a suggestion confuses more than it helps."""


def suggest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate spelt most like `word`, letter case aside; None where none is near enough."""
    folded: dict[str, str] = {}
    for candidate in candidates:
        folded.setdefault(candidate.casefold(), candidate)
    if word.casefold() in folded:
        return folded[word.casefold()]
    from difflib import get_close_matches  # slow to import, and wanted only when something is wrong

    nearest = get_close_matches(word.casefold(), folded, n=1, cutoff=_ALIKE)
    return folded[nearest[0]] if nearest else None
