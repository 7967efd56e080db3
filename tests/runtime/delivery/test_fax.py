"""A message becomes pages, and sendfax transmits them; what it ends with decides what becomes of the message."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from courier_runtime.delivery.fax import FaxTransport
from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.mail.outcome import Deferred, Delivered, Failed, Outcome
from courier_runtime.seams import Hop, Job
from runtime.messages import queued
from runtime.trees import snapshot_of

PLAIN = b"From: Anna <anna@example.com>\nTo: Joe <j@x.example>\nSubject: s\n\nhello\n"
MIXED = (
    b'From: anna@example.com\nContent-Type: multipart/mixed; boundary="x"\n\n'
    b"--x\nContent-Type: text/plain\n\nhello\n--x\nContent-Type: application/x-odd\n\nodd\n--x\n"
    b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERg==\n--x--\n"
)


class Machine:
    """A steward whose converters make one page each, and whose sendfax ends as it is told, time after time."""

    def __init__(self, *ends: Exit | OSError, converts: Callable[[Command], Exit] | None = None) -> None:
        self.commands: list[Command] = []
        self._ends = list(ends)
        self._converts = converts or _one_page

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        raise AssertionError("no instructions are read")

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        raise AssertionError("nothing is stored")

    async def run(self, command: Command) -> Exit:
        self.commands.append(command)
        if command.arguments[0] != "/usr/sbin/sendfax":
            return self._converts(command)
        end = self._ends.pop(0)
        if isinstance(end, OSError):
            raise end
        return end


def _one_page(command: Command) -> Exit:
    Path(command.arguments[1], "page").write_bytes(b"".join(command.stdin))
    return Exit(0)


class Lines:
    """A log that is kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, program: str, text: str) -> None:
        self.lines.append(f"{program}: {text}")

    def error(self, program: str, text: str) -> None:
        raise AssertionError(text)


def deliver(
    scratch: Path, machine: Machine, text: bytes = PLAIN, host: str = "fax", log: Lines | None = None
) -> Outcome:
    snapshot = snapshot_of(scratch)
    prefix = scratch / "usr"
    converters = prefix / "lib/courier/faxmail"
    converters.mkdir(parents=True)
    (converters / "application-pdf.filter").touch()
    snapshot = replace(snapshot, ground=replace(snapshot.ground, prefix=str(prefix)))
    snapshot.ground.state.mkdir(exist_ok=True)
    message = queued("5551234@fax", text=text)
    job = Job(message, Hop("fax", host, "5551234"), (0,), ("5551234",), snapshot)
    outcomes: Mapping[int, Outcome] = asyncio.run(
        FaxTransport(steward=machine, log=log or Lines(), pause=0).deliver(job)
    )
    assert list(snapshot.ground.state.iterdir()) == []
    return outcomes[0]


def test_a_text_is_the_cover_page(tmp_path: Path) -> None:
    machine = Machine(Exit(0))
    outcome = deliver(tmp_path, machine)
    assert isinstance(outcome, Delivered)
    assert outcome.said.replies == ("1 pages - including 1 cover page(s) - sent by fax.",)
    cover, sendfax = machine.commands
    assert Path(cover.arguments[0]).name == "coverpage"
    assert b"".join(cover.stdin) == b"hello\n"
    told = {name: cover.environment[name] for name in ("FROM", "TO", "SUBJECT", "PAGES", "FAXRES")}
    assert told == {"FROM": "Anna", "TO": "Joe", "SUBJECT": "s", "PAGES": "0", "FAXRES": "hi"}
    assert sendfax.arguments[1:4] == ("-v", "-r", "5551234")
    assert [Path(page).name for page in sendfax.arguments[4:]] == ["f0000-0001.g3"]


def test_a_low_resolution_is_asked_for(tmp_path: Path) -> None:
    machine = Machine(Exit(0))
    deliver(tmp_path, machine, host="fax-lowres")
    assert machine.commands[0].environment["FAXRES"] == "lo"
    assert machine.commands[1].arguments[1:5] == ("-v", "-r", "-n", "5551234")


def test_a_document_that_cannot_be_converted_fails_before_anything_runs(tmp_path: Path) -> None:
    machine = Machine()
    outcome = deliver(tmp_path, machine, MIXED)
    assert isinstance(outcome, Failed)
    assert outcome.said.replies == (
        "This message contains an attachment with the document type of\n"
        '"application/x-odd".  This document type cannot be faxed.',
    ), "one reply, which is one line of the log"
    assert machine.commands == []


def test_what_cannot_be_converted_is_left_out_where_that_is_asked_for(tmp_path: Path) -> None:
    machine = Machine(Exit(0))
    assert isinstance(deliver(tmp_path, machine, MIXED, "fax-ignore"), Delivered)
    document, cover, sendfax = machine.commands
    assert b"".join(document.stdin) == b"%PDF"
    assert b"".join(cover.stdin).startswith(b'Document type "application/x-odd" cannot be faxed\n---')
    assert b"".join(cover.stdin).endswith(b"\n\nhello")
    assert [Path(page).name for page in sendfax.arguments[4:]] == ["f0000-0001.g3", "f0002-0001.g3"]


def test_only_the_cover_page_is_sent_where_that_is_asked_for(tmp_path: Path) -> None:
    machine = Machine(Exit(0))
    assert isinstance(deliver(tmp_path, machine, MIXED, "fax-cover"), Delivered)
    assert len(machine.commands) == 2


@pytest.mark.parametrize(
    ("end", "kind", "line"),
    [
        (Exit(1), Deferred, "courierfax: child process crashed."),
        (Exit(3, b"a\nb\n"), Deferred, "b"),
        (Exit(-9), Deferred, "courierfax: child process crashed."),
        (OSError(errno.ENOENT, "No such file or directory"), Deferred, "/usr/sbin/sendfax: No such file or directory"),
        (Exit(9), Deferred, "courierfax: child process crashed."),
        (Exit(10), Failed, "courierfax: child process crashed."),
        (Exit(11, b"busy\n"), Failed, "busy"),
    ],
)
def test_the_exit_code_decides(end: Exit | OSError, kind: type[Outcome], line: str, tmp_path: Path) -> None:
    outcome = deliver(tmp_path, Machine(end))
    assert isinstance(outcome, kind)
    assert outcome.said.replies == (line, "0 cover pages, 0 document pages sent.")


def test_a_line_that_is_in_use_is_waited_for(tmp_path: Path) -> None:
    log = Lines()
    machine = Machine(Exit(2, b"locked\n"), Exit(2), Exit(0))
    assert isinstance(deliver(tmp_path, machine, log=log), Delivered)
    assert log.lines[:2] == [
        "courierfax: courierfax: /usr/sbin/sendfax: locked",
        "courierfax: courierfax: detected locked modem line, sleeping...",
    ]
    assert len(machine.commands) == 4


@pytest.mark.parametrize(
    ("end", "said"),
    [(Exit(0), ["failed to convert input data."]), (Exit(3, b"no\n"), ["no", "terminated with exit status 3"])],
)
def test_a_converter_that_fails_fails_the_message(end: Exit, said: list[str], tmp_path: Path) -> None:
    outcome = deliver(tmp_path, Machine(converts=lambda command: end))
    assert isinstance(outcome, Failed)
    assert len(outcome.said.replies) == 1
    assert [line.rpartition("coverpage: ")[2] for line in outcome.said.lines] == said


def test_files_are_made_moved_and_removed_beside_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[int]] = {}

    def watch(name: str) -> None:
        real = getattr(os, name)

        def noted(*arguments: Any, **more: Any) -> Any:
            if "fax-" in str(arguments[0]):
                threads.setdefault(name, set()).add(threading.get_ident())
            return real(*arguments, **more)

        monkeypatch.setattr(os, name, noted)

    for name in ("mkdir", "rename"):
        watch(name)
    removed = shutil.rmtree

    def rmtree(path: Path, *, ignore_errors: bool = False) -> None:
        threads.setdefault("rmtree", set()).add(threading.get_ident())
        removed(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    assert isinstance(deliver(tmp_path, Machine(Exit(0)), MIXED, "fax-ignore"), Delivered)
    assert threads.keys() == {"mkdir", "rename", "rmtree"}
    assert threading.get_ident() not in set[int]().union(*threads.values())


def test_pages_that_a_crash_has_left_are_not_sent_again(tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path)
    left = snapshot.ground.state / f"fax-{queued('5551234@fax', text=PLAIN).id}-0"
    (left / ".tmp").mkdir(parents=True)
    (left / ".tmp/page-of-before").touch()
    (left / "f0001-0001.g3").touch()
    machine = Machine(Exit(0))
    assert isinstance(deliver(tmp_path, machine), Delivered)
    assert [Path(page).name for page in machine.commands[-1].arguments[4:]] == ["f0000-0001.g3"]
