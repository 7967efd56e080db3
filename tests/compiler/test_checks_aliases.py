"""Aliases and postmaster: what is a mistake, and what only looks like one."""

from __future__ import annotations

import pytest

from compiler.checking import ANNA, HASH, HOST, OWNER, found, places, told

LOCAL_ANNA = f"host: {{name: mx.example.org, postmaster: anna}}\n{OWNER}accounts: {{anna: {{password: {HASH}}}}}\n"


@pytest.mark.parametrize(
    "aliases",
    [
        "anna: [anna, ext@example.net]",
        "a: b, b: c, c: anna",
        "a: [b, c], b: d, c: d, d: anna",
        "list: [anna, anna-lists]",
        "news: anna-news",
        "staff: '@example.net'",
        "x: hub!leaf!user",
    ],
)
def test_these_aliases_are_in_order(aliases: str) -> None:
    assert found(f"{ANNA}aliases: {{{aliases}}}\n") == []


def test_a_circle_is_told_once_and_with_all_its_names() -> None:
    site = f"{ANNA}aliases: {{a: [b, anna], b: c, c: a, outside: a}}\n"
    assert told(site, "alias-loop") == ["aliases lead in a circle: a → b → c → a"]


def test_two_circles_are_told_apart() -> None:
    site = f"{ANNA}aliases: {{a: b, b: a, c: d, d: c}}\n"
    assert len(told(site, "alias-loop")) == 2


def test_a_circle_through_addresses_of_other_servers_is_found() -> None:
    site = f"{ANNA}aliases: {{a@example.net: b@example.net, b@example.net: a@example.net}}\n"
    assert len(told(site, "alias-loop")) == 1


def test_a_circle_that_differs_in_case_and_domain_is_found() -> None:
    site = f"{ANNA}aliases: {{sales: Team@Example.ORG, team: SALES}}\n"
    assert len(told(site, "alias-loop")) == 1


def test_a_chain_of_thousands_needs_no_deep_stack() -> None:
    links = "\n".join(f"  a{at}: a{at + 1}" for at in range(5000))
    assert found(f"{ANNA}aliases:\n{links}\n  a5000: anna\n") == []
    assert len(told(f"{ANNA}aliases:\n{links}\n  a5000: a0\n", "alias-loop")) == 1


def test_the_dead_end_is_told_at_the_recipient() -> None:
    site = f"{ANNA}aliases: {{sales: [anna, berta], info: {{to: [anna, carl]}}}}\n"
    assert places(site, "alias-dead-end") == ["aliases.sales.1", "aliases.info.to.1"]


@pytest.mark.parametrize(
    "more",
    [
        "auth: {pam: true}",
        "auth: {order: [userdb, ldap]}",
        "ldap_aliases: {uri: ['ldaps://ldap.example.org'], base: dc=example}",
        "delivery: {dotfiles: {berta: ./Maildir}}",
        "delivery: {dotfiles: {default: ./Maildir}}",
        "domains: {example.org: {catch_all: anna}}",
        "mailing_lists: {lists: {b: {directory: /srv/b, address: berta, owner: anna}}}",
    ],
)
def test_somebody_else_may_know_the_recipient(more: str) -> None:
    assert "alias-dead-end" in found(f"{ANNA}aliases: {{sales: berta}}\n")
    assert "alias-dead-end" not in found(f"{ANNA}aliases: {{sales: berta}}\n{more}\n")


def test_customary_names_lead_to_postmaster() -> None:
    assert found(f"{LOCAL_ANNA}aliases: {{security: abuse, cron: root}}\n") == []


def test_recipients_in_hosted_domains_are_looked_up_there() -> None:
    domains = f"domains: {{example.com: {{kind: hosted, accounts: {{carl: {{password: {HASH}}}}}}}}}\n"
    site = f"{ANNA}{domains}aliases: {{a: carl@example.com, b: dora@example.com, c: carl@elsewhere.example}}\n"
    assert places(site, "alias-dead-end") == ["aliases.b"]


def test_an_alias_domain_has_the_accounts_of_its_domain() -> None:
    domains = (
        f"domains: {{example.com: {{kind: hosted, accounts: {{carl: {{password: {HASH}}}}}}},"
        " example.edu: {kind: hosted, alias_of: example.com}}\n"
    )
    assert found(f"{ANNA}{domains}aliases: {{a: carl@example.edu}}\n") == []


def test_a_forward_hides_its_account_on_purpose() -> None:
    site = f"{HOST}{OWNER}accounts: {{anna: {{forward: [ext@example.net]}}}}\n"
    assert found(site) == []


def test_different_recipients_in_one_domain_are_the_same_alias_twice() -> None:
    site = f"{ANNA}aliases: {{sales: anna}}\ndomains: {{example.org: {{aliases: {{Sales: ext@example.net}}}}}}\n"
    assert told(site, "alias-twice") == ["Sales is the same alias as sales of aliases"]


def test_case_matters_where_it_is_not_folded() -> None:
    host = "host: {name: mx.example.org, postmaster: admin@example.net, fold_case: false}\n"
    assert found(f"{host}aliases: {{Sales: a@example.net, sales: b@example.net}}\n") == []


def test_local_domains_may_repeat_an_alias_with_the_same_recipients() -> None:
    domains = "domains: {a.example: {aliases: {info: x@example.net}}, b.example: {aliases: {info: x@example.net}}}\n"
    assert found(f"{HOST}{domains}") == ["alias-twice"]


def test_a_whole_domain_may_go_to_an_account_or_a_neighbour() -> None:
    domains = "domains: {example.net: {kind: hosted}, example.com: {kind: hosted}}\n"
    assert found(f"{ANNA}{domains}aliases: {{'@example.net': anna, '@example.com': hub!leaf!}}\n") == []


def test_postmaster_may_be_anybody_who_exists() -> None:
    assert found(LOCAL_ANNA) == []
    assert (
        found(LOCAL_ANNA.replace("postmaster: anna", "postmaster: ops") + "aliases: {ops: [anna, x@example.net]}\n")
        == []
    )
    program = "aliases: {postmaster: {program: /usr/local/bin/tickets}}\n"
    assert found(LOCAL_ANNA.replace(", postmaster: anna", "") + program) == []


def test_an_account_may_be_postmaster_itself() -> None:
    site = f"host: {{name: mx.example.org}}\n{OWNER}accounts: {{postmaster: {{password: {HASH}}}}}\n"
    assert found(site) == []


def test_a_directory_may_know_postmaster() -> None:
    site = "host: {name: mx.example.org}\nauth: {ldap: {uri: ['ldaps://l.example.org'], base: dc=example}}\n"
    assert found(site) == []


def test_root_is_postmaster_if_it_leads_to_somebody() -> None:
    site = LOCAL_ANNA.replace("postmaster: anna", "postmaster: root")
    assert found(site) == ["postmaster-root"]
    assert found(f"{site}aliases: {{root: anna}}\n") == []


def test_a_postmaster_that_leads_back_to_itself_reaches_nobody() -> None:
    site = LOCAL_ANNA.replace(", postmaster: anna", "") + "aliases: {postmaster: ops, ops: postmaster}\n"
    assert told(site, "postmaster-unreachable") == [
        "mail for postmaster reaches nobody: it goes to aliases that lead back to postmaster"
    ]


def test_instructions_for_extensions_take_names_that_begin_alike() -> None:
    site = f"{ANNA}aliases: {{sales: berta-news}}\n"
    assert found(site) == ["alias-dead-end"]
    assert found(f"{site}delivery: {{dotfiles: {{berta-default: ./Maildir}}}}\n") == []


def test_a_forward_and_an_alias_of_one_name_are_told_as_such() -> None:
    account = "accounts: {anna: {forward: [ext@example.net]}}\n"
    site = f"{HOST}{OWNER}{account}domains: {{example.org: {{aliases: {{anna: other@example.net}}}}}}\n"
    assert told(site, "alias-twice") == ["anna is the same alias as the forward of anna"]


@pytest.mark.parametrize("postmaster", ["postmaster", "Postmaster@Example.ORG", "abuse", "mailer-daemon@example.org"])
def test_a_postmaster_who_is_postmaster_again_reaches_nobody(postmaster: str) -> None:
    site = LOCAL_ANNA.replace("postmaster: anna", f"postmaster: {postmaster}")
    assert found(site) == ["postmaster-unreachable"]


def test_a_postmaster_with_an_account_may_name_itself() -> None:
    site = LOCAL_ANNA.replace("postmaster: anna", "postmaster: postmaster")
    assert found(site.replace("{anna: {", "{postmaster: {")) == []


@pytest.mark.parametrize("to", ["a", "a@example.org", "A", "[a, x@example.net]"])
def test_an_alias_may_name_itself_only_where_an_account_has_its_name(to: str) -> None:
    site = f"{HOST}{OWNER}accounts: {{anna: {{password: {HASH}}}}}\naliases: {{a: {to}}}\n"
    assert found(site) == ["alias-dead-end"]
    assert found(site.replace("{anna: {", "{a: {")) == []


def test_an_alias_may_name_itself_where_a_catch_all_takes_it() -> None:
    domains = "domains: {example.org: {catch_all: anna}}\n"
    assert found(f"{ANNA}{domains}aliases: {{a: a}}\n") == []


CATCH_ALL = (
    f"{ANNA}domains: {{virt.example: {{kind: hosted, accounts: {{bea: {{password: {HASH}}}}}, catch_all: TO}}}}\n"
)


@pytest.mark.parametrize("to", ["ghost", "ghost@virt.example", "nobody@example.org", "anna", "[bea, ghost]"])
def test_a_catch_all_that_leads_to_no_name_is_reported(to: str) -> None:
    assert found(CATCH_ALL.replace("TO", to)) == ["catch-all-dead-end"]


@pytest.mark.parametrize("to", ["bea", "Bea@VIRT.example", "bea-more", "anna@example.org", "x@example.net", "abuse"])
def test_a_catch_all_may_lead_to_every_name_there_is(to: str) -> None:
    assert found(CATCH_ALL.replace("TO", to).replace("abuse", "abuse@example.org")) == []


def test_a_catch_all_that_leads_to_nobody_saves_no_other_name() -> None:
    domains = "domains: {example.org: {catch_all: ghost}}\n"
    assert sorted(found(f"{ANNA}{domains}aliases: {{sales: berta}}\n")) == ["alias-dead-end", "catch-all-dead-end"]


def test_a_catch_all_may_lead_to_another_that_leads_to_somebody() -> None:
    domains = (
        "{a.example: {kind: hosted, catch_all: x@b.example}, b.example: {kind: hosted, catch_all: anna@example.org}}"
    )
    assert found(f"{ANNA}domains: {domains}\n") == []


def test_an_alias_domain_may_differ_from_the_domain_that_it_follows() -> None:
    followed = "a.example: {kind: hosted, aliases: {info: x@example.net}}"
    follower = "b.example: {kind: hosted, alias_of: a.example, aliases: {info: y@example.net}}"
    assert found(f"{HOST}domains: {{{followed}, {follower}}}\n") == []


@pytest.mark.parametrize("fold", ["true", "false"])
def test_customary_names_exist_in_a_hosted_default_domain_in_both_cases(fold: str) -> None:
    host = f"host: {{name: mx.example.org, postmaster: x@example.net, fold_case: {fold}}}\n"
    names = "[MAILER-DAEMON@example.org, mailer-daemon, abuse@example.org]"
    domains = "domains: {example.org: {kind: hosted, accounts: {anna: {forward: [x@example.net]}}}}\n"
    assert told(f"{host}{OWNER}{domains}aliases: {{team@example.org: {names}}}\n", "alias-dead-end") == []


def test_names_of_a_catch_all_are_in_its_own_domain() -> None:
    accounts = f"accounts: {{anna: {{password: {HASH}}}}}"
    domains = f"domains: {{v.example: {{kind: hosted, catch_all: anna, {accounts}}}}}\n"
    assert found(f"{HOST}{OWNER}{domains}") == []
