"""Checks as such: they are found by name, run over a site, silent about sound ones, and fast for large ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from compiler.checking import ANNA, CERTIFICATE, HOST, NOTHING_SEEN, found, problems
from compiler.resolving import understand
from courier_compiler import checks, pipeline
from courier_compiler.checks import per_site
from courier_compiler.resolve import resolve
from courier_compiler.resolved import ResolvedSite
from courier_schema.report import Severity
from courier_schema.site.validate import parse_site
from courier_schema.source.document import Document

EXAMPLES = Path(__file__).parents[2] / "site-examples"


def test_a_small_site_has_no_problems() -> None:
    assert found(HOST) == []


def test_a_usual_site_has_no_problems() -> None:
    site = f"{ANNA}{CERTIFICATE}listeners: {{smtp: {{}}, submission: {{}}, smtps: {{}}, imap: {{}}, imaps: {{}}}}\n"
    assert found(f"{site}aliases: {{sales: [anna, ext@example.net], info: sales}}\n") == []


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*/site.yaml")), ids=lambda path: path.parent.name)
def test_an_example_has_no_errors_and_no_warnings(example: Path) -> None:
    for reading in pipeline.read(example):
        report = pipeline.check(reading, NOTHING_SEEN)
        assert [str(problem) for problem in report if problem.severity is not Severity.NOTE] == []


def test_a_finding_bears_id_severity_place_and_remedy_of_its_check() -> None:
    (problem,) = problems(f"{HOST}access:\n  '*': relay\n")
    assert (problem.id, problem.severity, problem.path) == ("open-relay", Severity.ERROR, ("access", "*"))
    assert problem.mark is not None
    assert problem.mark.line == 4
    assert problem.remedy.startswith("name the networks")


def test_checks_come_sorted_by_id() -> None:
    names = [check.id for check in checks.discover()]
    assert names == sorted(names)


def test_what_is_made_of_a_site_is_made_once() -> None:
    made: list[ResolvedSite] = []

    @per_site
    def count(resolved: ResolvedSite) -> int:
        made.append(resolved)
        return len(made)

    one, other = understand(HOST)[0], understand(HOST)[0]
    assert (count(one), count(one), count(other), count(one)) == (1, 1, 2, 1)


def test_what_is_made_of_a_site_is_forgotten_with_it() -> None:
    kept = per_site(lambda resolved: [resolved.me])
    for _ in range(50):  # a new site may have the identity of one that is gone
        for name in ("a.example.org", "b.example.org"):
            assert kept(understand(f"host: {{name: {name}}}\n")[0]) == [name]


def _large(aliases: int, domains: int) -> ResolvedSite:
    tree: dict[str, object] = {
        "site": "example.org",
        "host": {"name": "mx.example.org", "postmaster": "u0"},
        "account_defaults": {"uid": 5000, "gid": 5000},
        "accounts": {f"u{at}": {"password": "$6$salt$hash"} for at in range(100)},
        "aliases": {f"alias{at}": [f"u{at % 100}", f"ext{at}@example{at % 999}.net"] for at in range(aliases)},
        "domains": {
            f"d{at}.example.com": {"kind": "hosted", "accounts": {"a": {"password": "$6$salt$hash"}}}
            for at in range(domains)
        },
    }
    document = Document(tree)
    site, problems = parse_site(document)
    assert site is not None, problems
    resolved, _ = resolve(site, document)
    assert resolved is not None
    assert len(resolved.aliases) == aliases + 1
    assert len(resolved.mailboxes) == domains + 100
    return resolved


def _seconds(resolved: ResolvedSite) -> float:
    started = time.process_time()
    assert list(checks.run(resolved, NOTHING_SEEN)) == []
    return time.process_time() - started


def test_a_hundred_thousand_aliases_are_checked_in_a_moment() -> None:
    assert _seconds(_large(100_000, 1_000)) < 2  # a third of a second on a machine with nothing else to do


def test_ten_times_as_much_takes_about_ten_times_as_long() -> None:
    small, large = (min(_seconds(site) for _ in range(3)) for site in (_large(4_000, 200), _large(40_000, 2_000)))
    assert large < 30 * small
