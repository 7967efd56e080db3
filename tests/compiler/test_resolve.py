"""Who has the last word about a setting, and what is said about words that cannot be taken."""

from __future__ import annotations

import pytest

from compiler.resolving import UNSET, decided, document, ids, in_force, understand
from courier_compiler.derive import derivations
from courier_compiler.origin import Kind
from courier_compiler.resolve import resolve
from courier_compiler.resolved import Settings
from courier_compiler.said import SECTIONS
from courier_schema.legacy.table import rows_by_attribute, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.report import Problem, Severity
from courier_schema.site.root import Site
from courier_schema.site.validate import parse_site
from courier_schema.site.walk import section_at


def problem_of(text: str) -> Problem:
    """The only problem of resolving a site."""
    _, problems = understand(text)
    assert len(problems) == 1, list(map(str, problems))
    return problems[0]


def value(settings: Settings, attribute: str) -> object:
    """A row's value in force."""
    return getattr(settings.table, attribute)


def test_every_file_of_the_catalogue_has_a_derivation() -> None:
    assert set(derivations()) == set(FILES)


@pytest.mark.parametrize("file", SECTIONS)
def test_what_a_section_makes_is_no_setting_and_the_section_exists(file: str) -> None:
    for name, section in SECTIONS[file].items():
        *outer, key = section.split(".")
        around = section_at(Site, tuple(outer))
        assert around is not None
        assert key in around.model_fields
        assert name not in rows_by_name(table(file))


def test_courier_s_default_stands_where_nobody_speaks() -> None:
    settings = in_force("listeners: {}").settings["esmtpd"]
    assert settings.origin("tarpit").kind is Kind.UPSTREAM
    assert value(settings, "tarpit") is True


def test_the_target_s_value_wins_over_courier_s_default() -> None:
    settings = in_force("listeners: {}").settings["esmtpd"]
    assert settings.origin("bofhnovrfy").kind is Kind.STOCK
    assert value(settings, "bofhnovrfy") is True


def test_an_intent_wins_over_the_target_s_value() -> None:
    settings = in_force("listeners: {smtp: {vrfy: true}}").settings["esmtpd"]
    assert settings.origin("bofhnovrfy").kind is Kind.DERIVED
    assert settings.origin("bofhnovrfy").path == ("listeners", "smtp", "vrfy")
    assert value(settings, "bofhnovrfy") is False


def test_the_author_s_word_under_courier_s_name_wins_over_everything_and_what_it_overrules_is_kept() -> None:
    settings = in_force("listeners: {smtp: {vrfy: true}}\nsettings: {esmtpd: {BOFHNOVRFY: true}}").settings["esmtpd"]
    assert settings.origin("bofhnovrfy").kind is Kind.SAID
    assert settings.origin("bofhnovrfy").path == ("settings", "esmtpd", "BOFHNOVRFY")
    assert value(settings, "bofhnovrfy") is True
    meant, origin = settings.overruled["bofhnovrfy"]
    assert meant is False
    assert origin.path == ("listeners", "smtp", "vrfy")


def test_saying_the_same_as_an_intent_overrules_nothing() -> None:
    settings = in_force("listeners: {smtp: {vrfy: true}}\nsettings: {esmtpd: {BOFHNOVRFY: false}}").settings["esmtpd"]
    assert settings.overruled == {}


def test_a_password_that_is_said_as_a_setting_replaces_the_secret() -> None:
    text = "auth: {mysql: {server: db, password: {from_file: x}}}\nsettings: {authmysqlrc: {MYSQL_PASSWORD: plain}}"
    settings = in_force(text).settings["authmysqlrc"]
    assert settings.concealed == {}
    assert value(settings, "mysql_password") == "plain"


def test_null_leaves_a_setting_unassigned() -> None:
    assert decided(in_force("settings: {esmtpd: {ACCESSFILE: null}}"), "esmtpd")["ACCESSFILE"] == UNSET


def test_directories_of_the_target_may_be_named_in_values() -> None:
    text = "settings: {esmtpd: {ACCESSFILE: '${sysconfdir}/other'}}"
    assert decided(in_force(text), "esmtpd")["ACCESSFILE"] == "/etc/courier/other"


def test_a_file_that_is_only_spoken_of_under_settings_is_there() -> None:
    assert "cone" not in in_force("listeners: {}").settings
    assert decided(in_force("settings: {cone: {UNDERLINE_HACK: true}}"), "cone") == {"UNDERLINE_HACK": "1"}


def test_a_file_that_is_read_after_another_says_just_what_it_assigns() -> None:
    msa = in_force("listeners: {submission: {}}").settings["esmtpd-msa"].table
    assert {"maxdaemons", "port", "esmtpauth"} <= msa.said().keys()
    assert not {"tls_certfile", "mailuser", "tarpit"} & msa.said().keys()


@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        ("settings: {esmtp: {PORT: 25}}", "unknown-settings-file", "did you mean 'esmtpd'?"),
        ("settings: {zzz: {PORT: 25}}", "unknown-settings-file", "write one of courierd, esmtpd, "),
        ("settings: {esmtpd: {MAXPERP: 3}}", "unknown-setting", "did you mean 'MAXPERIP'?"),
        ("settings: {esmtpd: {QQQQ: 3}}", "unknown-setting", "write environment: {esmtpd: {QQQQ: ...}}"),
        ("settings: {esmtpd: {SIZELIMIT: 3}}", "unknown-setting", "write environment: {esmtpd: {SIZELIMIT: ...}}"),
        ("settings: {control: {locals: x}}", "unknown-setting", "write domains instead, which locals is made from"),
        ("settings: {control: {aliases.dat: x}}", "unknown-setting", "write aliases instead, which aliases.dat is"),
        ("settings: {bofh: {badfrom: x}}", "unknown-setting", "write policy.deny_senders instead, which badfrom is"),
        ("settings: {bofh: {NOSUCH: 1}}", "unknown-setting", "remove it, or look up in the manual what bofh takes"),
        ("settings: {module.esmtp: {ZZZ: 1}}", "unknown-setting", "remove it, or look up in the manual what module."),
        ("settings: {module.esmtp: {MAXDEL: 1}}", "unknown-setting", "did you mean 'MAXDELS'?"),
        ("settings: {esmtpd: {TARPIT: 1}}", "wrong-setting", "write true instead of 1"),
        ("settings: {esmtpd: {MAXDAEMONS: many}}", "wrong-setting", "write a whole number"),
        ("settings: {authldaprc: {LDAP_BINDPW: 'x '}}", "wrong-setting", "choose one on one line, without blanks"),
        ("environment: {module.esmtp: {A: b}}", "environment-nowhere", "remove it"),
        ("environment: {authmysqlrc: {MYSQL_SSL_CIPHER: 'x '}}", "unusable-value", "neither begins nor ends"),
        ("profile: debain-12", "unknown-profile", "did you mean debian-12?"),
    ],
)
def test_what_is_no_setting_or_no_value_is_an_error(text: str, kind: str, remedy: str) -> None:
    tree = document(text)
    site, _ = parse_site(tree)
    assert site is not None
    _, problems = resolve(site, tree)
    assert ids(problems) == [kind]
    assert remedy in problems[0].remedy
    assert problems[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("text", "kind", "remedy"),
    [
        ("settings: {esmtpd: {TLS_KX_LIST: ALL}}", "historical-setting", "use TLS_PRIORITY instead"),
        ("settings: {esmtpd: {TLS_ERROR_REPORT: x}}", "historical-setting", "remove it"),
        ("profile: upstream-2.0\nsettings: {imapd: {IMAP_ENHANCEDIDLE: true}}", "historical-setting", "remove it"),
        ("settings: {imapd-ssl: {TLS_ALPN: imap}}", "setting-not-in-target", "remove it"),
        ("settings: {bofh: {BOFHNOEXPN: true}}", "setting-unread", "remove it"),
        ("settings: {authmysqlrc: {MYSQL_SSL_CIPHERS: HIGH}}", "setting-unread", "use MYSQL_SSL_CIPHER instead"),
        ("environment: {esmtpd: {ESMTP_TLS: '1'}}", "environment-internal", "remove it"),
        ("environment: {imapd: {DOMAINSEPS: '@'}}", "environment-unknown", "did you mean 'DOMAINSEP'?"),
        ("environment: {esmtpd: {TLS_KX_LIST: ALL}}", "historical-setting", "use TLS_PRIORITY instead"),
    ],
)
def test_what_has_no_effect_is_a_warning(text: str, kind: str, remedy: str) -> None:
    problem = problem_of(text)
    assert (problem.id, problem.remedy) == (kind, remedy)
    assert problem.severity is Severity.WARNING


def test_a_problem_stands_at_the_line_of_the_setting() -> None:
    problem = problem_of("settings:\n  esmtpd:\n    TARPIT: false\n    MAXPERP: 3\n")
    assert str(problem.mark) == "site.yaml:6:5"
    assert problem.path == ("settings", "esmtpd", "MAXPERP")


def test_the_value_of_a_password_is_not_repeated() -> None:
    problem = problem_of("settings: {authldaprc: {LDAP_BINDPW: 'hush hush '}}")
    assert "hush" not in str(problem)


def test_one_mistake_is_told_once_although_several_files_show_it() -> None:
    _, problems = understand("profile: upstream-2.0\ntls: {minimum: '1.3'}")
    assert ids(problems) == ["not-in-target"]


def test_a_setting_without_effect_is_kept_because_it_does_no_harm() -> None:
    resolved, _ = understand("settings: {imapd-ssl: {TLS_ALPN: imap}}")
    assert decided(resolved, "imapd-ssl")["TLS_ALPN"] == "imap"


def test_variables_that_programs_honour_or_that_are_anybody_s_own_are_passed_on() -> None:
    resolved = in_force("environment: {imapd: {DOMAINSEP: '@+', AUTHSERVICE2143: imap, OFFICE: one}}")
    assert decided(resolved, "imapd") | {"DOMAINSEP": "@+", "AUTHSERVICE2143": "imap", "OFFICE": "one"} == decided(
        resolved, "imapd"
    )


def test_settings_among_the_variables_are_left_out() -> None:
    resolved, _ = understand("environment: {imapd: {PORT: '7'}}")
    assert "PORT" not in resolved.settings["imapd"].variables


@pytest.mark.parametrize(
    ("profile", "field", "value"),
    [
        ("{sysconfdir: /opt/etc}", "sysconfdir", "/opt/etc"),
        ("{mail_user: daemon}", "mailuser", "daemon"),
        ("{mail_group: mail}", "mailgroup", "mail"),
        ("{piddir: /run/mail}", "piddir", "/run/mail"),
    ],
)
def test_a_site_may_have_a_layout_of_its_own(profile: str, field: str, value: str) -> None:
    assert getattr(in_force(f"profile: {profile}").profile.layout, field) == value


def test_a_site_may_name_its_release_and_the_format_of_its_databases() -> None:
    profile = in_force("profile: {version: 1.3.13, database: berkeley}").profile
    assert (profile.courier, profile.database) == ("1.3.13", "berkeley")


def test_a_release_that_is_none_is_refused_at_its_place() -> None:
    tree = document("profile: {mail_user: mail, version: new}")
    site, _ = parse_site(tree)
    assert site is not None
    resolved, problems = resolve(site, tree)
    assert resolved is None
    assert ids(problems) == ["wrong-profile"]
    assert problems[0].path == ("profile", "version")
    assert problems[0].mark == tree.marks.mark(("profile", "version"))


def test_every_origin_belongs_to_a_row_of_its_table() -> None:
    for file, settings in in_force("tls: {certificate: /a.pem}").settings.items():
        assert settings.origins.keys() <= rows_by_attribute(table(file)).keys(), file
