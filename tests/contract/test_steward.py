"""What every steward does: the one in threads, and the one that gives orders to a helper."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter
from courier_runtime.seams import Steward
from courier_runtime.steward.in_process import InProcessSteward
from courier_runtime.steward.remote import HelperProcess, RemoteSteward

Act = Callable[[Steward], Awaitable[Any]]
Do = Callable[[Act], Any]

SHOW = "cat; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= ; pwd; exit 7"
"""Prints the message, the environment without what shells add to it, and the directory."""


async def in_process(directory: Path, act: Act) -> Any:
    steward = InProcessSteward()
    try:
        return await act(steward)
    finally:
        steward.close()


async def through_a_helper(directory: Path, act: Act) -> Any:
    helper = HelperProcess(directory / "etc", directory, is_own=True)
    steward = RemoteSteward(helper.orders)
    await steward.open()
    try:
        return await act(steward)
    finally:
        steward.close()
        await asyncio.to_thread(helper.close)


@pytest.fixture(params=[in_process, through_a_helper])
def do(request: pytest.FixtureRequest, tmp_path: Path) -> Do:
    """Has a fresh steward do something."""
    return lambda act: asyncio.run(request.param(tmp_path, act))


def who(home: Path) -> Identity:
    return Identity(4711, 4711, str(home))


def letter(home: Path, mailbox: str = "Maildir", text: bytes = b"Subject: hi\n\nhello\n", **more: Any) -> Letter:
    return Letter(who(home), str(home / mailbox), b"From x\n", b"Delivered-To: bob\n", text, **more)


def test_letters_reach_new_whole_and_in_their_order(do: Do, tmp_path: Path) -> None:
    letters = [letter(tmp_path, text=b"%d\n" % number, is_made=True) for number in range(100)]
    stored = do(lambda steward: steward.store(letters))
    assert isinstance(stored, list)
    contents = [Path(name).read_bytes() for name in stored]
    assert contents == [b"Delivered-To: bob\n%d\n" % number for number in range(100)]
    assert sorted(stored) == sorted(str(path) for path in (tmp_path / "Maildir/new").iterdir())
    assert not any((tmp_path / "Maildir/tmp").iterdir())


def test_a_mailbox_that_is_no_directory_is_an_mbox(do: Do, tmp_path: Path) -> None:
    stored = do(lambda steward: steward.store([letter(tmp_path, "mail", b"From me\n")]))
    assert stored == [str(tmp_path / "mail")]
    assert (tmp_path / "mail").read_bytes() == b"From x\nDelivered-To: bob\n>From me\n\n"


def test_instructions_go_before_the_mailbox(do: Do, tmp_path: Path) -> None:
    own = tmp_path / ".courier"
    own.write_text("! ann\n")
    own.chmod(0o640)
    stored = do(lambda steward: steward.store([letter(tmp_path, unless=str(own))]))
    assert stored == [Instructions(str(own), b"! ann\n", 0o640)]
    assert not (tmp_path / "Maildir").exists()


def test_each_letter_has_its_own_fate(do: Do, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed").chmod(0o1700)
    letters = [
        letter(tmp_path / "closed"),
        letter(tmp_path / "absent", "a/b"),
        letter(tmp_path, is_made=True),
        letter(tmp_path, "Small", quota="5S", is_made=True),
    ]
    closed, absent, good, full = do(lambda steward: steward.store(letters))
    assert (closed.errno, absent.errno, full.errno) == (errno.EAGAIN, errno.ENOENT, errno.EDQUOT)
    assert "sticky" in closed.strerror
    assert Path(good).exists()
    assert not any((tmp_path / "Small/tmp").iterdir())


def test_a_long_text_is_copied_from_where_it_lies(do: Do, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"..." + b"long\n" * 100_000)
    one = letter(tmp_path, text=b"", source=str(tmp_path / "text"), offset=3, size=500_000, is_made=True)
    stored = do(lambda steward: steward.store([one]))
    assert isinstance(stored, list)
    assert Path(stored[0]).read_bytes() == b"Delivered-To: bob\n" + b"long\n" * 100_000


def test_the_first_file_that_exists_is_read(do: Do, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"\xff\n")
    (tmp_path / "b").chmod(0o604)
    names = [str(tmp_path / name) for name in ("a", "b", "c")]
    assert do(lambda steward: steward.read(who(tmp_path), names)) == Instructions(names[1], b"\xff\n", 0o604)
    assert do(lambda steward: steward.read(who(tmp_path), names[:1])) is None
    with pytest.raises(IsADirectoryError):
        do(lambda steward: steward.read(who(tmp_path), [str(tmp_path)]))


def test_a_program_runs_with_the_message_and_nothing_else_around_it(do: Do, tmp_path: Path) -> None:
    command = Command(who(tmp_path), ("/bin/sh", "-c", SHOW), {"HOME": "/x"}, str(tmp_path), (b"in", b"put\n"))
    ended = do(lambda steward: steward.run(command))
    assert isinstance(ended, Exit)
    assert ended.status == 7
    assert ended.output.decode().splitlines() == ["input", "HOME=/x", str(tmp_path)]


def test_a_program_that_takes_too_long_is_ended(do: Do, tmp_path: Path) -> None:
    command = Command(who(tmp_path), ("/bin/sleep", "60"), {}, "/", timeout=0.2)
    ended = do(lambda steward: steward.run(command))
    assert isinstance(ended, Exit)
    assert ended.status == -15


def test_a_program_that_is_not_there_is_an_error(do: Do, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        do(lambda steward: steward.run(Command(who(tmp_path), ("/absent",), {}, "/")))
