"""Arbitrary histories of submissions, outcomes, orders and kills: every recipient is accounted for exactly once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from crash.spooled import Books, Quick, Story, serve_all, spool_at
from runtime.spools import crash


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 25)), min_size=1, max_size=5))
def test_every_recipient_is_served_once_whatever_happens_in_between(lives: list[tuple[int, int]]) -> None:
    with TemporaryDirectory() as directory:
        books = Books()
        asyncio.run(_live(Path(directory), books, lives))
        assert all(count == 1 for count in books.served.values())
        assert set(books.served) == books.accepted


async def _live(path: Path, books: Books, lives: list[tuple[int, int]]) -> None:
    for number, (seed, events) in enumerate(lives):
        spool = spool_at(path, Quick())
        await Story(spool, books, seed, f"{number}-").go_on(events)
        crash(spool)
    spool = spool_at(path, Quick())
    await serve_all(spool, books)
    books.check()
    await spool.close()
