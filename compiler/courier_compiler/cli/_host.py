"""What the verbs that change a mail host share: where it is, how changes are shown, which daemons are told."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from courier_compiler.applying import generations
from courier_compiler.applying.apply import Outcome
from courier_compiler.applying.generations import KEEP
from courier_compiler.applying.installed import STATE, Change, Place
from courier_compiler.applying.reload import ReloadPlan, Services, services
from courier_compiler.applying.staging import Options
from courier_compiler.artefact import Daemon
from courier_compiler.cli._common import print_report
from courier_compiler.profile import Profile, load_profile, profile_names
from courier_schema.report import CourierSiteError, Report


def add_root(parser: argparse.ArgumentParser) -> None:
    """The host to change, and what may be done to its files."""
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the mail host's file system is mounted (/)")
    parser.add_argument(
        "--sysconfdir", metavar="PATH", help="Courier's configuration directory, where the host has several of ours"
    )
    parser.add_argument("--no-owners", action="store_true", help="leave all files to whoever runs this")
    parser.add_argument(
        "--adopt", action="append", default=[], metavar="PATH", help="replace this file of somebody else, and keep it"
    )
    parser.add_argument("--adopt-all", action="store_true", help="replace every file of somebody else in the way")
    parser.add_argument(
        "--overwrite-drift", action="store_true", help="replace files of ours that were edited by hand, and keep those"
    )
    parser.add_argument("--keep", type=_count, default=KEEP, metavar="N", help=f"generations to keep ({KEEP})")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    parser.add_argument(
        "--reload",
        nargs="?",
        const="run",
        choices=("run", "print"),
        help="tell the daemons concerned; go back if one does not return. With `print`: only say what to run",
    )


def permissions(options: argparse.Namespace) -> Options:
    """What may be done to the host's files."""
    return Options(
        owners=not options.no_owners,
        adopt=frozenset(path.lstrip("/") for path in options.adopt),
        adopt_all=options.adopt_all,
        overwrite_drift=options.overwrite_drift,
        keep=options.keep,
    )


def find_place(options: argparse.Namespace) -> Place:
    """The host as it was applied to before. CourierSiteError when that is nowhere, or in several places."""
    root = options.root
    if options.sysconfdir is not None:
        return Place(root, options.sysconfdir)
    usual = {load_profile(name).layout.sysconfdir for name in profile_names()}
    places = [Place(root, directory) for directory in sorted(usual)]
    found = [place for place in places if place.state.is_dir()]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(place.sysconfdir for place in found)
        raise CourierSiteError(
            f"{root} has several configuration directories of ours ({names}): name one: --sysconfdir"
        )
    raise CourierSiteError(f"nothing was ever applied below {root}: there is no {STATE} (or name its --sysconfdir)")


def say(options: argparse.Namespace, text: str) -> None:
    """Print a line, where the output is for people."""
    if options.format == "text":
        print(text)


def say_changes(options: argparse.Namespace, changes: Iterable[Change]) -> None:
    for change in changes:
        say(options, f"{type(change).__name__.lower():7} /{change.path}")


def print_problems(outcome: Outcome, options: argparse.Namespace) -> int:
    """Why nothing was done; the exit status."""
    return print_report(Report(list(outcome.problems)), options)


def say_reload(options: argparse.Namespace, plan: ReloadPlan, host: Services) -> None:
    for step in plan.steps:
        reason = ", ".join(f"/{path}" for path in step.because[:3])
        more = f" and {len(step.because) - 3} more" if len(step.because) > 3 else ""
        say(options, f"{step.action} {step.daemon}: {reason}{more}")
        for command in host.commands(step):
            say(options, f"    {' '.join(command)}")


def services_to_tell(options: argparse.Namespace, place: Place, profile: Profile) -> Services | None:
    """The daemons, where they are to be told. CourierSiteError when this is not the machine that they run on."""
    if options.reload != "run":
        return None
    if options.root.resolve() != Path("/"):
        raise CourierSiteError("daemons can be told only on the mail host itself: leave --reload or --root away")
    return services(place, profile)


def current_touches(place: Place) -> Mapping[str, frozenset[Daemon]]:
    """Which daemons keep what they read of the files in force."""
    number = generations.in_force(place).number
    here = next((one for one in generations.kept(place) if one.number == number), None)
    return generations.known_touches(here.path) if here is not None else {}


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of generations: write 1 or more")
    return int(text)
