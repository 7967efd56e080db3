"""Reports are the same facts in four forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from courier_compiler.render import FORMATS, render
from courier_schema.report import Mark, Problem, Severity


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text("site: example.org\naliases:\n\tsales: [anna]\n")
    return path


@pytest.fixture
def problems(site: Path) -> list[Problem]:
    return [
        Problem(
            "alias-loop", "sales reaches itself", "remove one of the names", Mark(str(site), 3, 2), ("aliases", "sales")
        ),
        Problem("no-place", "something is odd", "look, and mend", severity=Severity.WARNING),
    ]


def test_text_shows_the_line_with_a_caret_under_the_spot(problems: list[Problem], site: Path) -> None:
    text = render(problems, "text")
    assert f"{site}:3:2: error: sales reaches itself [alias-loop]\n    3 | \tsales: [anna]\n      | \t^\n" in text
    assert "   = remove one of the names\n" in text
    assert text.endswith("1 error, 1 warning\n")


def test_text_without_colour_has_no_escapes_and_with_colour_has(problems: list[Problem]) -> None:
    assert "\033" not in render(problems, "text")
    assert "\033[1;31merror" in render(problems, "text", colour=True)


def test_text_shows_control_characters_instead_of_sending_them(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: \x1b[2J\x07\u202eb\n")
    problem = Problem("x", "the value\nis \x1b[0m odd", "stop", Mark(str(tmp_path / "x.yaml"), 1, 6))
    text = render([problem], "text")
    assert "error: the value\\nis \\x1b[0m odd [x]\n    1 | a: \\x1b[2J\\x07\\u202eb\n" in text
    assert f"      | {' ' * 8}^\n" in text


@pytest.mark.parametrize("column", [1, 500, 4000])
def test_text_shows_of_a_long_line_what_is_around_the_spot(tmp_path: Path, column: int) -> None:
    line = "".join(chr(0x4E00 + position) for position in range(4000))
    (tmp_path / "x.yaml").write_text(line + "\n")
    problem = Problem("x", "a value " + "v" * 100_000, "stop", Mark(str(tmp_path / "x.yaml"), 1, column))
    lines = render([problem], "text").splitlines()
    assert max(map(len, lines)) < 1000
    assert lines[1][lines[2].index("^")] == line[column - 1]


def test_json_carries_every_fact(problems: list[Problem], site: Path) -> None:
    told = json.loads(render(problems, "json"))
    assert told["counts"] == {"error": 1, "warning": 1}
    assert told["problems"][0] == {
        "id": "alias-loop",
        "severity": "error",
        "says": "sales reaches itself",
        "remedy": "remove one of the names",
        "file": str(site),
        "line": 3,
        "column": 2,
        "path": ["aliases", "sales"],
    }
    assert told["problems"][1]["file"] is None


def test_github_annotations_escape_what_would_end_them() -> None:
    mark = Mark("a:b,c.yaml", 1, 2)
    line = render([Problem("x", "50% of\nall", "stop", mark)], "github")
    assert line == "::error file=a%3Ab%2Cc.yaml,line=1,col=2,title=x::50%25 of%0Aall; stop\n"


def test_sarif_names_rule_level_and_region(problems: list[Problem]) -> None:
    run = json.loads(render(problems[:1], "sarif"))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["alias-loop"]
    assert run["results"][0]["level"] == "error"
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 2}


@pytest.mark.parametrize("form", FORMATS)
def test_no_problems_is_a_valid_report_in_every_form(form: str) -> None:
    text = render([], form)
    assert text == "" if form in ("text", "github") else json.loads(text)


def test_github_shows_control_characters_instead_of_sending_them() -> None:
    assert render([Problem("x", "a \u202ekey\x1b", "stop")], "github") == "::error title=x::a \\u202ekey\\x1b; stop\n"
