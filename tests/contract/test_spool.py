"""What every spool promises, whatever it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Deferred, Dialogue, Failed, Relayed
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, Queued, Spool, State
from courier_runtime.spool.memory import MemorySpool
from runtime.spools import NOON, StandingClock, envelope, lease_one, open_spool, put, run, served, text_of

Opened = Callable[[], AbstractAsyncContextManager[Spool]]


@pytest.fixture(params=["memory", "filesystem"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def memory() -> AsyncIterator[Spool]:
        yield MemorySpool(StandingClock())

    @asynccontextmanager
    async def filesystem() -> AsyncIterator[Spool]:
        spool = open_spool(tmp_path / "spool")
        yield spool
        await spool.close()

    return memory if request.param == "memory" else filesystem


EVERYTHING = Envelope(
    "",
    (Recipient("ü@example.com", "alias@example.com", Notify.SUCCESS | Notify.DELAY), Recipient("\udcff@example.com")),
    source="authsmtp",
    origin="dns; cli (mx [::1])",
    login="anna",
    envelope_id="QQ+2B1",
    returns="headers",
    verp=True,
    smtputf8=True,
    eight_bit=True,
    security="starttls",
    virtual_host="example.com",
    is_tracked=True,
    variables={"RELAYCLIENT": "", "TCPREMOTEIP": "::1"},
    delivered_to_alias=(Recipient("list@example.com", notify=Notify.SUCCESS),),
    submit_delay=0.0,
)


def test_what_is_committed_comes_back_as_it_went_in(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [name] = await put(spool, b"Subject: x\n\n\x00\xff\n", EVERYTHING)
            message = await lease_one(spool)
            assert message.id == name
            assert message.envelope == EVERYTHING
            assert text_of(message) == b"Subject: x\n\n\x00\xff\n"
            assert message.text is not None
            assert message.size == message.text.size == 15
            assert message.progress == (Progress(), Progress())
            assert (message.attempts, message.is_warned, message.is_held, message.cancelled) == (0, False, False, ())

    run(story())


@pytest.mark.parametrize("size", [10, 70_000, 700_000])
def test_a_draft_knows_its_name_and_shows_its_text_before_it_is_committed(opened: Opened, size: int) -> None:
    async def story() -> None:
        async with opened() as spool:
            draft = spool.begin()
            for at in range(0, size, 7000):
                await draft.write(b"%07d" % at * 1000 if at + 7000 <= size else b"y" * (size - at))
            text = draft.text()
            before = b"".join(text.chunks())
            assert len(before) == text.size == size
            names = await draft.commit([envelope(), envelope()], Terms())
            assert names[0] == draft.id
            assert text_of((await spool.lease(1, NOON))[0]) == before

    run(story())


def test_times_are_fixed_at_acceptance(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await put(spool, b"x")
            message = await lease_one(spool)
            terms = Terms()
            assert message.arrived == message.due == NOON
            assert message.expires == NOON + terms.queue == NOON + 604800
            assert message.fax_expires == NOON + 28800
            assert message.warns == NOON + 14400

    run(story())


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 700_000])
def test_texts_of_every_size_come_back(opened: Opened, size: int) -> None:
    text = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def story() -> None:
        async with opened() as spool:
            draft = spool.begin()
            for at in range(0, size, 10_000):
                await draft.write(text[at : at + 10_000])
            await draft.commit([envelope()], Terms())
            message = await lease_one(spool)
            assert text_of(message) == text
            assert message.text is not None
            assert all(len(chunk) <= 65536 for chunk in message.text.chunks())
            await spool.remove(served(message))
            assert list(spool.scan()) == []

    run(story())


def test_pieces_of_one_message_share_text_and_time(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            names = await put(spool, b"x", envelope("a@x.org"), envelope("b@x.org"), envelope("c@x.org"))
            assert len({name.serial for name in names}) == 3
            assert len({name.public for name in names}) == 1
            leased = await spool.lease(10, NOON)
            assert [one.envelope.recipients[0].address for one in leased] == ["a@x.org", "b@x.org", "c@x.org"]
            await spool.remove(served(leased[0]))
            assert [text_of(one) for one in leased[1:]] == [b"x", b"x"]

    run(story())


def test_no_two_messages_have_one_name(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            names = [await put(spool, b"x") for _ in range(5)]
            assert len({name.serial for [name] in names}) == 5
            assert len({name.public for [name] in names}) == 5

    run(story())


def test_an_aborted_draft_leaves_nothing(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            for size in (10, 100_000):
                draft = spool.begin()
                await draft.write(b"x" * size)
                draft.abort()
                draft.abort()
            assert list(spool.scan()) == []
            assert spool.next_due() is None

    run(story())


def test_abort_after_commit_does_nothing(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            draft = spool.begin()
            await draft.write(b"x" * 100_000)
            await draft.commit([envelope()], Terms())
            draft.abort()
            assert text_of(await lease_one(spool)) == b"x" * 100_000

    run(story())


def test_a_taker_gets_fresh_messages_leased(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            taken: list[Queued] = []

            def take(message: Queued) -> bool:
                taken.append(message)
                return len(taken) == 1

            spool.attend(take)
            [first] = await put(spool, b"one")
            [second] = await put(spool, b"two")
            assert [one.id for one in taken] == [first, second]
            assert taken[0].text is not None
            assert taken[0].text.whole() == b"one"
            assert (await lease_one(spool)).id == second, "the first is taken, the second was left"
            spool.attend(None)
            await put(spool, b"three")
            assert len(taken) == 2

    run(story())


def test_a_taker_can_read_all_of_a_text_however_long(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            taken: list[Queued] = []

            def take(message: Queued) -> bool:
                taken.append(message)
                return True

            spool.attend(take)
            for size in (10, 300_000):
                await put(spool, b"x" * size)
            assert [len(text_of(one)) for one in taken] == [10, 300_000]
            assert [one.text is not None and one.text.size for one in taken] == [10, 300_000]

    run(story())


def test_a_leased_message_is_nobody_elses(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await put(spool, b"x")
            message = await lease_one(spool)
            assert not await spool.lease(10, NOON + 1e6)
            assert spool.next_due() is None
            spool.release(message)
            assert spool.next_due() == NOON
            assert (await lease_one(spool)).id == message.id

    run(story())


def test_leases_come_oldest_first_and_no_more_than_asked_for(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            for number in range(5):
                await put(spool, b"x", envelope(f"{number}@x.org", submit_delay=float(5 - number)))
            assert spool.next_due() == NOON + 1
            assert not await spool.lease(10, NOON)
            leased = await spool.lease(2, NOON + 100)
            assert [one.envelope.recipients[0].address for one in leased] == ["4@x.org", "3@x.org"]
            assert [one.due for one in await spool.lease(10, NOON + 4)] == [NOON + 3, NOON + 4]

    run(story())


def test_what_is_settled_comes_back_with_its_history(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await put(spool, b"x", envelope("a@x.org", "b@x.org", "c@x.org", "d@x.org"))
            message = await lease_one(spool)
            said = Dialogue("mx [1.2.3.4]", "timeout", ("DATA",), ("451 later", "451 on"), True)
            tried = replace(
                message,
                progress=(
                    Progress(State.DONE, Relayed(said, reports=True), NOON),
                    Progress(State.FAILED, Failed(said, is_remembered=False), NOON + 1),
                    Progress(State.PENDING, Deferred(said), NOON + 2),
                    Progress(),
                ),
                attempts=3,
                due=NOON + 300,
                is_warned=True,
            )
            await spool.settle(tried)
            assert not await spool.lease(10, NOON + 299)
            again = await lease_one(spool, NOON + 300)
            assert again == tried
            assert again.pending == (2, 3)

    run(story())


def test_outcomes_are_recorded_while_the_lease_goes_on(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await put(spool, b"x", envelope("a@x.org", "b@x.org"))
            message = await lease_one(spool)
            half = served(message, 1)
            await spool.record(half, [1])
            assert not await spool.lease(10, NOON)
            assert next(iter(spool.scan())).pending == (0,)
            spool.release(half)
            assert (await lease_one(spool)).pending == (0,), "giving the lease back does not forget it"

    run(story())


def test_a_removed_message_is_gone(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [name] = await put(spool, b"x")
            await spool.remove(served(await lease_one(spool)))
            assert list(spool.scan()) == []
            assert not await spool.change(name, due=NOON)
            assert not await spool.lease(10, NOON + 1e9)

    run(story())


def test_settling_without_a_lease_is_a_defect(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await put(spool, b"x")
            message = await lease_one(spool)
            spool.release(message)
            with pytest.raises(AssertionError):
                await spool.settle(message)
            with pytest.raises(AssertionError):
                await spool.remove(message)

    run(story())


def test_change_flushes_holds_frees_and_cancels(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [name] = await put(spool, b"x", envelope(submit_delay=1000.0))
            assert await spool.change(name, due=NOON)
            assert spool.next_due() == NOON
            assert await spool.change(name, held=True)
            assert spool.next_due() is None
            assert not await spool.lease(10, NOON + 1e6)
            assert next(iter(spool.scan())).is_held
            assert await spool.change(name, held=False)
            message = await lease_one(spool)
            assert not message.is_held
            await spool.settle(replace(message, due=NOON + 500))
            assert await spool.change(name, cancelled=("Cancelled.", "Sorry."))
            assert (await lease_one(spool)).cancelled == ("Cancelled.", "Sorry.")

    run(story())


def test_a_flush_lets_nobody_wait_longer_and_holds_nobody_less(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            for address in ("early@x.org", "late@x.org", "held@x.org"):
                await put(spool, b"x", envelope(address))
            for number, message in enumerate(await spool.lease(10, NOON)):
                await spool.settle(replace(message, due=NOON + 10 + number * 100))
                if number == 2:
                    await spool.change(message.id, held=True)
            await spool.flush(NOON + 50)
            leased = await spool.lease(10, NOON + 50)
            assert [one.envelope.recipients[0].address for one in leased] == ["early@x.org", "late@x.org"]
            assert [one.due for one in leased] == [NOON + 10, NOON + 50]
            assert len(spool) == 3
            assert spool.next_due() is None

    run(story())


def test_cancelling_frees_what_is_held(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [name] = await put(spool, b"x")
            await spool.change(name, held=True)
            await spool.change(name, cancelled=("no",))
            assert (await lease_one(spool)).cancelled == ("no",)

    run(story())


def test_changes_of_a_leased_message_take_effect_when_it_is_settled(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [first] = await put(spool, b"x", envelope("a@x.org"))
            [second] = await put(spool, b"x", envelope("b@x.org"))
            leased = {one.id: one for one in await spool.lease(10, NOON)}
            assert await spool.change(first, held=True)
            assert await spool.change(second, cancelled=("no",))
            for message in leased.values():
                await spool.settle(replace(message, due=NOON + 300))
            assert (await lease_one(spool, NOON)).id == second
            assert not await spool.lease(10, NOON + 1e6)

    run(story())


def test_an_unknown_name_changes_nothing(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            [name] = await put(spool, b"x")
            assert not await spool.change(MessageId(name.serial, name.time + 1, name.pid), held=True)
            assert not await spool.change(MessageId(name.serial + 1, name.time, name.pid), held=True)
            assert not next(iter(spool.scan())).is_held

    run(story())


def test_many_at_once_do_not_disturb_each_other(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            await asyncio.gather(*(put(spool, b"%d" % n, envelope(f"{n}@x.org")) for n in range(200)))
            leased = await spool.lease(1000, NOON)
            assert {one.envelope.recipients[0].address: text_of(one) for one in leased} == {
                f"{n}@x.org": b"%d" % n for n in range(200)
            }
            await asyncio.gather(*(spool.remove(served(one)) for one in leased))
            assert list(spool.scan()) == []

    run(story())


def test_there_is_room(opened: Opened) -> None:
    async def story() -> None:
        async with opened() as spool:
            octets, inodes = spool.free
            assert octets > 1 << 20
            assert inodes > 0

    run(story())
