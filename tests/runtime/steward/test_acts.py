"""Letters reach maildirs and files; what is missing of a maildir is made where that is wanted, and nowhere else."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from courier_runtime.mail.orders import Command, Identity, Letter
from courier_runtime.steward import acts


def letter(home: Path, mailbox: str = "Maildir", *, is_made: bool = True) -> Letter:
    who = Identity(5000, 5000, str(home))
    return Letter(who, str(home / mailbox), b"From x\n", b"Delivered-To: bob\n", b"text\n", is_made=is_made)


def arrived(home: Path) -> list[bytes]:
    return [path.read_bytes() for path in (home / "Maildir/new").iterdir()]


def test_the_first_letter_makes_home_and_maildir(tmp_path: Path) -> None:
    assert isinstance(acts.store(letter(tmp_path / "bob")), str)
    assert arrived(tmp_path / "bob") == [b"Delivered-To: bob\ntext\n"]


@pytest.mark.parametrize("missing", ["tmp", "new"])
def test_a_maildir_that_lost_a_directory_is_mended(tmp_path: Path, missing: str) -> None:
    acts.store(letter(tmp_path))
    shutil.rmtree(tmp_path / "Maildir" / missing)
    assert isinstance(acts.store(letter(tmp_path)), str)
    assert len(arrived(tmp_path)) == (1 if missing == "new" else 2)
    assert not list((tmp_path / "Maildir/tmp").iterdir())


def test_a_broken_maildir_is_an_error_where_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "Maildir/tmp").mkdir(parents=True)
    refused = acts.store(letter(tmp_path, is_made=False))
    assert isinstance(refused, OSError)
    assert refused.errno == errno.ENOENT
    assert not list((tmp_path / "Maildir/tmp").iterdir())


def test_what_is_no_directory_is_a_file_of_messages(tmp_path: Path) -> None:
    for _ in range(2):
        assert acts.store(letter(tmp_path, "box", is_made=False)) == str(tmp_path / "box")
    assert (tmp_path / "box").read_bytes() == b"From x\nDelivered-To: bob\ntext\n\n" * 2


def test_a_sticky_home_gets_nothing(tmp_path: Path) -> None:
    tmp_path.chmod(0o1700)
    refused = acts.store(letter(tmp_path))
    assert isinstance(refused, OSError)
    assert refused.errno == errno.EAGAIN
    assert not (tmp_path / "Maildir").exists()


def test_what_a_program_prints_in_its_last_moment_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = Command(Identity(5000, 5000, "/"), ("/bin/sh", "-c", f"read go < {gate}; echo last; exit 3"), {}, "/")
    poll = subprocess.Popen.poll

    def poll_late(process: subprocess.Popen[bytes]) -> int | None:
        """The program prints and ends between a look at its output and a look at itself."""
        if process.returncode is None:
            gate.write_text("go\n")
            process.wait()
        return poll(process)

    monkeypatch.setattr(subprocess.Popen, "poll", poll_late)
    ended = acts.run(command)
    assert (ended.status, ended.output) == (3, b"last\n")
