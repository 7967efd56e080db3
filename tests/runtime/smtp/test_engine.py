"""The connection: bounded memory, either event loop, and patience that ends."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from courier_runtime.smtp import engine, tarpit
from courier_runtime.smtp.tarpit import Tarpit
from runtime.serving import Client, Server, general, serve, site

TEXT = b"Subject: hi\r\n\r\nHello\r\n"
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_both_event_loops_serve(tmp_path: Path, run: Run) -> None:
    server = Server(site(tmp_path))

    async def whole() -> None:
        async with server.running():
            clients = await asyncio.gather(*(server.greeted() for _ in range(10)))
            replies = await asyncio.gather(*(client.mail(TEXT) for client in clients))
            assert {general(reply) for reply in replies} == {"250 Ok. ID"}
            clients[0].send("QUIT")
            assert await clients[0].closes() == b"221 Bye.\r\n"

    run(whole())
    assert len(server.shelf.stored) == 10


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_long_message_streams_to_the_spool(tmp_path: Path, run: Run) -> None:
    server = Server(site(tmp_path, SIZELIMIT="0"))
    line = b"x" * 78 + b"\r\n"

    async def whole() -> None:
        async with server.running():
            client = await server.greeted()
            for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.com>", "DATA"):
                await client.say(command)
            client.send(b"Subject: long\r\n\r\n")
            for _ in range(400):
                client.send(line * 200)
                await client.writer.drain()
            assert general(await client.say(b".\r\n")) == "250 Ok. ID"

    run(whole())
    assert server.stored.text.endswith(b"x" * 78 + b"\n")
    assert len(server.stored.text) > 400 * 200 * 79
    assert server.shelf.longest_write < 1 << 20


def test_what_is_refused_is_not_kept(tmp_path: Path) -> None:
    server = Server(site(tmp_path, SIZELIMIT="100000"))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.com>", "DATA"):
            await client.say(command)
        client.send(b"Subject: long\r\n\r\n")
        tracemalloc.start()
        for _ in range(200):
            client.send((b"y" * 998 + b"\r\n") * 100)
            await client.writer.drain()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (await client.say(b"\r\n.\r\n")).startswith("523 Message length (")
        assert peak < 8 << 20

    serve(server, talk)


def test_a_line_without_end_takes_no_more_than_its_limit(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        tracemalloc.start()
        for _ in range(100):
            client.send(b"NOOP" + b"x" * 100000)
            await client.writer.drain()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert await client.say(b"\r\n") == "250 Ok"
        assert peak < 4 << 20

    serve(Server(site(tmp_path)), talk)


def test_an_idle_connection_is_small(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        loop = asyncio.get_running_loop()

        async def idle(connection: engine.Connection) -> None:
            await connection.more(60)

        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = [engine.Connection(idle, loop) for _ in range(100)]
        each = (tracemalloc.get_traced_memory()[0] - before) / len(kept)
        tracemalloc.stop()
        assert each < 4096

    serve(Server(site(tmp_path)), talk)


def test_a_client_that_reads_no_replies_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # a client that does not read
        with pytest.raises(OSError, match=r"reset|Broken pipe|lost"):
            await _babble(client)

    serve(Server(site(tmp_path, {"esmtptimeout": "1s"})), talk)


def test_a_proxy_header_that_comes_byte_by_byte_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        client.send(b"PROXY TCP4 192.0.2.1 ")
        started = time.monotonic()
        while not client.reader.at_eof():
            assert time.monotonic() - started < 5, "it is still waited for"
            client.send(b"1")
            await asyncio.sleep(0.1)
        assert time.monotonic() - started > 0.9

    serve(Server(site(tmp_path, TCPDOPTS="-nodnslookup -haproxy=1")), talk)


# ---- the tarpit ---------------------------------------------------------------------------------------------------


def test_errors_cost_ever_more_until_something_useful_happens() -> None:
    pit = Tarpit(is_on=True)
    assert [pit.price(550) for _ in range(6)] == [8, 16, 32, 64, 128, 128]
    pit.forgive()
    assert pit.price(502) == 8
    assert pit.price(450) == 0


def test_without_tarpit_errors_are_free() -> None:
    assert Tarpit(is_on=False).price(550) == 0


def test_errors_of_the_conversation_are_paid_for_afterwards_and_refusals_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tarpit, "SHORTEST", 0.3)

    async def talk(server: Server) -> None:
        client = await server.greeted()
        assert await _seconds(client.say("FOO")) < 0.2
        assert await _seconds(client.say("NOOP")) > 0.1
        await client.say("VRFY alice")
        assert await _seconds(client.say("MAIL FROM:<ann>")) > 0.2

    serve(Server(site(tmp_path, TARPIT="1")), talk)


def test_a_client_that_leaves_the_tarpit_is_forgotten_at_once(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.say("FOO")
        client.writer.close()
        await asyncio.sleep(0.1)
        assert server.gate.active == 0

    serve(Server(site(tmp_path, TARPIT="1")), talk)


async def _babble(client: Client) -> None:
    """Ask without listening, for at most 20 seconds."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        client.send(b"EHLO x\r\n" * 2000)
        await asyncio.wait_for(client.writer.drain(), 15)


async def _seconds(doing: Coroutine[Any, Any, str]) -> float:
    begun = time.monotonic()
    await doing
    return time.monotonic() - begun
