"""The uucpneighbors database: which bang paths are accepted, and where rmail runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.uucp import (
    Rights,
    UucpAnswer,
    format_value,
    inspect,
    lookup_path,
    parse_value,
    uucp_name,
)
from schema import database_cases as cases
from schema.database_cases import Case

NEIGHBOURS = {
    b"hub": b"F",
    b"leaf": b"1",
    b"leaf!x": b"R",
    b"gate": b"GR",
    b"end": b"R",
    b"end!x": b"1",
    b"end!x!y": b"RF",
}


def ask(path: bytes) -> UucpAnswer:
    return lookup_path(path, NEIGHBOURS.get, b"me")


@pytest.mark.parametrize("case", cases.named("uucp"), ids=str)
def test_each_path_of_the_cases_is_answered_as_by_submit(case: Case) -> None:
    records = case.databases["uucpneighbors.dat"]
    name = uucp_name(cases.locality(case).me).encode()
    for lookup in case.lookups:
        path = lookup["query"].encode()
        first = path.partition(b"!")[0]
        # A first node that is no neighbour is rewritten to an Internet domain before the walk.
        accepted = first not in records or lookup_path(path, records.get, name).is_accepted
        assert ("550 Remote address." if accepted else "550 Unknown UUCP bang path.") == lookup["result"], path


@pytest.mark.parametrize(
    ("path", "accepted", "rmail_at", "tried"),
    [
        (b"leaf!bob", True, None, (b"leaf",)),
        (b"me!leaf!bob", True, None, (b"leaf",)),
        (b"me!me!bob", False, None, (b"me",)),
        (b"nobody!bob", False, None, (b"nobody",)),
        (b"Hub!bob", False, None, (b"Hub",)),
        (b"hub!any!thing!bob", True, None, (b"hub",)),
        (b"gate!any!bob", True, b"gate", (b"gate",)),
        (b"leaf!x!bob", True, b"leaf!x", (b"leaf", b"leaf!x")),
        (b"leaf!y!bob", False, None, (b"leaf", b"leaf!y")),
        (b"end!x!y!z!bob", True, b"end", (b"end", b"end!x", b"end!x!y")),
        (b"bob", False, None, ()),
    ],
)
def test_a_path_is_walked_from_the_left(
    path: bytes, accepted: bool, rmail_at: bytes | None, tried: tuple[bytes, ...]
) -> None:
    assert ask(path) == UucpAnswer(accepted, rmail_at, tried)


@given(st.lists(st.sampled_from([b"hub", b"leaf", b"x", b"", b"me"]), max_size=5).map(b"!".join))
def test_every_path_gets_an_answer(path: bytes) -> None:
    answer = ask(path)
    assert answer.is_accepted or answer.rmail_at is None
    assert len(answer.tried) <= path.count(b"!")


def test_rights_are_letters_anywhere_in_the_value() -> None:
    assert parse_value(b"xRyF") == Rights.RMAIL | Rights.FORWARD
    assert parse_value(b"frg1") == Rights.NONE


@given(st.sets(st.sampled_from(list(Rights))))
def test_rights_that_are_written_are_read_back(chosen: set[Rights]) -> None:
    rights = Rights.NONE
    for right in chosen:
        rights |= right
    assert parse_value(format_value(rights)) == rights


def test_no_rights_are_the_default_value() -> None:
    assert format_value(Rights.NONE) == b"1"
    assert format_value(Rights.FORWARD | Rights.RMAIL) == b"FR"


def test_a_server_without_uucpme_is_called_by_its_first_label() -> None:
    assert uucp_name("mx.example.net") == "mx"


def test_rows_that_cannot_be_meant_are_named() -> None:
    rows = {b"hub": b"F", b"a": b"f", b"hub!": b"1", b"gone!x!y": b"R", b"hub!x": b"R", b"b": b"1", b"c": b"R\r"}
    assert [(row, problem.id) for row, problem in inspect(rows)] == [
        (b"a", "uucp-unknown-flag"),
        (b"hub!", "uucp-empty-node"),
        (b"gone!x!y", "uucp-unreachable-path"),
    ]
