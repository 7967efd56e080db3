"""Processes ask each other things and get answers, in any order, until one of them is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from courier_runtime.wire.channel import Channel, ChannelClosed
from courier_runtime.wire.frames import Frame


def between(talk: Callable[[Channel, Channel, list[Frame]], Awaitable[None]]) -> None:
    """Let two channels talk; the list holds what the second one heard."""

    async def go() -> None:
        heard: list[Frame] = []
        one, other = Channel(), Channel(heard.append)
        for channel, end in zip((one, other), socket.socketpair(), strict=True):
            await channel.open(end)
        await talk(one, other, heard)
        one.close()
        other.close()

    asyncio.run(asyncio.wait_for(go(), 10))


async def until(is_so: Callable[[], object]) -> None:
    while not is_so():
        await asyncio.sleep(0.001)


def test_answers_find_their_questions_in_whatever_order_they_come() -> None:
    async def talk(one: Channel, other: Channel, heard: list[Frame]) -> None:
        asked = [one.ask({"do": "double", "what": number}, b"x" * number) for number in range(100)]
        await until(lambda: len(heard) == 100)
        for frame in reversed(heard):
            other.answer(frame, {"is": 2 * frame.said["what"]}, frame.data)
        answers = [await one for one in asked]
        assert [(one.said["is"], len(one.data)) for one in answers] == [(2 * number, number) for number in range(100)]

    between(talk)


def test_news_come_in_their_order_and_want_no_answer() -> None:
    async def talk(one: Channel, other: Channel, heard: list[Frame]) -> None:
        for number in range(10):
            one.tell({"do": "news", "what": number})
        await until(lambda: len(heard) == 10)
        assert [frame.said for frame in heard] == [{"do": "news", "what": number} for number in range(10)]

    between(talk)


def test_who_waits_when_the_other_side_ends_is_told_and_so_is_who_asks_later() -> None:
    async def talk(one: Channel, other: Channel, heard: list[Frame]) -> None:
        asked = one.ask({"do": "anything"})
        await until(lambda: heard)
        other.close()
        with pytest.raises(ChannelClosed):
            await asked
        assert one.ended.is_set()
        with pytest.raises(ChannelClosed):
            await one.ask({"do": "anything"})
        one.tell({"do": "news"})

    between(talk)


def test_what_was_said_before_hanging_up_still_arrives() -> None:
    async def talk(one: Channel, other: Channel, heard: list[Frame]) -> None:
        one.tell({"do": "news"})
        one.close()
        await other.ended.wait()
        assert [frame.said for frame in heard] == [{"do": "news"}]

    between(talk)
