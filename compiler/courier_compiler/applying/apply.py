"""Apply: makes a host's tree that of a build, or of a generation that it had before, wholly or not at all.

Everything is staged and synchronised, then the journal decides, then files go to their places and the manifest commits
them. A crash before the journal leaves the old generation; after it, the next apply or rollback finishes the new one.
Files that are not ours, files of ours that were edited by hand, and what guards object to, stop the apply before
anything is written. A return to an earlier generation is never guarded: whoever wants it is in need.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from courier_compiler.applying import generations
from courier_compiler.applying.durable import Disk
from courier_compiler.applying.generations import Generation
from courier_compiler.applying.installed import STATE, Change, Drift, Kind, Place, ancestors, is_foreign, plan_checksum
from courier_compiler.applying.journal import commit, finish, is_pending, sweep
from courier_compiler.applying.lock import held
from courier_compiler.applying.reload import NOTHING, ReloadPlan, after
from courier_compiler.applying.staging import Options, Work, directory_permissions, make_state, stage
from courier_compiler.artefact import Artefact
from courier_compiler.planning.guards import guarded, refused
from courier_schema.legacy.manifest import Manifest
from courier_schema.report import CourierSiteError, Mark, Problem, SitePath


class InterruptedApplyError(CourierSiteError):
    """The world refused a step past the point of no return; what is left will be done by the next run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an apply had to do, and whether it did: `number` is the generation now in force, None when nothing was
    done; `back_to` is the one before it. `reload` is what the daemons have to hear now, of earlier changes, too."""

    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    number: int | None = None
    back_to: int | None = None
    reload: ReloadPlan = NOTHING

    @property
    def checksum(self) -> str:
        return plan_checksum(self.changes)


def _nothing() -> None:
    """What is done at the point of no return unless somebody asks."""


def _nowhere(path: SitePath) -> Mark | None:
    """Where a path of a site stands whose text is not at hand."""
    return None


_CUSTOMARY: Final = Options()


def apply(
    artefacts: Iterable[Artefact],
    manifest: Manifest,
    place: Place,
    options: Options = _CUSTOMARY,
    disk: Disk | None = None,
    decided: Callable[[], None] = _nothing,
    mark: Callable[[SitePath], Mark | None] = _nowhere,
) -> Outcome:
    """Put a build into force. `decided` is called when only the journal is left to be written; `mark` finds the places
    that guards object to.

    An earlier apply that was interrupted is finished first. CourierSiteError when the world does not let us:
    BusyError while another process changes the host, InterruptedApplyError past the point of no return.
    """
    disk = disk or Disk()
    require_rights(options)
    work = Work(tuple(artefacts), manifest, place, options, disk)
    if unknown := tuple(_unknown_owners(work)):
        return Outcome((), unknown)
    make_state(work)
    with held(place, "courier-compile apply"), speaking(place, disk):
        finish(place, disk)
        refuse_unconfirmed(place)
        return _install(work, decided, tuple(_guards(work, mark)))


def preview(
    artefacts: Iterable[Artefact],
    manifest: Manifest,
    place: Place,
    options: Options = _CUSTOMARY,
    mark: Callable[[SitePath], Mark | None] | None = _nowhere,
) -> Outcome:
    """What an apply would do, without doing it; without a `mark`, what a rollback would, which no guard stops.

    CourierSiteError while an interrupted apply is not finished.
    """
    if is_pending(place):
        raise CourierSiteError("an apply was interrupted: say courier-compile apply --recover first")
    work = Work(tuple(artefacts), manifest, place, options, Disk())
    guarding = _guards(work, mark) if mark is not None else ()
    problems = (*_unknown_owners(work), *_refusals(work), *guarding)
    reload = after(generations.in_force(place).untold, work.comparison.steps.steps)
    return Outcome(work.changes, problems, reload=reload)


def rollback(
    place: Place, wanted: str | None = None, options: Options = _CUSTOMARY, disk: Disk | None = None
) -> Outcome:
    """Return to the generation of that number or id; without one, to that before the one in force.

    CourierSiteError as `apply`, and when the generation is not kept.
    """
    disk = disk or Disk()
    require_rights(options)
    require_state(place)
    with held(place, "courier-compile rollback"), speaking(place, disk):
        finish(place, disk)
        return return_to(place, generations.find(place, wanted), options, disk)


def return_to(place: Place, generation: Generation, options: Options, disk: Disk) -> Outcome:
    """Put a kept generation into force again. The caller holds the host."""
    stored = generations.load(generation.path)
    if stored.problems:
        return Outcome((), tuple(_damaged(generation, problem) for problem in stored.problems))
    work = Work(stored.artefacts, stored.manifest, place, options, disk, generation.number)
    unknown = tuple(_unknown_owners(work))
    return Outcome((), unknown) if unknown else _install(work, _nothing, ())


def recover(place: Place, disk: Disk | None = None) -> str | None:
    """Finish an apply that was interrupted; the generation that is in force now, None when there was none."""
    disk = disk or Disk()
    require_state(place)
    with held(place, "courier-compile apply --recover"), speaking(place, disk):
        return finish(place, disk)


def require_rights(options: Options) -> None:
    """CourierSiteError unless we may give files to others."""
    if options.owners and os.geteuid() != 0:
        raise CourierSiteError("only root can give files to their owners: run as root, or say --no-owners")


def require_state(place: Place) -> None:
    """CourierSiteError where nothing was ever applied."""
    if not place.state.is_dir():
        raise CourierSiteError(f"nothing was ever applied: there is no {place.state}")


def refuse_unconfirmed(place: Place) -> None:
    """CourierSiteError while the generation in force may still be taken back."""
    if generations.in_force(place).pending is not None:
        raise CourierSiteError(
            "the generation in force waits to be confirmed: say courier-compile apply --confirmed, or roll it back"
        )


@contextmanager
def speaking(place: Place, disk: Disk) -> Iterator[None]:
    """Turn the world's refusals into words, and tidy up where nothing was decided. The caller holds the host."""
    try:
        yield
    except OSError as error:
        about = f"cannot change {error.filename or place.state}: {error.strerror}"
        if is_pending(place):
            raise InterruptedApplyError(
                f"{about}; the change is decided and half done: mend this, then say courier-compile apply --recover"
            ) from error
        with suppress(OSError):
            sweep(place, disk)
        raise CourierSiteError(f"{about}; nothing has changed") from error


def _install(work: Work, decided: Callable[[], None], guarding: tuple[Problem, ...]) -> Outcome:
    """The five steps. `guarding` is what guards object to."""
    problems = (*_refusals(work), *guarding)
    current = generations.in_force(work.place)
    if problems:
        return Outcome(work.changes, problems)
    if not work.changes and work.record == work.manifest and work.number in (None, current.number):
        return Outcome((), (), reload=ReloadPlan(current.untold))
    journal, installed, back_to = stage(work, current)
    decided()
    commit(work.place, journal, work.disk)
    with suppress(OSError):  # what is not pruned now will be next time
        generations.prune(work.place, work.options.keep, work.disk)
    return Outcome(work.changes, (), installed.number, back_to, ReloadPlan(installed.untold))


# what stops an apply


def _guards(work: Work, mark: Callable[[SitePath], Mark | None]) -> Iterator[Problem]:
    """What is rarely meant, and was not allowed by its word."""
    if work.changes:
        yield from refused(guarded(work.comparison.sides, mark, work.options.limits), work.options.allowed)


def _unknown_owners(work: Work) -> Iterator[Problem]:
    accounts = work.accounts
    if accounts is None:
        return
    permissions = directory_permissions(work.manifest)
    directories = [permissions(path) for artefact in work.artefacts for path in ancestors(artefact.path)]
    users = {one.owner for one in work.artefacts} | {one.owner for one in directories}
    groups = {one.group for one in work.artefacts} | {one.group for one in directories}
    missing = (
        *(f"user {name}" for name in sorted(users) if accounts.uid(name) is None),
        *(f"group {name}" for name in sorted(groups) if accounts.gid(name) is None),
    )
    for name in missing:
        yield Problem("unknown-owner", f"this host has no {name}", "install the packages of Courier first")


def _refusals(work: Work) -> Iterator[Problem]:
    options = work.options
    leaving = {change.path for change in work.changes if change.wanted is None}
    for change in work.changes:
        yield from _obstructions(work, change, leaving)
        if isinstance(change, Drift) and not options.overwrite_drift:
            yield _drifted(change)
        if is_foreign(change) and not options.adopt_all and change.path not in options.adopt:
            yield Problem(
                "foreign-file",
                f"/{change.path} was not made by courier-compile, and differs from what the site wants",
                f"say --adopt {change.path} (or --adopt-all) to replace it, or move it away",
            )
    if options.checksum is not None and options.checksum != plan_checksum(work.changes):
        yield Problem(
            "plan-changed",
            f"the changes are not those of checksum {options.checksum}: theirs is {plan_checksum(work.changes)}",
            "look at them with --dry-run and give their checksum",
        )


def _drifted(change: Drift) -> Problem:
    what = "is gone" if change.found is None else "was changed"
    return Problem(
        "drifted-file",
        f"/{change.path} {what} since courier-compile wrote it",
        "say the change in the site, or --overwrite-drift to lose it (what is there now will be kept as a generation)",
    )


def _obstructions(work: Work, change: Change, leaving: set[str]) -> Iterator[Problem]:
    if change.found is not None and change.found.kind in (Kind.DIRECTORY, Kind.OTHER):
        yield _obstructed(change.path, f"is a {change.found.kind}")
    if change.found is None and change.wanted is not None:
        for above in ancestors(change.path):
            path = work.place.path(above)
            if os.path.lexists(path) and not path.is_dir() and above not in leaving:
                yield _obstructed(above, f"is not a directory, which /{change.path} needs")
    if STATE in PurePosixPath(change.path).parts:
        yield _obstructed(change.path, "lies among the records of courier-compile")
    if not work.place.path(change.path).parent.resolve().is_relative_to(work.place.root.resolve()):
        yield _obstructed(change.path, f"leads out of {work.place.root} by a symbolic link")


def _obstructed(path: str, what: str) -> Problem:
    return Problem("path-obstructed", f"/{path} {what}", "move it away")


def _damaged(generation: Generation, problem: Problem) -> Problem:
    says = f"generation {generation.number} is damaged: {problem.says}"
    return Problem("generation-damaged", says, "return to another generation (courier-compile rollback --list)")
