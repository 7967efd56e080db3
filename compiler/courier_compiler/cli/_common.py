"""What several verbs share: their common arguments, printing of reports, and progress."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from courier_compiler.render import FORMATS, render
from courier_schema.report import Report


def add_site(parser: argparse.ArgumentParser) -> None:
    """The site to work on, and which of its hosts."""
    parser.add_argument(
        "site",
        nargs="?",
        type=Path,
        default=Path("site.yaml"),
        metavar="SITE",
        help="site file or its directory (site.yaml)",
    )
    add_host(parser)


def add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="NAME", help="host to compile, where the site describes several")


def add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="text", help="form of the report (text)")
    parser.add_argument("--strict", action="store_true", help="exit 1 on warnings, too")


def print_report(report: Report, options: argparse.Namespace, facts: Mapping[str, object] | None = None) -> int:
    """Print a report in the form asked for; the exit status it means. `facts` are more that JSON is to say."""
    problems = list(report)
    sys.stdout.write(render(problems, options.format, wants_colour(sys.stdout), facts))
    worst = {problem.severity for problem in problems} if options.strict else set()
    return 1 if report.is_fatal or worst - {"note"} else 0


def wants_colour(stream: object) -> bool:
    """Colour on a terminal, unless NO_COLOR says otherwise (no-color.org)."""
    return not os.environ.get("NO_COLOR") and bool(getattr(stream, "isatty", bool)())


@contextmanager
def progress(stage: str) -> Iterator[None]:
    """Say on a terminal what is being done, and how long it took when that was long."""
    shown = sys.stderr.isatty()
    started = time.monotonic()
    if shown:
        print(f"\r\033[K{stage} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:
            took = time.monotonic() - started
            tail = f"{stage}: {took:.1f} s\n" if took > 1 else ""
            print(f"\r\033[K{tail}", end="", file=sys.stderr, flush=True)
