"""The resolver tells "no" from "nobody answers", and finds mail servers as RFC 5321 has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from courier_runtime.commands.testmxlookup import look_up
from courier_runtime.dns.names import mapped, plain
from courier_runtime.dns.resolver import DnsResolver
from courier_runtime.seams import BadRecords, Exchange, LookupFailed, NoSuchName

T = TypeVar("T")

ZONE = {
    ("example.net.", "MX"): ["20 mx2.example.net.", "10 mx1.example.net."],
    ("mx1.example.net.", "A"): ["192.0.2.1"],
    ("mx2.example.net.", "A"): ["192.0.2.2"],
    ("mx2.example.net.", "AAAA"): ["2001:db8::2"],
    ("plain.example.", "A"): ["192.0.2.9"],
    ("null.example.", "MX"): ["0 ."],
    ("literal.example.", "MX"): ["10 192.0.2.5."],
    ("dangling.example.", "MX"): ["10 gone.example."],
    ("uncertain.example.", "MX"): ["10 servfail.example."],
    ("text.example.", "TXT"): ['"v=spf1 " "-all"'],
    ("1.2.0.192.in-addr.arpa.", "PTR"): ["mx1.example.net."],
    ("9.2.0.192.in-addr.arpa.", "PTR"): ["mx1.example.net."],
    ("xn--grn-ioa.example.", "A"): ["192.0.2.30"],
    ("a.circle.example.", "CNAME"): ["b.circle.example."],
    ("b.circle.example.", "CNAME"): ["a.circle.example."],
}


class NameServer(asyncio.DatagramProtocol):
    """Answers from the zone; `servfail` names fail."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        (question,) = query.question
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if "servfail" in name:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif (name, "CNAME") in ZONE:
            for owner in ("a.circle.example.", "b.circle.example."):
                answer.answer.append(dns.rrset.from_text(owner, 60, "IN", "CNAME", *ZONE[owner, "CNAME"]))
        elif (name, kind) in ZONE:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
        elif not any(known == name for known, _ in ZONE):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(answer.to_wire(), addr)


def asked(question: Callable[[DnsResolver], Awaitable[T]]) -> T:
    async def go() -> T:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
        try:
            return await question(DnsResolver(("127.0.0.1",), transport.get_extra_info("sockname")[1]))
        finally:
            transport.close()

    return asyncio.run(go())


def test_exchangers_come_by_preference_with_their_addresses() -> None:
    assert asked(lambda resolver: resolver.exchanges("example.net", prefer_ipv6=True)) == (
        Exchange(10, "mx1.example.net", ("192.0.2.1",)),
        Exchange(20, "mx2.example.net", ("2001:db8::2", "192.0.2.2")),
    )


def test_without_mx_the_domain_itself_takes_mail() -> None:
    assert asked(lambda resolver: resolver.exchanges("plain.example")) == (
        Exchange(-1, "plain.example", ("192.0.2.9",)),
    )


def test_a_null_mx_takes_none() -> None:
    assert asked(lambda resolver: resolver.exchanges("null.example")) == (Exchange(0, ""),)


@pytest.mark.parametrize(
    ("domain", "trouble"),
    [
        ("absent.example", NoSuchName),
        ("dangling.example", NoSuchName),
        ("literal.example", BadRecords),
        ("servfail.example", LookupFailed),
        ("uncertain.example", LookupFailed),
        ("a.circle.example", BadRecords),
        ("x" * 70 + ".example", NoSuchName),
        ("two..dots.example", NoSuchName),
    ],
)
def test_no_and_no_answer_are_different(domain: str, trouble: type[Exception]) -> None:
    with pytest.raises(trouble):
        asked(lambda resolver: resolver.exchanges(domain))


def test_names_beyond_ascii_are_asked_for_in_their_ascii_form() -> None:
    assert asked(lambda resolver: resolver.addresses("grün.example")) == ("192.0.2.30",)


def test_texts_are_joined() -> None:
    assert asked(lambda resolver: resolver.texts("text.example")) == ("v=spf1 -all",)


def test_a_host_name_counts_only_if_it_has_the_address() -> None:
    assert asked(lambda resolver: resolver.name_of("::ffff:192.0.2.1")) == "mx1.example.net"
    assert asked(lambda resolver: resolver.name_of("192.0.2.9")) is None
    assert asked(lambda resolver: resolver.name_of("192.0.2.77")) is None


def test_testmxlookup_prints_what_couriers_does() -> None:
    lines, is_good = asked(lambda resolver: look_up(["plain.example", "absent.example", "servfail.example"], resolver))
    assert lines == [
        "Domain plain.example:",
        "Relay: plain.example, Priority: -1, Address: ::ffff:192.0.2.9",
        "absent.example: hard error.",
        "servfail.example: soft error.",
    ]
    assert not is_good


def test_addresses_are_written_as_courier_writes_them() -> None:
    assert mapped("192.0.2.1") == "::ffff:192.0.2.1"
    assert mapped("::ffff:192.0.2.1") == "::ffff:192.0.2.1"
    assert mapped("2001:db8:0::1") == "2001:db8::1"
    assert plain("::ffff:192.0.2.1") == "192.0.2.1"
    assert plain("2001:db8::1") == "2001:db8::1"
