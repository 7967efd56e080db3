"""test: do the compiled files of a site do what its `tests:` expect? Exit 1 when one does not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_site, progress, wants_colour
from courier_compiler.cli._compiled import compiled_hosts
from courier_compiler.expectations.rendering import as_json, as_junit
from courier_compiler.expectations.run import run as run_tests
from courier_compiler.expectations.values import Outcome
from courier_compiler.render import render


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--format", choices=("text", "json", "github", "junit"), default="text", help="form of the report (text)"
    )


def run(options: argparse.Namespace) -> int:
    with progress("compiling"):
        hosts = compiled_hosts(options)
    outcomes = [outcome for host in hosts for outcome in run_tests(host)]
    sys.stdout.write(_report(outcomes, options.format))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _report(outcomes: Sequence[Outcome], form: str) -> str:
    if form == "json":
        return as_json(outcomes)
    if form == "junit":
        return as_junit(outcomes)
    problems = list(dict.fromkeys(problem for outcome in outcomes for problem in outcome.problems()))
    shown = render(problems, form, wants_colour(sys.stdout))
    return shown if form == "github" else f"{shown}{_summary(outcomes)}\n"


def _summary(outcomes: Sequence[Outcome]) -> str:
    failed = sum(not outcome.passed for outcome in outcomes)
    if not outcomes:
        return "the site has no tests"
    return f"{len(outcomes)} {'test' if len(outcomes) == 1 else 'tests'}, {failed or 'none'} failed"


VERB = Verb("try the tests of a site on its compiled files", configure, run)
