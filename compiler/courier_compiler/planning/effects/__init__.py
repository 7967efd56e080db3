"""Effects: what a plan means for mail, one module per subject, discovered by name.

A module has `SUBJECT`. Effects follow from entries that differ, so an unchanged file costs nothing; a WARNING is for
what may lose mail or takes a protection away, everything else is a NOTE. Modules whose name begins with an underscore
help the others.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from courier_compiler.planning.sides import Sides
from courier_compiler.planning.spelling import printable
from courier_compiler.planning.timing import When
from courier_schema.report import Severity, SitePath


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that becomes different for mail. `says` is a sentence without final stop; `path` is where the site
    decides it."""

    subject: str
    says: str
    live: When
    severity: Severity
    path: SitePath
    file: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One effect as its subject finds it: the sentence, and the entry of a file that it follows from."""

    says: str
    file: str
    key: str = ""
    severity: Severity = Severity.NOTE


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of effects. `rank` is its place among the others."""

    rank: int
    name: str
    find: Callable[[Sides], Iterator[Finding]]


@cache
def subjects() -> tuple[Subject, ...]:
    """Every subject there is, in order."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    found: list[Subject] = [importlib.import_module(f"{__name__}.{name}").SUBJECT for name in names]
    return tuple(sorted(found, key=lambda subject: subject.rank))


def effects_of(sides: Sides) -> tuple[Effect, ...]:
    """All effects: subject by subject, warnings first, then by their words."""
    found: list[Effect] = []
    for subject in subjects():
        told = {
            Effect(
                subject.name,
                printable(one.says),
                sides.when(one.file),
                one.severity,
                sides.path(one.file, one.key),
                one.file,
            )
            for one in subject.find(sides)
        }
        found += sorted(told, key=lambda effect: (effect.severity is not Severity.WARNING, effect.says, effect.file))
    return tuple(found)
