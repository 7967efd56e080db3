"""Routes, bounces, settings, texts, accounts and gateways: what is a mistake, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.checking import ANNA, CERTIFICATE, HASH, HOST, NOW, OWNER, Seen, found, places, problems, told
from courier_compiler import pipeline
from courier_compiler.host import MAX_BYTES, FileFacts, LocalHost, NoHost

SECRET = "{from_file: secrets/isp}"


@pytest.mark.parametrize(
    "site",
    [
        f"smarthost: {{host: smtp.example.net, security: required, login: {{user: us, password: {SECRET}}}}}",
        f"smarthost: {{host: smtp.example.net, security: smtps, login: {{user: us, password: {SECRET}}}}}",
        "smarthost: {host: smtp.example.net, security: smtps, port: 465}",
        "routes: {example.com: {security: required}, '*': smtp.example.net, example.net: {}}",
        f"smarthost: smtp.example.net\ncredentials: {{SMTP.example.net: {{user: us, password: {SECRET}}}}}",
        "domains: {example.com: {kind: relay}}\nroutes: {example.com: '[10.0.0.1]'}",
        "sending_tls: {security_trust: /etc/ssl/ca.pem}\nroutes: {example.com: {via: m.example, security: starttls}}",
        "backscatter: {discard_bounces: [smtp], refuse_failing: [smtp, authsmtp]}",
        "queue: {lifetime: 5d, warn_after: 0s, retry_pause: 10m, host_pause: 10m, memory_low: 300, memory_high: 600}",
        "queue: {first_delay: '0', refill: '0', timeouts: {connect: '0', keep_alive_probe: '0'}}",
        "backup_relay: backup.example.net\nqueue: {warn_after: 2h}",
        "policy: {spf: {mail_from: [none, neutral, pass, error], header_from: [mailfromok, pass]}}",
        "dns_lists: {lists: [{zone: friends.example, kind: allow}, zen.example, bulk.example], drop: true}",
        "dns_lists: {lists: [{zone: a.example, answer: 127.0.0.2}, {zone: a.example, answer: 127.0.0.4}]}",
        "filters: {active: {spam: /usr/local/bin/spam}}",
        "mailing_lists: {lists: {talk: {directory: /srv/t, address: talk, owner: x@example.net,"
        " options: {POST: mod, PURGEARCHIVE: 30, NAME: Talk, UNICODE: 1}}}}",
        "webadmin: {password: {from_file: secrets/w}, plain_http: [127.0.0.1]}",
        "webmail: {login_domains: [{domain: '*', access: '*', modifier: '@'}], idle_timeout: 600}",
        "virtual_hosts: {192.0.2.1: {helo: a.example}, example.org: {files: {bofh: 'opt X=1'}}}",
        "fax: {rules: [{reject: '900 local'}, {accept: 'nnn local', prefix: true}]}",
        "uucp: {neighbours: {hub: [gateway], leaf: [forward, rmail], hub!far: []}}",
        'delivery: {quota_warning: "From: x@example.org\\nSubject: full\\n\\nYour mailbox is full.\\n"}',
        "bounces: {texts: {failed: '', footer: ''}}",
        "settings: {esmtpd: {TARPIT: false}, courierd: {ARCHIVEDIR: null}, imapd: {DEFDOMAIN: null}}",
        "environment: {esmtpd: {LC_ALL: C}}",
    ],
)
def test_these_sites_are_in_order(site: str) -> None:
    assert found(f"{HOST}{site}\n") == []


def test_each_of_the_three_places_of_bounces_is_told_by_its_own_key() -> None:
    site = f"{ANNA}backscatter: {{discard_bounces: [authsmtp], refuse_failing: [], bounce_to_login: true}}\n"
    assert sorted(found(site)) == [
        "backscatter-contradiction",
        "backscatter-drops-own",
        "backscatter-not-suppressed",
        "backscatter-sent",
        "bounce-to-bare-login",
    ]


def test_leaving_out_the_setting_is_as_good_as_bounces_to_the_login() -> None:
    site = f"{ANNA}settings: {{courierd: {{DSNTOAUTHADDR: null}}}}\n"
    assert found(site) == ["bounce-to-bare-login", "setting-absence"]


def test_an_overruled_section_is_told_with_both_values() -> None:
    site = f"{HOST}listeners: {{smtp: {{max_per_address: 3}}}}\nsettings: {{esmtpd: {{MAXPERIP: 4}}}}\n"
    assert told(site, "setting-overrules") == [
        "MAXPERIP of esmtpd is '4', where listeners.smtp.max_per_address would have said '3'"
    ]


def test_secrets_are_never_shown() -> None:
    site = (
        f"{ANNA}auth: {{mysql: {{server: db.example, password: {SECRET}}}}}\n"
        "settings: {authmysqlrc: {MYSQL_PASSWORD: open-sesame}}\n"
    )
    assert "secret-in-site" in found(site)
    assert "setting-overrules" in found(site)
    assert "open-sesame" not in "".join((*told(site, "secret-in-site"), *told(site, "setting-overrules")))


def test_passwords_of_services_are_examined_as_well() -> None:
    accounts = 'accounts: {anna: {passwords: {imap: "{SHA}abc", smtp: {value: x}}, password: "{SSHA}abc"}}\n'
    site = f"{HOST}{OWNER}{accounts}"
    assert places(site, "password-weak-hash") == ["accounts.anna.passwords.imap"]
    assert places(site, "secret-in-site") == ["accounts.anna.passwords.smtp"]


@pytest.mark.parametrize("hashed", ["$6$s$x", "$y$j9T$s$x", "{SSHA}x", "{sha512}x", "{CRYPT}$2y$x", "$5$s$x"])
def test_these_hashes_are_known_and_strong(hashed: str) -> None:
    assert found(f"{HOST}{OWNER}accounts: {{anna: {{password: '{hashed}'}}}}\n") == []


def test_accounts_may_share_a_home_but_not_a_maildir() -> None:
    both = f"home: /srv/mail/team, password: {HASH}"
    site = f"{HOST}{OWNER}accounts: {{anna: {{{both}, maildir: A}}, berta: {{{both}, maildir: B}}}}\n"
    assert found(site) == []
    assert found(site.replace("maildir: B", "maildir: A")) == ["account-same-mailbox"]


def test_hosted_domains_may_have_the_same_names() -> None:
    domain = f"{{kind: hosted, accounts: {{anna: {{password: {HASH}}}}}}}"
    assert found(f"{HOST}{OWNER}domains: {{a.example: {domain}, b.example: {domain}}}\n") == []


def test_upper_case_accounts_are_fine_where_case_counts() -> None:
    host = "host: {name: mx.example.org, postmaster: a@example.net, fold_case: false}\n"
    assert found(f"{host}{OWNER}accounts: {{Anna: {{password: {HASH}}}}}\n") == []


def test_mail_is_read_where_it_is_put() -> None:
    served = f"{ANNA}{CERTIFICATE}listeners: {{imaps: {{maildir: Mail}}}}\n"
    assert found(f"{served}delivery: {{default: {{maildir: ./Mail/}}}}\n") == []
    assert found(f"{served}delivery: {{default: {{maildir: Maildir}}}}\n") == ["delivery-maildir"]


def test_programs_are_looked_for_on_the_host_only() -> None:
    site = f"{HOST}delivery: {{maildrop: /usr/bin/maildrop, recipient_filter: /opt/maildrop}}\n"
    program = FileFacts(0o755, 0, False, None)
    there = Seen({"/usr/bin/maildrop": program, "/opt/maildrop": program}, strict=True)
    assert found(site) == []
    assert found(site, there) == []
    assert places(site, "program-missing", Seen(strict=True)) == ["delivery.maildrop", "delivery.recipient_filter"]


def test_secret_files_lie_beside_the_site(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"site: example.org\n{HOST}webadmin: {{password: {{from_file: secrets/w}}}}\n")
    secret = tmp_path / "secrets" / "w"
    secret.parent.mkdir()
    secret.write_text("open-sesame")
    secret.chmod(0o644)
    (reading,) = pipeline.read(site)
    assert [problem.id for problem in pipeline.check(reading, LocalHost())] == ["secret-file-exposed"]
    secret.chmod(0o600)
    (reading,) = pipeline.read(site)
    assert list(pipeline.check(reading, LocalHost())) == []


def test_a_host_that_cannot_be_seen_tells_nothing() -> None:
    assert NoHost(NOW).file("/etc/passwd") is None
    assert NoHost(NOW).now() == NOW
    assert not NoHost(NOW).strict


def test_the_local_host_tells_modes_and_contents(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("x")
    (tmp_path / "note").chmod(0o640)
    facts = LocalHost(tmp_path).file("/note")
    assert facts is not None
    assert (facts.mode, facts.is_directory, facts.content) == (0o640, False, b"x")
    folder = LocalHost(tmp_path.parent).file(f"/{tmp_path.name}")
    assert folder is not None
    assert (folder.is_directory, folder.content) == (True, None)
    assert LocalHost(tmp_path).file("/nothing") is None
    assert LocalHost().now().tzinfo is not None


@pytest.mark.parametrize("header", ["Dear sender,", "Content-Type: text/plain", "Subject: x\\n\\nHello"])
def test_header_of_bounces_must_begin_with_that_of_their_text(header: str) -> None:
    site = f'site: example.org\nhost: {{name: mx.example.org}}\nbounces: {{texts: {{header: "{header}"}}}}\n'
    assert "bounce-header" in found(site)


def test_header_of_bounces_with_a_mime_header_is_fine() -> None:
    texts = r'{header: "Content-Type: text/plain; charset=utf-8\n\nDear sender,"}'
    site = f"site: example.org\nhost: {{name: mx.example.org}}\nbounces: {{texts: {texts}}}\n"
    assert "bounce-header" not in found(site)


def test_a_file_on_this_host_is_read_only_when_asked_for_and_only_so_far(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * (MAX_BYTES + 1))
    facts, later = LocalHost(tmp_path).file("/big"), LocalHost(tmp_path).file("/big")
    assert facts is not None
    assert later is not None
    assert facts.content == b"x" * MAX_BYTES
    big.unlink()
    assert later.content is None
    zero = LocalHost().file("/dev/zero")
    assert zero is not None
    assert zero.content is None
    assert LocalHost().file("/with\0nul") is None


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("aliases/more", "aliases"),
        ("aliases-esmtp/more", "protocol_aliases"),
        ("smtpaccess/local", "access"),
        ("imapaccess/local", "mailbox_access"),
        ("hosteddomains/more", "domains"),
        ("esmtpacceptmailfor.dir/more", "domains"),
        ("esmtppercentrelay.dir/more", "percent_relay"),
        ("uucpneighbors/more", "uucp"),
        ("userdb/more", "accounts"),
        ("userdbshadow.dat", "accounts"),
        ("hosteddomains.dat", "domains"),
    ],
)
def test_a_literal_file_behind_a_database_is_sent_to_its_section(name: str, section: str) -> None:
    reported = problems(f"{ANNA}files: {{{name}: {{content: x}}}}\n")
    assert [problem.id for problem in reported] == ["file-of-database"]
    assert reported[0].remedy.startswith(f"say in {section}")


def test_accounts_may_be_carried_whole_by_a_site_that_describes_none() -> None:
    assert found(f"{HOST}files: {{userdb/more: {{content: x}}, userdbshadow.dat: {{content: x}}}}\n") == []


def test_a_literal_file_of_no_section_is_nobody_elses_matter() -> None:
    assert (
        found(f"{HOST}files: {{README: {{content: x}}, data/aliases.txt: {{content: x}}, my.dat: {{content: x}}}}\n")
        == []
    )


def test_a_carried_secret_is_reported_by_what_others_may_do() -> None:
    site = f"{HOST}files: {{token: {{secret: {SECRET}, mode: 'MODE'}}}}\n"
    assert found(site.replace("MODE", "0640")) == []
    assert found(site.replace("MODE", "0644")) == ["secret-file-public"]


@pytest.mark.parametrize("name", [".", "..", "...", "-x", "'-'"])
def test_a_name_of_dots_or_with_a_dash_in_front_is_no_account(name: str) -> None:
    assert "account-name" in found(f"{HOST}{OWNER}accounts: {{{name}: {{password: {HASH}}}}}\n")


def test_names_are_as_long_as_the_dns_and_mail_servers_allow() -> None:
    label, local = "x" * 63, "y" * 64
    assert found(f"{HOST}domains: {{{label}.example: {{}}}}\naliases: {{{local}: x@example.net}}\n") == []
    assert found(f"{HOST}domains: {{x{label}.example: {{}}}}\n") == ["name-too-long"]
    assert found(f"{HOST}domains: {{{'.'.join([label] * 4)}: {{}}}}\n") == ["name-too-long"]
    assert found(f"{HOST}domains: {{{'ö' * 60}.example: {{}}}}\n") == ["name-too-long"]
    assert found(f"{HOST}aliases: {{y{local}@example.org: x@example.net}}\n") == ["local-part-too-long"]


def test_a_virtual_host_at_a_mapped_address_is_that_of_the_ipv4_address() -> None:
    virtual = "virtual_hosts: {'::ffff:192.0.2.9': {name: shop.example}}\n"
    for place in ("'192.0.2.9:25'", "'[::ffff:192.0.2.9]:25'"):
        assert "virtual-host-unreached" not in found(f"{HOST}listeners: {{smtp: {{on: [{place}]}}}}\n{virtual}")
    assert "virtual-host-unreached" in found(f"{HOST}listeners: {{smtp: {{on: ['192.0.2.8:25']}}}}\n{virtual}")
