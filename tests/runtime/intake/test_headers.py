"""Headers are completed and corrected, and nothing else about them changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.intake.headers import Habits, complete, count_fields, rework
from courier_runtime.mail.address_lines import Style

ADDED = b"Message-ID: <courier.X@mx>\nDate: D\nTo: undisclosed-recipients: ;\n"


USUAL = Habits()


def finished(block: bytes, habits: Habits = USUAL) -> bytes:
    return complete(rework(block, habits), habits, "courier.X@mx", "D")


def test_what_is_missing_is_added_at_the_end() -> None:
    assert finished(b"Subject: x\n") == b"Subject: x\n" + ADDED


@pytest.mark.parametrize("present", [b"To: a@b.c\n", b"CC: a@b.c\n", b"to:\n"])
def test_any_addressee_is_enough(present: bytes) -> None:
    assert b"undisclosed" not in finished(present)


def test_nothing_is_added_that_is_there_in_any_case_of_letters() -> None:
    block = b"MESSAGE-id: 1\ndate: 2\nto: a@b.c\n"
    assert finished(block) == block.replace(b"to:", b"to:")


def test_date_and_message_id_are_added_only_where_wanted() -> None:
    assert finished(b"To: a@b.c\n", Habits(adds_date=False, adds_id=False)) == b"To: a@b.c\n"


def test_a_return_path_is_put_aside() -> None:
    assert finished(b"Return-Path: <x>\nTo: a@b.c\nDate: 1\nMessage-ID: 2\n").startswith(b"Old-Return-Path: <x>\n")


@pytest.mark.parametrize(
    ("renames", "name"), [(True, b"Old-Authentication-Results"), (False, b"Authentication-Results")]
)
def test_results_of_others_are_put_aside_on_demand(renames: bool, name: bytes) -> None:
    found = rework(b"Authentication-Results: mx.example.net;\n  dkim=pass\n", Habits(renames_results=renames))
    assert found.text == name + b": mx.example.net;\n  dkim=pass\n"


def test_only_address_fields_are_printed_anew_and_resent_ones_are_not() -> None:
    block = (
        b"From:   a@b.c\nTo:a@b.c\nCc:   a@b.c\nReply-To:   a@b.c\nSender:   a@b.c\n"
        b"Resent-To:   a@b.c\nX-To:   a@b.c\nBcc:   a@b.c\nFrom :   a@b.c\nSubject:   many   blanks\n"
    )
    assert rework(block, Habits()).text == (
        b"From: a@b.c\nTo: a@b.c\nCc: a@b.c\nReply-To: a@b.c\nSender: a@b.c\n"
        b"Resent-To:   a@b.c\nX-To:   a@b.c\nBcc:   a@b.c\nFrom :   a@b.c\nSubject:   many   blanks\n"
    )


@pytest.mark.parametrize(
    ("rewriting", "block", "printed"),
    [
        (1, b"From:a@b.c\n", b"From:a@b.c\n"),
        (2, b"From:a@b.c\n", b"From: a@b.c\n"),
        (2, b"DKIM-Signature: v=1\nFrom:a@b.c\n", b"DKIM-Signature: v=1\nFrom:a@b.c\n"),
        (2, b"From:a@b.c\nDKIM-Signature: v=1\n", b"From: a@b.c\nDKIM-Signature: v=1\n"),
        (0, b"DKIM-Signature: v=1\nFrom:a@b.c\n", b"DKIM-Signature: v=1\nFrom: a@b.c\n"),
    ],
)
def test_signed_headers_may_be_left_alone(rewriting: int, block: bytes, printed: bytes) -> None:
    assert rework(block, Habits(rewriting)).text == printed


def test_recipients_are_read_and_blind_ones_taken_out() -> None:
    habits = Habits(style=Style(b"example.org"), removes_bcc=True)
    found = rework(b"To: a, b@c.d\nBcc: e,\n f\nCc: g\nX: y\n", habits, wants_recipients=True)
    assert found.recipients == [b"a@example.org", b"b@c.d", b"e@example.org", b"f@example.org", b"g@example.org"]
    assert found.text == b"To: a@example.org, b@c.d\nCc: g@example.org\nX: y\n"


def test_trace_headers_are_counted() -> None:
    assert rework(b"Received: 1\nX: y\n received: no\nRECEIVED: 2\n", Habits()).received == 2


def test_lines_that_continue_a_field_do_not_count() -> None:
    assert count_fields(b"A: b\n c\n\td\nE: f\n") == 2


@given(st.lists(st.sampled_from([b"X-A: b\n", b" folded\n", b"no header\n", b"Subject: \xff\n", b"Receive: x\n"])))
def test_other_fields_pass_untouched(lines: list[bytes]) -> None:
    block = b"".join(lines)
    assert rework(block, Habits()).text == block
