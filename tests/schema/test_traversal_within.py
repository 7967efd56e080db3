"""The order of a few keys among many agrees with the whole traversal, which a real file has."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats import gdbm

BLOCK_SIZE = 512
"""Buckets of 16 slots, so that a few hundred keys fill many."""


def numbered(count: int) -> list[bytes]:
    return [b"key%d" % number for number in range(count)]


@given(st.integers(1, 600), st.integers(1, 40), st.randoms(use_true_random=False))
def test_within_each_group_the_order_is_that_of_the_whole_traversal(count: int, groups: int, random: Random) -> None:
    keys = numbered(count)
    random.shuffle(keys)
    wanted = {key: random.randrange(groups) for key in random.sample(keys, random.randint(0, count))}
    whole, ours = gdbm.traversal(keys, BLOCK_SIZE), gdbm.traversal_within(wanted, keys, BLOCK_SIZE)
    assert set(ours) == set(wanted)
    assert len(ours) == len(wanted)
    for group in set(wanted.values()):
        assert [key for key in ours if wanted[key] == group] == [key for key in whole if wanted.get(key) == group]


def test_one_large_group_has_the_whole_order() -> None:
    keys = numbered(5000)
    assert gdbm.traversal_within(dict.fromkeys(keys, 0), keys, BLOCK_SIZE) == gdbm.traversal(keys, BLOCK_SIZE)


def test_a_pair_in_one_bucket_is_ordered_as_there() -> None:
    keys = numbered(2000)
    whole = gdbm.traversal(keys, BLOCK_SIZE)
    for first, second in pairwise(whole[:60]):
        for order in ([first, second], [second, first]):
            assert gdbm.traversal_within(dict.fromkeys(order, 0), keys, BLOCK_SIZE) == [first, second]


def test_an_impossible_block_size_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        gdbm.traversal_within({}, [b"a"], 500)
