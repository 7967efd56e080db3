"""AUTH, STARTTLS, and what a listener may demand before it takes mail."""

from __future__ import annotations

import asyncio
import datetime
import hmac
import ssl
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from courier_runtime.seams import Account, Login, Rejected, Unavailable
from courier_runtime.snapshot.model import Snapshot
from runtime.serving import Client, Server, general, serve, site

AUTH = {"ESMTPAUTH": "LOGIN PLAIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256"}
FAILED = "535 Authentication failed."
TEXT = b"Subject: hi\r\n\r\nHello\r\n"


def base64(text: bytes | str) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


BOB = base64("\0bob\0secret")


class Passwords:
    """Two accounts with the same password; that of `down` cannot be looked up."""

    async def find(self, name: str, service: str, snapshot: Snapshot) -> Account | None:
        return Account(name, 5000, 5000, "/home/bob") if name in ("bob", "alice") else None

    async def verify(self, login: Login, service: str, snapshot: Snapshot) -> Account:
        assert service == "esmtp"
        if login.user == "down":
            raise Unavailable
        right = login.password == b"secret"
        if login.mechanism.startswith("CRAM"):
            function = login.mechanism.removeprefix("CRAM-").lower()
            right = hmac.new(b"secret", login.challenge, function).hexdigest().encode() == login.response
        if not right or login.user not in ("bob", "carol@shop.example"):
            raise Rejected
        return Account(login.user, 5000, 5000, "/home/bob")


def certificate(directory: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.example.com")])
    now = datetime.datetime.now(datetime.UTC)
    until = now + datetime.timedelta(days=1)
    number = x509.random_serial_number()
    made = x509.CertificateBuilder(name, name, key.public_key(), number, now, until).sign(key, hashes.SHA256())
    form, no_secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "mx.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, no_secret))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def clear(directory: Path, **variables: str) -> Server:
    """A server without TLS."""
    return Server(site(directory, **variables), authenticator=Passwords())


def secured(directory: Path, *, from_start: bool = False, **variables: str) -> Server:
    """A server that can do TLS."""
    snapshot = site(directory, **variables)
    listener = replace(snapshot.listeners["esmtpd"], tls=certificate(directory), is_tls_from_start=from_start)
    return Server(replace(snapshot, listeners=MappingProxyType({"esmtpd": listener})), authenticator=Passwords())


def trusting() -> ssl.SSLContext:
    """A client's TLS that believes everybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def start_tls(client: Client) -> None:
    assert await client.say("STARTTLS") == "220 Ok"
    await client.writer.start_tls(trusting())


def extensions(reply: str) -> set[str]:
    return {line[4:] for line in reply.split("\n")[1:]}


# ---- logins -------------------------------------------------------------------------------------------------------


def test_mechanisms_are_offered_as_configured(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect()
        offered = extensions(await client.say("EHLO cli.example"))
        assert "AUTH LOGIN PLAIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256" in offered

    serve(clear(tmp_path, **AUTH), talk)


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {BOB}"],
        ["auth plain " + base64("ignored\0bob\0secret")],
        ["AUTH PLAIN", BOB],
        ["AUTH LOGIN", base64("bob"), base64("secret")],
        [f"AUTH LOGIN {base64('bob')}", base64("secret")],
    ],
)
def test_a_password_logs_in(tmp_path: Path, lines: list[str]) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        *asked, last = [await client.say(line) for line in lines]
        assert all(reply.startswith("334") for reply in asked)
        assert last == "235 Ok"

    serve(clear(tmp_path, **AUTH), talk)


def test_login_prompts_are_the_usual_ones(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        assert await client.say("AUTH LOGIN") == f"334 {base64('Username:')}"
        assert await client.say(base64("bob")) == f"334 {base64('Password:')}"

    serve(clear(tmp_path, **AUTH), talk)


@pytest.mark.parametrize("function", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize(("secret", "reply"), [(b"secret", "235 Ok"), (b"wrong", FAILED)])
def test_an_answer_to_a_challenge_logs_in(tmp_path: Path, function: str, secret: bytes, reply: str) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        asked = b64decode((await client.say(f"AUTH CRAM-{function.upper()}")).removeprefix("334 "))
        assert asked.startswith(b"<")
        assert asked.endswith(b"@mx.example.com>")
        digest = hmac.new(secret, asked, function).hexdigest()
        assert await client.say(base64(f"bob {digest}")) == reply

    serve(clear(tmp_path, **AUTH), talk)


def test_no_two_challenges_are_alike(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        asked = {await (await server.greeted()).say("AUTH CRAM-MD5") for _ in range(5)}
        assert len(asked) == 5

    serve(clear(tmp_path, **AUTH), talk)


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {base64(chr(0) + 'bob' + chr(0) + 'wrong')}"],
        ["AUTH PLAIN ="],
        ["AUTH PLAIN *"],
        ["AUTH PLAIN", "*"],
        ["AUTH PLAIN no-base64!"],
        ["AUTH PLAIN", base64("bob")],
        ["AUTH LOGIN", "*"],
        ["AUTH CRAM-MD5", base64("bob")],
        ["AUTH SCRAM-SHA-256 x"],
        ["AUTH EXTERNAL ="],
    ],
)
def test_a_login_that_fails_can_be_tried_again(tmp_path: Path, lines: list[str]) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        replies = [await client.say(line) for line in lines]
        assert replies[-1] == FAILED
        assert await client.say(f"AUTH PLAIN {BOB}") == "235 Ok"

    serve(clear(tmp_path, **AUTH), talk)


def test_a_failure_is_logged_with_no_more_than_the_user(tmp_path: Path) -> None:
    server = clear(tmp_path, **AUTH)
    response = base64("\0bob\0a very wrong password")

    async def talk(server: Server) -> None:
        await (await server.greeted()).say(f"AUTH PLAIN {response}")

    serve(server, talk)
    assert server.log.lines[-1].endswith(f',msg="{FAILED}",cmd: AUTH PLAIN {response[:20]} bob')


def test_a_back_end_that_fails_is_no_wrong_password(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        reply = await client.say(f"AUTH PLAIN {base64(chr(0) + 'down' + chr(0) + 'secret')}")
        assert reply == "454 Temporary authentication failure."

    serve(clear(tmp_path, **AUTH), talk)


def test_a_login_may_relay_and_is_blocked_no_more(tmp_path: Path) -> None:
    server = clear(tmp_path, **AUTH, BLOCK="No", AUTHRELAYCLIENT="")

    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.say("MAIL FROM:<bob@example.com>")
        assert await client.say("RCPT TO:<friend@remote.example>") == "513 Relaying denied."
        assert await client.say("RCPT TO:<alice@example.com>") == "511 No"
        await client.say("RSET")
        assert await client.say(f"AUTH PLAIN {BOB}") == "235 Ok"
        assert general(await client.mail(TEXT, "friend@remote.example")) == "250 Ok. ID"

    serve(server, talk)
    envelope = server.stored.envelopes[0]
    assert (envelope.login, envelope.source) == ("bob", "authsmtp")
    assert b"\n  (AUTH: PLAIN bob)\n  by mx.example.com with ESMTPA\n" in server.stored.text
    assert any(", auth=bob: dns; cli.example" in line for line in server.log.lines)


def test_one_login_is_enough_and_none_comes_within_a_transaction(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.say("MAIL FROM:<bob@example.com>")
        assert await client.say(f"AUTH PLAIN {BOB}") == "502 ESMTP command error"
        await client.say("RSET")
        assert await client.say(f"AUTH PLAIN {BOB}") == "235 Ok"
        assert await client.say(f"AUTH PLAIN {BOB}") == "502 ESMTP command error"

    serve(clear(tmp_path, **AUTH), talk)


def test_without_mechanisms_every_login_is_rejected(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        assert await (await server.greeted()).say(f"AUTH PLAIN {BOB}") == "535 Authentication rejected"

    serve(clear(tmp_path), talk)


def test_a_listener_may_want_a_login_before_anything(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect()
        for line in ("EHLO cli.example", "NOOP", "RSET"):
            assert (await client.say(line)).startswith("250"), line
        for line in ("MAIL FROM:<bob@example.com>", "VRFY alice", "DATA", "FOO"):
            assert await client.say(line) == "535 Authentication required.", line
        assert await client.say(f"AUTH PLAIN {BOB}") == "235 Ok"
        assert general(await client.mail(TEXT)) == "250 Ok. ID"

    serve(clear(tmp_path, **AUTH, AUTH_REQUIRED="1"), talk)


# ---- TLS ----------------------------------------------------------------------------------------------------------


def test_a_session_turns_to_tls_and_needs_no_new_greeting(tmp_path: Path) -> None:
    server = secured(tmp_path)

    async def talk(server: Server) -> None:
        client = await server.connect()
        assert "STARTTLS" in extensions(await client.say("EHLO cli.example"))
        await start_tls(client)
        assert general(await client.mail(TEXT)) == "250 Ok. ID"
        assert "STARTTLS" not in extensions(await client.say("EHLO cli.example"))
        assert await client.say("STARTTLS") == "540 TLS not available."

    serve(server, talk)
    assert b"\n  (TLS: TLS1.3,256bits,TLS_AES_256_GCM_SHA384)\n  by mx.example.com with ESMTPS\n" in server.stored.text


def test_a_login_under_tls_is_in_the_trace_header(tmp_path: Path) -> None:
    server = secured(tmp_path, ESMTPAUTH="", ESMTPAUTH_TLS="PLAIN")

    async def talk(server: Server) -> None:
        client = await server.connect()
        assert not any(word.startswith("AUTH") for word in extensions(await client.say("EHLO cli.example")))
        assert await client.say(f"AUTH PLAIN {BOB}") == "535 Authentication rejected"
        client = await server.greeted()
        await start_tls(client)
        assert "AUTH PLAIN" in extensions(await client.say("EHLO cli.example"))
        assert await client.say(f"AUTH PLAIN {BOB}") == "235 Ok"
        await client.mail(TEXT)

    serve(server, talk)
    assert b"  (AUTH: PLAIN bob, TLS: TLS1.3," in server.stored.text
    assert b" with ESMTPSA\n" in server.stored.text


def test_connections_may_begin_with_tls(tmp_path: Path) -> None:
    server = secured(tmp_path, from_start=True)

    async def talk(server: Server) -> None:
        host, port = server.listener.addresses[0]
        client = Client(*await asyncio.open_connection(host, port, ssl=trusting()))
        assert await client.reply() == "220 mx.example.com ESMTP"
        assert "STARTTLS" not in extensions(await client.say("EHLO cli.example"))
        await client.mail(TEXT)

    serve(server, talk)
    assert b"  (SSL: TLS1.3," in server.stored.text


def test_what_was_sent_before_the_handshake_is_forgotten(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        client.send(b"STARTTLS\r\nRSET\r\nFOO\r\n")
        assert await client.reply() == "220 Ok"
        await client.writer.start_tls(trusting())
        assert await client.say("NOOP") == "250 Ok"

    serve(secured(tmp_path), talk)


@pytest.mark.parametrize("line", ["MAIL FROM:<a@b.example>", "VRFY alice", "EXPN team", "RSET", "AUTH PLAIN x"])
def test_tls_is_offered_at_the_beginning_only(tmp_path: Path, line: str) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.say(line)
        assert await client.say("STARTTLS") == "540 TLS not available."
        assert "STARTTLS" not in extensions(await client.say("EHLO cli.example"))

    serve(secured(tmp_path), talk)


def test_a_listener_may_want_tls_before_anything(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.greeted()
        for line in ("MAIL FROM:<bob@example.com>", "NOOP", "AUTH PLAIN x", "FOO"):
            assert await client.say(line) == "400 STARTTLS is required first.", line
        await start_tls(client)
        assert general(await client.mail(TEXT)) == "250 Ok. ID"

    serve(secured(tmp_path, ESMTP_TLS_REQUIRED="1"), talk)


def test_a_listener_that_wants_tls_and_has_none_turns_everybody_away(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        assert await client.closes() == b"440 TLS not available,  but it's required for this connection.\r\n"

    serve(clear(tmp_path, ESMTP_TLS_REQUIRED="1"), talk)


def test_a_failed_handshake_is_logged_and_ends_the_session(tmp_path: Path) -> None:
    server = secured(tmp_path)

    async def talk(server: Server) -> None:
        client = await server.greeted()
        await client.say("STARTTLS")
        client.send(b"this is no TLS\r\n\r\n")
        await client.closes()

    serve(server, talk)
    assert any(line.startswith("courieresmtpd: courieresmtpd: STARTTLS failed: ") for line in server.log.lines)
