"""Mail for UUCP neighbours goes to uux, once for all recipients of a job, and what uux refuses is refused for good."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from courier_runtime.delivery.uucp import UucpTransport, incoming, outgoing
from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.mail.outcome import Failed, Outcome, Relayed
from courier_runtime.seams import Hop, Job
from runtime.messages import TEXT, queued
from runtime.trees import snapshot_of


class Uux:
    """A steward that only runs programs, and ends them as it is told."""

    def __init__(self, end: Exit | OSError | None = None) -> None:
        self.commands: list[Command] = []
        self._end = end or Exit(0)

    async def read(self, who: Identity, paths: Sequence[str]) -> Instructions | None:
        raise AssertionError("no instructions are read")

    async def store(self, letters: Sequence[Letter]) -> Sequence[Stored]:
        raise AssertionError("nothing is stored")

    async def run(self, command: Command) -> Exit:
        self.commands.append(command)
        if isinstance(self._end, OSError):
            raise self._end
        return self._end


def deliver(
    scratch: Path, uux: Uux, sender: str = "alice@example.com", files: Mapping[str, str] = {}
) -> Mapping[int, Outcome]:
    message = queued("apple!x!john@example.com", "apple!x!jane@example.com", sender=sender)
    job = Job(message, Hop("uucp", "apple", "x!john"), (0, 1), ("x!john", "x!jane"), snapshot_of(scratch, files))
    return asyncio.run(UucpTransport(steward=uux).deliver(job))


def test_all_recipients_of_a_neighbour_go_with_one_call(tmp_path: Path) -> None:
    uux = Uux(Exit(0, b"queued\n"))
    outcomes = deliver(tmp_path, uux, files={"courierd": "UUXFLAGS='-r -gC'\n"})
    assert [type(outcome) for outcome in outcomes.values()] == [Relayed, Relayed]
    (command,) = uux.commands
    assert command.arguments == (
        "/usr/bin/uux", "-p", "-z", "-a", "mx!alice", "-r", "-gC",
        "apple!rmail", "-f", "(mx!alice)", "(x!john)", "(x!jane)",
    )  # fmt: skip
    assert b"".join(command.stdin) == TEXT


def test_a_notice_has_no_sender_and_wants_no_answer(tmp_path: Path) -> None:
    uux = Uux()
    deliver(tmp_path, uux, sender="")
    assert uux.commands[0].arguments == ("/usr/bin/uux", "-p", "-n", "apple!rmail", "(x!john)", "(x!jane)")


@pytest.mark.parametrize(
    ("end", "text"),
    [
        (OSError(errno.ENOENT, "No such file or directory"), "uux: exec: No such file or directory"),
        (Exit(1, b"no such system\n"), "no such system\nuux terminated with a non-0 exit code."),
        (Exit(-9), "uux terminated with a non-0 exit code."),
    ],
)
def test_whatever_goes_wrong_is_final(end: Exit | OSError, text: str, tmp_path: Path) -> None:
    for outcome in deliver(tmp_path, Uux(end)).values():
        assert isinstance(outcome, Failed)
        assert "\n".join(outcome.said.replies) == text


@pytest.mark.parametrize(
    ("sender", "path"),
    [
        ("alice@example.com", "mx!alice"),
        ("x@other.dom", "mx!other.dom!x"),
        ("alice", "mx!alice"),
    ],
)
def test_return_addresses_leave_as_paths_from_here(sender: str, path: str, tmp_path: Path) -> None:
    assert outgoing(sender, snapshot_of(tmp_path)) == path


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("apple!john", "john@apple"),
        ("dom.tld!x", "x@dom.tld"),
        ("mx!dom.tld!x", "x@dom.tld"),
        ("apple!pear!john", "pear!john@apple"),
        ("gate!pear!john", "gate!pear!john"),
        ("mx!gate!john", "gate!john"),
        ("john", "john"),
        ("", ""),
    ],
)
def test_paths_arrive_as_addresses_but_for_those_that_lead_back(path: str, address: str, tmp_path: Path) -> None:
    assert incoming(path, snapshot_of(tmp_path, tables={"uucpneighbors.dat": {"gate": "G"}})) == address
