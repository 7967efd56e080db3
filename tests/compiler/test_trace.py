"""A trace foretells what becomes of one message, and names the line of the site that decides at each step.

That it foretells the replies of the real Courier is proved in tests/real/test_trace.py.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.tracing_sites import STRANGE, compiled, ends, reply, said, way
from courier_compiler import pipeline
from courier_compiler.tracing.host import CompiledHost
from courier_compiler.tracing.rendering import as_json, as_text
from courier_compiler.tracing.trace import trace
from courier_compiler.tracing.values import Envelope, Stage

ACCESS = """\
access:
  192.0.2.0/24: relay
  192.0.2.66: deny
  203.0.113.1: {action: allow, block: 450 Come back}
  203.0.113.2: {action: allow, block: Go away, max_per_address: 2}
  203.0.113.3: {action: relay, relay_suffix: .gateway.example}
"""


class TestConnection:
    def test_the_closest_network_decides(self) -> None:
        assert reply(STRANGE, ACCESS, client="192.0.2.1") == "RCPT: 250 Ok."
        assert reply(STRANGE, ACCESS, client="192.0.2.66") == "connect: the connection is closed"

    def test_the_rule_is_named(self) -> None:
        found = said(way("anna@example.org", ACCESS, client="203.0.113.2"), Stage.CONNECTION)
        assert "smtpaccess.dat: 203.0.113.2 sets BLOCK=Go away, MAXCPERIP=2 <- access.203.0.113.2" in found
        assert "MAXCPERIP allows 2 sessions of one address <- access.203.0.113.2" in found

    def test_submission_may_have_a_table_of_its_own(self) -> None:
        text = ACCESS + "submission_access: {192.0.2.1: deny}\n"
        assert reply("anna@example.org", text, client="192.0.2.1") == "RCPT: 250 Ok."
        found = way("anna@example.org", text, client="192.0.2.1", service="submission")
        assert said(found, Stage.CONNECTION) == [
            "smtpaccess-msa.dat: 192.0.2.1 is denied <- submission_access.192.0.2.1"
        ]

    def test_a_service_that_is_off_takes_nothing(self) -> None:
        assert reply("anna@example.org", service="smtps") == "connect: nobody listens"

    def test_a_block_refuses_with_the_code_that_it_names(self) -> None:
        assert reply("anna@example.org", ACCESS, client="203.0.113.1") == "RCPT: 450 Come back"
        assert reply("anna@example.org", ACCESS, client="203.0.113.2") == "RCPT: 511 Go away"

    def test_dns_lists_are_not_asked_but_told(self) -> None:
        found = way("anna@example.org", "dns_lists: [zen.example.net]\n")
        assert found.is_accepted
        assert "would look up 198.51.100.7 in zen.example.net" in found.assumed

    def test_lists_are_not_asked_about_a_client_that_is_blocked_already(self) -> None:
        found = way("anna@example.org", ACCESS + "dns_lists: [zen.example.net]\n", client="203.0.113.2")
        assert "zen.example.net is not asked: BLOCK is set already <- access.203.0.113.2" in said(
            found, Stage.CONNECTION
        )

    def test_an_address_that_is_none_is_no_envelope(self) -> None:
        with pytest.raises(ValueError, match="nonsense"):
            trace(compiled(), Envelope(STRANGE, "anna@example.org", "nonsense"))


class TestSession:
    def test_submission_wants_tls_first(self) -> None:
        assert reply("anna@example.org", service="submission") == "MAIL: 400 STARTTLS is required first."
        assert reply("anna@example.org", service="submission", login="anna").startswith("AUTH: 400")

    def test_submission_wants_a_login_next(self) -> None:
        assert reply("anna@example.org", service="submission", tls=True) == "MAIL: 535 Authentication required."

    def test_a_login_may_relay(self) -> None:
        found = way(STRANGE, service="submission", tls=True, login="anna")
        assert found.is_accepted
        assert "userdb has anna with a password <- accounts.anna" in said(found, Stage.SESSION)

    def test_a_login_lifts_a_block(self) -> None:
        found = reply(STRANGE, ACCESS, client="203.0.113.2", service="submission", tls=True, login="anna")
        assert found == "RCPT: 250 Ok."

    @pytest.mark.parametrize("login", ["boris", "nobody"])
    def test_who_has_no_password_cannot_log_in(self, login: str) -> None:
        found = reply(STRANGE, service="submission", tls=True, login=login)
        assert found == "AUTH: 535 Authentication failed."

    def test_where_no_method_is_offered_nobody_can(self) -> None:
        assert reply(STRANGE, login="anna", tls=True) == "AUTH: 535 Authentication rejected"

    def test_other_back_ends_are_not_asked_but_told(self) -> None:
        found = way(STRANGE, "auth: {pam: true}\n", service="submission", tls=True, login="nobody")
        assert found.is_accepted
        assert "would ask authpam for the login nobody" in found.assumed


class TestSender:
    POLICY = "policy: {deny_senders: [spam@example.net, '@.junk.example']}\n"

    def test_senders_are_refused_by_address_and_by_sub_domain(self) -> None:
        assert (
            reply("anna@example.org", self.POLICY, "Spam@Example.net") == "MAIL: 517 Sender rejected: Spam@Example.net"
        )
        assert reply("anna@example.org", self.POLICY, "x@a.junk.example").startswith("MAIL: 517")
        assert reply("anna@example.org", self.POLICY, "x@junk.example") == "RCPT: 250 Ok."

    def test_the_pattern_is_named(self) -> None:
        found = way("anna@example.org", self.POLICY, "spam@example.net")
        assert said(found, Stage.SENDER)[-1] == "badfrom refuses spam@example.net <- policy.deny_senders.0"

    def test_a_sender_needs_a_domain_with_a_dot(self) -> None:
        assert reply("anna@example.org", sender="anna") == "MAIL: 517 Syntax error."
        assert reply("anna@example.org", sender="") == "RCPT: 250 Ok."

    def test_what_dns_would_tell_is_noted(self) -> None:
        assert "would look up the mail servers of elsewhere.example" in way("anna@example.org").assumed

    def test_spf_spares_clients_that_may_relay_where_the_site_says_so(self) -> None:
        spf = "policy: {spf: {mail_from: [pass], trust_relay_clients: true}}\n"
        checked = "would look up SPF of the sender; accepted: pass"
        assert checked in way("anna@example.org", spf).assumed
        assert checked not in way("anna@example.org", ACCESS + spf, client="192.0.2.1").assumed


class TestRecipient:
    @pytest.mark.parametrize(
        ("recipient", "answer"),
        [
            ("", "RCPT: 500 Invalid address"),
            ("@relay.example:anna@example.org", "RCPT: 500 Invalid address"),
            ("anna", "RCPT: 513 Syntax error."),
            ("anna@localhost", "RCPT: 513 Syntax error."),
            ("anna@example.org.", "RCPT: 250 Ok."),
            (STRANGE, "RCPT: 513 Relaying denied."),
        ],
    )
    def test_addresses_that_strangers_may_name(self, recipient: str, answer: str) -> None:
        assert reply(recipient) == answer

    def test_the_domain_that_is_accepted_is_named(self) -> None:
        text = "domains: {example.org: {}, far.example: {kind: relay}}\n"
        found = said(way("x@far.example", text), Stage.RECIPIENT)
        assert "far.example is accepted from everybody: far.example <- domains.far.example" in found

    def test_a_suffix_is_appended_before_anything_else(self) -> None:
        assert ends(way("x@far.example", ACCESS, client="203.0.113.3")) == ["relay x@far.example.gateway.example"]

    def test_the_percent_relay_rewrites_what_it_lists(self) -> None:
        text = "percent_relay: [inner.example]\n"
        assert ends(way("x%inner.example@example.org", text)) == ["relay x@inner.example"]
        assert reply("x%other.example@example.org", text) == "RCPT: 550 User <x%other.example> unknown"

    def test_only_clients_with_the_right_reach_the_fax(self) -> None:
        text = "access: {192.0.2.7: {action: relay, fax: true}}\nfax: {rules: [{accept: nnn local}]}\n"
        assert reply("555@fax", text) == "RCPT: 513 Syntax error."
        assert ends(way("555@fax", text, client="192.0.2.7")) == ["fax 555@fax"]


class TestAliases:
    ALIASES = """\
aliases:
  sales: [anna, boris, ext@far.example]
  ticket: {program: /usr/local/bin/ticket --new}
  archive: {to: anna, mailbox: /srv/archive/Maildir}
  "@virtual.example": anna
protocol_aliases: {esmtp: {drop: boris}}
"""

    def test_everybody_on_the_right_side_gets_it(self) -> None:
        found = way("Sales@Example.ORG", self.ALIASES)
        assert ends(found) == ["account anna", "account boris", "relay ext@far.example"]
        assert said(found, Stage.ALIAS)[0].endswith("<- aliases.sales")

    def test_aliases_on_the_way_are_named(self) -> None:
        text = "aliases: {all: [crew, boris], crew: [Owner@example.org], owner: anna}\n"
        found = way("all@example.org", text)
        assert ends(found) == ["account boris", "account anna"]
        assert said(found, Stage.ALIAS) == [
            "aliases.dat: all@example.org leads to boris@example.org, anna@example.org <- aliases.all",
            "on the way: crew@example.org <- aliases.crew",
            "on the way: owner@example.org <- aliases.owner",
        ]

    def test_an_alias_in_the_name_of_another_local_domain_is_followed(self) -> None:
        text = "aliases: {all: [crew, boris], crew: owner@mx.example.org, owner: anna}\n"
        assert ends(way("crew@example.org", text)) == ["account anna"]
        assert sorted(ends(way("all@example.org", text))) == ["account anna", "account boris"]

    def test_programs_and_mailboxes_are_reached_through_their_instructions(self) -> None:
        assert ends(way("ticket@example.org", self.ALIASES)) == ["program /usr/local/bin/ticket --new"]
        assert ends(way("archive@example.org", self.ALIASES)) == ["account anna", "mailbox /srv/archive/Maildir"]

    def test_aliases_of_one_protocol_come_first(self) -> None:
        found = way("drop@example.org", self.ALIASES)
        assert ends(found) == ["account boris"]
        assert "aliases-esmtp.dat" in said(found, Stage.ALIAS)[0]

    def test_a_recipient_of_several_who_does_not_exist_comes_back(self) -> None:
        host = compiled("aliases: {crew: [anna, ghost]}\n")
        found = trace(host, Envelope(STRANGE, "crew@example.org"))
        assert found.reply.code == 250
        assert ends(found) == ["account anna", "bounce ghost@example.org"]

    def test_instructions_lead_on_hop_by_hop(self) -> None:
        text = "delivery: {dotfiles: {robot: {lines: '&sales\n|/bin/log'}}}\n" + self.ALIASES
        found = way("robot@example.org", text.replace("\n|", "\\n|").replace("'&", '"&').replace("log'", 'log"'))
        assert ends(found) == ["program /bin/log", "account anna", "account boris", "relay ext@far.example"]

    def test_a_circle_of_instructions_ends(self) -> None:
        text = "delivery: {dotfiles: {one: {lines: '&two'}, two: {lines: '&one'}}}\n"
        assert ends(way("one@example.org", text)) == ["bounce one@example.org"]


class TestLocalDelivery:
    HOSTED = """\
domains:
  shop.example: {kind: hosted, accounts: {clara: {}}, catch_all: clara}
  www.shop.example: {kind: hosted, alias_of: shop.example}
  bare.example: {kind: hosted, accounts: {dora: {}}}
"""

    def test_names_of_local_domains_have_no_domain(self) -> None:
        assert ends(way("anna@mx.example.org")) == ["account anna"]

    def test_hosted_accounts_are_known_under_their_domain(self) -> None:
        assert ends(way("Clara@WWW.shop.example", self.HOSTED)) == ["account clara@shop.example"]
        assert reply("anna@bare.example", self.HOSTED) == "RCPT: 550 User <anna@bare.example> unknown"

    def test_a_catch_all_takes_what_nobody_has(self) -> None:
        found = way("nobody@shop.example", self.HOSTED)
        assert ends(found) == ["account clara@shop.example"]
        assert "<- domains.shop.example.catch_all" in said(found, Stage.LOCAL)[1]

    def test_the_account_that_is_found_decides_about_its_extensions(self) -> None:
        assert reply("clara-list@shop.example", self.HOSTED).startswith("RCPT: 550")
        found = way("anna-lists-today@example.org")
        assert found.reply.code == 550
        assert ".courier-lists-today, .courier-lists-default, .courier-default" in found.assumed[-1]

    @pytest.mark.parametrize(("profile", "is_extension"), [("upstream-2.0", True), ("debian-12", False)])
    def test_later_releases_know_another_separator(self, profile: str, is_extension: bool) -> None:
        found = way("anna+x@example.org", f"profile: {profile}\n")
        assert found.reply.text == "User <anna+x> unknown"
        assert ("account anna with the extension x" in said(found, Stage.LOCAL)[-1]) is is_extension

    def test_names_with_a_leading_dot_exist_for_aliases_only(self) -> None:
        text = "aliases: {ticket: {program: /bin/true}}\n"
        assert reply('".xalias/ticket@example+2eorg"@example.org', text).startswith("RCPT: 550")

    @pytest.mark.parametrize("extension", ["courier", "qmail"])
    def test_programs_of_aliases_are_found_under_every_extension(self, extension: str) -> None:
        text = f"aliases: {{ticket: {{program: /bin/x}}}}\nsettings: {{control: {{dotextension: {extension}}}}}\n"
        assert ends(way("ticket@example.org", text)) == ["program /bin/x"]
        carried = "files: {'aliasdir/.qmail-:xalias': {link: '/etc/courier/aliasdir/.courier-:xalias'}}\n"
        assert ends(way("ticket@example.org", text + carried)) == ["program /bin/x"]

    def test_accounts_that_no_back_end_looks_up_do_not_exist(self) -> None:
        text = "settings: {authdaemonrc: {authmodulelist: authmysql}}\n"
        found = way("anna@example.org", text)
        assert "would ask authmysql for anna: an account there decides" in found.assumed
        assert "accounts.anna" not in str(said(found, Stage.LOCAL))

    def test_accounts_of_other_back_ends_are_taken_for_granted(self) -> None:
        found = way("nobody@example.org", "auth: {pam: true}\n")
        assert ends(found) == ["account nobody"]
        assert "would ask authpam for nobody: an account there decides" in found.assumed


class TestRoutes:
    ROUTES = """\
access: {192.0.2.1: relay}
routes:
  far.example: {via: mx.far.example, port: 2525, security: required}
  .far.example: "[203.0.113.9]"
  near.example: {security: required}
smarthost: {host: smart.example.net, security: smtps, login: {user: us, password: {value: geheim}}}
"""

    @pytest.mark.parametrize(
        ("domain", "relay", "port", "security", "login"),
        [
            ("far.example", "mx.far.example", 2525, "required", ""),
            ("deep.far.example", "[203.0.113.9]", 25, "", ""),
            ("near.example", "", 25, "required", ""),
            ("other.example", "smart.example.net", 465, "smtps", "us"),
        ],
    )
    def test_the_first_route_that_matches_counts(
        self, domain: str, relay: str, port: int, security: str, login: str
    ) -> None:
        (delivery,) = way(f"x@{domain}", self.ROUTES, client="192.0.2.1").deliveries
        hop = delivery.hop
        assert hop is not None
        assert (hop.relay, hop.port, hop.security, hop.login) == (relay, port, security, login)

    def test_the_route_and_the_credentials_are_named(self) -> None:
        found = said(way("x@other.example", self.ROUTES, client="192.0.2.1"), Stage.ROUTE)
        assert found[:2] == [
            "other.example leaves via smart.example.net, port 465, security smtps <- smarthost",
            "logs in there as us <- smarthost.login",
        ]

    def test_without_a_route_dns_would_be_asked(self) -> None:
        text = "access: {192.0.2.1: relay}\n"
        assert (
            "would look up the mail servers of other.example"
            in way("x@other.example", text, client="192.0.2.1").assumed
        )

    def test_the_policy_of_encryption_is_told(self) -> None:
        text = "access: {192.0.2.1: relay}\nsending_tls: {verify: true}\n"
        found = said(way("x@other.example", text, client="192.0.2.1"), Stage.ROUTE)
        assert "over TLS the certificate has to match the server's name <- sending_tls.verify" in found

    def test_paths_lead_to_neighbours_or_nowhere(self) -> None:
        text = "uucp: {neighbours: {hub: [forward], leaf: {}}}\n"
        assert ends(way("hub!far!x@example.org", text)) == ["uucp hub!far!x"]
        assert reply("leaf!far!x@example.org", text) == "RCPT: 550 Unknown UUCP bang path."


class TestNotices:
    def test_the_sender_is_told(self) -> None:
        found = way("anna@example.org", "backscatter: {discard_bounces: []}\n").notice
        assert found is not None
        assert (found.address, found.dropped) == (STRANGE, False)

    def test_bounces_to_strangers_are_dropped_where_the_site_says_so(self) -> None:
        text = "backscatter: {discard_bounces: [smtp]}\n"
        dropped = way("anna@example.org", text).notice
        kept = way("boris@example.org", text, sender="anna@example.org").notice
        assert dropped is not None
        assert dropped.dropped
        assert kept is not None
        assert not kept.dropped

    def test_mail_of_logins_is_another_source(self) -> None:
        text = "backscatter: {discard_bounces: [smtp]}\n"
        found = way(STRANGE, text, service="submission", tls=True, login="anna").notice
        assert found is not None
        assert not found.dropped

    def test_the_login_is_told_where_the_site_says_so(self) -> None:
        text = """\
backscatter: {bounce_to_login: true}
domains: {shop.example: {kind: hosted, accounts: {clara: {password: {value: geheim}}}}}
"""
        found = way(STRANGE, text, service="submission", tls=True, login="clara@shop.example").notice
        assert found is not None
        assert found.address == "clara@shop.example"

    def test_bounces_of_bounces_go_to_postmaster(self) -> None:
        found = way("anna@example.org", sender="").notice
        assert found is not None
        assert found.address == "postmaster@example.org"


EVERYTHING = Path(__file__).parents[2] / "site-examples/everything"
PARTS = """\
anna sales news-x old-trap hub! leaf! % %intranet.example.org @ @example.org @shop.example @deep.shop.example " < - .
.xalias/ @remote.example @fax @[192.0.2.1] \udcff
"""
ADDRESSES = st.lists(st.sampled_from(PARTS.split()) | st.text(max_size=3), max_size=5).map("".join)


@cache
def everything() -> CompiledHost:
    """The example that says everything that a site can say."""
    (reading,) = pipeline.read(EVERYTHING)
    assert reading.resolved is not None
    return CompiledHost.of(reading.resolved)


@settings(deadline=None)  # the first answer takes compiling the host
@given(ADDRESSES, ADDRESSES, st.sampled_from(["198.51.100.17", "192.168.0.1", "fd00:10::1", "192.0.2.77"]))
def test_whatever_is_asked_has_an_answer(sender: str, recipient: str, client: str) -> None:
    found = trace(everything(), Envelope(sender, recipient, client))
    assert found.reply.code // 100 in (2, 4, 5)
    assert bool(found.deliveries) <= found.is_accepted
    assert (found.notice is not None) is found.is_accepted
    assert all(step.says for step in found.steps)
    assert json.loads(as_json([found]))["accepted"] is found.is_accepted
    assert f"{found.reply}\n" in as_text(found)
