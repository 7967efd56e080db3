"""From the site's intents to Courier's settings: one module per settings file, each a generator of Intents.

Later intents of a file win over earlier ones, so a module goes from the general to the particular. Modules whose
names begin with an underscore hold what several files have in common.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from courier_compiler.resolved import Concealed
from courier_schema.legacy.table import Table
from courier_schema.legacy.tables import FILES

if TYPE_CHECKING:
    from courier_compiler.resolved import ResolvedSite
    from courier_schema.report import SitePath
    from courier_schema.site.base import Section


@dataclass(frozen=True, slots=True)
class Intent:
    """What one place of the site says about one settings file.

    `says` is in the file's own rows, or in those of the file that it overlays where it has no such row itself.
    """

    says: Table
    path: SitePath
    rule: str = ""
    """A few words on what was made of it, where the value was not simply copied."""
    concealed: Mapping[str, Concealed] = field(default_factory=dict)
    """Attribute to a value that only the build reveals."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Names that the programs honour although no table has them."""
    shortfall: str = ""
    """What the target cannot do of it; a warning for the author."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """One settings file: what the site implies for it, and whether the host has it at all."""

    file: str
    derive: Callable[[ResolvedSite], Iterator[Intent]]
    needed: Callable[[ResolvedSite], bool] = lambda resolved: True


@cache
def derivations() -> Mapping[str, Derivation]:
    """What the site implies for each file, by the file; of some, such as cone, it speaks under Courier's names only."""
    names = sorted(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    found = {derivation.file: derivation for module in modules for derivation in module.DERIVATIONS}
    return {file: found.get(file, Derivation(file, _nothing, lambda resolved: False)) for file in (*found, *FILES)}


def _nothing(resolved: ResolvedSite) -> Iterator[Intent]:
    yield from ()


def copy(table: type[Table], section: Section | None, path: SitePath, fields: Mapping[str, str]) -> Iterator[Intent]:
    """Fields of a section that are rows of a table: the field's name to the row's. Only what was said is copied."""
    return translate(table, section, path, fields, lambda value: tuple(value) if isinstance(value, list) else value)


def translate(
    table: type[Table],
    section: Section | None,
    path: SitePath,
    fields: Mapping[str, str],
    spell: Callable[..., object],
    rule: str = "",
) -> Iterator[Intent]:
    """As `copy`, with a function from the field's value to the row's."""
    for name, value in said(section, fields):
        yield Intent(table(**{fields[name]: spell(value)}), (*path, name), rule)


def said(section: Section | None, fields: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Those of the fields that the author gave a value, with it."""
    if section is None:
        return
    for name in fields:
        value = getattr(section, name)
        if value is not None and name in section.model_fields_set:
            yield name, value
