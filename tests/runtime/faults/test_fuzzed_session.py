"""Sessions of arbitrary commands, parameters and rubbish, cut into arbitrary pieces: the server keeps to the protocol.

Whatever comes, every command gets one reply and no more, in order; a text is taken only by a 250 that names a message,
and that message is in the spool by then; and nothing that a client can say is a defect in the log.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from courier_runtime.mail.envelope import Envelope
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.smtp.engine import Connection
from courier_runtime.snapshot.model import Snapshot
from runtime.serving import Server, Sheet, Shelf, esmtpd, site

EXAMPLES: Final = 150
MANY_EXAMPLES: Final = 10_000
_TAKEN: Final = re.compile(rb"250 Ok\. ([0-9A-F]{16}\.[0-9A-F]{8})")

VERBS: Final = (
    *("EHLO", "HELO", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "EXPN", "STARTTLS", "AUTH", "QUIT"),
    *("BDAT", "HELP", "ETRN", "mail", "Rcpt", "NOOPS", "MAILFROM:<>", "", " ", "\0", "354", "250-"),
)
ARGUMENTS: Final = (
    "",
    " cli.example",
    " FROM:<ann@remote.example>",
    " FROM:<>",
    " FROM:<ann@remote.example> SIZE=10 BODY=8BITMIME RET=FULL ENVID=x SMTPUTF8",
    " FROM:<ann@remote.example> SIZE=99999999999999999999",
    " FROM:ann@remote.example",
    " TO:<alice@example.com>",
    " TO:<team@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x",
    " TO:<nobody@example.com>",
    " TO:<joe@far.example>",
    " TO:<@a,@b:alice@example.com>",
    " TO:<alice@[127.0.0.1]>",
    " TO:<" + "a" * 6000 + "@example.com>",
    " PLAIN AGJvYgBzZWNyZXQ=",
    " PLAIN",
    " LOGIN",
    " CRAM-MD5 =",
    " alice",
)


def line(text: str | bytes) -> bytes:
    """A command line; what would end it is not in it."""
    raw = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return raw.replace(b"\r\n", b"") + b"\r\n"


lines = st.one_of(
    st.builds(lambda verb, argument: line(verb + argument), st.sampled_from(VERBS), st.sampled_from(ARGUMENTS)),
    st.builds(lambda verb, rest: line(verb.encode() + b" " + rest), st.sampled_from(VERBS), st.binary(max_size=40)),
    st.binary(max_size=60).map(line),
)
texts = st.one_of(
    st.sampled_from((b"", b"Subject: x\r\n\r\nHello", b"\r\n", b".\r\n..\r\n.", b"\n.\n", b"\r.\r", b"x" * 6000)),
    st.binary(max_size=200),
)
messages = st.builds(
    lambda to, text: b"MAIL FROM:<ann@remote.example>\r\n%bDATA\r\n%b\r\n.\r\n" % (b"".join(to), text),
    st.lists(
        st.sampled_from((b"RCPT TO:<alice@example.com>\r\n", b"RCPT TO:<nobody@example.com>\r\n")),
        min_size=1,
        max_size=3,
    ),
    texts,
)
acts = st.one_of(messages, lines, st.just(b"EHLO cli.example\r\n"), texts)
streams = st.builds(
    lambda greeting, acts: greeting + b"".join(acts),
    st.sampled_from((b"EHLO cli.example\r\n", b"HELO cli.example\r\n", b"")),
    st.lists(acts, max_size=14),
)
cuts = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 3)), max_size=40)
"""Lengths of pieces, and for how many turns of the loop nothing comes behind each."""


class Pipe(asyncio.Transport):
    """A connection without a network, so that the pieces arrive as they were cut."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 25)})
        self.said = bytearray()
        self.can_read = asyncio.Event()
        self.can_read.set()
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.said += data

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.can_read.clear()

    def resume_reading(self) -> None:
        self.can_read.set()

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True
        self.can_read.set()

    def abort(self) -> None:
        self.close()


def without_a_network(snapshot: Snapshot) -> Server:
    """A server whose connections are pipes."""
    server = Server(snapshot)
    for one in server.listener._sockets:
        one.close()
    return server


class SlowShelf(Shelf):
    """A spool that takes its time, and knows which messages are safe."""

    def begin(self) -> Sheet:
        self.serial += 1
        return SlowSheet(self, MessageId(self.serial, 0x6B06435B, 0x4BBB))


class SlowSheet(Sheet):
    async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
        for _ in range(5):
            await asyncio.sleep(0)
        return await super().commit(envelopes, terms)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    files = {"esmtpd": esmtpd(ESMTPAUTH="LOGIN PLAIN CRAM-MD5")}
    return site(tmp_path_factory.mktemp("site"), files)


def test_whatever_a_client_says_the_server_keeps_to_the_protocol(snapshot: Snapshot, is_soak: bool) -> None:
    @settings(
        max_examples=MANY_EXAMPLES if is_soak else EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(stream=streams, pieces=cuts)
    def holds(stream: bytes, pieces: list[tuple[int, int]]) -> None:
        replies, shelf = asyncio.run(_converse(snapshot, stream, pieces))
        taken = _check(stream, replies)
        assert taken == [one.ids[0].public.encode() for one in shelf.stored]

    holds()


async def _converse(snapshot: Snapshot, stream: bytes, pieces: list[tuple[int, int]]) -> tuple[list[bytes], Shelf]:
    """Have a whole session; the replies, the greeting left out."""
    loop, troubles = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda loop, context: troubles.append(str(context)))
    server, shelf = without_a_network(snapshot), SlowShelf()
    object.__setattr__(server.desk, "spool", shelf)
    pipe = Pipe()
    connection = Connection(server.listener._serve, loop)
    connection.connection_made(pipe)
    at = 0
    for size, turns in (*pieces, (len(stream), 0)):
        await pipe.can_read.wait()
        if at < len(stream) and not pipe.is_closed:
            connection.data_received(stream[at : at + size])
            at += size
        for _ in range(turns):
            await asyncio.sleep(0)
        _check_that_messages_are_safe(pipe, shelf)
    if not pipe.is_closed:
        connection.eof_received()
    assert connection.task is not None
    await asyncio.wait_for(connection.task, 10)
    connection.connection_lost(None)
    assert not troubles
    return _replies(bytes(pipe.said))[1:], shelf


def _check_that_messages_are_safe(pipe: Pipe, shelf: Shelf) -> None:
    safe = {one.ids[0].public.encode() for one in shelf.stored}
    assert set(_TAKEN.findall(bytes(pipe.said))) <= safe, "a message was answered for before it was safe"


def _replies(said: bytes) -> list[bytes]:
    """The last line of every reply; each line of a reply has the same code."""
    assert said.endswith(b"\r\n")
    found: list[bytes] = []
    codes: set[bytes] = set()
    for one in said.removesuffix(b"\r\n").split(b"\r\n"):
        assert re.match(rb"[2-5][0-9][0-9][ -]", one), one
        codes.add(one[:3])
        if one[3:4] == b" ":
            assert len(codes) == 1, said
            found.append(one)
            codes = set()
    assert not codes, "an unfinished reply"
    return found


def _check(stream: bytes, replies: list[bytes]) -> list[bytes]:
    """Go through what was sent and what was answered side by side; the names of the messages that were taken."""
    taken: list[bytes] = []
    answers, reply = iter(replies), b""
    at = 0
    while (end := stream.find(b"\r\n", at)) >= 0:
        command, at = stream[at:end], end + 2
        reply = next(answers)
        if reply.startswith(b"354"):
            assert command[:4].upper() == b"DATA"
            end = stream.find(b"\r\n.\r\n", at - 2)
            if end < 0:
                break
            at = end + 5
            reply = next(answers)
            if reply.startswith(b"2"):
                found = _TAKEN.fullmatch(reply)
                assert found is not None, reply
                taken.append(found[1])
        elif reply.startswith(b"221"):
            assert command.upper().startswith(b"QUIT")
            break
        else:
            assert not _TAKEN.fullmatch(reply), "a message was taken that nobody sent"
    rest = list(answers)
    if reply.startswith(b"334") and rest:
        assert rest.pop(0).startswith(b"535"), "a challenge that the client left unanswered"
    assert not rest, "more replies than commands"
    return taken


def test_the_reply_to_a_text_waits_for_the_commit(snapshot: Snapshot) -> None:
    async def whole() -> None:
        gate = asyncio.Event()

        class Gated(Sheet):
            async def commit(self, envelopes: Sequence[Envelope], terms: Terms) -> tuple[MessageId, ...]:
                await gate.wait()
                return await super().commit(envelopes, terms)

        server = Server(snapshot)
        server.shelf.begin = lambda: Gated(server.shelf, MessageId(1, 2, 3))  # type: ignore[method-assign]
        async with server.running():
            client = await server.greeted()
            for said in ("MAIL FROM:<ann@remote.example>", "RCPT TO:<alice@example.com>", "DATA"):
                await client.say(said)
            client.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
            reply = asyncio.create_task(client.reply())
            await asyncio.sleep(0.2)
            assert not reply.done()
            assert not server.shelf.stored
            gate.set()
            assert (await reply).startswith("250 Ok. ")
            assert server.stored.text.endswith(b"x\n")

    asyncio.run(whole())


@pytest.mark.parametrize("comes", [b"NOOP\r\n", b""], ids=["a command", "the end"])
def test_what_comes_while_replies_cannot_be_sent_is_not_forgotten(snapshot: Snapshot, comes: bytes) -> None:
    async def whole() -> None:
        server, pipe = without_a_network(snapshot), Pipe()
        connection = Connection(server.listener._serve, asyncio.get_running_loop())
        connection.connection_made(pipe)
        connection.data_received(b"NOOP\r\n")
        connection.pause_writing()
        for _ in range(10):
            await asyncio.sleep(0)
        if comes:
            connection.data_received(comes)
        else:
            connection.eof_received()
        connection.resume_writing()
        for _ in range(10):
            await asyncio.sleep(0)
        assert bytes(pipe.said).count(b"250 Ok\r\n") == 1 + bool(comes)
        assert connection.task is not None
        assert connection.task.done() == (not comes)
        connection.connection_lost(None)
        await asyncio.wait_for(connection.task, 5)

    asyncio.run(whole())
