"""From delivery, queue, policy, dns_lists and backscatter to courierd, esmtpd, bofh, module.* and control files."""

from __future__ import annotations

import pytest

from compiler.resolving import decided, ids, in_force, said_of, understand


@pytest.mark.parametrize(
    ("said", "instructions"),
    [
        ("default: {maildir: Mail}", "./Mail"),
        ("default: {maildir: ./Mail}", "./Mail"),
        ("default: {mbox: mbox}", "./mbox"),
        ("default: {program: /usr/bin/sort-mail -q}", "| /usr/bin/sort-mail -q"),
        ("default: {filter: maildrop}", "| /usr/bin/maildrop"),
        ("default: {filter: maildrop}, maildrop: /opt/bin/maildrop", "| /opt/bin/maildrop"),
        ("default: {filter: procmail}", "| /usr/bin/preline /usr/bin/procmail"),
        ('default: {instructions: "./A\\n./B\\n"}', "./A\n./B"),
        ("forward_files: true", "|| dotforward\n./Maildir"),
        ("forward_files: true, default: {filter: maildrop}", "|| dotforward\n| /usr/bin/maildrop"),
    ],
)
def test_the_default_of_delivery_is_spelt_as_instructions(said: str, instructions: str) -> None:
    found = said_of(f"delivery: {{{said}}}", "courierd", "DEFAULTDELIVERY")
    assert found == {"DEFAULTDELIVERY": instructions}


def test_the_default_maildir_of_accounts_is_where_mail_is_delivered_and_looked_for() -> None:
    text = "account_defaults: {maildir: Mail}\nwebmail: {}\ndelivery: {forward_files: true}"
    core = said_of(text, "courierd", "DEFAULTDELIVERY", "MAILDROPDEFAULT")
    assert core == {"DEFAULTDELIVERY": "|| dotforward\n./Mail", "MAILDROPDEFAULT": "./Mail"}
    for file in ("imapd", "imapd-ssl", "pop3d", "pop3d-ssl", "sqwebmaild"):
        assert said_of(text, file, "MAILDIRPATH") == {"MAILDIRPATH": "Mail"}, file


def test_a_default_mailbox_is_that_of_maildrop_as_well() -> None:
    assert said_of("delivery: {default: {mbox: inbox}}", "courierd", "MAILDROPDEFAULT") == {
        "MAILDROPDEFAULT": "./inbox"
    }


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("delivery: {dynamic: false}", "DYNAMICDELIVERIES", "0"),
        ("delivery: {skeleton: /etc/skel.mail}", "AUTH_MKHOMEDIR_SKEL", "/etc/skel.mail"),
        ("host: {name: mx.example.org, archive: /var/archive}", "ARCHIVEDIR", "/var/archive"),
        ("uucp: {uux_options: -j -g C}", "UUXFLAGS", "-j -g C"),
        ("backscatter: {discard_bounces: [smtp, authsmtp]}", "ESMTP_BLOCKBACKSCATTER", "smtp/dsn,authsmtp/dsn"),
        ("backscatter: {discard_bounces: []}", "ESMTP_BLOCKBACKSCATTER", ""),
        ("backscatter: {bounce_to_login: true}", "DSNTOAUTHADDR", "1"),
        ("backscatter: {bounce_to_login: false}", "DSNTOAUTHADDR", "0"),
    ],
)
def test_sections_that_reach_courierd(text: str, name: str, value: str) -> None:
    assert said_of(text, "courierd", name) == {name: value}


def test_a_skeleton_of_homes_is_for_every_service() -> None:
    for file in ("imapd", "pop3d", "sqwebmaild"):
        found = said_of("webmail: {}\ndelivery: {skeleton: /skel}", file, "AUTH_MKHOMEDIR_SKEL")
        assert found == {"AUTH_MKHOMEDIR_SKEL": "/skel"}


@pytest.mark.parametrize(
    ("said", "blacklists", "drop"),
    [
        ("[zen.example.org]", "'-block=zen.example.org,BLOCK,@ is listed by zen.example.org'", None),
        (
            "{lists: [{zone: a.example.org, name: The List}]}",
            "'-block=a.example.org=The List,BLOCK,@ is listed by The List'",
            None,
        ),
        ("[{zone: a.example.org, message: '*'}]", "'-block=a.example.org,BLOCK,*'", None),
        ("[{zone: a.example.org, message: go  away}]", "'-block=a.example.org,BLOCK,go away'", None),
        (
            "[{zone: a.example.org, variable: BLOCK2, answer: 127.0.0.4, message: no}]",
            "-block=a.example.org,BLOCK2/127.0.0.4,no",
            None,
        ),
        (
            "[{zone: ok.example.org, kind: allow}, {zone: a.example.org, message: no}]",
            "-allow=ok.example.org -block=a.example.org,BLOCK,no",
            None,
        ),
        (
            "[{zone: ok.example.org, kind: allow, answer: 127.0.0.4}]",
            "-allow=ok.example.org,BLOCK/127.0.0.4",
            None,
        ),
        ("{lists: [{zone: a.example.org, message: no}], drop: true}", "-block=a.example.org,BLOCK,no", "-drop"),
        (
            "{lists: [{zone: a.example.org, variable: BAD, message: no}], drop: true}",
            "-block=a.example.org,BAD,no",
            "-drop=BAD",
        ),
        ("{lists: [{zone: a.example.org, message: no}], drop: false}", "-block=a.example.org,BLOCK,no", ""),
    ],
)
def test_dns_lists_are_options_of_the_listener(said: str, blacklists: str, drop: str | None) -> None:
    text = f"dns_lists: {said}"
    assert said_of(text, "esmtpd", "BLACKLISTS", "DROP") == {"BLACKLISTS": blacklists, "DROP": drop}


def test_users_are_not_looked_up_in_dns_lists() -> None:
    for file in ("esmtpd-msa", "esmtpd-ssl"):
        found = said_of("dns_lists: {lists: [a.example.org], drop: true}", file, "BLACKLISTS", "DROP")
        assert found == {"BLACKLISTS": "", "DROP": ""}


def test_a_backslash_cannot_stand_in_the_text_of_a_refusal() -> None:
    resolved, problems = understand(r"dns_lists: [{zone: a.example.org, message: 'a\b'}]")
    assert ids(problems) == ["not-in-target"]
    assert decided(resolved, "esmtpd")["BLACKLISTS"] == "-block=a.example.org,BLOCK,ab"


def test_results_of_allow_lists_may_be_ours_alone() -> None:
    assert said_of("dns_lists: {exclusive: true}", "esmtpd", "ALLOW_EXCLUSIVE") == {"ALLOW_EXCLUSIVE": "1"}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("policy: {check_helo: 'off'}", "BOFHCHECKHELO", "0"),
        ("policy: {check_helo: strict}", "BOFHCHECKHELO", "1"),
        ("policy: {check_helo: soft}", "BOFHCHECKHELO", "2"),
        ("policy: {max_header_size: 200000}", "BOFHHEADERLIMIT", "200000"),
        ("policy: {spf: {helo: [pass, none]}}", "BOFHSPFHELO", "pass,none"),
        ("policy: {spf: {mail_from: [all]}}", "BOFHSPFMAILFROM", "all"),
        ("policy: {spf: {header_from: [pass, mailfromok]}}", "BOFHSPFFROM", "pass,mailfromok"),
        ("policy: {spf: {hard_errors: [fail]}}", "BOFHSPFHARDERROR", "fail"),
        ("policy: {spf: {trust_relay_clients: true}}", "BOFHSPFTRUSTME", "1"),
        ("policy: {spf: {quiet: true}}", "BOFHSPFNOVERBOSE", "1"),
        ("backscatter: {refuse_failing: [smtp, authsmtp]}", "BOFHSUPPRESSBACKSCATTER", "smtp,authsmtp"),
        ("backscatter: {refuse_failing: []}", "BOFHSUPPRESSBACKSCATTER", "none"),
    ],
)
def test_options_of_the_policy(text: str, name: str, value: str) -> None:
    assert decided(in_force(text), "bofh") == {name: value}


@pytest.mark.parametrize("module", ["dsn", "esmtp", "local", "uucp"])
def test_limits_of_a_delivery_module(module: str) -> None:
    text = f"queue: {{modules: {{{module}: {{deliveries: 7, per_host: 2}}}}}}"
    assert decided(in_force(text), f"module.{module}") == {"MAXDELS": "7", "MAXHOST": "2"}


def test_recipients_of_one_delivery() -> None:
    text = "queue: {modules: {esmtp: {recipients: 20}}}"
    assert decided(in_force(text), "module.esmtp") == {"MAXRCPT": "20"}


@pytest.mark.parametrize(
    ("said", "name", "value"),
    [
        ("lifetime: 5d", "queuetime", "5d"),
        ("fax_lifetime: 4h", "faxqueuetime", "4h"),
        ("warn_after: '0'", "warntime", "0"),
        ("first_delay: 10s", "submitdelay", "10s"),
        ("retry_pause: 3m", "retryalpha", "3m"),
        ("retries_per_series: 4", "retrybeta", "4"),
        ("series_pause: 20m", "retrygamma", "20m"),
        ("series_doublings: 2", "retrymaxdelta", "2"),
        ("host_pause: 1m", "esmtpdelay", "1m"),
        ("recipients_per_copy: 50", "batchsize", "50"),
        ("memory_low: 300", "queuelo", "300"),
        ("memory_high: 900", "queuehi", "900"),
        ("refill: 2m", "queuefill", "2m"),
        ("respawn_idle: 2h", "respawnlo", "2h"),
        ("respawn_busy: 1w", "respawnhi", "1w"),
        ("timeouts: {command: 5m}", "esmtptimeout", "5m"),
        ("timeouts: {connect: 30s}", "esmtptimeoutconnect", "30s"),
        ("timeouts: {helo: 1m}", "esmtptimeouthelo", "1m"),
        ("timeouts: {data: 2m}", "esmtptimeoutdata", "2m"),
        ("timeouts: {quit: 5s}", "esmtptimeoutquit", "5s"),
        ("timeouts: {keep_alive: 10s}", "esmtptimeoutkeepalive", "10s"),
        ("timeouts: {keep_alive_probe: 5s}", "esmtptimeoutkeepaliveping", "5s"),
        ("timeouts: {local_delivery: 10m}", "localtimeout", "10m"),
    ],
)
def test_times_and_sizes_of_the_queue_are_files_of_one_value(said: str, name: str, value: str) -> None:
    assert said_of(f"queue: {{{said}}}", "control", name) == {name: value}


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("host: {name: a.example.org}", "me", "a.example.org"),
        ("host: {name: a.example.org}", "defaultdomain", "example.org"),
        ("host: {name: a.example.org, default_domain: b.example}", "defaultdomain", "b.example"),
        ("host: {name: a.example.org, message_id_domain: b.example}", "msgidhost", "b.example"),
        ("host: {name: a.example.org, helo: out.example.org}", "esmtphelo", "out.example.org"),
        ('host: {name: a.example.org, greeting: "a.example.org\\nHello"}', "esmtpgreeting", "a.example.org\nHello"),
        ("host: {name: a.example.org, source_ipv4: 192.0.2.1}", "ipout", "192.0.2.1"),
        ("host: {name: a.example.org, source_ipv6: '2001:db8::1'}", "ip6out", "2001:db8::1"),
        ("host: {name: a.example.org, dot_extension: qmail}", "dotextension", "qmail"),
        ("host: {name: a.example.org, max_message_size: 2K}", "sizelimit", "2048"),
        ("host: {name: a.example.org, max_message_size: 0}", "sizelimit", "0"),
        ("delivery: {maildrop: /opt/maildrop}", "maildrop", "/opt/maildrop"),
        ("delivery: {recipient_filter: /opt/maildrop}", "maildropfilter", "/opt/maildrop"),
        ("delivery: {alias_filter_home: /srv/filter}", "aliasfilteracct", "/srv/filter"),
        ("backup_relay: spare.example.org", "backuprelay", "spare.example.org"),
        ("backup_relay: {host: spare.example.org, module: uucp}", "backuprelay", "spare.example.org uucp"),
        ("bounces: {sender: Mail <postmaster@example.org>}", "dsnfrom", "Mail <postmaster@example.org>"),
        ("bounces: {return_whole_below: 64K}", "dsnlimit", "65536"),
        ("uucp: {node: hub}", "uucpme", "hub"),
        ("filters: {apply_to: [esmtp, local]}", "enablefiltering", "esmtp local"),
        ("filters: {active: {own: /opt/own}}", "enablefiltering", "esmtp"),
        ("filters: {active: {own: /opt/own}, apply_to: []}", "enablefiltering", ""),
        ("filters: {perlfilter: {script: /f.pl}}", "filters/perlfilter", "/f.pl"),
        ("filters: {perlfilter: {script: /f.pl}}", "filters/perlfilter-mode", None),
        ("filters: {perlfilter: {script: /f.pl, mode: all}}", "filters/perlfilter-mode", "all"),
        ("filters: {perlfilter: {script: /f.pl, processes: 3}}", "filters/perlfilter-numprocs", "3"),
        (
            "filters: {perlfilter: {script: /f.pl, rate_limit: {WINDOW: 60, COUNT: m}}}",
            "filters/perlfilter-ratelimit",
            "WINDOW=60\nCOUNT=m",
        ),
        ("filters: {dupfilter: {mode: all}}", "filters/dupfilter-mode", "all"),
        ("filters: {dupfilter: {remembered: 9}}", "filters/dupfilter-hashsize", "9"),
        ("filters: {dupfilter: {tolerated: 9}}", "filters/dupfilter-duplevel", "9"),
        ("filters: {dupfilter: {threads: 9}}", "filters/dupfilter-nthreads", "9"),
        ("filters: {ratefilter: {}}", "filters/ratefilter-mode", "all"),
        ("filters: {ratefilter: {mode: selective}}", "filters/ratefilter-mode", None),
        ("filters: {ratefilter: {interval: 90}}", "filters/ratefilter-interval", "90"),
        ("filters: {ratefilter: {max_recipients: 9}}", "filters/ratefilter-maxrcpts", "9"),
        ("filters: {ratefilter: {min_uid: 0}}", "filters/ratefilter-minuid", "0"),
        ("filters: {verifyfilter: {mode: all}}", "filters/verifyfilter-mode", "all"),
        ("filters: {verifyfilter: {log: all}}", "filters/verifyfilter-logmode", "all"),
        ("filters: {verifyfilter: {threads: 9}}", "filters/verifyfilter-nthreads", "9"),
    ],
)
def test_control_files_of_one_value(text: str, name: str, value: str | None) -> None:
    assert said_of(text, "control", name) == {name: value}


@pytest.mark.parametrize(
    ("text", "name", "is_there"),
    [
        ("host: {name: a.example.org}", "locallowercase", True),
        ("host: {name: a.example.org, fold_case: false}", "locallowercase", False),
        ("uucp: {rewrite_headers: true}", "uucprewriteheaders", True),
        ("uucp: {rewrite_headers: false}", "uucprewriteheaders", False),
    ],
)
def test_files_whose_existence_is_the_message(text: str, name: str, is_there: bool) -> None:
    control = in_force(text).settings["control"]
    assert getattr(control.table, name) is is_there


def test_separators_have_no_effect_on_a_release_that_does_not_read_them() -> None:
    text = "host: {name: mx.example.org, separators: '+='}"
    _, problems = understand(text)
    assert ids(problems) == ["not-in-target"]
    assert "it is read since Courier 1.3.13" in problems[0].says
    assert said_of(f"profile: upstream-2.0\n{text}", "control", "defaultsep") == {"defaultsep": "+="}
