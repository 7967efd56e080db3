"""TARPIT: permanent errors cost time, ever more of it."""

from __future__ import annotations

from typing import Final

SHORTEST: Final = 8.0
LONGEST: Final = 128.0


class Tarpit:
    """The price of one session's next error, in seconds."""

    __slots__ = ("_is_on", "_next")

    def __init__(self, is_on: bool) -> None:
        self._is_on = is_on
        self._next = SHORTEST

    def price(self, code: int) -> float:
        """What a reply of this code costs; 0 for all but 5xx."""
        if not self._is_on or code < 500:
            return 0.0
        price, self._next = self._next, min(self._next * 2, LONGEST)
        return price

    def forgive(self) -> None:
        """The client has done something useful."""
        self._next = SHORTEST
