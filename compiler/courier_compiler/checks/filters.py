"""Mistakes in global filters, which refuse all mail for the time being when one of them does not run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from courier_compiler.checks import Check, Finding
from courier_compiler.checks._site import several
from courier_compiler.host import HostView
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity

_BUNDLED: Final = ("perlfilter", "dupfilter", "ratefilter", "verifyfilter")


def _none_active(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    filters = resolved.site.filters
    if filters is not None and filters.apply_to and not filters.active:
        yield Finding(
            ("filters", "apply_to"),
            f"mail by {several(filters.apply_to)} is to be filtered, but no filter is active",
            "add active: with the filter programs, or remove apply_to",
        )


def _none_filtered(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    filters = resolved.site.filters
    if filters is not None and filters.active and filters.apply_to == []:
        yield Finding(
            ("filters", "apply_to"),
            f"{several(filters.active)} would run without seeing any mail",
            "write apply_to: [esmtp], or remove the filters",
        )


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
    filters = resolved.site.filters
    if filters is not None and "perlfilter" in filters.active and filters.perlfilter is None:
        yield Finding(
            ("filters", "active", "perlfilter"),
            "perlfilter has no script and would stop at once, and with it all mail",
            "add perlfilter: {script: /path/to/script} to filters",
        )


def _rate_limit(resolved: ResolvedSite, host: HostView) -> Iterator[Finding]:
    perl = resolved.site.filters.perlfilter if resolved.site.filters is not None else None
    if perl is None or not perl.rate_limit:
        return
    if perl.processes not in (None, 1):
        yield Finding(
            ("filters", "perlfilter", "processes"),
            f"{perl.processes} processes would count apart, so each sender may send {perl.processes} times as much",
            "write processes: 1, or remove rate_limit",
        )
    if perl.mode != "all":
        yield Finding(
            ("filters", "perlfilter", "rate_limit"),
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
