"""That hardly a descriptor is left is known at the moment at which it is so."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from courier_runtime.observe.descriptors import are_scarce


@pytest.fixture
def most() -> Iterator[int]:
    """A limit that leaves a few hundred descriptors."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = max(int(one.name) for one in Path("/dev/fd").iterdir()) + 300
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, before[1]))
    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_they_are_scarce_when_less_than_a_tenth_is_left_and_when_none_is(most: int) -> None:
    assert not are_scarce()
    opened: list[int] = []
    try:
        while not opened or opened[-1] < most - 1:
            opened.append(os.open("/", os.O_RDONLY))
        assert are_scarce()
        os.close(opened.pop())
        assert are_scarce()
        for _ in range(most // 10):
            os.close(opened.pop())
        assert not are_scarce()
    finally:
        for one in opened:
            os.close(one)
