"""Target profiles: two releases as data, and sites that differ from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from courier_compiler.profile import (
    LAYOUT_FIELDS,
    GroupLayout,
    Permissions,
    Profile,
    customised,
    expand,
    in_force,
    load_profile,
    profile_names,
    version,
)
from courier_compiler.settings_file import spelt
from courier_schema.legacy.table import rows, rows_by_name
from courier_schema.legacy.tables import FILES, table
from upstream.collect import Fact, read

UPSTREAM = Path(__file__).parent.parent / "upstream"
DEBIAN = load_profile("debian-12")
SOURCE = load_profile("upstream-2.0")
SAID_IN_PROSE_ONLY = {"SOURCE_ADDRESS_IPV6", "MYSQL_CHARACTER_SET"}
"""Settings without a line of their own in the files of Debian 12."""


def facts(release: str) -> list[Fact]:
    return read(UPSTREAM / f"{release}.names")


def test_there_is_a_profile_for_debian_and_one_for_the_source() -> None:
    assert profile_names() == ("debian-12", "upstream-2.0")


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no profile 'debian-11': write one of debian-12, upstream-2\.0"):
        load_profile("debian-11")


@pytest.mark.parametrize("release", ["debian-12", "upstream-2.0"])
def test_files_groups_and_revisions_are_those_of_the_release(release: str) -> None:
    listed: dict[str, list[tuple[str, str]]] = {}
    versions: dict[str, str] = {}
    for file, group, revision, name, _ in facts(release):
        if group == "-":
            versions[file] = name
        elif (group, revision) not in listed.setdefault(file, []):
            listed[file].append((group, revision))
    files = load_profile(release).files
    assert {file: layout.version_line for file, layout in files.items()} == versions
    assert {file: [(group.name, group.revision) for group in layout.groups] for file, layout in files.items()} == listed


@pytest.mark.parametrize("release", ["debian-12", "upstream-2.0"])
def test_the_settings_of_every_group_are_those_of_the_release(release: str) -> None:
    listed: dict[tuple[str, str], set[str]] = {}
    for file, group, _, name, _ in facts(release):
        if group != "-" and name != "-":
            listed.setdefault((file, group), set()).add(name)
    for file, layout in load_profile(release).files.items():
        for part in layout.groups:
            here = listed.get((file, part.name), set())
            assert set(part.settings) - SAID_IN_PROSE_ONLY == here - SAID_IN_PROSE_ONLY


@pytest.mark.parametrize("profile", [DEBIAN, SOURCE], ids=lambda profile: profile.name)
def test_every_setting_of_a_profile_is_in_the_catalogue(profile: Profile) -> None:
    for file, layout in profile.files.items():
        for group in layout.groups:
            assert not group.settings or set(group.settings) <= rows_by_name(table(file)).keys()


@pytest.mark.parametrize("profile", [DEBIAN, SOURCE], ids=lambda profile: profile.name)
def test_stock_values_are_settings_of_the_release_and_differ_from_upstream(profile: Profile) -> None:
    for file, values in profile.stock.items():
        names = {name for group in profile.files[file].groups for name in group.settings}
        assert values.keys() <= names
        for name in values:
            row = rows_by_name(table(file))[name]
            assert getattr(in_force(file, profile), row.attribute) != row.default


@pytest.mark.parametrize("file", [file for file in DEBIAN.files if file in FILES])
def test_values_in_force_are_those_that_debian_ships(file: str) -> None:
    shipped: dict[str, str] = {"sysconfdir": "/etc/courier"}
    for found, group, _, name, raw in facts("debian-12"):
        if found == file and group != "-" and raw:
            shipped[name] = _value(raw, shipped)
    ours = spelt(in_force(file, DEBIAN))
    for name, row in rows_by_name(table(file)).items():
        text = shipped.get(name, "")
        assert ours.get(name, "") == (row.codec.encode(row.codec.decode(text)) if text else ""), f"{file} {name}"


def _value(raw: str, earlier: dict[str, str]) -> str:
    """A shipped right-hand side as the shell reads it; the files have no more quoting than this."""
    inside = raw[1:-1] if raw.startswith('"') else raw
    return re.sub(r"\$\{?(\w+)\}?", lambda match: earlier.get(match[1], ""), inside.replace('\\"', '"'))


def test_a_layout_says_where_everything_is() -> None:
    assert DEBIAN.layout.sysconfdir == "/etc/courier"
    assert DEBIAN.layout.shellpath == "/usr/bin:/bin:/usr/bin:/usr/local/bin"
    assert SOURCE.layout.piddir == "/usr/lib/courier/var/tmp"
    for profile in (DEBIAN, SOURCE):
        assert not [name for name, value in profile.layout.values().items() if "${" in value]


def test_paths_follow_a_changed_prefix() -> None:
    moved = customised(SOURCE, {"prefix": "/opt/courier", "mailuser": "mail"})
    assert moved.layout.sysconfdir == "/opt/courier/etc"
    assert moved.layout.certsdir == "/opt/courier/share"
    assert moved.permissions("me") == Permissions("0644", "mail", "courier")
    assert moved.daemons["esmtpd"].start == "/opt/courier/sbin/esmtpd start"
    assert moved.files["esmtpd"].permissions == Permissions("0644", "mail", "courier")
    assert SOURCE.layout.sysconfdir == "/usr/lib/courier/etc"


def test_a_changed_profile_can_be_changed_again() -> None:
    once = customised(SOURCE, {"prefix": "/opt/courier"})
    assert customised(once, {"localstatedir": "/srv/courier"}).layout.piddir == "/srv/courier/tmp"
    assert customised(once, {"localstatedir": "/srv/courier"}).layout.sysconfdir == "/opt/courier/etc"


def test_a_profile_is_made_once_for_the_same_changes_and_never_for_none() -> None:
    assert customised(DEBIAN, {}) is DEBIAN
    assert customised(DEBIAN, DEBIAN.layout.values()) is DEBIAN
    assert customised(DEBIAN, {"prefix": "/opt"}) is customised(DEBIAN, {"prefix": "/opt"})


def test_what_is_said_stays_even_where_it_is_as_it_was_and_something_above_it_moves() -> None:
    said = {"prefix": "/opt/courier", "piddir": SOURCE.layout.piddir}
    assert customised(SOURCE, said).layout.piddir == SOURCE.layout.piddir


def test_database_library_and_release_may_be_said() -> None:
    other = customised(DEBIAN, {"database": "berkeley", "tls_library": "openssl", "courier": "1.1.1"})
    assert (other.database, other.tls_library, other.courier) == ("berkeley", "openssl", "1.1.1")
    assert other.name == "debian-12"


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("perfix", "/opt", "a profile has no 'perfix'"),
        ("database", "dbm", "write gdbm or berkeley"),
        ("tls_library", "nss", "write gnutls or openssl"),
        ("courier", "newest", "write numbers with dots"),
        ("prefix", "", "write it out"),
        ("prefix", "${prefix}/x", "write it out"),
    ],
)
def test_what_a_profile_cannot_be_is_refused(key: str, value: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=re.escape(remedy)):
        customised(DEBIAN, {key: value})


def test_every_layout_field_may_be_changed() -> None:
    for field in LAYOUT_FIELDS:
        assert getattr(customised(DEBIAN, {field: "/elsewhere"}).layout, field) == "/elsewhere"


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("esmtpd", Permissions("0644", "root", "root")),
        ("authdaemonrc", Permissions("0640", "root", "courier")),
        ("me", Permissions("0644", "root", "root")),
        ("aliases/", Permissions("0750", "root", "courier")),
        ("aliases/system", Permissions("0640", "root", "courier")),
        ("smtpaccess/", Permissions("0755", "root", "root")),
        ("smtpaccess/default", Permissions("0644", "root", "root")),
        ("esmtpauthclient", Permissions("0640", "root", "courier")),
        ("esmtpd.pem.mx.example.org", Permissions("0640", "root", "courier")),
        ("userdbshadow.dat", Permissions("0600", "root", "root")),
        ("aliases.dat", Permissions("0664", "root", "root")),
        ("hosteddomains.dat", Permissions("0644", "root", "root")),
        ("webadmin/password", Permissions("0600", "courier", "courier")),
    ],
)
def test_files_have_the_permissions_of_the_packages(path: str, mode: Permissions) -> None:
    assert DEBIAN.permissions(path) == mode


def test_daemons_have_commands_and_on_debian_a_unit() -> None:
    assert DEBIAN.daemons["imapd-ssl"].start == "/usr/sbin/imapd-ssl start"
    assert DEBIAN.daemons["imapd-ssl"].unit == "courier-imap-ssl.service"
    assert DEBIAN.daemons["webmlmd"].stop == "/usr/bin/webmlmd stop /etc/courier/webmlmrc"
    assert SOURCE.daemons["courierd"].unit == ""
    assert DEBIAN.daemons.keys() == SOURCE.daemons.keys()


def test_a_marker_is_written_as_courier_writes_it() -> None:
    assert GroupLayout("PORT", "1", ("PORT",)).marker == "##NAME: PORT:1"


def test_expansion_replaces_known_names_only() -> None:
    known = {"a": "1", "b": "${a}2"}
    assert expand("${b} ${c} $a $(a)", known) == "12 ${c} $a $(a)"


def test_releases_compare_as_numbers() -> None:
    assert version("1.0.16") > version("1.0.9") > version("0.80")


def test_a_fresh_installation_has_stock_values_over_defaults() -> None:
    esmtpd = in_force("esmtpd", DEBIAN)
    assert esmtpd.said()["ulimit"] == 32768
    assert esmtpd.said()["tcpdopts"] == ("-stderrlogger=/usr/sbin/courierlogger", "-noidentlookup")
    assert esmtpd.said()["pidfile"] == "/run/courier/esmtpd.pid"
    assert "tarpit" not in esmtpd.said()
    assert in_force("courierd", DEBIAN).said()["path"] == ("/usr/bin", "/bin", "/usr/bin", "/usr/local/bin")


def test_a_setting_that_the_release_lacks_is_not_assigned() -> None:
    assert in_force("imapd-ssl", DEBIAN).said()["tls_alpn"] is None
    assert "tls_alpn" not in in_force("imapd-ssl", SOURCE).said()
    assert in_force("esmtpd-msa", DEBIAN).said()["tarpit"] is None


def test_files_that_are_not_shipped_say_nothing_in_a_fresh_installation() -> None:
    assert in_force("control", DEBIAN).said() == {}
    assert in_force("bofh", SOURCE).said() == {}


def test_references_to_the_same_file_wait_for_its_values() -> None:
    assert in_force("webmlmrc", DEBIAN).said()["port"] == "/run/courier/webmlm"
    pidfile = rows_by_name(table("webmlmrc"))["PIDFILE"]
    assert getattr(in_force("webmlmrc", DEBIAN), pidfile.attribute) == "${PORT}.pid"


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_a_fresh_installation_can_be_spelt(file: str) -> None:
    for profile in (DEBIAN, SOURCE):
        for row, value in in_force(file, profile).items():
            assert value is None or isinstance(row.codec.encode(value), str)


def test_a_release_reads_what_is_neither_too_new_nor_too_old_nor_for_another_library() -> None:
    imapd_ssl, esmtpd, imapd, mysql = map(table, ("imapd-ssl", "esmtpd", "imapd", "authmysqlrc"))
    assert not DEBIAN.reads(imapd_ssl, rows_by_name(imapd_ssl)["TLS_ALPN"])
    assert SOURCE.reads(imapd_ssl, rows_by_name(imapd_ssl)["TLS_ALPN"])
    assert DEBIAN.reads(esmtpd, rows_by_name(esmtpd)["TLS_PRIORITY"])
    assert not SOURCE.reads(esmtpd, rows_by_name(esmtpd)["TLS_PRIORITY"])
    assert DEBIAN.reads(imapd, rows_by_name(imapd)["IMAP_ENHANCEDIDLE"])
    assert not SOURCE.reads(imapd, rows_by_name(imapd)["IMAP_ENHANCEDIDLE"])
    assert not SOURCE.reads(mysql, rows_by_name(mysql)["MYSQL_SSL_CIPHERS"])
    assert DEBIAN.reads(mysql, rows_by_name(mysql)["MYSQL_CHARACTER_SET"])


def test_every_row_belongs_to_a_release_or_to_a_file_that_is_not_shipped() -> None:
    shipped = {
        (file, name)
        for profile in (DEBIAN, SOURCE)
        for file, layout in profile.files.items()
        for group in layout.groups
        for name in group.settings
    }
    for file in FILES:
        cls = table(file)
        if file in SOURCE.files and not cls.overlays:
            assert {row.name for row in rows(cls)} == {name for found, name in shipped if found == file}
