"""What becomes of a message in the queue, from its acceptance to the last word about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from courier_runtime.mail.outcome import Delivered, Dialogue, Failed, Relayed
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Job, Queued
from courier_runtime.spool.memory import MemorySpool
from runtime.queues import LATER, NEVER, SAID, Scene, snapshot
from runtime.spools import NOON, envelope, put, run

Made = Callable[..., Scene]


@pytest.fixture
def scene(tmp_path: Path) -> Made:
    return lambda **control: Scene(snapshot(tmp_path, **control))


def hold(here: Scene) -> asyncio.Event:
    """Let local deliveries wait until the event that comes back is set."""
    go = asyncio.Event()

    async def wait(job: Job) -> None:
        await go.wait()

    here.local.before = wait
    return go


def left(scene: Scene) -> list[Queued]:
    return list(scene.spool.scan())


def said(scene: Scene) -> list[str]:
    return [line for line in scene.lines.said if "Waiting." not in line]


def test_a_message_for_one_local_recipient_is_delivered_logged_and_gone(scene: Made) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x" * 233, envelope("bob@here", sender="a@x.org"))
            await here.calm(queue)
            assert here.local.delivered == ["bob@here"]
            assert not left(here)
            assert said(here) == [
                f"courierd: newmsg,id={name}: ",
                f"courierd: started,id={name},from=<a@x.org>,module=local,host=bob!!1!1!/home/bob!!,addr=<bob>",
                f"courierlocal: id={name},from=<a@x.org>,addr=<bob@here>,size=233,success: Message delivered.",
                f"courierd: completed,id={name}",
            ]
            assert here.lines.said[-1] == (
                "courierd: Waiting.  shutdown time=none, wakeup time=none, queuedelivering=0, inprogress=0"
            )

    run(story())


def test_relayed_mail_is_logged_with_its_peer(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [Relayed(Dialogue(peer="mx.far [192.0.2.1]", replies=("250 Taken.",)))]

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)

    run(story())
    assert [line.split("addr=")[1] for line in said(here) if "courieresmtp" in line] == [
        "<a@far>: 250 Taken.",
        "<a@far>,success: delivered: mx.far [192.0.2.1]",
        "<a@far>,status: success",
    ]


def test_recipients_of_one_host_share_a_delivery_up_to_maxrcpt(scene: Made) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            to = ("a@far", "b@near", "c@far", "d@far", "e@far", "f@here", "g@here")
            await put(here.spool, b"x", envelope(*to))
            await here.calm(queue)
            assert not left(here)

    run(story())
    assert sorted(job.addresses for job in here.esmtp.jobs) == [("a@far", "c@far", "d@far"), ("b@near",), ("e@far",)]
    assert sorted(job.addresses for job in here.local.jobs) == [("f",), ("g",)]


def test_deliveries_of_one_message_begin_in_the_order_of_its_recipients(scene: Made) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("f@here", "a@far", "g@here"))
            await here.calm(queue)

    run(story())
    started = [line.rpartition("addr=")[2] for line in said(here) if ": started,id=" in line]
    assert started == ["<f>", "<a@far>", "<g>"]


def test_what_is_deferred_is_tried_again_by_the_timetable(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER, LATER, LATER]

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far", "b@here"))
            await here.calm(queue)
            [message] = left(here)
            assert (message.attempts, message.due, message.pending) == (1, NOON + 300, (0,))
            await here.later(queue, 299)
            assert len(here.esmtp.jobs) == 1
            await here.later(queue, 1)
            assert len(here.esmtp.jobs) == 2
            await here.later(queue, 300)
            [message] = left(here)
            assert (message.attempts, message.due) == (3, NOON + 600 + 1800)
            await here.later(queue, 1800)
            assert not left(here)
            assert here.esmtp.delivered == ["a@far"]
            assert here.local.delivered == ["b@here"], "who is served is not served again"

    run(story())
    assert "courieresmtp: " + said(here)[2].split(": ", 1)[1] in said(here)
    assert any(line.endswith("addr=<a@far>: 451 try later") for line in said(here))
    assert any(line.endswith("addr=<a@far>,status: deferred") for line in said(here))


def test_a_failure_is_reported_and_then_the_message_goes(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [NEVER]

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x", envelope("a@far", "b@here"))
            await here.calm(queue)
            assert here.notices.sent == [("final", ("a@far",), (("550 no such user",),))]
            assert not left(here)
            assert said(here)[-3:] == [
                f"courierd: completed,id={name}",
                f"courierd: started,id={name},from=<>,module=dsn,host=,addr=<anna@example.com>",
                f"courierd: completed,id={name}",
            ]

    run(story())


def test_a_failure_waits_for_recipients_that_are_still_pending(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes = {"a@far": [NEVER], "b@far": [LATER]}

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far", "b@far"))
            await here.calm(queue)
            assert not here.notices.sent
            await here.later(queue, 300)
            assert [one[1] for one in here.notices.sent] == [("a@far",)]
            assert not left(here)

    run(story())


def test_a_message_is_kept_until_its_notice_could_be_queued(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [NEVER]
    here.notices.failures = 1

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            [message] = left(here)
            assert message.pending == ()
            await here.later(queue, 300)
            assert len(here.notices.sent) == 1
            assert len(here.esmtp.jobs) == 1, "the failure is not tried again, only its notice"
            assert not left(here)

    run(story())


def test_a_notifier_that_crashes_keeps_the_message(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [NEVER]
    here.notices.is_crashing = True

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            assert len(left(here)) == 1
            assert "ZeroDivisionError" in here.lines.errors[0]

    run(story())


def test_at_expiry_the_last_deferral_is_what_the_sender_reads(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER] * 100

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            await here.later(queue, 7 * 86400)
            assert here.notices.sent == [("final", ("a@far",), (SAID.replies,))]
            assert not left(here)

    run(story())


def test_a_delay_notice_is_made_once_and_counts_as_an_attempt(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER] * 100

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            minutes = []
            for _ in range(12):
                due = left(here)[0].due
                minutes.append((due - NOON) / 60)
                await here.later(queue, due - here.clock.time)
            assert minutes == [5, 10, 40, 45, 50, 110, 115, 120, 240, 245, 365, 370]
            assert [one[0] for one in here.notices.sent] == ["delay"]
            assert any("module=dsn,host=deferred,addr=<anna@example.com>" in line for line in said(here))

    run(story())


def test_a_delay_notice_that_fails_is_tried_at_the_next_attempt(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER] * 100
    here.notices.failures = 1

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            await here.later(queue, 4 * 3600)
            assert not left(here)[0].is_warned
            await here.later(queue, 3600)
            assert left(here)[0].is_warned
            assert len(here.notices.sent) == 1

    run(story())


def test_mail_that_is_late_goes_to_the_backup_relay_at_once(scene: Made) -> None:
    here = scene(backuprelay="backup.example")
    here.esmtp.outcomes["a@far"] = [LATER, LATER]

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            await here.later(queue, 4 * 3600)
            assert [job.hop.host for job in here.esmtp.jobs] == ["far", "far", "backup.example"]
            assert not left(here)
            assert not here.notices.sent

    run(story())


@pytest.mark.parametrize(("to", "state"), [("x@nowhere", "failure"), ("x@busy", "deferred")])
def test_a_router_may_refuse(scene: Made, to: str, state: str) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope(to))
            await here.calm(queue)
            assert len(left(here)) == (state == "deferred")
            assert len(here.notices.sent) == (state == "failure")

    run(story())
    assert any(line.startswith("courierd: id=") and line.endswith(f"status: {state}") for line in said(here))


def test_whom_a_transport_leaves_out_is_deferred(scene: Made) -> None:
    here = scene()

    class Forgetful:
        async def deliver(self, job: Job) -> dict[int, Delivered]:
            return {job.recipients[0]: Delivered()}

    here.esmtp = Forgetful()  # type: ignore[assignment] # a transport all the same

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far", "b@far"))
            await here.calm(queue)
            assert left(here)[0].pending == (1,)

    run(story())


def test_a_transport_that_crashes_defers_and_is_logged(scene: Made) -> None:
    here = scene()

    async def explode(job: Job) -> None:
        raise ZeroDivisionError

    here.local.before = explode

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await here.calm(queue)
            assert left(here)[0].pending == (0,)
            assert left(here)[0].attempts == 1
            here.local.before = None
            await here.later(queue, 300)
            assert here.local.delivered == ["a@here"]

    run(story())
    assert "ZeroDivisionError" in here.lines.errors[0]


def test_failures_of_tracked_mail_are_remembered_and_others_not(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes = {
        "a@far": [NEVER],
        "b@far": [LATER],
        "c@far": [Failed(SAID, is_remembered=False)],
    }

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far", "b@far", "c@far", "d@far", is_tracked=True))
            await put(here.spool, b"x", envelope("e@far"))
            await here.calm(queue)

    run(story())
    assert sorted(here.memory.recorded) == [("a@far", "Failed"), ("b@far", "Deferred"), ("d@far", "Delivered")]


# ---- people's orders


def test_flush_makes_one_or_all_due_now(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes = {"a@far": [LATER, LATER], "b@far": [LATER]}

    async def story() -> None:
        async with here.running() as queue:
            [first] = await put(here.spool, b"x", envelope("a@far"))
            await put(here.spool, b"x", envelope("b@far"))
            await here.calm(queue)
            assert await queue.flush(first)
            await here.calm(queue)
            assert len(here.esmtp.jobs) == 3
            assert await queue.flush()
            await here.calm(queue)
            assert sorted(here.esmtp.delivered) == ["a@far", "b@far"]
            assert not await queue.flush(first)

    run(story())


def test_what_is_held_is_not_tried_until_it_is_released(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER]

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            assert await queue.hold(name)
            await here.later(queue, 86400)
            assert len(here.esmtp.jobs) == 1
            assert await queue.release(name)
            await here.calm(queue)
            assert here.esmtp.delivered == ["a@far"]

    run(story())


def test_cancelling_fails_who_is_pending_with_the_reasons_given(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER]

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x", envelope("a@far", "b@here"))
            await here.calm(queue)
            assert await queue.cancel(name, ("Not wanted.", "Sorry."))
            await here.calm(queue)
            assert here.notices.sent == [("final", ("a@far",), (("Not wanted.", "Sorry."),))]
            assert len(here.esmtp.jobs) == 1
            assert not left(here)

    run(story())


def test_cancelling_lets_deliveries_under_way_finish(scene: Made) -> None:
    here = scene()
    go = hold(here)

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x", envelope(*(f"{n}@here" for n in range(12))))
            await asyncio.sleep(0.01)
            assert queue.counts().running == 10
            await queue.cancel(name)
            go.set()
            await here.calm(queue)
            assert len(here.local.delivered) == 10
            assert here.notices.sent[0][2] == (("Message cancelled.",),) * 2
            assert not left(here)

    run(story())


def test_the_queue_can_be_counted_and_listed(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER]

    async def story() -> None:
        async with here.running() as queue:
            [name] = await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            counts = queue.counts()
            assert (counts.messages, counts.in_hand, counts.running) == (1, 0, 0)
            assert [message.id for message in queue.list()] == [name]

    run(story())


# ---- limits, delays, stopping


def test_modules_and_hosts_keep_to_their_limits(scene: Made) -> None:
    here = scene()
    running: list[str] = []
    most = {"here": 0, "one": 0}

    async def wait(job: Job) -> None:
        running.append(job.hop.host)
        most["here"] = max(most["here"], len(running))
        most["one"] = max(most["one"], running.count("far"))
        await asyncio.sleep(0.001)
        running.remove(job.hop.host)

    here.local.before = here.esmtp.before = wait

    async def story() -> None:
        async with here.running() as queue:
            for n in range(60):
                await put(here.spool, b"x", envelope(f"{n}@here"))
            await here.calm(queue)
            assert most["here"] == 10
            for n in range(20):
                await put(here.spool, b"x", envelope(f"{n}@far"))
            await here.calm(queue)
            assert most["one"] == 4
            assert not left(here)

    run(story())


def test_a_submission_delay_is_kept(scene: Made) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here", submit_delay=60.0))
            await here.calm(queue)
            assert not here.local.jobs
            await here.later(queue, 60)
            assert here.local.delivered == ["a@here"]

    run(story())


def test_time_alone_wakes_the_queue(scene: Made) -> None:
    here = scene()

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"), terms=Terms(delay=0.05))
            assert not here.local.jobs
            here.clock.time += 0.05
            await asyncio.sleep(0.2)
            assert here.local.delivered == ["a@here"]
            assert queue.counts().messages == 0

    run(story())


def test_more_messages_than_fit_in_hand_are_all_served(scene: Made) -> None:
    here = scene(queuelo="20", queuehi="30")

    async def story() -> None:
        async with here.running() as queue:
            await asyncio.gather(*(put(here.spool, b"x", envelope(f"{n}@here")) for n in range(300)))
            await here.calm(queue)
            assert sorted(here.local.delivered) == sorted(f"{n}@here" for n in range(300))
            assert not left(here)

    run(story())


def test_a_full_disk_puts_deliveries_off(scene: Made) -> None:
    here = scene()
    here.spool = MemorySpool(here.clock, capacity=10_000_000)

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await here.calm(queue)
            assert left(here)[0].due == NOON + 300
            assert "courierd: Low on disk space." in said(here)
            assert not here.local.jobs

    run(story())


def test_a_local_delivery_that_is_stuck_is_ended(scene: Made) -> None:
    here = scene(localtimeout="10m")

    async def forever(job: Job) -> None:
        await asyncio.sleep(3600)

    here.local.before = forever

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await asyncio.sleep(0.01)
            here.clock.time += 601
            queue.wake()
            await here.calm(queue)
            [message] = left(here)
            assert (message.attempts, message.pending) == (1, (0,))
            assert "stuck delivery" in here.lines.errors[0]

    run(story())


def test_stopping_lets_running_deliveries_finish_and_gives_the_rest_back(scene: Made) -> None:
    here = scene()
    go = hold(here)

    async def story() -> None:
        async with here.running():
            for n in range(12):
                await put(here.spool, b"x", envelope(f"{n}@here"))
            await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_later(0.01, go.set)
        assert len(here.local.delivered) == 10
        again = await here.spool.lease(100, NOON)
        assert len(again) == 2
        assert [one.attempts for one in again] == [0, 0]

    run(story())


def test_stopping_does_not_wait_for_ever(scene: Made) -> None:
    here = scene()

    async def forever(job: Job) -> None:
        if job.addresses == ("b",):
            await asyncio.sleep(3600)

    here.local.before = forever

    async def story() -> None:
        async with here.running(grace=0.02):
            await put(here.spool, b"x", envelope("a@here", "b@here"))
            await asyncio.sleep(0.01)
        [again] = await here.spool.lease(100, NOON)
        assert again.pending == (1,), "what was delivered before is not forgotten"

    run(story())


def test_a_queue_that_is_started_again_goes_on(scene: Made) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER]

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
        async with here.running() as queue:
            await here.later(queue, 300)
            assert here.esmtp.delivered == ["a@far"]

    run(story())


def test_a_new_snapshot_holds_from_the_next_attempt_on(scene: Made, tmp_path: Path) -> None:
    here = scene()
    here.esmtp.outcomes["a@far"] = [LATER, LATER]

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            new = snapshot(tmp_path / "new", retryalpha="7s")
            await queue.prepare(new)
            queue.adopt(new)
            await here.later(queue, 300)
            assert left(here)[0].due == NOON + 307
            assert here.esmtp.jobs[-1].snapshot is new

    run(story())


def test_a_defect_costs_a_pause_and_not_the_message(scene: Made) -> None:
    here = scene()
    settle = here.spool.settle
    here.esmtp.outcomes["a@far"] = [LATER]

    async def broken(message: Queued) -> None:
        here.spool.settle = settle  # type: ignore[method-assign] # once
        raise ZeroDivisionError

    async def story() -> None:
        async with here.running() as queue:
            here.spool.settle = broken  # type: ignore[method-assign] # the defect
            await put(here.spool, b"x", envelope("a@far"))
            await here.calm(queue)
            assert "ZeroDivisionError" in here.lines.errors[0]
            await here.later(queue, 300)
            assert here.esmtp.delivered == ["a@far"]
            assert not left(here)

    run(story())
