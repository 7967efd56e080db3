"""Address lists as the alias database stores them: chains of short records under one name.

The first record has the plain name as its key, record n the name, a newline and n in base 16 with the least
significant digit first. What `Chain` does to a list, including what it forgets, is what Courier does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, takewhile
from typing import Final

Get = Callable[[bytes], bytes | None]
"""The value that a database holds under a key; None where it holds none."""

RECORD_SIZE: Final = 512
"""A record takes no further address when its bytes and those of the address would reach this."""
_KEPT_SIZE: Final = 256
"""A record that a deletion leaves shorter than this is merged with another one."""
_DIGITS: Final = b"0123456789ABCDEF"


def record_key(name: bytes, number: int) -> bytes:
    """The key of a list's record, counted from 0."""
    if number == 0:
        return name
    digits = bytearray()
    while number:
        number, digit = divmod(number, 16)
        digits.append(_DIGITS[digit])
    return name + b"\n" + digits


def join(addresses: Iterable[bytes]) -> bytes:
    """The value of one record: each address with its newline."""
    return b"".join(address + b"\n" for address in addresses)


def split(value: bytes) -> list[bytes]:
    """The addresses of one record's value."""
    return value.split(b"\n")[:-1]


def unpack(records: Mapping[bytes, bytes]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The aliases of a database with their whole lists, in the order in which the mapping gives them.

    Records that belong to no alias are passed over, as every reader of the database does.
    """
    for key in records:
        if b"\n" not in key:
            yield _text(key), tuple(map(_text, stored_list(key, records.get)))


def stored_list(name: bytes, get: Get) -> Iterator[bytes]:
    """The addresses stored under a name, record by record until one is missing."""
    number = 0
    while (value := get(record_key(name, number))) is not None:
        yield from split(value)
        number += 1


class Chain:
    """One list in the course of its making. Mutable; addresses may come to stand in it twice."""

    __slots__ = ("_places", "_sizes", "records")

    def __init__(self) -> None:
        self.records: list[list[bytes]] = []
        self._sizes: list[int] = []
        self._places: dict[bytes, list[int]] = {}
        """Address -> numbers of the records that hold it."""

    def __iter__(self) -> Iterator[bytes]:
        """The addresses up to the first empty one, which ends the list for every reader."""
        return takewhile(bool, chain.from_iterable(self.records))

    def __bool__(self) -> bool:
        return any(self.records)

    def add(self, addresses: Iterable[bytes]) -> list[bytes]:
        """Append the addresses that are new, and return them.

        Each record rids the addresses of one duplicate only: of two that stand in the same record the second
        is appended again.
        """
        new = list(addresses)
        known = [address for address in new if address in self._places]
        for number in sorted({number for address in known for number in self._places[address]}):
            found = next((address for address in known if number in self._places[address]), None)
            if found is not None:
                known.remove(found)
                new.remove(found)
        for address in new:
            self._append(address)
        return new

    def _append(self, address: bytes) -> None:
        if not self.records or (self._sizes[-1] and self._sizes[-1] + len(address) >= RECORD_SIZE):
            self.records.append([])
            self._sizes.append(0)
        self._extend(len(self.records) - 1, [address])

    def delete(self, address: bytes) -> None:
        """Take an address out of the first record that holds it; a record left short joins another."""
        if not self._places.get(address):
            return
        number = min(self._places[address])
        rest = self._empty(number)
        rest.remove(address)
        last = len(self.records) - 1
        if sum(map(len, rest)) + len(rest) >= _KEPT_SIZE or last == 0:
            self._extend(number, rest)
        elif number == last:
            self._drop_last()
            self._extend(number - 1, rest)
        else:
            moved = self._empty(last)
            self._drop_last()
            self._extend(number, moved + rest)

    def _extend(self, number: int, addresses: list[bytes]) -> None:
        self.records[number] += addresses
        self._sizes[number] += sum(map(len, addresses)) + len(addresses)
        for address in addresses:
            self._places.setdefault(address, []).append(number)

    def _empty(self, number: int) -> list[bytes]:
        taken = self.records[number]
        self.records[number] = []
        self._sizes[number] = 0
        for address in taken:
            places = self._places[address]
            places.remove(number)
            if not places:
                del self._places[address]
        return taken

    def _drop_last(self) -> None:
        self._empty(len(self.records) - 1)
        self.records.pop()
        self._sizes.pop()


def _text(address: bytes) -> str:
    return address.decode(errors="surrogateescape")
