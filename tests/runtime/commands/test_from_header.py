"""What sendmail makes of the From header: its names and addresses are those of the real Courier 1.0.16 (mta.md 1.5)."""

from __future__ import annotations

import os
import pwd

import pytest

from courier_runtime.commands.sendmail import completed, parse

OF_ENVIRONMENT = ("MAILSUSER", "MAILUSER", "MAILSHOST", "MAILHOST", "MAILNAME", "NAME", "LOGNAME", "USER")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        pwd, "getpwuid", lambda _: pwd.struct_passwd(("tester", "x", 1, 1, "Test P. Person,,", "/", ""))
    )


def from_header(*words: str, text: bytes = b"To: x\n\n") -> str:
    lines = completed(text, parse(list(words))).decode().split("\n")
    assert lines[0] == "To: x"
    return lines[1]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Some Body", "Some Body"),
        ("J. Doe", '"J. Doe"'),
        ("Müller", "Müller"),
        ('a "b" c', r'"a \"b\" c"'),
        ("a\\b", r'"a\\b"'),
        ("o'b-c_d", "o'b-c_d"),
        ("a=b", '"a=b"'),
        ("(c)", '"(c)"'),
    ],
)
def test_a_name_is_quoted_where_it_must_be(name: str, written: str) -> None:
    assert from_header("-F", name) == f"From: {written} <tester>"


def test_the_account_names_who_does_not_say() -> None:
    assert from_header() == 'From: "Test P. Person" <tester>'


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({"MAILNAME": "mn", "NAME": "n"}, "mn <tester>"),
        ({"NAME": "n"}, "n <tester>"),
        ({"LOGNAME": "log", "USER": "us"}, '"Test P. Person" <log>'),
        ({"MAILUSER": "mu", "LOGNAME": "log"}, '"Test P. Person" <mu>'),
        ({"MAILHOST": "mh.example"}, '"Test P. Person" <tester@mh.example>'),
        ({"MAILSUSER": "su", "MAILSHOST": "sh.example"}, '"Test P. Person" <tester>'),
    ],
)
def test_the_environment_names_the_author_but_the_sender_of_the_envelope_does_not(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], written: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name, value)
    assert from_header("-f", "joe@x.example") == f"From: {written}"


@pytest.mark.parametrize(
    ("environment", "header", "written"),
    [
        ({}, "a b <c@d.example>", "a b <c@d.example>"),
        ({"NAME": "n n"}, "a b <c@d.example>", "n n <c@d.example>"),
        ({"NAME": "n n"}, "c@d.example (a b)", "n n <c@d.example>"),
        ({"NAME": "n n"}, '"a b"\n  <c@d.example>', "n n <c@d.example>"),
        ({"NAME": "n n"}, "c", "n n <c>"),
        ({"MAILUSER": "mu"}, "a b <c@d.example>", "a b <mu@d.example>"),
        ({"MAILHOST": "mh.example"}, "a b <c@d.example>", "a b <c@mh.example>"),
        ({"LOGNAME": "log"}, "a b <c@d.example>", "a b <c@d.example>"),
    ],
)
def test_an_author_in_the_headers_is_renamed_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], header: str, written: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setitem(os.environ, name, value)
    text = f"To: x\nFrom: {header}\nSubject: s\n\nbody\n".encode()
    assert completed(text, parse([])).decode() == f"To: x\nFrom: {written}\nSubject: s\n\nbody\n"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("anna@example.org, bob@other.example", " anna@example.org"),
        ("A <a@b.example>, b@c.example", " A <a@b.example>"),
        ("anna\n , bob", " anna"),
        ("a b c", " a"),
        ('"A, B" <a@b.example>, d@e.example', ' "A, B" <a@b.example>'),
        ("a@b.example; d@e.example", " a@b.example"),
        ("a@b.example (x)", " a@b.example (x)"),
        ("A <a@b.example> (x)", " A <a@b.example>"),
        ("grp: a@b.example, d@e.example;", " tester"),
        ("undisclosed:;", " tester"),
        ("(only comment)", " tester"),
        ("<>", ""),
        ("anna (a) (b)", " anna (b)"),
        ("a@b.example,", " a@b.example"),
        (", a@b.example", " a@b.example"),
        ("", ' "Test P. Person" <tester>'),
        ("A B <>", " A B <>"),
        ("a@b.example\nfrom: c@d.example", " a@b.example"),
    ],
)
def test_one_author_is_left_of_several(said: str, written: str) -> None:
    text = f"To: x\nFrom: {said}\nSubject: s\n\nbody\n".encode()
    assert completed(text, parse([])).decode() == f"To: x\nFrom:{written}\nSubject: s\n\nbody\n"


@pytest.mark.parametrize(
    ("said", "written"),
    [("a@b.example, d@e.example", "n n <a@b.example>"), ("grp: a@b.example;", "n n <tester>"), ("<>", "n n <>")],
)
def test_the_one_that_is_left_is_renamed(monkeypatch: pytest.MonkeyPatch, said: str, written: str) -> None:
    monkeypatch.setitem(os.environ, "NAME", "n n")
    assert completed(f"From: {said}\n\n".encode(), parse([])).decode() == f"From: {written}\n\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (b"", "From: {AUTHOR}\n\n"),
        (b"\n", "From: {AUTHOR}\n\n"),
        (b"\nbody", "From: {AUTHOR}\n\nbody\n"),
        (b"To: x", "To: x\nFrom: {AUTHOR}\n\n"),
        (b"To: x\n", "To: x\nFrom: {AUTHOR}\n\n"),
        (b"To: x\r\n\r\nhi", "To: x\nFrom: {AUTHOR}\n\nhi\n"),
        (b"From: y\n\nhi", "From: y\n\nhi\n"),
    ],
)
def test_headers_and_body_stay_apart_and_the_last_line_ends(text: bytes, written: str) -> None:
    author = '"Test P. Person" <tester>'
    assert completed(text, parse([])).decode() == written.format(AUTHOR=author)
