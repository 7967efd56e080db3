"""Netblocks expand to the prefixes that Net::CIDR makes of them, and networks to the keys that clients match."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from courier_schema.legacy.formats.access import remote_keys
from courier_schema.legacy.formats.netblocks import NetblockError, expand, key_for_network, why_no_network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

EXPANSIONS = {
    "10.0.0.0/8": "10",
    "10/8": "10",
    "172.16.0.0/15": "172.16 172.17",
    "192.168.7.9/16": "192.168",
    "192.168.4.0/22": "192.168.4 192.168.5 192.168.6 192.168.7",
    "192.168.0.1/31": "192.168.0.0 192.168.0.1",
    "1.2.3.4/32": "1.2.3.4",
    "10.0.0.253-10.0.2.1": "10.0.0.253 10.0.0.254 10.0.0.255 10.0.1 10.0.2.0 10.0.2.1",
    "10-11": "10 11",
    "10.0-11.255": "10 11",
    "2001:DB8::/32": ":2001:0db8",
    "2001:db8::/47": ":2001:0db8:0000 :2001:0db8:0001",
    "2001:db8::ffff-2001:db8::1:0": (
        ":2001:0db8:0000:0000:0000:0000:0000:ffff :2001:0db8:0000:0000:0000:0000:0001:0000"
    ),
    "::1/128": ":0000:0000:0000:0000:0000:0000:0000:0001",
    "::1.2.3.4/128": ":0000:0000:0000:0000:0000:0000:0102:0304",
}

ODD_SPELLINGS = {
    "10./8": "10",
    "10..1/16": "10.1",
    "./8": "0",
    "10.0.0.0/08": "10",
    "192.168.001.0/24": "192.168.001",
    "192.168.001.0/23": "192.168.0 192.168.1",
    "10.0.0.011-10.0.0.013": "10.0.0.011 10.0.0.12 10.0.0.13",
    "10.01.0.0-10.01.01.255": "10.01.0 10.01.1",
    "10.00.0.0-10.02.0.1": "10.0 10.1 10.02.0.0 10.02.0.1",
    "1.2.3.4.5/40": "1.2.3.4.5",
    ":2001:0db8/32": ":2001:0db8",
    "2001:db8/32": ":2001:0db8",
    "1:::2/128": ":0001:0000:0000:0000:0000:0000:0000:0002",
    "1:2:3:4:5:6:7:8::/32": ":0001:0002",
    "1:2:3:4:5:6:7:8:9/144": ":0001:0002:0003:0004:0005:0006:0007:0008:0009",
    "::a.b/128": ":0000:0000:0000:0000:0000:0000:000a:000b",
}

octets = st.sampled_from([0, 1, 2, 7, 127, 128, 254, 255]) | st.integers(0, 255)
ipv4 = st.tuples(octets, octets, octets, octets).map(lambda parts: ipaddress.IPv4Address(bytes(parts)))
groups = st.sampled_from([0, 1, 0xFFFE, 0xFFFF]) | st.integers(0, 0xFFFF)
ipv6 = st.lists(groups, min_size=8, max_size=8).map(
    lambda parts: ipaddress.IPv6Address(b"".join(part.to_bytes(2, "big") for part in parts))
)
spans = st.integers(0, 2000)


def expansion(block: str) -> list[str]:
    return [key.decode() for key in expand(block.encode())]


@pytest.mark.parametrize(("block", "keys"), [*EXPANSIONS.items(), *ODD_SPELLINGS.items()])
def test_a_block_becomes_prefixes_cut_at_whole_octets_or_groups(block: str, keys: str) -> None:
    assert expansion(block) == keys.split()


@pytest.mark.parametrize(("block", "count"), [("0/0", 256), ("::/0", 65536), ("::/8", 256), ("2001:db8::/33", 32768)])
def test_the_number_of_keys_follows_from_the_bits_behind_the_last_whole_group(block: str, count: int) -> None:
    assert len(set(expansion(block))) == count


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("10.0.0.0/33", "`33` in `10.0.0.0/33` is not a prefix length: a number from 0 to 32"),
        ("10.0.0.0/255.0.0.0", "`255.0.0.0` in `10.0.0.0/255.0.0.0` is not a prefix length"),
        ("::/129", "a number from 0 to 128"),
        ("::/" + "9" * 5000, "is not a prefix length"),
        ("300.1.1.1/8", "`300` in `300.1.1.1` is not a number from 0 to 255"),
        (".10/8", "`` in `.10` is not a number"),
        ("dead-beef", "`dead` in `dead` is not a number"),
        ("12345::/16", "a group of `12345::` has more than four digits"),
        ("10.0.0.2-10.0.0.1", "ends before it begins"),
        ("::2-::1", "ends before it begins"),
        ("10.0.0.1-::1", "from one address family to the other"),
        ("1.2.3.4-1.2.3", "different numbers of octets"),
        (".-.", "different numbers of octets"),
        ("1:2:3:4:5:6:7:8:9-::1", "more than eight groups"),
    ],
)
def test_a_bad_block_is_refused_with_its_reason(block: str, reason: str) -> None:
    with pytest.raises(NetblockError) as refusal:
        expand(block.encode())
    assert reason in str(refusal.value)


@settings(deadline=None)  # a wide range of IPv6 addresses has a million keys
@given(st.text("0123456789abcdefABCDEF:./-", max_size=24).filter(lambda text: "/" in text or "-" in text))
def test_any_text_expands_or_is_refused(text: str) -> None:
    try:
        keys = expand(text.encode())
    except NetblockError:
        return
    assert keys
    assert len(set(keys)) == len(keys)


def covered(prefix: bytes, family: type[Address]) -> tuple[int, int]:
    """The first and the last address, as numbers, that a stored prefix matches."""
    if family is ipaddress.IPv4Address:
        head, width = bytes(map(int, prefix.split(b"."))), 4
    else:
        head, width = bytes.fromhex(prefix.replace(b":", b"").decode()), 16
    padding = width - len(head)
    return int.from_bytes(head + bytes(padding), "big"), int.from_bytes(head + b"\xff" * padding, "big")


def assert_exact(keys: Iterable[bytes], first: Address, last: Address) -> None:
    """The keys cover the range without gap or overlap, and no eight bits or group of them could be one key."""
    ranges = sorted(covered(key, type(first)) for key in keys)
    assert ranges[0][0] == int(first)
    assert ranges[-1][1] == int(last)
    assert all(left[1] + 1 == right[0] for left, right in pairwise(ranges))


def assert_fewest(keys: list[bytes], separator: bytes, family_size: int) -> None:
    parents = [key.rpartition(separator)[0] for key in keys]
    assert all(parents.count(parent) < family_size for parent in set(parents) if parent)


@pytest.mark.parametrize("compile_range", [lambda text: expand(text.encode()), key_for_network])
@given(first=ipv4, span=spans)
def test_an_ipv4_range_is_covered_exactly(
    compile_range: Callable[[str], list[bytes]], first: ipaddress.IPv4Address, span: int
) -> None:
    last = ipaddress.IPv4Address(min(int(first) + span, 2**32 - 1))
    keys = compile_range(f"{first}-{last}")
    assert_exact(keys, first, last)
    assert_fewest(keys, b".", 256)


@pytest.mark.parametrize("compile_range", [lambda text: expand(text.encode()), key_for_network])
@given(first=ipv6.filter(lambda address: address.ipv4_mapped is None), span=spans)
def test_an_ipv6_range_is_covered_exactly(
    compile_range: Callable[[str], list[bytes]], first: ipaddress.IPv6Address, span: int
) -> None:
    last = ipaddress.IPv6Address(min(int(first) + span, 2**128 - 1))
    assert_exact(compile_range(f"{first}-{last}"), first, last)


@given(ipv4, st.integers(1, 32))
def test_an_ipv4_network_has_the_keys_of_its_range(address: ipaddress.IPv4Address, length: int) -> None:
    network = ipaddress.ip_network((address, length), strict=False)
    keys = expand(f"{address}/{length}".encode())
    assert_exact(keys, network[0], network[-1])
    assert keys == key_for_network(str(network)) == key_for_network(f"{network[0]}-{network[-1]}")
    assert len(keys) == 2 ** ((8 - length % 8) % 8)


@given(ipv6, st.integers(1, 128).filter(lambda length: length % 16 == 0 or length % 16 > 6))
def test_an_ipv6_network_has_the_keys_of_its_range(address: ipaddress.IPv6Address, length: int) -> None:
    network = ipaddress.ip_network((address, length), strict=False)
    keys = expand(f"{address}/{length}".encode())
    assert_exact(keys, network[0], network[-1])
    assert len(keys) == 2 ** ((16 - length % 16) % 16)


@given(ipv4 | ipv6)
def test_the_key_of_an_address_is_the_first_that_a_client_is_looked_up_under(address: Address) -> None:
    assert key_for_network(str(address)) == [next(remote_keys(str(address)))]


def test_mapped_addresses_become_ipv4_keys() -> None:
    assert key_for_network("::ffff:10.1.0.0/112") == [b"10.1"]
    assert key_for_network("::ffff:10.0.0.1") == [b"10.0.0.1"]
    assert key_for_network("::ffff:10.0.0.1-::ffff:10.0.0.2") == [b"10.0.0.1", b"10.0.0.2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "10",
        "10.0.0.1/33",
        "fe80::1%eth0",
        "10.0.0.2-10.0.0.1",
        "10.0.0.0/24-10.0.1.0/24",
        "1.2.3.4-::1",
    ],
)
def test_what_is_no_network_has_no_keys(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        key_for_network(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.0/33", "33 behind the slash is not a prefix length, a number from 0 to 32"),
        ("2001:db8::/129", "129 behind the slash is not a prefix length, a number from 0 to 128"),
        ("10.0.0.0/255.0.1.0", "255.0.1.0 behind the slash is not a prefix length, a number from 0 to 32"),
        ("10.0.0.0/", "nothing behind the slash is not a prefix length, a number from 0 to 32"),
        ("300.1.1.1", "300 is more than 255"),
        ("192.168.001.0/24", "001 has a leading zero, which some programs read as octal"),
        ("10.0.0.9-10.0.0.1", "it ends before it begins"),
        ("10.0.0.9-2001:db8::1", "it runs from one address family to the other"),
        ("10.0.0.9-", "nothing is not an address"),
        ("10.0.0.9-11", "11 has not four numbers"),
        ("10.0.0", "10.0.0 has not four numbers"),
        ("2001:db8:::1", "2001:db8:::1 is not an address"),
        ("face", "face is not an address"),
        ("10.0.0.0/8", ""),
        ("10.0.0.1-10.0.0.9", ""),
        ("::1", ""),
    ],
)
def test_what_is_no_network_has_a_cause(text: str, why: str) -> None:
    assert why_no_network(text) == why


def is_network(text: str) -> bool:
    first, dash, last = text.partition("-")
    try:
        if not dash:
            return bool(ipaddress.ip_network(text, strict=False))
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last)
        return low.version == high.version and int(low) <= int(high)
    except ValueError:
        return False


numbers = st.sampled_from(["0", "1", "10", "010", "255", "256", ""])
dotted = st.lists(numbers, min_size=3, max_size=5).map(".".join)
addresses = dotted | st.sampled_from(["::", "::1", "2001:db8::", "::ffff:192.0.2.1"]) | st.text("01f:.", max_size=9)


@given(st.one_of(addresses, st.tuples(addresses, st.sampled_from("/-"), addresses | numbers).map("".join)))
def test_only_what_is_no_network_has_a_cause(text: str) -> None:
    assert (why_no_network(text) == "") == is_network(text)
