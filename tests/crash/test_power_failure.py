"""When the power fails, names and contents that were not synchronised may be lost; a host is old or new all the same.

The steps of one apply are written down while it runs. For each moment, a host is made of what was synchronised by then
and an arbitrary choice of the rest, as a disk would hold it, and the apply is finished on that.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from courier_compiler.applying.apply import recover
from courier_compiler.applying.durable import Disk, Owner
from courier_compiler.applying.installed import Place
from courier_compiler.applying.journal import is_pending
from crash.hosts import NEW, Host, host_with_both

_RECENT = 6
"""Steps of which each one is lost alone, and each one kept alone."""
_LUCK = 2
"""Arbitrary choices at each moment, besides."""


@dataclass(frozen=True)
class Step:
    """One change of names, or the synchronisation of a directory."""

    verb: str
    path: Path
    source: Path = Path()
    content: bytes = b""
    mode: int = 0

    @property
    def directories(self) -> set[Path]:
        """Where names change."""
        return {self.path.parent, self.source.parent} if self.verb == "rename" else {self.path.parent}


class Written(Disk):
    """A disk that writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []

    def write(self, path: Path, content: bytes, mode: int = 0o600, owner: Owner | None = None) -> None:
        super().write(path, content, mode, owner)
        self.steps.append(Step("write", path, content=content, mode=mode))

    def symlink(self, path: Path, target: bytes, owner: Owner | None = None) -> None:
        super().symlink(path, target, owner)
        self.steps.append(Step("symlink", path, content=target))

    def link(self, existing: Path, path: Path) -> None:
        super().link(existing, path)
        self.steps.append(Step("link", path, existing))

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.steps.append(Step("rename", target, source))

    def unlink(self, path: Path) -> None:
        if path.is_symlink() or path.is_file():
            self.steps.append(Step("unlink", path))
        super().unlink(path)

    def mkdir(self, path: Path, mode: int = 0o700, owner: Owner | None = None) -> None:
        super().mkdir(path, mode, owner)
        self.steps.append(Step("mkdir", path, mode=mode))

    def rmdir(self, path: Path) -> bool:
        stood = path.is_dir() and not path.is_symlink()
        done = super().rmdir(path)
        if stood and done:
            self.steps.append(Step("rmdir", path))
        return done

    def synchronise(self, directory: Path) -> None:
        super().synchronise(directory)
        self.steps.append(Step("synchronise", directory))


def _is_durable(steps: Sequence[Step], at: int) -> bool:
    """Whether a directory whose names a step changed was synchronised after it."""
    synchronised = {step.path for step in steps[at + 1 :] if step.verb == "synchronise"}
    return not steps[at].directories.isdisjoint(synchronised)


def _survivors(steps: Sequence[Step], chance: random.Random) -> Iterator[list[Step]]:
    """What the disk may hold: all that was synchronised, and of the rest nothing, all, all but one, one, or any."""
    open_ = [at for at in range(len(steps)) if not _is_durable(steps, at)]
    lost = [{*open_}, set()]
    lost += [{at} for at in open_[-_RECENT:]]
    lost += [{*open_} - {at} for at in open_[-_RECENT:]]
    lost += [{at for at in open_ if chance.random() < 0.5} for _ in range(_LUCK)]
    for gone in lost:
        yield [step for at, step in enumerate(steps) if at not in gone]


def _repeat(step: Step, old: Path, new: Path) -> None:
    """Take a step on another host; one whose ground is lost is lost, too."""
    path = new / step.path.relative_to(old)
    source = new / step.source.relative_to(old) if step.source != Path() else path
    try:
        match step.verb:
            case "write":
                path.write_bytes(step.content)
                path.chmod(step.mode)
            case "symlink":
                path.symlink_to(step.content.decode())
            case "link":
                path.hardlink_to(source)
            case "rename":
                source.replace(path)
            case "unlink":
                path.unlink()
            case "mkdir":
                path.mkdir(exist_ok=True)
                path.chmod(step.mode)
            case "rmdir":
                shutil.rmtree(path)  # what was still known to be in it cannot be reached any more
    except OSError:
        return


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as directory:
        yield Path(directory)


def test_a_power_failure_at_every_moment_leaves_old_or_new(fast_path: Path) -> None:
    host = host_with_both(fast_path)
    before = fast_path / "before"
    shutil.copytree(host.place.root, before, symlinks=True)
    disk = Written()
    host.put(NEW, disk)
    chance = random.Random(20240229)
    ends = {"old": 0, "new": 0}
    for moment in range(len(disk.steps) + 1):
        for survivors in _survivors(disk.steps[:moment], chance):
            after = Host(Place(fast_path / "after"), host.trees)
            shutil.copytree(before, after.place.root, symlinks=True)
            for step in survivors:
                _repeat(step, host.place.root, after.place.root)
            if not is_pending(after.place):
                assert after.seen == after.now
                assert after.now is not None
            recover(after.place)
            assert after.now is not None, f"{moment}: {disk.steps[:moment]}"
            assert after.seen == after.now
            ends[after.now] += 1
            after.put(NEW)
            assert after.now == "new"
            shutil.rmtree(after.place.root)
    assert min(ends.values()) > 100
