"""The values of mail in motion keep what they are given and say it as the wire and Courier's files do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.mail.envelope import Notify
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.reply import Reply


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_message_id_is_read_back_as_it_was_written(serial: int, time: int, pid: int) -> None:
    name = MessageId(serial, time, pid)
    assert MessageId.parse(str(name)) == name
    assert str(name).endswith(name.public)


@pytest.mark.parametrize("text", ["", "1.2.3", "0" * 42, "x" * 16 + "." + "0" * 16 + "." + "0" * 8])
def test_other_text_is_no_message_id(text: str) -> None:
    with pytest.raises(ValueError, match="is no message id"):
        MessageId.parse(text)


def test_a_reply_of_several_lines_marks_all_but_its_last() -> None:
    assert Reply.of(517, "Sender rejected\nSorry").encode() == b"517-Sender rejected\r\n517 Sorry\r\n"


def test_an_administrators_text_may_bring_its_own_code() -> None:
    assert Reply.coded("550 Please stop", 511) == Reply(550, ("Please stop",))
    assert Reply.coded("Please stop", 511) == Reply(511, ("Please stop",))
    assert Reply.coded("450-One\n450 Two", 511) == Reply(450, ("One", "Two"))


@pytest.mark.parametrize(
    ("words", "letters"), [("SFD", "SFD"), ("dfs", "SFD"), ("NS", "N"), ("", ""), ("xyz", ""), ("F", "F")]
)
def test_notification_is_judged_by_first_letters_and_never_wins(words: str, letters: str) -> None:
    assert Notify.of_letters(words).letters == letters
