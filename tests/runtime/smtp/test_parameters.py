"""MAIL and RCPT: the path between the brackets, and what may follow it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.intake.parameters import LARGEST, MailParameters, RcptParameters
from courier_runtime.mail.envelope import Notify
from courier_runtime.mail.xtext import xtext
from courier_runtime.smtp.parameters import parse_mail, parse_path, parse_rcpt


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        (" FROM:<a@example.com>", "a@example.com"),
        (" FROM: <a@example.com>", "a@example.com"),
        (" FROM:< a@example.com >", "a@example.com"),
        (" anything at all:<a@example.com>", "a@example.com"),
        (":<a@example.com>", "a@example.com"),
        (" FROM:<>", ""),
        (' FROM:<"a>b"@example.com>', '"a>b"@example.com'),
        (" TO:<<a@example.com>>", "<a@example.com"),
        (" TO:<@relay.example:a@example.com>", "@relay.example:a@example.com"),
    ],
)
def test_a_path_stands_between_brackets(argument: str, path: str) -> None:
    found = parse_path(argument)
    assert found is not None
    assert found[0] == path


@pytest.mark.parametrize(
    "argument", [" FROM:a@example.com", " FROM:<a@example.com", " FROM:", "", " <a@example.com>", ' TO:<"a@b.example>']
)
def test_anything_else_is_a_syntax_error(argument: str) -> None:
    assert parse_path(argument) is None


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", MailParameters()),
        (" SIZE=1000", MailParameters(size=1000)),
        (" size=12x", MailParameters(size=12)),
        (" SIZE=99999999999999999999", MailParameters(size=LARGEST)),
        (" RET=FULL", MailParameters(returns="full")),
        (" RET=hdrs", MailParameters(returns="headers")),
        (" RET=x", MailParameters()),
        (" ENVID=QQ+2B1", MailParameters(envelope_id="QQ+2B1")),
        (" ENVID=a\x01b", MailParameters()),
        (" VERP", MailParameters(verp=True)),
        (" SECURITY=STARTTLS", MailParameters(security="starttls")),
        (" SECURITY=NONE", MailParameters(security="none")),
        (" SMTPUTF8", MailParameters(smtputf8=True)),
        (" BODY=8BITMIME AUTH=<> EXDATA FOO=bar", MailParameters()),
    ],
)
def test_parameters_of_mail(text: str, parameters: MailParameters) -> None:
    assert parse_mail(text) == parameters


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("", RcptParameters()),
        (" NOTIFY=SUCCESS,DELAY", RcptParameters(Notify.SUCCESS | Notify.DELAY)),
        (" NOTIFY=f", RcptParameters(Notify.FAILURE)),
        (" NOTIFY=SUCCESS,NEVER", RcptParameters(Notify.NEVER)),
        (" ORCPT=rfc822;b+2Bx@example.com", RcptParameters(original="b+x@example.com")),
        (" ORCPT=nonsense", RcptParameters()),
        (" ORCPT=rfc822;a+0AX-Injected:+20yes", RcptParameters()),
        (" UNKNOWN=1", RcptParameters()),
    ],
)
def test_parameters_of_rcpt(text: str, parameters: RcptParameters) -> None:
    assert parse_rcpt(text) == parameters


def test_a_limit_of_zero_allows_any_size_that_is_a_number() -> None:
    assert not MailParameters(size=10**15).exceeds(0)
    assert MailParameters(size=LARGEST).exceeds(0)


@pytest.mark.parametrize(("size", "is_too_big"), [(1000, False), (1001, True)])
def test_a_limit_may_be_reached_but_not_exceeded(size: int, is_too_big: bool) -> None:
    assert MailParameters(size=size).exceeds(1000) is is_too_big


@given(st.text())
def test_every_line_has_a_reading(text: str) -> None:
    parse_path(text)
    assert parse_mail(text).size >= 0
    parse_rcpt(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])))
def test_xtext_is_decoded(text: str) -> None:
    encoded = "".join(
        chr(byte) if 33 <= byte <= 126 and byte not in b"+=" else f"+{byte:02X}" for byte in text.encode()
    )
    assert xtext(encoded) == text
