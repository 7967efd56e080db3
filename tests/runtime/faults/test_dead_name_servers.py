"""Name servers that do not answer: what depends on them is put off in time, and nothing else waits."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from courier_runtime.delivery.esmtp.transport import EsmtpTransport
from courier_runtime.dns.resolver import DnsResolver
from courier_runtime.mail.outcome import Deferred
from courier_runtime.observe.clock import SystemClock
from courier_runtime.seams import Hop, Job
from courier_runtime.tracking.memory import MemoryTrack
from runtime.messages import queued
from runtime.serving import Server, serve, site
from runtime.trees import snapshot_of

PATIENCE: Final = 0.5
TEXT: Final = b"Subject: hi\r\n\r\nHello\r\n"


@pytest.fixture
def resolver() -> Iterator[DnsResolver]:
    """One that asks a black hole."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hole:
        hole.bind(("127.0.0.1", 0))
        yield DnsResolver(("127.0.0.1",), hole.getsockname()[1], PATIENCE)


def test_clients_are_served_without_their_names(tmp_path: Path, resolver: DnsResolver) -> None:
    async def talk(server: Server) -> None:
        started = time.monotonic()
        client = await server.greeted()
        assert PATIENCE <= time.monotonic() - started < PATIENCE + 2
        assert (await client.mail(TEXT)).startswith("250 Ok.")
        assert server.stored.text.startswith(b"Received: from cli.example ([::ffff:127.0.0.1])\n")

    serve(Server(site(tmp_path, TCPDOPTS=""), resolver=resolver), talk)


def test_return_addresses_that_must_be_checked_are_put_off_and_others_do_not_wait(
    tmp_path: Path, resolver: DnsResolver
) -> None:
    async def talk(server: Server) -> None:
        waiting, other = await server.greeted(), await server.greeted()
        checked = asyncio.create_task(waiting.say("MAIL FROM:<ann@remote.example>"))
        started = time.monotonic()
        assert (await other.mail(TEXT, sender="")).startswith("250 Ok.")
        assert time.monotonic() - started < PATIENCE, "mail without a return address needs no look-up"
        assert not checked.done()
        assert await checked == "417 DNS lookup failure: remote.example.  Try again later."
        assert (await waiting.say("NOOP")) == "250 Ok"

    serve(Server(site(tmp_path, BOFHCHECKDNS="1"), resolver=resolver), talk)


def test_lists_that_do_not_answer_block_nobody(tmp_path: Path, resolver: DnsResolver) -> None:
    async def talk(server: Server) -> None:
        assert (await (await server.greeted()).mail(TEXT)).startswith("250 Ok.")

    serve(Server(site(tmp_path, BLACKLISTS="-block=bl.example"), resolver=resolver), talk)


def test_mail_to_elsewhere_waits_for_better_times(tmp_path: Path, resolver: DnsResolver) -> None:
    transport = EsmtpTransport(
        resolver=resolver, suppression=MemoryTrack(SystemClock()), clock=SystemClock(), own_addresses=frozenset
    )
    hop = Hop("esmtp", "far.example", "")
    job = Job(queued("joe@far.example"), hop, (0,), ("joe@far.example",), snapshot_of(tmp_path))
    outcomes = asyncio.run(transport.deliver(job))
    assert isinstance(outcomes[0], Deferred)
    assert outcomes[0].said.replies == ("DNS lookup failed.",)
