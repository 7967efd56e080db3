"""When the power fails, what was accepted is safe; deliveries of the last moments may be repeated, never lost.

The operations of one life are written down while it goes on. For each moment a disk is made that holds what was synced
by then and an arbitrary part of the rest: names and removals that came through or did not, ends of files that are cut,
or full of zeros. A mailbox, too, holds for certain only what was synced. Then the machine starts again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from courier_runtime.spool.disk import Disk
from crash.spooled import Books, Key, Quick, Story, serve_all, spool_at
from runtime.spools import crash

EVENTS = 45
CHOICES = 4
"""Arbitrary choices at each moment."""


@dataclass
class File:
    """What a disk may hold of a file."""

    content: bytes = b""
    synced: int = 0
    """Bytes that are certain."""
    is_named: bool = False
    """Whether its name is certain."""
    is_gone: bool = False
    """Removed, which is not certain."""


@dataclass
class Image:
    """The disk at a moment, as far as it is certain, and what is not."""

    files: dict[str, File] = field(default_factory=dict)
    mailboxes: Counter[Key] = field(default_factory=Counter)
    """Deliveries that are certain: mailboxes that were synced, and what other servers took."""
    unsynced: list[Key] = field(default_factory=list)
    accepted: set[Key] = field(default_factory=set)

    def take(self, verb: str, path: str, content: bytes, size: int) -> None:
        match verb:
            case "create":
                self.files[path] = File()
            case "append":
                self.files[path].content += content
            case "truncate":
                self.files[path].content = self.files[path].content[:size]
            case "synchronise":
                self.files[path].synced = len(self.files[path].content)
            case "rename":
                self.files[path] = self.files.pop(f"{path}.part")
            case "unlink":
                if path in self.files:
                    self.files[path].is_gone = True
            case "synchronise names":
                self._certain(path)
            case "synchronise all":
                self._certain("")
                for file in self.files.values():
                    file.synced = len(file.content)
                self.mailboxes.update(self.unsynced)
                self.unsynced = []

    def happen(self, what: str, key: Key) -> None:
        match what:
            case "accepted":
                self.accepted.add(key)
            case "mailbox":
                self.unsynced.append(key)
            case "relayed":
                self.mailboxes[key] += 1

    def _certain(self, directory: str) -> None:
        for path, file in list(self.files.items()):
            if path.startswith(directory):
                file.is_named = True
                if file.is_gone:
                    del self.files[path]

    def write(self, root: Path, chance: Random) -> None:
        """Make the disk that is left, as chance will have it."""
        (root / "log").mkdir(parents=True)
        (root / "texts").mkdir()
        for path, file in self.files.items():
            if (file.is_named or chance.random() < 0.5) and not (file.is_gone and chance.random() < 0.5):
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_bytes(_left_of(file, chance))


def _left_of(file: File, chance: Random) -> bytes:
    certain, rest = file.content[: file.synced], file.content[file.synced :]
    kind = chance.randrange(5)
    at = chance.randrange(len(rest) + 1)
    match kind:
        case 0:
            return certain
        case 1:
            return certain + rest
        case 2:
            return certain + rest[:at]
        case 3:
            return certain + rest[:at] + bytes(len(rest) - at)
        case _:
            end = chance.randrange(at, len(rest) + 1)
            return certain + rest[:at] + bytes(end - at) + rest[end:]


Step = tuple[str, str, bytes, int]


class Written(Disk):
    """A disk that writes down what is done to it, between the events of the books."""

    def __init__(self, root: Path, books: Books) -> None:
        super().__init__()
        self._root, self._books = str(root) + "/", books
        self.steps: list[Step | tuple[str, Key]] = []
        self._noted = 0

    def create(self, path: str) -> int:
        descriptor = super().create(path)
        self._write_down("create", path)
        return descriptor

    def append(self, descriptor: int, parts: Sequence[bytes]) -> None:
        super().append(descriptor, parts)
        self._write_down("append", self._paths[descriptor], b"".join(parts))

    def truncate(self, descriptor: int, size: int) -> None:
        super().truncate(descriptor, size)
        self._write_down("truncate", self._paths[descriptor], size=size)

    def synchronise(self, descriptor: int) -> None:
        self._write_down("synchronise", self._paths[descriptor])

    def synchronise_names(self, directory: str) -> None:
        self._write_down("synchronise names", directory)

    def synchronise_all(self) -> None:
        self._write_down("synchronise all", self._root)

    def rename(self, source: str, target: str) -> None:
        super().rename(source, target)
        self._write_down("rename", target)

    def unlink(self, path: str) -> None:
        super().unlink(path)
        self._write_down("unlink", path)

    def all_steps(self) -> list[Step | tuple[str, Key]]:
        self._note()
        return self.steps

    def _note(self) -> None:
        """Let the events that came before have their place."""
        events = self._books.events[self._noted :]
        self._noted += len(events)
        self.steps += events

    def _write_down(self, verb: str, path: str, content: bytes = b"", size: int = 0) -> None:
        self._note()
        self.steps.append((verb, path.removeprefix(self._root), content, size))


@pytest.fixture
def fast_path(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as directory:
        yield Path(directory)


def lived(path: Path, seed: int) -> tuple[Books, list[Step | tuple[str, Key]]]:
    """One life, with all that was done to the disk."""
    books = Books()
    disk = Written(path, books)

    async def story() -> None:
        spool = spool_at(path, disk)
        await Story(spool, books, seed).go_on(EVENTS)
        crash(spool)

    asyncio.run(story())
    return books, disk.all_steps()


def start_again(path: Path, texts: dict[str, bytes], boot: str = "second") -> Books:
    """The machine starts: everything that is found is served."""
    books = Books(texts=texts)

    async def story() -> None:
        spool = spool_at(path, Quick(), boot=boot)
        await serve_all(spool, books)
        await spool.close()

    asyncio.run(story())
    return books


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_power_failure_at_any_moment_loses_nothing_that_was_accepted(fast_path: Path, seed: int) -> None:
    books, steps = lived(fast_path / "life", seed)
    chance = Random(seed)
    image = Image()
    repeated = outcomes = 0
    for moment, step in enumerate(steps):
        if len(step) == 2:
            image.happen(*step)
        else:
            image.take(*step)
        if moment % 3:
            continue
        for choice in range(CHOICES):
            root = fast_path / f"{moment}-{choice}"
            image.write(root, chance)
            after = start_again(root, books.texts)
            kept = image.mailboxes + Counter(key for key in image.unsynced if chance.random() < 0.5)
            lost = {key for key in image.accepted if not after.served[key] and not kept[key]}
            assert not lost, f"moment {moment}: {step[0]} {step[1]}: {lost}"
            repeated += sum(1 for key in after.served if kept[key])
            outcomes += len(image.accepted)
            shutil.rmtree(root)
    assert outcomes > 1000
    assert repeated < outcomes / 4, "checkpoints keep repetitions rare"


def test_a_second_power_failure_during_recovery_loses_nothing_either(fast_path: Path) -> None:
    books, steps = lived(fast_path / "life", 4)
    chance = Random(4)
    image = Image()
    for moment, step in enumerate(steps):
        if len(step) == 2:
            image.happen(*step)
        else:
            image.take(*step)
        if moment % 25:
            continue
        root = fast_path / f"{moment}"
        image.write(root, chance)
        kept = image.mailboxes + Counter(key for key in image.unsynced if chance.random() < 0.5)
        second = _recorded_recovery(root)
        for number in range(len(second)):
            again = _image_of(root, second[:number])
            place = fast_path / f"{moment}-{number}"
            again.write(place, chance)
            after = start_again(place, books.texts, boot="third")
            assert not {key for key in image.accepted if not after.served[key] and not kept[key]}
            shutil.rmtree(place)


def _recorded_recovery(root: Path) -> list[Step]:
    """What a recovery of this disk does; the disk itself is not changed."""
    copy = root.with_name(f"{root.name}-copy")
    shutil.copytree(root, copy)
    disk = Written(copy, Books())
    spool = spool_at(copy, disk, boot="second")
    crash(spool)
    shutil.rmtree(copy)
    return [step for step in disk.all_steps() if len(step) == 4]


def _image_of(root: Path, steps: Sequence[Step]) -> Image:
    """A disk on which these steps of a recovery came after what it held."""
    image = Image()
    for path in root.rglob("*"):
        if path.is_file() and path.name != "lock":
            content = path.read_bytes()
            image.files[str(path.relative_to(root))] = File(content, len(content), is_named=True)
    for step in steps:
        image.take(*step)
    return image
