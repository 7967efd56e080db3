"""What a domain's policy says of a client, by RFC 7208, and by Courier's habits where they differ."""

from __future__ import annotations

import asyncio

import pytest

from courier_runtime.dns.scripted import ScriptedResolver
from courier_runtime.spf.evaluate import Verdict, evaluate, question_about
from courier_runtime.spf.record import Result

TEXTS = {
    "pass.example": ("v=spf1 ip4:192.0.2.1 -all",),
    "upper.example": ("V=SPF1 IP4:192.0.2.1 -ALL",),
    "net.example": ("v=spf1 ip4:192.0.2.0/24 -all",),
    "six.example": ("v=spf1 ip6:2001:db8::/32 -all",),
    "fail.example": ("v=spf1 -all",),
    "soft.example": ("v=spf1 ~all",),
    "neutral.example": ("v=spf1 ?all",),
    "silent.example": ("v=spf1",),
    "text.example": ("something else",),
    "several.example": ("something else", "v=spf1 +all"),
    "two.example": ("v=spf1 +all", "v=spf1 -all"),
    "typo.example": ("v=spf1 ipv4:192.0.2.1 ip4:nonsense a:%{zz} -all",),
    "a.example": ("v=spf1 a -all",),
    "a24.example": ("v=spf1 a:other.example/24 -all",),
    "a32.example": ("v=spf1 a:other.example -all",),
    "mx.example": ("v=spf1 mx -all",),
    "nomx.example": ("v=spf1 mx -all",),
    "ptr.example": ("v=spf1 ptr:mail.example -all",),
    "exists.example": ("v=spf1 exists:%{ir}.%{l}.list.example -all",),
    "include.example": ("v=spf1 include:pass.example -all",),
    "excluded.example": ("v=spf1 include:fail.example ?all",),
    "lost.example": ("v=spf1 include:nowhere.example +all",),
    "redirect.example": ("v=spf1 redirect=fail.example",),
    "redirected.example": ("v=spf1 redirect=pass.example",),
    "astray.example": ("v=spf1 redirect=nothing.example",),
    "loop.example": ("v=spf1 include:loop.example -all",),
    "asking.example": ("v=spf1 a:down.example -all",),
    "why.example": ("v=spf1 -all exp=text.why.example",),
    "text.why.example": ("%{i} is not %{d}'s, %{s}%_%%",),
    "mute.example": ("v=spf1 -all exp=nothing.example",),
}
DNS = ScriptedResolver(
    hosts={
        "a.example": ("192.0.2.1", "2001:db8::1"),
        "other.example": ("192.0.2.77",),
        "host.mx.example": ("192.0.2.1",),
        "nomx.example": ("192.0.2.1",),
        "1.2.0.192.ann.list.example": ("127.0.0.2",),
        "nothing.example": ("192.0.2.9",),
    },
    exchangers={"mx.example": ((10, "host.mx.example"),)},
    texts_of=TEXTS,
    silent=frozenset({"down.example"}),
)


def ask(domain: str, ip: str = "::ffff:192.0.2.1", client_name: str = "", sender: str = "") -> Verdict:
    question = question_about(
        sender or f"ann@{domain}", ip, helo="cli.example", receiver="mx.example.org", client_name=client_name, now=0.0
    )
    return asyncio.run(evaluate(domain, question, DNS))


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("pass.example", "pass"),
        ("upper.example", "pass"),
        ("net.example", "pass"),
        ("six.example", "fail"),
        ("fail.example", "fail"),
        ("soft.example", "softfail"),
        ("neutral.example", "neutral"),
        ("silent.example", "neutral"),
        ("several.example", "pass"),
        ("a.example", "pass"),
        ("a24.example", "pass"),
        ("a32.example", "fail"),
        ("mx.example", "pass"),
        ("nomx.example", "fail"),
        ("exists.example", "pass"),
        ("include.example", "pass"),
        ("excluded.example", "neutral"),
        ("redirect.example", "fail"),
        ("redirected.example", "pass"),
    ],
)
def test_the_first_term_that_matches_decides(domain: str, result: str) -> None:
    assert ask(domain).result == result


@pytest.mark.parametrize(
    ("domain", "result"),
    [
        ("nothing.example", "none"),
        ("nowhere.example", "unknown"),
        ("text.example", "unknown"),
        ("two.example", "unknown"),
        ("lost.example", "unknown"),
        ("astray.example", "unknown"),
        ("down.example", "error"),
        ("asking.example", "error"),
    ],
)
def test_where_there_is_no_one_policy_nothing_passes(domain: str, result: Result) -> None:
    assert ask(domain) == Verdict(result)


def test_terms_that_cannot_be_read_are_passed_over() -> None:
    assert ask("typo.example").result == "fail"


def test_ipv6_clients_have_terms_of_their_own() -> None:
    assert ask("six.example", "2001:db8::5").result == "pass"
    assert ask("pass.example", "2001:db8::5").result == "fail"
    assert ask("a.example", "2001:db8::1").result == "pass"


@pytest.mark.parametrize(
    ("name", "result"),
    [("mail.example", "pass"), ("a.mail.example", "pass"), ("snail-mail.example", "fail"), ("", "fail")],
)
def test_a_verified_name_may_lie_below_the_one_that_is_named(name: str, result: str) -> None:
    assert ask("ptr.example", client_name=name).result == result


def test_questions_are_counted() -> None:
    assert ask("loop.example") == Verdict("unknown", "Maximum of 20 nested SPF queries exceeded.")


def test_a_failure_is_explained_in_the_domains_own_words() -> None:
    assert ask("why.example") == Verdict("fail", "192.0.2.1 is not why.example's, ann@why.example %")
    assert ask("mute.example") == Verdict("fail")


def test_a_name_without_a_local_part_is_judged_as_its_postmaster() -> None:
    assert ask("why.example", sender="why.example").explanation.endswith("postmaster@why.example %")


class Slow(ScriptedResolver):
    """Each answer takes its time, though none takes too long."""

    async def texts(self, name: str) -> tuple[str, ...]:
        await asyncio.sleep(0.05)
        return await super().texts(name)


def test_all_questions_together_have_to_end_in_time() -> None:
    chain = {f"{number}.example": (f"v=spf1 redirect={number + 1}.example",) for number in range(10)}
    resolver = Slow(texts_of={**chain, "10.example": ("v=spf1 +all",)})
    question = question_about(
        "ann@0.example", "192.0.2.1", helo="cli.example", receiver="mx.example.org", client_name="", now=0.0
    )
    assert asyncio.run(evaluate("0.example", question, resolver, patience=0.2)) == Verdict("error")
    assert asyncio.run(evaluate("0.example", question, resolver)) == Verdict("pass")
