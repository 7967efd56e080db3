"""The catalogue: complete, documented, and strict about what it takes."""

from __future__ import annotations

import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from courier_schema import docs
from courier_schema.docs import attribute_docs
from courier_schema.legacy import tables
from courier_schema.legacy.table import Row, Table, rows, rows_by_attribute, rows_by_name
from courier_schema.legacy.tables import FILES, table
from courier_schema.legacy.tables.authdaemon import OPTIONS
from courier_schema.legacy.tables.environment import (
    ACCESS_VARIABLES,
    ACCOUNT_OPTIONS,
    ENVIRONMENT,
    SET_BY_PROGRAMS,
    honoured,
)
from courier_schema.legacy.tables.history import FORMER_OPTIONS, HISTORICAL, former
from upstream.collect import read

UPSTREAM = Path(__file__).parent.parent / "upstream"
SAID_IN_PROSE_ONLY = {"SOURCE_ADDRESS_IPV6", "MYSQL_CHARACTER_SET", "TLS_PRIVATE_KEYFILE"}
"""Settings that Courier 1.0.16 reads without a line of their own in every file of Debian 12."""


def every_row() -> Iterator[tuple[type[Table], Row]]:
    return ((table(file), row) for file in FILES for row in rows(table(file)))


def named(release: str) -> dict[str, set[str]]:
    """File to names, as the facts of a release list them."""
    found: dict[str, set[str]] = {}
    for file, _, _, name, _ in read(UPSTREAM / f"{release}.names"):
        if name != "-" and not name.startswith("##"):
            found.setdefault(file, set()).add(name)
    return found


def test_the_registry_knows_every_table_of_the_package() -> None:
    found = set()
    for info in pkgutil.iter_modules(tables.__path__):
        module = import_module(f"{tables.__name__}.{info.name}")
        classes = (cls for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, Table))
        found |= {cls.file for cls in classes if cls.file}
    assert found == set(FILES)
    assert all(table(file).file == file for file in FILES)


def test_asking_for_one_file_imports_no_other_table() -> None:
    code = "from courier_schema.legacy.tables import table; table('courierd'); import sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "courier_schema.legacy.tables.courierd" in loaded
    assert "courier_schema.legacy.tables.imapd" not in loaded
    assert "courier_schema.legacy.tables.control" not in loaded


def test_every_row_has_a_sentence_that_ends() -> None:
    for cls, row in every_row():
        sentence = attribute_docs(cls).get(row.attribute, "")
        assert sentence.endswith("."), f"{cls.file} {row.name}: {sentence!r}"
        assert len(sentence) < 200, f"{cls.file} {row.name} is told at length"


def test_every_table_has_a_sentence() -> None:
    assert all((table(file).__doc__ or "").endswith(".") for file in FILES)


def test_every_default_is_a_value_that_its_own_row_accepts() -> None:
    for cls, row in every_row():
        if row.default is not None and "${" not in (text := row.codec.encode(row.default)):
            assert row.codec.decode(text) == row.default, f"{cls.file} {row.name}"


def test_names_are_unique_within_a_file() -> None:
    for file in FILES:
        assert len(rows_by_name(table(file))) == len(rows(table(file)))


def test_defaults_are_what_upstream_assigns_with_the_build_s_placeholders_by_name() -> None:
    for file, group, _, name, raw in read(UPSTREAM / "upstream-2.0.names"):
        if group == "-" or name == "-" or (file, name) in EXPANDED_FOR_EACH_USER:
            continue
        row = rows_by_name(table(file))[name]
        ours = "" if row.default is None else row.codec.encode(row.default)
        assert _comparable(row, ours) == _comparable(row, _literal(raw)), f"{file} {name}"


EXPANDED_FOR_EACH_USER = {("cone", "TLS_CACHEFILE")}


def _literal(raw: str) -> str:
    """A shipped value without its quotes, with references spelt as ours: @bindir@ and $NAME as ${bindir}, ${NAME}."""
    inside = raw[1:-1] if raw[:1] in {'"', "'"} and raw[:1] == raw[-1:] else raw
    text = re.sub(r"@(\w+)@", lambda match: f"${{{match[1].lower()}}}", inside.replace('\\"', '"'))
    return text if raw.startswith("'") else re.sub(r"\$(\w+)", r"${\1}", text)


def _comparable(row: Row, text: str) -> object:
    """Text as its words, because spaces after commas and around words mean nothing; TLS_PROTOCOL unset is empty."""
    return [] if text == "${TLS_PROTOCOL}" else re.split(r"[\s,']+", text.strip("'")) if text else []


@pytest.mark.parametrize("release", ["debian-12", "upstream-2.0"])
def test_every_name_of_the_release_is_in_the_catalogue(release: str) -> None:
    for file, names in named(release).items():
        assert names <= rows_by_name(table(file)).keys(), f"{file} lacks {names - rows_by_name(table(file)).keys()}"


@pytest.mark.parametrize(
    ("release", "courier", "authlib"), [("debian-12", (1, 0), (0, 71)), ("upstream-2.0", (2, 0), (0, 73))]
)
def test_the_catalogue_has_no_name_that_the_release_lacks(
    release: str, courier: tuple[int, ...], authlib: tuple[int, ...]
) -> None:
    for file, names in named(release).items():
        cls = table(file)
        version = authlib if cls.directory == "authdir" else courier
        inherited = rows_by_name(cls.overlays).keys() if cls.overlays else set()
        for row in rows(cls):
            is_later = bool(row.since) and _version(row.since) > version
            is_gone = bool(row.until) and _version(row.until) <= version
            if not (is_later or is_gone):
                assert row.name in names | inherited | SAID_IN_PROSE_ONLY, f"{file} {row.name}"


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")[:2]))


def test_releases_are_written_as_numbers() -> None:
    for cls, row in every_row():
        assert re.fullmatch(r"(\d+(\.\d+)*)?", row.since), f"{cls.file} {row.name}"
        assert re.fullmatch(r"(\d+(\.\d+)*)?", row.until), f"{cls.file} {row.name}"


def test_passwords_are_secret() -> None:
    secret = {row.name for _, row in every_row() if row.secret}
    assert secret == {"LDAP_BINDPW", "MYSQL_PASSWORD", "PGSQL_CONNECTION", "webadmin/password"}


def test_rows_that_may_stay_unassigned_say_what_happens_then() -> None:
    silent = [f"{cls.file} {row.name}" for cls, row in every_row() if row.optional and not (row.absent or row.internal)]
    assert [name for name in silent if not rows_by_name(table(name.split()[0]))[name.split()[1]].unread] == []


def test_what_starts_a_listener_cannot_be_left_out() -> None:
    needed = {"PORT", "PIDFILE", "MAXDAEMONS", "MAXPERIP", "SSLPORT", "SSLADDRESS", "SSLPIDFILE", "MAXPERC", "MAILUSER"}
    for file in ("esmtpd", "esmtpd-msa", "esmtpd-ssl", "imapd", "imapd-ssl", "pop3d", "pop3d-ssl"):
        assert [row.name for row in rows(table(file)) if row.name in needed and row.optional] == []


def test_a_companion_file_may_say_anew_whatever_esmtpd_says() -> None:
    for file in ("esmtpd-msa", "esmtpd-ssl"):
        assert rows_by_name(table("esmtpd")).keys() <= rows_by_name(table(file)).keys()
        assert table(file).overlays is table("esmtpd")


@pytest.mark.parametrize(
    ("file", "name", "said", "remedy"),
    [
        ("esmtpd", "BOFHCHECKDNS", "yes", "write true"),
        ("esmtpd", "ESMTPDSTART", "YES", "write true"),
        ("esmtpd", "MAXDAEMONS", 0, "out of range"),
        ("esmtpd", "NOADDRREWRITE", 3, "write one of 0, 1, 2"),
        ("esmtpd", "ESMTPAUTH", "CRAM-MD6", "write some of PLAIN, LOGIN, CRAM-MD5"),
        ("esmtpd", "TLS_VERIFYPEER", "none", "write one of NONE, PEER, REQUIREPEER"),
        ("esmtpd", "TLS_PROTOCOL", "TLSv1.3", "write one of TLSv1"),
        ("esmtpd", "TCPDOPTS", "-nodnslokup", "write some of"),
        ("esmtpd", "BLACKLISTS", "zen.example.org", "write some of -block, -allow"),
        ("esmtpd", "ACCESSFILE", "/etc/my access", "a start script reads it twice"),
        ("esmtpd", "MAILUSER", "two words", "as the system spells it"),
        ("courierd", "DSNNOTIFY", "X", "write some of N, S, F, D"),
        ("courierd", "ESMTP_BLOCKBACKSCATTER", "smtp", "write some of smtp/dsn"),
        ("courierd", "SOURCE_ADDRESS", "mx", "is not an IP address"),
        ("courierd", "DEFAULTDELIVERY", "# comment", "one instruction a line"),
        ("courierd", "MAILDROPDEFAULT", "Maildir", "begin it with ./"),
        ("imapd", "IMAP_UMASK", "9", "octal digits"),
        ("imapd", "IMAP_EMPTYTRASH", {"Trash": "soon"}, "cannot read 'soon'"),
        ("imapd", "OUTBOX", "Outbox", "begin it with a dot"),
        ("imapd", "PORT", "143 993", "is not a port"),
        ("imapd", "DEFDOMAIN", "example.com", "begin with the separator"),
        ("imapd", "IMAP_ID_FIELDS", 8, "write 0 to 7"),
        ("authdaemonrc", "authmodulelist", "authuserbd", "write some of authuserdb"),
        ("authdaemonrc", "DEFAULTOPTIONS", {"disableimaps": True}, "write some of disableimap"),
        ("authdaemonrc", "DEFAULTOPTIONS", {"group": "a#b"}, "cannot read 'a#b'"),
        ("authldaprc", "LDAP_URI", "ldap.example.com", "begin it with ldap://"),
        ("authldaprc", "LDAP_FILTER", "objectClass=x", "put it in parentheses"),
        ("authldaprc", "LDAP_BASEDN", "example.com", "write attribute=value"),
        ("authmysqlrc", "MYSQL_PASSWORD", "hush ", "no blank at either end"),
        ("authldaprc", "LDAP_BINDPW", "hush\\", "no backslash at the end"),
        ("module.local", "MAXRCPT", 2, "write 1 to 1"),
        ("module.fax", "MAXDELS", 2, "write 1 to 1"),
        ("bofh", "BOFHSPFHELO", "passed", "write some of off, none"),
        ("bofh", "BOFHHEADERLIMIT", 10, "out of range: write 1000"),
        ("control", "queuetime", "1 week", "such as 90s or 1w2d"),
        ("control", "me", "mx example", "letters, digits, dots and hyphens"),
        ("control", "me", "m" * 300, "letters, digits, dots and hyphens"),
        ("control", "enablefiltering", "smtp", "write some of esmtp, local, uucp"),
        ("control", "filters/ratefilter-interval", 30, "out of range: write 60"),
        ("control", "autoresponsesquota", "100C", "write C with a number of replies"),
        ("webmlmrc", "LISTS", "lists/a", "write an absolute path"),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_that_teaches(file: str, name: str, said: object, remedy: str) -> None:
    row = rows_by_name(table(file))[name]
    with pytest.raises(ValueError, match=re.escape(remedy)):
        row.codec.accept(said)


def test_a_name_of_the_past_is_found_by_file() -> None:
    found = former("esmtpd", "AUTHMODULES")
    assert found is not None
    assert found.successor == "authmodulelist in authdaemonrc"
    assert former("courierd", "AUTHMODULES") is None


def test_no_name_of_the_past_is_in_force_where_it_is_past() -> None:
    for entry in HISTORICAL:
        for file in entry.files:
            row = rows_by_name(table(file)).get(entry.name)
            assert row is None or row.until, f"{file} {entry.name}"
            assert honoured(file, entry.name) is None


def test_the_option_that_keeps_newer_listeners_from_starting_is_known() -> None:
    assert FORMER_OPTIONS == {"-noidentlookup": "1.3.9"}


def test_variables_outside_the_catalogue_are_outside_the_catalogue() -> None:
    for variable in ENVIRONMENT:
        for file in variable.files:
            assert variable.name not in rows_by_name(table(file)), f"{file} {variable.name}"
        assert variable.name not in SET_BY_PROGRAMS


def test_a_variable_is_honoured_in_its_files_only() -> None:
    assert honoured("courierd", "DSNDEFAULTNOTIFYDELAY") is not None
    assert honoured("imapd", "DSNDEFAULTNOTIFYDELAY") is None
    assert honoured("esmtpd", "TYPO") is None


def test_any_port_may_have_a_service_name_of_its_own() -> None:
    found = honoured("pop3d", "AUTHSERVICE1110")
    assert found is not None
    assert found.absent == "pop3"
    assert honoured("esmtpd", "AUTHSERVICE1110") is None


def test_account_options_are_what_default_options_take() -> None:
    assert tuple(option.name for option in ACCOUNT_OPTIONS) == OPTIONS


def test_access_lists_know_the_variables_of_relaying_and_limits() -> None:
    assert {"RELAYCLIENT", "BLOCK", "MAXCPERIP", "AUTH_REQUIRED", "DEFDOMAIN"} <= set(ACCESS_VARIABLES)


def test_the_sentences_of_an_attribute_are_those_of_the_most_derived_class() -> None:
    sentences = attribute_docs(table("courierd"))
    assert "relays that ask for one" in sentences["tls_certfile"]
    assert sentences["tls_priority"].startswith("GnuTLS priority string")


def test_the_rows_of_control_files_are_named_after_the_files() -> None:
    known = rows_by_attribute(table("control"))
    assert known["queuetime"].name == "queuetime"
    assert known["filters_perlfilter_mode"].name == "filters/perlfilter-mode"


def test_a_build_without_sources_loses_the_sentences_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr(inspect, "getsource", gone)
    docs._module_docs.cache_clear()
    assert attribute_docs(table("esmtpd")) == {}
    docs._module_docs.cache_clear()
