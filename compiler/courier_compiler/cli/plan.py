"""plan: what an apply would change, and what that means for mail; exit 0 when there is nothing to do, 3 otherwise.

Nothing is written. Changes that are rarely meant are refused with exit 1 unless they are allowed by their word.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from courier_compiler import pipeline
from courier_compiler.applying.installed import MemoryTree
from courier_compiler.build import Build, build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_site, progress, wants_colour
from courier_compiler.host import LocalHost
from courier_compiler.pipeline import Reading
from courier_compiler.planning.against import tree_at
from courier_compiler.planning.guards import CUSTOMARY, WORDS, Limits
from courier_compiler.planning.plan import Options, Plan, make_plan
from courier_compiler.planning.rendering import FORMATS, SHOWN, Printed, render
from courier_schema.report import Report
from courier_schema.source.secrets import HostSecrets

_PROBLEMS: Final = 1
_USAGE: Final = 2
_CHANGES: Final = 3


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--against", type=Path, default=Path("/"), metavar="DIR", help="root of the mail host, or a build (/)"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="form of the plan (text)")
    parser.add_argument("--full", action="store_true", help="list every entry, however many")
    parser.add_argument("--no-owners", action="store_true", help="do not compare who owns the files")
    parser.add_argument(
        "--allow", action="append", choices=WORDS, default=[], metavar="GUARD", help=f"let pass: {', '.join(WORDS)}"
    )
    parser.add_argument(
        "--loss",
        type=_percent,
        default=CUSTOMARY.percent,
        metavar="PERCENT",
        help=f"accounts, domains or aliases that may go without a word ({CUSTOMARY.percent})",
    )


def run(options: argparse.Namespace) -> int:
    with progress("reading"):
        readings = list(pipeline.read(options.site, options.host))
    if len(readings) > 1 and not any((options.against / str(reading.host)).is_dir() for reading in readings):
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
    for reading in readings if not report.is_fatal else []:
        assert reading.resolved is not None, "a reading that was not understood has said why"
        with progress(f"building {reading.resolved.me}"):
            builds.append((reading, build(reading.resolved, HostSecrets(base), options.site.name)))
    for _, made in builds:
        report.extend(made.problems)
    return report, builds


def _plan(options: argparse.Namespace, reading: Reading, made: Build) -> Plan:
    resolved = reading.resolved
    assert resolved is not None, "what was built was understood"
    several = reading.host is not None and options.host is None
    against = options.against / str(reading.host) if several else options.against
    with progress(f"comparing {resolved.me}"):
        is_new = several and not against.exists()
        tree = MemoryTree({}) if is_new else tree_at(against, resolved.profile.layout.sysconfdir)
        how = Options(not options.no_owners, frozenset(options.allow), Limits(options.loss))
        return make_plan(resolved, made.artefacts, tree, str(against), how)


def _status(report: Report, plans: tuple[Plan, ...]) -> int:
    if report.is_fatal or any(plan.refusals for plan in plans):
        return _PROBLEMS
    return 0 if all(plan.is_empty for plan in plans) else _CHANGES


def _percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 0 to 100")
    return int(text)


VERB = Verb("say what an apply would change, and what that means for mail", configure, run)
