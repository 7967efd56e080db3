"""What is left of a message in the archive, and that it is there before the queue has forgotten it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Delivered, Dialogue, Failed, Relayed
from courier_runtime.mail.terms import Terms
from courier_runtime.queue import archive, worker
from courier_runtime.queue.archive import day_of, queue_file, store
from courier_runtime.seams import Progress, Queued, State
from courier_runtime.spool.composition import accepted
from courier_runtime.spool.memory import MemorySpool
from courier_runtime.spool.texts import HeldText
from runtime.queues import LATER, NEVER, Scene, snapshot
from runtime.spools import DELIVERED, NOON, crash, envelope, open_spool, put, run

NAME = MessageId(33, 0x6B02B497, 0x1054)
RICH = Envelope(
    "alice@example.com",
    (Recipient("bob@example.com", "b+x@y", Notify.FAILURE | Notify.DELAY), Recipient("joe@example.org")),
    source="authsmtp",
    origin="dns; cli.example (mx.example.com [::ffff:127.0.0.1])",
    login="anna",
    envelope_id="QQ+2B1",
    returns="full",
    verp=True,
    smtputf8=True,
    eight_bit=True,
    security="starttls",
    virtual_host="127.0.0.9",
    is_tracked=True,
    variables={"RELAYCLIENT": "", "TCPREMOTEIP": "::ffff:127.0.0.1"},
    delivered_to_alias=(Recipient("list1@example.com"),),
    submit_delay=0.0,
)
REFUSED = Failed(Dialogue("[127.0.0.10] [127.0.0.10]", sent=("DATA",), replies=("550 a rejected",), is_smtp=True))


def finished(envelope: Envelope, *outcomes: tuple[Delivered | Relayed | Failed, float]) -> Queued:
    """A message with these outcomes, each so many seconds after noon."""
    message = accepted(NAME, envelope, Terms(), NOON, 5, HeldText(b"hello"))
    states = ((State.FAILED if isinstance(last, Failed) else State.DONE, last, NOON + at) for last, at in outcomes)
    return replace(message, progress=tuple(Progress(*one) for one in states))


def archived(tmp_path: Path) -> Path:
    """Where a tree keeps its archive that says /archive."""
    return tmp_path / "root/archive"


def scene(tmp_path: Path) -> Scene:
    archived(tmp_path).mkdir(parents=True)
    return Scene(snapshot(tmp_path, courierd="ARCHIVEDIR=/archive"))


def kept(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(archived(tmp_path))) for path in archived(tmp_path).rglob("*"))


def test_a_queue_file_says_all_that_courier_would_say_and_in_its_order() -> None:
    message = finished(RICH, (REFUSED, 3), (Delivered(Dialogue(replies=("Message delivered.",))), 2))
    assert queue_file(message, NOON + 4).decode().splitlines() == [
        "salice@example.com", "fdns; cli.example (mx.example.com [::ffff:127.0.0.1])", "eQQ+2B1",
        "tF", f"M{NAME}", "L0", "rbob@example.com", "Rb+x@y", "NFD", "rjoe@example.org", "R", "N",
        "rlist1@example.com", "R", "N", "I2 R 250 Ok - delivered to alias.", "S2 1800000000 r",
        "m", "8", "v127.0.0.9", "USTARTTLS", "V", "ianna", "ORELAYCLIENT=", "OTCPREMOTEIP=::ffff:127.0.0.1",
        "uauthsmtp", "E1800604800", "p1800028800", "W1800014400", "T", "A1800000000",
        "I1 R Message delivered.", "S1 1800000002 l",
        "I0 P [127.0.0.10] [127.0.0.10]", "I0 S DATA", "I0 T smtp", "I0 R 550 a rejected", "F0 1800000003",
        "C1800000004",
    ]  # fmt: skip


def test_what_another_server_took_tells_whether_it_sends_receipts() -> None:
    message = finished(envelope("a@x.org", "b@x.org"), (Relayed(reports=True), 1), (Relayed(reports=False), 1))
    lines = queue_file(message, NOON).decode().splitlines()
    assert lines[-3:] == ["S0 1800000001", "S1 1800000001 r", "C1800000000"]


def test_a_trouble_of_the_network_has_its_line() -> None:
    message = finished(envelope(), (Failed(Dialogue("mx [::1]", network_error="Connection refused")), 1))
    assert b"\nI0 P mx [::1]\nI0 C Connection refused\nF0 1800000001\n" in queue_file(message, NOON)


@pytest.mark.parametrize(("terms", "is_warned"), [(Terms(warning=0.0), False), (Terms(), True)])
def test_a_message_whose_sender_is_not_warned_any_more_says_so(terms: Terms, is_warned: bool) -> None:
    message = replace(accepted(NAME, envelope(), terms, NOON, 5, None), is_warned=is_warned)
    warns = NOON + terms.warning
    assert f"\nw\nulocal\nE1800604800\np1800028800\nW{warns:.0f}\nA".encode() in queue_file(message, NOON)


def test_reasons_of_a_cancellation_stand_before_what_failed_for_them() -> None:
    reasons = ("because", "of\nF0 1")
    given_up = Failed(Dialogue(replies=reasons), is_remembered=False)
    done = finished(envelope("a@x.org", "b@x.org"), (given_up, 9), (Delivered(), 1))
    assert queue_file(replace(done, cancelled=reasons), NOON + 9).decode().splitlines()[-7:] == [
        "S1 1800000001 l", "Xbecause", "Xof F0 1", "I0 R because", "I0 R of F0 1", "F0 1800000009", "C1800000009",
    ]  # fmt: skip


def test_addresses_of_any_bytes_come_out_as_they_went_in() -> None:
    message = finished(envelope("\udcff@x.org", sender="é@x.org"), (Delivered(), 1))
    content = queue_file(message, NOON)
    assert content.startswith("sé@x.org\n".encode())
    assert b"\nr\xff@x.org\n" in content


def test_a_message_is_kept_under_the_day_of_its_end_for_the_group_to_read(tmp_path: Path) -> None:
    message = finished(envelope(), (Delivered(), 1))
    day = day_of(tmp_path, NOON)
    store(day, message, NOON + 9)
    assert day == tmp_path / time.strftime("%Y.%m.%d", time.localtime(NOON))
    assert sorted(path.name for path in day.iterdir()) == ["C33", "D33"]
    assert (day / "C33").read_bytes() == queue_file(message, NOON + 9)
    assert (day / "D33").read_bytes() == b"hello"
    assert day.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in day.iterdir()} == {0o660}
    assert [(day / name).stat().st_mtime for name in ("D33", "C33")] == [NOON, NOON + 9]


def test_remains_of_a_crash_are_overwritten(tmp_path: Path) -> None:
    day = day_of(tmp_path, NOON)
    day.mkdir()
    for name in (".C33", ".D33", "D33"):
        (day / name).write_bytes(b"x" * 1000)
    store(day, finished(envelope(), (Delivered(), 1)), NOON)
    assert sorted(path.name for path in day.iterdir()) == ["C33", "D33"]
    assert (day / "D33").read_bytes() == b"hello"


def test_a_text_that_ends_too_early_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    class Short(HeldText):
        def chunks(self) -> Sequence[bytes]:
            raise OSError("it ends before the text does")

    day = day_of(tmp_path, NOON)
    with pytest.raises(OSError, match="it ends"):
        store(day, replace(finished(envelope(), (Delivered(), 1)), text=Short(b"")), NOON)
    assert not [path for path in day.iterdir() if not path.name.startswith(".")]


def test_whatever_is_finished_is_archived_delivered_or_not(tmp_path: Path) -> None:
    here = scene(tmp_path)
    here.local.outcomes = {"never@here": [NEVER], "later@here": [LATER] * 9}

    async def story() -> None:
        async with here.running() as queue:
            names = [(await put(here.spool, b"x", envelope(f"{one}@here")))[0] for one in ("a", "never", "later")]
            await here.calm(queue)
            day = day_of(Path(), NOON).name
            assert kept(tmp_path) == [day, f"{day}/C1", f"{day}/C2", f"{day}/D1", f"{day}/D2"]
            await queue.cancel(names[2])
            await here.calm(queue)
            assert [name.rpartition("/")[2] for name in kept(tmp_path)[1:]] == ["C1", "C2", "C3", "D1", "D2", "D3"]
            assert not len(here.spool)

    run(story())
    assert not here.lines.errors


def test_without_an_archive_nothing_is_recorded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Scene(snapshot(tmp_path))
    monkeypatch.setattr(MemorySpool, "record", None)

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await here.calm(queue)
            assert not len(here.spool)

    run(story())


def test_a_message_that_cannot_be_archived_is_complained_of_once_and_goes(tmp_path: Path) -> None:
    here = scene(tmp_path)
    archived(tmp_path).rmdir()

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await here.calm(queue)
            assert not len(here.spool)

    run(story())
    place = day_of(archived(tmp_path), NOON) / "D1"
    assert here.lines.errors == [f"courierd: Unable to move D1 to {place}: No such file or directory"]


def test_the_disk_is_waited_for_outside_of_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scene(tmp_path)
    threads: list[threading.Thread] = []

    def seen(day: Path, message: Queued, now: float) -> None:
        threads.append(threading.current_thread())
        archive.store(day, message, now)

    monkeypatch.setattr(worker, "store", seen)

    async def story() -> None:
        async with here.running() as queue:
            await put(here.spool, b"x", envelope("a@here"))
            await here.calm(queue)

    run(story())
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_a_crash_before_the_queue_has_forgotten_archives_again_and_delivers_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = scene(tmp_path)
    stored: list[Queued] = []
    dead, go = threading.Event(), threading.Event()

    def die(day: Path, message: Queued, now: float) -> None:
        stored.append(message)
        archive.store(day, message, now)
        dead.set()
        go.wait()

    monkeypatch.setattr(worker, "store", die)

    async def first_life() -> None:
        spool = here.spool = open_spool(tmp_path / "spool", here.clock)
        task = asyncio.create_task(here.queue().run(lambda: None))
        await asyncio.sleep(0)
        await put(spool, b"x", envelope("a@here", "b@here"))
        await asyncio.to_thread(dead.wait)
        crash(spool)
        task.cancel()
        go.set()
        await asyncio.gather(task, return_exceptions=True)

    async def second_life() -> None:
        here.spool = open_spool(tmp_path / "spool", here.clock)
        here.local.delivered.clear()
        async with here.running() as queue:
            await here.calm(queue)
        assert not len(here.spool)

    run(first_life())
    assert sorted(here.local.delivered) == ["a@here", "b@here"]
    [before] = [message.progress for message in stored]
    monkeypatch.setattr(worker, "store", lambda day, message, now: stored.append(message))
    run(second_life())
    assert not here.local.delivered
    assert [message.progress for message in stored] == [before, before]
    assert {one.last for one in before} == {DELIVERED}
