"""upgrade: make settings files anew from the templates of a new release, with the settings they hold carried over.

A mistake or failure in one file leaves that file as it was and does not stop the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from courier_compiler.cli import Verb
from courier_compiler.cli._common import wants_colour
from courier_compiler.render import render
from courier_compiler.upgrade import careful_files, files, sysconftool
from courier_compiler.upgrade.careful_files import Upgraded
from courier_compiler.upgrade.report import as_record, as_text
from courier_schema.report import CourierSiteError, Report, Severity


def configure(parser: argparse.ArgumentParser) -> None:
    parser.allow_abbrev = False  # the other tool's --f is not our --force
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="settings file, its template FILE.dist, or a directory of templates"
    )
    parser.add_argument("-n", "--dry-run", action="store_true", help="report only, write nothing")
    parser.add_argument("-f", "--force", action="store_true", help="also where file and template are of one version")
    parser.add_argument(
        "--base", metavar="FILE", help="template that the file was made from: its comments are not taken for yours"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="form of the report (text)")
    parser.add_argument("--strict", action="store_true", help="exit 1 on warnings, too")
    parser.add_argument(
        "--compatible",
        nargs=argparse.REMAINDER,
        metavar="[-n] [-f] [-v] [-r VERSION] FILE",
        help="do exactly what sysconftool does with the arguments that follow, losses included",
    )


def run(options: argparse.Namespace) -> int:
    if options.compatible is not None:
        return _compatible(_arguments(options))
    if not options.files:
        raise CourierSiteError("name the settings files to upgrade, or their directory")
    return _careful(options)


def _arguments(options: argparse.Namespace) -> list[str]:
    """All that was meant for the other tool, wherever --compatible stood."""
    given = (["-n"] if options.dry_run else []) + (["-f"] if options.force else []) + list(options.compatible)
    return [*given, "--", *options.files] if options.files else given


def _compatible(arguments: Sequence[str]) -> int:
    asked = sysconftool.options(arguments)
    if asked.complaints:
        print(*asked.complaints, sep="\n", file=sys.stderr)
        return sysconftool.WRONG_USAGE
    if asked.shows_version:
        _write(f"{sysconftool.VERSION}\n".encode())
    if not asked.is_supported:
        print(f"courier-compile: Version not supported: {asked.required}", file=sys.stderr)
        return sysconftool.NOT_SUPPORTED
    failed = False
    for path in files.named(asked.files):
        result = sysconftool.upgrade(path, asked)
        _write(result.report)
        if result.complaint:
            print(f"courier-compile: {result.complaint}", file=sys.stderr)
        failed |= result.failed
    return sysconftool.FAILED if failed else 0


def _write(content: bytes) -> None:
    """Names of files and settings are bytes, and come out as they went in."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def _careful(options: argparse.Namespace) -> int:
    base = careful_files.base(options.base) if options.base else None
    upgraded: list[Upgraded] = []
    is_stopped = False
    for path in files.named(options.files):
        try:
            upgraded.append(careful_files.upgrade(path, force=options.force, dry_run=options.dry_run, base=base))
        except CourierSiteError as error:
            print(f"courier-compile: {error}", file=sys.stderr)
            is_stopped = True
    report = Report().extend(problem for each in upgraded for problem in each.outcome.problems)
    _print(upgraded, report, options.format)
    is_warned = options.strict and any(problem.severity is Severity.WARNING for problem in report)
    return 1 if is_stopped or report.is_fatal or is_warned else 0


def _print(upgraded: Sequence[Upgraded], report: Report, form: str) -> None:
    problems = list(report)
    if form == "json":
        record = json.loads(render(problems, "json"))
        print(json.dumps({"files": [as_record(each) for each in upgraded], **record}, indent=2))
        return
    told = "".join(map(as_text, upgraded))
    said = render(problems, "text", colour=wants_colour(sys.stdout))
    print("\n".join(filter(None, [told, said])), end="")


VERB = Verb("make settings files anew from a new release's templates, keeping what was set", configure, run)
