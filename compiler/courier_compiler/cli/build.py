"""build: compile a site into a directory of finished files and their manifest; nothing is written after a problem."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from courier_compiler import pipeline
from courier_compiler.build import Build, build, manifest
from courier_compiler.cli import Verb
from courier_compiler.cli._common import add_format, add_site, print_report, progress
from courier_compiler.host import LocalHost
from courier_compiler.pipeline import Reading
from courier_compiler.resolved import ResolvedSite
from courier_compiler.tree import write_tree
from courier_schema.report import Report
from courier_schema.source.secrets import HostSecrets


def configure(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    add_format(parser)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("build"), metavar="DIR", help="output directory (build)"
    )


def run(options: argparse.Namespace) -> int:
    report = Report()
    with progress("reading"):
        readings = list(pipeline.read(options.site, options.host))
    with progress("checking"):
        for reading in readings:
            report.extend(pipeline.check(reading, LocalHost()))
    built: list[tuple[Reading, ResolvedSite, Build]] = []
    if not report.is_fatal:
        for reading in readings:
            assert reading.resolved is not None
            with progress(f"building {reading.resolved.me}"):
                made = build(reading.resolved, HostSecrets(_base(options.site)), options.site.name)
            report.extend(made.problems)
            built.append((reading, reading.resolved, made))
    written: list[str] = []
    try:
        if not report.is_fatal:
            written += [_write(options, reading, resolved, made) for reading, resolved, made in built]
    finally:
        # printed last, so that a report nobody can read keeps no file from being written
        status = print_report(report.without_repeats(), options)
    if options.format == "text":
        sys.stdout.writelines(written)
    return status


def _base(site: Path) -> Path:
    return site if site.is_dir() else site.parent


def _write(options: argparse.Namespace, reading: Reading, resolved: ResolvedSite, made: Build) -> str:
    """Write the tree of one host; a line about it."""
    several = reading.host is not None and options.host is None
    target = options.output / str(reading.host) if several else options.output
    record = manifest(resolved, made.artefacts)
    with progress(f"writing {target}"):
        write_tree(target, made.artefacts, record)
    return f"{target}: {len(record.files)} files for {resolved.me}, generation {record.generation}\n"


VERB = Verb("compile a site into a directory of finished files", configure, run)
