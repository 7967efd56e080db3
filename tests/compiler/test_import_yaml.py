"""A site that is written is read back as it was meant, and reads well."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from courier_schema.source.rewrite import dump
from courier_schema.source.yaml_tree import parse_yaml

_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff"))
_LINES = st.lists(_TEXTS | st.sampled_from(["", "  indented", "\ttab", "end ", "# no comment"])).map("\n".join)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | _TEXTS
    | _LINES
    | st.sampled_from(["no", "true", "1.0", "0x1f", "~", "null", "- x", "a: b", "a #b", "0049", "{}", "&x"])
)
_KEYS = _TEXTS.filter(lambda text: len(text) < 100) | st.sampled_from(["yes", "1", "a.b", "@domain", "*"])
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20
    ),
    min_size=1,
    max_size=5,
)


@given(_TREES)
def test_what_is_written_is_read_back(tree: dict[str, Any]) -> None:
    text = dump(tree)
    document = parse_yaml(text, "site.yaml")
    assert document.problems == ()
    assert document.tree == tree


@given(
    st.integers(1015, 1030).map(lambda length: "k" * length) | st.integers(335, 345).map(lambda times: "'\"" * times),
    st.sampled_from(["anna", "two\nlines\n", {}, [], {"to": "anna"}, ["anna", "bert"], {"a": {"b": "x\ny"}}]),
)
def test_keys_too_long_for_one_line_are_read_back(key: str, value: Any) -> None:
    tree = {"aliases": {"a": "b", key: value, "z": [{key: value, "b": "c"}]}, key: value}
    document = parse_yaml(dump(tree, {("aliases", key): ["why"]}), "site.yaml")
    assert document.problems == ()
    assert document.tree == tree


def test_short_lists_and_maps_stand_on_one_line() -> None:
    tree = {"aliases": {"sales": ["anna", "bert"], "x": {"to": "y"}}, "hosts": {}}
    assert dump(tree) == "aliases:\n  sales: [anna, bert]\n  x: {to: y}\nhosts: {}\n"


def test_a_comment_stands_above_what_it_is_about() -> None:
    tree = {"access": {"10.0.0.0/8": "relay", "192.0.2.1": {"block": "no"}}, "list": ["a", "b"]}
    comments = {
        (): ["the site"],
        ("access", "192.0.2.1"): ["they know why"],
        ("list", 1): ["the second"],
    }
    assert dump(tree, comments) == (
        "# the site\n"
        "access:\n"
        "  10.0.0.0/8: relay\n"
        "  # they know why\n"
        "  192.0.2.1: {block: no}\n"
        "list:\n"
        "  - a\n"
        "  # the second\n"
        "  - b\n"
    )


def test_several_lines_stand_in_a_block() -> None:
    tree = {"delivery": {"rules": "if (x)\n{\n\tto y\n}\n", "note": "\nblank first\n", "last": "no end\nhere"}}
    assert dump(tree) == (
        "delivery:\n"
        "  rules: |\n    if (x)\n    {\n    \tto y\n    }\n"
        "  note: |2\n\n    blank first\n"
        "  last: |-\n    no end\n    here\n"
    )


def test_words_that_would_be_something_else_are_quoted() -> None:
    tree = {"a": ["no", "true", "1", "1.5", "192.0.2.1", "a b", "x: y", 'say "x"', "it's"]}
    assert dump(tree) == ('a: [no, "true", "1", "1.5", 192.0.2.1, a b, "x: y", \'say "x"\', "it\'s"]\n')
