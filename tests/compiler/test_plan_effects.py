"""What a plan means for mail: each subject from one site to another, and when it is in force."""

from __future__ import annotations

import pytest

from compiler.planning_sites import OWNED, edited, effects, file, installed, plan_between, says
from courier_compiler.applying.installed import MemoryTree
from courier_compiler.applying.reload import Action
from courier_compiler.artefact import Daemon
from courier_compiler.planning.effects import subjects
from courier_compiler.planning.timing import Live, when

HASH = '"$6$saltsalt$0123456789abcdef"'
OTHER = '"$6$saltsalt$fedcba9876543210"'
ANNA = OWNED + f"accounts: {{anna: {{password: {HASH}}}}}\n"
CERTIFICATE = "tls: {certificate: /etc/ssl/mx.pem}\n"

DOMAINS = [
    ("", "domains: {example.com: {}}\n", ["example.com is local", "mail for example.com is accepted"]),
    (
        "domains: {example.com: {}}\n",
        "",
        ["! example.com is no longer local", "! mail for example.com is no longer accepted"],
    ),
    (
        "domains: {example.com: {}}\n",
        "domains: {example.com: {kind: hosted}}\n",
        ["! example.com is hosted, no longer local"],
    ),
    (
        "",
        "domains: {shop.example: {kind: hosted, subdomains: true}}\n",
        [
            "mail for shop.example is accepted",
            "mail for sub-domains of shop.example is accepted",
            "shop.example is hosted",
            "sub-domains of shop.example are hosted as shop.example",
        ],
    ),
    ("", "domains: {backup.example: {kind: relay}}\n", ["mail for backup.example is accepted"]),
    ("domains: {example.com: {}}\n", "domains: {example.com: {accept: false}}\n",
     ["! mail for example.com is no longer accepted"]),
    ("domains: {.example.com: {}}\n", "domains: {.example.com: {excluding: [old.example.com]}}\n",
     ["! mail for old.example.com is no longer accepted", "! old.example.com is no longer local"]),
    ("domains: {.example.com: {excluding: [.old.example.com]}}\n", "domains: {.example.com: {}}\n",
     ["mail for sub-domains of old.example.com is accepted", "sub-domains of old.example.com are local"]),
    ("domains: {.example.com: {}}\n",
     "domains: {.example.com: {excluding: [a.example.com]}, a.example.com: {kind: hosted}}\n",
     ["! a.example.com is hosted, no longer local"]),
    ("", "domains: {.example.com: {excluding: [old.example.com]}}\n",
     ["mail for sub-domains of example.com is accepted", "sub-domains of example.com are local"]),
]  # fmt: skip
ADDRESSES = [
    ("", "aliases: {sales: eva@example.net}\n", ["sales@example.org is accepted, and goes to eva@example.net"]),
    (
        ANNA + "aliases: {sales: eva@example.net}\n",
        ANNA,
        ["! sales@example.org is no longer accepted; it went to eva@example.net"],
    ),
    (
        "aliases: {sales: eva@example.net}\n",
        "aliases: {sales: [eva@example.net, udo@example.net]}\n",
        ["sales@example.org also goes to udo@example.net"],
    ),
    (
        "aliases: {sales: [eva@example.net, udo@example.net]}\n",
        "aliases: {sales: eva@example.net}\n",
        ["sales@example.org no longer goes to udo@example.net"],
    ),
    (
        "aliases: {sales: eva@example.net}\n",
        "aliases: {sales: udo@example.net}\n",
        ["sales@example.org goes to udo@example.net, no longer to eva@example.net"],
    ),
    (
        ANNA + "aliases: {anna: eva@example.net}\n",
        ANNA,
        ["anna@example.org goes to the account anna, no longer to eva@example.net"],
    ),
    (
        "aliases: {old: eva@example.net}\n" + OWNED + "domains: {example.org: {catch_all: eva@example.net}}\n",
        OWNED + "domains: {example.org: {catch_all: eva@example.net}}\n",
        ["old@example.org goes to what takes the other mail for example.org, no longer to eva@example.net"],
    ),
    (
        "aliases: {sales: eva@example.net}\nauth: {pam: true}\n",
        "auth: {pam: true}\n",
        ["! sales@example.org is no alias any longer; it went to eva@example.net"],
    ),
    ("", "protocol_aliases: {esmtp: {box: eva@example.net}}\n",
     ["box@example.org is accepted, and goes to eva@example.net (mail by esmtp)"]),
    ("", "delivery: {dotfiles: {robot: '|/bin/robot'}}\n", ["robot is accepted, by delivery instructions"]),
    ("delivery: {dotfiles: {robot: '|/bin/robot'}}\n", "", ["! robot has no delivery instructions any longer"]),
    ("delivery: {dotfiles: {robot: '|/bin/robot'}}\n", "delivery: {dotfiles: {robot: '|/bin/other'}}\n",
     ["mail for robot is delivered by other instructions"]),
    (
        OWNED + "domains: {shop.example: {kind: hosted, aliases: {postmaster: a@example.net}}}\n",
        OWNED
        + "domains: {shop.example: {kind: hosted, aliases: {postmaster: a@example.net}, catch_all: eva@example.net}}\n",
        ["every unknown address of shop.example is accepted"],
    ),
    (
        ANNA + "domains: {shop.example: {kind: hosted, catch_all: eva@example.net}}\n",
        ANNA + "domains: {shop.example: {kind: hosted}}\n",
        ["! every unknown address of shop.example is no longer accepted"],
    ),
    (
        ANNA + "aliases: {sales: anna}\ndomains: {example.org: {}, example.com: {}}\n",
        ANNA
        + "aliases: {sales: anna}\ndomains: {example.org: {}, example.com: {}}\n"
        + "settings: {control: {defaultdomain: example.com}}\n",
        [],
    ),
    (
        ANNA + "aliases: {'@b.example': anna}\ndomains: {b.example: {kind: hosted}}\n",
        ANNA + "domains: {b.example: {kind: hosted}}\n",
        ["! every address of b.example is no longer accepted; it went to anna"],
    ),
]  # fmt: skip
ACCOUNTS = [
    (
        OWNED + "accounts: {anna: {}, bert: {}}\n",
        OWNED + "accounts: {anna: {quota: 1G}, bert: {options: {disable: [imap]}}}\n",
        [
            "the account anna has the quota 1073741824S, no longer none",
            "the account bert has the options disableimap=1, no longer none",
        ],
    ),
    (
        OWNED,
        ANNA,
        [
            "! accounts of authpam can no longer log in or get mail",
            "accounts of authuserdb can log in and get mail",
            "there is an account anna",
        ],
    ),
    (ANNA, OWNED + f"accounts: {{anna: {{password: {OTHER}}}}}\n", ["the account anna has another password"]),
    (
        ANNA,
        OWNED + "accounts: {anna: {}}\n",
        ["! the account anna has no password any longer, and nobody can log in to it"],
    ),
    (OWNED + "accounts: {anna: {}}\n", ANNA, ["the account anna has a password now"]),
    (
        ANNA,
        OWNED + f"accounts: {{anna: {{password: {HASH}, home: /srv/anna}}}}\n",
        ["! the account anna has the home /srv/anna, no longer /srv/mail/example.org/anna"],
    ),
    (
        ANNA,
        OWNED + f"accounts: {{bert: {{password: {HASH}}}}}\n",
        ["! there is no account anna any longer", "there is an account bert"],
    ),
]  # fmt: skip
RELAYING = [
    (
        "access: {192.0.2.1: {action: allow, max_message_size: 1M, block: no}}\n",
        "access: {192.0.2.1: {action: allow, max_message_size: 2M}}\n",
        ["192.0.2.1/32 has other settings: BLOCK no longer no, SIZELIMIT 2097152"],
    ),
    ("", "access: {192.0.2.0/23: relay}\n", ["! 192.0.2.0/23 may relay"]),
    ("access: {192.0.2.0/24: relay}\n", "", ["! 192.0.2.0/24 may no longer relay"]),
    ("", "access: {'*': relay}\n", ["! every client without a word of its own may relay"]),
    (
        "access: {10.0.0.0/8: relay}\n",
        "access: {10.0.0.0/8: relay, 10.1.0.0/16: relay}\n",
        [],
    ),
    ("access: {192.0.2.0/24: relay}\n", "access: {192.0.2.0/25: relay}\n", ["! 192.0.2.128/25 may no longer relay"]),
    (
        "access: {10.0.0.0/8: allow, 10.0.0.0/9: deny}\n",
        "access: {10.0.0.0/8: relay, 10.0.0.0/9: deny}\n",
        ["! 10.128.0.0/9 may relay"],
    ),
    (
        "access: {192.0.2.0/24: relay}\n",
        "access: {192.0.2.7: relay}\n",
        ["! 192.0.2.0/24, but for what has a word of its own, may no longer relay"],
    ),
    (
        "access: {'2001:db8::/32': relay}\n",
        "access: {'2001:db8:8000::/33': relay}\n",
        ["! 2001:db8::/33 may no longer relay"],
    ),
    ("", "mailbox_access: {192.0.2.7: deny}\n", ["! 192.0.2.7/32 can no longer connect (IMAP)"]),
    (
        "access: {10.0.0.0/8: relay, 10.1.0.0/16: allow}\n",
        "access: {10.0.0.0/8: relay}\n",
        ["! 10.1.0.0/16 may relay"],
    ),
    ("", "access: {192.0.2.7: deny}\n", ["! 192.0.2.7/32 can no longer connect"]),
    ("access: {192.0.2.7: deny}\n", "", ["192.0.2.7/32 can connect"]),
    (
        "",
        "access: {'2001:db8::/32': {action: allow, max_message_size: 1M}}\n",
        ["2001:db8::/32 has other settings: SIZELIMIT 1048576"],
    ),
    (
        "access: {192.0.2.0/24: relay}\n",
        "access: {192.0.2.0/24: relay}\nsubmission_access: {}\n",
        ["! 192.0.2.0/24 may no longer relay (submission)"],
    ),
    (
        "",
        "environment: {esmtpd: {RELAYCLIENT: ''}}\n",
        ["! every client of esmtpd may relay, because RELAYCLIENT is set for all of them"],
    ),
]  # fmt: skip
LISTENERS = [
    ("", "listeners: {imaps: {on: ['192.0.2.1:993']}}\n", ["imaps opens on port 993 of 192.0.2.1"]),
    (
        "listeners: {pop3s: {auth_tls: [LOGIN, PLAIN]}}\n",
        "listeners: {pop3s: {auth_tls: [PLAIN]}}\n",
        ["! pop3s no longer offers login under TLS by LOGIN"],
    ),
    (
        CERTIFICATE
        + "listeners: {imap: {require_tls: true}, pop3: {require_tls: true, auth_tls: [PLAIN]},"
        + " smtp: {require_tls: true}}\n",
        CERTIFICATE
        + "listeners: {imap: {require_tls: true, auth: [CRAM-MD5], auth_tls: [PLAIN]},"
        + " pop3: {require_tls: true, auth: [CRAM-MD5], auth_tls: [PLAIN]},"
        + " smtp: {require_tls: true, auth: [LOGIN], auth_tls: [PLAIN]}}\n",
        ["smtp offers login under TLS by PLAIN"],
    ),
    ("", "listeners: {smtp: {}}\n", ["smtp opens on port smtp"]),
    ("listeners: {smtp: {}}\n", "", ["! smtp closes; it was on port smtp"]),
    (
        "listeners: {smtp: {on: ['*:25']}}\n",
        "listeners: {smtp: {on: ['192.0.2.1:25']}}\n",
        ["! smtp listens on port 25 of 192.0.2.1, no longer on 25"],
    ),
    (
        "listeners: {smtp: {on: ['*:25']}}\n",
        "listeners: {smtp: {on: ['192.0.2.1:25', '192.0.2.2:2525']}}\n",
        ["! smtp listens on port 25 of 192.0.2.1, 2525 of 192.0.2.2, no longer on 25"],
    ),
    (
        "listeners: {submission: {auth_tls: [PLAIN]}}\n",
        "listeners: {submission: {auth_tls: [PLAIN, CRAM-MD5]}}\n",
        ["submission offers login under TLS by CRAM-MD5"],
    ),
    (
        "listeners: {smtp: {}}\n",
        "listeners: {smtp: {auth: [LOGIN]}}\n",
        ["! smtp offers login in clear text by LOGIN", "smtp offers login under TLS by LOGIN"],
    ),
    (
        "listeners: {smtp: {}}\n",
        "listeners: {smtp: {require_auth: true}}\n",
        ["smtp takes mail from users only"],
    ),
    (
        "listeners: {smtp: {require_auth: true}}\n",
        "listeners: {smtp: {require_auth: false}}\n",
        ["! smtp takes mail without a login"],
    ),
]  # fmt: skip
TLS = [
    (
        CERTIFICATE + "listeners: {imap: {require_tls: true}}\n",
        CERTIFICATE + "listeners: {imap: {require_tls: false}}\n",
        ["! imap no longer requires TLS"],
    ),
    (
        CERTIFICATE + "listeners: {imap: {require_tls: false}}\n",
        CERTIFICATE + "listeners: {imap: {require_tls: true}}\n",
        ["imap requires TLS"],
    ),
    (
        "tls: {certificate: /etc/ssl/mx.pem, minimum: '1.2'}\nlisteners: {smtp: {}}\n",
        "tls: {certificate: /etc/ssl/mx.pem, minimum: '1.0'}\nlisteners: {smtp: {}}\n",
        [
            "! smtp has weaker TLS versions and ciphers: "
            "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:+VERS-TLS1.1:+VERS-TLS1.0"
        ],
    ),
    (
        "tls: {certificate: /etc/ssl/mx.pem, minimum: '1.2'}\nlisteners: {smtp: {}}\n",
        "tls: {certificate: /etc/ssl/mx.pem, minimum: '1.3'}\nlisteners: {smtp: {}}\n",
        ["smtp has stronger TLS versions and ciphers: NORMAL:-VERS-ALL:+VERS-TLS1.3"],
    ),
    (
        "tls: {certificate: /etc/ssl/mx.pem, verify_clients: required}\nlisteners: {smtp: {}}\n",
        "tls: {certificate: /etc/ssl/mx.pem, verify_clients: none}\nlisteners: {smtp: {}}\n",
        ["! smtp has weaker checks of certificates: NONE"],
    ),
    (
        CERTIFICATE + "listeners: {smtp: {}}\n",
        "tls: {certificate: /etc/ssl/new.pem}\nlisteners: {smtp: {}}\n",
        ["smtp shows the certificate /etc/ssl/new.pem"],
    ),
    (
        "",
        "settings: {courierd: {ESMTP_USE_STARTTLS: false}}\n",
        ["! mail leaves in clear text"],
    ),
    (
        "",
        "settings: {courierd: {ESMTP_TLS_VERIFY_DOMAIN: true}}\n",
        ["mail leaves under TLS only to servers whose certificate bears their name"],
    ),
    (
        CERTIFICATE + "listeners: {pop3: {}}\n",
        CERTIFICATE + "listeners: {pop3: {}}\nsettings: {pop3d-ssl: {POP3_STARTTLS: false}}\n",
        ["! pop3 no longer offers TLS"],
    ),
    (
        CERTIFICATE + "listeners: {imap: {}, imaps: {}}\n",
        CERTIFICATE + "listeners: {imap: {}, imaps: {}}\nenvironment: {imapd: {IMAPDSTARTTLS: 'NO'}}\n",
        ["! imap no longer offers TLS"],
    ),
]  # fmt: skip
ROUTES = [
    (
        "",
        "smarthost: {host: out.example.net, security: required}\n",
        ["all other mail goes through out.example.net (SECURITY=REQUIRED)"],
    ),
    (
        "smarthost: {host: out.example.net, security: required}\n",
        "smarthost: {host: out.example.net}\n",
        ["! all other mail goes through out.example.net, no longer through out.example.net (SECURITY=REQUIRED)"],
    ),
    (
        "routes: {a.example: {via: b.example, port: 2525}}\n",
        "",
        ["mail for a.example goes where DNS says, no longer through b.example port 2525"],
    ),
    ("", "backup_relay: {host: fallback.example}\n", ["mail that waits too long goes to fallback.example"]),
    (
        "smarthost: {host: out.example.net, security: required}\nroutes: {a.example: {via: b.example}}\n",
        "smarthost: {host: out.example.net, security: required}\n",
        ["mail for a.example goes through out.example.net (SECURITY=REQUIRED), no longer through b.example"],
    ),
    (
        "smarthost: {host: out.example.net, security: required}\n",
        "smarthost: {host: out.example.net, security: required}\nroutes: {.example: {via: b.example, port: 26}}\n",
        ["! mail for sub-domains of example goes through b.example port 26, "
         "no longer through out.example.net (SECURITY=REQUIRED)"],
    ),
    ("smarthost: out.example.net\n", "smarthost: out.example.net\nroutes: {a.example: {via: OUT.example.net}}\n", []),
]  # fmt: skip
LIMITS = [
    (
        "settings: {control: {sizelimit: 1048576}}\n",
        "settings: {control: {sizelimit: 0}}\n",
        ["a message may have any number of bytes, no longer 1048576"],
    ),
    ("", "settings: {control: {queuetime: 3d}}\n", ["undeliverable mail goes back after 3d, no longer 7d"]),
    ("settings: {control: {queuetime: 3d}}\n", "", ["undeliverable mail goes back after 7d, no longer 3d"]),
    (
        "listeners: {smtp: {}}\n",
        "listeners: {smtp: {max_connections: 7}}\n",
        ["smtp serves 7 connections at a time, no longer 40"],
    ),
    ("", "policy: {max_recipients: {count: 9}}\n", ["a message may have 9 recipients, no longer 100"]),
    (
        "listeners: {imap: {max_per_address: 10}, imaps: {max_per_address: 5}}\n",
        "listeners: {imap: {max_per_address: 30}, imaps: {max_per_address: 5}}\n",
        ["imap serves 30 connections of one address, no longer 10"],
    ),
    (
        "listeners: {pop3: {max_connections: 10}, pop3s: {max_connections: 5}}\n",
        "listeners: {pop3: {max_connections: 10}, pop3s: {max_connections: 7}}\n",
        ["pop3s serves 7 connections at a time, no longer 5"],
    ),
]  # fmt: skip
REFUSALS = [
    ("policy: {freemail: {free.example: []}}\n", "", ["mail from free.example may come from any server"]),
    ("", "policy: {deny_senders: ['@a.example']}\n", ["mail from @a.example is refused"]),
    ("policy: {spam_traps: [t@example.org]}\n", "", ["t@example.org is no trap any longer"]),
    ("", "policy: {freemail: {free.example: []}}\n", ["mail from free.example has to come from its own servers"]),
    ("dns_lists: [a.example]\n", "", ["clients are looked up in no DNS list"]),
    (
        "",
        "filters: {active: {dup: /usr/lib/courier/filters/dupfilter}}\n",
        ["the filter dup sees mail"],
    ),
]  # fmt: skip
CASES = {
    "domains": DOMAINS, "addresses": ADDRESSES, "accounts": ACCOUNTS, "relaying": RELAYING, "listeners": LISTENERS,
    "tls": TLS, "routes": ROUTES, "limits": LIMITS, "refusals": REFUSALS,
}  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "before", "after", "expected"),
    [(subject, *case) for subject, cases in CASES.items() for case in cases],
)
def test_the_effects_of_a_change(subject: str, before: str, after: str, expected: list[str]) -> None:
    assert effects(plan_between(before, after), subject) == expected


def test_every_subject_is_tried() -> None:
    assert {subject.name for subject in subjects()} == CASES.keys()


def test_effects_come_by_subject_with_warnings_first() -> None:
    plan = plan_between(
        ANNA + "aliases: {a: x@example.net}\n", ANNA + "aliases: {b: x@example.net}\naccess: {192.0.2.1: relay}\n"
    )
    assert effects(plan) == [
        "! a@example.org is no longer accepted; it went to x@example.net",
        "b@example.org is accepted, and goes to x@example.net",
        "! 192.0.2.1/32 may relay",
    ]


def test_an_effect_knows_its_line_in_the_site() -> None:
    plan = plan_between("", "access:\n  192.0.2.0/24: relay\n")
    (effect,) = plan.effects
    assert str(plan.mark(effect.path)) == "site.yaml:4:3"


def test_an_effect_on_a_listener_points_at_the_word_that_counts_for_it() -> None:
    both = "listeners:\n  imap:\n    max_connections: {}\n  imaps:\n    max_connections: {}\n"
    plan = plan_between(both.format(9, 9), both.format(5, 6))
    assert [(effect.says, str(plan.mark(effect.path))) for effect in plan.effects] == [
        ("imap serves 5 connections at a time, no longer 9", "site.yaml:5:5"),
        ("imaps serves 6 connections at a time, no longer 9", "site.yaml:7:5"),
    ]


def test_blanks_around_the_relay_of_an_old_route_are_no_change() -> None:
    site = "routes: {partner.example: {via: relay.example}}\n"
    route = b"partner.example:relay.example\n"
    plan = plan_between(edited(installed(site), "esmtproutes", route, b"partner.example: relay.example \r\n"), site)
    assert effects(plan) == []
    assert says(plan, "esmtproutes") == []
    assert file(plan, "esmtproutes").is_same


def test_a_route_that_comes_behind_a_broader_one_is_told_by_what_becomes_of_its_mail() -> None:
    site = "smarthost: out.example.net\nroutes: {a.example: {via: b.example}}\n"
    straight, reversed_ = b"a.example:b.example\n:out.example.net\n", b":out.example.net\na.example:b.example\n"
    plan = plan_between(edited(installed(site), "esmtproutes", straight, reversed_), site)
    assert effects(plan) == ["mail for a.example goes through b.example, no longer through out.example.net"]


def test_the_first_tree_opens_everything() -> None:
    plan = plan_between(MemoryTree({}), "listeners: {smtp: {}}\naliases: {info: eva@example.net}\n")
    assert "smtp opens on port smtp" in effects(plan, "listeners")
    assert "info@example.org is accepted, and goes to eva@example.net" in effects(plan, "addresses")
    assert effects(plan, "tls") == []


def test_nothing_left_of_the_tree_means_nothing_that_fails() -> None:
    tree = installed(ANNA + "aliases: {info: anna}\nlisteners: {smtp: {}, imap: {}}\n")
    broken = MemoryTree({path: type(one)(b"\0\xff\n") for path, one in tree.files.items()}, tree.record)
    plan = plan_between(broken, ANNA + "aliases: {info: anna}\nlisteners: {smtp: {}, imap: {}}\n")
    assert {change.kind for change in plan.changes} == {"drift"}


@pytest.mark.parametrize(
    ("before", "after", "live", "daemons"),
    [
        ("", "aliases: {a: x@example.net}\n", Live.AT_ONCE, ()),
        ("", "routes: {a.example: {via: b.example}}\n", Live.NEW_CONNECTIONS, ()),
        ("", "domains: {a.example: {accept: false}}\n", Live.RESTART, ("courierd",)),
        ("access: {192.0.2.1: relay}\n", "", Live.RESTART, ("esmtpd", "esmtpd-msa", "esmtpd-ssl")),
        ("", "listeners: {imap: {}}\n", Live.STOP_START, ("imapd", "imapd-ssl")),
        ("settings: {control: {retrybeta: 9}}\n", "", Live.RESTART, ("courierd",)),
    ],
)
def test_an_effect_says_when_it_is_in_force(before: str, after: str, live: Live, daemons: tuple[str, ...]) -> None:
    plan = plan_between(before, after)
    assert {(effect.live.live, effect.live.daemons) for effect in plan.effects} == {(live, daemons)}


def test_the_plan_says_which_daemons_have_to_be_told() -> None:
    plan = plan_between("", "settings: {esmtpd-msa: {MAXPERIP: 9}, control: {retrybeta: 4}}\n")
    assert [(step.daemon, step.action) for step in plan.steps] == [
        (Daemon.COURIERD, Action.RESTART),
        (Daemon.ESMTPD_MSA, Action.STOP_START),
    ]


def test_a_file_that_goes_is_told_to_those_that_keep_it() -> None:
    plan = plan_between("routes: {a.example: {via: b.example}}\nsettings: {control: {retrybeta: 4}}\n", "")
    assert [step.daemon for step in plan.steps] == [Daemon.COURIERD]


@pytest.mark.parametrize(
    ("name", "live"),
    [
        ("filters/perlfilter", Live.STOP_START),
        ("filters/active/dup", Live.RESTART),
        ("esmtphelo", Live.NEW_CONNECTIONS),
        ("sizelimit", Live.AT_ONCE),
    ],
)
def test_files_without_an_artefact_are_known_by_name(name: str, live: Live) -> None:
    assert when(name, None).live is live
