"""A generation that is not confirmed in time is taken back: by whoever waits, the watcher, or the next command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import syslog
import time
from dataclasses import replace
from pathlib import Path

import pytest

from compiler.applied_hosts import ETC, FREE, file, manifest
from courier_compiler.applying import confirmation
from courier_compiler.applying.apply import apply, rollback
from courier_compiler.applying.confirmation import confirm, deadline, honour, start_watcher, take_back, wait, watch
from courier_compiler.applying.generations import in_force, kept
from courier_compiler.applying.installed import Place
from courier_compiler.applying.journal import is_pending
from courier_compiler.applying.reload import Step
from courier_compiler.artefact import Daemon
from courier_compiler.tree import write_tree
from courier_schema.report import CourierSiteError
from crash.hosts import Killed, KilledAt

OLD, NEW = file("me", "old"), file("me", "new")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    apply([OLD], manifest(OLD), place, FREE)
    return place


def _try(place: Place, seconds: float) -> int:
    number = apply([NEW], manifest(NEW), place, replace(FREE, confirm=seconds)).number
    assert number is not None
    return number


def _me(place: Place) -> str:
    return place.path(f"{ETC}/me").read_text()


def _eventually(place: Place, text: str, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and _me(place) != text:
        time.sleep(0.05)
    return _me(place) == text


def test_a_confirmed_generation_stays(place: Place) -> None:
    number = _try(place, 60)
    assert confirm(place) == number
    assert wait(place, number)
    assert watch(place)
    assert take_back(place, number) is None
    assert (_me(place), deadline(place)) == ("new", "never")


def test_an_unconfirmed_generation_is_taken_back_by_whoever_waits(place: Place) -> None:
    number = _try(place, 0.3)
    assert not wait(place, number)
    assert _me(place) == "old"
    assert in_force(place).pending is None


def test_it_is_taken_back_whatever_was_edited_and_the_edit_is_kept(place: Place) -> None:
    number = _try(place, 0.1)
    place.path(f"{ETC}/me").write_text("edited in despair")
    assert not wait(place, number)
    assert _me(place) == "old"
    assert any((one.path / ETC / "me").read_text() == "edited in despair" for one in kept(place) if one.number > 1)


def test_the_very_first_generation_can_be_taken_back(tmp_path: Path) -> None:
    place = Place(tmp_path / "fresh")
    number = _try(place, 0.1)
    assert not wait(place, number)
    assert not place.path(f"{ETC}/me").exists()


def test_there_is_nothing_to_confirm_twice(place: Place) -> None:
    _try(place, 60)
    confirm(place)
    with pytest.raises(CourierSiteError, match="no generation waits"):
        confirm(place)


def test_nothing_else_is_applied_while_a_generation_waits(place: Place) -> None:
    _try(place, 60)
    with pytest.raises(CourierSiteError, match="waits to be confirmed"):
        apply([OLD], manifest(OLD), place, FREE)
    rollback(place, None, FREE)
    assert (_me(place), in_force(place).pending) == ("old", None)


def test_after_the_deadline_the_next_command_takes_it_back(place: Place) -> None:
    _try(place, 60)
    honour(place)
    assert _me(place) == "new"
    rollback(place, None, FREE)
    _try(place, 0.01)
    time.sleep(0.02)
    with pytest.raises(CourierSiteError, match="was not confirmed in time"):
        honour(place)
    assert _me(place) == "old"


def test_the_watcher_takes_it_back_when_nobody_else_is_left(place: Place) -> None:
    _try(place, 1)
    start_watcher(place)
    assert _eventually(place, "old")


def test_a_deadline_is_part_of_the_commit(place: Place) -> None:
    step = 0
    while not is_pending(place):
        with pytest.raises(Killed):
            apply([NEW], manifest(NEW), place, replace(FREE, confirm=0.1), KilledAt(step))
        step += 1
    assert not watch(place), "the watcher finishes the apply that died, and then waits"
    assert _me(place) == "old"


_APPLYING = """
import sys
from courier_compiler.cli import main
sys.exit(main(["apply", sys.argv[1], "--root", sys.argv[2], "--no-owners", "--confirm", sys.argv[3]]))
"""


@pytest.fixture
def builds(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two builds on disk and a root on which the first is in force."""
    for name, artefact in (("one", OLD), ("two", NEW)):
        write_tree(tmp_path / name, [artefact], manifest(artefact))
    root = tmp_path / "root"
    apply([OLD], manifest(OLD), Place(root), FREE)
    return tmp_path / "one", tmp_path / "two", root


def _applying(build: Path, root: Path, seconds: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", _APPLYING, str(build), str(root), seconds]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_the_command_waits_and_says_how_it_ended(builds: tuple[Path, Path, Path]) -> None:
    _, two, root = builds
    with _applying(two, root, "60s") as process:
        assert _eventually(Place(root), "new")
        while in_force(Place(root)).pending is None:
            time.sleep(0.05)
        confirm(Place(root))
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "say courier-compile apply --confirmed before" in out
    assert out.rstrip().endswith("is confirmed")


def test_an_interrupt_takes_it_back_at_once(builds: tuple[Path, Path, Path]) -> None:
    _, two, root = builds
    with _applying(two, root, "1h") as process:
        assert process.stdout is not None
        while "apply --confirmed" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "has been taken back" in out
    assert _me(Place(root)) == "old"


def test_a_terminal_that_dies_does_not_keep_it_from_being_taken_back(builds: tuple[Path, Path, Path]) -> None:
    _, two, root = builds
    with _applying(two, root, "2s") as process:
        assert process.stdout is not None
        while "apply --confirmed" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGHUP)
        os.killpg(process.pid, signal.SIGKILL)
    assert _me(Place(root)) == "new"
    assert _eventually(Place(root), "old")


class _Host:
    """Daemons that note what they are told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def is_running(self, daemon: Daemon) -> bool:
        return daemon is Daemon.COURIERD

    def commands(self, step: Step) -> tuple[tuple[str, ...], ...]:
        return ((step.daemon, step.action),)

    def run(self, command: tuple[str, ...]) -> str:
        self.told.append(" ".join(command))
        return ""


def test_daemons_that_were_told_of_it_are_told_that_it_is_taken_back(place: Place) -> None:
    touching = file("me", "new", touches=frozenset({Daemon.COURIERD, Daemon.ESMTPD}))
    outcome = apply([touching], manifest(touching), place, replace(FREE, confirm=60, reload=True))
    host = _Host()
    assert outcome.number is not None
    take_back(place, outcome.number, host)
    assert host.told == ["courierd restart"]


def test_trouble_of_the_watcher_is_not_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(syslog, "syslog", lambda priority, text: said.append(text))
    monkeypatch.setattr(sys, "argv", ["watcher", str(place.root), place.sysconfdir])
    _try(place, 0.01)
    confirmation.main()
    assert said == ["a generation was not confirmed in time and has been taken back"]
    (place.state / "in-force.json").write_text("{}")
    confirmation.main()
    assert "cannot take back" in said[1]
