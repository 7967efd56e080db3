"""Overlays: what a host's own words do to the rest of the site, and where its values stand."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.report import Mark, SitePath
from courier_schema.source.overlay import host_names, only_host, select_host
from courier_schema.source.yaml_tree import parse_yaml

SITE = """\
site: example.org
listeners:
  smtp: {on: ["[::]:25", "0.0.0.0:25"]}
  imap: {on: [any]}
aliases:
  root: anna
hosts:
  mx1:
    site: one.example.org
    listeners:
      smtp: {on: ["10.0.0.1:25"]}
      imap: null
      pop3: {on: [any], tls: null}
  mx2:
"""
DOCUMENT = parse_yaml(SITE, "site.yaml")


def test_host_names_come_in_the_order_of_the_site() -> None:
    assert host_names(DOCUMENT) == ("mx1", "mx2")
    assert host_names(parse_yaml("a: 1\n", "s")) == ()
    assert host_names(parse_yaml("hosts: [a]\n", "s")) == ()


def test_maps_merge_lists_and_scalars_replace_and_null_removes() -> None:
    document = select_host(DOCUMENT, "mx1")
    assert document.problems == ()
    assert document.tree == {
        "site": "one.example.org",
        "listeners": {"smtp": {"on": ["10.0.0.1:25"]}, "pop3": {"on": ["any"]}},
        "aliases": {"root": "anna"},
    }


def test_a_host_that_says_nothing_is_the_rest_of_the_site() -> None:
    document = select_host(DOCUMENT, "mx2")
    assert document.problems == ()
    assert document.tree == {key: value for key, value in DOCUMENT.tree.items() if key != "hosts"}


def test_selecting_changes_nothing_in_the_document_and_shares_what_is_untouched() -> None:
    document = select_host(DOCUMENT, "mx1")
    assert DOCUMENT.tree == parse_yaml(SITE, "site.yaml").tree
    assert document.tree["aliases"] is DOCUMENT.tree["aliases"]


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("site",), 9, 5),
        (("listeners", "smtp", "on"), 11, 14),
        (("listeners", "smtp", "on", 0), 11, 19),
        (("listeners", "smtp", "on", 1), 11, 14),
        (("listeners", "imap"), 12, 7),
        (("listeners", "imap", "on"), 12, 7),
        (("listeners", "pop3", "on", 0), 13, 19),
        (("aliases", "root"), 6, 3),
        (("aliases", "none"), 5, 1),
    ],
)
def test_marks_follow_the_value_in_force(path: tuple[str | int, ...], line: int, column: int) -> None:
    assert select_host(DOCUMENT, "mx1").marks.mark(path) == Mark("site.yaml", line, column)


def test_marks_for_a_host_that_says_nothing_are_those_of_the_rest() -> None:
    marks = select_host(DOCUMENT, "mx2").marks
    assert marks.mark(("listeners", "imap", "on", 0)) == Mark("site.yaml", 4, 15)
    assert marks.mark(("nowhere",)) == Mark("site.yaml", 14, 7)


@pytest.mark.parametrize(
    ("text", "name", "says", "remedy", "place"),
    [
        (SITE, "MX1", "the site knows no host MX1", "did you mean mx1? name one of mx1, mx2", "site.yaml:7:1"),
        (SITE, "far", "the site knows no host far", "name one of mx1, mx2", "site.yaml:7:1"),
        ("a: 1\n", "mx1", "the site knows no host mx1", "leave the host out, or add `hosts:` to the site", "None"),
    ],
)
def test_an_unknown_host_is_told_with_those_known(text: str, name: str, says: str, remedy: str, place: str) -> None:
    document = select_host(parse_yaml(text, "site.yaml"), name)
    (problem,) = document.problems
    assert (problem.id, problem.says, problem.remedy) == ("unknown-host", says, remedy)
    assert str(problem.mark) == place
    assert "hosts" not in document.tree


@pytest.mark.parametrize(
    ("text", "place"), [("hosts: [a]\n", "1:8"), ("hosts: x\n", "1:8"), ("hosts:\n  a: [b]\n", "2:6")]
)
def test_hosts_that_are_no_maps_are_refused(text: str, place: str) -> None:
    (problem,) = select_host(parse_yaml(text, "site.yaml"), "a").problems
    assert (problem.id, str(problem.mark)) == ("hosts-not-a-map", f"site.yaml:{place}")


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [("", "no-host"), (" {}", "no-host"), (" [mx1]", "hosts-not-a-map"), (" mx1", "hosts-not-a-map")],
)
def test_hosts_that_name_none_are_a_problem_of_the_site_for_one_host(hosts: str, problem: str) -> None:
    document = only_host(parse_yaml(f"a: 1\nhosts:{hosts}\n", "site.yaml"))
    assert [found.id for found in document.problems] == [problem]
    assert document.tree == {"a": 1}


def test_a_site_without_hosts_is_that_of_its_one_host() -> None:
    document = parse_yaml("a: 1\n", "site.yaml")
    assert only_host(document) is document


def test_hosts_within_hosts_and_includes_within_hosts_are_refused() -> None:
    document = select_host(parse_yaml("hosts:\n  a:\n    hosts: {b: {}}\n    include: [c]\n    d: 1\n", "s"), "a")
    assert [(problem.id, str(problem.mark)) for problem in document.problems] == [
        ("misplaced-key", "s:3:5"),
        ("misplaced-key", "s:4:5"),
    ]
    assert document.tree == {"d": 1}


names = st.sampled_from(["site", "listeners", "aliases", "a", "b"])
values = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2) | st.booleans(),
    lambda inner: st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(names, values, max_size=4)
overlays = st.dictionaries(names, values | st.none(), max_size=4)


def _text(base: dict[str, object], overlay: dict[str, object]) -> str:
    """JSON is YAML."""
    return json.dumps({**base, "hosts": {"mx": overlay}})


@given(maps, overlays)
def test_what_the_host_says_is_in_force_and_the_rest_is_as_it_was(
    base: dict[str, object], overlay: dict[str, object]
) -> None:
    tree = select_host(parse_yaml(_text(base, overlay), "s"), "mx").tree
    assert tree.keys() == (base.keys() | overlay.keys()) - {key for key, value in overlay.items() if value is None}
    for key, value in tree.items():
        if key not in overlay:
            assert value == base[key]
        elif not isinstance(value, dict):
            assert value == overlay[key]


@given(maps, overlays)
def test_every_value_that_is_left_has_a_place(base: dict[str, object], overlay: dict[str, object]) -> None:
    document = select_host(parse_yaml(_text(base, overlay), "s"), "mx")

    def places(tree: object, path: SitePath) -> Iterator[Mark | None]:
        yield document.marks.mark(path)
        if isinstance(tree, dict):
            for key, value in tree.items():
                yield from places(value, (*path, key))

    assert None not in [mark for key, value in document.tree.items() for mark in places(value, (key,))]


@pytest.mark.parametrize("name", ["../victim", "..", ".", "", "~", "a/b", "-mx", "mx 1", "mx\n"])
def test_a_name_that_could_not_be_that_of_a_directory_is_refused_at_its_place(name: str) -> None:
    document = parse_yaml(f"a: 1\nhosts:\n  {json.dumps(name)}: {{a: 2}}\n", "site.yaml")
    selected = select_host(document, name)
    (problem,) = selected.problems
    assert (problem.id, str(problem.mark)) == ("identifier", "site.yaml:3:3")
    assert selected.tree == {"a": 1}


@given(maps)
def test_a_host_that_repeats_the_site_changes_nothing(base: dict[str, object]) -> None:
    document = parse_yaml(_text(base, base), "s")
    assert select_host(document, "mx").tree == base
    assert document.tree == {**base, "hosts": {"mx": base}}
