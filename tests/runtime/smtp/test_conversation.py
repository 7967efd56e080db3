"""The conversation, verb by verb, as the real server holds it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from courier_runtime.intake.trace import date
from courier_runtime.observe.clock import FrozenClock
from runtime.serving import Client, Server, Stored, general, serve, site

COMMAND_ERROR = "502 ESMTP command error"
SYNTAX_ERROR = "554 Syntax error - your mail software violates RFC 821."
DATE = date(int(FrozenClock().now())).encode()
TEXT = b"From: ann@remote.example\r\nTo: alice@example.com\r\nSubject: hi\r\n\r\nHello\r\n"


async def hold(client: Client, *exchange: tuple[str | bytes, str]) -> None:
    """Say each line and compare the reply."""
    for line, reply in exchange:
        assert general(await client.say(line)) == reply, line


def converse(directory: Path, *exchange: tuple[str | bytes, str], greeted: bool = True, **variables: str) -> Server:
    """A whole session against a fresh server."""
    server = Server(site(directory, **variables))

    async def talk(server: Server) -> None:
        await hold(await (server.greeted() if greeted else server.connect()), *exchange)

    serve(server, talk)
    return server


def test_the_banner_names_the_server(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        assert await client.reply() == "220 mx.example.com ESMTP"

    serve(Server(site(tmp_path)), talk)


def test_a_greeting_of_several_lines_is_one_reply(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        assert await client.reply() == "220-mx.example.com at your service\n220 No soliciting"

    serve(Server(site(tmp_path, {"esmtpgreeting": "mx.example.com at your service\nNo soliciting\n"})), talk)


def test_ehlo_lists_what_the_server_can_do(tmp_path: Path) -> None:
    converse(
        tmp_path,
        (
            "EHLO cli.example",
            "250-mx.example.com Ok.\n250-XVERP=Courier\n250-XEXDATA\n250-XSECURITY=NONE,STARTTLS\n"
            "250-PIPELINING\n250-8BITMIME\n250-SMTPUTF8\n250-SIZE\n250 DSN",
        ),
        greeted=False,
    )


def test_helo_lists_nothing(tmp_path: Path) -> None:
    converse(tmp_path, ("HELO cli.example", "250 mx.example.com Ok."), greeted=False)


@pytest.mark.parametrize("line", ["NOOP", "noop", "NOOP with anything", "NoOp:x", "NOOPX", b"NOOP\0hidden\r\n"])
def test_noop_takes_anything(tmp_path: Path, line: str | bytes) -> None:
    converse(tmp_path, (line, "250 Ok"))


@pytest.mark.parametrize(
    "line",
    [
        "HELP", "ETRN example.com", "FOO", "", " ", "HELO", "EHLO", "RSET x", "QUIT now", "DATA", "BDAT 10 LAST",
        "RCPT TO:<alice@example.com>", "VRFY", "EXPN", "AUTH", "STARTTLS now", "MAIL <ann@remote.example>", "MAIL",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_a_command_error(tmp_path: Path, line: str) -> None:
    converse(tmp_path, (line, COMMAND_ERROR), ("NOOP", "250 Ok"))


def test_mail_needs_a_greeting_first(tmp_path: Path) -> None:
    converse(tmp_path, ("MAIL FROM:<a@b.example>", "502 Polite people say HELO first"), greeted=False)


def test_a_transaction_has_one_sender(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("MAIL FROM:<ann@remote.example>", COMMAND_ERROR),
        ("RSET", "250 Ok"),
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
    )


def test_data_needs_a_recipient_that_was_accepted(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("DATA", COMMAND_ERROR),
        ("RCPT TO:<nobody@example.com>", "550 User <nobody> unknown"),
        ("DATA", COMMAND_ERROR),
    )


@pytest.mark.parametrize("line", ["MAIL FROM:ann@remote.example", "MAIL FROM:<ann@remote.example", "MAIL FROM:"])
def test_addresses_stand_in_brackets(tmp_path: Path, line: str) -> None:
    converse(tmp_path, (line, SYNTAX_ERROR))


def test_anything_may_stand_for_from_and_to(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("mail x y z: <ann@remote.example>trailing", "250 Ok."),
        ("rcpt whom: < alice@example.com >", "250 Ok."),
    )


def test_a_message_is_accepted_under_its_name(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("RCPT TO:<alice@example.com>", "250 Ok."),
        ("DATA", "354 Ok."),
        (TEXT + b".\r\n", "250 Ok. ID"),
    )
    assert f"courierd: newmsg,id={server.stored.ids[0]}: dns; cli.example ([::ffff:127.0.0.1])" in server.log.lines


def test_a_new_transaction_may_follow_a_message(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.mail(TEXT)
        await client.mail(TEXT, "bob@example.com", sender="")

    server = Server(site(tmp_path))
    serve(server, talk)
    assert [stored.envelopes[0].sender for stored in server.shelf.stored] == ["ann@remote.example", ""]


def test_the_first_greeting_names_the_client_for_good(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.connect()
        await client.say("HELO first name\x01")
        await client.say("EHLO second.example")
        await client.mail(TEXT)

    serve(server, talk)
    assert b"Received: from first_name_ ([::ffff:127.0.0.1])\n  by mx.example.com with ESMTP\n" in server.stored.text


def test_a_client_name_is_cut_after_255_characters(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.greeted(name="x" * 300)
        await client.mail(TEXT)

    serve(server, talk)
    assert server.stored.envelopes[0].origin == f"dns; {'x' * 255} ([::ffff:127.0.0.1])"


def test_ehlo_ends_what_was_under_way(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("HELO cli.example", "250 mx.example.com Ok."),
        ("RCPT TO:<alice@example.com>", COMMAND_ERROR),
    )


def test_quit_ends_the_session(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect()
        client.send("QUIT")
        assert await client.closes() == b"221 Bye.\r\n"

    serve(Server(site(tmp_path)), talk)


def test_a_line_feed_alone_ends_no_command(tmp_path: Path) -> None:
    converse(tmp_path, (b"NOOP\nNOOP\r\n", "250 Ok"), ("RSET", "250 Ok"))


def test_an_overlong_line_is_cut_and_still_one_line(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        client.send(b"MAIL FROM:<ann@remote.example>" + b" " * 5000)
        await asyncio.sleep(0.05)
        client.send(b" SIZE=99999999999999999999" * 4000)
        await hold(client, (b"\r\n", "250 Ok."), ("NOOP", "250 Ok"))

    serve(server, talk)


def test_pipelined_commands_are_answered_in_order(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        client.send(
            b"MAIL FROM:<ann@remote.example>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<nobody@example.com>\r\nDATA\r\n"
        )
        replies = [await client.reply() for _ in range(4)]
        assert replies == ["250 Ok.", "250 Ok.", "550 User <nobody> unknown", "354 Ok."]
        client.send(TEXT + b".\r\nNOOP\r\nQUIT\r\n")
        assert general((await client.closes()).decode()) == "250 Ok. ID\r\n250 Ok\r\n221 Bye.\r\n"

    serve(Server(site(tmp_path)), talk)


def test_commands_may_come_byte_by_byte(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        for command in (b"MAIL FROM:<ann@remote.example>\r\n", b"RCPT TO:<bob@example.com>\r\n", b"DATA\r\n"):
            for at in range(len(command)):
                client.send(command[at : at + 1])
                await client.writer.drain()
                await asyncio.sleep(0)
            await client.reply()
        for at in range(len(TEXT)):
            client.send(TEXT[at : at + 1])
            await asyncio.sleep(0)
        assert general(await client.say(b".\r\n")) == "250 Ok. ID"

    serve(server, talk)
    assert b"\nSubject: hi\n" in server.stored.text
    assert server.stored.text.endswith(b"\n\nHello\n")


def test_a_client_that_leaves_in_mid_message_leaves_nothing(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        for line in ("MAIL FROM:<ann@remote.example>", "RCPT TO:<bob@example.com>", "DATA"):
            await client.say(line)
        client.send(b"Subject: half a mess")
        client.writer.close()
        await asyncio.sleep(0.1)

    serve(server, talk)
    assert server.shelf.stored == []
    assert server.shelf.aborted == 1


def test_a_silent_client_is_left_without_a_word(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect()
        assert await client.closes() == b""

    serve(Server(site(tmp_path, {"esmtptimeout": "1s"})), talk)


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("VRFY alice", "250 <alice@example.com>"),
        ("VRFY <alice@example.com>", "250 <alice@example.com>"),
        ("VRFY team", "250 <team@example.com>"),
        ("VRFY nobody", "550 User <nobody> unknown"),
        ("VRFY friend@remote.example", "550 Remote address."),
        ("VRFY alice bob", "250 <alice@example.com>"),
        ("VRFY @", "553 Syntax error: @"),
        ("EXPN team", "250-<alice@example.com>\n250 <bob@example.com>"),
        ("EXPN info@example.com", "250 <alice@example.com>"),
        ("EXPN alice", "500 <alice@example.com> not found."),
        ("EXPN @", "553 Syntax error: @"),
    ],
)
def test_vrfy_and_expn_tell_about_addresses(tmp_path: Path, line: str, reply: str) -> None:
    converse(tmp_path, (line, reply))


def test_vrfy_and_expn_can_be_switched_off(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("VRFY alice", "252 VRFY disabled"),
        ("EXPN team", "252 EXPN disabled"),
        BOFHNOVRFY="1",
        BOFHNOEXPN="1",
    )


def test_vrfy_and_expn_tell_nothing_within_a_transaction(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("VRFY alice", "252 VRFY disabled"),
        ("EXPN team", "252 EXPN disabled"),
    )


def test_errors_of_the_conversation_are_logged_with_the_command(tmp_path: Path) -> None:
    server = converse(tmp_path, ("FOO\x01 bar", COMMAND_ERROR))
    (line,) = [line for line in server.log.lines if "error" in line]
    assert line.startswith("courieresmtpd: error,relay=::ffff:127.0.0.1,port=")
    assert line.endswith(',msg="502 ESMTP command error",cmd: FOO. bar')


def test_refused_recipients_are_logged_with_both_addresses(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example>", "250 Ok."),
        ("RCPT TO:<nobody@example.com>", "550 User <nobody> unknown"),
    )
    assert server.log.lines[-1].endswith(
        ",from=<ann@remote.example>,to=<nobody@example.com>: 550 User <nobody> unknown"
    )


def test_a_connection_is_logged_with_its_place(tmp_path: Path) -> None:
    server = converse(tmp_path, ("NOOP", "250 Ok"), SYSLOGNAME="mailin")
    assert server.log.lines[0].startswith("mailin: started,ip=[::ffff:127.0.0.1],port=[")


def test_the_dialogue_is_logged_on_demand_but_no_secrets(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        ("NOOP hello", "250 Ok"),
        ("AUTH PLAIN AGJvYgBzZWNyZXQ=", "535 Authentication rejected"),
        ESMTP_LOG_DIALOG="1",
    )
    commands = [line for line in server.log.lines if "port=" not in line]
    assert commands == ["courieresmtpd: EHLO cli.example", "courieresmtpd: NOOP hello", "courieresmtpd: AUTH PLAIN"]


def test_envelope_parameters_reach_the_queue(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        ("MAIL FROM:<ann@remote.example> SIZE=100 RET=FULL ENVID=QQ+2B1 VERP SECURITY=STARTTLS", "250 Ok."),
        ("RCPT TO:<alice@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b+2Bx@y", "250 Ok."),
        ("DATA", "354 Ok."),
        (TEXT + b".\r\n", "250 Ok. ID"),
    )
    envelope = server.stored.envelopes[0]
    recipient = envelope.recipients[0]
    assert (envelope.returns, envelope.envelope_id, envelope.verp, envelope.security) == (
        "full", "QQ+2B1", True, "starttls",
    )  # fmt: skip
    assert (recipient.original, recipient.notify.letters) == ("b+x@y", "SD")
    assert envelope.source == "smtp"
    assert envelope.variables == {"TCPREMOTEIP": "::ffff:127.0.0.1"}


def stored(directory: Path, text: bytes, **variables: str) -> Stored:
    """What becomes of one message."""
    server = Server(site(directory, **variables))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        assert general(await client.mail(text)) == "250 Ok. ID"

    serve(server, talk)
    return server.stored


def test_the_text_is_stored_with_line_feeds_below_the_trace_header(tmp_path: Path) -> None:
    text = stored(tmp_path, b"Subject: dots\r\nTo: x@y.example\r\n\r\n..one\r\ntwo\n.\nthree\rfour\r\n").text
    trace, _, rest = text.partition(b"Subject:")
    assert trace == (
        b"Received: from cli.example ([::ffff:127.0.0.1])\n  by mx.example.com with ESMTP\n"
        b"  id 0000000000000001.000000006B06435B.00004BBB; " + DATE + b"\n"
    )
    assert rest == (
        b" dots\nTo: x@y.example\nMessage-ID: <courier.000000006B06435B.00004BBB@mx.example.com>\n"
        b"Date: " + DATE + b"\n\n.one\ntwo\n.\nthree\rfour\n"
    )


def test_eight_bits_are_noticed_where_they_are(tmp_path: Path) -> None:
    in_body = stored(tmp_path / "body", b"Subject: a\r\n\r\n\xe4\r\n").envelopes[0]
    in_head = stored(tmp_path / "head", b"Subject: \xc3\xa4\r\n\r\na\r\n").envelopes[0]
    assert (in_body.eight_bit, in_body.smtputf8) == (True, False)
    assert (in_head.eight_bit, in_head.smtputf8) == (True, True)
