"""Mail for UUCP neighbours goes to uux, once for all recipients of a job, and what uux refuses is refused for good."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from courier_runtime.delivery.uucp import UucpTransport, incoming, outgoing, rewritten
from courier_runtime.mail.orders import Command, Exit, Identity, Instructions, Letter, Stored
from courier_runtime.mail.outcome import Failed, Outcome, Relayed
from courier_runtime.seams import Hop, Job, Text
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


@dataclass(frozen=True)
class Written:
    """A text on disk, which is read in pieces."""

    content: bytes
    place: tuple[str, int] | None = None

    @property
    def size(self) -> int:
        return len(self.content)

    def whole(self) -> bytes | None:
        return None

    def chunks(self) -> Iterator[bytes]:
        return (self.content[at : at + 9] for at in range(0, len(self.content), 9))


def deliver(
    scratch: Path,
    uux: Uux,
    sender: str = "alice@example.com",
    files: Mapping[str, str] = {},
    text: Text | None = None,
) -> Mapping[int, Outcome]:
    message = queued("apple!x!john@example.com", "apple!x!jane@example.com", sender=sender)
    message = replace(message, text=text or message.text)
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
        (Exit(1, b"no such system\n"), "uux: no such system"),
        (Exit(1, b"a\n\nb\n"), "uux: a\nb"),
        (Exit(1, b"\n"), "uux: "),
        (Exit(-9), "uux terminated with a non-0 exit code."),
    ],
)
def test_whatever_goes_wrong_is_final(end: Exit | OSError, text: str, tmp_path: Path) -> None:
    for outcome in deliver(tmp_path, Uux(end)).values():
        assert isinstance(outcome, Failed)
        assert "\n".join(outcome.said.replies) == text


@pytest.mark.parametrize(("output", "said"), [(b"", "uux:  message accepted."), (b"one\ntwo\n", "uux: one\ntwo")])
def test_what_uux_says_is_told(output: bytes, said: str, tmp_path: Path) -> None:
    for outcome in deliver(tmp_path, Uux(Exit(0, output))).values():
        assert isinstance(outcome, Relayed)
        assert "\n".join(outcome.said.replies) == said


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("anna@example.com", "mx!anna"),
        ("anna@EXAMPLE.com", "mx!anna"),
        ("bare", "mx!bare"),
        ("apple!john", "john"),
        ("apple!p!q", "p!q"),
        ("q@apple", "q"),
        ("x@gate", "mx!gate!x"),
        ("gate!x!y@example.com", "mx!gate!x!y"),
        ("mx!anna", "mx!mx!anna"),
        ("x!y@other.dom", "mx!other.dom!x!y"),
        ("a%b@example.com", "mx!a%b"),
        ('"a b"@example.com', 'mx!"a b"'),
        ("anna@[127.0.0.1]", "mx![127.0.0.1]!anna"),
        ("a@b@c", "mx!b@c!a"),
        ("Joe <joe@elsewhere.example>", "Joe <mx!elsewhere.example!joe>"),
        ("(c) anna@example.com", "mx!anna (c)"),
        ("grp: anna@example.com, z@y.z; b@example.com", "grp: mx!anna, mx!y.z!z; mx!b"),
        ("B <>, anna", "B <>, mx!anna"),
        ("undisclosed-recipients: ;", "undisclosed-recipients: ;"),
        ("(only comment)", "(only comment)"),
    ],
)
def test_addresses_in_headers_are_paths_as_the_neighbour_sees_them(address: str, path: str, tmp_path: Path) -> None:
    head = rewritten(f"To: {address}\n".encode(), "apple", snapshot_of(tmp_path))
    assert head.decode() == f"To: {path}\n"


def test_only_authors_and_readers_are_rewritten(tmp_path: Path) -> None:
    kept = "Sender: a@b.c\nResent-To: a@b.c\nErrors-To: a@b.c\nfrom : a@b.c\nSubject: s\n To: a@b.c\nBcc: a@b.c\n"
    changed = "FROM: a@b.c\nto:\ta@b.c\nCc: a@b.c,\n\td@e.f\nReply-To: \n"
    assert rewritten(f"{kept}{changed}".encode(), "apple", snapshot_of(tmp_path)).decode() == (
        f"{kept}FROM: mx!b.c!a\nto: mx!b.c!a\nCc: mx!b.c!a, mx!e.f!d\nReply-To:\n"
    )


@pytest.mark.parametrize(
    ("name", "size", "lines"),
    [
        ("To", 4, [11, 11]), ("Reply-To", 4, [10, 11]), ("To", 5, [9, 10]), ("To", 6, [8, 8]), ("To", 8, [6, 7]),
        ("Reply-To", 9, [5, 6]), ("Reply-To", 12, [4, 5]), ("To", 90, [0, 1]),
    ],
)  # fmt: skip
def test_rewritten_headers_are_folded_where_the_real_module_folds_them(
    name: str, size: int, lines: list[int], tmp_path: Path
) -> None:
    user = "a" * (size - len("mx!"))
    head = rewritten(f"{name}: {', '.join([user] * 30)}\n".encode(), "apple", snapshot_of(tmp_path)).decode()
    assert head.startswith(f"{name}:\n" if lines[0] == 0 else f"{name}: mx!")
    assert [line.count("mx!") for line in head.split("\n  ")[:2]] == lines


REWRITING = {"uucprewriteheaders": ""}
LETTER = b"From: anna@example.com\nTo: apple!john\nSubject: s\n\nTo: x@y.z\n"
PATHS = b"From: mx!anna\nTo: john\nSubject: s\n\nTo: x@y.z\n"


@pytest.mark.parametrize(("files", "sent"), [({}, LETTER), (REWRITING, PATHS)])
def test_headers_are_rewritten_where_that_is_asked_for(files: Mapping[str, str], sent: bytes, tmp_path: Path) -> None:
    uux = Uux()
    deliver(tmp_path, uux, files=files, text=Written(LETTER))
    assert b"".join(uux.commands[0].stdin) == sent


def test_the_body_of_a_long_message_is_copied_from_where_it_lies(tmp_path: Path) -> None:
    long = LETTER + b"line\n" * 100_000
    uux = Uux()
    deliver(tmp_path, uux, files=REWRITING, text=Written(long, place=("texts/1", 7)))
    (command,) = uux.commands
    head = LETTER.index(b"\n\n") + 1
    assert b"".join(command.stdin) == PATHS[: PATHS.index(b"\n\n") + 1]
    assert (command.source, command.offset, command.size) == ("texts/1", 7 + head, len(long) - head)


@pytest.mark.parametrize(
    ("sender", "path"),
    [
        ("alice@example.com", "mx!alice"),
        ("x@other.dom", "mx!other.dom!x"),
        ("alice", "mx!alice"),
        ("", ""),
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
