"""Manual pages: complete, true to the parsers, free of complaints, and safe from whatever a text holds."""

from __future__ import annotations

import argparse
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from courier_compiler.cli import main, parser, verb, verb_names
from courier_compiler.command_pages import page, page_names
from courier_schema.export import roff
from courier_schema.export.parser_page import subparsers
from courier_schema.site.root import Site
from courier_schema.site.walk import sections

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


def shown(text: str) -> str:
    """What groff makes of a page for a terminal, in one paragraph: words that a line end parted are joined."""
    done = subprocess.run(
        ["groff", "-man", "-Tascii", "-P-c", "-P-u", "-P-b", "-rHY=0", "-rLL=400n"],
        input=text, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return re.sub(r"\s+", " ", done.stdout)


def text_of(name: str) -> str:
    return "".join(f"{line}\n" for line in page(name))


def test_there_is_a_page_for_the_command_each_verb_and_the_language() -> None:
    verbs = [f"courier-compile-{name}.1" for name in verb_names()]
    assert page_names() == ["courier-compile.1", *verbs, "courier-site.5"]


@pytest.mark.parametrize("name", page_names())
def test_man_and_mandoc_have_nothing_to_say_against_a_page(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text_of(name))
    done = subprocess.run(["man", "--warnings", "-l", path], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lint = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", path], capture_output=True, text=True, timeout=60, check=False
    )
    # a date would be one of the day on which the page was made: the same input gives the same bytes
    assert [line for line in lint.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.parametrize("name", verb_names())
def test_the_page_of_a_verb_names_each_of_its_options(name: str) -> None:
    said = shown(text_of(f"courier-compile-{name}.1"))
    whole = subparsers(parser({name: verb(name)}))[name]
    for one in (whole, *subparsers(whole).values()):
        told = [action for action in one._actions if action.dest != "help" and action.help is not argparse.SUPPRESS]
        words = [word for action in told for word in action.option_strings]
        assert [word for word in words if word not in said] == []
    assert f"courier-compile {name}" in said


def test_the_page_of_the_language_names_every_key() -> None:
    said = shown(text_of("courier-site.5"))
    for section in sections(Site):
        assert [key for key in section.model_fields if f"{key} (" not in said] == [], section.__name__


def test_only_plan_tells_of_the_status_3() -> None:
    assert "3 There is something to do." in shown(text_of("courier-compile-plan.1"))
    assert "something to do" not in shown(text_of("courier-compile-build.1"))


def test_a_page_is_printed_by_the_name_of_its_verb(capsys: Capture) -> None:
    assert main(["manpage", "apply"]) == 0
    assert capsys.readouterr().out == text_of("courier-compile-apply.1")
    assert main(["manpage"]) == 0
    assert capsys.readouterr().out == text_of("courier-compile.1")
    assert main(["manpage", "courier-site"]) == 0
    assert capsys.readouterr().out == text_of("courier-site.5")


def test_a_page_that_is_nowhere_is_named(capsys: Capture) -> None:
    assert main(["manpage", "nonsense"]) == 1
    assert "there is no page nonsense" in capsys.readouterr().err


def test_all_pages_are_written_where_man_looks_for_them(tmp_path: Path) -> None:
    assert main(["manpage", "--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.glob("man[15]/*")) == sorted(page_names())
    found = subprocess.run(
        ["man", "-M", tmp_path, "-w", "courier-compile-apply"], capture_output=True, text=True, timeout=60, check=False
    )
    assert found.stdout.strip() == f"{tmp_path}/man1/courier-compile-apply.1"


def test_the_wheel_brings_the_pages_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shared = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    pages = ("compiler/man/man1", "compiler/man/man5", "runtime/man/man1")
    assert shared == {folder: f"share/man/{folder.rpartition('/')[2]}" for folder in pages}
    assert all(any((ROOT / folder).iterdir()) for folder in shared)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
@example(".SH no request")
@example("'br")
@example(r"\fBno escape\fR \n[.k]")
@example('"quoted" ~ ^ ` -')
def test_no_text_is_taken_for_a_request_or_an_escape(text: str) -> None:
    plain = re.sub(r"\s+", " ", text).strip()
    source = [roff.title("x", 1, "x", "x"), roff.heading("x"), "begin", roff.line(roff.escape(plain)), "end"]
    assert f"begin {plain} end" in shown("\n".join(source) + "\n")


def test_marked_words_become_bold_or_italic() -> None:
    assert roff.inline("say `a-b`, see [Target](#target) *now*") == r"say \fBa\-b\fR, see \fBTarget\fR \fInow\fR"
    assert roff.inline("a lone ` or * stays") == r"a lone \(ga or * stays"
