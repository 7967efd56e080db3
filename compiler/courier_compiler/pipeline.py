"""The whole compile on one screen: load, choose a host, parse, resolve, check, build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from courier_compiler import checks
from courier_compiler.host import HostView
from courier_compiler.resolve import resolve
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Report
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document
from courier_schema.source.loader import load
from courier_schema.source.overlay import host_names, only_host, select_host


@dataclass(frozen=True, slots=True)
class Reading:
    """One host of a site as far as it was understood: without a ResolvedSite the report says why."""

    document: Document
    host: str | None
    resolved: ResolvedSite | None
    report: Report = field(default_factory=Report)


def read(path: Path, host: str | None = None) -> Iterator[Reading]:
    """Every host of the site at `path`, or the one that is asked for."""
    document = load(path)
    names = [host] if host is not None else host_names(document) or [None]
    for name in names:
        yield _understand(only_host(document) if name is None else select_host(document, name), name)


def _understand(document: Document, host: str | None) -> Reading:
    report = Report().extend(document.problems)
    if report.is_fatal:
        return Reading(document, host, None, report)
    site, problems = parse_site(document)
    report.extend(problems)
    if site is None:
        return Reading(document, host, None, report)
    resolved, problems = resolve(site, document, host)
    report.extend(problems)
    return Reading(document, host, resolved, report)


def check(reading: Reading, view: HostView) -> Report:
    """The report of a reading with everything that the checks find in it."""
    if reading.resolved is not None:
        reading.report.extend(checks.run(reading.resolved, view))
    return reading.report
