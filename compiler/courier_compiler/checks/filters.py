"""Mistakes in global filters, which refuse all mail for the time being when one of them does not run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import decided, several, value_in_force
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity

_BUNDLED: Final = ("perlfilter", "dupfilter", "ratefilter", "verifyfilter")


def _none_active(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    sources, path = decided(resolved, "control", "enablefiltering")
    if sources and not _active(resolved):
        yield Finding(
            path,
            f"mail by {several(sources)} is to be filtered, but no filter is active",
            f"add active: with the filter programs to filters, or remove {path[-1]}",
        )


def _none_filtered(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    sources, path = decided(resolved, "control", "enablefiltering")
    if _active(resolved) and path and not sources:
        yield Finding(
            path,
            f"{several(_active(resolved))} would run without seeing any mail",
            "write apply_to: [esmtp], or remove the filters",
        )


def _active(resolved: ResolvedSite) -> list[str]:
    """Names of the filters that are started."""
    filters = resolved.site.filters
    return list(filters.active) if filters is not None else []


def _inactive(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    filters = resolved.site.filters
    for name in _BUNDLED if filters is not None else ():
        if getattr(filters, name) is not None and filters is not None and name not in filters.active:
            yield Finding(
                ("filters", name),
                f"{name} has settings but is not started",
                f"add {name} with the path of its program to filters.active",
            )


def _without_script(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    if "perlfilter" in _active(resolved) and not value_in_force(resolved, "control", "filters_perlfilter"):
        yield Finding(
            ("filters", "active", "perlfilter"),
            "perlfilter has no script and would stop at once, and with it all mail",
            "add perlfilter: {script: /path/to/script} to filters",
        )


def _rate_limit(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    limits, path = decided(resolved, "control", "filters_perlfilter_ratelimit")
    if not limits:
        return
    processes, said = decided(resolved, "control", "filters_perlfilter_numprocs")
    if processes not in (None, 1):
        yield Finding(
            said,
            f"{processes} processes would count apart, so each sender may send {processes} times as much",
            f"write {said[-1]}: 1, or remove {path[-1]}",
        )
    if value_in_force(resolved, "control", "filters_perlfilter_mode") != "all":
        yield Finding(
            path,
            "only mail for recipients with a filter of their own would be counted",
            "add mode: all to filters.perlfilter",
        )


CHECKS: Final = (
    Check(
        "filters-none-active",
        "Filtering without a filter",
        "Some mail is to pass the global filters, but none is started. The mail is accepted unfiltered, which is "
        "rarely what the setting was written for.",
        _none_active,
        Severity.WARNING,
    ),
    Check(
        "filters-see-nothing",
        "Filters that see no mail",
        "Which mail the filters see is said by the way it arrives. With an empty list they run and are asked about "
        "nothing.",
        _none_filtered,
        Severity.WARNING,
    ),
    Check(
        "filter-inactive",
        "Settings of a filter that is not started",
        "A filter reads its settings when it starts. This one is not among the active filters, so the settings have no "
        "effect.",
        _inactive,
        Severity.WARNING,
    ),
    Check(
        "perlfilter-without-script",
        "A perlfilter without a script",
        "perlfilter ends at once when it is not told which script to run. A filter that is active but not running "
        "makes the server refuse all mail for the time being.",
        _without_script,
    ),
    Check(
        "rate-limit-inexact",
        "A rate limit that does not count everything",
        "The rate limiting script keeps its counts in the memory of its process, and counts what it is shown. Several "
        "processes count apart, and in selective mode most mail passes unseen.",
        _rate_limit,
        Severity.WARNING,
    ),
)
