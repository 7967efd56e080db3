"""Suggestions for mistyped words."""

from __future__ import annotations

import pytest

from courier_schema.suggest import suggest

KNOWN = ["listeners", "domains", "TARPIT", "MAXPERIP", "mx1"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("tarpit", "TARPIT"),
        ("Domains", "domains"),
        ("listner", "listeners"),
        ("maxperipp", "MAXPERIP"),
        ("mx11", "mx1"),
        ("zebra", None),
        ("", None),
    ],
)
def test_the_known_word_spelt_most_alike_is_suggested(word: str, meant: str | None) -> None:
    assert suggest(word, KNOWN) == meant


def test_nothing_known_nothing_suggested() -> None:
    assert suggest("word", []) is None
