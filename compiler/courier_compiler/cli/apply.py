"""apply: make this host's files those of a site or a build, wholly or not at all; nothing is done after a problem."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from courier_compiler import pipeline
from courier_compiler.applying import confirmation, generations
from courier_compiler.applying.apply import Outcome, apply, preview, recover
from courier_compiler.applying.installed import DirectoryTree, Place
from courier_compiler.applying.reload import ReloadPlan, running, services
from courier_compiler.applying.staging import Options, target
from courier_compiler.artefact import Artefact
from courier_compiler.build import build, manifest
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, add_site, print_report, progress
from courier_compiler.cli._host import (
    Record,
    add_guards,
    add_root,
    find_place,
    permissions,
    recording,
    services_to_tell,
)
from courier_compiler.host import LocalHost
from courier_compiler.planning.guards import Limits
from courier_schema.legacy.manifest import NAME, Manifest
from courier_schema.report import CourierSiteError, Mark, Problem, Report, Severity, SitePath
from courier_schema.source.secrets import HostSecrets

_UNITS: Final = {"s": 1, "m": 60, "h": 3600}


def _nowhere(path: SitePath) -> Mark | None:
    """Of a build nothing tells where its site says what."""
    return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the host shall have; `problems` are what there is to say of it, and `mark` finds the places of the site."""

    artefacts: tuple[Artefact, ...]
    manifest: Manifest
    problems: tuple[Problem, ...] = ()
    mark: Callable[[SitePath], Mark | None] = _nowhere


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    add_root(parser)
    add_guards(parser)
    add_format(parser)
    parser.add_argument("--checksum", metavar="SUM", help="do it only if these are the changes that --dry-run showed")
    parser.add_argument(
        "--confirm", type=_seconds, metavar="TIME", help="take it all back unless confirmed within TIME (120s, 5m)"
    )
    parser.add_argument("--confirmed", action="store_true", help="confirm what was applied with --confirm")
    parser.add_argument("--recover", action="store_true", help="only finish an apply that was interrupted")


def run(options: argparse.Namespace) -> int:
    with recording(options) as record:
        if options.confirmed:
            return _confirm(options, record)
        if options.recover:
            return _recover(options, record)
        wanted = _wanted(options)
        if wanted is None:
            return 1
        place = Place(options.root, wanted.manifest.layout["sysconfdir"])
        change = _preview if options.dry_run else _put_in_force
        return change(options, wanted, place, record)


def _confirm(options: argparse.Namespace, record: Record) -> int:
    number = confirmation.confirm(find_place(options))
    record.facts["confirmed"] = number
    record.say(f"generation {number} is confirmed")
    return record.print()


def _recover(options: argparse.Namespace, record: Record) -> int:
    """Finish what was interrupted, and tell the daemons what nobody told them."""
    place = find_place(options)
    generation = recover(place)
    record.facts["recovered"] = generation
    record.say(f"generation {generation} is in force" if generation else "no apply was interrupted")
    manifest = DirectoryTree(place).manifest()
    if options.reload is not None and manifest is not None:
        profile = target(manifest)
        host = services_to_tell(options, place, profile)
        untold = Outcome((), (), reload=ReloadPlan(generations.in_force(place).untold))
        record.say_reload(untold.reload, host or services(place, profile))
        if host is not None:
            with progress("telling the daemons"):
                confirmation.require_daemons(place, untold, host, running(host), not options.no_owners)
    return record.print()


def _wanted(options: argparse.Namespace) -> Wanted | None:
    """The files of a build directory, or of a site that is compiled now; None after problems, which are printed."""
    directory = _build_directory(options)
    return compiled(options) if directory is None else _built(options, directory)


def _build_directory(options: argparse.Namespace) -> Path | None:
    if options.host is not None and (options.site / options.host / NAME).is_file():
        return Path(options.site / options.host)
    return Path(options.site) if (options.site / NAME).is_file() else None


def _built(options: argparse.Namespace, directory: Path) -> Wanted | None:
    stored = generations.load(directory)
    if stored.problems:
        print_report(Report(list(stored.problems)), options)
        return None
    return Wanted(stored.artefacts, stored.manifest)


def compiled(options: argparse.Namespace) -> Wanted | None:
    """The files of a site that is compiled now; None after problems, which are printed. CourierSiteError when the site
    describes several hosts and none is chosen."""
    with progress("reading"):
        readings = list(pipeline.read(options.site, options.host))
    if len(readings) != 1:
        names = ", ".join(str(reading.host) for reading in readings)
        raise CourierSiteError(f"{options.site} describes several hosts ({names}): say which this is with --host")
    (reading,) = readings
    with progress("checking"):
        report = pipeline.check(reading, LocalHost(options.root))
    if report.is_fatal or reading.resolved is None:
        print_report(report, options)
        return None
    with progress("building"):
        base = options.site if options.site.is_dir() else options.site.parent
        made = build(reading.resolved, HostSecrets(base), options.site.name)
    report.extend(made.problems)
    if report.is_fatal or (options.strict and any(one.severity is not Severity.NOTE for one in report)):
        print_report(report, options)
        return None
    record = manifest(reading.resolved, made.artefacts)
    return Wanted(made.artefacts, record, tuple(report), reading.resolved.mark)


def _preview(options: argparse.Namespace, wanted: Wanted, place: Place, record: Record) -> int:
    record.warn(wanted.problems)
    outcome = preview(wanted.artefacts, wanted.manifest, place, _options(options), wanted.mark)
    record.note(outcome)
    record.say_changes(outcome.changes)
    if options.reload is not None:
        record.say_reload(outcome.reload, services(place, target(wanted.manifest)))
    record.say(f"{len(outcome.changes)} changes, checksum {outcome.checksum}")
    return record.print()


def put_in_force(options: argparse.Namespace, wanted: Wanted, place: Place) -> int:
    """Make the host's files those wanted, say what that changed and tell the daemons; the exit status."""
    with recording(options) as record:
        return _put_in_force(options, wanted, place, record)


def _put_in_force(options: argparse.Namespace, wanted: Wanted, place: Place, record: Record) -> int:
    record.warn(wanted.problems)
    confirmation.honour(place)
    profile = target(wanted.manifest)
    host = services_to_tell(options, place, profile)
    ran = running(host) if host is not None else frozenset()
    decided = partial(confirmation.start_watcher, place) if options.confirm is not None else _nothing
    with progress("applying"):
        outcome = apply(wanted.artefacts, wanted.manifest, place, _options(options), decided=decided, mark=wanted.mark)
    record.note(outcome)
    if outcome.problems:
        return record.print()
    record.say_changes(outcome.changes)
    if outcome.number is None:
        record.say("nothing to change")
    else:
        record.in_force(outcome.number, wanted.manifest.generation)
    if options.reload == "print":
        record.say_reload(outcome.reload, services(place, profile))
    if host is not None:
        with progress("telling the daemons"):
            confirmation.require_daemons(place, outcome, host, ran, not options.no_owners)
    waits = options.confirm is not None and outcome.number is not None
    return record.print(not waits or _is_confirmed(place, outcome, record))


def _nothing() -> None:
    """What happens at the point of no return where nothing has to be confirmed."""


def _is_confirmed(place: Place, outcome: Outcome, record: Record) -> bool:
    """Wait for the confirmation; whether it came in time."""
    assert outcome.number is not None, "what changed nothing needs no confirmation"
    latest = confirmation.deadline(place)
    stream = sys.stdout if record.options.format == "text" else sys.stderr
    try:
        print(f"say courier-compile apply --confirmed before {latest}, or it is taken back", file=stream, flush=True)
        kept = confirmation.wait(place, outcome.number)
    except KeyboardInterrupt:
        confirmation.take_back(place, outcome.number)
        kept = False
    record.facts["confirmed"] = outcome.number if kept else None
    record.say(f"generation {outcome.number} {'is confirmed' if kept else 'has been taken back'}")
    return kept


def _options(options: argparse.Namespace) -> Options:
    reload = options.reload == "run"
    return replace(
        permissions(options),
        checksum=options.checksum,
        confirm=options.confirm,
        reload=reload,
        allowed=frozenset(options.allow),
        limits=Limits(options.loss),
    )


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh]?)", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 120s, 5m or 1h")
    return int(match[1]) * _UNITS[match[2] or "s"]


VERB = Verb("make this host's files those of a site or a build, wholly or not at all", configure, run)
