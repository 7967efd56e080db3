"""Origin: why a line stands in a compiled file."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from courier_schema.report import SitePath


class Kind(StrEnum):
    """Who decided: the site's author under Courier's own name, an intent of the site, the target's package, or
    Courier's own default."""

    SAID = "said"
    DERIVED = "derived"
    STOCK = "stock"
    UPSTREAM = "upstream"


class Origin(NamedTuple):
    """One reason. `path` leads to the place in the site, if any; `rule` says in a few words what was made of it.

    Every alias has one, and a named tuple is made in a third of a frozen dataclass's time.
    """

    kind: Kind
    path: SitePath = ()
    rule: str = ""


def derived(*path: str | int, rule: str = "") -> Origin:
    """The origin of something that an intent of the site decides."""
    return Origin(Kind.DERIVED, path, rule)


RULE = Origin(Kind.DERIVED, (), "always written")
"""The origin of what every compiled host has, whatever its site says."""
