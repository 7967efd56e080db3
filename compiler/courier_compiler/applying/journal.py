"""Journal: the decision to go from one generation to the next, and the steps that carry it out.

Once the journal has its name the change will be finished, now or after any number of crashes: every step may be
taken again. Before that, nothing that Courier reads has changed. The manifest's rename is the commit.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from courier_compiler.applying.durable import Disk, Owner
from courier_compiler.applying.installed import Place, ancestors
from courier_schema.legacy.manifest import NAME
from courier_schema.report import CourierSiteError

FORMAT: Final = 1
_JOURNAL: Final = "journal.json"
_STAGE: Final = "stage"
_ELSEWHERE: Final = "elsewhere"
"""In the stage: the list of staged files that had to be put on other file systems."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory to make, with its owner by number where owners are kept."""

    path: str
    mode: int
    uid: int | None = None
    gid: int | None = None

    @property
    def owner(self) -> Owner | None:
        return None if self.uid is None or self.gid is None else Owner(self.uid, self.gid)


@dataclass(frozen=True, slots=True)
class Move:
    """A finished file, or a directory of them, and the place it goes to."""

    staged: str
    path: str


@dataclass(frozen=True, slots=True)
class Journal:
    """Everything that is left to do. Paths are relative to the root of the host."""

    generation: str
    records: tuple[Move, ...]
    """Our own records: generations to keep, and what is in force."""
    directories: tuple[Directory, ...]
    """To make, parents first."""
    files: tuple[Move, ...]
    removals: tuple[str, ...]
    emptied: tuple[str, ...]
    """Directories to remove unless something is in them."""

    def dump(self) -> bytes:
        return (json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n").encode()


def journal_path(place: Place) -> Path:
    """Where the journal is while there is one."""
    return place.state / _JOURNAL


def stage_path(place: Place) -> Path:
    """Where finished files wait for the journal."""
    return place.state / _STAGE


def is_pending(place: Place) -> bool:
    """Whether a change is past its point of no return, but not finished."""
    return journal_path(place).exists()


def commit(place: Place, journal: Journal, disk: Disk) -> None:
    """Decide and carry out. The contents of all that is staged must be durable; its names become so here."""
    with _uninterrupted():
        _decide(place, journal, disk)
        finish(place, disk)


def _decide(place: Place, journal: Journal, disk: Disk) -> None:
    """The point of no return."""
    draft = stage_path(place) / _JOURNAL
    disk.write(draft, journal.dump())
    disk.synchronise(draft.parent)
    disk.rename(draft, journal_path(place))
    disk.synchronise(place.state)


def finish(place: Place, disk: Disk) -> str | None:
    """Carry out the journal, from wherever it was left; the generation it led to, None when there was no journal."""
    try:
        journal = load_journal(journal_path(place).read_bytes())
    except FileNotFoundError:
        sweep(place, disk)
        return None
    with _uninterrupted():
        _put_in_place(place, journal, disk)
        _move(place, Move(place.name(stage_path(place) / NAME), place.name(place.manifest)), disk)
        disk.synchronise(place.state)
        disk.unlink(journal_path(place))
        with suppress(OSError):  # the change is complete: what is left over is swept by the next one
            disk.synchronise(place.state)
            sweep(place, disk)
    return journal.generation


def load_journal(text: bytes) -> Journal:
    """The journal in a JSON text. CourierSiteError when it is none."""
    try:
        record = json.loads(text)
        if record.pop("format") != FORMAT:
            raise CourierSiteError("the journal was written by another release: finish with that one")
        return Journal(
            record["generation"],
            tuple(Move(**move) for move in record["records"]),
            tuple(Directory(**directory) for directory in record["directories"]),
            tuple(Move(**move) for move in record["files"]),
            tuple(record["removals"]),
            tuple(record["emptied"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourierSiteError(f"the journal is damaged: {error}") from error


def sweep(place: Place, disk: Disk) -> None:
    """Remove what was staged and is not needed."""
    stage = stage_path(place)
    for path in staged_elsewhere(place):
        disk.unlink(place.path(path))
    disk.remove_tree(stage)


def note_elsewhere(place: Place, paths: Iterable[str], disk: Disk) -> None:
    """Remember staged files outside the stage, before they are made."""
    disk.write(stage_path(place) / _ELSEWHERE, json.dumps(list(paths)).encode())
    disk.synchronise(stage_path(place))


def staged_elsewhere(place: Place) -> list[str]:
    """Staged files outside the stage. A list that was never finished names none that exists."""
    try:
        return [str(path) for path in json.loads((stage_path(place) / _ELSEWHERE).read_bytes())]
    except (FileNotFoundError, ValueError):
        return []


def _put_in_place(place: Place, journal: Journal, disk: Disk) -> None:
    for move in journal.records:
        _move(place, move, disk)
    _make_way(place, journal, disk)
    for directory in journal.directories:
        disk.mkdir(place.path(directory.path), directory.mode, directory.owner)
    for move in journal.files:
        _move(place, move, disk)
    for path in journal.removals:
        disk.unlink(place.path(path))
    for path in journal.emptied:
        disk.rmdir(place.path(path))
    for touched in sorted(_touched(place, journal)):
        if touched.is_dir():
            disk.synchronise(touched)


def _make_way(place: Place, journal: Journal, disk: Disk) -> None:
    """Remove files where directories are wanted, and directories where files are."""
    arriving = {move.path for move in journal.files}
    above = {directory for path in arriving for directory in ancestors(path)}
    for path in journal.removals:
        if path in above or not arriving.isdisjoint(ancestors(path)):
            disk.unlink(place.path(path))
    for path in journal.emptied:
        if path in arriving or not arriving.isdisjoint(ancestors(path)):
            _vacate(place.path(path), disk)


def _vacate(path: Path, disk: Disk) -> None:
    if not disk.rmdir(path):
        raise CourierSiteError(
            f"{path} holds files of somebody else: move them away, then say courier-compile apply --recover"
        )


def _move(place: Place, move: Move, disk: Disk) -> None:
    """Rename, unless that was done before the crash that we come from."""
    staged = place.path(move.staged)
    if os.path.lexists(staged):
        disk.rename(staged, place.path(move.path))


def _touched(place: Place, journal: Journal) -> set[Path]:
    """Directories whose names have changed."""
    moves = (*journal.records, *journal.files)
    paths = (
        *(name for move in moves for name in (move.staged, move.path)),
        *(directory.path for directory in journal.directories),
        *journal.removals,
        *journal.emptied,
    )
    return {place.path(path).parent for path in paths}


_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let nobody's impatience stop a change half-way: signals wait until it is done.

    Only the main thread has signals to wait for. Blocking them would not do: another thread would take them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: arrived.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for late in arrived:
            signal.raise_signal(late)
