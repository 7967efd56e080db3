"""What the verbs that change a mail host share: where it is, how changes are shown, which daemons are told."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from courier_compiler.applying.apply import Outcome
from courier_compiler.applying.generations import KEEP
from courier_compiler.applying.installed import STATE, Change, Place
from courier_compiler.applying.reload import ReloadPlan, Services, services
from courier_compiler.applying.staging import Options
from courier_compiler.cli._common import print_report
from courier_compiler.planning.guards import CUSTOMARY, WORDS
from courier_compiler.profile import Profile, load_profile, profile_names
from courier_schema.report import CourierSiteError, Problem, Report


def add_root(parser: argparse.ArgumentParser) -> None:
    """The host to change, whether it is changed at all, and what may be done to its files."""
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the mail host's file system is mounted (/)")
    parser.add_argument(
        "--sysconfdir", metavar="PATH", help="Courier's configuration directory, where the host has several of ours"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    add_permissions(parser)


def add_permissions(parser: argparse.ArgumentParser) -> None:
    """What may be done to the host's files, and who is told."""
    parser.add_argument("--no-owners", action="store_true", help="leave all files to whoever runs this")
    parser.add_argument(
        "--adopt", action="append", default=[], metavar="PATH", help="replace this file of somebody else, and keep it"
    )
    parser.add_argument("--adopt-all", action="store_true", help="replace every file of somebody else in the way")
    parser.add_argument(
        "--overwrite-drift", action="store_true", help="replace files of ours that were edited by hand, and keep those"
    )
    parser.add_argument(
        "--keep", type=_count, default=KEEP, metavar="N", help=f"generations to keep, besides those found here ({KEEP})"
    )
    parser.add_argument(
        "--reload",
        nargs="?",
        const="run",
        choices=("run", "print"),
        help="tell the daemons concerned; go back if one does not return. With `print`: only say what to run",
    )


def add_guards(parser: argparse.ArgumentParser) -> None:
    """What guards let pass: the same words for whoever plans and whoever applies."""
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


@dataclass
class Record:
    """What a change of a host comes to: told at once to people, and as one document at the end to programs."""

    options: argparse.Namespace
    report: Report = field(default_factory=Report)
    facts: dict[str, object] = field(default_factory=dict)

    def say(self, text: str) -> None:
        say(self.options, text)

    def warn(self, problems: Iterable[Problem]) -> None:
        """What there is to say of what is wanted, before anything is done."""
        if self.options.format == "text":
            print_report(Report(list(problems)), self.options)
        else:
            self.report.extend(problems)

    def note(self, outcome: Outcome) -> None:
        """What an outcome changes, or why it does not."""
        self.report.extend(outcome.problems)
        self.facts |= {
            "checksum": outcome.checksum,
            "changes": [{"kind": _word(change), "path": f"/{change.path}"} for change in outcome.changes],
        }

    def say_changes(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self.say(f"{_word(change):7} /{change.path}")

    def in_force(self, number: int, generation: str) -> None:
        self.say(f"generation {number} ({generation}) is in force")
        self.facts["generation"] = {"number": number, "id": generation}

    def say_reload(self, plan: ReloadPlan, host: Services) -> None:
        """What daemons have to be told, by which commands."""
        steps = [(step, [shlex.join(command) for command in host.commands(step)]) for step in plan.steps]
        self.facts["daemons"] = [
            {"daemon": str(step.daemon), "action": str(step.action), "commands": commands} for step, commands in steps
        ]
        for step, commands in steps:
            reason = ", ".join(f"/{path}" for path in step.because[:3])
            more = f" and {len(step.because) - 3} more" if len(step.because) > 3 else ""
            self.say(f"{step.action} {step.daemon}: {reason}{more}")
            for command in commands:
                self.say(f"    {command}")

    def print(self, done: bool = True) -> int:
        """Print the report, with all that is to be said to programs; the exit status."""
        status = print_report(self.report, self.options, self.facts)
        return status if done else 1


@contextmanager
def recording(options: argparse.Namespace) -> Iterator[Record]:
    """A record that is printed to programs even where the world refuses the change."""
    record = Record(options)
    try:
        yield record
    except CourierSiteError as error:
        if options.format != "text":
            record.facts["error"] = str(error)
            record.print()
        raise


def _word(change: Change) -> str:
    return type(change).__name__.lower()


def services_to_tell(options: argparse.Namespace, place: Place, profile: Profile) -> Services | None:
    """The daemons, where they are to be told. CourierSiteError when this is not the machine that they run on."""
    if options.reload != "run":
        return None
    if options.root.resolve() != Path("/"):
        raise CourierSiteError("daemons can be told only on the mail host itself: leave --reload or --root away")
    return services(place, profile)


def _percent(text: str) -> int:
    if not text.isdecimal() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a percentage: write 0 to 100")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of generations: write 1 or more")
    return int(text)
