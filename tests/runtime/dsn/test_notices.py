"""Who is told what became of a message, and how the notice reads to people and to programs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from courier_runtime.dsn.decide import DOUBLE_BOUNCE, decide
from courier_runtime.dsn.notifier import ReportingNotifier
from courier_runtime.mail.envelope import Envelope, Notify, Recipient
from courier_runtime.mail.ids import MessageId
from courier_runtime.mail.outcome import Deferred, Delivered, Dialogue, Failed, Outcome, Relayed
from courier_runtime.mail.reply import Reply
from courier_runtime.observe.log import ListLog
from courier_runtime.seams import Occasion, Progress, Queued, State
from courier_runtime.snapshot.model import Snapshot
from runtime.messages import TEXT, Kept, RecordingIntake
from runtime.trees import snapshot_of

REFUSED = Dialogue("[127.0.0.10] [127.0.0.10]", sent=("DATA",), replies=("550 a rejected",), is_smtp=True)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    return snapshot_of(tmp_path, {"courierd": "DSNTOAUTHADDR=0\n"})


def queued(*fates: tuple[Recipient, State, Outcome | None], text: bytes = TEXT, **envelope: object) -> Queued:
    made = Envelope("alice@example.com", tuple(fate[0] for fate in fates), origin="dns; cli (mx [::1])", source="smtp")
    return Queued(
        id=MessageId(1, 2, 3),
        envelope=replace(made, **envelope),  # type: ignore[arg-type] # the keywords are the envelope's own
        arrived=1_800_000_000.0,
        expires=1_800_604_800.0,
        fax_expires=0.0,
        warns=0.0,
        size=len(text),
        progress=tuple(Progress(state, outcome) for _, state, outcome in fates),
        text=Kept(text),
    )


def failed(notify: Notify = Notify.UNSAID) -> tuple[Recipient, State, Outcome]:
    return Recipient("joe@example.org", "list@example.com", notify), State.FAILED, Failed(REFUSED)


def delivered(notify: Notify) -> tuple[Recipient, State, Outcome]:
    return Recipient("bob@example.com", notify=notify), State.DONE, Delivered()


def send(message: Queued, snapshot: Snapshot, occasion: Occasion = "final") -> tuple[Envelope, EmailMessage]:
    intake = RecordingIntake()
    notifier = ReportingNotifier(intake=intake, snapshot=lambda: snapshot, log=ListLog())
    assert asyncio.run(notifier.report(message, occasion))
    ((envelope, text),) = intake.taken
    parsed = message_from_bytes(text, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return envelope, parsed


@pytest.mark.parametrize(
    ("notify", "is_told"),
    [(Notify.UNSAID, True), (Notify.FAILURE, True), (Notify.NEVER, False), (Notify.SUCCESS, False)],
)
def test_failures_are_told_unless_the_sender_asked_for_something_else(
    notify: Notify, is_told: bool, snapshot: Snapshot
) -> None:
    assert (decide(queued(failed(notify)), "final", snapshot) is not None) == is_told


def test_a_notice_sets_out_at_once_whatever_the_delay_of_other_mail(snapshot: Snapshot) -> None:
    envelope, _ = send(queued(failed()), snapshot)
    assert envelope.submit_delay == 0.0


def test_receipts_are_for_those_who_ask_and_only_where_nobody_else_sends_them(snapshot: Snapshot) -> None:
    far = (Recipient("far@example.net", notify=Notify.SUCCESS), State.DONE, Relayed(reports=True))
    near = (Recipient("near@example.net", notify=Notify.SUCCESS), State.DONE, Relayed(reports=False))
    notice = decide(queued(delivered(Notify.SUCCESS), delivered(Notify.UNSAID), far, near), "final", snapshot)
    assert notice is not None
    assert [(fate.recipient.address, fate.action) for fate in notice.fates] == [
        ("bob@example.com", "delivered"),
        ("near@example.net", "relayed"),
    ]
    assert not notice.returns_whole


def test_an_alias_of_several_targets_counts_as_relayed(snapshot: Snapshot) -> None:
    alias = Recipient("team@example.com", notify=Notify.SUCCESS)
    notice = decide(queued(delivered(Notify.NEVER), delivered_to_alias=(alias,)), "final", snapshot)
    assert notice is not None
    assert [(fate.recipient, fate.action) for fate in notice.fates] == [(alias, "relayed")]


def test_a_failed_notice_goes_to_the_postmaster_whole_and_ends_there(snapshot: Snapshot) -> None:
    large = TEXT + b"x" * 100_000
    notice = decide(queued(failed(), sender="", text=large), "final", snapshot)
    assert notice is not None
    assert (notice.to, notice.sender, notice.returns_whole) == ("postmaster", DOUBLE_BOUNCE, True)
    assert decide(queued(failed(), sender=DOUBLE_BOUNCE), "final", snapshot) is None


def test_a_notice_about_a_notice_says_so_and_asks_for_nothing(snapshot: Snapshot) -> None:
    envelope, _ = send(queued(failed(), sender="", source="smtp/dsn"), snapshot)
    assert (envelope.sender, envelope.source) == (DOUBLE_BOUNCE, "smtp/dsn/dsn")
    assert [(one.address, one.notify) for one in envelope.recipients] == [("postmaster", Notify.UNSAID)]


def test_nobody_gets_a_receipt_for_a_notice(snapshot: Snapshot) -> None:
    assert decide(queued(delivered(Notify.SUCCESS), sender=""), "final", snapshot) is None


@pytest.mark.parametrize(
    ("returns", "size", "is_whole"),
    [("", 100, True), ("full", 100, True), ("headers", 100, False), ("", 40_000, False)],
)
def test_the_message_comes_back_whole_while_it_is_small_and_nobody_wants_headers_only(
    returns: str, size: int, is_whole: bool, snapshot: Snapshot
) -> None:
    notice = decide(queued(failed(), text=b"x" * size, returns=returns), "final", snapshot)
    assert notice is not None
    assert notice.returns_whole == is_whole


@pytest.mark.parametrize(
    ("setting", "to"),
    [("DSNTOAUTHADDR=0\n", "alice@example.com"), ("DSNTOAUTHADDR=1\n", "login@example.com"), ("", "login@example.com")],
)
def test_notices_go_to_the_login_unless_that_is_switched_off(setting: str, to: str, tmp_path: Path) -> None:
    snapshot = snapshot_of(tmp_path, {"courierd": setting})
    notice = decide(queued(failed(), login="login@example.com"), "final", snapshot)
    assert notice is not None
    assert notice.to == to


def test_an_envelope_id_that_would_break_the_header_stays_encoded(snapshot: Snapshot) -> None:
    _, notice = send(queued(failed(), envelope_id="x+0AAction:+20delivered"), snapshot)
    _, facts, _ = notice.iter_parts()
    about, _ = facts.iter_parts()
    assert about["Original-Envelope-Id"] == "x+0AAction:+20delivered"


def test_a_failure_notice_is_a_report_of_three_parts(snapshot: Snapshot) -> None:
    envelope, notice = send(queued(failed(), envelope_id="QQ+2B1"), snapshot)

    assert (envelope.sender, envelope.source) == ("", "smtp/dsn")
    assert [recipient.address for recipient in envelope.recipients] == ["alice@example.com"]
    assert "Courier mail server at mx.example.com" in notice["From"]
    assert notice["Subject"] == "NOTICE: mail delivery status."
    assert notice.get_content_type() == "multipart/report"
    words, facts, returned = notice.iter_parts()
    assert "<list@example.com>:\n     [127.0.0.10] [127.0.0.10]:\n >>> DATA\n <<< 550 a rejected\n" in str(
        words.get_content()
    )
    about, recipient = facts.iter_parts()
    assert dict(about.items()) == {
        "Reporting-MTA": "dns; mx.example.com",
        "Arrival-Date": about["Arrival-Date"],
        "Original-Envelope-Id": "QQ+1",
        "Received-From-MTA": "dns; cli (mx [::1])",
    }
    assert dict(recipient.items()) == {
        "Final-Recipient": "rfc822; joe@example.org",
        "Action": "failed",
        "Original-Recipient": "rfc822; list@example.com",
        "Status": "5.0.0",
        "Remote-MTA": "dns; [127.0.0.10] [127.0.0.10]",
        "Diagnostic-Code": "smtp; 550 a rejected",
    }
    assert returned.get_content_type() == "message/rfc822"
    assert "Subject: Hello\n\nBody\n" in returned.as_string()


def test_a_delay_notice_says_until_when_and_brings_headers_only(snapshot: Snapshot) -> None:
    waiting = (Recipient("joe@example.org"), State.PENDING, Deferred(Dialogue(network_error="Connection refused")))
    message = queued(waiting, delivered(Notify.SUCCESS))
    _, notice = send(message, snapshot, "delay")
    assert notice["Subject"] == "WARNING: delayed mail."
    _, facts, returned = notice.iter_parts()
    _, recipient = facts.iter_parts()
    assert recipient["Action"] == "delayed"
    assert recipient["Status"] == "4.0.0"
    assert recipient["X-Network-Error"] == "Connection refused"
    assert recipient["Will-Retry-Until"]
    assert recipient["Diagnostic-Code"] is None
    assert "Body" not in str(returned.get_payload())
    assert "Subject: Hello" in str(returned.get_payload())


def test_the_boundary_does_not_occur_in_what_is_returned(snapshot: Snapshot) -> None:
    hostile = TEXT + b"--=_courier_0\n--=_courier_1--\n"
    _, notice = send(queued(failed(), text=hostile), snapshot)
    assert notice.get_boundary() == "=_courier_2"
    assert len(list(notice.iter_parts())) == 3


def test_addresses_beyond_ascii_make_the_facts_global(snapshot: Snapshot) -> None:
    fate = (Recipient("jürgen@example.org"), State.FAILED, Failed(REFUSED))
    _, notice = send(queued(fate), snapshot)
    assert [part.get_content_type() for part in notice.iter_parts()][1] == "message/global-delivery-status"


def test_bytes_beyond_ascii_are_told_of_where_they_are(snapshot: Snapshot) -> None:
    message = queued(failed(), text=b"Subject: \xc3\xa4\n\n\xc3\xa4\n", eight_bit=True)
    _, report = send(message, snapshot)
    words, facts, returned = (part for part in report.iter_parts())
    assert report["Content-Transfer-Encoding"] == "8bit"
    assert (words["Content-Transfer-Encoding"], facts["Content-Transfer-Encoding"]) == ("7bit", "7bit")
    assert (returned.get_content_type(), returned["Content-Transfer-Encoding"]) == ("message/global", "8bit")


@pytest.mark.parametrize("replies", [("one", "two"), ("one\ntwo",)])
def test_what_a_local_program_said_is_quoted_as_a_server_is(replies: tuple[str, ...], snapshot: Snapshot) -> None:
    outcome = Failed(Dialogue(replies=replies))
    _, report = send(queued((Recipient("joe@example.com"), State.FAILED, outcome)), snapshot)
    words = next(iter(report.iter_parts())).get_content()
    assert "<joe@example.com>:\n <<< one\n <<< two\n" in words


def test_a_notice_that_cannot_be_queued_now_is_tried_again(snapshot: Snapshot) -> None:
    def report(reply: Reply) -> bool:
        notifier = ReportingNotifier(intake=RecordingIntake(reply), snapshot=lambda: snapshot, log=ListLog())
        return asyncio.run(notifier.report(queued(failed()), "final"))

    assert not report(Reply.of(431, "Mail system full."))
    assert report(Reply.of(550, "Spam refused."))
