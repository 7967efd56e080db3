"""module.NAME: how many deliveries each module runs at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.derive import Derivation, Intent, copy
from courier_compiler.resolved import ResolvedSite
from courier_schema.legacy.tables import table

_FIELDS: Final = {"deliveries": "maxdels", "per_host": "maxhost", "recipients": "maxrcpt"}


def _derivation(name: str) -> Derivation:
    file = f"module.{name}"

    def derive(resolved: ResolvedSite) -> Iterator[Intent]:
        section = getattr(resolved.site.queue.modules, name)
        return copy(table(file), section, ("queue", "modules", name), _FIELDS)

    return Derivation(file, derive)


DERIVATIONS = tuple(map(_derivation, ("dsn", "esmtp", "fax", "local", "uucp")))
