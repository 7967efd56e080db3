"""A message that another process composed is the one that this process would have composed."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.terms import Terms
from courier_runtime.observe.clock import SystemClock
from courier_runtime.observe.log import ListLog
from courier_runtime.seams import SpoolFull
from courier_runtime.spool.composition import compose, read
from courier_runtime.spool.filesystem import FilesystemSpool
from courier_runtime.spool.remote import NUMBERS, RemoteSpool, keep
from courier_runtime.wire.channel import Channel
from courier_runtime.wire.frames import Frame
from runtime.spools import served

ANNA = Envelope("x@example.net", (Recipient("anna@example.com"),))

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
recipients = st.builds(Recipient, words, words, st.sampled_from([Notify.UNSAID, Notify.NEVER, Notify.SUCCESS]))
envelopes = st.builds(
    Envelope,
    words,
    st.lists(recipients, min_size=1, max_size=4).map(tuple),
    origin=words,
    login=words,
    envelope_id=words,
    verp=st.booleans(),
    eight_bit=st.booleans(),
    variables=st.dictionaries(words, words, max_size=3),
    delivered_to_alias=st.lists(recipients, max_size=2).map(tuple),
    submit_delay=st.none() | st.floats(0, 1e6),
)


@given(st.lists(envelopes, min_size=1, max_size=3), st.floats(0, 2e9), st.sampled_from(["", "00000000000000ff"]))
def test_what_was_composed_is_read_as_it_was(pieces: list[Envelope], now: float, large: str) -> None:
    names = [MessageId(number, 7, 8) for number, _ in enumerate(pieces, 1)]
    composed = compose(names, pieces, Terms(warning=0.0), now, 4711, large)
    assert read(composed.head) == composed


Talk = Callable[[RemoteSpool, FilesystemSpool, Channel], Awaitable[None]]


def through_a_channel(directory: Path, talk: Talk) -> None:
    """A spool, and another that reaches it through a channel."""

    async def go() -> None:
        spool = FilesystemSpool(directory, clock=SystemClock(), log=ListLog())
        answering: set[asyncio.Task[None]] = set()

        async def answer(frame: Frame) -> None:
            owner.answer(frame, await keep(spool, frame))

        owner = Channel(lambda frame: answering.add(asyncio.create_task(answer(frame))))
        other = Channel()
        for channel, end in zip((owner, other), socket.socketpair(), strict=True):
            await channel.open(end)
        first = spool.reserve(NUMBERS)
        remote = RemoteSpool(other, directory, first, clock=SystemClock(), pid=4711)
        await talk(remote, spool, owner)
        other.close()
        owner.close()
        await spool.close()

    asyncio.run(asyncio.wait_for(go(), 20))


@pytest.mark.parametrize("text", [b"short\n", b"long\n" * 50_000])
def test_a_message_is_kept_when_commit_has_returned_and_is_there_after_a_restart(tmp_path: Path, text: bytes) -> None:
    kept: list[MessageId] = []

    async def talk(remote: RemoteSpool, spool: FilesystemSpool, owner: Channel) -> None:
        draft = remote.begin()
        await draft.write(text)
        kept.extend(await draft.commit([ANNA, ANNA], Terms()))
        assert kept[0] == draft.id
        assert {message.id for message in spool.scan()} == set(kept)

    through_a_channel(tmp_path / "spool", talk)

    async def again() -> None:
        spool = FilesystemSpool(tmp_path / "spool", clock=SystemClock(), log=ListLog())
        found = await spool.lease(10, 1e12)
        assert {message.id for message in found} == set(kept)
        for message in found:
            assert message.text is not None
            assert b"".join(message.text.chunks()) == text
            assert message.envelope == ANNA
        await spool.close()

    asyncio.run(again())


def test_numbers_of_two_processes_never_meet(tmp_path: Path) -> None:
    async def talk(remote: RemoteSpool, spool: FilesystemSpool, owner: Channel) -> None:
        theirs = {remote.begin().id.serial for _ in range(100)}
        ours = {spool.begin().id.serial for _ in range(100)}
        assert len(theirs | ours) == 200

    through_a_channel(tmp_path / "spool", talk)


def test_nothing_is_taken_when_the_owner_of_the_spool_is_gone(tmp_path: Path) -> None:
    async def talk(remote: RemoteSpool, spool: FilesystemSpool, owner: Channel) -> None:
        draft = remote.begin()
        await draft.write(b"x\n")
        owner.close()
        with pytest.raises(SpoolFull):
            await draft.commit([ANNA], Terms())
        assert len(spool) == 0

    through_a_channel(tmp_path / "spool", talk)


def test_a_refusal_of_the_disk_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(remote: RemoteSpool, spool: FilesystemSpool, owner: Channel) -> None:
        async def full(composed: object, content: bytes) -> None:
            raise SpoolFull("no room")

        monkeypatch.setattr(spool, "keep", full)
        draft = remote.begin()
        await draft.write(b"long\n" * 50_000)
        with pytest.raises(SpoolFull, match="no room"):
            await draft.commit([ANNA], Terms())
        assert not list((tmp_path / "spool/texts").iterdir())

    through_a_channel(tmp_path / "spool", talk)


def test_only_what_a_process_was_still_writing_goes_when_it_has_ended(tmp_path: Path) -> None:
    texts = tmp_path / "spool/texts"
    long = b"long\n" * 50_000

    def left() -> set[int]:
        return {int(path.name, 16) for path in texts.iterdir()}

    async def talk(remote: RemoteSpool, spool: FilesystemSpool, owner: Channel) -> None:
        first = remote.begin().id.serial
        drafts = [remote.begin(), remote.begin(), remote.begin(), spool.begin()]
        for draft in drafts:
            await draft.write(long)
        delivered, kept, _, other = (draft.id.serial for draft in drafts)
        await drafts[0].commit([ANNA], Terms())
        [message] = await spool.lease(1, 1e12)
        await spool.remove(served(message))
        await drafts[1].commit([ANNA], Terms())
        await spool.sweep(range(first, first + NUMBERS))
        assert left() == {delivered, kept, other}, "the first goes when the disk knows that it was delivered"
        await spool.checkpoint()
        assert left() == {kept, other}
        drafts[3].abort()

    through_a_channel(tmp_path / "spool", talk)


def test_what_cannot_be_cleared_away_is_said_and_left_to_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ListLog()

    async def go() -> None:
        spool = FilesystemSpool(tmp_path, clock=SystemClock(), log=log)
        await spool.begin().write(b"long\n" * 50_000)

        def sick(path: str) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(spool.disk, "unlink", sick)
        await spool.sweep(range(NUMBERS))
        monkeypatch.undo()
        await spool.close()

    asyncio.run(go())
    assert log.lines == ["courierd: texts of a process that has ended are left behind: Input/output error"]
    assert len(list((tmp_path / "texts").iterdir())) == 1
