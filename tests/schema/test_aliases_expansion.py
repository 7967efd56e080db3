"""Nested aliases are expanded, long lists are cut into records, and circles lose what the real tool loses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.aliases.circles import circular_names, meant
from courier_schema.legacy.formats.aliases.compile import AliasTable, compile_aliases, listing
from courier_schema.legacy.formats.aliases.records import Chain, join, record_key, split, unpack
from courier_schema.legacy.formats.domains import Locality
from courier_schema.legacy.formats.source import Source

LOCALITY = Locality.from_files({"me": b"x\n"}, "mailhost")


def compiled(text: str) -> AliasTable:
    return compile_aliases([Source("aliases", text.encode())], LOCALITY, include=lambda path: b"")


def stored(text: str) -> dict[str, list[str]]:
    return {
        name.removesuffix("@x"): [address.removesuffix("@x") for address in addresses]
        for name, addresses in unpack(compiled(text).records)
    }


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("a: b, c\n", {"a": ["b", "c"]}),
        ("a: b, c, b\na: d, b\n", {"a": ["b", "c", "d"]}),
        ("a: b\nb: c\nc: d\n", {"a": ["d"], "b": ["d"], "c": ["d"]}),
        ("a: a, b\nb: c\n", {"a": ["a", "c"], "b": ["c"]}),
        ("a: b\nb: a\nc: d\n", {"c": ["d"]}),
        ("a: a\n", {"a": ["a"]}),
        ("a: b, x\nb: a, y\n", {"a": ["x", "y"], "b": ["x", "y"]}),
        ("a: @v.org\n@v.org: jack\n", {"a": ["jack"], "@v.org": ["jack"]}),
        ("a: joe@v.org\n@v.org: jack\n", {"a": ["joe@v.org"], "@v.org": ["jack"]}),
        ("ghost:\na: ghost, b\n", {"a": ["ghost", "b"]}),
        ("a: b, c\nb: d, <>, e\n", {"a": ["c", "d"], "b": ["d", "", "e"]}),
    ],
)
def test_an_alias_holds_the_ends_of_all_it_names(text: str, lists: dict[str, list[str]]) -> None:
    assert {name: sorted(addresses) for name, addresses in stored(text).items()} == {
        name: sorted(addresses) for name, addresses in lists.items()
    }


def test_the_order_of_an_alias_that_names_no_other_is_the_order_of_the_source() -> None:
    assert stored("z: c, a, b\nz: y, a\n")["z"] == ["c", "a", "b", "y"]


def test_repetitions_in_one_record_are_missed_beyond_a_hundred_recipients() -> None:
    people = [f"p{number}@lists.example.org" for number in range(98)]
    text = f"all: a, b, {', '.join(people)}\nall: a, b, c\n"
    assert stored(text)["all"] == ["a", "b", *people, "b", "c"]


def test_the_number_of_a_record_is_written_backwards_in_base_16() -> None:
    keys = [record_key(b"n", number) for number in (0, 1, 9, 10, 15, 16, 17, 255, 256)]
    assert keys == [b"n", b"n\n1", b"n\n9", b"n\nA", b"n\nF", b"n\n01", b"n\n11", b"n\nFF", b"n\n001"]


def test_a_record_ends_before_it_would_reach_512_bytes() -> None:
    fits = "a" * 254 + "@x"
    records = compiled(f"n: {fits}, b{fits[1:]}, c\n").records
    assert [(key, len(value)) for key, value in records.items()] == [(b"n@x", 257), (b"n@x\n1", 261)]
    short = "a" * 251 + "@x"
    assert [len(value) for value in compiled(f"n: {short}, b{short[1:]}, c\n").records.values()] == [512]
    assert [len(value) for value in compiled(f"n: {short}, b{short[1:]}, cc\n").records.values()] == [508, 5]


def test_one_address_may_be_longer_than_a_record() -> None:
    assert [len(value) for value in compiled(f"n: b, {'a' * 600}, c\n").records.values()] == [4, 603, 4]


def chain_of(*records: int) -> tuple[Chain, list[bytes]]:
    """A chain whose records hold so many addresses of fifty bytes."""
    addresses = [b"%049d" % number for number in range(sum(records))]
    chain = Chain()
    chain.add(addresses)
    assert [len(record) for record in chain.records] == list(records)
    return chain, addresses


def test_a_deletion_that_leaves_a_record_long_enough_only_shortens_it() -> None:
    chain, addresses = chain_of(10, 10)
    chain.delete(addresses[3])
    assert [len(record) for record in chain.records] == [9, 10]
    assert list(chain) == [*addresses[:3], *addresses[4:]]


def test_a_short_rest_in_the_last_record_joins_the_one_before() -> None:
    chain, addresses = chain_of(10, 3)
    chain.delete(addresses[11])
    assert chain.records == [[*addresses[:10], addresses[10], addresses[12]]]


def test_a_short_rest_elsewhere_is_put_behind_the_last_record() -> None:
    chain, addresses = chain_of(10, 10, 2)
    for address in addresses[:5]:
        chain.delete(address)
    assert chain.records == [[*addresses[20:], *addresses[5:10]], addresses[10:20]]


def test_the_last_address_of_all_leaves_nothing() -> None:
    chain, addresses = chain_of(1)
    chain.delete(addresses[0])
    chain.delete(b"unknown")
    assert not chain
    assert chain.add([b"a"]) == [b"a"]
    assert list(chain) == [b"a"]


def test_circles_and_what_they_mean_are_found() -> None:
    lists = {b"a": [b"b", b"x"], b"b": [b"a", b"y"], b"c": [b"a"], b"d": [b"e"], b"e": [b"z"], b"f": [b"f"]}
    assert circular_names(lists) == {b"a", b"b", b"c"}
    assert meant(lists, b"c") == {b"x", b"y"}
    assert meant(lists, b"f") == {b"f"}


def test_a_recipient_that_is_lost_in_a_circle_is_named() -> None:
    table = compiled("c: d, <>\nc: a, o, b\nd: c, p, b, q, r\na: d\n")
    lost = [found for found in table.problems if found.id == "alias-recipient-lost"]
    assert [(str(found.mark), found.says) for found in lost] == [
        ("aliases:4:1", "`a@x` loses `o@x`, because aliases that name each other are not expanded in full")
    ]
    assert dict(unpack(table.records))["a@x"] == ("p@x", "b@x", "q@x", "r@x")


def test_a_listing_can_be_used_as_a_source() -> None:
    table = compiled("all: staff, outside@elsewhere.org\nstaff: " + ", ".join(f"p{n}@q" for n in range(230)) + "\n")
    listed = listing(table)
    assert listed.count(b"\nstaff@x: ") + listed.startswith(b"staff@x: ") == 3
    assert dict(unpack(compiled(listed.decode()).records)) == dict(unpack(table.records))
    assert max(map(len, listed.splitlines())) <= 79


names = st.sampled_from("abcdef")
graphs = st.dictionaries(names, st.lists(st.one_of(names, st.sampled_from(["u", "v", "w"])), min_size=1, max_size=4))


@given(graphs)
def test_without_circles_a_list_is_what_it_means(graph: dict[str, list[str]]) -> None:
    ordered = {name: [to for to in listed if to not in graph or to > name] for name, listed in graph.items()}
    lists = {name: listed for name, listed in ordered.items() if listed}
    text = "".join(f"{name}: {', '.join(listed)}\n" for name, listed in lists.items())
    encoded = {name.encode(): [to.encode() for to in listed] for name, listed in lists.items()}
    assert {name: set(listed) for name, listed in stored(text).items()} == {
        name: {to.decode() for to in meant(encoded, name.encode())} for name in lists
    }


@given(graphs)
def test_a_circle_that_loses_anything_is_always_reported(graph: dict[str, list[str]]) -> None:
    table = compiled("".join(f"{name}: {', '.join(listed)}\n" for name, listed in graph.items()))
    encoded = {f"{name}@x".encode(): [f"{to}@x".encode() for to in listed] for name, listed in graph.items()}
    real = {name.encode(): {to.encode() for to in listed} for name, listed in unpack(table.records)}
    incomplete = {name.decode() for name in encoded if real.get(name, set()) < meant(encoded, name) or name not in real}
    assert {found.says.split("`")[1] for found in table.problems} == incomplete


@given(st.lists(st.binary().filter(lambda address: b"\n" not in address)))
def test_a_record_gives_back_what_was_joined(addresses: list[bytes]) -> None:
    assert split(join(addresses)) == addresses
