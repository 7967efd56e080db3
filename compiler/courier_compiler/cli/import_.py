"""import: an existing configuration directory becomes a site, and the proof that the site means the same.

The directory is only read. After the site is written it is read again, built in memory, and compared with the
directory as Courier's programs understand both. Exit 0 when nothing is lost, 1 when something needs a hand.
"""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.build import build
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, print_report, progress
from courier_compiler.cli._directory import add_names
from courier_compiler.host import NoHost
from courier_compiler.importing.compare import Difference, compare
from courier_compiler.importing.draft import Note
from courier_compiler.importing.importer import Imported, import_site
from courier_compiler.importing.installation import Installation, built_installation, read_installation
from courier_compiler.importing.write import write
from courier_compiler.profile import load_profile, profile_names
from courier_schema.report import CourierSiteError, Problem, Report, Severity
from courier_schema.source.secrets import HostSecrets
from courier_schema.suggest import suggest

_REMEDY = "look at the place, and say in the site what you want"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="configuration directory, which is only read")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("site.yaml"), metavar="SITE", help="site file to write (site.yaml)"
    )
    parser.add_argument(
        "--authdir", type=Path, metavar="DIR", help="directory of the account library, where that is another one"
    )
    parser.add_argument(
        "--secrets", default="secrets", metavar="DIR", help="directory beside the site for its secrets (secrets)"
    )
    parser.add_argument(
        "--files", default="files", metavar="DIR", help="directory beside the site for files it carries (files)"
    )
    parser.add_argument("--profile", default="debian-12", metavar="NAME", help="target of the site (debian-12)")
    add_names(parser)
    add_format(parser)


def run(options: argparse.Namespace) -> int:
    if options.profile not in profile_names():
        near = suggest(options.profile, profile_names())
        known = f"did you mean {near}?" if near else f"known are {', '.join(profile_names())}"
        raise CourierSiteError(f"there is no profile {options.profile!r}: {known}")
    with progress("reading"):
        old = _installation(options)
    with progress("importing"):
        profile = load_profile(options.profile)
        imported = import_site(old, profile, options.secrets.rstrip("/"), options.files.rstrip("/"))
    with progress("writing"):
        write(imported.draft, options.output)
    found = Report().extend(map(_of_note, imported.draft.notes))
    with progress("comparing"):
        is_compared = _prove(options.output, old, imported, found)
    report = Report([_without_excerpt(problem, imported.draft.private) for problem in found])
    status = print_report(report.without_repeats(), options)
    if options.format == "text":
        print(f"{options.output}: {_summary(report, is_compared=is_compared)}")
    return status


def _installation(options: argparse.Namespace) -> Installation:
    if not options.directory.is_dir():
        raise CourierSiteError(f"{options.directory} is not a directory")
    host_name = options.host_name
    if host_name is None:
        host_name = socket.gethostname()
    return read_installation(options.directory, options.authdir, host_name, options.sysconfdir)


def _prove(site: Path, old: Installation, imported: Imported, report: Report) -> bool:
    """Read what was written, build it, and report every difference; False where there is nothing to build."""
    (reading,) = pipeline.read(site)
    pipeline.check(reading, NoHost(datetime.now(UTC)))
    shown = _without_text if imported.draft.restricted else _as_it_is
    report.extend(shown(problem, site) for problem in _of_checks(site, reading.report))
    if reading.resolved is None:
        return False
    made = build(reading.resolved, HostSecrets(site.parent), site.name)
    report.extend(shown(problem, site) for problem in made.problems)
    new = built_installation(made.artefacts, reading.resolved.profile, old.host_name)
    report.extend(map(_of_difference, compare(old, new, imported.wanted)))
    return True


def _of_checks(site: Path, checked: Report) -> Iterator[Problem]:
    """What keeps the site from being built; of the rest only how much there is."""
    others = 0
    for problem in checked:
        if problem.severity is Severity.ERROR:
            yield problem
        else:
            others += problem.severity is Severity.WARNING
    if others:
        says = f"the checks warn of {others} {'thing' if others == 1 else 'things'} that the old installation had, too"
        yield Problem("import-note", says, f"run courier-compile check {site}", severity=Severity.NOTE)


def _as_it_is(problem: Problem, site: Path) -> Problem:
    return problem


def _without_text(problem: Problem, site: Path) -> Problem:
    """A mistake in a site that only its owner may read: where it is, and not what stands there."""
    if problem.severity is not Severity.ERROR:
        return problem
    place = ".".join(map(str, problem.path)) or (f"line {problem.mark.line}" if problem.mark else "the site")
    says = f"{place} cannot be built; why is not shown here, because only its owner may read the site"
    return replace(problem, says=says, remedy=f"run courier-compile check {site}", mark=None)


def _without_excerpt(problem: Problem, private: frozenset[str]) -> Problem:
    """A problem whose place is in words where not everybody may read the file, so that nobody shows the line."""
    mark = problem.mark
    if mark is None or mark.file not in private:
        return problem
    return replace(problem, mark=None, says=f"{problem.says} (line {mark.line} of {mark.file})")


def _of_note(note: Note) -> Problem:
    kind, severity = ("import-loss", Severity.ERROR) if note.is_open else ("import-note", Severity.NOTE)
    return Problem(
        kind, note.says, _REMEDY if note.is_open else "nothing needs to be done", note.mark, severity=severity
    )


def _of_difference(difference: Difference) -> Problem:
    if difference.is_loss:
        return Problem("import-loss", str(difference), _REMEDY, difference.mark)
    return Problem("import-change", str(difference), difference.why, difference.mark, severity=Severity.NOTE)


def _summary(report: Report, *, is_compared: bool) -> str:
    problems = list(report)
    lost = sum(problem.id == "import-loss" for problem in problems)
    changed = sum(problem.id == "import-change" for problem in problems)
    needs = f"{lost} {'thing needs' if lost == 1 else 'things need'} a hand" if lost else ""
    mistakes = sum(problem.severity is Severity.ERROR for problem in problems) - lost
    keep = "error keeps" if mistakes == 1 else "errors keep"
    but = f"; {mistakes} {keep} the site from being built" if mistakes else ""
    if not is_compared:
        return f"{needs}{', ' if needs else ''}not compared: the site has to be corrected first{but}"
    return f"{changed} explained {'change' if changed == 1 else 'changes'}, {needs or 'nothing is lost'}{but}"


VERB = Verb("make a site of an existing configuration directory", configure, run)
