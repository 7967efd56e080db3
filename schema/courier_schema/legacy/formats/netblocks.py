"""Netblocks as Courier's access databases hold them: prefixes cut at whole octets or sixteen-bit groups.

`expand` answers exactly what `makedat -cidr` with Net::CIDR 0.21 stores for a block, odd spellings included;
`key_for_network` answers what has to be stored for a network so that couriertcpd finds it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from courier_schema.legacy.formats.citation import cite

_OCTETS: Final = tuple(b"%d" % octet for octet in range(256))
_DOTTED_OCTETS: Final = tuple(b"." + octet for octet in _OCTETS)
_NUMBER: Final = {octet: number for number, octet in enumerate(_OCTETS)}
_CANONICAL: Final = frozenset(_OCTETS)
_LENGTHS: Final = {b"%d" % length: length for length in range(33)}

_DOTS: Final = re.compile(rb"\.+")
_DOTTED_TAIL: Final = re.compile(rb"(.*:)([0-9]+\.[0-9.]+)", re.DOTALL)
_HEXADECIMAL: Final = re.compile(rb"[0-9a-fA-F]+")

_IPV4_OCTETS: Final = 4
_IPV6_OCTETS: Final = 16
_GROUP_BITS: Final = 16
_MAPPED_BITS: Final = 96

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NetblockError(ValueError):
    """A netblock on which makedat gives up; the text says why, in one sentence without a full stop."""


def expand(block: bytes) -> list[bytes]:
    """The keys of one netblock, `ADDRESS/LENGTH` or `FIRST-LAST`, in ascending order.

    Host bits are ignored and missing trailing octets are zero. Leading zeros of IPv4 octets survive where the
    octet is stored whole, as they do in Net::CIDR: such keys match nothing. Raises NetblockError where makedat
    fails; a range whose lower octets are not numbers is refused even where makedat never looks at them.
    """
    first, _, others = block.partition(b".")
    second, _, rest = others.partition(b".")
    if first in _NUMBER and second in _NUMBER and (seams := _seams(rest)):
        return (first + b"." + second).join(seams).split(b"\n")
    return _expand_any(block)


def key_for_network(text: str) -> list[bytes]:
    """The keys that make an address, a network (`ADDRESS/LENGTH`) or a range (`FIRST-LAST`) match.

    Mapped IPv4 addresses (`::ffff:192.0.2.1`) give IPv4 keys, because that is how couriertcpd looks them up.
    Host bits of a network are ignored. Raises ValueError for anything else, zone indices and ranges that run
    backwards included.
    """
    return [key for network in _networks(text) for key in _prefixes(network)]


def why_no_network(text: str) -> str:
    """What keeps a text from being an address, a network or a range, as a clause; empty where nothing does."""
    first, dash, last = text.partition("-")
    if dash:
        return _why_no_address(first) or _why_no_address(last) or _why_no_range(first, last)
    address, _, length = text.partition("/")
    longest = 128 if ":" in address else 32
    if fault := _why_no_address(address):
        return fault
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f"{length or 'nothing'} behind the slash is not a prefix length, a number from 0 to {longest}"
    return ""


def _why_no_address(text: str) -> str:
    octets = text.split(".")
    if not all(octet.isascii() and octet.isdigit() for octet in octets):
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            return f"{text or 'nothing'} is not an address"
    elif len(octets) != _IPV4_OCTETS:
        return f"{text} has not four numbers"
    elif padded := next((octet for octet in octets if octet.startswith("0") and octet != "0"), ""):
        return f"{padded} has a leading zero, which some programs read as octal"
    elif large := next((octet for octet in octets if int(octet) > 255), ""):
        return f"{large} is more than 255"
    return ""


def _why_no_range(first: str, last: str) -> str:
    low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
    if low.version != high.version:
        return "it runs from one address family to the other"
    return "it ends before it begins" if int(low) > int(high) else ""


@lru_cache(maxsize=4096)
def _seams(rest: bytes) -> list[bytes]:
    """What joins the first two octets of a plain block, which are whole, to its keys, a line each; nothing of another.

    `rest` is what follows these octets. In long lists of blocks the same rests come again and again, and joining and
    splitting makes all keys of a block in two steps.
    """
    address, _, length = rest.partition(b"/")
    octets = address.split(b".")
    if len(octets) != _IPV4_OCTETS - 2 or not _CANONICAL.issuperset(octets) or _LENGTHS.get(length, 0) <= 16:
        return []
    *others, last = _ipv4_prefixes(octets, _LENGTHS[length] - 16)
    return [b"", *(b".%b\n" % ending for ending in others), b"." + last]


def _expand_any(block: bytes) -> list[bytes]:
    address, slash, length = block.partition(b"/")
    if not slash:
        return _expand_range(block)
    if b":" in address:
        octets = _ipv6_octets(address)
        return _ipv6_prefixes(octets, _prefix_length(length, octets, block))
    typed = _ipv4_octets(address)
    typed += [b"0"] * (_IPV4_OCTETS - len(typed))
    return _ipv4_prefixes(typed, _prefix_length(length, typed, block))


@dataclass(frozen=True, slots=True)
class _Cover:
    """One power-of-two block of a range: its first address as a number, and its prefix length."""

    first: int
    length: int


def _expand_range(block: bytes) -> list[bytes]:
    first, _, last = block.partition(b"-")
    if (b":" in first) != (b":" in last):
        raise NetblockError(f"the netblock {cite(block)} runs from one address family to the other")
    if b":" in first:
        return _expand_ipv6_range(block, _ipv6_octets(first), _ipv6_octets(last))
    return _expand_ipv4_range(block, _ipv4_octets(first), _ipv4_octets(last))


def _expand_ipv4_range(block: bytes, first: list[bytes], last: list[bytes]) -> list[bytes]:
    if not first or len(first) != len(last):
        raise NetblockError(f"the ends of the netblock {cite(block)} have different numbers of octets")
    padding = [b"0"] * (_IPV4_OCTETS - len(first))
    return [
        key
        for cover in _covers(block, bytes(map(int, first)), bytes(map(int, last)))
        for key in _ipv4_prefixes(_as_typed(cover, first, last) + padding, cover.length)
    ]


def _as_typed(cover: _Cover, first: list[bytes], last: list[bytes]) -> list[bytes]:
    """The octets of a block in the spelling that Net::CIDR keeps: that of the end of the range it came from."""
    numbers = cover.first.to_bytes(len(first), "big")
    start, end = bytes(map(int, first)), bytes(map(int, last))
    octets = [_OCTETS[number] for number in numbers]
    for at in range(len(octets)):
        if numbers[: at + 1] == start[: at + 1]:
            octets[at] = first[at]
        elif numbers[: at + 1] == end[: at + 1] and cover.length > 8 * (at + 1):
            octets[at] = last[at]
    return octets


def _expand_ipv6_range(block: bytes, first: bytes, last: bytes) -> list[bytes]:
    if len(first) != _IPV6_OCTETS or len(last) != _IPV6_OCTETS:
        raise NetblockError(f"an address of the netblock {cite(block)} has more than eight groups")
    return [
        key
        for cover in _covers(block, first, last)
        for key in _ipv6_prefixes(cover.first.to_bytes(_IPV6_OCTETS, "big"), cover.length)
    ]


def _covers(block: bytes, first: bytes, last: bytes) -> Iterator[_Cover]:
    """The fewest power-of-two blocks that together are the range, in ascending order."""
    start, end = int.from_bytes(first, "big"), int.from_bytes(last, "big")
    width = 8 * len(first)
    if start > end:
        raise NetblockError(f"the netblock {cite(block)} ends before it begins")
    while start <= end:
        aligned = (start & -start).bit_length() - 1 if start else width
        fitting = (end - start + 1).bit_length() - 1
        bits = min(aligned, fitting)
        yield _Cover(start, width - bits)
        start += 1 << bits


def _ipv4_prefixes(octets: list[bytes], length: int) -> list[bytes]:
    whole, bits = divmod(length, 8)
    head = b".".join(octets[:whole])
    if not bits and whole:
        return [head]
    span = 256 >> bits
    low = int(octets[whole]) & -span if bits else 0
    if not whole:
        return list(_OCTETS[low : low + span])
    return [head + octet for octet in _DOTTED_OCTETS[low : low + span]]


def _ipv6_prefixes(octets: bytes, length: int) -> list[bytes]:
    padded = octets + bytes(len(octets) % 2)
    groups = [int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2)]
    whole, bits = divmod(length, _GROUP_BITS)
    head = b"".join(b":%04x" % group for group in groups[:whole])
    if not bits and whole:
        return [head]
    span = 1 << _GROUP_BITS >> bits
    low = groups[whole] & -span if bits else 0
    return [b"%b:%04x" % (head, group) for group in range(low, low + span)]


def _ipv4_octets(address: bytes) -> list[bytes]:
    """The octets of a dotted address as typed; several dots count as one and trailing ones not at all."""
    octets = _DOTS.split(address.rstrip(b".")) if address.strip(b".") else []
    for octet in octets:
        _number(octet, address)
    return octets


def _ipv6_octets(address: bytes) -> bytes:
    """The octets of a colon address, at least sixteen: groups that are missing at the end are zero."""
    tail = _DOTTED_TAIL.fullmatch(address)
    colons, dotted = (tail[1], tail[2]) if tail else (address, b"")
    before, gap, after = colons.rpartition(b"::")
    front, back = (before, after) if gap else (after, b"")
    left, right = _group_octets(front, address), _group_octets(back, address)
    right += bytes(_number(octet, address) for octet in dotted.split(b".") if octet)
    if not gap:
        left, right = left + right, b""
    return left + bytes(max(_IPV6_OCTETS - len(left) - len(right), 0)) + right


def _group_octets(text: bytes, address: bytes) -> bytes:
    groups = [int(group, 16) for group in _HEXADECIMAL.findall(text)]
    if any(group >> _GROUP_BITS for group in groups):
        raise NetblockError(f"a group of {cite(address)} has more than four digits")
    return b"".join(group.to_bytes(2, "big") for group in groups)


def _number(octet: bytes, address: bytes) -> int:
    number = _NUMBER.get(octet.lstrip(b"0") or b"0")
    if number is None or not octet:
        raise NetblockError(f"{cite(octet)} in {cite(address)} is not a number from 0 to 255")
    return number


def _prefix_length(text: bytes, octets: bytes | list[bytes], block: bytes) -> int:
    longest = 8 * len(octets)
    digits = text.lstrip(b"0") or b"0"
    if not text.isdigit() or len(digits) > len(str(longest)) or int(digits) > longest:
        raise NetblockError(f"{cite(text)} in {cite(block)} is not a prefix length: a number from 0 to {longest}")
    return int(digits)


def _networks(text: str) -> Iterator[Network]:
    if "%" in text:
        raise ValueError(f"`{text}` has a zone index, which no key can hold")
    first, dash, last = text.partition("-")
    if not dash:
        yield _unmapped(ipaddress.ip_network(text, strict=False))
        return
    ends = (_unmapped(ipaddress.ip_network(first)), _unmapped(ipaddress.ip_network(last)))
    low, high = (end.network_address for end in ends)
    if low.version != high.version:
        raise ValueError(f"`{text}` runs from one address family to the other")
    if int(low) > int(high) or any(end.num_addresses != 1 for end in ends):
        raise ValueError(f"`{text}` is not a range: the first address, a hyphen, the last address")
    for cover in _covers(text.encode(), low.packed, high.packed):
        yield ipaddress.ip_network((cover.first.to_bytes(len(low.packed), "big"), cover.length))


def _unmapped(network: Network) -> Network:
    if isinstance(network, ipaddress.IPv4Network):
        return network
    mapped = network.network_address.ipv4_mapped
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _prefixes(network: Network) -> list[bytes]:
    packed = network.network_address.packed
    if network.version == 4:
        return _ipv4_prefixes([_OCTETS[octet] for octet in packed], network.prefixlen)
    return _ipv6_prefixes(packed, network.prefixlen)
