"""Broken sites: each one is told exactly what is wrong with it, at the right place, and nothing else.

A case is `<id>-<slug>.yaml`, or a directory of that name with `site.yaml`; the file beside it that ends in `.expect`
lists the messages: a line with place, severity, id and sentence, and below it, indented, the remedy. After an intended
change: `python -m pytest tests/broken --update-golden`, then read the difference as a user would. A directory may have
`host.txt`, the files of the mail host that can be seen: path, mode, owner, and the file of the case with the content,
or `-`; the host is then taken to be this one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from courier_compiler import pipeline
from courier_compiler.build import build
from courier_compiler.host import FileFacts, HostView, NoHost
from courier_schema.report import Problem
from courier_schema.source.secrets import MaskedSecrets

HERE: Final = Path(__file__).parent
NOW: Final = datetime(2026, 11, 1, tzinfo=UTC)
_MESSAGE: Final = re.compile(r"\S.*\n(?:    .*\n)*")


@dataclass(frozen=True, slots=True)
class Case:
    """One broken site with what is to be said about it."""

    name: str
    site: Path

    @property
    def expectation(self) -> Path:
        return self.site.with_suffix(".expect")

    @property
    def expected(self) -> list[str]:
        """The messages, each with its remedy."""
        return _MESSAGE.findall(self.expectation.read_text())

    @property
    def host(self) -> HostView:
        listing = self.site.parent / "host.txt"
        return ListedHost(dict(_listed(listing))) if listing.exists() else NoHost(NOW)


@dataclass(frozen=True, slots=True)
class ListedHost:
    """A mail host with just these files."""

    files: dict[str, FileFacts]
    strict: bool = True

    def file(self, path: str) -> FileFacts | None:
        return self.files.get(path)

    def now(self) -> datetime:
        return NOW


def _listed(listing: Path) -> Iterator[tuple[str, FileFacts]]:
    for line in listing.read_text().splitlines():
        path, mode, owner, content = line.split()
        seen = None if content == "-" else (listing.parent / content).read_bytes()
        whole = path if path.startswith("/") else str(listing.parent / path)
        yield whole, FileFacts(int(mode, 8), int(owner), False, seen)


def cases() -> list[Case]:
    """Every case of the collection, sorted by name."""
    alone = [Case(site.stem, site) for site in HERE.glob("*.yaml")]
    folders = [Case(site.parent.name, site) for site in HERE.glob("*/site.yaml")]
    return sorted((*alone, *folders), key=lambda case: case.name)


def problems(case: Case) -> Iterator[Problem]:
    """What is found by reading and checking, and where that lets it by, by building."""
    for reading in pipeline.read(case.site):
        report = pipeline.check(reading, case.host)
        yield from report
        if reading.resolved is not None and not report.is_fatal:
            yield from build(reading.resolved, MaskedSecrets(), case.name).problems


def found(case: Case) -> list[str]:
    """The messages about a case as its `.expect` spells them, in the order of their places."""
    folder = f"{case.site.parent.relative_to(Path.cwd())}/" if case.site.is_relative_to(Path.cwd()) else ""
    lines = []
    for problem in problems(case):
        assert problem.mark is not None
        text = f"{problem.mark} {problem.severity} {problem.id}: {problem.says}\n    {problem.remedy}\n"
        lines.append(text.replace(folder, "") if folder else text)
    return lines


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_broken_site_is_told_exactly_what_is_wrong(
    case: Case, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(HERE)
    if request.config.getoption("--update-golden"):
        case.expectation.write_text("".join(found(case)))
    assert found(case) == case.expected


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_checking_finds_all_that_building_would_find(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building is silent about everything but files that it cannot read, and secrets, which are masked here.

    Also where the checks found errors, because `explain` and `import` build such sites as well.
    """
    monkeypatch.chdir(HERE)
    for reading in pipeline.read(case.site):
        if reading.resolved is not None and not reading.report.is_fatal:
            made = build(reading.resolved, MaskedSecrets(), case.name)
            assert {problem.id for problem in made.problems} <= {"file-unreadable"}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_is_named_after_its_first_problem(case: Case) -> None:
    ids = {line.split(": ", 1)[0].rpartition(" ")[2] for line in case.expected}
    assert any(case.name == name or case.name.startswith(f"{name}-") for name in ids)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_message_has_a_sentence_and_a_remedy(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    for problem in problems(case):
        assert problem.says
        assert not problem.says.endswith(".")
        assert problem.remedy
        assert not problem.remedy.endswith(".")
