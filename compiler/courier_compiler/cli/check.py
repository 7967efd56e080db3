"""check: is this site sound? Reads, resolves and checks; writes nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.carried import unreadable_files
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, add_site, print_report, progress
from courier_compiler.host import LocalHost
from courier_compiler.secret_uses import unseen
from courier_schema.report import Report


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    add_format(parser)
    parser.add_argument("--on-host", action="store_true", help="this is the mail host: files it needs must exist here")
    parser.add_argument("--root", type=Path, default=Path("/"), help="where the mail host's file system is mounted (/)")


def run(options: argparse.Namespace) -> int:
    view = LocalHost(options.root, strict=options.on_host)
    report = Report()
    with progress("reading"):
        readings = list(pipeline.read(options.site, options.host))
    with progress("checking"):
        for reading in readings:
            report.extend(pipeline.check(reading, view))
            if reading.resolved is not None:
                report.extend(unseen(reading.resolved, options.on_host))
                report.extend(unreadable_files(reading.resolved))
    return print_report(report.without_repeats(), options)


VERB = Verb("check a site and report every problem", configure, run)
