"""plan: what an apply would change, and what that means for mail; exit 0 when there is nothing to do, 3 otherwise.

Nothing is written. Changes that are rarely meant are refused with exit 1 unless they are allowed by their word.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from courier_compiler import pipeline
from courier_compiler.applying.installed import MemoryTree, Tree
from courier_compiler.build import Build, build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_site, progress, wants_colour
from courier_compiler.cli._host import add_guards
from courier_compiler.host import LocalHost, NoHost
from courier_compiler.pipeline import Reading
from courier_compiler.planning.against import is_site, tree_at, tree_of
from courier_compiler.planning.guards import Limits
from courier_compiler.planning.plan import Options, Plan, make_plan
from courier_compiler.planning.rendering import FORMATS, SHOWN, Printed, render
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Report
from courier_schema.source.secrets import HostSecrets, MaskedSecrets, SecretSource

_PROBLEMS: Final = 1
_USAGE: Final = 2
_CHANGES: Final = 3


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--against",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="root of the mail host, a build, or another version of the site, for which no secrets are asked (/)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="form of the plan (text)")
    parser.add_argument("--full", action="store_true", help="list every entry, however many")
    parser.add_argument("--no-owners", action="store_true", help="do not compare who owns the files")
    add_guards(parser)


def run(options: argparse.Namespace) -> int:
    with progress("reading"):
        readings = list(pipeline.read(options.site, options.host))
    has_all = is_site(options.against)
    if (
        len(readings) > 1
        and not has_all
        and not any((options.against / str(reading.host)).is_dir() for reading in readings)
    ):
        names = ", ".join(str(reading.host) for reading in readings)
        print(
            f"courier-compile: {options.site} describes several hosts ({names}): name one with --host", file=sys.stderr
        )
        return _USAGE
    report, builds = _built(options, readings)
    plans = () if report.is_fatal else tuple(_plan(options, reading, made) for reading, made in builds)
    shown = None if options.full else SHOWN
    printed = Printed(plans, tuple(report.without_repeats()), shown, wants_colour(sys.stdout))
    sys.stdout.write(render(printed, options.format))
    return _status(report, plans)


def _built(options: argparse.Namespace, readings: list[Reading]) -> tuple[Report, list[tuple[Reading, Build]]]:
    """The builds of all hosts, with everything that is wrong; none where something is wrong before."""
    report = Report()
    with progress("checking"):
        for reading in readings:
            report.extend(pipeline.check(reading, LocalHost()))
    builds: list[tuple[Reading, Build]] = []
    base = options.site if options.site.is_dir() else options.site.parent
    secrets: SecretSource = MaskedSecrets() if is_site(options.against) else HostSecrets(base)
    for reading in readings if not report.is_fatal else []:
        assert reading.resolved is not None, "a reading that was not understood has said why"
        with progress(f"building {reading.resolved.me}"):
            builds.append((reading, build(reading.resolved, secrets, options.site.name)))
    for _, made in builds:
        report.extend(made.problems)
    return report, builds


def _plan(options: argparse.Namespace, reading: Reading, made: Build) -> Plan:
    resolved = reading.resolved
    assert resolved is not None, "what was built was understood"
    several = reading.host is not None and options.host is None
    of_site = is_site(options.against)
    against = options.against / str(reading.host) if several and not of_site else options.against
    with progress(f"comparing {resolved.me}"):
        tree = (
            tree_of(options.against, reading.host, options.site.name, NoHost(datetime.now(UTC)))
            if of_site
            else _tree_on_disk(against, resolved, several)
        )
        how = Options(not options.no_owners, frozenset(options.allow), Limits(options.loss))
        return make_plan(resolved, made.artefacts, tree, str(against), how)


def _tree_on_disk(against: Path, resolved: ResolvedSite, several: bool) -> Tree:
    is_new = several and not against.exists()
    return MemoryTree({}) if is_new else tree_at(against, resolved.profile.layout.sysconfdir)


def _status(report: Report, plans: tuple[Plan, ...]) -> int:
    if report.is_fatal or any(plan.refusals for plan in plans):
        return _PROBLEMS
    return 0 if all(plan.is_empty for plan in plans) else _CHANGES


VERB = Verb("say what an apply would change, and what that means for mail", configure, run)
