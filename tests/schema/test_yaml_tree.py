"""Reading YAML text: what becomes of it, where its values stand, and what is said about text that is no site."""

from __future__ import annotations

import io
import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from courier_schema.report import Mark
from courier_schema.source.yaml_tree import MAX_DEPTH, MAX_PROBLEMS, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from courier_schema.report import SitePath


def tree(text: str) -> dict[str, object]:
    document = parse_yaml(text, "site.yaml")
    assert document.problems == ()
    return document.tree


def found(text: str) -> list[tuple[str, str]]:
    """Id and `line:column` of each problem in the text."""
    return [(p.id, f"{p.mark.line}:{p.mark.column}") for p in parse_yaml(text, "site.yaml").problems if p.mark]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("0640", 640),
        ("0o640", 0o640),
        ("0xff", 255),
        ("-0xff", "-0xff"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e3", -1000.0),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2026-01-31", "2026-01-31"),
        ("anna@example.org", "anna@example.org"),
        ("'1'", "1"),
        ('"true"', "true"),
        ('""', ""),
        ("|\n  1\n  2", "1\n2\n"),
        (">\n  1\n  2", "1 2\n"),
        ("[1, two, [3.0]]", [1, "two", [3.0]]),
        ("{a: 1, b: }", {"a": 1, "b": None}),
    ],
)
def test_scalars_are_those_of_yaml_1_2_and_quotes_make_strings(written: str, read: object) -> None:
    value = tree(f"key:\n  {written}\n")["key"]
    assert value == read
    assert type(value) is type(read)


def test_not_a_number_is_a_float() -> None:
    value = tree("key: .nan")["key"]
    assert isinstance(value, float)
    assert math.isnan(value)


def test_a_number_of_absurd_length_stays_text() -> None:
    assert tree(f"key: {'1' * 5000}") == {"key": "1" * 5000}


def test_keys_are_their_text_whatever_they_look_like() -> None:
    text = "10.0.0.0/8: a\n1: b\n1.0: c\ntrue: d\n~: e\n'<<': f\n"
    assert list(tree(text)) == ["10.0.0.0/8", "1", "1.0", "true", "~", "<<"]


@pytest.mark.parametrize("text", ["a: 1", "\ufeffa: 1\n", "---\na: 1\n...\n", "%YAML 1.2\n---\na: 1\n", "a: 1\r\n"])
def test_marks_of_the_beginning_and_end_change_nothing(text: str) -> None:
    assert tree(text) == {"a": 1}


CAUSES = [
    ("", "empty-file", "1:1", "says nothing"),
    ("# only a remark\n", "empty-file", "1:1", "says nothing"),
    ("---\n", "empty-file", "1:1", "says nothing"),
    ("- a\n", "root-not-a-map", "1:1", "not a map"),
    ("\nwords\n", "root-not-a-map", "2:1", "not a map"),
    ("a: 1\nb: 2\na: 3\n", "duplicate-key", "3:1", "the key a was given before, at site.yaml:1:1"),
    ("a:\n  x: {y: [1]}\n  z: 2\n  z: 3\n", "duplicate-key", "4:3", "at site.yaml:3:3"),
    ("a: !!int 1\n", "yaml-tag", "1:4", "tag:yaml.org,2002:int"),
    ("a: !vault [x]\n", "yaml-tag", "1:4", "!vault"),
    ("a: !x!y z\n", "yaml-tag", "1:4", "! begins one"),
    ("!x a: 1\n", "yaml-tag", "1:1", "!x"),
    ("a: &x 1\n", "yaml-anchor", "1:4", "&x"),
    ("a: &x {b: 1}\n", "yaml-anchor", "1:4", "&x"),
    ("a: *x\n", "yaml-alias", "1:4", "*x"),
    ("*x : 1\n", "yaml-alias", "1:1", "*x"),
    ("a:\n  <<: 1\n", "yaml-merge-key", "2:3", "no merge keys"),
    ("a: 1\n---\nb: 2\n", "several-documents", "2:1", "second document"),
    ("a: 1\n...\nb: 2\n", "several-documents", "3:1", "end of the site"),
    ("[a, b]: 1\n", "compound-key", "1:1", "single word"),
    ("? {a: 1}\n: 1\n", "compound-key", "1:3", "single word"),
    ("a: x\x1by\n", "control-character", "1:5", "U+001B"),
    ("a: \x00\n", "control-character", "1:4", "U+0000"),
    ("a: 1\nb: \x85c\n", "control-character", "2:4", "U+0085"),
    ("a: x\u2028y\n", "control-character", "1:5", "U+2028"),
    ("a: \ud800\n", "control-character", "1:4", "U+D800"),
    ('a: "\\0"\n', "control-character", "1:4", "U+0000"),
    ('a: "x\\ey"\n', "control-character", "1:4", "U+001B"),
    ('a: "\\x7f"\n', "control-character", "1:4", "U+007F"),
    ('"\\N": 1\n', "control-character", "1:1", "U+0085"),
    ("a: " + "[" * 200, "too-deep", f"1:{MAX_DEPTH + 3}", "100 deep"),
    ("a:\n\tb: 1\n", "yaml-tab", "2:1", "tab"),
    ("a:\n  b: 1\n\tc: 2\n", "yaml-tab", "3:1", "tab"),
    ("a: |\n\tx\n", "yaml-tab", "2:1", "tab"),
    ("a: 1\nb 2\nc: 3\n", "yaml-missing-colon", "2:1", "`b 2` has no colon"),
    ("a\nb: 1\n", "yaml-missing-colon", "1:1", "`a` has no colon"),
    ("a:\n  x\n  # remark\n\n  b: 1\n", "yaml-missing-colon", "2:3", "`x` has no colon"),
    ("a:\n  b:1\n  c: 2\n", "yaml-missing-space", "2:3", "after its colon"),
    ("a:\n  - x\n  -y\n", "yaml-missing-space", "3:3", "after its dash"),
    ("a: 'x\nb: 2\n", "yaml-unclosed-quote", "1:4", "never closed"),
    ('a: "x\n---\nb: 1\n', "yaml-unclosed-quote", "1:4", "never closed"),
    ("a: [1, 2\nb: 3\n", "yaml-unclosed-bracket", "1:4", "this [ is never closed"),
    ("a: {b: 1\nc: 2\n", "yaml-unclosed-bracket", "1:4", "this { is never closed"),
    ("{", "yaml-unclosed-bracket", "1:2", "ends inside a bracket"),
    ("a: ['b' c]\n", "yaml-missing-comma", "1:9", "before `c]`"),
    ("a: [1,, 2]\n", "yaml-syntax", "1:7", "nothing stands before this ,"),
    ("a: ]\n", "yaml-syntax", "1:4", "nothing stands before this ]"),
    ("a: 1\n}\n", "yaml-syntax", "2:1", "nothing stands before this }"),
    ("on: [::]:25\n", "yaml-needs-quotes", "1:6", "address with brackets"),
    ("on: [::1]\n", "yaml-needs-quotes", "1:6", "leading colon"),
    ("a: b: c\n", "yaml-needs-quotes", "1:4", "colon and a space"),
    ("- 'a': b: c\n", "yaml-needs-quotes", "1:8", "colon and a space"),
    ("on: [2001:db8::1]\n", "yaml-needs-quotes", "1:6", "between brackets"),
    ("to: {a:b}\n", "yaml-needs-quotes", "1:6", "between brackets"),
    ("@x: 1\n", "yaml-needs-quotes", "1:1", "cannot begin with @"),
    ("a: `x\n", "yaml-needs-quotes", "1:4", "cannot begin with `"),
    ("a: %x\n", "yaml-needs-quotes", "1:4", "cannot begin with %"),
    ("%x: 1\n", "yaml-needs-quotes", "1:1", "directive"),
    ("*.example.org: x\n", "yaml-needs-quotes", "1:1", "cannot begin with *"),
    ("include: [*.yaml]\n", "yaml-needs-quotes", "1:11", "cannot begin with *"),
    ("a: & b\n", "yaml-needs-quotes", "1:4", "cannot begin with &"),
    ("a: 'x' y\n", "yaml-needs-quotes", "1:8", "`y` follows a value"),
    ("a: 'it's'\n", "yaml-needs-quotes", "1:8", "follows a value"),
    ("a: 1\n  b: 2\n", "yaml-indentation", "2:3", "deeper than the line above"),
    ("a:\n   b: 1\n  c: 2\n", "yaml-indentation", "3:3", "none of the lines"),
    ("a:\n  - 1\n  b: 2\n", "yaml-indentation", "3:3", "without a dash"),
    ("a: 1\n- b\n", "yaml-indentation", "2:1", "where a key is expected"),
    ("a: - b\n", "yaml-indentation", "1:4", "`-` begins a list"),
    ("a: ? b\n", "yaml-indentation", "1:4", "`?` begins"),
    ('a: "\\q"\n', "yaml-bad-escape", "1:5", "backslash"),
    ('a: "\\xZZ"\n', "yaml-bad-escape", "1:7", "backslash"),
    ('a: "\\ud800"\n', "yaml-bad-escape", "1:7", "backslash"),
    ("a: | x\n", "yaml-syntax", "1:6", "follows | or >"),
    ("a: |0\n  x\n", "yaml-syntax", "1:5", "indentation indicator"),
    ("%YAML 3.0\n---\na: 1\n", "yaml-syntax", "1:1", "incompatible YAML document"),
    ("x" * 1100 + ": 1\n", "yaml-syntax", "1:1", "longer than 1024"),
]


@pytest.mark.parametrize(("text", "name", "place", "says"), CAUSES)
def test_bad_text_is_told_by_its_cause_and_place(text: str, name: str, place: str, says: str) -> None:
    (problem,) = parse_yaml(text, "site.yaml").problems
    assert (problem.id, str(problem.mark)) == (name, f"site.yaml:{place}")
    assert says in problem.says
    assert not problem.says.endswith(".")
    assert problem.remedy[0].islower()


def test_one_reading_finds_many_problems() -> None:
    text = "a: !t 1\nb: &x 2\nc: *x\na: 3\n<<: {}\n? [k]\n: v\nd: &y !u z\n"
    names = [name for name, _ in found(text)]
    assert names == [
        "yaml-tag",
        "yaml-anchor",
        "yaml-alias",
        "duplicate-key",
        "yaml-merge-key",
        "compound-key",
        "yaml-tag",
        "yaml-anchor",
    ]


def test_sections_behind_a_syntax_error_are_read_for_further_problems() -> None:
    text = "a: &x 1\nb:\n\tc: 1\n  d: 2\n\ne: &y 2\nf: [1\ng: skipped\nh: 'x' y\ni: fine\n"
    assert found(text) == [
        ("yaml-anchor", "1:4"),
        ("yaml-tab", "3:1"),
        ("yaml-anchor", "6:4"),
        ("yaml-unclosed-bracket", "7:4"),
        ("yaml-needs-quotes", "9:8"),
    ]


def test_after_a_syntax_error_there_is_no_tree() -> None:
    document = parse_yaml("a: 1\nb: [\nc: 2\n", "site.yaml")
    assert document.tree == {}
    assert document.marks.mark(("a",)) == Mark("site.yaml", 1, 1)


def test_reading_stops_at_a_number_of_problems_that_nobody_reads() -> None:
    assert len(found("a: &x 1\n" + "".join(f"k{n}: *x\n" for n in range(1000)))) == MAX_PROBLEMS
    assert len(found("".join(f"k{n}: 'x' y\n" for n in range(1000)))) == MAX_PROBLEMS


@pytest.mark.parametrize("start", ["a: ", "? ", "a: {", "a: 1\na: ", "- "])
def test_endless_brackets_are_given_up_at_once(start: str) -> None:
    names = [name for name, _ in found(start + "[" * 1_000_000)]
    assert names[-1] == "too-deep"


def test_a_refused_entry_leaves_the_marks_of_its_neighbours_in_place() -> None:
    text = "a: 1\na: {x: [1, 2]}\n[k]: {y: 2}\n<<: [z]\n*q : {r: s}\nb: 2\n"
    document = parse_yaml(text, "site.yaml")
    assert document.tree == {"a": 1, "b": 2}
    assert document.marks.mark(("b",)) == Mark("site.yaml", 6, 1)


def test_problems_carry_the_path_of_what_they_blame() -> None:
    text = "a:\n  - x\n  - {b: !t 1, b: 2}\nc: &d [*e]\n"
    paths = [problem.path for problem in parse_yaml(text, "site.yaml").problems]
    assert paths == [("a", 1, "b"), ("a", 1, "b"), ("c",), ("c", 0)]


@pytest.mark.parametrize("block", range(0, 0x11000, 0x800))
def test_every_character_is_read_or_refused(block: int) -> None:
    for character in map(chr, range(block, block + 0x800)):
        document = parse_yaml(f"k: 'a{character}b'", "site.yaml")
        if not document.problems:
            read = f"a{character}b" if character not in "\r\n" else "a b"
            assert document.tree == {"k": read if character != "'" else None}
        else:
            assert document.problems[0].id in ("control-character", "yaml-needs-quotes")


def trees(words: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, object]]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4)
    )
    return st.dictionaries(words, values, min_size=1, max_size=25)


def words(without: str) -> st.SearchStrategy[str]:
    kept = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Cs"), exclude_characters=without)
    return st.text(kept, max_size=12)


def dumped(value: object, flow: bool) -> str:
    out = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    yaml.allow_unicode = True
    yaml.dump(value, out)
    return out.getvalue()


def at(value: Any, path: SitePath) -> object:
    for step in path:
        value = value[step]
    return value


def paths(value: Any, path: SitePath = ()) -> Iterator[SitePath]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in steps:
        yield (*path, step)
        yield from paths(child, (*path, step))


@settings(deadline=None)
@given(trees(words(without="")))
def test_a_dumped_tree_reads_back_the_same(value: dict[str, object]) -> None:
    assert tree(dumped(value, flow=False)) == value


@settings(deadline=None)
@given(trees(words(without=":?")))
def test_a_tree_dumped_in_brackets_reads_back_the_same(value: dict[str, object]) -> None:
    assert tree(dumped(value, flow=True)) == value


PLAIN = st.text("abcdefg", min_size=1, max_size=4)
PLAIN_TREES = st.recursive(
    st.dictionaries(PLAIN, PLAIN, min_size=1, max_size=20),
    lambda inner: st.dictionaries(PLAIN, inner | st.lists(PLAIN | inner, min_size=1, max_size=20), min_size=1),
    max_leaves=10,
)


@settings(deadline=None)
@given(PLAIN_TREES, st.booleans())
def test_a_mark_points_at_the_key_or_element_in_the_text(value: dict[str, object], flow: bool) -> None:
    text = dumped(value, flow)
    lines = text.split("\n")
    document = parse_yaml(text, "site.yaml")
    places = []
    for path in paths(document.tree):
        mark = document.marks.mark(path)
        assert mark is not None
        there = lines[mark.line - 1][mark.column - 1 :]
        if isinstance(path[-1], str):
            assert there.startswith(f"{path[-1]}:")
        elif isinstance(element := at(document.tree, path), str):
            assert there.startswith(element)
        places.append((mark.line, mark.column, path))
    for (*before, parent), (*after, path) in pairwise(places):
        assert before < after or (before == after and path[:-1] == parent)


YAMLISH = st.lists(
    st.sampled_from([*":-?[]{},&*!|>'\"%@`#\\~<=\t\n ", ": ", "- ", "\n  ", "\n\t", "---\n", "...\n", "<<", "a", "0"])
    | st.characters(),
    max_size=60,
).map("".join)


@settings(deadline=None)
@given(st.text() | YAMLISH)
@example("a: 1\n\rb: \x852")
@example("- [")
@example("'")
@example(": ")
@example("? ")
@example("%TAG ! x\n---\na: !y 1\n")
def test_any_text_is_read_or_explained(text: str) -> None:
    document = parse_yaml(text, "site.yaml")
    assert bool(document.tree) or bool(document.problems) or text.strip().startswith("{")
    for problem in document.problems:
        assert problem.mark is not None
        assert 1 <= problem.mark.line <= len(text.splitlines()) + 2
        assert problem.mark.column >= 1
