"""Texts, lists and links that Courier's programs read as they are."""

from __future__ import annotations

import pytest

from compiler.built_sites import HEAD, built_site


def test_bounces_have_all_their_texts_without_a_word_from_the_site() -> None:
    built = built_site(HEAD)
    names = ("header", "footer", "delayed", "delivered", "failed", "relayed", "subjectwarn", "subjectnotice")
    for name in names:
        assert built.text(f"dsn{name}.txt").endswith("\n")
    assert built.text("dsnheader.txt").startswith('Content-Type: text/plain; charset="utf-8"\n\n')
    assert all(token in built.text("dsnheader.txt") for token in ("[#ME#]", "[#FROMTIME#]", "[#FROMMTA#]"))


def test_wording_of_bounces_is_the_sites_where_it_says_some() -> None:
    built = built_site(HEAD + "bounces: {texts: {failed: 'Not delivered:', subject_warning: Delayed}}\n")
    assert built.text("dsnfailed.txt") == "Not delivered:\n"
    assert built.text("dsnsubjectwarn.txt") == "Delayed\n"
    assert built.files["etc/courier/dsnfailed.txt"].origins[""].path == ("bounces", "texts", "failed")


def test_last_line_of_a_text_is_ended() -> None:
    built = built_site(HEAD + "delivery: {quota_warning: 'Subject: full'}\n")
    assert built.text("quotawarnmsg") == "Subject: full\n"


@pytest.mark.parametrize("quota", ["account_defaults: {quota: 1G}", "accounts: {anna: {uid: 1, gid: 1, quota: 1G}}"])
def test_site_with_quotas_has_a_warning_of_ours(quota: str) -> None:
    assert not built_site(HEAD).has("quotawarnmsg")
    warning = built_site(HEAD + quota + "\n").text("quotawarnmsg")
    assert "From: Mail server <postmaster@example.org>\n" in warning
    assert "\n\n" in warning


def test_filter_instructions_stand_where_the_targets_maildrop_looks() -> None:
    delivery = "delivery: {maildrop_rules: 'to x', maildrop_includes: {common: 'y=1'}}\n"
    debian = built_site(HEAD + delivery)
    assert debian.files["etc/maildroprc"].content == b"to x\n"
    assert debian.files["etc/maildroprcs/common"].content == b"y=1\n"
    upstream = built_site(HEAD + "profile: upstream-2.0\n" + delivery)
    assert any(path.endswith("courier/etc/maildroprc") for path in upstream.files)


def test_shared_folders_and_index() -> None:
    built = built_site(HEAD + 'delivery: {shared_folders: {b: /srv/b, a: /srv/a}, shared_index: "x\\t1\\t1\\t/x\\t"}\n')
    assert built.lines("maildirshared") == ["a\t/srv/a", "b\t/srv/b"]
    assert built.text("shared/index") == "x\t1\t1\t/x\t\n"


def test_filters_that_are_active_are_links() -> None:
    link = built_site(HEAD + "filters: {active: {dup: /opt/dupfilter}}\n").files["etc/courier/filters/active/dup"]
    assert (link.link, link.content) == (True, b"/opt/dupfilter")


def test_login_domains_keep_their_order_and_leave_out_empty_fields() -> None:
    webmail = """
webmail:
  login_domains:
    - {domain: z.example, access: www.z.example, modifier: "@"}
    - {domain: a.example}
    - {domain: b.example, modifier: staff}
"""
    assert built_site(HEAD + webmail).lines("logindomainlist") == [
        "z.example:www.z.example:@",
        "a.example",
        "b.example::staff",
    ]


def test_webmail_that_is_off_has_no_files() -> None:
    webmail = "webmail: {enabled: false, login_domains: [{domain: a.example}]}\n"
    assert not built_site(HEAD + webmail).has("logindomainlist")


def test_address_book_is_readable_by_all_and_holds_no_password() -> None:
    book = "{host: ldap.example, base: 'dc=example'}"
    built = built_site(HEAD + f"webmail: {{address_books: {{Staff: {book}}}}}\n")
    assert built.text("ldapaddressbook") == "Staff\tldap.example\t389\tdc=example\t\t\n"
    assert built.files["etc/courier/ldapaddressbook"].mode == 0o644
    assert built.ids == []


def test_fax_rules_keep_their_order() -> None:
    fax = """
fax:
  rules:
    - {rewrite: "+49 0", prefix: true}
    - {rewrite: "a b", prefix: true, repeat: true}
    - {accept: "nnn local"}
    - {reject: "0900 esmtp", prefix: true}
"""
    built = built_site(HEAD + fax)
    assert built.lines("faxrc") == ["rw^\t+49\t0", "rw^*\ta\tb", "accept\tnnn\tlocal", "reject^\t0900\tesmtp"]
    assert "%FROM%" in built.text("faxcoverpage.tr")


@pytest.mark.parametrize("rule", ["{}", "{accept: 1 local, reject: 2 local}", "{accept: nnn}", "{rewrite: '# 1'}"])
def test_fax_rule_that_does_not_do_one_thing_is_a_problem(rule: str) -> None:
    rule = rule.replace("1 local", "'1 local'").replace("2 local", "'2 local'")
    built = built_site(HEAD + f"fax: {{rules: [{rule}]}}\n")
    assert built.finds("fax-rule")
    assert built.finds("fax-rule")[0].path == ("fax", "rules", 0)


def test_socks_proxies_by_network() -> None:
    socks = """
socks:
  proxies:
    "*": {servers: ["proxy.example:1080", "spare.example"], user: me, password: {from_file: pw}}
    192.0.2.7: {servers: [near.example]}
  from_environment: true
  server: ["port 192.0.2.1:1080"]
"""
    built = built_site(HEAD + socks, {"pw": "s3cret"})
    assert built.lines("socksrc") == [
        "proxy 0.0.0.0/0 proxy.example:1080,spare.example me s3cret",
        "proxy ::/0 proxy.example:1080,spare.example me s3cret",
        "proxy 192.0.2.7/32 near.example",
        "noproxy 127.0.0.0/8",
        "allowenv",
        "port 192.0.2.1:1080",
    ]
    assert built.files["etc/courier/socksrc"].mode == 0o640


@pytest.mark.parametrize(
    ("proxy", "problem"),
    [
        ("10.0.0.1-10.0.0.9: {servers: [p]}", "network"),
        ("10.0.0.0/8: {servers: [p], user: me}", "socks-login"),
    ],
)
def test_proxy_that_cannot_be_written_is_a_problem(proxy: str, problem: str) -> None:
    assert built_site(HEAD + f"socks: {{proxies: {{{proxy}}}}}\n").finds(problem)


def test_password_of_a_proxy_is_one_word() -> None:
    proxy = "10.0.0.0/8: {servers: [p], user: me, password: {from_file: pw}}"
    assert built_site(HEAD + f"socks: {{proxies: {{{proxy}}}}}\n", {"pw": "two words"}).ids == ["socks-password"]


def test_account_program_is_a_link() -> None:
    link = built_site(HEAD + "auth: {pipe: {program: /opt/accounts}}\n").files["etc/courier/authProg"]
    assert (link.link, link.content) == (True, b"/opt/accounts")


def test_pam_services_exist_where_pam_is_asked() -> None:
    assert not any(path.startswith("etc/pam.d/") for path in built_site(HEAD).files)
    built = built_site(HEAD + "auth: {pam: true}\n")
    services = {path for path in built.files if path.startswith("etc/pam.d/")}
    assert services == {f"etc/pam.d/{service}" for service in ("esmtp", "imap", "pop3", "webmail")}
    assert b"@include common-auth" in built.files["etc/pam.d/imap"].content


def test_pam_needs_no_debian_to_be_used() -> None:
    built = built_site(HEAD + "profile: upstream-2.0\nauth: {order: [pam]}\nwebmail: {calendar: net}\n")
    assert b"pam_unix.so" in built.files["etc/pam.d/calendar"].content
