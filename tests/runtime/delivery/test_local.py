"""Local delivery follows an account's instructions as Courier does: files, programs, exit codes, forwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from courier_runtime.delivery.local import LocalTransport
from courier_runtime.mail.envelope import Notify
from courier_runtime.mail.outcome import Deferred, Delivered, Failed, Outcome
from courier_runtime.mail.reply import Reply
from courier_runtime.routing.local import LocalHop
from courier_runtime.seams import Hop, Job
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.steward.in_process import InProcessSteward
from runtime.messages import TEXT, RecordingIntake, queued
from runtime.trees import snapshot_of


class Bob:
    """An account, its home directory, and a server that delivers to it."""

    def __init__(self, scratch: Path, files: Mapping[str, str] = {}) -> None:
        self.snapshot: Snapshot = snapshot_of(scratch, files)
        self.home = scratch / "root/home/bob"
        (self.home / "Maildir/tmp").mkdir(parents=True)
        (self.home / "Maildir/new").mkdir()
        self.intake = RecordingIntake()
        self.quota = ""
        self.maildir = ""

    def instruct(self, text: str, name: str = ".courier", mode: int = 0o600) -> None:
        (self.home / name).write_text(text)
        (self.home / name).chmod(mode)

    def deliver(
        self, address: str = "bob@example.com", extension: str = "", text: bytes = TEXT, verp: bool = False
    ) -> Outcome:
        async def go() -> Outcome:
            steward = InProcessSteward()
            hop = LocalHop("bob", extension, os.getuid(), os.getgid(), "/home/bob", self.maildir, self.quota)
            message = queued(address, text=text, verp=verp)
            job = Job(message, Hop("local", hop.encode(), "bob"), (0,), ("bob",), self.snapshot)
            outcomes = await LocalTransport(steward=steward, intake=self.intake).deliver(job)
            steward.close()
            return outcomes[0]

        return asyncio.run(go())

    def received(self, folder: str = "Maildir") -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.home / folder / "new").iterdir())]


@pytest.fixture
def bob(tmp_path: Path) -> Bob:
    return Bob(tmp_path)


def text_of(outcome: Outcome) -> str:
    return "\n".join(outcome.said.replies)


def test_without_instructions_mail_goes_to_the_default_maildir_under_two_headers(bob: Bob) -> None:
    assert text_of(bob.deliver()) == "Message delivered."
    assert bob.received() == [b"Delivered-To: bob@example.com\nReturn-Path: <alice@example.com>\n" + TEXT]


def test_the_file_name_says_time_device_inode_and_size(bob: Bob) -> None:
    bob.deliver()
    (path,) = (bob.home / "Maildir/new").iterdir()
    facts = path.stat()
    assert f"V{facts.st_dev:016X}I{facts.st_ino:016X}_" in path.name
    assert path.name.endswith(f",S={facts.st_size}")
    assert not list((bob.home / "Maildir/tmp").iterdir())


def test_an_empty_file_means_the_default_and_one_with_comments_only_discards(bob: Bob) -> None:
    bob.instruct("")
    bob.deliver()
    assert len(bob.received()) == 1
    bob.instruct("# nothing\n\n")
    assert isinstance(bob.deliver(), Delivered)
    assert len(bob.received()) == 1


def test_a_file_that_others_may_write_defers(bob: Bob) -> None:
    bob.instruct("./Maildir\n", mode=0o606)
    outcome = bob.deliver()
    assert isinstance(outcome, Deferred)
    assert text_of(outcome) == ".courier file is globally writeable."


def test_a_path_that_is_no_directory_is_an_mbox_with_quoted_from_lines(bob: Bob) -> None:
    bob.instruct("./inbox\n")
    for _ in range(2):
        bob.deliver(text=TEXT + b"From here on\n")
    box = (bob.home / "inbox").read_bytes()
    assert box.count(b"\nFrom alice@example.com ") + box.startswith(b"From alice@example.com ") == 2
    assert box.count(b"\n>From here on\n\n") == 2


def test_a_program_gets_the_message_and_the_documented_environment_only(
    bob: Bob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the server")
    bob.instruct("| cat > seen; env > environment; id -G > groups\n", ".courier-shop-default")
    assert isinstance(bob.deliver("bob-shop-order-7@example.com", "shop-order-7"), Delivered)
    assert (bob.home / "seen").read_bytes() == TEXT
    lines = (bob.home / "environment").read_text().splitlines()
    environment = dict(line.split("=", 1) for line in lines if "=" in line)
    expected = {
        "HOME": str(bob.home), "USER": "bob", "SENDER": "alice@example.com",
        "RECIPIENT": "bob-shop-order-7@example.com",
        "LOCAL": "bob-shop-order-7", "HOST": "example.com", "EXT": "shop-order-7", "EXT2": "order-7", "EXT3": "7",
        "EXT4": "", "DEFAULT": "order-7", "RPLINE": "Return-Path: <alice@example.com>",
        "DTLINE": "Delivered-To: bob-shop-order-7@example.com", "MAILDIRQUOTA": "", "MAILDROPDEFAULT": "./Maildir",
        "DEFAULTDELIVERY": "./Maildir",
    }  # fmt: skip
    assert {name: environment.get(name) for name in expected} == expected
    assert environment["UFLINE"].startswith("From alice@example.com ")
    assert "SECRET" not in environment


@pytest.mark.parametrize(
    ("status", "kind", "is_remembered"),
    [
        *((status, Failed, True) for status in (64, 65, 67, 68, 69, 76, 77, 78, 100, 112)),
        (70, Failed, False),
        *((status, Deferred, None) for status in (1, 71, 73, 75, 111)),
    ],
)
def test_exit_codes_fail_or_defer(status: int, kind: type[Outcome], is_remembered: bool | None, bob: Bob) -> None:
    bob.instruct(f"| echo no room; exit {status}\n./Maildir\n")
    outcome = bob.deliver()
    assert isinstance(outcome, kind)
    assert text_of(outcome) == "no room"
    if isinstance(outcome, Failed):
        assert outcome.is_remembered == is_remembered
    assert bob.received() == []


def test_exit_0_goes_on_and_99_stops_with_success(bob: Bob) -> None:
    bob.instruct("| exit 0\n./Maildir\n| exit 99\n./Maildir\n")
    assert isinstance(bob.deliver(), Delivered)
    assert len(bob.received()) == 1


def test_a_program_killed_by_a_signal_fails(bob: Bob) -> None:
    bob.instruct("| kill -9 $$\n")
    assert isinstance(bob.deliver(), Failed)


def test_a_program_that_takes_too_long_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    bob = Bob(tmp_path, {"localtimeout": "1\n"})
    bob.instruct("| sleep 60 & echo $! > child; wait\n")
    assert isinstance(bob.deliver(), (Failed, Deferred))
    child = int((bob.home / "child").read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_printed_instructions_are_followed_three_levels_deep(bob: Bob) -> None:
    bob.instruct("|| echo '|| echo \"|| echo ./Maildir\"'\n")
    assert isinstance(bob.deliver(), Delivered)
    assert len(bob.received()) == 1
    for name, following in (("a", "b"), ("b", "c"), ("c", "d")):
        (bob.home / name).write_text(f"|| cat {following}\n")
    (bob.home / "d").write_text("./Maildir\n")
    bob.instruct("|| cat a\n")
    outcome = bob.deliver()
    assert isinstance(outcome, Failed)
    assert text_of(outcome) == "Maximum recursion level for dynamic delivery instructions exceeded."


def test_printed_instructions_can_be_switched_off(tmp_path: Path) -> None:
    bob = Bob(tmp_path, {"courierd": "DYNAMICDELIVERIES=0\n"})
    bob.instruct("|| echo ./Maildir\n")
    outcome = bob.deliver()
    assert isinstance(outcome, Failed)
    assert text_of(outcome) == "Dynamic delivery instructions disabled by administrator."


def test_an_extension_without_a_file_is_unknown_and_the_most_exact_file_wins(bob: Bob) -> None:
    outcome = bob.deliver("bob-lists@example.com", "lists")
    assert isinstance(outcome, Failed)
    assert text_of(outcome) == "550 User <bob-lists> unknown"
    bob.instruct("./inbox\n", ".courier-default")
    bob.instruct("./Maildir\n", ".courier-lists")
    bob.deliver("bob-lists@example.com", "lists")
    assert len(bob.received()) == 1


def test_forwarding_submits_a_new_message_with_the_trail_of_this_one(bob: Bob) -> None:
    bob.instruct("! ext@example.net, other@example.net\n")
    assert isinstance(bob.deliver(), Delivered)
    ((envelope, text),) = bob.intake.taken
    assert (envelope.sender, envelope.source, text) == ("alice@example.com", "local", TEXT)
    assert [(one.address, one.original, one.notify) for one in envelope.recipients] == [
        ("ext@example.net", "bob@example.com", Notify.FAILURE),
        ("other@example.net", "bob@example.com", Notify.FAILURE),
    ]
    assert bob.intake.comments == ["forwarded by bob@example.com"]
    assert bob.intake.headers == [(b"Delivered-To: bob@example.com\n",)]


def test_a_refused_forward_fails_or_defers_as_it_was_refused(bob: Bob) -> None:
    bob.instruct("ext@example.net\n")
    bob.intake.reply = Reply.of(550, "No.")
    assert isinstance(bob.deliver(), Failed)
    bob.intake.reply = Reply.of(431, "Mail system full.")
    assert isinstance(bob.deliver(), Deferred)


def test_a_domain_beyond_ascii_is_written_so_that_any_program_reads_it(bob: Bob) -> None:
    address = "bob@b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"
    bob.deliver(address)
    (text,) = bob.received()
    assert text.startswith(b"Delivered-To: bob@xn--bcher-kva.example\n")
    assert text_of(bob.deliver(address, text=text)).startswith("Mail loop")


def test_mail_that_has_been_here_is_a_loop_and_is_not_remembered(bob: Bob) -> None:
    outcome = bob.deliver(text=b"Delivered-To: bob@example.com\n" + TEXT)
    assert isinstance(outcome, Failed)
    assert not outcome.is_remembered
    assert text_of(outcome) == "Mail loop - already have my Delivered-To: header."


def test_under_verp_the_return_address_names_the_recipient(bob: Bob) -> None:
    bob.deliver(verp=True)
    assert b"Return-Path: <alice-bob=example.com@example.com>\n" in bob.received()[0]


def test_a_full_maildir_defers_and_counts_what_it_holds(bob: Bob) -> None:
    bob.quota = "150S"
    assert isinstance(bob.deliver(), Delivered)
    outcome = bob.deliver()
    assert isinstance(outcome, Deferred)
    assert text_of(outcome) == "Maildir over quota."
    assert (bob.home / "Maildir/maildirsize").read_text().splitlines()[0] == "150S"
    assert len(bob.received()) == 1


def test_a_closed_account_waits(bob: Bob) -> None:
    bob.home.chmod(0o1700)
    assert isinstance(bob.deliver(), Deferred)


def test_the_accounts_own_maildir_comes_before_the_default(bob: Bob) -> None:
    bob.maildir = "elsewhere"
    assert isinstance(bob.deliver(), Delivered)
    assert len(bob.received("elsewhere")) == 1


def test_a_default_of_several_lines_is_followed_in_order(tmp_path: Path) -> None:
    bob = Bob(tmp_path, {"courierd": "DEFAULTDELIVERY='|| dotforward\n./Maildir'\n"})
    assert isinstance(bob.deliver(), Delivered)
    assert len(bob.received()) == 1


def test_dotforward_sends_on_and_keeps_a_copy_where_the_own_address_is_listed(tmp_path: Path) -> None:
    bob = Bob(tmp_path, {"courierd": "DEFAULTDELIVERY='|| dotforward\n./Maildir'\n"})
    (bob.home / ".forward").write_text('\\bob, ext@example.net, "|cat > piped"\n:include: more\n')
    (bob.home / "more").write_text("third@example.net\n")
    assert isinstance(bob.deliver(), Delivered)
    assert [one.address for envelope, _ in bob.intake.taken for one in envelope.recipients] == [
        "ext@example.net",
        "third@example.net",
    ]
    assert (bob.home / "piped").read_bytes() == TEXT
    assert len(bob.received()) == 1


def test_dotforward_without_the_own_address_keeps_nothing(tmp_path: Path) -> None:
    bob = Bob(tmp_path, {"courierd": "DEFAULTDELIVERY='|| dotforward\n./Maildir'\n"})
    (bob.home / ".forward").write_text("ext@example.net\n")
    assert isinstance(bob.deliver(), Delivered)
    assert bob.received() == []


def test_a_long_message_is_copied_from_where_it_lies(bob: Bob) -> None:
    large = TEXT + b"x" * 300_000 + b"\n"
    bob.deliver(text=large)
    assert bob.received()[0].endswith(large)
