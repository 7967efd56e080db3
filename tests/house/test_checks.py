"""Every problem has a page in the manual, and every problem that a site can have is one of a broken site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from broken.test_broken import cases
from courier_compiler.checks import Check, discover
from courier_compiler.problem_pages import PAGES, page, pages
from house.problem_ids import composed_ids, known_beginnings, problem_ids

_BY_OTHER_MEANS: Final = frozenset(
    {
        "unknown-host",  # a name on the command line
        "text",  # text with a NUL character, which the reader of YAML refuses
        "file-name",  # no section has one yet
        "login-password", "socks-password", "unusable-secret", "secret-unavailable",  # secrets, which are masked here
        "test-failed",  # a site that is sound, and does not do what its tests expect
        "makedat-many-keys", "makedat-carriage-return",  # tables that are made here have none
    }
)  # fmt: skip
"""Ids that no site's text can bring about."""
_OTHER_INPUT: Final = (
    "schema/courier_schema/legacy/",
    "compiler/courier_compiler/legacy_tables/",
    "compiler/courier_compiler/applying/generations.py",
    "compiler/courier_compiler/applying/apply.py",
    "compiler/courier_compiler/planning/",
    "compiler/courier_compiler/upgrade/",
    "compiler/courier_compiler/importing/",
    "compiler/courier_compiler/cli/import_.py",
)
"""Where Courier's own files, finished builds and mail hosts are looked at, not sites."""
_SENTENCE: Final = re.compile(r"[^.?]+[.?](?=\s|\Z)")

CHECKS: Final = discover()
BROKEN: Final = frozenset(line.split(": ", 1)[0].rpartition(" ")[2] for case in cases() for line in case.expected)


def test_every_id_in_the_source_has_a_page() -> None:
    assert {name: file for name, file in problem_ids().items() if page(name) is None} == {}


def test_every_page_is_of_an_id_in_the_source() -> None:
    assert sorted(PAGES.keys() - problem_ids().keys()) == []


def test_a_check_brings_its_own_page() -> None:
    assert sorted(PAGES.keys() & {check.id for check in CHECKS}) == []
    assert page("alias-loop") == pages()["alias-loop"]
    assert page("no-such-problem") is None


def test_pages_are_sorted_by_id() -> None:
    assert list(pages()) == sorted(pages())


@pytest.mark.parametrize("name", pages())
def test_a_page_is_written_in_sentences(name: str) -> None:
    found = pages()[name]
    assert found.title[0].isupper()
    assert not found.title.endswith(".")
    assert found.why.endswith(".")
    assert "  " not in found.why


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_the_page_of_a_check_has_two_to_six_sentences(check: Check) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", check.id)
    assert 2 <= len(_SENTENCE.findall(check.why)) <= 6


def test_no_two_checks_have_one_id() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_has_a_broken_site(check: Check) -> None:
    assert check.id in BROKEN


def test_every_other_problem_of_a_site_has_a_broken_site() -> None:
    of_sites = {name for name, file in problem_ids().items() if not file.startswith(_OTHER_INPUT)}
    assert sorted(of_sites - BROKEN - _BY_OTHER_MEANS) == []


def test_every_message_of_a_broken_site_has_a_page() -> None:
    assert {name for name in BROKEN if page(name) is None} == set()


def test_problems_are_read_from_all_of_the_source() -> None:
    files = {Path(file).name for file in problem_ids().values()}
    assert {"yaml_syntax.py", "validate.py", "words.py", "makedat.py", "doubts.py", "resolve.py"} <= files


def test_ids_that_are_put_together_are_found_as_well() -> None:
    assert composed_ids() == known_beginnings()
