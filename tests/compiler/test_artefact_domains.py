"""The files about domains: locals, hosteddomains, esmtpacceptmailfor, esmtppercentrelay, uucpneighbors."""

from __future__ import annotations

from compiler.built_sites import HEAD, built_site
from courier_schema.legacy.formats.domains import DomainList
from courier_schema.report import Severity

DOMAINS = """
domains:
  Example.org: {}
  branch.example: {subdomains: true}
  .lab.example.org: {}
  shop.example: {kind: hosted, subdomains: true}
  shop.example.com: {kind: hosted, alias_of: shop.example}
  old-shop.example: {kind: hosted, alias_of: shop.example.com}
  xn--bcher-kva.example: {kind: hosted}
  partner.example: {kind: relay, subdomains: true}
  quiet.example: {kind: hosted, accept: false}
"""


def test_locals_holds_local_domains_and_the_servers_own_name() -> None:
    built = built_site(HEAD + DOMAINS)
    assert built.lines("locals") == [
        ".branch.example",
        ".lab.example.org",
        "branch.example",
        "example.org",
        "mx.example.org",
    ]


def test_server_name_of_another_kind_is_not_local() -> None:
    built = built_site(HEAD + "domains: {mx.example.org: {kind: hosted}}\n")
    assert built.lines("locals") == ["example.org"]


def test_default_domain_that_is_not_listed_is_local() -> None:
    built = built_site("site: example.org\nhost: {name: mx.example.org, default_domain: mail.example.org}\n")
    assert built.lines("locals") == ["example.org", "mail.example.org", "mx.example.org"]


def test_hosted_domains_lead_to_the_end_of_their_chain() -> None:
    built = built_site(HEAD + DOMAINS)
    assert built.records("hosteddomains.dat") == {
        "shop.example": "1",
        ".shop.example": "shop.example",
        "shop.example.com": "shop.example",
        "old-shop.example": "shop.example",
        "bücher.example": "1",
        "quiet.example": "1",
    }


def test_hosted_source_has_a_line_for_each_record() -> None:
    built = built_site(HEAD + "domains: {b.example: {kind: hosted, alias_of: a.example}, a.example: {kind: hosted}}\n")
    assert built.lines("hosteddomains/site") == ["a.example", "b.example\ta.example"]


def test_alias_domains_that_lead_to_each_other_are_left_as_they_are() -> None:
    one, other = (f"{{kind: hosted, alias_of: {name}.example}}" for name in "ba")
    built = built_site(HEAD + f"domains: {{a.example: {one}, b.example: {other}}}\n")
    assert built.records("hosteddomains.dat") == {"a.example": "1", "b.example": "1"}


def test_mail_is_accepted_for_every_domain_that_does_not_refuse_it() -> None:
    built = built_site(HEAD + DOMAINS)
    assert built.lines("esmtpacceptmailfor") == built.lines("locals")
    assert sorted(built.records("esmtpacceptmailfor.dat")) == [
        ".partner.example",
        ".shop.example",
        "bücher.example",
        "old-shop.example",
        "partner.example",
        "shop.example",
        "shop.example.com",
    ]


def test_local_domain_may_be_kept_from_the_outside() -> None:
    built = built_site(HEAD + "domains: {intern.example.org: {accept: false}}\n")
    assert "intern.example.org" in built.lines("locals")
    assert "intern.example.org" not in built.lines("esmtpacceptmailfor")


EXCLUDING = """
domains:
  .example.com: {excluding: [shop.example.com, .lab.example.com, xn--bcher-kva.example.com]}
  shop.example.com: {kind: hosted}
  open.lab.example.com: {}
"""


def test_what_a_local_wildcard_excludes_stands_before_it() -> None:
    built = built_site(HEAD + EXCLUDING)
    assert built.lines("locals") == [
        "open.lab.example.com",
        "!.lab.example.com",
        "!bücher.example.com",
        "!shop.example.com",
        "mx.example.org",
        ".example.com",
        "example.org",
    ]
    local = DomainList.of(built.lines("locals"), "")
    asked = ("a.example.com", "open.lab.example.com", "b.lab.example.com", "shop.example.com")
    assert [domain in local for domain in asked] == [True, True, False, False]


def test_an_excluded_domain_is_accepted_only_where_another_entry_says_so() -> None:
    built = built_site(HEAD + EXCLUDING)
    assert [line for line in built.lines("esmtpacceptmailfor") if line.startswith("!")] == [
        "!.lab.example.com",
        "!bücher.example.com",
    ]
    assert built.records("esmtpacceptmailfor.dat") == {"shop.example.com": "1"}


def test_a_relayed_wildcard_that_excludes_something_is_in_the_list_because_a_database_cannot() -> None:
    built = built_site(HEAD + "domains: {example.com: {kind: relay, subdomains: true, excluding: [old.example.com]}}\n")
    assert built.lines("esmtpacceptmailfor") == ["!old.example.com", "mx.example.org", ".example.com", "example.org"]
    assert built.records("esmtpacceptmailfor.dat") == {"example.com": "1"}


def test_a_domain_that_takes_no_mail_is_excluded_from_the_wildcard_above_it() -> None:
    quiet = "domains: {.example.com: {kind: hosted}, quiet.example.com: {kind: hosted, accept: false}}\n"
    built = built_site(HEAD + quiet)
    assert built.lines("esmtpacceptmailfor")[:1] == ["!quiet.example.com"]
    assert ".example.com" in built.lines("esmtpacceptmailfor")
    assert built.records("esmtpacceptmailfor.dat") == {}


def test_what_an_inner_wildcard_excludes_is_left_to_a_hosted_one_above() -> None:
    inner = "domains: {.example.com: {kind: hosted}, .lab.example.com: {excluding: [a.lab.example.com]}}\n"
    built = built_site(HEAD + inner)
    assert "!a.lab.example.com" in built.lines("locals")
    assert not any(line.startswith("!") for line in built.lines("esmtpacceptmailfor"))


def test_what_a_wildcard_without_mail_excludes_is_accepted_by_the_one_above() -> None:
    inner = (
        "domains: {.example.com: {kind: hosted}, .lab.example.com: {accept: false, excluding: [a.lab.example.com]}}\n"
    )
    built = built_site(HEAD + inner)
    assert built.lines("esmtpacceptmailfor")[:2] == ["a.lab.example.com", "!.lab.example.com"]


def test_an_exclusion_names_its_place() -> None:
    origins = built_site(HEAD + EXCLUDING).files["etc/courier/locals"].origins
    assert origins["!.lab.example.com"].path == ("domains", ".example.com", "excluding", 1)


def test_percent_relay_is_off_unless_the_site_says_so() -> None:
    assert not built_site(HEAD).has("esmtppercentrelay")
    built = built_site(HEAD + "percent_relay: [Intranet.example.org]\n")
    assert built.lines("esmtppercentrelay") == ["intranet.example.org"]
    below = built_site(HEAD + "percent_relay: [.Inside.example.org]\n")
    assert below.lines("esmtppercentrelay") == [".inside.example.org"]
    assert built.records("esmtppercentrelay.dat") == {}


def test_what_is_excluded_from_percent_relaying_stands_before_what_covers_it() -> None:
    site = "percent_relay: {domains: [.lan.example.org, x.lan.example.org], excluding: [.x.lan.example.org]}\n"
    entries = built_site(HEAD + site).lines("esmtppercentrelay")
    assert entries == ["!.x.lan.example.org", "x.lan.example.org", ".lan.example.org"]


def test_uucp_neighbours_are_stored_with_their_letters() -> None:
    uucp = "uucp:\n  neighbours: {hub: [forward, rmail], gate: [gateway], leaf: [], hub!branch: []}\n"
    built = built_site(HEAD + uucp)
    assert built.records("uucpneighbors.dat") == {"hub": "FR", "gate": "G", "leaf": "1", "hub!branch": "1"}


def test_problem_of_a_generated_row_is_told_at_its_place_in_the_site() -> None:
    built = built_site(HEAD + "uucp:\n  neighbours: {far!away: []}\n")
    assert built.ids == ["uucp-unreachable-path"]
    assert built.problems[0].path == ("uucp", "neighbours", "far!away")


def test_every_entry_names_the_place_that_it_comes_from() -> None:
    built = built_site(HEAD + DOMAINS)
    origins = built.files["etc/courier/hosteddomains.dat"].origins
    assert origins[".shop.example"].path == ("domains", "shop.example")
    assert built.files["etc/courier/locals"].origins["mx.example.org"].path == ("host", "name")


def test_encoded_domain_is_noted_and_stored_in_unicode() -> None:
    built = built_site(HEAD + "domains: {xn--bcher-kva.example: {kind: relay}, Straße.example: {kind: relay}}\n")
    assert built.finds("domain-encoded")
    assert built.finds("domain-encoded")[0].severity is Severity.NOTE
    assert sorted(built.records("esmtpacceptmailfor.dat")) == ["bücher.example", "straße.example"]
