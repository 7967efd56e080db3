"""cone: the text-mode mail client, of which a site speaks under Courier's own names only."""

from __future__ import annotations

from collections.abc import Iterator

from courier_compiler.derive import Derivation, Intent
from courier_compiler.resolved import ResolvedSite


def derive(resolved: ResolvedSite) -> Iterator[Intent]:
    """Nothing."""
    yield from ()


DERIVATIONS = (Derivation("cone", derive, lambda resolved: False),)
