"""Orders survive the wire; the helper that takes them acts for others, and never for root."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.steward.order import (
    answer_of,
    command_of,
    command_order,
    letters_of,
    outcome_of,
    store_order,
    stored_answer,
    stored_of,
)
from courier_runtime.steward.quota import Quota, admit
from courier_runtime.steward.remote import HelperProcess, RemoteSteward
from courier_runtime.wire.frames import LARGEST, Decoder, Frame
from runtime.running import eventually

WHO = Identity(1000, 1000, "/home/bob")
LETTER = Letter(WHO, "/home/bob/Maildir", b"From x\n", b"Delivered-To: bob\n", b"text\n", quota="5S", unless="/x")
COMMAND = Command(WHO, ("/bin/sh", "-c", "exit 3"), {"A": "ü"}, "/", (b"in", b"put"), "/spool/1", 3, 4, 5.0)


def through_the_wire(frame: Frame, size: int) -> Frame:
    """The same frame after it came in pieces of this size."""
    decoder, data = Decoder(), frame.encode()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    (found,) = (one for piece in pieces for one in decoder.feed(piece))
    return found


@given(st.integers(1, 400))
def test_orders_arrive_as_they_were_given(size: int) -> None:
    letters = [LETTER, replace(LETTER, text=b"another\n", mailbox="/b"), replace(LETTER, head=b"", is_made=True)]
    assert letters_of(through_the_wire(store_order(letters), size)) == letters
    received = command_of(through_the_wire(command_order(COMMAND), size))
    assert (received.arguments, received.environment, b"".join(received.stdin)) == (
        COMMAND.arguments,
        COMMAND.environment,
        b"input",
    )
    assert (received.source, received.offset, received.size, received.timeout) == ("/spool/1", 3, 4, 5.0)


def test_the_letters_of_one_message_share_its_text_on_the_way() -> None:
    one = store_order([LETTER])
    two = store_order([LETTER, replace(LETTER, mailbox="/home/ann/Maildir")])
    assert len(two.data) == len(one.data) + len(LETTER.envelope_line + LETTER.head)


@pytest.mark.parametrize("outcome", [Instructions("/x", b"\xff\n", 0o644), Exit(-9, b"\xffout"), None])
def test_answers_arrive_as_they_were_given(outcome: Instructions | Exit | None) -> None:
    assert outcome_of(through_the_wire(answer_of(1, outcome), 7)) == outcome


def test_every_letter_gets_its_own_answer() -> None:
    full = OSError(errno.EDQUOT, "full", "/x")
    first, error, *rest = stored_of(
        through_the_wire(
            stored_answer(1, ["/new/1", full, Instructions("/i", b"a", 0o644), Instructions("/j", b"b", 0)]), 7
        )
    )
    assert (first, rest) == ("/new/1", [Instructions("/i", b"a", 0o644), Instructions("/j", b"b", 0)])
    assert isinstance(error, OSError)
    assert (error.errno, error.strerror, error.filename) == (errno.EDQUOT, "full", "/x")


def test_an_error_arrives_with_its_number() -> None:
    found = outcome_of(answer_of(1, OSError(errno.EDQUOT, "full", "/x")))
    assert isinstance(found, OSError)
    assert found.errno == errno.EDQUOT


def test_what_is_no_frame_ends_the_conversation() -> None:
    with pytest.raises(ValueError, match="a frame of"):
        list(Decoder().feed((LARGEST + 1).to_bytes(4, "big") + bytes(4)))


def test_a_helper_stores_reads_runs_and_binds_but_not_as_root(tmp_path: Path) -> None:
    maildir = tmp_path / "Maildir"
    for name in ("tmp", "new", "cur"):
        (maildir / name).mkdir(parents=True)
    (tmp_path / ".courier").write_text("./Maildir\n")
    root = Identity(0, 0, str(tmp_path))

    async def go() -> None:
        helper = HelperProcess(tmp_path, tmp_path)
        steward = RemoteSteward(helper.orders)
        await steward.open()
        (refused,) = await steward.store([Letter(root, str(maildir), b"", b"", b"x\n")])
        assert isinstance(refused, OSError)
        assert refused.errno == errno.EPERM
        with pytest.raises(PermissionError):
            await steward.read(root, (str(tmp_path / ".courier"),))
        with pytest.raises(PermissionError):
            await steward.run(Command(root, ("/bin/true",), {}, "/"))
        listener = await asyncio.to_thread(helper.descriptors.listen, "127.0.0.1", 0)
        with listener:
            assert listener.getsockname()[0] == "127.0.0.1"
            with pytest.raises(OSError, match="in use"):
                await asyncio.to_thread(helper.descriptors.listen, "127.0.0.1", listener.getsockname()[1])
        steward.close()
        await asyncio.to_thread(helper.close)
        (gone,) = await steward.store([LETTER])
        assert isinstance(gone, OSError)

    asyncio.run(go())


def test_a_helper_opens_files_of_the_configuration_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/me").write_text("mx.example.com\n")
    (tmp_path / "secret").write_text("no\n")
    (tmp_path / "etc/link").symlink_to(tmp_path / "secret")
    helper = HelperProcess(tmp_path / "etc", tmp_path / "spool")
    try:
        with os.fdopen(helper.descriptors.open(tmp_path / "etc/me")) as file:
            assert file.read() == "mx.example.com\n"
        for path in (tmp_path / "secret", tmp_path / "etc/../secret", tmp_path / "etc/link"):
            with pytest.raises(PermissionError):
                helper.descriptors.open(path)
        with pytest.raises(FileNotFoundError):
            helper.descriptors.open(tmp_path / "etc/absent")
    finally:
        helper.close()


def test_a_letter_is_copied_from_the_spool_and_from_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("no\n")
    letter = Letter(WHO, str(tmp_path / "Maildir"), b"", b"", source=str(tmp_path / "secret"), size=3)

    async def go() -> Stored:
        helper = HelperProcess(tmp_path / "etc", tmp_path / "spool")
        steward = RemoteSteward(helper.orders)
        await steward.open()
        (answer,) = await steward.store([letter])
        steward.close()
        await asyncio.to_thread(helper.close)
        return answer

    answer = asyncio.run(go())
    assert isinstance(answer, OSError)
    assert answer.errno == errno.EACCES


def test_a_helper_goes_on_when_it_is_told_to_stop_and_ends_when_its_sockets_close(tmp_path: Path) -> None:
    helper = HelperProcess(tmp_path, tmp_path)
    helper.descriptors.listen("127.0.0.1", 0).close()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(helper.pid, number)
    helper.descriptors.listen("127.0.0.1", 0).close()
    helper.close()


def test_a_helper_starts_one_compiler_at_a_time_by_the_command_that_it_was_given(tmp_path: Path) -> None:
    script = "echo works; cat; echo ends"
    helper = HelperProcess(tmp_path, tmp_path, compiler=("/bin/sh", "-c", script))
    try:
        for _ in range(2):
            said, life = helper.descriptors.compiler()
            with os.fdopen(said) as hearing:
                assert hearing.readline() == "works\n"
                with pytest.raises(OSError, match="busy"):
                    helper.descriptors.compiler()
                os.close(life)
                assert hearing.read() == "ends\n"
            eventually(lambda: not children(helper.pid))
    finally:
        helper.close()


def children(pid: int) -> list[str]:
    """Processes of a process that have not ended."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in found if ") Z " not in Path(f"/proc/{child}/stat").read_text()]


def test_a_helper_of_a_tree_without_a_site_starts_no_compiler(tmp_path: Path) -> None:
    helper = HelperProcess(tmp_path, tmp_path)
    try:
        with pytest.raises(FileNotFoundError):
            helper.descriptors.compiler()
        helper.descriptors.listen("127.0.0.1", 0).close()
    finally:
        helper.close()


def test_a_quota_of_messages_is_kept_and_recounted_when_it_is_reached(tmp_path: Path) -> None:
    for name in ("tmp", "new", "cur"):
        (tmp_path / name).mkdir()
    assert admit(tmp_path, "2C", 10)
    assert admit(tmp_path, "2C", 10)
    assert (tmp_path / "maildirsize").read_text().count("\n") == 4
    assert admit(tmp_path, "2C", 10), "the two that were counted are not there, as the recount finds"
    (tmp_path / "cur/1.x,S=10:2,S").touch()
    (tmp_path / "cur/2.x,S=10:2,S").touch()
    (tmp_path / "cur/3.x,S=10:2,ST").touch()
    assert admit(tmp_path, "2C", 10), "the file says that one message is there"
    assert not admit(tmp_path, "2C", 10)


def test_a_maildirs_own_quota_holds_where_the_account_has_none(tmp_path: Path) -> None:
    for name in ("tmp", "new", "cur"):
        (tmp_path / name).mkdir()
    assert admit(tmp_path, "", 10**9)
    (tmp_path / "maildirsize").write_text("100S\n")
    assert not admit(tmp_path, "", 101)
    assert admit(tmp_path, "", 100)


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_a_quota_is_read_back_as_it_was_written(size: int, count: int) -> None:
    assert Quota.parse(str(Quota(size, count))) == Quota(size, count)
