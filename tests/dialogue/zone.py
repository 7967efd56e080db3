"""DNS data of a group of scripts, and the answers a name server gives from it. Pure: text to records, query to answer.

A line is `NAME TYPE DATA`; an address as NAME stands for its name in the reverse tree, `NAME SERVFAIL` for a server
that fails, `NAME EMPTY` for a name without records. What is not listed, nor above a listed name, does not exist.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

TYPES: Final[Mapping[str, int]] = MappingProxyType({"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28})
_NOERROR, _SERVFAIL, _NXDOMAIN = 0, 2, 3
_RESPONSE: Final = 0x8580  # a response, authoritative, recursion asked for and available
_TTL: Final = 60
_LONGEST_CHAIN: Final = 4


class MalformedZone(ValueError):
    """A line that is no record."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(f"line {line}: {says}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Zone:
    """All records, by name in small letters and type; and the names for which the server fails."""

    records: Mapping[tuple[str, int], tuple[bytes, ...]]
    aliases: Mapping[str, str]
    names: frozenset[str]
    failing: frozenset[str]

    def answer(self, query: bytes) -> bytes:
        """The response to a query of one question."""
        name, end = _read_name(query, 12)
        (kind,) = struct.unpack_from(">H", query, end)
        code, records = self._look_up(name, kind)
        head = struct.pack(">2sHHHHH", query[:2], _RESPONSE | code, 1, len(records), 0, 0)
        return head + query[12 : end + 4] + b"".join(records)

    def _look_up(self, name: str, kind: int) -> tuple[int, list[bytes]]:
        records: list[bytes] = []
        for _ in range(_LONGEST_CHAIN):
            if name in self.failing:
                return _SERVFAIL, []
            if name not in self.aliases or kind == TYPES["CNAME"]:
                break
            records.append(_record(name, TYPES["CNAME"], _wire_name(self.aliases[name])))
            name = self.aliases[name]
        records += [_record(name, kind, data) for data in self.records.get((name, kind), ())]
        return (_NOERROR if records or name in self.names else _NXDOMAIN), records


def parse_zone(text: str) -> Zone:
    """Read the lines of a `dns` file; `#` begins a comment line.

    Raises MalformedZone.
    """
    records: dict[tuple[str, int], tuple[bytes, ...]] = {}
    aliases: dict[str, str] = {}
    names: set[str] = set()
    failing: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, data = _split(number, line)
        names.update(_with_parents(name))
        if kind == "SERVFAIL":
            failing.add(name)
        elif kind == "CNAME":
            aliases[name] = data.lower()
        elif kind != "EMPTY":
            key = name, TYPES[kind]
            records[key] = (*records.get(key, ()), _data(number, kind, data))
    return Zone(records, aliases, frozenset(names), frozenset(failing))


def _split(number: int, line: str) -> tuple[str, str, str]:
    name, _, rest = line.strip().partition(" ")
    kind, _, data = rest.strip().partition(" ")
    if kind not in TYPES and kind not in ("SERVFAIL", "EMPTY"):
        raise MalformedZone(number, f"{kind!r} is no type; they are {', '.join(TYPES)}, SERVFAIL and EMPTY")
    if bool(data.strip()) == (kind in ("SERVFAIL", "EMPTY")):
        raise MalformedZone(number, f"{kind} {'wants no' if data.strip() else 'wants'} data")
    return _forward(name), kind, data.strip()


def _forward(name: str) -> str:
    try:
        return ipaddress.ip_address(name).reverse_pointer
    except ValueError:
        return name.lower()


def _with_parents(name: str) -> Iterator[str]:
    labels = name.split(".")
    return (".".join(labels[start:]) for start in range(len(labels)))


def _data(number: int, kind: str, data: str) -> bytes:
    try:
        return _ENCODERS[kind](data)
    except (ValueError, struct.error):
        raise MalformedZone(number, f"{data!r} is no data of type {kind}") from None


def _encode_mx(data: str) -> bytes:
    priority, host = data.split()
    return struct.pack(">H", int(priority)) + _wire_name(host)


def _encode_txt(data: str) -> bytes:
    if not re.fullmatch(r'".*"', data):
        raise ValueError(data)
    text = data[1:-1].encode()
    pieces = [text[start : start + 255] for start in range(0, len(text), 255)] or [b""]
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


_ENCODERS: Final[Mapping[str, Callable[[str], bytes]]] = MappingProxyType(
    {
        "A": lambda data: ipaddress.IPv4Address(data).packed,
        "AAAA": lambda data: ipaddress.IPv6Address(data).packed,
        "PTR": lambda data: _wire_name(data),
        "MX": _encode_mx,
        "TXT": _encode_txt,
    }
)


def _wire_name(name: str) -> bytes:
    labels = [label.encode() for label in name.strip(".").split(".") if label]
    if any(len(label) > 63 for label in labels) or " " in name:
        raise ValueError(name)
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _read_name(message: bytes, position: int) -> tuple[str, int]:
    labels = []
    while size := message[position]:
        labels.append(message[position + 1 : position + 1 + size].decode(errors="replace").lower())
        position += 1 + size
    return ".".join(labels), position + 1


def _record(name: str, kind: int, data: bytes) -> bytes:
    return _wire_name(name) + struct.pack(">HHIH", kind, 1, _TTL, len(data)) + data
