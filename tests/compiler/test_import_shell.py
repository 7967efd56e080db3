"""Settings files that administrators have written by hand are evaluated as a shell would, and never run."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_compiler.importing.shell_script import Script, read_script
from courier_schema.legacy.formats import shell
from courier_schema.legacy.formats.source import Source
from courier_schema.report import Mark


def read(text: str, **known: str) -> Script:
    return read_script(Source("esmtpd", text.encode("utf-8", "surrogateescape")), known)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\n", {"A": "1"}),
        ("A='a b'\"c d\"e\n", {"A": "a bc de"}),
        ("A=1; B=2\n", {"A": "1", "B": "2"}),
        ("A=1 B=2\n", {"A": "1", "B": "2"}),
        ("export A=1\n", {"A": "1"}),
        ("A=1\nexport A\n", {"A": "1"}),
        ("A=1\nunset A\n", {}),
        ("A=1\nA=2\n", {"A": "2"}),
        ('A="one \\\ntwo"\n', {"A": "one two"}),
        ('A="\\$x \\" \\\\ \\y"\n', {"A": '$x " \\ \\y'}),
        ("A='first\nsecond'\n", {"A": "first\nsecond"}),
        ("A=1 # because\n", {"A": "1"}),
        ("A=a#b\n", {"A": "a#b"}),
        ("A=\nB=x", {"A": "", "B": "x"}),
        ("A=x\nB=${A:-y}${A-y}${A:+z}\n", {"A": "x", "B": "xxz"}),
        ("A=\nB=${A:-y}${A-y}${A:+z}${A+z}\n", {"A": "", "B": "yz"}),
        ('A=x\nB=$A/y\nC="${B}z"\n', {"A": "x", "B": "x/y", "C": "x/yz"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_assignments_are_evaluated(text: str, values: dict[str, str]) -> None:
    script = read(text)
    assert script.values == values
    assert script.opaque == ()


def test_variables_of_the_calling_scripts_are_known() -> None:
    script = read('A=${sysconfdir}/x\nB="$bindir"\n', sysconfdir="/etc/courier", bindir="/usr/bin")
    assert script.values == {"A": "/etc/courier/x", "B": "/usr/bin"}


@pytest.mark.parametrize(
    ("text", "names", "reason"),
    [
        ("A=`hostname`\n", {"A"}, "a command whose output would be the value; it is not run"),
        ("A=$(hostname)\n", {"A"}, "a command whose output would be the value; it is not run"),
        ("A=$other\n", {"A"}, "$other, which neither this file nor the scripts that read it set"),
        ("A=${b:-c}\n", {"A"}, "$b, which neither this file nor the scripts that read it set"),
        ("A=${b-c}\n", {"A"}, "an expansion that only a shell could carry out"),
        ("A=${b%.*}\n", {"A"}, "an expansion that only a shell could carry out"),
        ("A=$((3+4))\n", {"A"}, "a command whose output would be the value; it is not run"),
        ("ulimit -v 1000\n", set(), "a command, which is not run"),
        ("A=1 command\n", {"A"}, "a command, which is not run"),
        ("A=x|y\n", {"A"}, "|, which is not carried out"),
        ("A='open\n", {"A"}, "a quote that is never closed"),
        ("if test -f /x; then\n  A=1\nelse\n  B=2\nfi\n", {"A", "B"}, "a command, which is not run"),
        ("case $x in\n a) A=1 ;;\nesac\n", {"A"}, "a command, which is not run"),
        ("for i in 1 2\ndo\n A=$i\ndone\n", {"A"}, "a command, which is not run"),
    ],
)
def test_what_only_a_shell_could_do_is_kept_as_it_is(text: str, names: set[str], reason: str) -> None:
    script = read(f"{text}LAST=1\n")
    (part,) = script.opaque
    assert part.reason == reason
    assert part.text == text.rstrip("\n") or text.startswith("A='open")
    assert part.mark == Mark("esmtpd", 1, 1)
    assert script.uncertain == names


def test_what_follows_a_condition_is_read_again() -> None:
    script = read("if x\nthen\n if y; then A=1; fi\nfi\nB=2\n")
    assert script.values == {"B": "2"}
    assert script.uncertain == {"A"}


def test_a_value_that_a_condition_may_change_is_uncertain() -> None:
    script = read("A=1\nif x; then A=2; fi\n")
    assert script.values == {}
    assert script.uncertain == {"A"}


def test_files_that_are_read_in_are_named() -> None:
    script = read(". /etc/environment\nsource /etc/default/mail\nA=1\n")
    assert script.includes == (
        ("/etc/environment", Mark("esmtpd", 1)),
        ("/etc/default/mail", Mark("esmtpd", 2)),
    )
    assert script.values == {"A": "1"}


def test_comments_belong_to_the_assignment_that_follows_them() -> None:
    script = read("# about A\nA=1\n\n##NAME: B:0\n# about B\n# and more\nB=2\n# the end\n")
    assert script.comments == {"A": ("# about A",), "B": ("# about B", "# and more"), "": ("# the end",)}
    assert script.markers == {"B"}


_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


@given(_VALUES)
def test_whatever_we_write_is_read_back(value: str) -> None:
    assert read(f"{shell.assign('NAME', value)}\n").values == {"NAME": value}


@given(st.text())
def test_no_text_is_too_odd_to_be_read(text: str) -> None:
    script = read(text)
    assert script.values.keys().isdisjoint(script.uncertain)


_EXPANSIONS = ("$A", "${A}", "${A:-z}", "${A+y}", "${N:-n}", "${N-n}")
_PIECES = st.lists(st.sampled_from(["a", "b c", "'", '"', *_EXPANSIONS, "\\", " ", "#", "x=1"]), max_size=6)


@given(_PIECES)
def test_a_shell_agrees_wherever_we_are_sure(pieces: list[str]) -> None:
    text = f"A=known\nN=\nB={''.join(pieces)}\n\n"
    script = read(text)
    if script.opaque or "B" not in script.values:
        return
    command = f'{text}printf %s "$B"\n'
    told = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert told.stdout == script.values["B"]
