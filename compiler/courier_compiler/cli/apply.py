"""apply: make this host's files those of a site or a build, wholly or not at all; nothing is done after a problem."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from courier_compiler import pipeline
from courier_compiler.applying import confirmation, generations
from courier_compiler.applying.apply import Outcome, apply, preview, recover
from courier_compiler.applying.installed import Place
from courier_compiler.applying.reload import ReloadPlan, known_to, plan_reload, running, services, touches_of
from courier_compiler.applying.staging import Options, target
from courier_compiler.artefact import Artefact, Daemon
from courier_compiler.build import build, manifest
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, add_site, print_report, progress
from courier_compiler.cli._host import (
    add_root,
    current_touches,
    find_place,
    permissions,
    print_problems,
    say,
    say_changes,
    say_reload,
    services_to_tell,
)
from courier_compiler.host import LocalHost
from courier_schema.legacy.manifest import NAME, Manifest
from courier_schema.report import CourierSiteError, Report
from courier_schema.source.secrets import HostSecrets

_UNITS: Final = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the host shall have."""

    artefacts: tuple[Artefact, ...]
    manifest: Manifest


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    add_root(parser)
    add_format(parser)
    parser.add_argument("--checksum", metavar="SUM", help="do it only if these are the changes that --dry-run showed")
    parser.add_argument(
        "--confirm", type=_seconds, metavar="TIME", help="take it all back unless confirmed within TIME (120s, 5m)"
    )
    parser.add_argument("--confirmed", action="store_true", help="confirm what was applied with --confirm")
    parser.add_argument("--recover", action="store_true", help="only finish an apply that was interrupted")


def run(options: argparse.Namespace) -> int:
    if options.confirmed:
        say(options, f"generation {confirmation.confirm(find_place(options))} is confirmed")
        return 0
    if options.recover:
        generation = recover(find_place(options))
        say(options, f"generation {generation} is in force" if generation else "no apply was interrupted")
        return 0
    wanted = _wanted(options)
    if wanted is None:
        return 1
    place = Place(options.root, wanted.manifest.layout["sysconfdir"])
    return _preview(options, wanted, place) if options.dry_run else _apply(options, wanted, place)


def _wanted(options: argparse.Namespace) -> Wanted | None:
    """The files of a build directory, or of a site that is compiled now; None after problems, which are printed."""
    directory = _build_directory(options)
    return _compiled(options) if directory is None else _built(options, directory)


def _build_directory(options: argparse.Namespace) -> Path | None:
    if options.host is not None and (options.site / options.host / NAME).is_file():
        return Path(options.site / options.host)
    return Path(options.site) if (options.site / NAME).is_file() else None


def _built(options: argparse.Namespace, directory: Path) -> Wanted | None:
    stored = generations.load(directory)
    status = print_report(Report(list(stored.problems)), options)
    return Wanted(stored.artefacts, stored.manifest) if status == 0 else None


def _compiled(options: argparse.Namespace) -> Wanted | None:
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
    status = print_report(report, options)
    return Wanted(made.artefacts, manifest(reading.resolved, made.artefacts)) if status == 0 else None


def _preview(options: argparse.Namespace, wanted: Wanted, place: Place) -> int:
    outcome = preview(wanted.artefacts, wanted.manifest, place, _options(options))
    say_changes(options, outcome.changes)
    if options.reload is not None:
        profile = target(wanted.manifest)
        say_reload(options, _reload_plan(outcome, wanted, current_touches(place)), services(place, profile))
    say(options, f"{len(outcome.changes)} changes, checksum {outcome.checksum}")
    return print_problems(outcome, options)


def _apply(options: argparse.Namespace, wanted: Wanted, place: Place) -> int:
    confirmation.honour(place)
    profile = target(wanted.manifest)
    host = services_to_tell(options, place, profile)
    ran = running(host) if host is not None else frozenset()
    decided = partial(confirmation.start_watcher, place) if options.confirm is not None else _nothing
    before = current_touches(place)
    with progress("applying"):
        outcome = apply(wanted.artefacts, wanted.manifest, place, _options(options), decided=decided)
    if outcome.problems:
        return print_problems(outcome, options)
    say_changes(options, outcome.changes)
    if outcome.number is None:
        say(options, "nothing to change")
        return 0
    say(options, f"generation {outcome.number} ({wanted.manifest.generation}) is in force")
    plan = _reload_plan(outcome, wanted, before)
    if options.reload == "print":
        say_reload(options, plan, services(place, profile))
    if host is not None:
        with progress("telling the daemons"):
            confirmation.require_daemons(place, outcome, plan, host, ran, not options.no_owners)
    return _await_confirmation(options, place, outcome.number) if options.confirm is not None else 0


def _reload_plan(outcome: Outcome, wanted: Wanted, before: Mapping[str, frozenset[Daemon]]) -> ReloadPlan:
    profile = target(wanted.manifest)
    touches = touches_of(outcome.changes, profile, before, known_to(wanted.artefacts))
    return plan_reload(outcome.changes, touches, profile)


def _nothing() -> None:
    """What happens at the point of no return where nothing has to be confirmed."""


def _await_confirmation(options: argparse.Namespace, place: Place, number: int) -> int:
    latest = confirmation.deadline(place)
    try:
        print(f"say courier-compile apply --confirmed before {latest}, or it is taken back", flush=True)
        kept = confirmation.wait(place, number)
    except KeyboardInterrupt:
        confirmation.take_back(place, number)
        kept = False
    say(options, f"generation {number} is confirmed" if kept else f"generation {number} has been taken back")
    return 0 if kept else 1


def _options(options: argparse.Namespace) -> Options:
    reload = options.reload == "run"
    return replace(permissions(options), checksum=options.checksum, confirm=options.confirm, reload=reload)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smh]?)", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 120s, 5m or 1h")
    return int(match[1]) * _UNITS[match[2] or "s"]


VERB = Verb("make this host's files those of a site or a build, wholly or not at all", configure, run)
