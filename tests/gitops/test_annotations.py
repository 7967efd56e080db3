"""Annotations survive the way through a runner's log: whatever a problem says arrives as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from courier_compiler.render import render
from courier_schema.report import Mark, Problem

# what acts on a terminal is shown as an escape in every form for people, this one among them
TEXT = st.text(st.one_of(st.characters(exclude_categories=["C", "Zl", "Zp"]), st.sampled_from("\r\n%:,")), min_size=1)


def received(line: str) -> tuple[str, dict[str, str], str]:
    """A workflow command as a runner takes it apart: name, properties, message."""
    head, _, message = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" ")
    pairs = (pair.partition("=") for pair in properties.split(","))
    return name, {key: _plain(value) for key, _, value in pairs}, _plain(message)


def _plain(text: str) -> str:
    for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, letter)
    return text


@given(file=TEXT, says=TEXT, remedy=TEXT)
def test_file_and_message_arrive_as_they_were(file: str, says: str, remedy: str) -> None:
    shown = render([Problem("some-problem", says, remedy, Mark(file, 3, 4))], "github")
    assert shown.endswith("\n")
    assert not {"\n", "\r"} & set(shown[:-1])
    name, properties, message = received(shown[:-1])
    assert name == "error"
    assert properties == {"file": file, "line": "3", "col": "4", "title": "some-problem"}
    assert message == f"{says}; {remedy}"


def test_the_letters_that_end_a_part_are_escaped_in_properties_only() -> None:
    shown = render([Problem("some-problem", "a:b, 5%", "a\nb", Mark("a:b,5%.yaml", 1, 1))], "github")
    assert shown == "::error file=a%3Ab%2C5%25.yaml,line=1,col=1,title=some-problem::a:b, 5%25; a%0Ab\n"
