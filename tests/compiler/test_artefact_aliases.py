"""Alias tables: under which name Courier finds each alias, and what it delivers to."""

from __future__ import annotations

import pytest

from compiler.built_sites import HEAD, OWNED, BuiltSite, built_site
from courier_schema.report import SitePath

HOSTED = """
domains:
  shop.example:
    kind: hosted
    accounts: {orders: {}, clara: {forward: [clara@example.net]}}
    aliases:
      Returns: orders
      team: [orders, anna@example.org, ext@example.net]
  shop.example.com: {kind: hosted, alias_of: shop.example, aliases: {team: orders}}
"""


def _recipients(built: BuiltSite, name: str, table: str = "aliases.dat") -> list[str]:
    return built.records(table).get(name, "").splitlines()


def test_customary_names_go_to_postmaster_and_on_to_a_person() -> None:
    built = built_site(HEAD)
    assert built.lines("aliases/system") == [
        "postmaster: anna",
        "root: postmaster",
        "mailer-daemon: postmaster",
        "uucp: postmaster",
        "abuse: postmaster",
    ]
    assert _recipients(built, "root@example.org") == ["anna@example.org"]


def test_where_case_counts_mailer_daemon_is_known_in_both_spellings() -> None:
    built = built_site("site: example.org\nhost: {name: mx.example.org, postmaster: anna, fold_case: false}\n")
    assert "MAILER-DAEMON: postmaster" in built.lines("aliases/system")


def test_site_and_accounts_decide_about_customary_names_themselves() -> None:
    built = built_site(HEAD + OWNED + "accounts: {anna: {}, abuse: {}}\naliases: {root: [anna, admin@example.net]}\n")
    assert _recipients(built, "root@example.org") == ["anna@example.org", "admin@example.net"]
    assert "abuse@example.org" not in built.records("aliases.dat")


def test_name_in_any_local_domain_is_compiled_for_all_of_them() -> None:
    built = built_site(
        HEAD + "domains: {branch.example: {aliases: {desk: anna}}}\naliases: {Info@BRANCH.example: anna}\n"
    )
    assert built.lines("aliases/@branch.example") == ["desk: anna"]
    assert built.lines("aliases/site") == ["info: anna"]
    assert {"desk@example.org", "info@example.org"} <= built.records("aliases.dat").keys()


def test_recipient_in_another_local_domain_finds_the_alias_that_it_names() -> None:
    aliases = (
        "aliases: {crew: [Owner@MX.example.org, ext@example.net], owner: anna@example.org, boss: crew@mx.example.org}\n"
    )
    built = built_site(HEAD + aliases)
    assert built.lines("aliases/site") == ["crew: Owner, ext@example.net", "owner: anna@example.org", "boss: crew"]
    assert _recipients(built, "boss@example.org") == ["anna@example.org", "ext@example.net"]


def test_recipient_below_a_local_wildcard_finds_it_too_unless_the_wildcard_excludes_its_domain() -> None:
    domains = "domains: {.lab.example: {excluding: [old.lab.example]}}\n"
    built = built_site(HEAD + domains + "aliases: {crew: [desk@a.lab.example, desk@old.lab.example], desk: anna}\n")
    assert _recipients(built, "crew@example.org") == ["anna@example.org", "desk@old.lab.example"]


def test_where_the_default_domain_is_hosted_a_local_recipient_leaves_its_domain_only_for_an_alias() -> None:
    domains = "domains: {example.org: {kind: hosted}}\n"
    built = built_site(
        HEAD + domains + "aliases: {crew: [owner@mx.example.org, ben@mx.example.org], owner: x@example.net}\n"
    )
    assert built.lines("aliases/site")[0] == "crew: owner, ben@mx.example.org"


def test_name_in_a_hosted_domain_is_looked_up_in_lower_case() -> None:
    built = built_site(HEAD + HOSTED)
    assert _recipients(built, "returns@shop.example") == ["orders@shop.example"]


def test_case_is_kept_where_the_site_does_not_fold_it_except_for_postmaster() -> None:
    text = "site: example.org\nhost: {name: mx.example.org, fold_case: false}\n" + (
        "domains: {shop.example: {kind: hosted, aliases: {Returns: x, PostMaster: x}}}\n"
    )
    names = built_site(text).records("aliases.dat").keys()
    assert {"Returns@shop.example", "postmaster@shop.example"} <= names


def test_recipients_without_a_domain_belong_to_the_hosted_domain() -> None:
    built = built_site(HEAD + HOSTED)
    assert _recipients(built, "team@shop.example") == ["orders@shop.example", "anna@example.org", "ext@example.net"]


def test_account_that_forwards_is_an_alias_of_its_login() -> None:
    built = built_site(HEAD + HOSTED + "accounts: {erik: {forward: [erik@example.net]}}\n")
    assert _recipients(built, "clara@shop.example") == ["clara@example.net"]
    assert _recipients(built, "erik@example.org") == ["erik@example.net"]


def test_aliases_of_a_domain_hold_in_the_domains_that_are_an_alias_of_it() -> None:
    built = built_site(HEAD + HOSTED)
    assert _recipients(built, "returns@shop.example.com") == ["orders@shop.example"]
    assert _recipients(built, "clara@shop.example.com") == ["clara@example.net"]
    origin = built.files["etc/courier/aliases.dat"].origins["returns@shop.example.com"]
    assert origin.path == ("domains", "shop.example", "aliases", "Returns")
    assert origin.rule == "shop.example.com is an alias of shop.example"


def test_alias_domain_may_say_something_else() -> None:
    built = built_site(HEAD + HOSTED)
    assert _recipients(built, "team@shop.example.com") == ["orders@shop.example.com"]


def test_every_hosted_domain_has_a_postmaster() -> None:
    records = built_site(HEAD + HOSTED).records("aliases.dat")
    assert records["postmaster@shop.example"] == records["postmaster@shop.example.com"] == "anna@example.org\n"


def test_account_named_postmaster_is_not_hidden() -> None:
    domains = "domains: {shop.example: {kind: hosted, accounts: {postmaster: {uid: 1, gid: 1}}}}\n"
    assert "postmaster@shop.example" not in built_site(HEAD + domains).records("aliases.dat")


def test_accounts_that_only_a_directory_knows_are_not_hidden() -> None:
    text = HEAD + HOSTED + "auth: {pipe: {program: /bin/accounts}}\n"
    assert "postmaster@shop.example" not in built_site(text).records("aliases.dat")


def test_each_domain_has_a_file_so_that_a_change_touches_little() -> None:
    built = built_site(HEAD + HOSTED + "aliases: {info: anna}\n")
    names = {
        path.removeprefix("etc/courier/aliases/") for path in built.files if path.startswith("etc/courier/aliases/")
    }
    assert names == {"system", "site", "@shop.example", "@shop.example.com"}


def test_whole_domain_goes_to_an_account_as_courier_does_it() -> None:
    built = built_site(HEAD + "aliases: {'@remote.example': collector, '@old.example.org': uucp!hub!}\n")
    assert built.records("aliases.dat")["@remote.example"] == "collector\n"
    assert built.records("aliases.dat")["@old.example.org"] == "uucp!hub!\n"


def test_program_and_mailbox_become_instruction_files() -> None:
    built = built_site(HEAD + "aliases: {tickets: {to: anna, program: /bin/ticket -x, mailbox: /srv/tickets}}\n")
    name = "aliasdir/.courier-:xalias/tickets@example+2eorg"
    assert built.lines(name) == ["|/bin/ticket -x", "/srv/tickets"]
    assert built.files[f"etc/courier/{name}"].origins[""].path == ("aliases", "tickets")
    assert _recipients(built, "tickets@example.org") == [
        "anna@example.org",
        '".xalias/tickets@example+2eorg"@example.org',
    ]


def test_protocol_has_a_table_of_its_own() -> None:
    built = built_site(HEAD + "protocol_aliases: {esmtp: {drop: anna, job: {program: /bin/job}}}\n")
    assert _recipients(built, "drop@example.org", "aliases-esmtp.dat") == ["anna@example.org"]
    assert built.lines("aliases-esmtp/site") == ["drop: anna", "job: |/bin/job"]
    assert built.lines("aliasdir/.courier-:xalias-esmtp/job@example+2eorg") == ["|/bin/job"]
    assert "drop@example.org" not in built.records("aliases.dat")


@pytest.mark.parametrize(
    ("host", "settings", "path"),
    [
        (", dot_extension: qmail", "", ("host", "dot_extension")),
        ("", "settings: {control: {dotextension: qmail}}\n", ("settings", "control", "dotextension")),
    ],
)
def test_programs_are_found_under_another_extension_by_a_link(host: str, settings: str, path: SitePath) -> None:
    head = HEAD.replace("}", f"{host}}}") + settings
    built = built_site(head + "aliases: {p: {program: /bin/x}}\nprotocol_aliases: {esmtp: {q: {program: /bin/y}}}\n")
    assert built.lines("aliasdir/.courier-:xalias/p@example+2eorg") == ["|/bin/x"]
    for end in ("", "-esmtp"):
        link = built.files[f"etc/courier/aliasdir/.qmail-:xalias{end}"]
        assert (link.link, link.content.decode()) == (True, f".courier-:xalias{end}")
        assert link.origins[""].path == path


def test_without_programs_or_with_the_usual_extension_there_is_no_link() -> None:
    quiet = built_site(HEAD.replace("}", ", dot_extension: qmail}") + "aliases: {p: anna}\n")
    usual = built_site(HEAD.replace("}", ", dot_extension: courier}") + "aliases: {p: {program: /bin/x}}\n")
    assert [name for built in (quiet, usual) for name, file in built.files.items() if file.link] == []


def test_a_link_that_the_site_carries_itself_is_left_to_it() -> None:
    files = "files: {'aliasdir/.qmail-:xalias': {link: '/etc/courier/aliasdir/.courier-:xalias'}}\n"
    built = built_site(HEAD.replace("}", ", dot_extension: qmail}") + "aliases: {p: {program: /bin/x}}\n" + files)
    assert built.text("aliasdir/.qmail-:xalias") == "/etc/courier/aliasdir/.courier-:xalias"
    assert built.finds("file-twice") == []


def test_names_that_are_keys_of_the_site_elsewhere_are_aliases_like_others() -> None:
    domain = "domains: {shop.example: {kind: hosted, aliases: {catch_all: anna, forward: anna}}}\n"
    built = built_site(HEAD + domain + "aliases: {catch_all: anna, forward: anna}\n")
    for name in ("catch_all", "forward"):
        assert _recipients(built, f"{name}@example.org") == ["anna@example.org"]
        assert _recipients(built, f"{name}@shop.example") == ["anna@shop.example"]


def test_address_that_courier_refuses_is_told_at_its_place_in_the_site() -> None:
    built = built_site(HEAD + "aliases:\n  info: anna\n  sales: [anna, a..b@example.net]\n")
    [problem] = built.finds("alias-address")
    assert problem.path == ("aliases", "sales")
    assert str(problem.mark) == "site.yaml:5:3"


def test_alias_in_all_sub_domains_never_matches() -> None:
    built = built_site(HEAD + "domains: {.wild.example: {kind: hosted, aliases: {info: anna@example.org}}}\n")
    assert built.finds("alias-wildcard")


def test_included_file_is_named_in_the_source_and_missing_in_the_database() -> None:
    built = built_site(HEAD + "aliases: {crew: {to: anna, include: /srv/crew}}\n")
    assert built.lines("aliases/site") == ["crew: anna", "crew: :include:/srv/crew"]
    assert built.finds("alias-include")


def test_included_file_that_the_site_carries_is_in_the_database() -> None:
    aliases = "aliases: {crew: {to: anna, include: /etc/courier/lists/crew}}\n"
    built = built_site(HEAD + aliases + 'files: {lists/crew: {content: "bert\\next@b.example\\n"}}\n')
    assert built.lines("aliases/site")[1] == "crew: :include:/etc/courier/lists/crew"
    assert sorted(_recipients(built, "crew@example.org")) == ["anna@example.org", "bert@example.org", "ext@b.example"]
    assert not built.finds("alias-include")


def test_same_name_in_two_places_has_the_recipients_of_both() -> None:
    built = built_site(HEAD + "domains: {example.org: {aliases: {info: ben}}}\naliases: {info@example.org: anna}\n")
    assert sorted(_recipients(built, "info@example.org")) == ["anna@example.org", "ben@example.org"]


def test_control_files_said_under_their_own_names_decide_how_names_are_completed() -> None:
    built = built_site(HEAD + "aliases: {info: anna}\nsettings: {control: {defaultdomain: mail.example.org}}\n")
    assert _recipients(built, "info@mail.example.org") == ["anna@mail.example.org"]
