"""Texts for channels of seven bits, and back."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import Message

from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.recode import to_eight_bits, to_seven_bits

HEADERS = b"Subject: x\nMime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
EIGHT = HEADERS + b"Content-Transfer-Encoding: 8bit\nX-Last: 1\n\nGr\xc3\xbc\xc3\x9fe\n"
SEVEN = HEADERS + b"Content-Transfer-Encoding: quoted-printable\nX-Last: 1\n\nGr=C3=BC=C3=9Fe\n"
MIXED = (
    b'Subject: x\nMime-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\nbefore\n--b\n\n\xc3\xbc\n'
    b"--b\nContent-Type: application/x-bytes\nContent-Transfer-Encoding: base64\n\n/w==\n--b--\n"
)


def parsed(text: bytes) -> Message:
    return message_from_bytes(text, policy=policy.compat32)


def test_eight_bits_become_seven_and_a_header_says_by_whom() -> None:
    mark = b"X-Mime-Autoconverted: from 8bit to quoted-printable by mx.example.org\n"
    assert to_seven_bits(EIGHT, "mx.example.org") == SEVEN.replace(b"X-Last: 1\n", b"X-Last: 1\n" + mark)


def test_seven_bits_become_eight_and_a_header_says_by_whom() -> None:
    mark = b"X-Mime-Autoconverted: from quoted-printable to 8bit by mx.example.org\n"
    assert to_eight_bits(SEVEN, "mx.example.org") == EIGHT.replace(b"X-Last: 1\n", b"X-Last: 1\n" + mark)


def test_what_is_as_it_should_be_is_not_touched() -> None:
    odd = b"Subject:   folded\n\tas it was\n\nFrom here on: plain.\n"
    for text in (SEVEN, odd):
        assert to_seven_bits(text, "mx.example.org") == text
    for text in (EIGHT, odd, MIXED):
        assert to_eight_bits(text, "mx.example.org") == text


def test_a_text_without_a_type_is_taken_for_utf8() -> None:
    converted = to_seven_bits(b"Subject: x\n\nGr\xc3\xbc\xc3\x9fe\n", "mx.example.org")
    assert converted.startswith(
        b"Subject: x\nMime-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        b"Content-Transfer-Encoding: quoted-printable\n"
    )


def test_each_part_is_recoded_for_itself() -> None:
    converted = to_seven_bits(MIXED, "mx.example.org")
    assert converted.isascii()
    first, second = (part for part in parsed(converted).walk() if not part.is_multipart())
    assert first["Content-Transfer-Encoding"] == "quoted-printable"
    assert second.get_payload() == "/w=="
    assert "X-Mime-Autoconverted" not in second


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300))
def test_no_text_is_lost_on_the_way_there_and_back(body: str) -> None:
    text = EIGHT.partition(b"\n\n")[0] + b"\n\n" + body.encode() + b"\n"
    back = to_eight_bits(to_seven_bits(text, "mx"), "mx")
    assert parsed(back).get_payload(decode=True) == parsed(text).get_payload(decode=True)
