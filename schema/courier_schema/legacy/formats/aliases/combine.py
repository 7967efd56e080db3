"""The expansion of aliases that name other aliases, with the order and the losses of the real tool.

Pure and deterministic. Where no alias names another and lists are short, a list is stored as it was written,
without its repetitions; everything else goes the way of `aliascombine` and `aliascreate` of Courier 1.0, whose
result depends on the order in which their scratch database returns the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from courier_schema.legacy.formats import gdbm
from courier_schema.legacy.formats.aliases.definitions import Definitions
from courier_schema.legacy.formats.aliases.records import RECORD_SIZE, Chain, join, record_key, split

BATCH: Final = 100
"""Recipients of one name that are handled at a time; repetitions are found within a batch only."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What the database holds, and which aliases took part in its making together."""

    records: dict[bytes, bytes]
    nested: dict[bytes, list[bytes]]
    """The aliases that name others or are named by them -> their recipients as defined."""


def expand(definitions: Definitions) -> Expansion:
    """The records of the database: every alias with all its recipients, nested aliases expanded."""
    records: dict[bytes, bytes] = {}
    nested: list[bytes] = []
    first, later = definitions.first, definitions.later
    for name, value in first.items():
        if later and name in later:
            value = definitions.whole(name)
        if value.count(b"\n") == 1 and len(value) < RECORD_SIZE:
            if value[:-1] in first and _is_alias(definitions, value[:-1]):
                nested.append(name)
            else:
                records[name] = value
        elif value:
            addresses = split(value)
            if any(address in first and _is_alias(definitions, address) for address in addresses):
                nested.append(name)
            elif len(value) < RECORD_SIZE and len(set(addresses)) == len(addresses):
                records[name] = value
            else:
                records.update(_records(name, _chain(addresses)))
    if not nested:
        return Expansion(records, {})
    lists = _entangled(definitions, nested)
    order = lists if _is_plain_forwarding(lists) else _order_within(_tangles(lists), definitions)
    records.update(_expand_nested(lists, order))
    return Expansion(records, lists)


def _is_alias(definitions: Definitions, name: bytes) -> bool:
    return name in definitions.first and definitions.whole(name) != b""


def _records(name: bytes, chain: Chain) -> Iterator[tuple[bytes, bytes]]:
    for number, record in enumerate(chain.records):
        if record:
            yield record_key(name, number), join(record)


def _chain(addresses: list[bytes]) -> Chain:
    """The stored list of an alias whose recipients are no aliases."""
    chain = Chain()
    for start in range(0, len(addresses), BATCH):
        chain.add(dict.fromkeys(addresses[start : start + BATCH]))
    return chain


def _entangled(definitions: Definitions, nested: list[bytes]) -> dict[bytes, list[bytes]]:
    """The lists of aliases that name others, and of those they name."""
    lists = {name: split(definitions.whole(name)) for name in nested}
    for name in nested:
        for address in lists[name]:
            if address not in lists and _is_alias(definitions, address):
                lists[address] = split(definitions.whole(address))
    return lists


def _expand_nested(lists: Mapping[bytes, list[bytes]], order: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    work = _Work(frozenset(lists))
    for name in order:
        if name in lists:
            work.take(name, lists[name])
    for name, chain in work.final.items():
        yield from _records(name, chain)


def _is_plain_forwarding(lists: Mapping[bytes, list[bytes]]) -> bool:
    """Whether every alias has one recipient and no circle is closed, so that no order can be seen."""
    if any(len(addresses) != 1 for addresses in lists.values()):
        return False
    finished: set[bytes] = set()
    for name in lists:
        path: set[bytes] = set()
        while name in lists and name not in finished:
            if name in path:
                return False
            path.add(name)
            name = lists[name][0]
        finished |= path
    return True


def scratch_order(definitions: Definitions) -> Iterator[bytes]:
    """The names in the order of the scratch database: the order in which the real tool expands them."""
    for key in gdbm.traversal(_scratch_keys(definitions)):
        name, _, number = key.rpartition(b"\n")
        if number == b"0":
            yield name


def _order_within(tangles: Mapping[bytes, bytes], definitions: Definitions) -> Iterator[bytes]:
    """The aliases of each tangle in the order of the scratch database; that of the tangles shows nowhere."""
    marks = {_number_0(name): tangle for name, tangle in tangles.items()}
    return (key[:-2] for key in gdbm.traversal_within(marks, _scratch_keys(definitions)))


def _tangles(lists: Mapping[bytes, list[bytes]]) -> dict[bytes, bytes]:
    """Which aliases hang together: each with one that stands for all that it names or is named by, near and far."""
    leader = {name: name for name in lists}

    def lead(name: bytes) -> bytes:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for name, addresses in lists.items():
        for address in addresses:
            if address in lists:
                leader[lead(address)] = lead(name)
    return {name: lead(name) for name in lists}


def database_order(definitions: Definitions) -> Iterator[bytes]:
    """The stored aliases in the order in which the real tool's database returns them."""
    lists = {name: split(definitions.whole(name)) for name in definitions.first}
    work = _Work(frozenset(name for name, addresses in lists.items() if addresses))
    for name in scratch_order(definitions):
        work.take(name, lists[name])
    return (key for key in gdbm.traversal(work.created) if b"\n" not in key)


def _number_0(name: bytes) -> bytes:
    """The key under which the scratch database has the number of an alias's batches."""
    return name + b"\n0"


def _scratch_keys(definitions: Definitions) -> Iterator[bytes]:
    """The keys as they are stored: a numbered one per batch, then number 0, for each definition in turn."""
    used: dict[bytes, int] = {}
    for _, name, value in definitions.entries():
        batches = -(-value.count(b"\n") // BATCH)
        start = used.get(name, 0) + 1
        if definitions.later and name in definitions.later:
            used[name] = start + batches - 1
        for number in range(start, start + batches):
            yield b"%b\n%d" % (name, number)
        if batches:
            yield _number_0(name)


class _Work:
    """The work of `aliascreate`: final lists, what is left to replace in them, and who depends on whom."""

    __slots__ = ("_dependents", "_names", "_work", "created", "final")

    def __init__(self, names: frozenset[bytes]) -> None:
        self._names = names
        self.final: dict[bytes, Chain] = {}
        self.created: list[bytes] = []
        """Keys of the records of the final lists, in the order in which they came to be."""
        self._work: dict[bytes, Chain] = {}
        self._dependents: dict[bytes, Chain] = {}

    def take(self, name: bytes, recipients: list[bytes]) -> None:
        """Work an alias in, and into all that named it before."""
        for start in range(0, len(recipients), BATCH):
            self._take_batch(name, recipients[start : start + BATCH])

    def _take_batch(self, name: bytes, recipients: list[bytes]) -> None:
        was_known = bool(self._work.get(name))
        names, addresses = self._look_through(name, recipients)
        new_names, new_addresses = self._add(name, names, addresses)
        if not new_names:
            return
        dependents = list(self._dependents.get(name, ()))
        for dependent in dependents:
            if not was_known:
                self._work.setdefault(dependent, Chain()).delete(name)
            self._add(dependent, new_names, new_addresses)
        concerned = [name, *(dependent for dependent in dependents if dependent != name)]
        for new in new_names:
            self._dependents.setdefault(new, Chain()).add(concerned)

    def _look_through(self, name: bytes, recipients: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """What a batch adds to the work list and to the final list of an alias."""
        names: dict[bytes, None] = {}
        addresses: dict[bytes, None] = {}
        for recipient in recipients:
            work = self._work.get(recipient)
            if recipient == name or not work:
                names[recipient] = None
            if recipient == name or recipient not in self._names:
                addresses[recipient] = None
            names.update((known, None) for known in work or () if known != name)
            addresses.update((known, None) for known in self.final.get(recipient, ()))
        return list(names), list(addresses)

    def _add(self, name: bytes, names: Iterable[bytes], addresses: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
        final = self.final.setdefault(name, Chain())
        before = len(final.records)
        added = self._work.setdefault(name, Chain()).add(names), final.add(addresses)
        self.created += (record_key(name, number) for number in range(before, len(final.records)))
        return added
