"""Checks over a whole site: one module per subject, each with the mistakes it finds, discovered by name.

A module has `CHECKS`, a tuple of Check. The id of a Check is the id of the Problems it finds and the name of their
page in the manual. Modules whose name begins with an underscore help the others and find nothing themselves.
"""

from __future__ import annotations

import importlib
import pkgutil
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from courier_schema.report import Problem, Severity, SitePath

if TYPE_CHECKING:
    from courier_compiler.host import HostView
    from courier_compiler.resolved import ResolvedSite

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake at one place of the site: what is wrong, and what to do."""

    path: SitePath
    says: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of mistake.

    `title` names it in a few words; `why` is the text of its manual page: what would happen, and why it matters.
    """

    id: str
    title: str
    why: str
    find: Callable[[ResolvedSite, HostView], Iterator[Finding]]
    severity: Severity = Severity.ERROR


def discover() -> tuple[Check, ...]:
    """Every check there is, sorted by id."""
    names = (info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    modules = (importlib.import_module(f"{__name__}.{name}") for name in names)
    return tuple(sorted((check for module in modules for check in module.CHECKS), key=lambda check: check.id))


def run(resolved: ResolvedSite, host: HostView) -> Iterator[Problem]:
    """The Problems of a site, check by check."""
    for check in discover():
        for finding in check.find(resolved, host):
            mark = resolved.mark(finding.path)
            yield Problem(check.id, finding.says, finding.remedy, mark, finding.path, check.severity)


def per_site(make: Callable[[ResolvedSite], T]) -> Callable[[ResolvedSite], T]:
    """The same function, but what it made of a site is kept for the next check that asks, as long as the site lives.

    Sites are compared by identity: they are immutable, and comparing their contents would cost more than it saves.
    """
    kept: dict[int, tuple[weakref.ref[ResolvedSite], T]] = {}

    def made(resolved: ResolvedSite) -> T:
        identity = id(resolved)
        found = kept.get(identity)
        if found is None or found[0]() is not resolved:
            reference = weakref.ref(resolved, lambda _: kept.pop(identity, None))
            found = kept[identity] = (reference, make(resolved))
        return found[1]

    return made
