"""tables: compile the text sources of a configuration directory into their databases, as the make commands would.

Each make command is one of its own: a mistake in a source leaves the database of that source as it was, and the
others are replaced. Everything is compiled before anything is replaced.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, print_report, progress
from courier_compiler.cli._directory import add_names, directory
from courier_compiler.legacy_tables.directory import SYSCONFDIR, Directory
from courier_compiler.legacy_tables.outcome import Database, Outcome
from courier_compiler.legacy_tables.placing import exclusive, put_in_place
from courier_compiler.legacy_tables.sources import KINDS, existing, is_refused_userdb
from courier_schema.legacy.formats.makedat import Release
from courier_schema.report import CourierSiteError, Report
from courier_schema.suggest import suggest


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path(SYSCONFDIR),
        metavar="DIR",
        help=f"configuration directory ({SYSCONFDIR})",
    )
    parser.add_argument(
        "--only",
        type=_names,
        action="extend",
        metavar="NAME,...",
        help=f"not every source that exists, but: {', '.join(KINDS)}",
    )
    parser.add_argument(
        "--release", type=_release, default=(1, 0), metavar="N.N", help="release of Courier whose rules apply (1.0)"
    )
    add_names(parser)
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    place = directory(options.directory, options)
    names = list(dict.fromkeys(options.only or existing(place)))
    if not names:
        raise CourierSiteError(f"{place.path} holds no source of a database")
    with ExitStack() as held:
        if "userdb" in names and not is_refused_userdb(place.path / "userdb"):
            held.enter_context(exclusive(place.path / "userdb.lock"))
        outcomes = list(_compile(place, names, options.release))
        report = Report()
        for outcome in outcomes:
            report.extend(outcome.problems)
        status = print_report(report.without_repeats(), options)
        with progress("writing"):
            written = _put_in_place(outcomes)
    if options.format == "text":
        for database in written:
            print(f"{database.path}: {database.records} record{'' if database.records == 1 else 's'}")
    return status


def _compile(place: Directory, names: Iterable[str], release: Release) -> Iterator[Outcome]:
    for name in names:
        with progress(f"compiling {name}"):
            yield from KINDS[name].outcomes(place, release)


def _put_in_place(outcomes: Sequence[Outcome]) -> list[Database]:
    """Of every source what its make command leaves behind, after a mistake in it mostly nothing; what that was."""
    databases = [one for outcome in outcomes for one in outcome.left_behind]
    programs = [outcome.programs for outcome in outcomes if outcome.programs is not None and not outcome.is_refused]
    put_in_place(databases, programs)
    return databases


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in KINDS:
            meant = suggest(name, KINDS)
            hint = f"did you mean {meant}?" if meant else f"known are {', '.join(KINDS)}"
            raise argparse.ArgumentTypeError(f"there is no source called {name!r}: {hint}")
    return names


def _release(text: str) -> Release:
    try:
        return tuple(map(int, text.split(".")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a release, such as 1.0 or 2.0") from error


VERB = Verb("compile the text sources of a configuration directory into their databases", configure, run)
