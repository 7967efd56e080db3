"""Our server exchanges mail with Postfix, Exim, OpenSMTPD and the real Courier, each on a machine of its own: both
ways, over TLS, with everything in it that mail servers are known to hurt; and clients of others submit.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes
from typing import Final

import pytest

from real.courier_host import eventually
from real.mail_host import is_idle
from real.peers.courier import PASSWORD
from real.peers.stage import (
    ANNA,
    OURS,
    PEERS,
    Stage,
    arrived,
    body_of,
    head_of,
    letter,
    notice,
    opened,
    received,
    send,
    to_peer,
    to_us,
    trace,
)

BATCHES: Final = 10
"""Of a thousand recipients, with MAXRCPT and `batchsize` as they are shipped."""

every_peer = pytest.mark.parametrize("name", PEERS)
both_ways = pytest.mark.parametrize("way", [to_peer, to_us])
Way = Callable[[Stage, str, bytes, str], bytes]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("peers")) as servers:
        yield servers


@pytest.mark.parametrize("name", [name for name in PEERS if name != "opensmtpd"])
def test_mail_goes_out_over_tls(stage: Stage, name: str) -> None:
    message = to_peer(stage, name, letter(f"tls-to-{name}"), f"tls-to-{name}")
    assert "TLS" in trace(message)
    assert body_of(message).rstrip() == b"Good day."


@every_peer
def test_mail_comes_in_over_tls(stage: Stage, name: str) -> None:
    message = to_us(stage, name, letter(f"tls-from-{name}"), f"tls-from-{name}")
    assert "(TLS: TLS1.3," in trace(message)
    assert _protocol(trace(message)) in ("ESMTPS", "UTF8SMTPS")
    assert body_of(message) == b"Good day.\n"


def _protocol(traced: str) -> str:
    """How a server says that it got a message. The real Courier says SMTPUTF8 to everybody who offers it."""
    return traced.partition(" with ")[2].split()[0]


def test_a_peer_whose_tls_is_broken_gets_the_next_attempt_in_clear(stage: Stage) -> None:
    """OpenSMTPD 6.8 cannot answer a handshake with OpenSSL 3 (OpenSMTPD/OpenSMTPD#1239), but offers STARTTLS."""
    message = to_peer(stage, "opensmtpd", letter("tls-to-opensmtpd"), "tls-to-opensmtpd")
    assert "TLS" not in trace(message)
    assert any("STARTTLS failed" in line for line in stage.ours.machine.log)


@every_peer
@both_ways
def test_eight_bit_text_and_dots_arrive_as_they_were(stage: Stage, name: str, way: Way) -> None:
    subject = f"eight-bit-{name}-{way.__name__}"
    body = "Grüße aus Köln, 世界\r\n.\r\n..two dots\r\n \r\n\ttab\r\n".encode()
    assert body_of(way(stage, name, letter(subject, body), subject)) == body.replace(b"\r\n", b"\n")


@every_peer
@both_ways
def test_lines_of_the_longest_legal_length_arrive_as_they_were(stage: Stage, name: str, way: Way) -> None:
    subject = f"long-lines-{name}-{way.__name__}"
    body = b"x" * 998 + b"\r\n" + b"." + b"y" * 997 + b"\r\n"
    assert body_of(way(stage, name, letter(subject, body), subject)) == body.replace(b"\r\n", b"\n")


@every_peer
@both_ways
def test_fifty_mebibytes_arrive_as_they_were(stage: Stage, name: str, way: Way) -> None:
    subject = f"large-{name}-{way.__name__}"
    body = (b"0123456789abcdef" * 4 + b"......\r\n") * (50 * 1024 * 1024 // 72)
    found = body_of(way(stage, name, letter(subject, body), subject))
    assert hashlib.sha256(found).digest() == hashlib.sha256(body.replace(b"\r\n", b"\n")).digest()


@every_peer
def test_a_thousand_recipients_of_a_peer_get_it_in_batches(stage: Stage, name: str) -> None:
    peer, subject = stage.peers[name], f"thousand-to-{name}"
    send(OURS, ANNA, [peer.extended(f"n{number}") for number in range(1000)], letter(subject))
    assert eventually(lambda: len(arrived(peer.inbox, subject)) >= 1000, 60), len(arrived(peer.inbox, subject))
    assert is_idle(stage.ours), stage.ours.mailq()[-300:]
    paths = arrived(peer.inbox, subject)
    assert len(paths) == 1000
    assert len({_id(trace(path)) for path in paths}) == BATCHES


def _id(traced: str) -> str:
    """What a server calls a transaction in its trace header."""
    return traced.partition(" id ")[2].split()[0].rstrip(";")


@every_peer
def test_a_thousand_recipients_here_get_it_from_a_peer(stage: Stage, name: str) -> None:
    peer, subject = stage.peers[name], f"thousand-from-{name}"
    recipients = [stage.extended(f"n{number}") for number in range(1000)]
    send(peer.machine.address, peer.address, recipients, letter(subject))
    assert eventually(lambda: len(arrived(stage.inbox, subject)) >= 1000, 60), len(arrived(stage.inbox, subject))
    assert is_idle(stage.ours)
    paths = arrived(stage.inbox, subject)
    assert {str(message_from_bytes(head_of(path))["Delivered-To"]) for path in paths} == set(recipients)
    assert len(paths) == 1000


@pytest.mark.parametrize("name", ["postfix", "opensmtpd", "courier"])
def test_a_peer_that_reports_sends_the_receipt_itself(stage: Stage, name: str) -> None:
    peer, subject = stage.peers[name], f"receipt-from-{name}"
    options = ("RET=HDRS", "ENVID=out+2B1")
    receipt = ("NOTIFY=SUCCESS", f"ORCPT=rfc822;friend+2B1@{name}.example")
    send(OURS, ANNA, [peer.extended("dsn")], letter(subject), options, receipt)
    of_message, of_recipient = notice(stage.inbox, subject, stage.log(name))
    assert str(of_message["Reporting-MTA"]).replace(" ", "") == f"dns;mx.{name}.example"
    assert of_recipient["Action"] == "delivered"
    assert of_recipient["Final-Recipient"] == f"rfc822; {peer.extended('dsn')}"
    if name != "opensmtpd":  # which offers the extension and keeps neither of these
        assert of_message["Original-Envelope-Id"] == "out+1"
        assert str(of_recipient["Original-Recipient"]).replace(" ", "") == f"rfc822;friend+1@{name}.example"


@pytest.mark.parametrize("name", ["postfix", "opensmtpd", "courier"])
def test_we_send_the_receipt_that_a_peer_passes_on(stage: Stage, name: str) -> None:
    peer, subject = stage.peers[name], f"receipt-for-{name}"
    options = ("RET=HDRS", "ENVID=in+2B1")
    receipt = ("NOTIFY=SUCCESS", "ORCPT=rfc822;friend+2B1@example.org")
    send(peer.machine.address, peer.address, [stage.extended("dsn")], letter(subject), options, receipt)
    of_message, of_recipient = notice(peer.inbox, subject, stage.log(name))
    assert of_message["Reporting-MTA"] == "dns; mx.example.org"
    assert of_message["Original-Envelope-Id"] == "in+1"
    assert of_recipient["Action"] == "delivered"
    assert of_recipient["Original-Recipient"] == "rfc822; friend+1@example.org"


def test_we_report_that_a_peer_without_receipts_has_taken_it(stage: Stage) -> None:
    peer, subject = stage.peers["exim"], "receipt-for-relaying"
    send(OURS, ANNA, [peer.address], letter(subject), (), ("NOTIFY=SUCCESS",))
    _, of_recipient = notice(stage.inbox, subject, stage.log("exim"))
    assert of_recipient["Action"] == "relayed"
    assert of_recipient["Final-Recipient"] == f"rfc822; {peer.address}"


@every_peer
def test_a_refusal_of_a_peer_becomes_a_notice_with_its_words(stage: Stage, name: str) -> None:
    subject = f"refused-by-{name}"
    send(OURS, ANNA, [f"nobody-here@{name}.example"], letter(subject))
    of_message, of_recipient = notice(stage.inbox, subject, stage.log(name))
    assert of_message["Reporting-MTA"] == "dns; mx.example.org"
    assert of_recipient["Action"] == "failed"
    assert of_recipient["Remote-MTA"] == f"dns; mx.{name}.example [{stage.peers[name].machine.address}]"
    assert str(of_recipient["Diagnostic-Code"]).startswith("smtp; 55")


# ---- return addresses of their own (VERP) -------------------------------------------------------------------------


def test_verp_is_left_to_the_real_courier_in_one_transaction(stage: Stage) -> None:
    peer, subject = stage.peers["courier"], "verp-to-courier"
    send(OURS, ANNA, [peer.extended("v1"), peer.extended("v2")], letter(subject), ("VERP",))
    assert eventually(lambda: len(arrived(peer.inbox, subject)) == 2), "\n".join(stage.log("courier")())
    paths = arrived(peer.inbox, subject)
    assert {str(message_from_bytes(head_of(path))["Return-Path"]) for path in paths} == {
        "<anna-paul+2Dv1=courier.example@example.org>",
        "<anna-paul+2Dv2=courier.example@example.org>",
    }
    assert len({_id(trace(path)) for path in paths}) == 1


def test_the_real_courier_leaves_verp_to_us_in_one_transaction(stage: Stage) -> None:
    peer, subject = stage.peers["courier"], "verp-from-courier"
    recipients = [stage.extended("v1"), stage.extended("v2")]
    send(peer.machine.address, peer.address, recipients, letter(subject), ("VERP",))
    assert eventually(lambda: len(arrived(stage.inbox, subject)) == 2), "\n".join(stage.log("courier")())
    paths = arrived(stage.inbox, subject)
    assert {str(message_from_bytes(head_of(path))["Return-Path"]) for path in paths} == {
        "<paul-anna+2Dv1=example.org@courier.example>",
        "<paul-anna+2Dv2=example.org@courier.example>",
    }
    assert len({_id(trace(path)) for path in paths}) == 1


def test_peers_without_verp_get_a_transaction_for_each_return_address(stage: Stage) -> None:
    peer, subject = stage.peers["postfix"], "verp-to-postfix"
    send(OURS, ANNA, [peer.extended("v1"), peer.extended("v2")], letter(subject), ("VERP",))
    assert eventually(lambda: len(arrived(peer.inbox, subject)) == 2), "\n".join(stage.log("postfix")())
    paths = arrived(peer.inbox, subject)
    assert {str(message_from_bytes(head_of(path))["Return-Path"]) for path in paths} == {
        "<anna-paul+2Bv1=postfix.example@example.org>",
        "<anna-paul+2Bv2=postfix.example@example.org>",
    }
    assert len({_id(trace(path)) for path in paths}) == 2


# ---- replies for single recipients (XEXDATA) ----------------------------------------------------------------------


def test_a_reply_of_the_real_courier_for_each_recipient_is_taken_apart(stage: Stage) -> None:
    peer, subject = stage.peers["courier"], "exdata-to-courier"
    send(OURS, ANNA, [peer.extended("filtered"), peer.extended("filtered-bad")], letter(subject))
    of_message, of_recipient = notice(stage.inbox, subject, stage.log("courier"))
    assert of_message["Reporting-MTA"] == "dns; mx.example.org"
    assert of_recipient["Final-Recipient"] == f"rfc822; {peer.extended('filtered-bad')}"
    assert of_recipient["Action"] == "failed"
    assert "not to my taste" in str(of_recipient["Diagnostic-Code"])
    (path,) = arrived(peer.inbox, subject)
    assert message_from_bytes(head_of(path))["Delivered-To"] == peer.extended("filtered")


# ---- logging in at a relay ----------------------------------------------------------------------------------------


def test_we_log_in_at_the_submission_port_of_the_real_courier(stage: Stage) -> None:
    peer, subject = stage.peers["courier"], "submitted-to-courier"
    send(OURS, ANNA, ["paul@submitted.courier.example"], letter(subject))
    traced = trace(received(peer.inbox, subject, stage.log("courier")))
    assert "(AUTH: CRAM-MD5 paul, TLS: TLS1.3," in traced
    assert "with ESMTPSA" in traced


def test_the_real_courier_logs_in_at_our_submission_port(stage: Stage) -> None:
    peer, subject = stage.peers["courier"], "submitted-from-courier"
    send(peer.machine.address, peer.address, ["anna@submitted.example.org"], letter(subject))
    traced = trace(received(stage.inbox, subject, stage.log("courier")))
    assert "(AUTH: CRAM-MD5 anna, TLS: TLS1.3," in traced
    assert _protocol(traced) in ("ESMTPSA", "UTF8SMTPSA")


# ---- clients ------------------------------------------------------------------------------------------------------


def test_swaks_submits_with_tls_login_and_pipelining(stage: Stage) -> None:
    command = ["swaks", "--server", OURS, "--port", "587", "--tls", "--pipeline", "--from", ANNA, "--to", ANNA]
    command += ["--auth", "CRAM-MD5", "--auth-user", "anna", "--auth-password", PASSWORD]
    command += ["--header", "Subject: from-swaks", "--body", "hello"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    traced = trace(received(stage.inbox, "from-swaks", stage.log("postfix")))
    assert "(AUTH: CRAM-MD5 anna, TLS:" in traced
    assert "with ESMTPSA" in traced


@pytest.mark.parametrize("method", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_the_library_of_python_submits_with_every_method(stage: Stage, method: str) -> None:
    subject = f"smtplib-{method}"
    with smtplib.SMTP(OURS, 587) as client:
        client.starttls(context=ssl._create_unverified_context())
        client.user, client.password = "anna", PASSWORD
        assert client.ehlo()[0] == 250
        assert client.auth(method, getattr(client, f"auth_{method.lower().replace('-', '_')}"))[0] == 235
        assert client.sendmail(ANNA, [ANNA], letter(subject)) == {}
    assert f"(AUTH: {method} anna, TLS:" in trace(received(stage.inbox, subject, stage.log("postfix")))
