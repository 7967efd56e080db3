"""Settings files as shell text: what we write means the same to every reader, what we read is literal."""

from __future__ import annotations

import random
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_schema.legacy.formats.shell import ShellFile, assign, parse
from courier_schema.legacy.formats.source import Source

values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)


def read(text: str) -> ShellFile:
    return parse(Source("imapd", text.encode()))


def only_problem(text: str) -> str:
    (problem,) = read(text).problems
    return str(problem)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("1", "X=1"),
        ("/etc/courier/imapd.pem", "X=/etc/courier/imapd.pem"),
        ("", 'X=""'),
        ("two words", 'X="two words"'),
        ("~/x", 'X="~/x"'),
        ("it's", 'X="it\'s"'),
        ("$HOME", "X='$HOME'"),
        ('$DSN -f "$1"', "X='$DSN -f \"$1\"'"),
        ("a`b", "X='a`b'"),
        ("it's $5", "X='it'\\''s $5'"),
        ("| dot\n./Maildir", 'X="| dot\n./Maildir"'),
        ("ünï", 'X="ünï"'),
    ],
)
def test_a_value_is_bare_or_in_the_lightest_quotes_that_hold_it(value: str, line: str) -> None:
    assert assign("X", value) == line


@pytest.mark.parametrize("name", ["", "1X", "X-Y", "X=", "X Y", "Ä"])
def test_what_is_no_name_is_never_assigned(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a shell variable"):
        assign(name, "1")


def test_a_nul_is_never_assigned() -> None:
    with pytest.raises(ValueError, match="holds no NUL"):
        assign("X", "a\0b")


def test_every_value_survives_a_real_shell() -> None:
    """600 values of characters that mean something to a shell, read by one /bin/sh as Courier has it read them."""
    rng = random.Random(20240229)
    alphabet = " \t\n'\"\\$`#!~*?[]{}()<>|&;=:%@^,.-_aZ0é€\r"
    said = {f"V{number}": "".join(rng.choices(alphabet, k=rng.randrange(12))) for number in range(600)}
    content = "".join(f"{assign(name, value)}\n" for name, value in said.items())
    script = f"set -a\n{content}exec env -0"
    shell = ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "/bin/sh", "-c", script]
    seen = subprocess.run(shell, capture_output=True, check=True).stdout.split(b"\0")
    environment = dict(entry.decode().split("=", 1) for entry in seen if entry)
    assert {name: environment[name] for name in said} == said


@given(st.dictionaries(names, values))
def test_what_we_write_we_read(said: dict[str, str]) -> None:
    found = read("".join(f"# about {name}\n{assign(name, value)}\n\n" for name, value in said.items()))
    assert (dict(found.assignments), found.problems) == (said, ())


@given(st.text(alphabet="AB=\n '\"\\$`#;. /~:", max_size=40))
def test_whatever_is_read_without_a_problem_is_what_a_shell_reads(text: str) -> None:
    found = read(text)
    if found.problems or found.includes or "\\\n" in text:
        return
    script = f"set -a\n{text}\nexec /usr/bin/env -0"
    seen = subprocess.run(["/usr/bin/env", "-i", "/bin/sh", "-c", script], capture_output=True, check=True).stdout
    environment = dict(entry.decode().split("=", 1) for entry in seen.split(b"\0") if entry)
    assert {name: value for name, value in environment.items() if name[0] in "AB"} == found.assignments


def test_quotes_of_all_kinds_make_one_value() -> None:
    assert read('X=\'a b\'"c \\"d\\""\\ e\n').assignments == {"X": 'a bc "d" e'}


def test_a_value_may_span_lines_in_quotes() -> None:
    assert read('X="a\nb"\nY=2\n').assignments == {"X": "a\nb", "Y": "2"}


def test_a_backslash_at_the_end_of_a_line_joins_it_to_the_next() -> None:
    assert read('X=a\\\nb\nY="c\\\nd"\n').assignments == {"X": "ab", "Y": "cd"}


def test_of_two_assignments_the_last_counts_and_is_cited() -> None:
    found = read("X=1\n# again\n  X=2\n")
    assert found.assignments == {"X": "2"}
    assert str(found.marks["X"]) == "imapd:3:3"


def test_a_file_that_is_read_in_is_named() -> None:
    found = read(". /etc/environment\nLANG=C\n")
    assert (found.includes, dict(found.assignments), found.problems) == (("/etc/environment",), {"LANG": "C"}, ())


def test_comments_and_blank_lines_say_nothing() -> None:
    assert read("##VERSION: $Id:$\n\n #X=1\nY=2 # two\nZ=a#b\n").assignments == {"Y": "2", "Z": "a#b"}


@pytest.mark.parametrize(
    ("text", "place", "kind"),
    [
        ("X=$HOME/x\n", "imapd:1:3", "shell-expansion"),
        ('A=1\nX="a $Y"\n', "imapd:2:6", "shell-expansion"),
        ("X=`date`\n", "imapd:1:3", "shell-expansion"),
        ('X="`date`"\n', "imapd:1:4", "shell-expansion"),
        ("X='a\n", "imapd:1:3", "shell-quote"),
        ('X="a\n', "imapd:1:3", "shell-quote"),
        ("X=1 Y=2\n", "imapd:1:4", "shell-command"),
        ("X=1;Y=2\n", "imapd:1:4", "shell-command"),
        ("X=~/x\n", "imapd:1:3", "shell-command"),
        ("X=/a:~/x\n", "imapd:1:6", "shell-command"),
        ("export X=1\n", "imapd:1:1", "shell-command"),
        ("X =1\n", "imapd:1:1", "shell-command"),
        (". ./x\n", "imapd:1:1", "shell-command"),
    ],
)
def test_text_that_only_a_shell_understands_is_refused_by_its_place(text: str, place: str, kind: str) -> None:
    assert only_problem(text).startswith(f"{place}: error: ")
    assert f"[{kind}]" in only_problem(text)


def test_one_refused_line_does_not_hide_the_others() -> None:
    found = read("X=$A\nY=2\nZ=`b`\n")
    assert found.assignments == {"Y": "2"}
    assert [problem.mark.line for problem in found.problems if problem.mark] == [1, 3]


@given(st.binary())
def test_reading_never_fails(content: bytes) -> None:
    found = parse(Source("x", content))
    assert set(found.marks) == set(found.assignments)
