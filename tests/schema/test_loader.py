"""The loader: sites on disk and on standard input, and files that cannot be read."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest

from courier_schema.report import Mark
from courier_schema.source.loader import load


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("conf/site.yaml", "conf/site.yaml"),
        ("./conf/site.yaml", "conf/site.yaml"),
        ("conf", "conf/site.yaml"),
        ("conf/../conf", "conf/site.yaml"),
        ("{here}/conf/site.yaml", "conf/site.yaml"),
        ("{here}/conf", "conf/site.yaml"),
    ],
)
def test_marks_name_a_file_below_the_working_directory_from_there(here: Path, typed: str, shown: str) -> None:
    write(here / "conf" / "site.yaml", 'include: ["d/*.yaml"]\na: 1\n')
    write(here / "conf" / "d" / "b.yaml", "b: 2\n")
    document = load(Path(typed.format(here=here)))
    assert document.problems == ()
    assert document.tree == {"a": 1, "b": 2}
    assert document.files == (shown, "conf/d/b.yaml")
    assert document.marks.mark(("b",)) == Mark("conf/d/b.yaml", 1, 1)


def test_a_file_elsewhere_keeps_its_name(tmp_path: Path) -> None:
    write(tmp_path / "site.yaml", "a: 1\n")
    assert load(tmp_path / "site.yaml").files == (f"{tmp_path}/site.yaml",)


def test_a_dash_means_standard_input(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "b.yaml", "b: 2\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("include: [b.yaml]\nä: 1\n".encode())))
    document = load(Path("-"))
    assert document.tree == {"ä": 1, "b": 2}
    assert document.marks.mark(("ä",)) == Mark("<stdin>", 2, 1)


def test_hidden_files_and_folders_do_not_match_a_pattern(here: Path) -> None:
    write(here / "site.yaml", 'include: ["d/*"]\n')
    write(here / "d" / ".#a.yaml", "b: [")
    write(here / "d" / "sub" / "c.yaml", "c: [")
    write(here / "d" / "a.yaml", "a: 1\n")
    assert load(Path()).tree == {"a": 1}
    assert load(Path()).problems == ()


def test_a_dangling_link_that_matches_is_not_passed_over(here: Path) -> None:
    write(here / "site.yaml", 'include: ["d/*.yaml"]\n')
    (here / "d").mkdir()
    (here / "d" / "a.yaml").symlink_to("gone.yaml")
    assert [str(problem) for problem in load(Path()).problems] == [
        "site.yaml:1:11: error: d/a.yaml is a link to a missing file [file-missing]; correct the link, or remove it"
    ]


def test_a_missing_site_suggests_its_neighbour(here: Path) -> None:
    write(here / "site.yaml", "a: 1\n")
    assert [str(problem) for problem in load(Path("Site.yml")).problems] == [
        "error: there is no file Site.yml [file-missing]; did you mean site.yaml?"
    ]
    assert [problem.remedy for problem in load(Path("no/such/place")).problems] == [
        "correct the name, or create the file"
    ]
    assert [problem.says for problem in load(Path("site.yaml/x")).problems] == ["there is no file site.yaml/x"]


def test_a_missing_include_is_not_guessed_to_be_a_file_that_is_read_already(here: Path) -> None:
    write(here / "conf" / "site.yaml", "include: [side.yaml, sute.yaml]\n")
    write(here / "conf" / "side.yaml", "a: 1\n")
    assert [problem.remedy for problem in load(Path("conf")).problems] == ["correct the name, or create the file"]
    write(here / "conf" / "suite.yaml", "b: 1\n")
    assert [problem.remedy for problem in load(Path("conf")).problems] == ["did you mean conf/suite.yaml?"]


def test_an_included_device_or_pipe_is_refused_instead_of_read_for_ever(here: Path) -> None:
    os.mkfifo(here / "pipe.yaml")
    write(here / "site.yaml", "include: [/dev/zero, pipe.yaml]\na: 1\n")
    document = load(Path())
    assert [str(problem) for problem in document.problems] == [
        "site.yaml:1:11: error: /dev/zero is a pipe or a device, and no file [file-unreadable]; name a regular file",
        "site.yaml:1:22: error: pipe.yaml is a pipe or a device, and no file [file-unreadable]; name a regular file",
    ]
    assert document.tree == {"a": 1}
    assert [problem.says for problem in load(Path("/dev/zero")).problems] == [
        "/dev/zero is a pipe or a device, and no file"
    ]


def test_the_site_itself_may_come_through_a_pipe(here: Path) -> None:
    write(here / "b.yaml", "b: 2\n")
    os.mkfifo(here / "site.yaml")
    writer = threading.Thread(target=(here / "site.yaml").write_text, args=("include: [b.yaml]\na: 1\n",))
    writer.start()
    assert load(Path("./site.yaml")).tree == {"a": 1, "b": 2}
    writer.join()


def test_a_name_that_no_file_can_have_is_a_problem() -> None:
    (problem,) = load(Path("x" * 5000)).problems
    assert problem.id == "file-unreadable"
    assert problem.says.endswith("cannot be read: File name too long")


def test_a_directory_without_a_site_says_which_file_it_wants(here: Path) -> None:
    assert [problem.says for problem in load(here).problems] == ["there is no file site.yaml"]


def test_a_file_that_may_not_be_read_is_a_problem(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here / "site.yaml", "a: 1\n")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (problem,) = load(Path()).problems
    assert (problem.id, problem.says) == ("file-unreadable", "site.yaml may not be read")


def test_an_included_directory_is_a_problem_at_its_mark(here: Path) -> None:
    write(here / "site.yaml", "a: 1\ninclude: [d]\n")
    (here / "d").mkdir()
    (problem,) = load(Path()).problems
    assert (problem.id, problem.says) == ("file-unreadable", "d cannot be read: Is a directory")
    assert problem.mark == Mark("site.yaml", 2, 11)


@pytest.mark.parametrize(
    ("content", "line", "column", "byte"),
    [
        (b"\xff\xfea\0", 1, 1, "ff"),
        (b"a: 1\nb: caf\xe9\n", 2, 7, "e9"),
        ("ä: ü".encode() + b"\x80", 1, 5, "80"),
        (b"a: \xed\xa0\x80", 1, 4, "ed"),
    ],
)
def test_bytes_that_are_not_utf_8_are_told_by_line_and_column(
    here: Path, content: bytes, line: int, column: int, byte: str
) -> None:
    (here / "site.yaml").write_bytes(content)
    (problem,) = load(Path()).problems
    assert (problem.id, problem.says) == ("not-utf-8", f"the byte 0x{byte} is not UTF-8")
    assert problem.mark == Mark("site.yaml", line, column)


def test_links_are_followed_and_a_circle_of_folders_ends(here: Path) -> None:
    write(here / "site.yaml", "include: [d/a.yaml]\n")
    write(here / "a.yaml", "include: [d/a.yaml]\n")
    (here / "d").symlink_to(".")
    problems = load(Path()).problems
    assert problems
    assert {problem.id for problem in problems} <= {"include-cycle", "file-unreadable", "empty-file"}
