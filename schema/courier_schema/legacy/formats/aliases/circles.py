"""Aliases that lead back to themselves, and what is lost in the circle.

Courier does not refuse circles. It drops the aliases that lead nowhere else, and others can lose a recipient
in them; both are found here by comparing what is stored with what the definitions mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from courier_schema.legacy.formats.aliases.combine import Expansion
from courier_schema.legacy.formats.aliases.definitions import Definitions
from courier_schema.legacy.formats.aliases.doubts import problem
from courier_schema.legacy.formats.aliases.records import stored_list
from courier_schema.report import Problem

_Lists = Mapping[bytes, list[bytes]]


def circle_problems(definitions: Definitions, expansion: Expansion) -> Iterator[Problem]:
    """A warning for every alias that a circle empties or robs of a recipient, in source order."""
    if not expansion.nested:
        return
    circular = circular_names(expansion.nested)
    for position, name in enumerate(definitions.first):
        if name in circular:
            mark = definitions.mark(definitions.places[position])
            stored = set(stored_list(name, expansion.records.get))
            lost = meant(expansion.nested, name) - stored - {b""}
            if not stored:
                yield problem("alias-loop", mark, name=_text(name))
            elif lost:
                shown = ", ".join(f"`{_text(address)}`" for address in sorted(lost))
                yield problem("alias-recipient-lost", mark, name=_text(name), lost=shown)


def circular_names(lists: _Lists) -> set[bytes]:
    """The aliases from which a circle of two or more can be reached."""
    waiting = {
        name: {address for address in addresses if address in lists and address != name}
        for name, addresses in lists.items()
    }
    named_by: dict[bytes, list[bytes]] = {}
    for name, addresses in waiting.items():
        for address in addresses:
            named_by.setdefault(address, []).append(name)
    settled = [name for name, addresses in waiting.items() if not addresses]
    for name in settled:
        for above in named_by.get(name, ()):
            waiting[above].discard(name)
            if not waiting[above]:
                settled.append(above)
    return waiting.keys() - set(settled)


def meant(lists: _Lists, name: bytes) -> set[bytes]:
    """The addresses that an alias stands for by its definition and those of the aliases it names."""
    reached = [name]
    seen = {name}
    ends: set[bytes] = set()
    for alias in reached:
        for address in lists[alias]:
            if address not in lists or address == alias:
                ends.add(address)
            elif address not in seen:
                seen.add(address)
                reached.append(address)
    return ends


def _text(text: bytes) -> str:
    return text.decode(errors="surrogateescape")
