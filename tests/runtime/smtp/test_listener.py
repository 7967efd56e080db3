"""Who is let in: limits, the access table, DNS lists, proxies; and how a listener changes and ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from courier_runtime.dns.scripted import ScriptedResolver
from courier_runtime.mail.terms import Terms
from courier_runtime.observe.metrics import NoMetrics
from courier_runtime.seams import Exchange, Resolver
from runtime.serving import Server, general, serve, site

TEXT = b"Subject: hi\r\n\r\nHello\r\n"


def access(*records: tuple[str, str]) -> dict[str, dict[str, str]]:
    return {"smtpaccess.dat": dict(records)}


# ---- limits -------------------------------------------------------------------------------------------------------


def test_one_address_has_so_many_sessions(tmp_path: Path) -> None:
    server = Server(site(tmp_path, MAXPERIP="2"))

    async def talk(server: Server) -> None:
        first, second = await server.connect(), await server.connect()
        third = await server.connect(is_greeted=False)
        assert await third.closes() == b""
        assert (await server.connect("127.0.0.2")).reader
        first.writer.close()
        await asyncio.sleep(0.05)
        fourth = await server.connect()
        assert [await client.say("NOOP") for client in (second, fourth)] == ["250 Ok", "250 Ok"]

    serve(server, talk)
    assert "courieresmtpd: Maximum connection limit reached for ::ffff:127.0.0.1" in server.log.lines


def test_a_block_of_addresses_has_so_many_sessions(tmp_path: Path) -> None:
    server = Server(site(tmp_path, MAXPERC="2"))

    async def talk(server: Server) -> None:
        kept = [await server.connect(source) for source in ("127.0.0.1", "127.0.0.2", "127.0.1.3")]
        assert await (await server.connect("127.0.0.3", is_greeted=False)).closes() == b""
        assert await kept[0].say("NOOP") == "250 Ok"

    serve(server, talk)
    assert not any("Maximum connection limit" in line for line in server.log.lines)


@pytest.mark.parametrize(
    ("is_scarce", "silent", "noted"), [(False, ["127.0.0.1"], 0), (True, [], 1), (True, ["127.0.0.1"], 2)]
)
def test_clients_and_lookups_that_find_hardly_a_descriptor_are_counted(
    is_scarce: bool, silent: list[str], noted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    monkeypatch.setattr("courier_runtime.smtp.listener.are_scarce", lambda: is_scarce)
    monkeypatch.setattr(NoMetrics, "count", lambda self, name, value=1.0, **labels: counted.append(name))
    server = Server(site(tmp_path, TCPDOPTS=""), resolver=ScriptedResolver(silent=frozenset(silent)))

    async def talk(server: Server) -> None:
        await server.connect()

    serve(server, talk)
    assert counted.count("descriptor_shortages") == noted


def test_a_client_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        kept = [await server.connect("127.0.0.9") for _ in range(3)]
        assert await (await server.connect("127.0.0.9", is_greeted=False)).closes() == b""
        assert await kept[0].say("NOOP") == "250 Ok"

    serve(Server(site(tmp_path, {}, access(("127.0.0.9", "allow,MAXCPERIP=3")), MAXPERIP="1")), talk)


def test_clients_beyond_the_last_place_wait_until_one_is_free(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        first = await server.connect()
        second = await server.connect(is_greeted=False)
        waiting = asyncio.create_task(second.reply())
        done, _ = await asyncio.wait((waiting,), timeout=0.2)
        assert not done
        await first.say("QUIT")
        assert await waiting == "220 mx.example.com ESMTP"

    serve(Server(site(tmp_path, MAXDAEMONS="1")), talk)


def test_a_listener_that_fills_up_says_so_once(tmp_path: Path) -> None:
    server = Server(site(tmp_path, MAXDAEMONS="2"))

    async def talk(server: Server) -> None:
        kept = [await server.connect() for _ in range(2)]
        assert await kept[0].say("NOOP") == "250 Ok"

    serve(server, talk)
    assert [line for line in server.log.lines if "active connections" in line] == [
        "courieresmtpd: 1 active connections."
    ]


# ---- the access table ---------------------------------------------------------------------------------------------


def test_who_is_denied_is_hung_up_on(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        assert await (await server.connect("127.0.0.9", is_greeted=False)).closes() == b""
        await server.connect("127.0.0.1")

    serve(Server(site(tmp_path, {}, access(("127.0.0.9", "deny")))), talk)


def test_who_is_denied_may_be_told(tmp_path: Path) -> None:
    async def talk(server: Server) -> None:
        assert await (await server.connect(is_greeted=False)).closes() == b"Go away\r\n"

    snapshot = site(tmp_path, {}, access(("*", "deny")), TCPDOPTS='-nodnslookup "-denymsg=Go away"')
    serve(Server(snapshot), talk)


def test_the_most_specific_record_sets_variables(tmp_path: Path) -> None:
    records = access(("127", "allow,RELAYCLIENT"), ("127.0.0.9", "allow,BLOCK=511 No"))

    async def talk(server: Server) -> None:
        relay = await server.greeted("127.0.0.1")
        await relay.say("MAIL FROM:<a@b.example>")
        assert await relay.say("RCPT TO:<friend@remote.example>") == "250 Ok."
        blocked = await server.greeted("127.0.0.9")
        await blocked.say("MAIL FROM:<a@b.example>")
        assert await blocked.say("RCPT TO:<friend@remote.example>") == "513 Relaying denied."
        assert await blocked.say("RCPT TO:<alice@example.com>") == "511 No"

    serve(Server(site(tmp_path, {}, records)), talk)


def test_a_record_may_change_any_setting_of_the_listener(tmp_path: Path) -> None:
    records = access(("127.0.0.9", "allow,SIZELIMIT=100,BOFHNOVRFY=1"))

    async def talk(server: Server) -> None:
        small = await server.greeted("127.0.0.9")
        assert await small.say("VRFY alice") == "252 VRFY disabled"
        assert await small.say("MAIL FROM:<a@b.example> SIZE=101") == "534 SIZE=Message too big."
        assert await (await server.greeted("127.0.0.8")).say("VRFY alice") == "250 <alice@example.com>"

    serve(Server(site(tmp_path, {}, records)), talk)


# ---- the DNS ------------------------------------------------------------------------------------------------------

LISTS = (
    "-allow=friends.example=good-friends,BLOCK, -block=bad.example,BLOCK,550_Listed_as_@ -block=text.example,BLOCK,* "
    "-block=three.example,BLOCK/127.0.0.3,third -block=mark.example,BLOCK2,marked"
)
RESOLVER = ScriptedResolver(
    hosts={
        "5.0.0.127.friends.example": ("127.0.0.2",),
        "5.0.0.127.bad.example": ("127.0.0.2",),
        "6.0.0.127.bad.example": ("127.0.0.2",),
        "7.0.0.127.text.example": ("127.0.0.2",),
        "8.0.0.127.three.example": ("127.0.0.2",),
        "9.0.0.127.three.example": ("127.0.0.2", "127.0.0.3"),
        "10.0.0.127.mark.example": ("127.0.0.2",),
    },
    texts_of={"5.0.0.127.friends.example": ("nice people",), "7.0.0.127.text.example": ("450 Ask us",)},
    names={"127.0.0.6": "mail.remote.example"},
    silent=frozenset({"127.0.0.7"}),
)


@pytest.mark.parametrize(
    ("client", "reply"),
    [
        ("127.0.0.5", "250 Ok."),
        ("127.0.0.6", "550 550_Listed_as_::ffff:127.0.0.6"),
        ("127.0.0.7", "450 Ask us"),
        ("127.0.0.8", "250 Ok."),
        ("127.0.0.9", "511 third"),
        ("127.0.0.10", "250 Ok."),
    ],
)
def test_lists_block_clients_or_speak_for_them(tmp_path: Path, client: str, reply: str) -> None:
    async def talk(server: Server) -> None:
        one = await server.greeted(client)
        await one.say("MAIL FROM:<a@b.example>")
        assert await one.say("RCPT TO:<alice@example.com>") == reply

    serve(Server(site(tmp_path, BLACKLISTS=LISTS), resolver=RESOLVER), talk)


def test_a_recommendation_is_told_in_a_header(tmp_path: Path) -> None:
    server = Server(site(tmp_path, BLACKLISTS=LISTS, ALLOW_EXCLUSIVE="1"), resolver=RESOLVER)

    async def talk(server: Server) -> None:
        client = await server.greeted("127.0.0.5")
        assert general(await client.mail(b"Authentication-Results: forged\r\n" + TEXT)) == "250 Ok. ID"

    serve(server, talk)
    assert (
        b"Authentication-Results: mx.example.com;\n    dnswl=pass dns.zone=good-friends\n"
        b'    policy.ip=127.0.0.2\n    policy.txt="nice people"\nOld-Authentication-Results: forged\n'
    ) in server.stored.text


def test_blocked_clients_may_be_dropped(tmp_path: Path) -> None:
    server = Server(site(tmp_path, BLACKLISTS=LISTS, DROP="-drop"), resolver=RESOLVER)

    async def talk(server: Server) -> None:
        assert await (await server.connect("127.0.0.6", is_greeted=False)).closes() == b""
        await server.connect("127.0.0.5")

    serve(server, talk)
    assert "courieresmtpd: dropped blocked connection from ::ffff:127.0.0.6" in server.log.lines


@pytest.mark.parametrize(
    ("client", "origin"),
    [
        ("127.0.0.6", "cli.example (mail.remote.example [::ffff:127.0.0.6])"),
        ("127.0.0.7", "cli.example ([::ffff:127.0.0.7])"),
        ("127.0.0.8", "cli.example ([::ffff:127.0.0.8])"),
    ],
)
def test_verified_names_are_in_the_trace_header(tmp_path: Path, client: str, origin: str) -> None:
    server = Server(site(tmp_path, TCPDOPTS=""), resolver=RESOLVER)

    async def talk(server: Server) -> None:
        await (await server.greeted(client)).mail(TEXT)

    serve(server, talk)
    assert server.stored.text.startswith(f"Received: from {origin}\n".encode())


# ---- proxies ------------------------------------------------------------------------------------------------------


def test_a_proxy_tells_who_is_behind_it(tmp_path: Path) -> None:
    server = Server(site(tmp_path, TCPDOPTS="-nodnslookup -haproxy=5"))

    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        client.send(b"PROXY TCP4 192.0.2.7 192.0.2.25 4711 25\r\nEHLO cli.example\r\n")
        assert await client.reply() == "220 mx.example.com ESMTP"
        await client.reply()
        await client.mail(TEXT)

    serve(server, talk)
    trace = b"Received: from cli.example ([::ffff:192.0.2.7])\n  (IDENT: proxy via ::ffff:127.0.0.1, port "
    assert server.stored.text.startswith(trace)


@pytest.mark.parametrize("first", [b"EHLO cli.example\r\n", b"PROXY nonsense\r\n", b"PROXY TCP4 1.2.3.4\r\n"])
def test_who_tells_nothing_is_hung_up_on(tmp_path: Path, first: bytes) -> None:
    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        client.send(first)
        client.writer.write_eof()
        assert await client.closes() == b""

    serve(Server(site(tmp_path, TCPDOPTS="-nodnslookup -haproxy=5")), talk)


# ---- virtual configurations ---------------------------------------------------------------------------------------


def test_an_address_of_the_server_may_have_its_own_names_and_limits(tmp_path: Path) -> None:
    files = {
        "vhost.127.0.0.1": "",
        "me.127.0.0.1": "mail.shop.example\n",
        "esmtpgreeting.127.0.0.1": "mail.shop.example at your service\n",
        "sizelimit.127.0.0.1": "1000\n",
        "queuetime.127.0.0.1": "1h\n",
    }
    server = Server(site(tmp_path, files))

    async def talk(server: Server) -> None:
        client = await server.connect(is_greeted=False)
        assert await client.reply() == "220 mail.shop.example at your service"
        assert (await client.say("EHLO cli.example")).startswith("250-mail.shop.example Ok.")
        assert await client.say("MAIL FROM:<a@b.example> SIZE=1001") == "534 SIZE=Message too big."
        await client.mail(TEXT)

    serve(server, talk)
    assert b"  by mail.shop.example with ESMTP\n" in server.stored.text
    assert server.stored.envelopes[0].virtual_host == "127.0.0.1"
    assert server.stored.terms == Terms(queue=3600.0)


# ---- change and end -----------------------------------------------------------------------------------------------


def test_sessions_stay_with_the_snapshot_that_they_began_with(tmp_path: Path) -> None:
    old, new = site(tmp_path / "old"), site(tmp_path / "new", {"me": "new.example.com\n", "sizelimit": "10\n"})

    async def talk(server: Server) -> None:
        client = await server.greeted()
        server.listener.adopt(new)
        assert (await client.say("HELO x")) == "250 mx.example.com Ok."
        assert await client.say("MAIL FROM:<a@b.example> SIZE=11") == "250 Ok."
        fresh = await server.connect(is_greeted=False)
        assert await fresh.reply() == "220 new.example.com ESMTP"
        await fresh.say("EHLO x")
        assert await fresh.say("MAIL FROM:<a@b.example> SIZE=11") == "534 SIZE=Message too big."

    serve(Server(old), talk)


def test_a_session_that_began_before_a_change_hands_mail_in_under_the_old_terms(tmp_path: Path) -> None:
    files = {"queuetime": "2d\n", "faxqueuetime": "1h\n", "warntime": "0\n", "submitdelay": "90\n"}
    old, new = site(tmp_path / "old", files), site(tmp_path / "new")

    async def talk(server: Server) -> None:
        client = await server.greeted()
        server.listener.adopt(new)
        fresh = await server.greeted()
        for one in (client, fresh):
            await one.mail(TEXT, "alice@example.com")

    server = Server(old)
    serve(server, talk)
    before, after = server.shelf.stored
    assert before.terms == Terms(queue=172800.0, fax_queue=3600.0, warning=0.0, delay=90.0)
    assert after.terms == Terms()


def test_a_listener_that_stops_lets_a_message_finish_and_idle_clients_go(tmp_path: Path) -> None:
    server = Server(site(tmp_path))

    async def whole() -> None:
        async with server.running():
            idle, busy = await server.greeted(), await server.greeted()
            for line in ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.com>", "DATA"):
                await busy.say(line)
            asyncio.get_running_loop().call_later(0.2, busy.send, TEXT + b".\r\nQUIT\r\n")
        assert await idle.closes() == b""
        assert general((await busy.closes()).decode()) == "250 Ok. ID\r\n221 Bye.\r\n"

    asyncio.run(whole())
    assert server.stored.text.endswith(b"Hello\n")


# ---- defects ------------------------------------------------------------------------------------------------------


class Defective:
    """A resolver with a defect that nobody has thought of."""

    async def exchanges(self, domain: str, *, prefer_ipv6: bool = False) -> tuple[Exchange, ...]:
        raise ZeroDivisionError(domain)


def test_a_defect_ends_its_session_alone_and_is_told(tmp_path: Path) -> None:
    server = Server(site(tmp_path, BOFHCHECKDNS="1"), resolver=cast(Resolver, Defective()))

    async def talk(server: Server) -> None:
        client, other = await server.greeted(), await server.greeted()
        client.send("MAIL FROM:<ann@remote.example>")
        assert await client.closes() == b""
        assert await other.say("NOOP") == "250 Ok"

    serve(server, talk)
    (told,) = [line for line in server.log.lines if "crashed" in line]
    assert told.startswith("courieresmtpd: a session crashed: Traceback")
    assert told.endswith("ZeroDivisionError: remote.example\n")
