"""Guards: what they refuse, where exactly they begin to, and the word that lets it pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from compiler.planning_sites import OWNED, installed, plan_between
from courier_compiler.applying.installed import MemoryTree
from courier_compiler.planning.guards import WORDS, Limits
from courier_compiler.planning.plan import Options, Plan

HASH = '"$6$saltsalt$0123456789abcdef"'
ANNA = OWNED + f"accounts: {{anna: {{password: {HASH}}}}}\n"
CERTIFICATE = "tls: {certificate: /etc/ssl/mx.pem}\n"


def ids(plan: Plan) -> list[str]:
    return [problem.id for problem in plan.refusals]


def accounts(number: int) -> str:
    lines = "".join(f"  user{one:03d}: {{password: {HASH}}}\n" for one in range(number))
    return f"{OWNED}accounts:\n{lines}  anna: {{password: {HASH}}}\n"


def domains(number: int) -> str:
    """A host that accepts mail for that many domains; two of them are its own."""
    return "domains:\n  example.com: {}\n" + "".join(f"  d{one:03d}.example: {{}}\n" for one in range(number - 3))


def aliases(number: int) -> str:
    """A host with that many aliases; five of them are customary names."""
    return "aliases:\n  info: x@example.net\n" + "".join(f"  a{one:03d}: x@example.net\n" for one in range(number - 6))


@pytest.mark.parametrize(
    ("make", "before", "after", "refused"),
    [
        (accounts, 9, 6, []),  # 3 of 10 are 30 %
        (accounts, 9, 5, ["guard-accounts"]),  # 4 of 10
        (accounts, 8, 1, []),  # 9 are too few to judge
        (accounts, 19, 12, ["guard-accounts"]),  # 7 of 20 are 35 %
        (accounts, 19, 13, []),  # 6 of 20 are 30 %
        (accounts, 5, 30, []),
        (domains, 10, 7, []),
        (domains, 10, 6, ["guard-domains"]),
        (domains, 9, 3, []),
        (aliases, 10, 7, []),
        (aliases, 10, 6, ["guard-aliases"]),
        (aliases, 100, 70, []),
        (aliases, 100, 69, ["guard-aliases"]),
    ],
)
def test_a_share_is_refused_from_exactly_its_boundary_on(
    make: Callable[[int], str], before: int, after: int, refused: list[str]
) -> None:
    assert ids(plan_between(make(before), make(after))) == refused


def test_the_share_can_be_chosen() -> None:
    before, after = accounts(19), accounts(18)
    assert ids(plan_between(before, after, Options(limits=Limits(percent=5)))) == []
    assert ids(plan_between(before, after, Options(limits=Limits(percent=4)))) == ["guard-accounts"]
    assert ids(plan_between(before, accounts(0), Options(limits=Limits(least=21)))) == []


def test_a_loss_says_how_large_it_is_and_what_to_say() -> None:
    (problem,) = plan_between(accounts(9), accounts(5)).refusals
    assert str(problem) == (
        "site.yaml:4:1: error: 4 of 10 accounts go, which is 40 % [guard-accounts];"
        " say --allow accounts if that is meant"
    )


def test_the_whole_database_may_go_only_with_a_word() -> None:
    assert "guard-accounts" in ids(plan_between(accounts(20), ""))


HOSTED = "domains: {shop.example: {kind: hosted, accounts: {eva: {}}, aliases: {postmaster: eva}}}\n"


def single() -> Iterator[tuple[str, str, str]]:
    yield "guard-relay", "", "access: {10.0.0.0/15: relay}\n"
    yield "guard-relay", "", "access: {'*': relay}\n"
    yield "guard-relay", "access: {'*': deny}\n", "access: {'*': relay}\n"
    yield "guard-relay", "", "access: {'2001:db8::/47': relay}\n"
    yield "guard-relay", "", "environment: {esmtpd: {RELAYCLIENT: ''}}\n"
    yield "guard-relay", "", "access: {10.0.0.0/16: relay, 10.1.0.0/16: relay}\n"
    yield "guard-submission", "listeners: {submission: {}}\n", ""
    yield "guard-submission", "listeners: {submission: {}, smtps: {}}\n", "listeners: {submission: {}}\n"
    yield "guard-submission", "listeners: {submission: {}}\n", "listeners: {submission: {enabled: false}}\n"
    required = CERTIFICATE + "listeners: {imap: {require_tls: true}, pop3: {require_tls: true}}\n"
    yield "guard-tls", required, required.replace("pop3: {require_tls: true}", "pop3: {require_tls: false}")
    yield "guard-logins", ANNA, "auth: {pam: true}\n"
    yield "guard-logins", ANNA, OWNED


@pytest.mark.parametrize(("guard", "before", "after"), [*single()])
def test_a_change_that_is_rarely_meant_needs_its_word(guard: str, before: str, after: str) -> None:
    word = guard.removeprefix("guard-")
    plan = plan_between(before, after)
    assert ids(plan) == [guard]
    assert plan.refusals[0].remedy == f"say --allow {word} if that is meant"
    others = frozenset(WORDS) - {word}
    assert ids(plan_between(before, after, Options(allowed=others))) == [guard]
    allowed = plan_between(before, after, Options(allowed=frozenset({word})))
    assert allowed.refusals == ()
    assert allowed.objections == plan.refusals


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "access: {10.0.0.0/16: relay}\n"),
        ("", "access: {10.0.0.0/16: relay, 10.2.0.0/16: relay}\n"),
        ("", "access: {'2001:db8::/48': relay}\n"),
        ("access: {10.0.0.0/8: relay}\n", "access: {10.0.0.0/8: relay, 192.0.2.1: relay}\n"),
        ("access: {10.0.0.0/8: relay}\n", "access: {10.0.0.0/8: relay, 10.0.0.0/15: relay}\n"),
        ("access: {'*': relay}\n", ""),
        ("environment: {esmtpd: {RELAYCLIENT: ''}}\n", "environment: {esmtpd: {RELAYCLIENT: '@x'}}\n"),
        ("", "environment: {esmtpd: {RELAYCLIENT: ''}}\nlisteners: {smtp: {require_auth: true}}\n"),
        ("listeners: {smtp: {}}\n", ""),
        ("listeners: {submission: {enabled: false}}\n", ""),
        (CERTIFICATE + "listeners: {imap: {require_tls: true}}\n", CERTIFICATE),
        (ANNA + "auth: {pam: true}\n", "auth: {pam: true}\n"),
        ("", ANNA + "auth: {pam: true}\n"),
    ],
)
def test_what_is_smaller_or_was_so_before_passes(before: str, after: str) -> None:
    assert ids(plan_between(before, after)) == []


def test_a_domain_keeps_its_postmaster() -> None:
    gone = HOSTED.replace(", aliases: {postmaster: eva}", "") + "auth: {pam: true}\n"
    kept = HOSTED + "auth: {pam: true}\n"
    plan = plan_between(OWNED + kept, OWNED + gone)
    assert [problem.says for problem in plan.refusals] == [
        "postmaster@shop.example goes nowhere any longer, and every domain needs a postmaster"
    ]
    assert ids(plan_between(OWNED + kept, OWNED + gone, Options(allowed=frozenset({"postmaster"})))) == []


def test_a_postmaster_may_go_with_the_domain_or_become_an_account() -> None:
    kept = HOSTED + "auth: {pam: true}\n"
    assert ids(plan_between(OWNED + kept, OWNED + "auth: {pam: true}\n")) == []
    account = kept.replace("aliases: {postmaster: eva}", "").replace("eva: {}}, ", "eva: {}, postmaster: {}}")
    assert ids(plan_between(OWNED + kept, OWNED + account)) == []
    caught = kept.replace("aliases: {postmaster: eva}", "catch_all: eva")
    assert ids(plan_between(OWNED + kept, OWNED + caught)) == []


def test_the_first_apply_has_nothing_to_lose_but_may_open_a_relay() -> None:
    assert ids(plan_between(MemoryTree({}), ANNA + "listeners: {submission: {}}\n")) == []
    assert ids(plan_between(MemoryTree({}), "access: {'*': relay}\n")) == ["guard-relay"]


def test_a_tree_as_wanted_is_never_refused() -> None:
    site = accounts(20) + "access: {'*': relay}\n"
    assert plan_between(installed(site), site).objections == ()


def test_every_word_is_of_a_guard_that_is_tried() -> None:
    tried = {guard.removeprefix("guard-") for guard, _, _ in single()}
    assert tried | {"accounts", "domains", "aliases", "postmaster"} == {*WORDS}
