"""Letters go to the steward together, few orders at a time, and none is left lying."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from courier_runtime.delivery.postroom import Postroom
from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored


class Steward:
    """Takes so many turns of the event loop for an order, and remembers what was in each."""

    def __init__(self, turns: int = 1) -> None:
        self.turns = turns
        self.orders: list[int] = []
        self.under_way = self.most = 0

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        self.orders.append(len(letters))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.under_way -= 1
        return [one.mailbox for one in letters]

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        raise AssertionError("nothing is read")

    async def run(self, command: Command) -> Exit:
        raise AssertionError("nothing is run")


def letter(name: str) -> Letter:
    return Letter(Identity(1000, 1000, "/srv"), name, b"", b"", b"text")


def test_letters_of_one_turn_share_an_order_and_each_gets_its_own_answer() -> None:
    async def story() -> None:
        steward = Steward()
        postroom = Postroom(steward)
        answers = await asyncio.gather(*(postroom.store(letter(str(number))) for number in range(5)))
        assert answers == ["0", "1", "2", "3", "4"]
        assert steward.orders == [5]

    asyncio.run(story())


def test_no_letter_is_left_lying_whenever_it_comes() -> None:
    async def customer(postroom: Postroom, number: int) -> None:
        for turn in range(50):
            assert await postroom.store(letter(f"{number}.{turn}")) == f"{number}.{turn}"
            for _ in range((number + turn) % 5):
                await asyncio.sleep(0)

    async def story() -> None:
        for turns in range(4):
            steward = Steward(turns)
            postroom = Postroom(steward)
            async with asyncio.timeout(10):
                await asyncio.gather(*(customer(postroom, number) for number in range(7)))
            assert sum(steward.orders) == 350
            assert steward.most <= 3

    asyncio.run(story())
