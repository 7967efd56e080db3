"""Catch-alls and instruction files: mail for names that are neither accounts nor aliases."""

from __future__ import annotations

from compiler.built_sites import HEAD, OWNED, built_site


def test_catch_all_of_a_hosted_domain_is_an_account_with_instructions() -> None:
    domains = "domains: {shop.example: {kind: hosted, accounts: {orders: {}}, catch_all: [orders, x@example.net]}}\n"
    built = built_site(HEAD + OWNED + domains)
    assert built.lines("catch-all/shop.example/.courier-default") == ["&orders@shop.example", "&x@example.net"]
    record = built.records("userdb.dat")["alias@shop.example"]
    assert record == "uid=5000|gid=5000|home=/etc/courier/catch-all/shop.example|_="
    assert "@shop.example" not in built.records("aliases.dat")


def test_catch_all_may_run_a_program_and_fill_a_mailbox() -> None:
    domains = "domains: {a.example: {kind: hosted, catch_all: {program: /bin/count, mailbox: /srv/unknown}}}\n"
    built = built_site(HEAD + OWNED + domains)
    assert built.lines("catch-all/a.example/.courier-default") == ["|/bin/count", "/srv/unknown"]


def test_catch_all_without_an_owner_is_a_problem() -> None:
    built = built_site(HEAD + "domains: {a.example: {kind: hosted, catch_all: x@example.net}}\n")
    assert built.finds("account-without-owner")
    assert built.finds("account-without-owner")[0].path == ("domains", "a.example", "catch_all")


def test_catch_all_of_an_alias_domain_belongs_to_the_other_domain() -> None:
    domains = (
        "domains: {a.example: {kind: hosted}, b.example: {kind: hosted, alias_of: a.example, catch_all: x@a.example}}\n"
    )
    built = built_site(HEAD + OWNED + domains)
    assert built.finds("catch-all-of-alias-domain")
    assert not built.has("catch-all/b.example/.courier-default")


def test_catch_all_of_local_domains_is_the_last_resort_of_aliasdir() -> None:
    built = built_site(HEAD + "domains: {example.org: {catch_all: anna}}\n")
    assert built.problems == ()
    assert built.lines("aliasdir/.courier-default") == ["&anna"]
    assert "@example.org" not in built.records("aliases.dat")


def test_aliasdir_exists_on_every_host_because_makealiases_needs_it() -> None:
    built = built_site(HEAD)
    (name,) = (name for name in built.files if "/aliasdir/" in name)
    assert name == "etc/courier/aliasdir/README"
    assert built.files[name].origins[""].rule


def test_a_site_may_write_the_note_in_aliasdir_itself() -> None:
    built = built_site(HEAD + "files: {aliasdir/README: {content: ours}}\n")
    assert built.problems == ()
    assert built.text("aliasdir/README") == "ours"


def test_local_domains_cannot_have_different_catch_alls() -> None:
    built = built_site(HEAD + "domains: {example.org: {catch_all: anna}, branch.example: {catch_all: ben}}\n")
    assert built.finds("catch-all-several")
    assert built.finds("catch-all-several")[0].path == ("domains", "branch.example", "catch_all")


def test_local_catch_all_would_reach_hosted_domains_without_one() -> None:
    built = built_site(HEAD + "domains: {example.org: {catch_all: anna}, shop.example: {kind: hosted}}\n")
    assert built.finds("catch-all-reaches-hosted")
    assert "shop.example" in built.finds("catch-all-reaches-hosted")[0].says


def test_included_file_cannot_be_a_catch_all() -> None:
    built = built_site(HEAD + "domains: {example.org: {catch_all: {to: anna, include: /srv/crew}}}\n")
    assert built.finds("catch-all-include")


def test_instructions_by_address_stand_in_files_with_colons_for_dots() -> None:
    built = built_site(HEAD + "delivery: {dotfiles: {Build.Robot: '|/bin/robot', quiet: '# nothing'}}\n")
    assert built.text("aliasdir/.courier-build:robot") == "|/bin/robot\n"
    assert built.text("aliasdir/.courier-quiet") == "# nothing\n"


def test_instruction_files_follow_the_extension_of_the_host() -> None:
    text = "site: example.org\nhost: {name: mx.example.org, dot_extension: qmail}\n"
    assert built_site(text + "delivery: {dotfiles: {robot: '&anna'}}\n").has("aliasdir/.qmail-robot")


def test_instructions_that_an_account_hides_are_worth_a_warning() -> None:
    text = HEAD + OWNED + "accounts: {build: {}}\ndelivery: {dotfiles: {build-robot: '&anna'}}\n"
    assert built_site(text).finds("address-is-account")


def test_instructions_for_everything_and_a_catch_all_are_made_twice() -> None:
    text = HEAD + "domains: {example.org: {catch_all: anna}}\ndelivery: {dotfiles: {default: '&ben'}}\n"
    built = built_site(text)
    assert built.finds("file-twice")


def test_mailing_list_is_three_instruction_files() -> None:
    lists = "mailing_lists: {lists: {news: {directory: /srv/news, address: news@example.org, owner: anna}}}\n"
    built = built_site(HEAD + lists)
    assert built.text("aliasdir/.courier-news") == "|/usr/bin/couriermlm msg /srv/news\n"
    assert built.text("aliasdir/.courier-news-default") == "|/usr/bin/couriermlm ctlmsg /srv/news\n"
    assert built.text("aliasdir/.courier-news-owner") == "&anna\n"
    assert "srv/news/options" not in built.files


def test_options_of_a_mailing_list_stand_in_its_directory() -> None:
    news = "{directory: /srv/news, address: news, owner: anna, options: {POST: mod, DIGEST: /srv/digest}}"
    built = built_site(HEAD + f"mailing_lists: {{lists: {{news: {news}}}}}\n")
    options = built.files["srv/news/options"]
    assert options.content == b"ADDRESS=news@example.org\nDIGEST=/srv/digest\nPOST=mod\n"
    assert (options.mode, options.owner) == (0o600, "courier")


def test_mailing_list_needs_an_address_in_a_local_domain() -> None:
    news = "{directory: /srv/news, address: news@shop.example, owner: anna}"
    text = HEAD + f"domains: {{shop.example: {{kind: hosted}}}}\nmailing_lists: {{lists: {{news: {news}}}}}\n"
    assert built_site(text).finds("list-not-local")
