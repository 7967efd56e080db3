"""What MAIL, RCPT and the end of the text are refused for, in the order in which the real server decides."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import pytest

from courier_runtime.dns.scripted import ScriptedResolver
from courier_runtime.mail.envelope import Notify, Recipient
from courier_runtime.mail.outcome import Deferred, Failed
from runtime.serving import Client, Server, general, serve, site

SENDER = ("MAIL FROM:<ann@remote.example>", "250 Ok.")


class RelayClient(TypedDict):
    """The variable that lets a client relay."""

    RELAYCLIENT: str


RELAY: RelayClient = {"RELAYCLIENT": ""}
CLOSING = "517 Invalid domain, see <URL:https://www.ietf.org/rfc/rfc1035.txt>"
DNS = ScriptedResolver(
    hosts={"remote.example": ("192.0.2.1",), "mail.bad.example": ("192.0.2.66",), "cli.example": ("127.0.0.1",)},
    exchangers={
        "bad.example": ((10, "mail.bad.example"),),
        "literal.example": ((10, "192.0.2.9"),),
        "null.example": ((0, ""),),
        "mxhelo.example": ((10, "cli.example"),),
    },
    silent=frozenset({"slow.example"}),
    names={"127.0.0.1": "mail.free.example"},
)


async def hold(client: Client, *exchange: tuple[str | bytes, str]) -> None:
    for line, reply in exchange:
        assert general(await client.say(line)) == reply, line


def converse(
    directory: Path, *exchange: tuple[str | bytes, str], files: Mapping[str, str] = {}, helo: str = "cli.example",
    **variables: str,
) -> Server:  # fmt: skip
    server = Server(site(directory, files, **variables), resolver=DNS)

    async def talk(server: Server) -> None:
        await hold(await server.greeted(name=helo), *exchange)

    serve(server, talk)
    return server


# ---- recipients ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("", "500 Invalid address"),
        ("@relay.example:alice@example.com", "500 Invalid address"),
        ("postmaster", "513 Syntax error."),
        ("alice@localhost", "513 Syntax error."),
        ("alice@[192.0.2.1]", "513 Syntax error."),
        ("alice@example..com", "513 Syntax error."),
        ("@", "500 Invalid address"),
        ("alice@fax", "513 Syntax error."),
        ("alice@[127.0.0.1]", "250 Ok."),
        ("alice@example.com.", "250 Ok."),
        ('"alice"@example.com', "250 Ok."),
        ("ALICE@EXAMPLE.COM", "550 User <ALICE> unknown"),
        ("POSTMASTER@example.com", "250 Ok."),
        ("al ice@example.com", "550 User <al ice> unknown"),
        ("friend@remote.example", "513 Relaying denied."),
        ("nobody@example.com", "550 User <nobody> unknown"),
        ("nobody@shop.example", "550 User <nobody@shop.example> unknown"),
        ("a!b@example.com", "550 Unknown UUCP bang path."),
        ("a@b@example.com", "550 User <a%b> unknown"),
        ("carol@shop.example", "250 Ok."),
        ("friend%remote.example@example.com", "550 User <friend%remote.example> unknown"),
    ],
)
def test_recipients_are_judged(tmp_path: Path, address: str, reply: str) -> None:
    converse(tmp_path, SENDER, (f"RCPT TO:<{address}>", reply))


def test_a_relay_client_may_send_anywhere(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<friend@REMOTE.example>", "250 Ok."),
        ("RCPT TO:<friend@b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example>", "250 Ok."),
        ("RCPT TO:<friend@xn--bcher-kva.example>", "250 Ok."),
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
        **RELAY,
    )
    envelope = server.stored.envelopes[0]
    assert [one.address for one in envelope.recipients] == ["friend@remote.example", "friend@bücher.example"]
    assert envelope.source == "authsmtp"
    assert envelope.variables == {"RELAYCLIENT": "", "TCPREMOTEIP": "::ffff:127.0.0.1"}
    assert not envelope.is_tracked


def test_what_relayclient_says_is_appended_to_every_recipient(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<friend%remote.example@gateway>", "250 Ok."),
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
        RELAYCLIENT=".example",
    )
    assert server.stored.envelopes[0].recipients[0].address == "friend%remote.example@gateway.example"


def test_percent_relays_lead_to_listed_domains(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<friend%inner.example@example.com>", "250 Ok."),
        ("RCPT TO:<friend%other.example@example.com>", "550 User <friend%other.example> unknown"),
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
        files={"esmtppercentrelay": "inner.example\n"},
    )
    assert server.stored.envelopes[0].recipients[0].address == "friend@inner.example"


@pytest.mark.parametrize(("hard", "code"), [("", 431), (" hard", 531)])
def test_recipients_are_counted_refused_ones_too(tmp_path: Path, hard: str, code: int) -> None:
    converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<nobody@example.com>", "550 User <nobody> unknown"),
        ("RCPT TO:<alice@example.com>", "250 Ok."),
        ("RCPT TO:<bob@example.com>", f"{code} Too many recipients."),
        files={"bofh": f"maxrcpts 2{hard}\n"},
    )


def test_a_full_disk_takes_no_recipients(tmp_path: Path) -> None:
    server = Server(site(tmp_path))
    server.shelf.free = (1000, 1000)

    async def talk(server: Server) -> None:
        await hold(await server.greeted(), SENDER, ("RCPT TO:<alice@example.com>", "431 Mail system full."))

    serve(server, talk)


def test_a_disk_that_fills_up_later_takes_no_message(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def talk(server: Server) -> None:
        client = await server.greeted()
        await hold(client, SENDER, ("RCPT TO:<alice@example.com>", "250 Ok."), ("DATA", "354 Ok."))
        server.shelf.is_full = True
        assert await client.say(b"Subject: x\r\n\r\nbody\r\n.\r\n") == "431 Mail system full."

    serve(server, talk)
    assert server.shelf.stored == []


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("No thanks", "511 No thanks"),
        ("550 Please stop", "550 Please stop"),
        ("450 Later", "450 Later"),
        ("550_Listed", "550 550_Listed"),
        ("250 Odd", "511 250 Odd"),
        ("", "250 Ok."),
    ],
)
def test_a_block_refuses_every_recipient_with_its_text(tmp_path: Path, text: str, reply: str) -> None:
    converse(tmp_path, SENDER, ("RCPT TO:<alice@example.com>", reply), BLOCK=text)


@pytest.mark.parametrize(
    ("outcome", "reply"), [(Failed(), "556 Address unavailable."), (Deferred(), "456 Address temporarily unavailable.")]
)
def test_addresses_that_failed_lately_are_suppressed(tmp_path: Path, outcome: Failed | Deferred, reply: str) -> None:
    server = Server(site(tmp_path))
    server.track.record("bob@example.com", outcome)

    async def talk(server: Server) -> None:
        client = await server.greeted()
        await hold(client, SENDER, ("RCPT TO:<bob@example.com>", reply), ("RCPT TO:<alice@example.com>", "250 Ok."))
        assert general(await client.say("DATA")) == "354 Ok."
        await client.say(b".\r\n")

    serve(server, talk)
    assert server.stored.envelopes[0].is_tracked


def test_relay_clients_are_not_suppressed(tmp_path: Path) -> None:
    server = Server(site(tmp_path, **RELAY))
    server.track.record("bob@example.com", Failed())

    async def talk(server: Server) -> None:
        await hold(await server.greeted(), SENDER, ("RCPT TO:<bob@example.com>", "250 Ok."))

    serve(server, talk)


def test_an_alias_of_one_is_replaced_and_keeps_its_receipts(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<Info@example.com>", "550 User <Info> unknown"),
        ("RCPT TO:<info@EXAMPLE.com> NOTIFY=SUCCESS ORCPT=rfc822;other", "250 Ok."),
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
    )
    assert server.stored.envelopes[0].recipients == (
        Recipient("alice@example.com", "info@EXAMPLE.com", Notify.SUCCESS),
    )


def test_an_alias_of_several_is_a_list_and_gets_the_receipt(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<team@example.com> NOTIFY=SUCCESS", "250 Ok."),
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
    )
    envelope = server.stored.envelopes[0]
    assert envelope.recipients == (
        Recipient("alice@example.com", "", Notify.NEVER),
        Recipient("bob@example.com", "", Notify.NEVER),
    )
    assert envelope.delivered_to_alias == (Recipient("team@example.com", "", Notify.SUCCESS),)


def test_nobody_gets_a_message_twice_under_one_name(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        *[(f"RCPT TO:<{name}>", "250 Ok.") for name in ("alice@example.com", "alice@example.com", "info@example.com")],
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
    )
    names = [(one.address, one.original) for one in server.stored.envelopes[0].recipients]
    assert names == [("alice@example.com", ""), ("alice@example.com", "info@example.com")]


def test_many_recipients_are_split_into_messages_of_their_own(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        SENDER,
        *[(f"RCPT TO:<r{number}@remote.example>", "250 Ok.") for number in range(5)],
        ("DATA", "354 Ok."),
        (b"\r\n.\r\n", "250 Ok. ID"),
        files={"batchsize": "2\n"},
        **RELAY,
    )
    assert [len(envelope.recipients) for envelope in server.stored.envelopes] == [2, 2, 1]
    assert sum("newmsg,id=" in line for line in server.log.lines) == 3


# ---- senders ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "reply"),
    [
        ("", "250 Ok."),
        ("ann@remote.example", "250 Ok."),
        ("ann", "517 Syntax error."),
        ("ann@localhost", "517 Syntax error."),
        ("@relay.example:ann@remote.example", "517 Syntax error."),
        ("ann(comment)@remote.example", "517 Syntax error."),
        ('"a b"@remote.example', "517 Syntax error."),
        ("ann@remote/x.example", "517 Syntax error."),
    ],
)
def test_senders_need_a_domain_with_a_dot(tmp_path: Path, address: str, reply: str) -> None:
    converse(tmp_path, (f"MAIL FROM:<{address}>", reply))


def test_a_refused_sender_begins_no_transaction(tmp_path: Path) -> None:
    converse(
        tmp_path,
        ("MAIL FROM:<ann>", "517 Syntax error."),
        ("RCPT TO:<alice@example.com>", "502 ESMTP command error"),
        SENDER,
    )


@pytest.mark.parametrize(
    ("address", "is_bad"),
    [
        ("spam@bad.example", True),
        ("Spam@bad.example", False),
        ("spam@BAD.example", True),
        ("any@evil.example", True),
        ("any@sub.evil.example", False),
        ("any@sub.below.example", True),
        ("any@below.example", False),
        ("user@x.some.example", True),
        ("other@x.some.example", False),
    ],
)
def test_bad_senders_are_refused_whoever_sends(tmp_path: Path, address: str, is_bad: bool) -> None:
    bofh = "badfrom spam@bad.example\nbadfrom @evil.example\nbadfrom @.below.example\nbadfrom user@.some.example\n"
    reply = f"517 Sender rejected: {address}" if is_bad else "250 Ok."
    converse(tmp_path / "stranger", (f"MAIL FROM:<{address}>", reply), files={"bofh": bofh})
    converse(tmp_path / "relay", (f"MAIL FROM:<{address}>", reply), files={"bofh": bofh}, **RELAY)


def test_free_mail_comes_from_its_own_hosts(tmp_path: Path) -> None:
    refused = "517-Sender rejected: a@elsewhere.example can be accepted only from\n517 elsewhere.example's mail relays."
    converse(
        tmp_path,
        ("MAIL FROM:<a@elsewhere.example>", refused),
        ("MAIL FROM:<a@free.example>", "250 Ok."),
        files={"bofh": "freemail elsewhere.example\nfreemail free.example other.example\n"},
        TCPDOPTS="",
    )


@pytest.mark.parametrize(
    ("domain", "reply"),
    [
        ("remote.example", "250 Ok."),
        ("nowhere.example", f"517-Domain does not exist: nowhere.example.\n{CLOSING}"),
        ("null.example", f"517-Domain does not exist: null.example.\n{CLOSING}"),
        ("literal.example", f"517-MX records for literal.example violate section 3.3.9 of RFC 1035.\n{CLOSING}"),
        ("slow.example", "417 DNS lookup failure: slow.example.  Try again later."),
        ("bad.example", "517 Mail server at ::ffff:192.0.2.66 is blocked."),
    ],
)
def test_sender_domains_have_to_be_reachable(tmp_path: Path, domain: str, reply: str) -> None:
    converse(
        tmp_path, (f"MAIL FROM:<a@{domain}>", reply), files={"bofh": "badmx 192.0.2.66\n"}, BOFHCHECKDNS="1", **RELAY
    )


def test_sender_domains_are_not_looked_up_for_the_blocked(tmp_path: Path) -> None:
    converse(tmp_path, ("MAIL FROM:<a@nowhere.example>", "250 Ok."), BOFHCHECKDNS="1", BLOCK="No")


@pytest.mark.parametrize(
    ("helo", "reply"),
    [
        ("cli.example", "250 Ok."),
        ("mxhelo.example", "250 Ok."),
        ("127.0.0.1", "250 Ok."),
        ("[127.0.0.1]", "250 Ok."),
        ("remote.example", "517 HELO remote.example does not match ::ffff:127.0.0.1"),
        ("[192.0.2.7]", "517 HELO [192.0.2.7] does not match ::ffff:127.0.0.1"),
        ("192.0.2.7", "517 HELO 192.0.2.7 does not exist."),
        ("nowhere.example", "517 HELO nowhere.example does not exist."),
        ("slow.example", "417 DNS lookup on HELO slow.example failed.  Try again later."),
    ],
)
def test_the_name_of_helo_has_to_lead_to_the_client(tmp_path: Path, helo: str, reply: str) -> None:
    converse(tmp_path, ("MAIL FROM:<a@remote.example>", reply), helo=helo, BOFHCHECKHELO="1")


def test_a_lenient_check_of_helo_refuses_for_now(tmp_path: Path) -> None:
    reply = "417 HELO nowhere.example does not exist."
    bofh = {"bofh": "opt BOFHCHECKHELO=2\n"}
    converse(tmp_path / "a", ("MAIL FROM:<a@remote.example>", reply), helo="nowhere.example", files=bofh)
    converse(tmp_path / "b", ("MAIL FROM:<a@remote.example>", "250 Ok."), helo="x.example", files=bofh, **RELAY)


# ---- sender policy ------------------------------------------------------------------------------------------------

POLICIES = ScriptedResolver(
    hosts={"none.example": ("192.0.2.1",)},
    texts_of={
        "cli.example": ("v=spf1 ip4:127.0.0.1 -all",),
        "pass.example": ("v=spf1 ip4:127.0.0.1 -all",),
        "fail.example": ("v=spf1 -all exp=why.fail.example",),
        "why.fail.example": ("not %{i}; never",),
        "soft.example": ("v=spf1 ~all",),
    },
    silent=frozenset({"down.example"}),
)


def offered(directory: Path, *exchange: tuple[str | bytes, str], files: Mapping[str, str], **variables: str) -> Server:
    server = Server(site(directory, files, **variables), resolver=POLICIES)

    async def talk(server: Server) -> None:
        await hold(await server.greeted(), *exchange)

    serve(server, talk)
    return server


def sent(sender: str, text: bytes, reply: str) -> tuple[tuple[str | bytes, str], ...]:
    recipient, data = ("RCPT TO:<alice@example.com>", "250 Ok."), ("DATA", "354 Ok.")
    return ((f"MAIL FROM:<{sender}>", "250 Ok."), recipient, data, (text + b"\r\n.\r\n", reply))


@pytest.mark.parametrize(
    ("sender", "reply"),
    [
        ("a@pass.example", "250 Ok."),
        ("", "250 Ok."),
        ("a@fail.example", "517 SPF fail a@fail.example: not 127.0.0.1  never"),
        ("a@soft.example", "417 SPF softfail a@soft.example: Address does not pass the Sender Policy Framework"),
        ("a@none.example", "417 SPF none a@none.example: Address does not pass the Sender Policy Framework"),
        ("a@down.example", "417 SPF error a@down.example: Address does not pass the Sender Policy Framework"),
        ("nonsense", "517 Syntax error."),
    ],
)
def test_senders_are_judged_by_the_policies_of_their_domains(tmp_path: Path, sender: str, reply: str) -> None:
    files = {"bofh": "opt BOFHSPFMAILFROM=pass\nopt BOFHSPFHARDERROR=fail\n"}
    offered(tmp_path, (f"MAIL FROM:<{sender}>", reply), files=files)


def test_trusted_relay_clients_are_not_judged(tmp_path: Path) -> None:
    files = {"bofh": "opt BOFHSPFMAILFROM=pass\nopt BOFHSPFTRUSTME=1\n"}
    offered(tmp_path / "a", ("MAIL FROM:<a@fail.example>", "250 Ok."), files=files, **RELAY)
    strict = {"bofh": "opt BOFHSPFMAILFROM=pass\nopt BOFHSPFNOVERBOSE=1\n"}
    refusal = "517 SPF fail a@fail.example: Rejected by the Sender Policy Framework."
    offered(tmp_path / "b", ("MAIL FROM:<a@fail.example>", refusal), files=strict, **RELAY)


def test_results_stand_above_the_trace_header_and_those_brought_along_become_old(tmp_path: Path) -> None:
    server = offered(
        tmp_path,
        *sent("a@pass.example", b"Received-SPF: pass\r\nSubject: x\r\n", "250 Ok. ID"),
        files={"bofh": "opt BOFHSPFHELO=pass\nopt BOFHSPFMAILFROM=pass\n"},
    )
    head = (
        b"Received-SPF: pass (Address passes the Sender Policy Framework)\n"
        b"  SPF=HELO;\n  sender=cli.example;\n  remoteip=::ffff:127.0.0.1;\n  remotehost=;\n"
        b"  helo=cli.example;\n  receiver=mx.example.com;\nReceived-SPF: pass"
    )
    assert server.stored.text.startswith(head)
    assert b"\nOld-Received-SPF: pass\nSubject: x\n" in server.stored.text


def test_the_author_is_judged_where_the_sender_gave_no_pass(tmp_path: Path) -> None:
    files = {"bofh": "opt BOFHSPFMAILFROM=all\nopt BOFHSPFFROM=pass,mailfromok\n"}
    forged = b"From: Somebody <a@soft.example>, b@pass.example\r\n"
    honest = b"From: Somebody <a@pass.example>\r\nSubject: x\r\n"
    refusal = "517 SPF softfail a@soft.example: Address does not pass the Sender Policy Framework"
    offered(tmp_path / "a", *sent("a@none.example", forged, refusal), files=files)
    offered(tmp_path / "b", *sent("a@pass.example", forged, "250 Ok. ID"), files=files)
    offered(tmp_path / "c", *sent("a@none.example", b"Subject: no author\r\n", "250 Ok. ID"), files=files)
    text = offered(tmp_path / "d", *sent("a@none.example", honest, "250 Ok. ID"), files=files).stored.text
    assert b"Subject: x\nReceived-SPF: pass (Address passes" in text


def test_a_name_whose_policy_passes_needs_no_address(tmp_path: Path) -> None:
    said = {"bofh": "opt BOFHSPFHELO=pass\nopt BOFHCHECKHELO=1\n"}
    offered(tmp_path / "a", ("MAIL FROM:<>", "250 Ok."), files=said)
    offered(tmp_path / "b", ("MAIL FROM:<>", "517 HELO cli.example does not exist."), files={"bofh": said["bofh"][20:]})


# ---- texts --------------------------------------------------------------------------------------------------------


def message(directory: Path, text: bytes, files: Mapping[str, str] = {}, **variables: str) -> str:
    """The reply to one message."""
    replies: list[str] = []

    async def talk(server: Server) -> None:
        client = await server.greeted()
        replies.append(general(await client.mail(text)))
        assert await client.say("NOOP") == "250 Ok"

    serve(Server(site(directory, files, **variables)), talk)
    return replies[0]


@pytest.mark.parametrize("size", ["1000", "0", "-1", "99999999999999999999"])
def test_a_size_that_is_said_is_compared_with_the_limit(tmp_path: Path, size: str) -> None:
    is_too_big = size == "99999999999999999999"
    reply = "534 SIZE=Message too big." if is_too_big else "250 Ok."
    converse(tmp_path, (f"MAIL FROM:<a@b.example> SIZE={size}", reply), SIZELIMIT="1000")


def test_a_line_that_is_too_long_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    refusal = "534 Message header size exceeds policy limit."
    assert message(tmp_path / "a", b"Subject: x\r\n\r\n" + b"x" * 5000 + b"\r\n") == "250 Ok. ID"
    assert message(tmp_path / "b", b"Subject: x\r\n\r\n" + b"x" * 5001 + b"\r\n") == refusal
    assert message(tmp_path / "c", b"X-Filler: " + b"x" * 5001 + b"\r\n\r\n") == refusal


def test_texts_are_recoded_for_clients_that_ask_for_it(tmp_path: Path) -> None:
    server = converse(
        tmp_path,
        *sent("a@remote.example", "Subject: x\r\n\r\nGrüße".encode(), "250 Ok. ID"),
        MIME="7bit",
    )
    assert server.stored.text.endswith(b"\n\nGr=C3=BC=C3=9Fe\n")
    assert not server.stored.envelopes[0].eight_bit


def test_a_message_that_is_to_be_recoded_has_the_same_limit(tmp_path: Path) -> None:
    text = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 2000
    assert message(tmp_path, text, {"sizelimit": "2000\n"}, MIME="7bit").startswith("523 Message length (20")


def test_a_message_above_the_limit_is_refused_at_its_end(tmp_path: Path) -> None:
    text = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 2000
    assert message(tmp_path, text, {"sizelimit": "2000\n"}).startswith("523 Message length (20")
    assert message(tmp_path, text, {"sizelimit": "2000\n"}).endswith(" bytes) exceeds administrative limit(2000).")
    assert message(tmp_path, text, {"sizelimit": "2000\n"}, SIZELIMIT="0") == "250 Ok. ID"


TOO_LARGE = "534 Message header size exceeds policy limit."


@pytest.mark.parametrize(("fields", "reply"), [(499, "250 Ok. ID"), (500, TOO_LARGE)])
def test_header_lines_are_counted(tmp_path: Path, fields: int, reply: str) -> None:
    assert message(tmp_path, b"X: y\r\n\tz\r\n" * fields + b"\r\nbody\r\n") == reply


@pytest.mark.parametrize(("size", "reply"), [(1900, "250 Ok. ID"), (2100, TOO_LARGE), (500000, TOO_LARGE)])
def test_headers_have_a_limit_of_bytes(tmp_path: Path, size: int, reply: str) -> None:
    text = b"X: " + b"y" * size + b"\r\n\r\nbody\r\n"
    assert message(tmp_path, text, {"bofh": "opt BOFHHEADERLIMIT=2000\n"}) == reply


@pytest.mark.parametrize(
    ("hops", "reply"), [(100, "250 Ok. ID"), (101, "546 Routing loop detected -- too many Received: headers.")]
)
def test_messages_do_not_go_round_for_ever(tmp_path: Path, hops: int, reply: str) -> None:
    assert message(tmp_path, b"Received: from x by y\r\n" * hops + b"\r\nbody\r\n") == reply


@pytest.mark.parametrize("trap", ["bob@example.com", "alice@example.com"])
def test_a_trap_among_the_recipients_or_behind_an_alias_refuses_the_message(tmp_path: Path, trap: str) -> None:
    converse(
        tmp_path,
        SENDER,
        ("RCPT TO:<carol@shop.example>", "250 Ok."),
        ("RCPT TO:<team@example.com>", "250 Ok."),
        ("DATA", "354 Ok."),
        (b"Subject: buy\r\n\r\nnow\r\n.\r\n", "550 Spam refused."),
        files={"bofh": f"spamtrap {trap}\n"},
    )
