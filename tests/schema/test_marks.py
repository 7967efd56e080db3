"""Marks: lookups by path in small and in very large files."""

from __future__ import annotations

import sys

import pytest

from courier_schema.marks import MarkMap
from courier_schema.report import Mark, SitePath
from courier_schema.source.yaml_tree import parse_yaml

ENTRIES = 100_000


def test_an_entry_has_a_place_for_its_key_and_one_for_its_value() -> None:
    marks = parse_yaml("a:\n  b: {c: [x, {d: y}]}\n", "s").marks
    assert (marks.mark(("a", "b", "c")), marks.value_mark(("a", "b", "c"))) == (Mark("s", 2, 7), Mark("s", 2, 10))
    assert marks.mark(("a", "b", "c", 0)) == marks.value_mark(("a", "b", "c", 0)) == Mark("s", 2, 11)
    assert marks.mark(("a", "b", "c", 1)) == Mark("s", 2, 14)
    assert marks.mark(("a", "b", "c", 1, "d")) == Mark("s", 2, 15)
    assert marks.mark(()) == Mark("s", 1, 1)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("nowhere", "at all"), 1, 1),
        (("a", "z"), 2, 1),
        (("a", 0), 2, 1),
        (("a", "b", 2), 3, 3),
        (("a", "b", -1), 3, 3),
        (("a", "b", "x"), 3, 3),
        (("a", "b", 0, 1), 3, 7),
    ],
)
def test_what_does_not_exist_is_placed_at_its_nearest_ancestor(path: SitePath, line: int, column: int) -> None:
    marks = parse_yaml("x: 1\na:\n  b: [1, 2]\n", "s").marks
    assert marks.mark(path) == Mark("s", line, column)


def test_no_files_no_marks() -> None:
    assert MarkMap().mark(("a",)) is None
    assert MarkMap().value_mark(()) is None
    assert MarkMap.stacked(MarkMap(), MarkMap()).mark(()) is None


def test_the_marks_of_a_subtree_are_looked_up_from_there() -> None:
    marks = parse_yaml("a: {b: {c: 1}}\n", "s").marks
    assert marks.under(("a", "b")).mark(("c",)) == Mark("s", 1, 9)
    assert marks.under(("a", "x")).mark(("c",)) is None


@pytest.mark.parametrize("text", ["", "- a\n", "a\n", "b:\n"])
def test_a_part_without_entries_hides_no_place_of_the_parts_behind_it(text: str) -> None:
    marks = MarkMap.stacked(parse_yaml(text, "empty").marks, parse_yaml("a: 1\nb: {c: 1}\n", "s").marks)
    assert marks.mark(("a",)) == Mark("s", 1, 1)


def test_places_of_a_hundred_thousand_aliases_are_small_and_found_at_once() -> None:
    text = "aliases:\n" + "".join(f"  a{n}@example.org: [t{n}@example.net]\n" for n in range(ENTRIES))
    document = parse_yaml(text, "s")
    assert slots_size(document.marks) < 4_000_000
    paths = [("aliases", f"a{n}@example.org", 0) for n in range(ENTRIES)]
    assert all(line_of(document.marks, path) == n + 2 for n, path in enumerate(paths))


def test_places_of_a_hundred_thousand_list_entries_are_small_and_found_at_once() -> None:
    text = "aliases:\n" + "".join(f"- to: [t{n}]\n  from: x\n" for n in range(ENTRIES))
    document = parse_yaml(text, "s")
    assert slots_size(document.marks) < 10_000_000
    paths = [("aliases", n, "from") for n in range(ENTRIES)]
    assert all(line_of(document.marks, path) == 2 * n + 3 for n, path in enumerate(paths))


def line_of(marks: MarkMap, path: SitePath) -> int:
    mark = marks.mark(path)
    return mark.line if mark else 0


def slots_size(marks: MarkMap) -> int:
    root = marks._root
    assert root is not None
    return sys.getsizeof(root.cursors[0].marks.slots)
