"""Includes: which files are read, how they merge, and where their values are said to stand."""

from __future__ import annotations

import json
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.report import Mark, Severity
from courier_schema.source.document import Document
from courier_schema.source.includes import MAX_CHAIN, UnreadableFileError, read_with_includes


def read(files: dict[str, str], root: str = "site.yaml") -> Document:
    def opener(name: str) -> str:
        if name not in files:
            raise UnreadableFileError("file-missing", f"there is no file {name}", "create it")
        return files[name]

    def glob(pattern: str) -> list[str]:
        return [name for name in reversed(list(files)) if fnmatch(name, pattern)]

    return read_with_includes(root, opener, glob)


def told(document: Document) -> list[tuple[str, str, str]]:
    return [(str(problem.mark), problem.id, problem.says) for problem in document.problems]


def test_maps_of_several_files_become_one() -> None:
    document = read(
        {
            "site.yaml": "include: [domains/*.yaml, more.yaml]\nsite: example.org\ndomains: {a: {x: 1}}\n",
            "domains/b.yaml": "domains:\n  b: {x: 2}\n",
            "domains/a.yaml": "domains:\n  a: {y: [3]}\n",
            "more.yaml": "queue: {time: 4}\n",
        }
    )
    assert document.problems == ()
    assert document.tree == {
        "site": "example.org",
        "domains": {"a": {"x": 1, "y": [3]}, "b": {"x": 2}},
        "queue": {"time": 4},
    }
    assert document.files == ("site.yaml", "domains/a.yaml", "domains/b.yaml", "more.yaml")


def test_every_mark_names_its_own_file() -> None:
    marks = read(
        {
            "site.yaml": "include: [a.yaml]\ndomains:\n  a: {x: 1}\n",
            "a.yaml": "domains:\n  a:\n    y: [3, 4]\n  b: 5\n",
        }
    ).marks
    assert marks.mark(("domains",)) == Mark("site.yaml", 2, 1)
    assert marks.mark(("domains", "a")) == Mark("site.yaml", 3, 3)
    assert marks.mark(("domains", "a", "x")) == Mark("site.yaml", 3, 7)
    assert marks.mark(("domains", "a", "y")) == Mark("a.yaml", 3, 5)
    assert marks.mark(("domains", "a", "y", 1)) == Mark("a.yaml", 3, 12)
    assert marks.value_mark(("domains", "b")) == Mark("a.yaml", 4, 6)


def test_the_trees_of_the_files_stay_as_they_were_read() -> None:
    document = read(
        {
            "site.yaml": "include: [b.yaml, c.yaml]\nm:\n  a: 1\n  z: 2\n",
            "b.yaml": "m: {b: 3}\nn: {b: 4}\n",
            "c.yaml": "m: {c: 5}\nn: {c: 6}\n",
        }
    )
    assert document.tree == {"m": {"a": 1, "z": 2, "b": 3, "c": 5}, "n": {"b": 4, "c": 6}}
    assert [str(document.marks.mark(("m", key))) for key in "azbc"] == [
        "site.yaml:3:3",
        "site.yaml:4:3",
        "b.yaml:1:5",
        "c.yaml:1:5",
    ]


def test_names_are_relative_to_the_file_that_gives_them() -> None:
    document = read(
        {
            "conf/site.yaml": "include: [sub/a.yaml, ../up.yaml, /abs.yaml]\n",
            "conf/sub/a.yaml": "include: [b.yaml]\na: 1\n",
            "conf/sub/b.yaml": "b: 2\n",
            "up.yaml": "c: 3\n",
            "/abs.yaml": "d: 4\n",
        },
        root="./conf/site.yaml",
    )
    assert document.problems == ()
    assert document.tree == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_brackets_in_the_name_of_a_folder_are_no_pattern() -> None:
    document = read({"[x]/site.yaml": "include: ['*.yaml']\n", "[x]/a.yaml": "a: 1\n"}, root="[x]/site.yaml")
    assert document.tree == {"a": 1}


def test_a_file_is_merged_once_however_often_it_is_named() -> None:
    document = read(
        {
            "site.yaml": 'include: ["*.yaml", a.yaml, b.yaml]\n',
            "a.yaml": "include: [c.yaml]\na: 1\n",
            "b.yaml": "include: [c.yaml]\nb: 1\n",
            "c.yaml": "c: 1\n",
        }
    )
    assert document.problems == ()
    assert document.tree == {"a": 1, "b": 1, "c": 1}


def test_a_value_given_twice_names_both_places_and_the_first_one_stays() -> None:
    document = read(
        {
            "site.yaml": "include: [a.yaml]\nsite: x\nd:\n  one: {to: [u]}\n  two: {}\n",
            "a.yaml": "site: x\nd:\n  one: {to: [v]}\n  two: w\n",
        }
    )
    assert told(document) == [
        ("a.yaml:1:1", "conflicting-values", "site is given here and at site.yaml:2:1"),
        ("a.yaml:3:9", "conflicting-values", "d.one.to is given here and at site.yaml:4:9"),
        ("a.yaml:4:3", "conflicting-values", "d.two is given here and at site.yaml:5:3"),
    ]
    assert document.tree == {"site": "x", "d": {"one": {"to": ["u"]}, "two": {}}}


def test_a_conflict_between_two_fragments_names_the_fragments() -> None:
    document = read(
        {"site.yaml": 'include: ["d/*.yaml"]\nx: {}\n', "d/1.yaml": "x: {k: 1}\n", "d/2.yaml": "\nx: {k: 2}\n"}
    )
    assert told(document) == [("d/2.yaml:2:5", "conflicting-values", "x.k is given here and at d/1.yaml:1:5")]


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"site.yaml": "include: [site.yaml]\n"}, "site.yaml → site.yaml"),
        (
            {"site.yaml": "include: [a.yaml]\n", "a.yaml": "\ninclude: [./b.yaml]\n", "b.yaml": "include: [site.yaml]"},
            "site.yaml → a.yaml → b.yaml → site.yaml",
        ),
    ],
)
def test_a_circle_is_told_with_its_files(files: dict[str, str], circle: str) -> None:
    (problem,) = read(files).problems
    assert (problem.id, problem.says) == ("include-cycle", f"files include each other in a circle: {circle}")
    assert problem.mark == Mark(list(files)[-1], 1, 11)


def test_a_circle_through_ever_new_names_ends() -> None:
    def opener(name: str) -> str:
        return "include: [d/a.yaml]\n"

    document = read_with_includes("a.yaml", opener, lambda _: [])
    assert [problem.id for problem in document.problems] == ["include-cycle"]
    assert len(document.files) == MAX_CHAIN


def test_a_pattern_does_not_match_the_file_that_gives_it() -> None:
    assert read({"site.yaml": 'include: ["*.yaml"]\na: 1\n'}).problems == ()


def test_a_pattern_that_matches_nothing_is_a_warning() -> None:
    document = read({"site.yaml": 'include: [b.yaml, "domains/*.yaml"]\na: 1\n', "b.yaml": "b: 1\n"})
    (problem,) = document.problems
    assert (problem.id, problem.severity) == ("include-matches-nothing", Severity.WARNING)
    assert problem.says == "no file matches domains/*.yaml"
    assert str(problem.mark) == "site.yaml:1:19"


def test_a_missing_file_is_blamed_on_the_line_that_names_it() -> None:
    document = read({"site.yaml": "include:\n  - a.yaml\n  - gone.yaml\n", "a.yaml": "a: 1\n"})
    assert told(document) == [("site.yaml:3:5", "file-missing", "there is no file gone.yaml")]
    assert document.tree == {"a": 1}


def test_a_missing_site_has_no_place() -> None:
    document = read({})
    assert [(problem.id, problem.mark) for problem in document.problems] == [("file-missing", None)]
    assert document.tree == {}
    assert document.marks.mark(("a",)) is None


@pytest.mark.parametrize(
    ("said", "place"), [("a.yaml", "1:10"), ("{a: b}", "1:10"), ("[1]", "1:11"), ("['']", "1:11"), ("", "1:9")]
)
def test_include_is_a_list_of_names(said: str, place: str) -> None:
    document = read({"site.yaml": f"include: {said}\n"})
    assert [(problem.id, str(problem.mark)) for problem in document.problems] == [
        ("include-not-a-list", f"site.yaml:{place}")
    ]


def test_problems_of_all_files_are_collected() -> None:
    document = read({"site.yaml": "include: [a.yaml, b.yaml]\nx: &y 1\n", "a.yaml": "a: [\n", "b.yaml": ""})
    assert [(str(problem.mark), problem.id) for problem in document.problems] == [
        ("site.yaml:2:4", "yaml-anchor"),
        ("a.yaml:2:1", "yaml-unclosed-bracket"),
        ("b.yaml:1:1", "empty-file"),
    ]


def test_a_thousand_fragments_of_one_section_merge_and_are_found_quickly() -> None:
    files = {f"d/{n:04}.yaml": f"domains:\n  d{n}.example:\n    aliases: {{a: b}}\n" for n in range(1000)}
    document = read({"site.yaml": 'include: ["d/*.yaml"]\n', **files})
    marks = [document.marks.mark(("domains", f"d{n}.example", "aliases", "a")) for n in range(1000)]
    assert marks == [Mark(f"d/{n:04}.yaml", 3, 15) for n in range(1000)]


files = st.sampled_from(["site.yaml", "a.yaml", "b.yaml", "d/c.yaml", "gone.yaml", "*.yaml", "d/*.yaml", "../a.yaml"])
keys = st.sampled_from(["aliases", "domains", "x", "y"])
contents = st.recursive(st.integers(0, 3), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=6)


@given(
    st.dictionaries(
        st.sampled_from(["site.yaml", "a.yaml", "b.yaml", "d/c.yaml"]),
        st.tuples(st.lists(files, max_size=3), st.dictionaries(keys, contents, max_size=3)),
    )
)
def test_whatever_includes_whatever_is_read_to_its_end(
    given_files: dict[str, tuple[list[str], dict[str, object]]],
) -> None:
    texts = {name: json.dumps({"include": named, **tree}) for name, (named, tree) in given_files.items()}
    document = read(texts)
    said = {key for _, tree in given_files.values() for key in tree}
    assert document.tree.keys() <= {"include", *said}
    assert {problem.id for problem in document.problems} <= {
        "file-missing", "include-cycle", "include-matches-nothing", "conflicting-values", "duplicate-key", "empty-file",
    }  # fmt: skip
    for key in document.tree.keys() - {"include"}:
        assert document.marks.mark((key,)) is not None


@given(st.dictionaries(keys, st.dictionaries(keys, st.integers(), max_size=3), max_size=4))
def test_a_site_may_be_cut_into_one_file_for_each_section(tree: dict[str, object]) -> None:
    texts = {f"{key}.yaml": json.dumps({key: value}) for key, value in tree.items()}
    document = read({"site.yaml": json.dumps({"include": list(texts), "site": "example.org"}), **texts})
    assert document.problems == ()
    assert {key: value for key, value in document.tree.items() if key != "include"} == {"site": "example.org", **tree}
