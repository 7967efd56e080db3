"""Checks see what is in force: a setting under Courier's own name wins over its section, for them as for the build."""

from __future__ import annotations

from typing import Final

import pytest

from compiler.checking import ANNA, CERTIFICATE, HASH, HOST, OWNER, found, places

SMTP: Final = "listeners: {smtp: {}}\n"
MAIL: Final = f"{CERTIFICATE}listeners: {{smtp: {{}}, submission: {{}}, imap: {{}}}}\n"
LENIENT: Final = MAIL.replace("submission: {}", "submission: {require_auth: false}").replace(
    "imap: {}", "imap: {require_tls: false}"
)
STRICT: Final = MAIL.replace("submission: {}", "submission: {require_auth: true}")
FOLDED: Final = f"{HOST}{OWNER}accounts: {{Boris: {{password: {HASH}}}}}\n"
UNFOLDED: Final = FOLDED.replace("name: mx", "fold_case: false, name: mx")


@pytest.mark.parametrize(
    ("site", "name", "place"),
    [
        (
            f"{ANNA}settings: {{authdaemonrc: {{authmodulelist: authmysql}}}}\n",
            "accounts-never-asked",
            "authdaemonrc.authmodulelist",
        ),
        (
            f"{HOST}settings: {{authdaemonrc: {{authmodulelist: authmysql}}}}\n",
            "backend-undescribed",
            "authdaemonrc.authmodulelist",
        ),
        (
            f"{HOST}settings: {{authdaemonrc: {{authmodulelist: authpam}}}}\nauth: {{pipe: {{program: /bin/x}}}}\n",
            "backend-never-asked",
            "",
        ),
        (
            f"{ANNA}aliases: {{sales: anna}}\nsettings: {{control: {{defaultdomain: foo.example}}}}\n",
            "default-domain-elsewhere",
            "control.defaultdomain",
        ),
        (f"{HOST}settings: {{control: {{defaultdomain: 192.0.2.1}}}}\n", "name-is-address", "control.defaultdomain"),
        (f"{HOST}settings: {{control: {{msgidhost: 192.0.2.1}}}}\n", "name-is-address", "control.msgidhost"),
        (f"{ANNA}{MAIL}settings: {{imapd: {{MAILDIRPATH: Other}}}}\n", "delivery-maildir", "imapd.MAILDIRPATH"),
        (
            f"{ANNA}{MAIL}settings: {{courierd: {{DEFAULTDELIVERY: ./Mail}}}}\n",
            "delivery-maildir",
            "courierd.DEFAULTDELIVERY",
        ),
        (
            f"{ANNA}settings: {{courierd: {{DEFAULTDELIVERY: '&nobody'}}}}\n",
            "address-dead-end",
            "courierd.DEFAULTDELIVERY",
        ),
        (f"{ANNA}settings: {{faxnotifyrc: {{RCPTTO: nobody}}}}\n", "address-dead-end", "faxnotifyrc.RCPTTO"),
        (
            f"{HOST}settings: {{control: {{aliasfilteracct: /srv/filter}}}}\n",
            "alias-filter-alone",
            "control.aliasfilteracct",
        ),
        (
            f"{HOST}settings: {{control: {{maildropfilter: /usr/bin/maildrop}}}}\n",
            "recipient-filter-not-courier",
            "control.maildropfilter",
        ),
        (f"{HOST}settings: {{courierd: {{ARCHIVEDIR: /srv/archive}}}}\n", "archive-elsewhere", "courierd.ARCHIVEDIR"),
        (
            f"{HOST}settings: {{control: {{enablefiltering: [esmtp]}}}}\n",
            "filters-none-active",
            "control.enablefiltering",
        ),
        (f"{HOST}settings: {{control: {{queuetime: 0s}}}}\n", "queue-time-zero", "control.queuetime"),
        (f"{HOST}settings: {{control: {{localtimeout: 0s}}}}\n", "queue-time-zero", "control.localtimeout"),
        (f"{HOST}settings: {{control: {{warntime: 99999w}}}}\n", "queue-time-too-long", "control.warntime"),
        (f"{HOST}settings: {{control: {{warntime: 2w}}}}\n", "queue-warning-late", "control.warntime"),
        (
            f"{HOST}settings: {{control: {{warntime: 0s, backuprelay: backup.example.net}}}}\n",
            "backup-relay-never",
            "control.warntime",
        ),
        (f"{HOST}settings: {{control: {{backuprelay: mx.example.org}}}}\n", "route-to-itself", "control.backuprelay"),
        (f"{HOST}settings: {{module.esmtp: {{MAXDELS: 4, MAXHOST: 8}}}}\n", "module-limits", "module.esmtp.MAXHOST"),
        (
            f"{HOST}settings: {{courierd: {{ESMTP_USE_STARTTLS: false}}}}\nroutes: {{a.org: {{security: required}}}}\n",
            "route-requires-tls",
            "",
        ),
        (
            f"{HOST}settings: {{courierd: {{ESMTP_USE_STARTTLS: false, TLS_VERIFYPEER: PEER}}}}\n",
            "tls-verify-without-tls",
            "courierd.TLS_VERIFYPEER",
        ),
        (
            f"{HOST}settings: {{courierd: {{TLS_PRIVATE_KEYFILE: /etc/ssl/a.key}}}}\n",
            "tls-key-without-certificate",
            "courierd.TLS_PRIVATE_KEYFILE",
        ),
        (
            f"{ANNA}{MAIL}settings: {{esmtpd: {{TLS_PRIORITY: 'NORMAL:+VERS-TLS1.0'}}}}\n",
            "tls-old-protocol",
            "esmtpd.TLS_PRIORITY",
        ),
        (
            f"{ANNA}{MAIL}settings: {{esmtpd: {{TLS_VERIFYPEER: PEER}}}}\n",
            "tls-verify-without-trust",
            "esmtpd.TLS_VERIFYPEER",
        ),
        (
            f"{ANNA}{MAIL}settings: {{esmtpd: {{TLS_EXTERNAL: emailaddress}}}}\n",
            "tls-login-unverified",
            "esmtpd.TLS_EXTERNAL",
        ),
        (
            f"{HOST}{SMTP}settings: {{esmtpd: {{BLACKLISTS: [-block=a.example, -block=a.example]}}}}\n",
            "dns-list-twice",
            "esmtpd.BLACKLISTS.1",
        ),
        (
            f"{HOST}{SMTP}settings: {{esmtpd: {{BLACKLISTS: '-block=a.example -allow=b.example'}}}}\n",
            "dns-list-allow-late",
            "esmtpd.BLACKLISTS",
        ),
        (
            f"{HOST}{SMTP}settings: {{esmtpd: {{BLACKLISTS: '-block=a.example,BLOCK2', DROP: -drop}}}}\n",
            "dns-list-not-dropped",
            "esmtpd.DROP",
        ),
        (f"{HOST}settings: {{bofh: {{BOFHSPFHELO: 'none,neutral'}}}}\n", "spf-refuses-pass", "bofh.BOFHSPFHELO"),
        (f"{HOST}settings: {{bofh: {{BOFHSPFHELO: 'all,pass'}}}}\n", "spf-word-alone", "bofh.BOFHSPFHELO"),
        (
            f"{HOST}settings: {{control: {{webadmin/unsecureok: []}}}}\n",
            "webadmin-plain",
            "control.webadmin/unsecureok",
        ),
        (f"{HOST}settings: {{control: {{maildrop: /{'x' * 300}}}}}\n", "text-too-long", "control.maildrop"),
        (f"{HOST}settings: {{control: {{ipout: '2001:db8::1'}}}}\n", "address-family", "control.ipout"),
        (
            f"{HOST}settings: {{control: {{esmtpgreeting: welcome}}}}\n",
            "greeting-without-host",
            "control.esmtpgreeting",
        ),
        (
            f"{HOST}settings: {{control: {{esmtpgreeting: 'mx.example.org {'x' * 600}'}}}}\n",
            "greeting-too-long",
            "control.esmtpgreeting",
        ),
        (f"{HOST}uucp: {{neighbours: {{hub: []}}}}\nsettings: {{control: {{uucpme: hub}}}}\n", "uucp-own-node", ""),
        (
            f"{HOST}settings: {{authldaprc: {{LDAP_BINDPW: secret}}}}\n",
            "ldap-bind-incomplete",
            "authldaprc.LDAP_BINDPW",
        ),
        (
            f"{HOST}settings: {{authldaprc: {{LDAP_URI: 'ldaps://a.example', LDAP_TLS: true}}}}\n",
            "ldap-tls-twice",
            "authldaprc.LDAP_URI",
        ),
        (f"{HOST}settings: {{authldaprc: {{LDAP_URI: 'ldap://a.example'}}}}\n", "ldap-in-clear", "authldaprc.LDAP_URI"),
        (
            f"{HOST}settings: {{authldaprc: {{LDAP_GLOB_UID: vmail, LDAP_UID: uid}}}}\n",
            "ldap-owner-twice",
            "authldaprc.LDAP_UID",
        ),
        (
            f"{HOST}settings: {{ldapaliasrc: {{LDAP_ALIAS: true, LDAP_VUSER: user}}}}\n",
            "ldap-aliases-half",
            "ldapaliasrc.LDAP_VUSER",
        ),
        (f"{HOST}settings: {{authmysqlrc: {{MYSQL_DATABASE: mail}}}}\n", "mysql-nowhere", ""),
        (
            f"{ANNA}{STRICT}settings: {{esmtpd-msa: {{AUTH_REQUIRED: false}}}}\nsubmission_access: {{'*': relay}}\n",
            "open-relay",
            "",
        ),
        (f"{UNFOLDED}settings: {{control: {{locallowercase: true}}}}\n", "account-upper-case", ""),
        (
            f"{HOST}settings: {{esmtpd: {{ESMTPDSTART: true, AUTH_REQUIRED: true}}}}\n",
            "smtp-requires-login",
            "esmtpd.AUTH_REQUIRED",
        ),
    ],
)
def test_a_setting_under_couriers_name_is_seen(site: str, name: str, place: str) -> None:
    assert name in found(site)
    if place:
        assert places(site, name) == [f"settings.{place}"]


@pytest.mark.parametrize(
    ("site", "setting", "name"),
    [
        (f"{ANNA}auth: {{order: [pam]}}\n", "authdaemonrc: {authmodulelist: authuserdb}", "accounts-never-asked"),
        (f"{HOST}auth: {{order: [mysql]}}\n", "authmysqlrc: {MYSQL_SERVER: db.example.org}", "backend-undescribed"),
        (
            f"{HOST}auth: {{mysql: {{table: x, user: u}}}}\n",
            "authmysqlrc: {MYSQL_SERVER: db.example.org}",
            "mysql-nowhere",
        ),
        (
            f"{ANNA}{MAIL}delivery: {{default: {{maildir: Mail}}}}\n",
            "courierd: {DEFAULTDELIVERY: ./Maildir}",
            "delivery-maildir",
        ),
        (f"{HOST}queue: {{lifetime: 0s}}\n", "control: {queuetime: 1w}", "queue-time-zero"),
        (f"{HOST}queue: {{warn_after: 2w}}\n", "control: {queuetime: 4w}", "queue-warning-late"),
        (
            f"{HOST}sending_tls: {{enabled: false, verify: true}}\n",
            "courierd: {ESMTP_USE_STARTTLS: true}",
            "tls-verify-without-tls",
        ),
        (
            f"{HOST}filters: {{active: {{perlfilter: /bin/p}}}}\n",
            "control: {filters/perlfilter: /etc/f.pl}",
            "perlfilter-without-script",
        ),
        (FOLDED, "control: {locallowercase: false}", "account-upper-case"),
        (f"{HOST}policy: {{spf: {{helo: [none]}}}}\n", "bofh: {BOFHSPFHELO: 'none,pass'}", "spf-refuses-pass"),
        (f"{ANNA}{LENIENT}", "imapd-ssl: {IMAP_TLS_REQUIRED: true}", "mailbox-login-in-clear"),
        (f"{ANNA}{LENIENT}", "esmtpd-msa: {AUTH_REQUIRED: true}", "submission-without-login"),
    ],
)
def test_a_setting_that_mends_what_a_section_says_is_seen(site: str, setting: str, name: str) -> None:
    assert name in found(site)
    assert name not in found(f"{site}settings: {{{setting}}}\n")
