"""Mail to other servers: what is said there, what every answer means, and where to turn when nobody answers."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courier_runtime.delivery.esmtp.targets import Nowhere, find_targets
from courier_runtime.delivery.esmtp.transport import EsmtpTransport
from courier_runtime.dns.scripted import ScriptedResolver
from courier_runtime.mail.envelope import Notify, Recipient
from courier_runtime.mail.outcome import Deferred, Failed, Outcome, Relayed
from courier_runtime.mail.recode import to_seven_bits
from courier_runtime.mail.verp import verp
from courier_runtime.observe.clock import FrozenClock, SystemClock
from courier_runtime.seams import Hop, Job, Queued
from courier_runtime.snapshot.model import Snapshot
from courier_runtime.tracking.memory import MemoryTrack
from courier_schema.legacy.formats.routes import Credentials, Route
from runtime.delivery.sink import Sink, serving
from runtime.messages import TEXT, queued
from runtime.trees import snapshot_of

RESOLVER = ScriptedResolver(
    hosts={
        "mx1.example.net": ("192.0.2.1",),
        "mx2.example.net": ("2001:db8::2", "192.0.2.2"),
        "plain.example": ("192.0.2.9",),
    },
    exchangers={
        "example.net": ((10, "mx1.example.net"), (20, "mx2.example.net")),
        "null.example": ((0, ""),),
        "literal.example": ((10, "192.0.2.5"),),
    },
    silent=frozenset({"silent.example"}),
    broken=frozenset({"circle.example"}),
)


class Client:
    """A server that relays to one sink, whatever the domain."""

    def __init__(self, scratch: Path, sink: Sink, files: Mapping[str, str] = {}) -> None:
        self.scratch, self.sink, self.files = scratch, sink, files
        self.track = MemoryTrack(SystemClock())

    def snapshot(self, flags: str = "") -> Snapshot:
        route = f":[127.0.0.1],{self.sink.port}{flags}\n"
        return snapshot_of(self.scratch, {"esmtproutes": route, **self.files})

    def relay(
        self, *messages: Queued, flags: str = "", change: Callable[[Snapshot], Snapshot] = lambda same: same
    ) -> list[dict[int, Outcome]]:
        async def go() -> list[dict[int, Outcome]]:
            async with serving(self.sink):
                snapshot = change(self.snapshot(flags))
                transport = EsmtpTransport(
                    resolver=RESOLVER, suppression=self.track, clock=SystemClock(), own_addresses=frozenset
                )
                found = []
                for message in messages:
                    numbers = tuple(range(len(message.envelope.recipients)))
                    addresses = tuple(one.address for one in message.envelope.recipients)
                    job = Job(message, Hop("esmtp", "example.net", ""), numbers, addresses, snapshot)
                    found.append(dict(await transport.deliver(job)))
                await transport.close()
                return found

        return asyncio.run(go())


def message(*recipients: Recipient, text: bytes = TEXT, **envelope: object) -> Queued:
    made = queued(*(one.address for one in recipients), text=text)
    changed = replace(made.envelope, recipients=recipients, **envelope)  # type: ignore[arg-type] # its own keywords
    return replace(made, envelope=changed)


JOE, ANN = Recipient("joe@example.net"), Recipient("ann@example.net")


def test_a_message_is_relayed_with_what_the_server_understands(tmp_path: Path) -> None:
    sink = Sink()
    joe = Recipient("joe@example.net", "list+1@example.com", Notify.SUCCESS | Notify.DELAY)
    (outcomes,) = Client(tmp_path, sink).relay(message(joe, ANN, envelope_id="QQ", returns="headers", eight_bit=True))
    assert sink.commands[:4] == [
        "EHLO mx.example.com",
        "MAIL FROM:<alice@example.com> BODY=8BITMIME RET=HDRS ENVID=QQ SIZE=256",
        "RCPT TO:<joe@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;list+2B1@example.com",
        "RCPT TO:<ann@example.net>",
    ]
    assert sink.messages == [TEXT.replace(b"\n", b"\r\n")]
    assert all(isinstance(outcome, Relayed) and outcome.reports for outcome in outcomes.values())
    assert outcomes[0].said.peer == "[127.0.0.1] [127.0.0.1]"
    assert outcomes[0].said.replies == ("250 taken",)


def test_an_answer_to_rcpt_concerns_its_recipient_only(tmp_path: Path) -> None:
    sink = Sink(answers={"RCPT TO:<JOE": "550 no joe", "RCPT TO:<TIM": "451 later"})
    outcomes = Client(tmp_path, sink).relay(message(JOE, ANN, Recipient("tim@example.net")))[0]
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].said.sent == ("RCPT TO:<joe@example.net>",)
    assert outcomes[0].said.replies == ("550 no joe",)
    assert isinstance(outcomes[1], Relayed)
    assert isinstance(outcomes[2], Deferred)


@pytest.mark.parametrize("begin", ["MAIL", "DATA", "DOT"])
@pytest.mark.parametrize(("reply", "kind"), [("550 never", Failed), ("450 later", Deferred)])
def test_other_refusals_concern_everybody(begin: str, reply: str, kind: type[Outcome], tmp_path: Path) -> None:
    outcomes = Client(tmp_path, Sink(answers={begin: reply})).relay(message(JOE, ANN))[0]
    assert [type(outcome) for outcome in outcomes.values()] == [kind, kind]


@pytest.mark.parametrize(("reply", "kind"), [("554 go away", Failed), ("421 busy", Deferred)])
def test_a_refused_greeting_ends_the_attempt(reply: str, kind: type[Outcome], tmp_path: Path) -> None:
    outcomes = Client(tmp_path, Sink(answers={"GREETING": reply})).relay(message(JOE))[0]
    assert isinstance(outcomes[0], kind)


def test_a_server_without_ehlo_gets_helo(tmp_path: Path) -> None:
    sink = Sink(answers={"EHLO": "502 what"})
    outcomes = Client(tmp_path, sink).relay(message(JOE))[0]
    assert sink.commands[1] == "HELO mx.example.com"
    assert isinstance(outcomes[0], Relayed)
    assert not outcomes[0].reports


def test_a_connection_that_breaks_defers_who_is_still_open(tmp_path: Path) -> None:
    outcomes = Client(tmp_path, Sink(answers={"RCPT": "CLOSE"})).relay(message(JOE))[0]
    assert isinstance(outcomes[0], Deferred)
    assert outcomes[0].said.network_error == "Network connection shut down by the remote mail server"


def test_a_connection_serves_the_next_message_after_a_reset(tmp_path: Path) -> None:
    sink = Sink()
    Client(tmp_path, sink).relay(message(JOE), message(ANN))
    assert sink.connections == 1
    assert sink.commands[4] == "RSET"
    assert sink.commands[-1] == "QUIT"
    assert len(sink.messages) == 2


def test_dots_at_line_starts_arrive_wherever_the_text_is_cut(tmp_path: Path) -> None:
    text = b"Subject: dots\n\n.\n..\n.x" + b"\n.y" * 9 + b"\nlast without line end"
    sink = Sink()
    Client(tmp_path, sink).relay(message(JOE, text=text))
    assert sink.messages == [text.replace(b"\n", b"\r\n") + b"\r\n"]


def test_who_wants_no_notice_is_sent_apart_where_the_server_knows_no_dsn(tmp_path: Path) -> None:
    sink = Sink(extensions=("PIPELINING", "8BITMIME"))
    silent = Recipient("ann@example.net", notify=Notify.NEVER)
    Client(tmp_path, sink).relay(message(JOE, silent))
    assert [line for line in sink.commands if line[:4] in ("MAIL", "RCPT")] == [
        "MAIL FROM:<alice@example.com> BODY=7BIT",
        "RCPT TO:<joe@example.net>",
        "MAIL FROM:<> BODY=7BIT",
        "RCPT TO:<ann@example.net>",
    ]


def test_verp_is_one_transaction_where_the_server_knows_it_and_one_each_elsewhere(tmp_path: Path) -> None:
    plain = Sink()
    Client(tmp_path / "plain", plain).relay(message(JOE, ANN, verp=True))
    assert [line.split(" BODY")[0] for line in plain.commands if line.startswith("MAIL")] == [
        "MAIL FROM:<alice-joe=example.net@example.com>",
        "MAIL FROM:<alice-ann=example.net@example.com>",
    ]
    courier = Sink(extensions=("PIPELINING", "XVERP=Courier"))
    Client(tmp_path / "courier", courier).relay(message(JOE, ANN, verp=True))
    assert [line for line in courier.commands if line.startswith("MAIL")] == ["MAIL FROM:<alice@example.com> VERP"]


def test_a_verp_address_escapes_what_has_a_meaning_in_addresses() -> None:
    assert verp("alice@example.com", "j2-x+y@port2.example") == "alice-j2+2Dx+2By=port2.example@example.com"
    assert verp("", "joe@example.net") == ""


def test_an_exdata_reply_is_split_among_the_recipients(tmp_path: Path) -> None:
    sink = Sink(extensions=("XEXDATA",), answers={"DOT": "558-250 Ok. 1\n558-550-bob:\n558 550 no"})
    outcomes = Client(tmp_path, sink).relay(message(JOE, ANN))[0]
    assert isinstance(outcomes[0], Relayed)
    assert isinstance(outcomes[1], Failed)
    assert outcomes[1].said.replies == ("550-bob:", "550 no")


def test_eight_bit_text_is_converted_for_servers_that_take_seven(tmp_path: Path) -> None:
    sink = Sink(extensions=())
    text = "Subject: Hi\n\nGrüße\n".encode()
    Client(tmp_path, sink).relay(message(JOE, text=text, eight_bit=True))
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in sink.messages[0]
    assert b"Gr=C3=BC=C3=9Fe" in sink.messages[0]
    assert b"X-Mime-Autoconverted: from 8bit to quoted-printable by mx.example.com" in sink.messages[0]


def test_utf8_addresses_need_a_server_that_knows_them(tmp_path: Path) -> None:
    joerg = Recipient("jörg@example.net")
    (outcomes,) = Client(tmp_path / "no", Sink()).relay(message(joerg))
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].said.replies[0].startswith("553-")
    sink = Sink(extensions=("SMTPUTF8",))
    (outcomes,) = Client(tmp_path / "yes", sink).relay(message(joerg, smtputf8=True))
    assert isinstance(outcomes[0], Relayed)
    assert sink.commands[1].startswith("MAIL FROM:<alice@example.com> SMTPUTF8")


@pytest.mark.parametrize("offered", ["AUTH PLAIN LOGIN", "AUTH LOGIN", "AUTH CRAM-MD5 PLAIN"])
def test_credentials_of_the_route_are_used_by_the_strongest_method(offered: str, tmp_path: Path) -> None:
    sink = Sink(
        extensions=(offered,),
        answers={"AUTH PLAIN": "235 in", "AUTH LOGIN": "334 VXNlcm5hbWU6", "AUTH CRAM": "334 PDFAbXg+",
                 "YW5uYQ==": "334 UGFzc3dvcmQ6", "C2VJCMV0": "235 in", "YW5UYS": "235 in"},
    )  # fmt: skip
    client = Client(tmp_path, sink)

    def with_login(snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, credentials=(Credentials(f"[127.0.0.1],{sink.port}", "anna", "secret"),))

    sink.answers = {begin.upper(): reply for begin, reply in sink.answers.items()}
    (outcomes,) = client.relay(message(JOE), change=with_login)
    assert isinstance(outcomes[0], Relayed)
    assert any(
        line.startswith(("AUTH PLAIN AGFubmEAc2VjcmV0", "c2VjcmV0", "YW5uYSA", "YW5uYSB")) for line in sink.commands
    )


def test_without_a_common_method_the_mail_fails(tmp_path: Path) -> None:
    sink = Sink(extensions=("AUTH GSSAPI",))

    def with_login(snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, credentials=(Credentials(f"[127.0.0.1],{sink.port}", "anna", "secret"),))

    (outcomes,) = Client(tmp_path, sink).relay(message(JOE), change=with_login)
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].said.replies == ("500 Compatible SASL authentication not available.",)


@pytest.fixture(scope="module")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    directory = tmp_path_factory.mktemp("tls")
    pem = directory / "server.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(pem),
        "-out",
        str(directory / "crt"),
    ]
    subprocess.run([*command, "-subj", "/CN=mx.example.net", "-days", "2"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "crt", pem)
    return context


def test_starttls_is_used_where_it_is_offered(tmp_path: Path, server_context: ssl.SSLContext) -> None:
    sink = Sink(extensions=("STARTTLS",), context=server_context)
    (outcomes,) = Client(tmp_path, sink).relay(message(JOE))
    assert isinstance(outcomes[0], Relayed)
    assert sink.commands[1:3] == ["STARTTLS", "EHLO mx.example.com"]


def test_a_broken_starttls_defers_once_and_is_left_alone_afterwards(tmp_path: Path) -> None:
    sink = Sink(extensions=("STARTTLS",), answers={"STARTTLS": "554 broken"})
    client = Client(tmp_path, sink, {"esmtpdelay": "0\n"})
    first, second = client.relay(message(JOE), message(JOE))
    assert isinstance(first[0], Deferred)
    assert isinstance(second[0], Relayed)
    assert sink.commands.count("STARTTLS") == 1


def test_required_encryption_that_is_not_there_waits(tmp_path: Path) -> None:
    (outcomes,) = Client(tmp_path, Sink()).relay(message(JOE), flags="/SECURITY=REQUIRED")
    assert isinstance(outcomes[0], Deferred)
    assert outcomes[0].said.network_error == "/SECURITY=REQUIRED set, but TLS is not available"


def test_a_secure_channel_that_the_server_does_not_promise_fails(tmp_path: Path) -> None:
    (outcomes,) = Client(tmp_path, Sink(extensions=("STARTTLS",))).relay(message(JOE), flags="/SECURITY=STARTTLS")
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].said.network_error == "/SECURITY set, but TLS is not available"


def test_a_message_that_asks_for_security_fails_at_a_server_without(tmp_path: Path) -> None:
    (outcomes,) = Client(tmp_path, Sink(extensions=("STARTTLS",))).relay(message(JOE, security="starttls"))
    assert isinstance(outcomes[0], Failed)
    assert outcomes[0].said.sent == ("SECURITY=STARTTLS REQUESTED FOR THIS MESSAGE",)
    assert outcomes[0].said.replies == ("500 Unable to set minimum security level.",)


def test_a_certificate_that_does_not_verify_keeps_mail_here(tmp_path: Path, server_context: ssl.SSLContext) -> None:
    sink = Sink(extensions=("STARTTLS",), context=server_context)
    settings = "ESMTP_USE_STARTTLS=1\nCOURIERTLS=/x\nESMTP_TLS_VERIFY_DOMAIN=1\nTLS_TRUSTCERTS=/etc/ssl/certs\n"
    client = Client(tmp_path, sink, {"courierd": settings})
    (outcomes,) = client.relay(message(JOE), flags="/SECURITY=REQUIRED")
    assert isinstance(outcomes[0], Deferred)
    assert sink.messages == []


def test_bounces_of_mail_from_strangers_are_dropped(tmp_path: Path) -> None:
    sink = Sink()
    client = Client(tmp_path, sink, {"courierd": "ESMTP_BLOCKBACKSCATTER=smtp/dsn\n"})
    dropped, sent = client.relay(message(JOE, source="smtp/dsn"), message(JOE, source="authsmtp/dsn"))
    assert dropped[0].said.replies == ("250 Backscatter bounce dropped.",)
    assert sent[0].said.replies == ("250 taken",)


def test_a_host_that_nobody_reaches_rests_for_a_while(tmp_path: Path) -> None:
    async def go() -> None:
        clock = FrozenClock()
        sink = Sink()
        async with serving(sink):
            pass
        files = {"esmtproutes": f":[127.0.0.1],{sink.port}\n", "esmtpdelay": "5m\n"}
        snapshot = snapshot_of(tmp_path, files)
        transport = EsmtpTransport(
            resolver=RESOLVER, suppression=MemoryTrack(clock), clock=clock, own_addresses=frozenset
        )
        job = Job(message(JOE), Hop("esmtp", "example.net", ""), (0,), ("joe@example.net",), snapshot)
        (outcome,) = (await transport.deliver(job)).values()
        assert outcome.said.network_error == "Connection refused"
        async with serving(sink):
            assert isinstance((await transport.deliver(job))[0], Deferred)
            assert sink.connections == 0
            clock.at += 301
            assert isinstance((await transport.deliver(job))[0], Relayed)
            await transport.close()

    asyncio.run(go())


# ---- where to connect ---------------------------------------------------------------------------------------------


def targets(domain: str, route: Route | None = None, own: frozenset[str] = frozenset()) -> list[tuple[str, str, int]]:
    found = asyncio.run(find_targets(domain, route, RESOLVER, own.__contains__, prefer_ipv6=True))
    return [(target.host, target.address, target.port) for target in found]


def nowhere(domain: str, route: Route | None = None, own: frozenset[str] = frozenset()) -> Outcome:
    with pytest.raises(Nowhere) as raised:
        targets(domain, route, own)
    return raised.value.outcome


def test_exchangers_are_tried_by_preference_with_every_address() -> None:
    assert targets("example.net") == [
        ("mx1.example.net", "192.0.2.1", 25),
        ("mx2.example.net", "2001:db8::2", 25),
        ("mx2.example.net", "192.0.2.2", 25),
    ]
    assert targets("plain.example") == [("plain.example", "192.0.2.9", 25)]
    assert targets("[192.0.2.77]") == [("[192.0.2.77]", "192.0.2.77", 25)]


def test_a_route_names_relay_port_and_family() -> None:
    assert targets("x.example", Route("", "plain.example", 2525)) == [("plain.example", "192.0.2.9", 2525)]
    assert targets("x.example", Route("", "[192.0.2.3]")) == [("[192.0.2.3]", "192.0.2.3", 25)]
    only = Route("", "mx2.example.net", None, frozenset({"IPV4ONLY"}))
    assert targets("x.example", only) == [("mx2.example.net", "192.0.2.2", 25)]


@pytest.mark.parametrize(
    ("domain", "kind", "text"),
    [
        ("absent.example", Failed, "No such domain."),
        ("null.example", Failed, "Domain does not receive mail."),
        ("literal.example", Failed, "This domain's DNS violates RFC 1035."),
        ("circle.example", Failed, "This domain's DNS violates RFC 1035."),
        ("silent.example", Deferred, "DNS lookup failed."),
    ],
)
def test_what_dns_says_decides_between_bounce_and_wait(domain: str, kind: type[Outcome], text: str) -> None:
    outcome = nowhere(domain)
    assert isinstance(outcome, kind)
    assert outcome.said.replies == (text,)


def test_a_server_never_sends_mail_to_itself_or_to_those_behind_it() -> None:
    assert targets("example.net", own=frozenset({"192.0.2.2"})) == [("mx1.example.net", "192.0.2.1", 25)]
    outcome = nowhere("example.net", own=frozenset({"192.0.2.1"}))
    assert isinstance(outcome, Failed)
    assert "mail loops back to myself" in outcome.said.replies[0]
    assert len(targets("example.net", Route("", "mx1.example.net"), frozenset({"192.0.2.1"}))) == 1


def test_a_server_knows_itself_by_its_name_as_well() -> None:
    assert targets("example.net", own=frozenset({"mx2.example.net"})) == [("mx1.example.net", "192.0.2.1", 25)]
    assert isinstance(nowhere("example.net", own=frozenset({"mx1.example.net"})), Failed)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_conversion_leaves_no_byte_above_127_in_a_body_and_loses_none(body: str) -> None:
    text = b"Subject: x\nContent-Type: text/plain; charset=utf-8\n\n" + body.encode() + b"\n"
    converted = to_seven_bits(text, "mx.example.com")
    assert converted.isascii()
    before = message_from_bytes(text, policy=policy.compat32).get_payload(decode=True)
    after = message_from_bytes(converted, policy=policy.compat32).get_payload(decode=True)
    assert isinstance(before, bytes)
    assert isinstance(after, bytes)
    assert after.replace(b"\r\n", b"\n").replace(b"\r", b"\n") == before.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
