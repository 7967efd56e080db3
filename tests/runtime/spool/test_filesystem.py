"""What only a spool on a file system has to do: restart, share nothing, notice damage, tidy up."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from courier_runtime.mail.outcome import Deferred, Dialogue
from courier_runtime.mail.terms import Terms
from courier_runtime.seams import Progress, Queued, State
from courier_runtime.spool import draft
from courier_runtime.spool.filesystem import FilesystemSpool, boot_id
from courier_runtime.spool.lock import SpoolBusy
from courier_runtime.spool.reading import Reading
from courier_runtime.spool.records import dumps
from courier_schema.report import CourierSiteError
from runtime.spools import NOON, Lines, StandingClock, crash, envelope, lease_one, open_spool, put, run, served, text_of

LATER = Progress(State.PENDING, Deferred(Dialogue(replies=("451 later",))), NOON)


def segments(path: Path) -> list[Path]:
    return sorted((path / "log").iterdir())


def fill(path: Path, *texts: bytes) -> None:
    """A life in which these messages were accepted."""

    async def story() -> None:
        spool = open_spool(path)
        for number, text in enumerate(texts):
            await put(spool, text, envelope(f"{number}@x.org"))
        crash(spool)

    run(story())


def found(path: Path, log: Lines | None = None, boot: str = "first") -> dict[str, bytes]:
    """What the next life finds, by recipient."""

    async def story() -> dict[str, bytes]:
        spool = open_spool(path, log=log, boot=boot)
        leased = await spool.lease(1000, NOON + 1e9)
        crash(spool)
        return {one.envelope.recipients[0].address: text_of(one) for one in leased}

    return run(story())


# ---- restarts


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    async def first() -> tuple[Queued, ...]:
        spool = open_spool(tmp_path)
        await put(spool, b"small", envelope("a@x.org", "b@x.org"))
        await put(spool, b"large" * 50_000, envelope("c@x.org"))
        [held] = await put(spool, b"held", envelope("d@x.org"))
        [cancelled] = await put(spool, b"cancelled", envelope("e@x.org"))
        one, two, *_ = await spool.lease(2, NOON)
        tried = replace(one, progress=(LATER, Progress()), attempts=1, due=NOON + 300, is_warned=True)
        await spool.settle(tried)
        await spool.record(served(two), [0])
        await spool.change(held, held=True)
        await spool.change(cancelled, cancelled=("no",))
        crash(spool)
        return tried, served(two)

    async def second(tried: Queued, recorded: Queued) -> None:
        spool = open_spool(tmp_path)
        assert len(spool) == 4
        by_address = {one.envelope.recipients[0].address: one for one in spool.scan()}
        assert by_address["a@x.org"] == tried
        assert by_address["c@x.org"].progress == recorded.progress
        assert text_of(by_address["c@x.org"]) == b"large" * 50_000
        assert by_address["d@x.org"].is_held
        assert by_address["e@x.org"].cancelled == ("no",)
        leased = await spool.lease(10, NOON)
        assert {one.envelope.recipients[0].address for one in leased} == {"c@x.org", "e@x.org"}
        await spool.close()

    run(second(*run(first())))


def test_a_flush_is_remembered_and_counts_for_what_waited_then(tmp_path: Path) -> None:
    async def first() -> None:
        spool = open_spool(tmp_path)
        await put(spool, b"x", envelope("before@x.org"), envelope("again@x.org"))
        for message in await spool.lease(2, NOON):
            await spool.settle(replace(message, due=NOON + 100))
        await spool.flush(NOON)
        [_, again] = await spool.lease(2, NOON)
        await spool.settle(replace(again, due=NOON + 200))
        await put(spool, b"x", envelope("after@x.org", submit_delay=300.0))
        crash(spool)

    async def second() -> None:
        spool = open_spool(tmp_path)
        dues = {one.envelope.recipients[0].address: one.due for one in spool.scan()}
        assert dues == {"before@x.org": NOON, "again@x.org": NOON + 200, "after@x.org": NOON + 300}
        crash(spool)

    run(first())
    run(second())


def test_a_restart_uses_no_number_twice(tmp_path: Path) -> None:
    serials = []
    for life in range(4):

        async def story(life: int) -> list[int]:
            spool = open_spool(tmp_path)
            draft = spool.begin()
            await draft.write(b"x" * 100_000)
            names = [name for _ in range(3) for name in await put(spool, b"x")]
            for message in await spool.lease(10, NOON):
                await spool.remove(served(message))
            if life % 2:
                await spool.close()
            else:
                crash(spool)
            return [draft.id.serial, *(name.serial for name in names)]

        serials += run(story(life))
    assert len(set(serials)) == len(serials) == 16


def test_texts_that_were_never_committed_are_gone_after_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path)
        await spool.begin().write(b"x" * 100_000)
        assert len(list((tmp_path / "texts").iterdir())) == 1
        crash(spool)
        crash(open_spool(tmp_path))

    run(story())
    assert not list((tmp_path / "texts").iterdir())


def test_a_cancelled_commit_keeps_its_text(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path)
        for size in (10, 100_000):
            draft = spool.begin()
            await draft.write(b"x" * size)
            task = asyncio.create_task(draft.commit([envelope()], Terms()))
            while not spool._log._waiting and not spool._log._is_busy:
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            draft.abort()
            await spool._log.drain()
        assert sorted(len(text_of(one)) for one in await spool.lease(9, NOON)) == [10, 100_000]
        await spool.close()

    run(story())


def test_an_aborted_draft_in_the_middle_of_a_write_leaves_no_file(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path)
        draft = spool.begin()
        task = asyncio.create_task(draft.write(b"x" * 1_000_000))
        await asyncio.sleep(0)
        task.cancel()
        draft.abort()
        await asyncio.gather(task, return_exceptions=True)
        await spool.close()

    run(story())
    assert not list((tmp_path / "texts").iterdir())


# ---- one owner


def test_a_second_process_is_told_who_owns_the_spool(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from pathlib import Path; "
        "from runtime.spools import open_spool; open_spool(Path(sys.argv[1]))"
    )
    tests = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), tests], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"{tmp_path} is in use by the process {os.getpid()}" in done.stderr
    with pytest.raises(SpoolBusy):
        open_spool(tmp_path)
    crash(spool)
    crash(open_spool(tmp_path))


def test_a_directory_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CourierSiteError, match="cannot be used: Not a directory"):
        open_spool(tmp_path / "file" / "spool")


# ---- damage


@pytest.mark.parametrize("end", [b"\0" * 5000, b"\0", b"garbage" * 100], ids=["zeros", "a zero", "garbage"])
def test_an_unfinished_end_is_dropped_and_does_not_come_back(tmp_path: Path, end: bytes) -> None:
    fill(tmp_path, b"one", b"two")
    with segments(tmp_path)[-1].open("ab") as file:
        file.write(end)
    log = Lines()
    assert found(tmp_path, log) == {"0@x.org": b"one", "1@x.org": b"two"}
    assert not log.errors
    assert f"{len(end)} bytes of an unfinished write" in log.said[0]
    log = Lines()
    assert len(found(tmp_path, log)) == 2
    assert not log.said, "the next segment says where this one ends"


def test_a_torn_end_costs_only_what_was_not_promised(tmp_path: Path) -> None:
    fill(tmp_path, b"one", b"two")
    [segment] = segments(tmp_path)
    content = segment.read_bytes()
    for cut in range(1, 40):
        segment.write_bytes(content[:-cut])
        log = Lines()
        assert found(tmp_path, log) == {"0@x.org": b"one"}
        assert not log.errors
        for later in segments(tmp_path)[1:]:
            later.unlink()


def test_damage_in_the_middle_is_reported_once_and_kept_aside(tmp_path: Path) -> None:
    fill(tmp_path, b"one", b"two", b"three")
    [segment] = segments(tmp_path)
    content = bytearray(segment.read_bytes())
    content[content.index(b"two")] ^= 4
    segment.write_bytes(content)
    log = Lines()
    assert found(tmp_path, log) == {"0@x.org": b"one", "2@x.org": b"three"}
    [kept] = (tmp_path / "damaged").iterdir()
    assert b"swo" in kept.read_bytes() or b"pwo" in kept.read_bytes()
    assert len(log.errors) == 1
    assert str(kept) in log.errors[0]
    log = Lines()
    found(tmp_path, log)
    assert not log.errors


def test_a_damaged_header_of_an_old_segment_costs_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path, b"one", b"two")
    found(tmp_path)
    first = segments(tmp_path)[0]
    content = bytearray(first.read_bytes())
    content[12] ^= 1
    first.write_bytes(content)
    log = Lines()
    assert found(tmp_path, log) == {"0@x.org": b"one", "1@x.org": b"two"}
    assert len(log.errors) == 1


def test_a_message_whose_head_is_damaged_under_our_hands_is_held(tmp_path: Path) -> None:
    async def story() -> None:
        log = Lines()
        spool = open_spool(tmp_path, log=log)
        await put(spool, b"one", envelope("unlucky@x.org"))
        await put(spool, b"two", envelope("lucky@x.org"))
        [segment] = segments(tmp_path)
        content = segment.read_bytes()
        with segment.open("r+b") as file:
            file.seek(content.index(b"unlucky"))
            file.write(b"X")
        [message] = await spool.lease(10, NOON)
        assert message.envelope.recipients[0].address == "lucky@x.org"
        assert "cannot be read and is held" in log.errors[0]
        assert len(spool) == 2
        assert not await spool.lease(10, NOON + 1e9)
        crash(spool)

    run(story())


def damage(file: Path, at: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        byte = opened.read(1)
        opened.seek(at)
        opened.write(bytes([byte[0] ^ 4]))


@pytest.mark.parametrize("at", [0, 99_999])
def test_a_long_text_that_the_disk_has_damaged_is_held_and_never_delivered(tmp_path: Path, at: int) -> None:
    async def story() -> None:
        log = Lines()
        spool = open_spool(tmp_path, log=log)
        await put(spool, b"L" * 100_000, envelope("unlucky@x.org"))
        [text] = (tmp_path / "texts").iterdir()
        await put(spool, b"M" * 100_000, envelope("lucky@x.org"))
        damage(text, at)
        [message] = await spool.lease(10, NOON)
        assert message.envelope.recipients[0].address == "lucky@x.org"
        assert text_of(message) == b"M" * 100_000
        assert f"cannot be read and is held: its text {text} is damaged" in log.errors[0]
        assert len(spool) == 2
        assert not await spool.lease(10, NOON + 1e9)
        crash(spool)

    run(story())


@pytest.mark.parametrize("change", ["cut", "removed"])
def test_a_long_text_that_is_not_all_there_is_held(tmp_path: Path, change: str) -> None:
    async def story() -> None:
        log = Lines()
        spool = open_spool(tmp_path, log=log)
        await put(spool, b"L" * 100_000)
        [text] = (tmp_path / "texts").iterdir()
        if change == "cut":
            os.truncate(text, 99_999)
        else:
            text.unlink()
        assert not await spool.lease(10, NOON + 1e9)
        assert f"is held: its text {text} is {'damaged' if change == 'cut' else 'gone'}" in log.errors[0]
        crash(spool)

    run(story())


def test_a_short_text_that_is_damaged_under_our_hands_is_held(tmp_path: Path) -> None:
    async def story() -> None:
        log = Lines()
        spool = open_spool(tmp_path, log=log)
        await put(spool, b"the text of it")
        [segment] = segments(tmp_path)
        damage(segment, segment.read_bytes().index(b"the text"))
        assert not await spool.lease(10, NOON + 1e9)
        assert "cannot be read and is held" in log.errors[0]
        crash(spool)

    run(story())


def test_a_long_text_of_an_earlier_version_is_delivered_unchecked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dumps_without(value: object) -> bytes:
        return dumps({key: one for key, one in value.items() if key != "sum"} if isinstance(value, dict) else value)

    with monkeypatch.context() as patched:
        patched.setattr("courier_runtime.spool.composition.dumps", dumps_without)
        fill(tmp_path, b"L" * 100_000)
    assert b'"sum"' not in segments(tmp_path)[0].read_bytes()
    assert found(tmp_path) == {"0@x.org": b"L" * 100_000}


def test_pieces_that_share_a_long_text_have_it_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = Reading._sum

    def count(self: Reading, name: str) -> int:
        read.append(name)
        return real(self, name)

    monkeypatch.setattr(Reading, "_sum", count)

    async def story() -> None:
        spool = open_spool(tmp_path)
        await put(spool, b"L" * 100_000, envelope("a@x.org"), envelope("b@x.org"), envelope("c@x.org"))
        assert len(await spool.lease(10, NOON)) == 3
        assert len(read) == 1
        crash(spool)

    run(story())


def test_many_long_texts_are_leased_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courier_runtime.spool.reading._AT_ONCE", 150_000)

    async def story() -> None:
        spool = open_spool(tmp_path)
        for number in range(5):
            await put(spool, b"L" * 100_000, envelope(f"{number}@x.org"))
        await put(spool, b"short", envelope("5@x.org"))
        addresses = []
        while leased := await spool.lease(10, NOON):
            addresses.append([one.envelope.recipients[0].address[0] for one in leased])
        assert addresses == [["0", "1", "5"], ["2", "3"], ["4"]]
        crash(spool)

    run(story())


# ---- power failures


async def _deliver(spool: FilesystemSpool) -> None:
    await put(spool, b"x", envelope("a@x.org"))
    await spool.remove(served(await lease_one(spool)))


def test_a_delivery_is_repeated_after_a_power_failure_unless_a_checkpoint_covers_it(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path / "without")
        await _deliver(spool)
        crash(spool)
        spool = open_spool(tmp_path / "with")
        await _deliver(spool)
        await spool.checkpoint()
        crash(spool)

    run(story())
    assert found(tmp_path / "without", boot="first") == {}, "a kill is no power failure"
    assert found(tmp_path / "with", boot="second") == {}


def test_an_uncovered_delivery_comes_back_and_the_log_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path)
        await _deliver(spool)
        crash(spool)

    run(story())
    log = Lines()
    assert found(tmp_path, log, boot="second") == {"a@x.org": b"x"}
    assert "after a power failure 1 messages are delivered again" in log.said[0]
    assert found(tmp_path, boot="third") == {"a@x.org": b"x"}, "until it is served"


def test_a_machine_without_a_boot_id_takes_every_start_for_a_power_failure(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path, boot="")
        await _deliver(spool)
        crash(spool)

    run(story())
    assert found(tmp_path, boot="") == {"a@x.org": b"x"}
    assert boot_id() == boot_id()


# ---- tidiness


def test_old_segments_go_when_nothing_lives_in_them(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path, segment_size=10_000)
        for _ in range(20):
            await put(spool, b"x" * 4000)
            await spool.remove(served(await lease_one(spool)))
        await spool.checkpoint()
        assert len(segments(tmp_path)) <= 2
        await spool.close()

    run(story())


def test_mail_that_stays_is_copied_forward_and_stays_what_it_is(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path, segment_size=10_000)
        await put(spool, b"stays", envelope("old@x.org", "b@x.org"))
        [held] = await put(spool, b"held", envelope("held@x.org"))
        await put(spool, b"L" * 100_000, envelope("long@x.org"))
        await spool.change(held, held=True)
        kept = []
        for message in await spool.lease(10, NOON):
            kept.append(
                replace(message, progress=(LATER, *message.progress[1:]), attempts=2, due=NOON + 9, is_warned=True)
            )
            await spool.settle(kept[-1])
        first = segments(tmp_path)[0]
        for _ in range(30):
            await put(spool, b"x" * 4000)
            await spool.remove(served(await lease_one(spool)))
            await spool.checkpoint()
        assert not first.exists(), "the old segment is free of what lived in it"
        assert len(segments(tmp_path)) <= 6
        assert [one for one in spool.scan() if not one.is_held] == kept
        crash(spool)
        spool = open_spool(tmp_path, segment_size=10_000)
        leased = await spool.lease(10, NOON + 9)
        assert leased == kept
        assert sorted(len(text_of(one)) for one in leased) == [5, 100_000]
        assert sum(one.is_held for one in spool.scan()) == 1
        await spool.close()

    run(story())


def test_a_lease_keeps_what_it_may_read(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path, segment_size=10_000)
        await put(spool, b"in hand", envelope("old@x.org"))
        old = await lease_one(spool)
        for _ in range(30):
            await put(spool, b"x" * 4000)
            await spool.remove(served(await lease_one(spool)))
            await spool.checkpoint()
        assert text_of(old) == b"in hand"
        assert old.text is not None
        place = old.text.place
        assert place is not None
        with Path(place[0]).open("rb") as file:
            assert os.pread(file.fileno(), 7, place[1]) == b"in hand"
        await spool.remove(served(old))
        await spool.checkpoint()
        assert len(segments(tmp_path)) <= 2
        await spool.close()

    run(story())


def test_a_checkpoint_comes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("courier_runtime.spool.custodian.CHECKPOINT_AFTER", 0.01)

    async def story() -> None:
        spool = open_spool(tmp_path)
        await _deliver(spool)
        await asyncio.sleep(0.3)
        crash(spool)

    run(story())
    assert found(tmp_path, boot="second") == {}


def test_a_long_message_takes_little_memory(tmp_path: Path) -> None:
    async def story() -> None:
        spool = open_spool(tmp_path)
        writing = spool.begin()
        most = 0
        for _ in range(800):
            await writing.write(b"x" * 65536)
            most = max(most, writing._buffered)
        assert most <= draft._BUFFER + 65536
        await writing.commit([envelope()], Terms())
        assert (await lease_one(spool)).size == 800 * 65536
        await spool.close()

    run(story())


def test_nobody_else_can_read_what_is_spooled(tmp_path: Path) -> None:
    async def story() -> None:
        spool = FilesystemSpool(tmp_path / "deep" / "spool", clock=StandingClock(), log=Lines())
        await put(spool, b"x" * 100_000)
        await spool.close()

    run(story())
    for path in (tmp_path / "deep" / "spool").rglob("*"):
        assert not path.stat().st_mode & 0o077
