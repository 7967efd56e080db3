"""Generations: every tree that was in force on a host, kept so that the host can return to it byte for byte.

A kept generation is a directory of the form that `build` makes: its files with their own permissions, and their
manifest. It never shares a file with the tree in force, so nothing that is edited in place there changes it; files that
two kept generations have in common are stored once. Generations that we found, not made, are the only copy of another
hand's work: they stay until somebody removes their directory.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from courier_compiler.applying.accounts import Accounts
from courier_compiler.applying.durable import Disk, Owner
from courier_compiler.applying.installed import STATE, Place
from courier_compiler.applying.journal import Move, stage_path
from courier_compiler.applying.reload import Action, Step
from courier_compiler.artefact import Artefact, Daemon, daemons_named
from courier_schema.legacy.manifest import NAME, Entry, Manifest, load_manifest
from courier_schema.report import CourierSiteError, Problem

KEEP: Final = 10
"""Generations of ours that are kept unless told otherwise."""

_ABOUT: Final = ".about.json"
_IN_FORCE: Final = "in-force.json"
_NAME: Final = re.compile(r"(?P<number>\d{4,})-(?P<id>[0-9a-f]{16})(?P<found>-found)?")


@dataclass(frozen=True, slots=True)
class Generation:
    """One kept generation. `found` ones were not made by us: they are what a host had before we overwrote it."""

    number: int
    id: str
    found: bool
    path: Path


@dataclass(frozen=True, slots=True)
class Pending:
    """A generation that is taken back unless it is confirmed by `deadline` (seconds of the epoch)."""

    deadline: float
    back_to: int
    reload: bool
    """Whether the daemons are to hear of it."""
    owners: bool
    """Whether files are given to their owners."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What we know of the tree in force beyond its manifest: number, directories that are ours, confirmation due."""

    number: int = 0
    directories: tuple[str, ...] = ()
    pending: Pending | None = None
    untold: tuple[Step, ...] = ()
    """What daemons still have to do before they follow the tree in force."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The files of a directory that `build` or an apply has made, and what is wrong with them."""

    manifest: Manifest
    artefacts: tuple[Artefact, ...]
    problems: tuple[Problem, ...]


def kept(place: Place) -> tuple[Generation, ...]:
    """The generations that are kept, by number."""
    try:
        names = sorted(path.name for path in _store(place).iterdir())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error
    found = (_NAME.fullmatch(name) for name in names)
    generations = (
        Generation(int(match["number"]), match["id"], bool(match["found"]), _store(place) / match[0])
        for match in found
        if match
    )
    return tuple(sorted(generations, key=lambda one: one.number))


def find(place: Place, wanted: str | None) -> Generation:
    """The generation of that number or id, newest first; without one, that before the one in force.

    CourierSiteError when it is not kept.
    """
    generations = kept(place)
    if wanted is None:
        return _before(place, generations, in_force(place).number)
    for generation in reversed(generations):
        if wanted == generation.id or (wanted.isdecimal() and int(wanted) == generation.number):
            return generation
    known = ", ".join(f"{one.number} ({one.id})" for one in generations) or "none"
    raise CourierSiteError(f"there is no generation {wanted}; kept are {known}")


def _before(place: Place, generations: Sequence[Generation], number: int) -> Generation:
    """The generation that another replaced, or the nearest earlier one where that is not kept."""
    here = next((one for one in generations if one.number == number), None)
    previous = _about(here.path).get("previous", number - 1) if here is not None else number - 1
    earlier = [one for one in generations if one.number <= previous]
    if not earlier:
        raise CourierSiteError("no generation before the one in force is kept")
    return earlier[-1]


def in_force(place: Place) -> InForce:
    """What is recorded of the tree in force; nothing was ever applied when its number is 0."""
    try:
        record = json.loads((place.state / _IN_FORCE).read_bytes())
        pending = Pending(**record["pending"]) if record["pending"] is not None else None
        steps = record.get("untold", ())
        untold = tuple(Step(Daemon(one["daemon"]), Action(one["action"]), tuple(one["because"])) for one in steps)
        return InForce(record["number"], tuple(record["directories"]), pending, untold)
    except (FileNotFoundError, NotADirectoryError):
        return InForce()
    except OSError as error:
        raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CourierSiteError(f"{place.state / _IN_FORCE} is damaged: {error}") from error


def stage_in_force(place: Place, record: InForce, disk: Disk) -> Move:
    """Write the record of a tree that is not in force yet."""
    draft = stage_path(place) / _IN_FORCE
    disk.write(draft, _dumped(record))
    return Move(place.name(draft), place.name(place.state / _IN_FORCE))


def settle(place: Place, record: InForce, disk: Disk) -> None:
    """Replace the record of the tree in force, where nothing else changes."""
    draft = place.state / f"{_IN_FORCE}.new"
    disk.unlink(draft)
    disk.write(draft, _dumped(record))
    disk.rename(draft, place.state / _IN_FORCE)
    disk.synchronise(place.state)


def _dumped(record: InForce) -> bytes:
    return (json.dumps(asdict(record), indent=1) + "\n").encode()


def stage_generation(
    place: Place,
    generation: Generation,
    manifest: Manifest,
    artefacts: Iterable[Artefact],
    accounts: Accounts | None,
    previous: int,
    disk: Disk,
) -> Move:
    """Write a generation that will be kept, with owners where accounts are given; it replaces the `previous` one."""
    directory = stage_path(place) / generation.path.name
    disk.mkdir(directory)
    earlier = _latest(place)
    for artefact in artefacts:
        _write(directory, artefact, earlier, accounts, disk)
    disk.write(directory / NAME, manifest.dump())
    disk.write(directory / _ABOUT, json.dumps({"previous": previous}).encode())
    for parent in sorted({directory, *(one for one in directory.rglob("*") if one.is_dir() and not one.is_symlink())}):
        disk.synchronise(parent)
    return Move(place.name(directory), place.name(generation.path))


def named(place: Place, number: int, manifest: Manifest, found: bool = False) -> Generation:
    """The generation that a manifest makes under that number."""
    name = f"{number:04d}-{manifest.generation}" + ("-found" if found else "")
    return Generation(number, manifest.generation, found, _store(place) / name)


def next_number(place: Place) -> int:
    """A number that no generation has had while it is remembered."""
    return max((*(one.number for one in kept(place)), in_force(place).number)) + 1


def make_store(place: Place, disk: Disk) -> None:
    """Make the directory of generations."""
    disk.mkdir(_store(place))


def prune(place: Place, keep: int, disk: Disk) -> None:
    """Keep the newest generations of ours, the one in force, the one that an unconfirmed apply may go back to, and all
    that were found."""
    record = in_force(place)
    needed = {record.number, record.pending.back_to if record.pending else record.number}
    ours = [generation for generation in kept(place) if not generation.found]
    disk.mkdir(stage_path(place))
    for generation in ours[:-keep]:
        if generation.number not in needed:
            leaving = stage_path(place) / generation.path.name
            disk.rename(generation.path, leaving)
            disk.remove_tree(leaving)
    disk.rmdir(stage_path(place))


def load(directory: Path) -> Stored:
    """The files of a build, or of a kept generation. CourierSiteError when it is neither."""
    try:
        manifest = load_manifest((directory / NAME).read_bytes())
    except OSError as error:
        raise CourierSiteError(f"cannot read {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise CourierSiteError(f"{directory} cannot be used: {error}") from error
    problems: list[Problem] = []
    artefacts: list[Artefact] = []
    for path, entry in manifest.files.items():
        loaded = _load(directory, path, entry)
        if isinstance(loaded, Problem):
            problems.append(loaded)
        else:
            artefacts.append(loaded)
    return Stored(manifest, tuple(artefacts), tuple(problems))


def _load(directory: Path, path: str, entry: Entry) -> Artefact | Problem:
    if not _is_inside(path):
        return Problem("build-path", f"the manifest of {directory} names a file {path!r}", "build it again")
    file = directory / path
    try:
        content = os.fsencode(file.readlink()) if entry.link else file.read_bytes()
    except OSError as error:
        says = f"{file} is listed in the manifest, but cannot be read: {error.strerror}"
        return Problem("build-file-missing", says, "build it again")
    touches = daemons_named(entry.touches or ())
    artefact = Artefact(
        path, content, int(entry.mode, 8), entry.owner, entry.group, entry.secret, entry.link, touches=touches
    )
    if artefact.sha256 != entry.sha256:
        return Problem("build-file-altered", f"{file} is not the file that was built", "build it again")
    return artefact


def _is_inside(path: str) -> bool:
    """Whether a path names a file below the root that is not one of our records."""
    parts = PurePosixPath(path).parts
    return bool(parts) and str(PurePosixPath(path)) == path and not {"/", "..", STATE} & set(parts)


def _about(directory: Path) -> dict[str, Any]:
    """What we noted of a kept generation; nothing of a build."""
    try:
        return dict(json.loads((directory / _ABOUT).read_bytes()))
    except FileNotFoundError:
        return {}


def _store(place: Place) -> Path:
    return place.generations


def _latest(place: Place) -> Path | None:
    generations = kept(place)
    return generations[-1].path if generations else None


def _write(directory: Path, artefact: Artefact, earlier: Path | None, accounts: Accounts | None, disk: Disk) -> None:
    target = directory / artefact.path
    for parent in reversed([one for one in target.parents if one.is_relative_to(directory)]):
        if not parent.is_dir():
            disk.mkdir(parent)
    owner = accounts.owner(artefact.owner, artefact.group) if accounts is not None else None
    same = earlier / artefact.path if earlier is not None else None
    if same is not None and _is_like(same, artefact, owner):
        disk.link(same, target)
    elif artefact.link:
        disk.symlink(target, artefact.content, owner)
    else:
        disk.write(target, artefact.content, artefact.mode, owner)


def _is_like(path: Path, artefact: Artefact, owner: Owner | None) -> bool:
    """Whether a kept file can serve for another generation: same bytes, permissions and owners."""
    try:
        status = path.lstat()
        if artefact.link or path.is_symlink() or status.st_mode & 0o7777 != artefact.mode:
            return False
        same_owner = owner is None or owner == Owner(status.st_uid, status.st_gid)
        return same_owner and path.read_bytes() == artefact.content
    except OSError:
        return False
