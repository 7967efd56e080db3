"""Mail from inside: forwarded messages, notices and sendmail (seams.Intake)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from courier_runtime.mail.envelope import ByHeaders, Envelope, Notify, Recipient
from courier_runtime.mail.reply import Reply
from courier_runtime.seams import FilterSource, Refusal
from runtime.serving import Server, Stored, general, serve, site

TEXT = b"From: bob\nTo: alice, friend@remote.example\nBcc: carol@shop.example\nSubject: hi\n\nHello\n"


async def pieces(text: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


def submit(
    server: Server, envelope: Envelope, text: bytes = TEXT, comment: str = "", headers: tuple[bytes, ...] = ()
) -> Reply:
    return asyncio.run(server.intake.submit(envelope, pieces(text), comment, headers))


def submitted(directory: Path, envelope: Envelope, comment: str = "", headers: tuple[bytes, ...] = ()) -> Stored:
    server = Server(site(directory))
    assert general(submit(server, envelope, comment=comment, headers=headers).text) == "250 Ok. ID"
    return server.stored


def to(*addresses: str, sender: str = "bob", source: str = "local") -> Envelope:
    return Envelope(sender, tuple(map(Recipient, addresses)), source)


def test_named_recipients_leave_the_headers_alone_but_for_names(tmp_path: Path) -> None:
    stored = submitted(tmp_path, to("alice"))
    assert stored.envelopes[0].sender == "bob@example.com"
    assert [one.address for one in stored.envelopes[0].recipients] == ["alice@example.com"]
    assert stored.envelopes[0].origin == "dns; localhost (localhost [127.0.0.1])"
    assert stored.text.startswith(
        b"Received: from localhost (localhost [127.0.0.1])\n  by mx.example.com with local\n  id "
    )
    assert (
        b"From: bob@example.com\nTo: alice@example.com, friend@remote.example\nBcc: carol@shop.example\nSubject: hi\n"
        b"Message-ID: <courier."
    ) in stored.text
    assert stored.text.endswith(b"\n\nHello\n")


def test_without_recipients_they_come_from_the_headers_and_blind_copies_are_blind(tmp_path: Path) -> None:
    stored = submitted(tmp_path, to())
    addresses = [one.address for one in stored.envelopes[0].recipients]
    assert addresses == ["alice@example.com", "friend@remote.example", "carol@shop.example"]
    assert b"Bcc" not in stored.text


def test_recipients_of_the_headers_are_reported_on_as_the_sender_asked(tmp_path: Path) -> None:
    stored = submitted(tmp_path, Envelope("bob", (), by_headers=ByHeaders(Notify.SUCCESS)))
    assert {one.notify for one in stored.envelopes[0].recipients} == {Notify.SUCCESS}


def test_only_blind_copies_are_sent_where_only_they_are_asked_for(tmp_path: Path) -> None:
    stored = submitted(tmp_path, Envelope("bob", (), by_headers=ByHeaders(is_blind=True)))
    assert [one.address for one in stored.envelopes[0].recipients] == ["carol@shop.example"]
    assert b"To: alice@example.com, friend@remote.example\n" in stored.text
    assert b"Bcc" not in stored.text


def test_somebody_has_to_get_it(tmp_path: Path) -> None:
    server = Server(site(tmp_path))
    assert submit(server, to(), b"Subject: x\n\nbody\n").text == "511 Headers specify no receipients."
    assert server.shelf.stored == []
    assert server.shelf.aborted == 1


def test_unknown_users_are_taken_now_and_told_later(tmp_path: Path) -> None:
    assert submitted(tmp_path, to("nobody-at-all")).envelopes[0].recipients[0].address == "nobody-at-all@example.com"


def test_a_forwarded_message_says_so_in_its_trace(tmp_path: Path) -> None:
    stored = submitted(
        tmp_path, to("alice@example.com"), "forwarded by bob@example.com", (b"Delivered-To: bob@example.com\n",)
    )
    trace, _, rest = stored.text.partition(b"  id ")
    assert trace == (
        b"Received: from localhost (localhost [127.0.0.1])\n  (forwarded by bob@example.com)\n"
        b"  by mx.example.com with local\n"
    )
    assert rest.partition(b"\n")[2].startswith(b"Delivered-To: bob@example.com\nFrom: bob@example.com\n")


def test_aliases_are_expanded_for_mail_from_inside_too(tmp_path: Path) -> None:
    envelope = Envelope("bob@example.com", (Recipient("team", "", Notify.SUCCESS),))
    found = submitted(tmp_path, envelope).envelopes[0]
    assert [(one.address, one.notify) for one in found.recipients] == [
        ("alice@example.com", Notify.NEVER),
        ("bob@example.com", Notify.NEVER),
    ]
    assert found.delivered_to_alias == (Recipient("team@example.com", "", Notify.SUCCESS),)


@pytest.mark.parametrize(
    ("source", "module"),
    [
        ("local", "local"), ("uucp", "uucp"), ("fax", "fax"), ("smtp/dsn", "dsn"), ("authsmtp/dsn", "dsn"),
        ("local/dsn/dsn", "dsn"),
    ],
)  # fmt: skip
def test_the_aliases_of_the_module_that_mail_comes_from_go_before_those_of_all(
    tmp_path: Path, source: str, module: str
) -> None:
    tables = {
        f"aliases-{name}.dat": {"team@example.com": f"{name}@example.com\n"}
        for name in ("local", "uucp", "fax", "dsn", "esmtp")
    }
    server = Server(site(tmp_path, {}, tables))
    assert submit(server, to("team", source=source)).code == 250
    found = server.stored.envelopes[0]
    assert [(one.address, one.original) for one in found.recipients] == [(f"{module}@example.com", "team@example.com")]


@pytest.mark.parametrize("sender", ["", "#@[]"])
def test_return_addresses_of_notices_stay_what_they_are(tmp_path: Path, sender: str) -> None:
    stored = submitted(tmp_path, to("alice@example.com", sender=sender, source="smtp/dsn"))
    assert stored.envelopes[0].sender == sender
    assert b"  by mx.example.com with dsn\n" in stored.text


def test_a_message_that_is_too_long_is_refused(tmp_path: Path) -> None:
    server = Server(site(tmp_path, {"sizelimit": "500\n"}))
    reply = submit(server, to("alice"), TEXT + b"x\n" * 500)
    assert reply.code == 523
    assert server.shelf.stored == []


def test_a_full_spool_is_a_reply_and_no_exception(tmp_path: Path) -> None:
    server = Server(site(tmp_path))
    server.shelf.is_full = True
    assert submit(server, to("alice")).text == "431 Mail system full."
    server.shelf.free = (0, 0)
    assert submit(server, to("alice")).text == "431 Mail system full."


def test_bad_paths_are_refused_at_once(tmp_path: Path) -> None:
    server = Server(site(tmp_path))
    assert submit(server, to("5551234@fax")).text == "550 Invalid fax phone number"


# ---- filters ------------------------------------------------------------------------------------------------------


class Judge:
    """A filter with a verdict; remembers what it saw."""

    def __init__(self, verdict: Refusal | None) -> None:
        self.verdict = verdict
        self.seen: list[tuple[Envelope, bytes]] = []

    async def inspect(self, message: FilterSource) -> Refusal | None:
        self.seen.append((message.envelope, b"".join(message.text.chunks())))
        return self.verdict


def mailed(directory: Path, *judges: Judge, files: dict[str, str]) -> tuple[Server, str]:
    """A message to two recipients and the last reply."""
    server = Server(site(directory, files), filters=judges)
    replies: list[str] = []

    async def talk(server: Server) -> None:
        client = await server.greeted()
        replies.append(await client.mail(b"Subject: hi\r\n\r\nHello\r\n", "alice@example.com", "bob@example.com"))

    serve(server, talk)
    return server, general(replies[0])


FILTERED = {"enablefiltering": "esmtp\n"}
NO = Refusal(Reply.of(550, "text from the filter"))
NOT_BOB = Refusal(Reply.of(550, "text from the filter"), frozenset({1}))


def test_filters_see_the_message_as_it_will_be_kept(tmp_path: Path) -> None:
    judge = Judge(None)
    server, reply = mailed(tmp_path, judge, files=FILTERED)
    assert reply == "250 Ok. ID"
    ((envelope, text),) = judge.seen
    assert (envelope, text) == (server.stored.envelopes[0], server.stored.text)


def test_a_filter_refuses_the_whole_message(tmp_path: Path) -> None:
    after = Judge(None)
    server, reply = mailed(tmp_path, Judge(NO), after, files=FILTERED)
    assert reply == "550 text from the filter"
    assert server.shelf.stored == []
    assert after.seen == []


def test_a_filter_that_judges_recipients_differently_is_answered_for_each(tmp_path: Path) -> None:
    server, reply = mailed(tmp_path, Judge(NOT_BOB), files=FILTERED)
    assert reply == "558-250 Ok. ID\n558-550-bob:\n558 550 text from the filter"
    assert [one.address for one in server.stored.envelopes[0].recipients] == ["alice@example.com"]


def test_filters_of_recipients_that_refuse_for_one_reason_are_answered_for_each_all_the_same(tmp_path: Path) -> None:
    everybody = Refusal(Reply.of(550, "text from the filter"), frozenset({0, 1}))
    server, reply = mailed(tmp_path, Judge(everybody), files=FILTERED)
    assert reply == ("558-550-alice:\n558-550 text from the filter\n558-550-bob:\n558 550 text from the filter")
    assert server.shelf.stored == []


def test_the_only_recipient_has_an_answer_inside_the_answer_as_well(tmp_path: Path) -> None:
    not_him = Refusal(Reply.of(550, "this not\nnor that"), frozenset({0}))
    server = Server(site(tmp_path, FILTERED), filters=[Judge(not_him)])
    replies: list[str] = []

    async def talk(server: Server) -> None:
        client = await server.greeted()
        replies.append(await client.mail(b"Subject: hi\r\n\r\nHello\r\n", "bob@example.com"))

    serve(server, talk)
    assert replies == ["558-550-bob:\n558-550-this not\n558 550 nor that"]
    assert server.shelf.stored == []


def test_filters_that_refuse_everybody_for_several_reasons_name_them_all(tmp_path: Path) -> None:
    not_alice = Refusal(Reply.of(550, "other text"), frozenset({0}))
    server, reply = mailed(tmp_path, Judge(NOT_BOB), Judge(not_alice), files=FILTERED)
    assert reply == "558-550-alice:\n558-550 other text\n558-550-bob:\n558 550 text from the filter"
    assert server.shelf.stored == []


def test_a_list_is_served_as_long_as_one_member_is(tmp_path: Path) -> None:
    server = Server(site(tmp_path, FILTERED), filters=[Judge(NOT_BOB)])
    replies: list[str] = []

    async def talk(server: Server) -> None:
        client = await server.greeted()
        replies.append(await client.mail(b"Subject: hi\r\n\r\nHello\r\n", "team@example.com"))

    serve(server, talk)
    assert general(replies[0]) == "558 250 Ok. ID"
    assert [one.address for one in server.stored.envelopes[0].recipients] == ["alice@example.com"]


def test_a_source_that_is_not_listed_is_not_filtered(tmp_path: Path) -> None:
    judge = Judge(NO)
    assert mailed(tmp_path, judge, files={"enablefiltering": "local\n"})[1] == "250 Ok. ID"
    assert judge.seen == []


@pytest.mark.parametrize(
    ("files", "headers"),
    [
        ({}, b"From: john\nTo: mx!alice, dom.tld!x, bob, q@apple\nCc: mx!gate!z, apple!w\n"),
        (
            {"uucprewriteheaders": ""},
            b"From: john@example.com\nTo: alice@example.com, x@dom.tld, bob@example.com, q@apple\n"
            b"Cc: gate!z, apple!w\n",
        ),
    ],
    ids=["left alone", "rewritten"],
)
def test_headers_of_a_neighbour_are_rewritten_only_where_that_is_asked_for(
    files: dict[str, str], headers: bytes, tmp_path: Path
) -> None:
    server = Server(site(tmp_path, files, {"uucpneighbors.dat": {"apple": "", "gate": "G"}}))
    said = b"From: john\nTo: mx!alice, dom.tld!x, bob, q@apple\nCc: mx!gate!z, apple!w\n\nHello\n"
    assert submit(server, to("alice", sender="john@apple", source="uucp"), said).code == 250
    assert headers in server.stored.text
