"""The scripts themselves: all parse, know all their answers, and show something of their own; their sites compile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from courier_compiler import pipeline
from courier_schema.report import Severity
from dialogue import differences
from dialogue.groups import Group, all_groups
from dialogue.script import parse_script
from dialogue.steps import Block
from dialogue.zone import parse_zone

SCRIPTS = [(group, name) for group in all_groups() for name in group.scripts]
NAMES = [f"{group.name}/{name}" for group, name in SCRIPTS]


def test_there_are_many() -> None:
    assert len(SCRIPTS) >= 150


@pytest.mark.parametrize(("group", "name"), SCRIPTS, ids=NAMES)
def test_the_script_parses_and_knows_all_its_answers(group: Group, name: str) -> None:
    script = parse_script(group.text(name))
    assert script.title.endswith(".")
    assert not script.has_unknowns


@pytest.mark.parametrize(("group", "name"), SCRIPTS, ids=NAMES)
def test_the_script_asks_for_mailboxes_that_its_site_has(group: Group, name: str) -> None:
    site = (group.directory / "site.yaml").read_text()
    for step in parse_script(group.text(name)).steps:
        if isinstance(step, Block) and step.where == "MAILBOX":
            assert f"{step.account.partition('@')[0]}:" in site


def test_titles_of_a_group_are_different() -> None:
    titles = Counter((group.name, parse_script(group.text(name)).title) for group, name in SCRIPTS)
    assert not [title for title, count in titles.items() if count > 1]


@pytest.mark.parametrize("group", all_groups(), ids=lambda group: group.name)
def test_the_group_has_dns_data_and_a_site_without_errors(group: Group) -> None:
    parse_zone(group.dns)
    (reading,) = pipeline.read(Path(group.directory))
    errors = [problem for problem in reading.report if problem.severity is Severity.ERROR]
    assert not errors


def test_differences_name_lines_of_scripts_and_give_a_reason() -> None:
    for difference in differences.DIFFERENCES:
        assert difference.script in NAMES
        group, name = SCRIPTS[NAMES.index(difference.script)]
        differences.applied(parse_script(group.text(name)), [difference])
        assert difference.reason.endswith(".")


def test_words_of_our_own_stand_for_lines_that_scripts_have() -> None:
    texts = "\n".join(group.text(name) for group, name in SCRIPTS)
    assert not [line for line in differences.REWORDED if f"\n| {line}\n" not in texts]
