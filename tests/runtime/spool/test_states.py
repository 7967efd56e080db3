"""The table of states is whole, and the manual of the internals tells the same."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from courier_runtime.spool.states import TABLE, Stage, Verb, after

INTERNALS = Path(__file__).parents[3] / "runtime" / "INTERNALS.md"


def test_every_row_has_a_beginning_of_its_own() -> None:
    assert len({(row.before, row.verb) for row in TABLE}) == len(TABLE)


def test_what_the_table_does_not_know_cannot_happen() -> None:
    known = {(row.before, row.verb): row.after for row in TABLE}
    for stage, verb in product(Stage, Verb):
        if (stage, verb) in known:
            assert after(stage, verb) is known[stage, verb]
        else:
            with pytest.raises(AssertionError, match=f"{stage.value} cannot undergo {verb.value}"):
                after(stage, verb)


def test_nothing_comes_back_from_gone_and_every_stage_survives_a_restart() -> None:
    assert not [row for row in TABLE if row.before is Stage.GONE]
    assert {row.before for row in TABLE if row.verb is Verb.RESTART} == set(Stage) - {Stage.GONE}


def test_the_internals_show_the_same_table() -> None:
    text = INTERNALS.read_text()
    for row in TABLE:
        assert f"| {row.before.value} | {row.verb.value} | {row.after.value} | {row.disk} |" in text
